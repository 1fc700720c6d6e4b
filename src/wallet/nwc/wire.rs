//! The way to the wallet and back: requests go out, answers are matched to them, and what the wallet tells by itself is
//! passed on.
//!
//! No relay's OK is waited for: requests are ephemeral and some relays never confirm those. The wallet's answer is what
//! counts, and it would be lost if it came before the relay listened for us; so nothing is asked before it does.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::{Event, EventBuilder, EventId, Filter, Keys, Kind, PublicKey, Tag, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::cipher::Cipher;
use super::connection::Connection;
use super::info::{Info, Known};
use super::reply::{self, Refusal, Reply};
use crate::clock::Clock;
use crate::domain::relay::RelayState;
use crate::relay::{LinkOptions, NostrRelays, RelayError, RelayLink as _, RelayNews, SubscriptionName};

const ANSWERS: SubscriptionName = SubscriptionName("nwc");
const INFO: SubscriptionName = SubscriptionName("nwc-info");
/// Notifications to wallets that know NIP-44; `WalletConnectNotification` is the older, NIP-04 one.
const NOTIFICATION: u16 = 23_197;
/// The largest event that is read. A list of 20 payments has some ten thousand bytes.
const MAX_EVENT: usize = 256 * 1024;
/// How far back a relay is asked for answers, as clocks differ.
const LOOK_BACK_SECS: u64 = 3600;
/// How much longer than we wait a request may be answered, as clocks differ.
const GRACE_SECS: u64 = 30;

/// What the wallet or a relay tells by itself.
#[derive(Debug)]
pub enum Notice {
    /// The inside of a notification.
    Told(Value),
    /// A relay has begun to listen for us: something may have been missed before.
    Listening,
    /// A relay came or went.
    Relays,
}

/// A request that has no good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskError {
    /// It surely never left.
    NotSent(String),
    /// It left, and nobody knows what became of it.
    Silent(String),
    Refused(Refusal),
    Closed,
}

/// Connection, open questions, and what is known of the other end.
pub struct Wire {
    link: NostrRelays,
    keys: Keys,
    wallet: PublicKey,
    clock: Clock,
    answer: Duration,
    waiting: Mutex<HashMap<EventId, oneshot::Sender<Option<Reply>>>>,
    /// The relays that listen for us.
    listening: watch::Sender<BTreeSet<String>>,
    known: watch::Sender<Known>,
    /// What the wallet seems to use, where its info event does not say.
    guess: Mutex<Cipher>,
    token: CancellationToken,
}

/// A request on its way. Forgotten when it is dropped.
pub struct Question {
    wire: Arc<Wire>,
    id: EventId,
    answer: oneshot::Receiver<Option<Reply>>,
}

impl Wire {
    /// A wire that is not connected yet, and the news of its relays. `answer` is how long an answer may take.
    pub fn new(
        connection: &Connection,
        clock: Clock,
        answer: Duration,
        retry: Duration,
        token: CancellationToken,
    ) -> Result<(Arc<Self>, mpsc::Receiver<RelayNews>), RelayError> {
        let client = crate::net::http_client().map_err(|error| RelayError::Pool(error.to_string()))?;
        let options = LinkOptions::new(connection.relays().to_vec(), MAX_EVENT, connection.keys().clone(), client);
        let (link, news) = NostrRelays::new(LinkOptions { retry, clock: clock.clone(), ..options })?;
        let wire = Self {
            link,
            keys: connection.keys().clone(),
            wallet: connection.wallet_key(),
            clock,
            answer,
            waiting: Mutex::default(),
            listening: watch::Sender::default(),
            known: watch::Sender::new(Known::NotYet),
            guess: Mutex::new(Cipher::Nip04),
            token,
        };
        Ok((Arc::new(wire), news))
    }

    /// Connects and listens.
    pub async fn connect(&self) -> Result<(), RelayError> {
        let kinds = [Kind::WalletConnectResponse, Kind::WalletConnectNotification, Kind::from(NOTIFICATION)];
        let since = Timestamp::from(self.clock.now().as_secs().saturating_sub(LOOK_BACK_SECS));
        // Not only those that name us: some wallets leave the `p` tag out. What is for others cannot be read and is let go.
        let answers = Filter::new().kinds(kinds).author(self.wallet).since(since);
        // First the info, so that it is known once a relay listens for answers.
        self.link.subscribe(INFO, Filter::new().kind(Kind::WalletConnectInfo).author(self.wallet).limit(1)).await?;
        self.link.subscribe(ANSWERS, answers).await?;
        self.link.connect().await;
        Ok(())
    }

    /// Hears what the relays bring until the wire ends.
    pub async fn listen(self: Arc<Self>, mut news: mpsc::Receiver<RelayNews>, notices: mpsc::Sender<Notice>) {
        loop {
            let heard = tokio::select! {
                () = self.token.cancelled() => return,
                heard = news.recv() => heard,
            };
            let notice = match heard {
                Some(RelayNews::Event { event, .. }) => self.hear(&event),
                Some(RelayNews::EndOfStored { subscription: INFO, .. }) => {
                    self.known
                        .send_if_modified(|known| *known == Known::NotYet && std::mem::replace(known, Known::Missing) == Known::NotYet);
                    None
                }
                Some(RelayNews::EndOfStored { relay, .. }) => {
                    self.listening.send_modify(|relays| _ = relays.insert(relay));
                    Some(Notice::Listening)
                }
                Some(RelayNews::Health(health)) => {
                    let connected = health.state == RelayState::Connected;
                    let gone = self.listening.send_if_modified(|relays| !connected && relays.remove(&health.url));
                    gone.then_some(Notice::Relays)
                }
                None => return,
            };
            // Whoever cannot keep up misses news, and finds them by asking; answers must not wait behind them.
            if let Some(notice) = notice
                && notices.try_send(notice).is_err()
            {
                tracing::debug!("A wallet's news was dropped: too many are waiting.");
            }
        }
    }

    fn hear(&self, event: &Event) -> Option<Notice> {
        if event.pubkey != self.wallet {
            return None;
        }
        if event.kind == Kind::WalletConnectInfo {
            self.known.send_replace(Known::Found(Info::read(event)));
            return None;
        }
        let plain = Cipher::decrypt(&self.keys, &self.wallet, &event.content);
        if event.kind != Kind::WalletConnectResponse {
            let told = plain.and_then(|(_, text)| serde_json::from_str(&text).ok());
            return told.map(Notice::Told);
        }
        // Nobody waits any more, or it was answered before.
        let asked = event.tags.event_ids().find_map(|id| self.waiting().remove(id))?;
        if let Some((cipher, _)) = &plain {
            *self.guess() = *cipher;
        }
        let reply = plain.and_then(|(_, text)| reply::read(&text));
        let _ = asked.send(reply);
        None
    }

    /// Sends a request. Waits until a relay listens for the answer.
    pub async fn begin(self: &Arc<Self>, method: &'static str, params: Value) -> Result<Question, AskError> {
        self.ready(self.answer).await?;
        let not_sent = |why: &str| AskError::NotSent(why.to_owned());
        let cipher = self.cipher();
        let text = json!({ "method": method, "params": params }).to_string();
        let content = cipher.encrypt(&self.keys, &self.wallet, &text).ok_or_else(|| not_sent("the wallet's public key is none"))?;
        let now = self.clock.now().as_secs();
        let until = now.saturating_add(self.answer.as_secs()).saturating_add(GRACE_SECS);
        let mut tags = vec![Tag::public_key(self.wallet), Tag::expiration(Timestamp::from(until))];
        if cipher == Cipher::Nip44 {
            tags.extend(Tag::parse(["encryption", cipher.as_str()]).ok());
        }
        let event = EventBuilder::new(Kind::WalletConnectRequest, content).tags(tags).custom_created_at(Timestamp::from(now));
        let event = event.sign_with_keys(&self.keys).map_err(|_| not_sent("it could not be signed"))?;
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(event.id, sender);
        let question = Question { wire: Arc::clone(self), id: event.id, answer };
        let outcomes: Vec<_> = self.link.publish(event, Vec::new()).collect().await;
        let words = outcomes.iter().map(|published| match &published.outcome {
            Ok(()) => None,
            Err(words) => Some(format!("{}: {words}", published.relay)),
        });
        match words.collect::<Option<Vec<_>>>() {
            Some(words) => Err(AskError::NotSent(words.join("; "))),
            None => Ok(question),
        }
    }

    /// Asks and waits for the answer. Not for payments: what became of one has to be known even if it is late.
    pub async fn ask(self: &Arc<Self>, method: &'static str, params: Value) -> Result<Value, AskError> {
        let first = self.ask_once(method, params.clone()).await;
        match first {
            Err(AskError::Refused(refusal)) if refusal.is_wrong_cipher() => {
                let other = self.cipher().other();
                *self.guess() = other;
                self.known.send_modify(|known| {
                    if let Known::Found(info) = known {
                        info.cipher = other;
                    }
                });
                self.ask_once(method, params).await
            }
            Err(AskError::Silent(why)) if *self.known.borrow() == Known::Missing => {
                // Perhaps it could not read that: the next one is tried with the other cipher.
                let mut guess = self.guess();
                *guess = guess.other();
                Err(AskError::Silent(why))
            }
            answer => answer,
        }
    }

    async fn ask_once(self: &Arc<Self>, method: &'static str, params: Value) -> Result<Value, AskError> {
        let until = tokio::time::Instant::now() + self.answer;
        let mut question = self.begin(method, params).await?;
        match tokio::time::timeout_at(until, question.answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Silent(format!("no answer to {method} within {} s", self.answer.as_secs().max(1)))),
        }
    }

    /// Waits until a relay listens for us and has said what it knows of the wallet.
    pub async fn ready(&self, patience: Duration) -> Result<(), AskError> {
        let (mut listening, mut known) = (self.listening.subscribe(), self.known.subscribe());
        let ready = async {
            // The senders live as long as we do.
            let _ = listening.wait_for(|relays| !relays.is_empty()).await;
            let _ = known.wait_for(|known| *known != Known::NotYet).await;
        };
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(AskError::Closed),
            () = ready => Ok(()),
            () = tokio::time::sleep(patience) => Err(AskError::NotSent(self.trouble())),
        }
    }

    fn cipher(&self) -> Cipher {
        match &*self.known.borrow() {
            Known::Found(info) => info.cipher,
            Known::NotYet | Known::Missing => *self.guess(),
        }
    }

    /// Whether the wallet has said that it tells of payments.
    pub fn notifies(&self) -> bool {
        matches!(&*self.known.borrow(), Known::Found(info) if info.notifies)
    }

    /// Why no relay listens for us.
    fn trouble(&self) -> String {
        let words = |relay: crate::domain::relay::RelayHealth| {
            let why = relay.last_error.unwrap_or_else(|| "it does not answer".to_owned());
            format!("{}: {why}", relay.url)
        };
        format!("no relay of the wallet can be used ({})", self.link.health().into_iter().map(words).collect::<Vec<_>>().join("; "))
    }

    /// Lets go of the relays.
    pub async fn close(&self) {
        self.link.close().await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<EventId, oneshot::Sender<Option<Reply>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guess(&self) -> std::sync::MutexGuard<'_, Cipher> {
        self.guess.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// Waits for the answer, however long it takes. Once it has come, there is no other.
    pub async fn answer(&mut self) -> Result<Value, AskError> {
        let token = self.wire.token.clone();
        tokio::select! {
            () = token.cancelled() => Err(AskError::Closed),
            answer = &mut self.answer => match answer {
                Ok(Some(Ok(value))) => Ok(value),
                Ok(Some(Err(refusal))) => Err(AskError::Refused(refusal)),
                Ok(None) | Err(_) => Err(AskError::Silent("its answer cannot be read".to_owned())),
            },
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.wire.waiting().remove(&self.id);
    }
}
