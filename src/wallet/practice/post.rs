//! The wallet at work: it hears what other wallets say, answers them, and asks payees until they answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::Keys;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::behaviour::{Chaos, Roll};
use super::book::{Book, Outgoing};
use super::fact::{Attempt, Fact, Key};
use super::message::{self, Message, Refusal};
use super::{OpenError, PracticeOptions};
use crate::clock::Clock;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::relay::RelayState;
use crate::domain::time::UnixMs;
use crate::relay::{LinkOptions, NostrRelays, RelayError, RelayLink as _, RelayNews, SubscriptionName};
use crate::wallet::records::Records;
use crate::wallet::{SyncState, WalletError, WalletEvent};

const SUBSCRIPTION: SubscriptionName = SubscriptionName("practice-wallet");
/// The largest event a wallet reads; its own have a few hundred bytes.
const MAX_EVENT: usize = 16 * 1024;
/// The first pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(500);
/// The longest pause before a payee is asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A decision about the book.
pub type Decision<T> = crate::wallet::records::Decision<Fact, T>;

/// A wallet's records, its way to the others, and its tasks.
pub struct Post {
    pub records: Records<Book>,
    pub chaos: Arc<Chaos>,
    pub keys: Keys,
    pub clock: Clock,
    pub patience: Duration,
    pub tracker: TaskTracker,
    pub token: CancellationToken,
    link: NostrRelays,
    retry: Duration,
    /// Counts how often the relay has begun to listen for us; an answer to a question before the first would be lost.
    listening: watch::Sender<u64>,
    /// What is on its way in and waits for its time.
    held: Mutex<HashMap<Attempt, MilliSats>>,
}

impl Post {
    /// Connects, listens, and goes on with what is pending.
    pub async fn open(records: Records<Book>, keys: Keys, chaos: Arc<Chaos>, options: &PracticeOptions) -> Result<Arc<Self>, OpenError> {
        let client = crate::net::http_client().map_err(|error| RelayError::Pool(error.to_string()))?;
        let relays = LinkOptions::new(vec![options.relay.clone()], MAX_EVENT, keys.clone(), client);
        let (link, news) = NostrRelays::new(LinkOptions { retry: RECONNECT, clock: options.clock.clone(), ..relays })?;
        let post = Arc::new(Self {
            records,
            chaos,
            keys,
            clock: options.clock.clone(),
            patience: options.patience,
            tracker: TaskTracker::new(),
            token: CancellationToken::new(),
            link,
            retry: options.retry,
            listening: watch::Sender::new(0),
            held: Mutex::default(),
        });
        post.link.subscribe(SUBSCRIPTION, message::filter(post.keys.public_key())).await?;
        post.link.connect().await;
        post.tracker.spawn(Arc::clone(&post).listen(news));
        for key in post.records.read(Book::pending) {
            post.tracker.spawn(Arc::clone(&post).deliver(key));
        }
        Ok(post)
    }

    pub fn me(&self) -> Pubkey {
        Pubkey(self.keys.public_key().to_bytes())
    }

    /// Decides and writes, off the async threads. Once begun it runs to its end, whoever stops waiting for it.
    pub async fn transact<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&Book) -> Result<Decision<T>, WalletError> + Send + 'static,
    ) -> Result<T, WalletError> {
        let post = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || post.records.transact(decide)).await;
        written.unwrap_or_else(|error| Err(WalletError::Unknown(error.to_string())))
    }

    /// Says goodbye. Facts that are being written are written.
    pub async fn close(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.link.close().await;
        self.records.close();
    }

    /// Whether others can be reached.
    pub fn sync(&self) -> SyncState {
        let states = self.link.health();
        match states.first() {
            Some(relay) if relay.state == RelayState::Connected => SyncState::Synced,
            Some(relay) if relay.state == RelayState::Connecting => SyncState::Syncing,
            Some(relay) => {
                let words = relay.last_error.as_deref().unwrap_or("not connected");
                SyncState::Unreachable { reason: format!("the practice relay cannot be reached: {words}") }
            }
            None => SyncState::Unreachable { reason: "there is no practice relay".to_owned() },
        }
    }

    /// The sum of what is on its way in by this book.
    pub fn held(&self, book: &Book) -> MilliSats {
        let held = self.lock();
        // Two may try to pay one invoice, and what is settled is not on its way any more.
        let open: HashMap<PaymentHash, u64> = held
            .iter()
            .filter(|(attempt, _)| book.issued(&attempt.hash).is_some_and(|issued| issued.credit.is_none()))
            .map(|(attempt, amount)| (attempt.hash, amount.0))
            .collect();
        MilliSats(open.values().fold(0, |sum, amount| sum.saturating_add(*amount)))
    }

    async fn listen(self: Arc<Self>, mut news: mpsc::Receiver<RelayNews>) {
        let mut reachable = None;
        loop {
            let heard = tokio::select! {
                () = self.token.cancelled() => return,
                heard = news.recv() => heard,
            };
            match heard {
                Some(RelayNews::Event { event, .. }) => match message::read(&self.keys, &event) {
                    Some((from, message)) => self.hear(from, message).await,
                    None => tracing::debug!(id = %event.id, "An event is nothing a practice wallet says; it is left alone."),
                },
                Some(RelayNews::EndOfStored { .. }) => self.listening.send_modify(|count| *count += 1),
                Some(RelayNews::Health(health)) => {
                    if reachable.replace(health.state) != Some(health.state) {
                        self.records.tell(WalletEvent::Changed);
                    }
                }
                None => return,
            }
        }
    }

    async fn hear(self: &Arc<Self>, from: Pubkey, message: Message) {
        match message {
            Message::Pay { hash, key, amount } => {
                let attempt = Attempt { hash, payer: from, key };
                // A copy of what is being looked at gets the answer to that one.
                if self.lock().insert(attempt, amount).is_none() {
                    self.tracker.spawn(Arc::clone(self).take(attempt, amount));
                }
            }
            Message::Paid { hash, key, preimage } => {
                let now = self.clock.now();
                let fact = Fact::Debited { key, preimage, at: now };
                self.conclude(from, hash, key, fact).await;
            }
            Message::Refused { hash, key, reason } => {
                let fact = Fact::Failed { key, reason: reason.as_str().to_owned(), at: self.clock.now() };
                self.conclude(from, hash, key, fact).await;
            }
        }
    }

    /// As payee: judges a payment, writes it down and answers.
    async fn take(self: Arc<Self>, attempt: Attempt, amount: MilliSats) {
        let delay = self.chaos.delay();
        if !delay.is_zero() {
            self.records.tell(WalletEvent::Changed);
            tokio::select! {
                () = self.token.cancelled() => return,
                () = tokio::time::sleep(delay) => {}
            }
        }
        let (clock, chaos) = (self.clock.clone(), Arc::clone(&self.chaos));
        let judged = self.transact(move |book| Ok(judge(book, attempt, amount, clock.now(), &chaos))).await;
        self.lock().remove(&attempt);
        match judged {
            Ok(_) if self.chaos.falls(Roll::LoseReply) => {}
            Ok(answer) => self.say(attempt.payer, &answer).await,
            // Unanswered, the payer asks again, and what is on the records then decides.
            Err(error) => tracing::error!(hash = %attempt.hash, "A practice payment was not taken: {error}."),
        }
    }

    /// As payer: ends a pending payment as the payee says. Anybody else's words, and words about one that has ended, change
    /// nothing.
    async fn conclude(self: &Arc<Self>, from: Pubkey, hash: PaymentHash, key: Key, fact: Fact) {
        let concluded = self.transact(move |book| {
            let is_ours = |outgoing: &Outgoing| outgoing.payee == from && outgoing.hash == hash;
            let open = book.outgoing(&key).is_some_and(|outgoing| outgoing.is_pending() && is_ours(outgoing));
            Ok(Decision { fact: open.then_some(fact), answer: () })
        });
        match concluded.await {
            Ok(()) | Err(WalletError::Closed) => {}
            Err(error) => tracing::error!(%hash, "An answer to a practice payment is left alone: {error}."),
        }
    }

    /// As payer: asks the payee until it answers.
    pub async fn deliver(self: Arc<Self>, key: Key) {
        let mut listening = self.listening.subscribe();
        let mut pause = self.retry;
        loop {
            let pending = |book: &Book| {
                let outgoing = book.outgoing(&key).filter(|outgoing| outgoing.is_pending())?;
                Some((outgoing.payee, Message::Pay { hash: outgoing.hash, key, amount: outgoing.amount }))
            };
            let Some((payee, pay)) = self.records.read(pending) else { return };
            if *listening.borrow_and_update() > 0 {
                self.say(payee, &pay).await;
            }
            tokio::select! {
                () = self.token.cancelled() => return,
                () = self.ended(key) => return,
                // The relay was away and is back.
                _ = listening.changed() => pause = self.retry,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Waits until this payment is pending no more.
    pub async fn ended(&self, key: Key) {
        let mut changes = self.records.changes();
        while self.records.read(|book| book.outgoing(&key).is_some_and(|outgoing| outgoing.is_pending())) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends a message, perhaps twice. What is lost is asked for again.
    async fn say(&self, to: Pubkey, message: &Message) {
        let copies = if self.chaos.falls(Roll::DuplicateMessage) { 2 } else { 1 };
        for _ in 0..copies {
            let Some(event) = message::write(&self.keys, to, message, self.clock.now()) else {
                tracing::error!(%to, "A practice wallet cannot be written to: its key is none.");
                return;
            };
            let mut outcomes = self.link.publish(event, Vec::new());
            while let Some(published) = outcomes.next().await {
                if let Err(words) = published.outcome {
                    tracing::debug!(relay = %published.relay, "A practice wallet's message was not sent: {words}.");
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Attempt, MilliSats>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a payee answers, and what it writes down first. Whatever is answered once is answered for ever.
fn judge(book: &Book, attempt: Attempt, amount: MilliSats, now: UnixMs, chaos: &Chaos) -> Decision<Message> {
    let Attempt { hash, key, .. } = attempt;
    let refuse = |reason, fact| Decision { fact, answer: Message::Refused { hash, key, reason } };
    let Some(issued) = book.issued(&hash) else { return refuse(Refusal::Unknown, None) };
    let paid = Message::Paid { hash, key, preimage: issued.preimage };
    if let Some(credit) = &issued.credit {
        return match credit.attempt == attempt {
            true => Decision { fact: None, answer: paid },
            false => refuse(Refusal::Paid, None),
        };
    }
    if issued.amount != amount {
        return refuse(Refusal::Amount, None);
    }
    if issued.refused(&attempt) {
        return refuse(Refusal::Unwilling, None);
    }
    if issued.lapsed {
        return refuse(Refusal::Expired, None);
    }
    let late = issued.expires_at <= now;
    if late && !chaos.takes_late() {
        return refuse(Refusal::Expired, Some(Fact::Lapsed { hash, at: now }));
    }
    if chaos.falls(Roll::Refuse) || !book.has_room(amount) {
        return refuse(Refusal::Unwilling, Some(Fact::Refused { attempt, at: now }));
    }
    Decision { fact: Some(Fact::Credited { attempt, late, at: now }), answer: paid }
}
