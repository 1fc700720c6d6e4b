//! The buying side with relays that say what they are told to: what it asks them, sends them and makes of what they send.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt as _};
use futures_util::{FutureExt as _, stream};
use nostr::{EventBuilder, EventId, Filter, Keys, Kind, Tag};
use tokio::sync::broadcast;

use super::*;
use crate::config::{Environment, Paths};
use crate::domain::ids::PaymentHash;
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::relay::{Published, RelayHealth};
use crate::identity::{Replace, WordCount};
use crate::nip90::cancel;
use crate::node::event::Report;
use crate::node::ledger_watch::LedgerAlarm;
use crate::node::options::Housing;
use crate::node::status::{Board, NodeStatus};
use crate::node::wake::NoWake;
use crate::relay::{RelayError, SubscriptionName};
use crate::store::{Offer, Purpose, Spend, StoreOptions};

/// Everything here happens at once; this is for a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);
const PRICE: MilliSats = MilliSats(3_000);
const WIDE: Limits = Limits {
    per_payment: Sats(1_000),
    per_request: Sats(1_000),
    per_day: Sats(1_000),
    per_payee_day: Sats(1_000),
    fee_percent: 1,
    fee_floor: Sats(10),
};

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {} s for {what}", PATIENCE.as_secs()))
}

/// What the consumer does with its relays.
#[derive(Debug)]
enum Done {
    Asked(Filter),
    Unasked,
    Sent(Event),
    /// It no longer waits for what the relays say to what it sent.
    LetGo,
}

/// Relays that write down what they are asked, and say nothing, or that they have taken what was sent.
struct Relays {
    done: mpsc::UnboundedSender<Done>,
    are_silent: bool,
    forgotten: Mutex<Vec<EventId>>,
}

/// Told when a publication is given up.
struct Waiting(mpsc::UnboundedSender<Done>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.send(Done::LetGo);
    }
}

impl RelayLink for Relays {
    fn connect(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn set_relays(&self, _: Vec<String>) -> BoxFuture<'_, Result<(), RelayError>> {
        std::future::ready(Ok(())).boxed()
    }

    fn publish(&self, event: Event, _: Vec<String>) -> BoxStream<'static, Published> {
        self.done.send(Done::Sent(event)).unwrap();
        if !self.are_silent {
            return stream::iter([Published { relay: "wss://relay".into(), outcome: Ok(()) }]).boxed();
        }
        let waiting = Waiting(self.done.clone());
        stream::once(async move {
            let _waiting = waiting;
            std::future::pending().await
        })
        .boxed()
    }

    fn subscribe(&self, _: SubscriptionName, filter: Filter) -> BoxFuture<'_, Result<(), RelayError>> {
        self.done.send(Done::Asked(filter)).unwrap();
        std::future::ready(Ok(())).boxed()
    }

    fn unsubscribe(&self, _: SubscriptionName) -> BoxFuture<'_, ()> {
        self.done.send(Done::Unasked).unwrap();
        std::future::ready(()).boxed()
    }

    fn move_since(&self, _: SubscriptionName, _: u64) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn forget(&self, event: &Event) {
        self.forgotten.lock().unwrap().push(event.id);
    }

    fn set_max_event_bytes(&self, _: usize) {}

    fn health(&self) -> Vec<RelayHealth> {
        Vec::new()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

/// A buying side. Without a wallet its payments are written into the ledger by the test.
pub struct Bench {
    _dir: tempfile::TempDir,
    pub store: Store,
    relays: Arc<Relays>,
    done: mpsc::UnboundedReceiver<Done>,
    pub consumer: ConsumerHandle,
    bell: mpsc::Sender<Bell>,
    pub reports: broadcast::Receiver<Report>,
    pub provider: Keys,
}

impl Bench {
    fn new(are_silent: bool) -> Self {
        Self::build(are_silent, None)
    }

    pub fn with(wallet: Arc<dyn Wallet>) -> Self {
        Self::build(false, Some(wallet))
    }

    fn build(are_silent: bool, wallet: Option<Arc<dyn Wallet>>) -> Self {
        let (dir, store) = ledger();
        Self::over(dir, store, are_silent, wallet, Housing::Inside)
    }

    /// One that finds what an earlier one has left in its ledger.
    pub fn resuming(dir: tempfile::TempDir, store: Store, wallet: Arc<dyn Wallet>, housing: Housing) -> Self {
        Self::over(dir, store, false, Some(wallet), housing)
    }

    fn over(dir: tempfile::TempDir, store: Store, are_silent: bool, wallet: Option<Arc<dyn Wallet>>, housing: Housing) -> Self {
        let paths = Paths::at(dir.path());
        let identity = Identity::create(&paths, WordCount::Twelve, Replace::Never).unwrap().identity;
        let outlet = Outlet::new(crossbeam_channel::unbounded().0, Arc::new(NoWake));
        let (told, done) = mpsc::unbounded_channel();
        let relays = Arc::new(Relays { done: told, are_silent, forgotten: Mutex::default() });
        let config = Config::load(&paths, &Environment::default(), &[]).unwrap().config;
        let tasks = Tasks::new(outlet.clone());
        let alarm = LedgerAlarm::new(Board::new(NodeStatus::default()), outlet.clone(), tasks.token().clone());
        let context = Context {
            alarm,
            me: identity.pubkey(),
            identity,
            store: store.clone(),
            relays: relays.clone(),
            purse: wallet.map(|wallet| Purse { guard: Guard::new(Arc::clone(&wallet), store.clone(), WIDE, Clock::default()), wallet }),
            outlet: outlet.clone(),
            clock: Clock::default(),
            tasks,
            housing,
        };
        let reports = outlet.watch();
        let (bell, bells) = mpsc::channel(64);
        let consumer = spawn(context, Arc::new(config), (bell.clone(), bells));
        Self { _dir: dir, store, relays, done, consumer, bell, reports, provider: Keys::generate() }
    }

    pub fn provider(&self) -> Pubkey {
        Pubkey(self.provider.public_key().to_bytes())
    }

    pub async fn ask(&self, ask: Ask) -> JobId {
        let ask = Ask { prompt: "Why?".into(), ..ask };
        self.consumer.ask(|reply| ConsumerCommand::Submit(Box::new(ask), reply)).await.unwrap().id
    }

    async fn cancel(&self, id: JobId) -> PurchaseRow {
        self.consumer.ask(|reply| ConsumerCommand::Cancel(id, reply)).await.unwrap()
    }

    async fn next<T>(&mut self, what: &str, pick: impl Fn(&Done) -> Option<T>) -> T {
        soon(what, async {
            loop {
                if let Some(found) = pick(&self.done.recv().await.unwrap()) {
                    return found;
                }
            }
        })
        .await
    }

    async fn asked(&mut self) -> Vec<JobId> {
        let filter = self.next("the relays to be asked", |done| if let Done::Asked(filter) = done { Some(filter.clone()) } else { None });
        let filter = filter.await;
        let ids = filter.generic_tags.values().flatten();
        ids.filter_map(|id| id.parse().ok()).collect()
    }

    async fn sent(&mut self) -> Event {
        self.next("something to be sent", |done| if let Done::Sent(event) = done { Some(event.clone()) } else { None }).await
    }

    /// The request as it was told when it came to stand so.
    pub async fn told(&mut self, id: JobId, state: PurchaseState) -> PurchaseRow {
        soon(&format!("the request to be {state}"), async {
            loop {
                let report = self.reports.recv().await.unwrap();
                if let NodeEvent::PurchaseChanged { purchase } = report.event
                    && (purchase.id, purchase.state) == (id, state)
                {
                    return *purchase;
                }
            }
        })
        .await
    }

    /// The request once this is the reason it stands as it does.
    pub async fn noted(&mut self, id: JobId, code: &str) -> PurchaseRow {
        soon(code, async {
            loop {
                let report = self.reports.recv().await.unwrap();
                if let NodeEvent::PurchaseChanged { purchase } = report.event
                    && (purchase.id, purchase.reason_code.as_deref()) == (id, Some(code))
                {
                    return *purchase;
                }
            }
        })
        .await
    }

    /// The next offer that is told.
    pub async fn offered(&mut self) -> Offer {
        soon("an offer", async {
            loop {
                if let NodeEvent::Offer { offer } = self.reports.recv().await.unwrap().event {
                    return *offer;
                }
            }
        })
        .await
    }

    fn spend(&self, id: JobId) -> Spend {
        Spend {
            purpose: Purpose::Request(id),
            hash: PaymentHash([7; 32]),
            bolt11: "lnsb7".into(),
            payee: Some(self.provider()),
            idempotency: [7; 16],
            amount: PRICE,
            fee: MilliSats(0),
            sent_back: None,
        }
    }

    /// The provider says this about the request.
    fn says(&self, id: JobId, kind: u16, words: &str) -> Box<Event> {
        said(&self.provider, id, kind, &[], words)
    }

    fn now(&self) -> UnixMs {
        Clock::default().now()
    }
}

/// A ledger with nothing in it.
pub fn ledger() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    paths.ensure().unwrap();
    let store = Store::open(&paths.ledger, StoreOptions::default()).unwrap();
    (dir, store)
}

/// Somebody says this about the request.
pub fn said(by: &Keys, id: JobId, kind: u16, tags: &[&[&str]], words: &str) -> Box<Event> {
    let more = tags.iter().map(|tag| Tag::parse(tag.iter().copied()).unwrap());
    let tags = std::iter::once(Tag::event(EventId::from_byte_array(id.0))).chain(more);
    Box::new(EventBuilder::new(Kind::from(kind), words).tags(tags).sign_with_keys(by).unwrap())
}

#[tokio::test]
async fn a_payment_that_arrives_after_the_end_brings_its_answer_all_the_same() {
    let mut bench = Bench::new(false);
    let id = bench.ask(Ask { provider: Some(bench.provider()), ..Ask::default() }).await;
    bench.told(id, PurchaseState::Published).await;
    let (hash, key) = (PaymentHash([7; 32]), [7; 16]);
    bench.store.reserve(bench.spend(id), WIDE, bench.now()).await.unwrap();
    bench.store.fail_spend(hash, key, "timed out".into(), bench.now()).await.unwrap();
    bench.cancel(id).await;
    bench.next("nobody to be asked any more", |done| matches!(done, Done::Unasked).then_some(())).await;
    let early = bench.says(id, 6050, "Because.");
    bench.consumer.take(early.clone()).await;

    bench.store.settle_spend(hash, MilliSats(0), bench.now()).await.unwrap();
    bench.bell.send(Bell::Moved(id)).await.unwrap();
    assert_eq!(bench.told(id, PurchaseState::Paid).await.paid, PRICE);
    assert_eq!(bench.asked().await, [id], "its answer is asked for again");
    assert_eq!(*bench.relays.forgotten.lock().unwrap(), [early.id], "and would come through a second time");
    bench.consumer.take(early).await;
    bench.told(id, PurchaseState::Done).await;
}

#[tokio::test]
async fn the_end_of_one_request_among_others_asks_the_relays_nothing() {
    let mut bench = Bench::new(false);
    let (first, second) = (bench.ask(Ask::default()).await, bench.ask(Ask::default()).await);
    for (id, count) in [(first, 1), (second, 2)] {
        bench.told(id, PurchaseState::Published).await;
        assert_eq!(bench.asked().await.len(), count);
    }
    bench.cancel(first).await;
    let third = bench.ask(Ask::default()).await;
    let asked = bench.asked().await;
    assert!(asked.len() == 2 && asked.contains(&second) && asked.contains(&third), "the next question is the third's: {asked:?}");
}

#[tokio::test]
async fn a_request_called_off_before_a_relay_took_it_is_not_sent_any_more_and_is_withdrawn() {
    let mut bench = Bench::new(true);
    let id = bench.ask(Ask::default()).await;
    assert_eq!(bench.sent().await.id.to_bytes(), id.0);
    assert_eq!(bench.cancel(id).await.state, PurchaseState::Cancelled);
    let (mut is_let_go, mut withdrawal) = (false, None);
    while !is_let_go || withdrawal.is_none() {
        match soon("the sending to end", bench.done.recv()).await.unwrap() {
            Done::LetGo => is_let_go = true,
            Done::Sent(event) => withdrawal = Some(event),
            Done::Asked(_) | Done::Unasked => {}
        }
    }
    // A relay may have it all the same.
    assert_eq!(withdrawal.and_then(|event| cancel::parse(&event)).map(|cancellation| cancellation.jobs), Some(vec![id]));
}

#[tokio::test]
async fn an_answer_of_the_provider_that_cannot_be_read_is_said_and_does_not_end_the_request() {
    let mut bench = Bench::new(false);
    let id = bench.ask(Ask { provider: Some(bench.provider()), ..Ask::default() }).await;
    bench.told(id, PurchaseState::Published).await;
    let garbled = said(&bench.provider, id, 6050, &[&["encrypted"]], "QUJD?iv=QUJD");
    bench.consumer.take(garbled).await;
    let row = bench.noted(id, "unreadable-answer").await;
    assert!(row.reason.unwrap().starts_with("The provider's answer cannot be read: "));
    bench.consumer.take(bench.says(id, 6050, "Because.")).await;
    bench.told(id, PurchaseState::Done).await;
}
