//! The lock and its PIN over a wallet that pays whatever it is told to: what holds is the guard's doing alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use proptest::prelude::*;
use tokio::sync::broadcast;

use super::*;
use crate::domain::ids::PaymentHash;
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Direction, Network, Payment, PaymentState};
use crate::domain::spend_lock::{Held, SpendState};
use crate::domain::time::UnixMs;
use crate::store::{Purpose, StoreOptions};
use crate::wallet::contract::crafted;
use crate::wallet::guard::{Guard, Order, PayError};
use crate::wallet::{
    IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, Wallet, WalletError, WalletEvent, bolt11,
};

const ABOVE: Sats = Sats(10);
const WIDE: Limits = Limits {
    per_payment: Sats(1_000_000),
    per_request: Sats(1_000_000),
    per_day: Sats(1_000_000),
    per_payee_day: Sats(1_000_000),
    fee_percent: 1,
    fee_floor: Sats(10),
};
const PINS: [&str; 3] = ["1234", "4321", "000000"];

/// A wallet that pays everything, and remembers what.
struct Obliging {
    paid: Mutex<HashMap<PaymentHash, Payment>>,
    /// Sends in order: what money has left for.
    sent: Mutex<Vec<PaymentHash>>,
    /// What is sent next gets lost on the way: nobody knows, and nothing has moved.
    loses: AtomicBool,
    events: broadcast::Sender<WalletEvent>,
}

impl Obliging {
    fn take_sent(&self) -> Vec<PaymentHash> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

fn refuse<T: Send + 'static>() -> BoxFuture<'static, Result<T, WalletError>> {
    ready(Err(WalletError::Unsupported("that"))).boxed()
}

impl Wallet for Obliging {
    fn kind(&self) -> &'static str {
        "obliging"
    }

    fn network(&self) -> Network {
        Network::Practice
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        refuse()
    }

    fn invoice(&self, _: InvoiceRequest) -> BoxFuture<'_, Result<crate::domain::payment::Invoice, WalletError>> {
        refuse()
    }

    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        let invoice = bolt11::decode(&bolt11).unwrap();
        let amount = invoice.amount.unwrap();
        ready(Ok(Prepared { invoice, amount, fee: MilliSats(0), warnings: Vec::new() })).boxed()
    }

    fn send(&self, prepared: Prepared, _: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        self.sent.lock().unwrap().push(prepared.invoice.hash);
        if self.loses.swap(false, Ordering::SeqCst) {
            return ready(Err(WalletError::Unknown("lost".into()))).boxed();
        }
        let payment = Payment {
            id: prepared.invoice.hash.to_string(),
            direction: Direction::Out,
            state: PaymentState::Settled { at: prepared.invoice.created_at },
            amount: prepared.amount,
            fee: MilliSats(0),
            hash: Some(prepared.invoice.hash),
            preimage: None,
            created_at: prepared.invoice.created_at,
            description: String::new(),
        };
        self.paid.lock().unwrap().insert(prepared.invoice.hash, payment.clone());
        ready(Ok(payment)).boxed()
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        ready(Ok(self.paid.lock().unwrap().get(&hash).cloned())).boxed()
    }

    fn payments(&self, _: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        refuse()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.events.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// A guard over that wallet and a real ledger, with a clock the test moves.
struct Desk {
    dir: tempfile::TempDir,
    wallet: Arc<Obliging>,
    guard: Guard,
    clock: Clock,
    hands: Arc<AtomicI64>,
}

fn open(dir: &tempfile::TempDir, wallet: &Arc<Obliging>, clock: &Clock) -> Guard {
    let store = Store::open(&dir.path().join("pylon.db"), StoreOptions::default()).unwrap();
    let guard = Guard::new(wallet.clone(), store, WIDE, clock.clone());
    guard.set_pin_above(ABOVE);
    guard
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (paid, sent) = (Mutex::default(), Mutex::default());
        let wallet = Arc::new(Obliging { paid, sent, loses: AtomicBool::new(false), events: broadcast::channel(1).0 });
        // Invoices are of this moment as well.
        let hands = Arc::new(AtomicI64::new(Clock::default().now().0));
        let seen = Arc::clone(&hands);
        let clock = Clock::new(move || UnixMs(seen.load(Ordering::SeqCst)));
        let guard = open(&dir, &wallet, &clock);
        Self { dir, wallet, guard, clock, hands }
    }

    /// Killed and started again: what is not in the ledger is gone.
    async fn restart(self) -> Self {
        let Self { dir, wallet, guard, clock, hands } = self;
        drop(guard);
        let guard = open(&dir, &wallet, &clock);
        guard.pin().begin().await.unwrap();
        Self { dir, wallet, guard, clock, hands }
    }

    fn pass(&self, secs: i64) {
        self.hands.fetch_add(secs * 1000, Ordering::SeqCst);
    }

    async fn pay(&self, sats: u64, shown: Option<&str>) -> Result<PaymentHash, PayError> {
        let warrant = match shown {
            Some(pin) => self.guard.pin().check(secret(pin)).await.ok(),
            None => None,
        };
        let bolt11 = crafted::invoice(Network::Practice, Some(MilliSats(sats * 1000)), 0);
        let hash = bolt11::decode(&bolt11).unwrap().hash;
        let order = Order { purpose: Purpose::Manual, bolt11, amount: MilliSats(sats * 1000), payee: None };
        self.guard.pay_with(order, warrant).await.map(|_| hash)
    }
}

fn secret(pin: &str) -> Arc<SecretString> {
    Arc::new(SecretString::from(pin))
}

#[tokio::test]
async fn a_pin_is_set_shown_changed_and_taken_away_by_whoever_knows_it() {
    let desk = Desk::new();
    let pin = desk.guard.pin();
    assert!(matches!(pin.check(secret("1234")).await, Err(PinError::NoPin)));
    for unfit in ["123", "12345678901234", "12 34", "secret"] {
        assert!(matches!(pin.set(None, secret(unfit)).await, Err(PinError::Unfit)), "{unfit}");
    }
    assert_eq!(pin.set(None, secret("1234")).await.unwrap().state, SpendState::Open);
    assert!(matches!(pin.set(None, secret("4321")).await, Err(PinError::Taken)));
    assert!(matches!(pin.set(Some(secret("0000")), secret("4321")).await, Err(PinError::Wrong { tries_left: 2, wait_ms: 0 })));
    pin.set(Some(secret("1234")), secret("4321")).await.unwrap();
    assert!(pin.check(secret("1234")).await.is_err());
    pin.check(secret("4321")).await.unwrap();
    pin.lock().await.unwrap();
    assert!(matches!(pin.remove(secret("4321")).await, Err(PinError::Locked)));
    pin.unlock(secret("4321"), None).await.unwrap();
    assert_eq!(pin.remove(secret("4321")).await.unwrap(), Spending { tries_left: 3, ..Spending::default() });
}

#[tokio::test]
async fn what_the_ledger_holds_of_a_pin_is_neither_the_pin_nor_the_same_twice() {
    let desk = Desk::new();
    let verifiers = [verifier(&secret("1234")).unwrap(), verifier(&secret("1234")).unwrap()];
    assert_ne!(verifiers[0], verifiers[1]);
    assert!(verifiers.iter().all(|text| text.starts_with("$argon2id$v=19$") && !text.contains("1234$")));
    desk.guard.pin().set(None, secret("4711")).await.unwrap();
    drop(desk.guard);
    let file = std::fs::read(desk.dir.path().join("pylon.db")).unwrap();
    assert!(!file.windows(4).any(|part| part == b"4711"));
}

#[tokio::test]
async fn many_who_try_at_once_have_three_tries_together() {
    let desk = Desk::new();
    let pin = desk.guard.pin();
    pin.set(None, secret("1234")).await.unwrap();
    let tries = futures_util::future::join_all((0..20).map(|number| pin.check(secret(&format!("90{number:02}"))))).await;
    let looked_at = tries.iter().filter(|tried| matches!(tried, Err(PinError::Wrong { .. }))).count();
    assert_eq!(looked_at, 3);
    let Err(waits) = pin.check(secret("1234")).await else { panic!("the right one has to wait as well") };
    assert_eq!(waits.to_string(), "too many wrong PINs: the next try is possible in 30 seconds");
    desk.pass(30);
    pin.check(secret("1234")).await.unwrap();
    assert_eq!(pin.look().await.unwrap().tries_left, 3);
}

#[tokio::test]
async fn what_was_begun_before_the_lock_waits_for_it_to_be_opened() {
    let desk = Desk::new();
    desk.guard.pin().set(None, secret("1234")).await.unwrap();
    desk.wallet.loses.store(true, Ordering::SeqCst);
    assert!(matches!(desk.pay(5, None).await, Err(PayError::Wallet(WalletError::Unknown(_)))));
    desk.wallet.take_sent();
    desk.guard.pin().lock().await.unwrap();
    let desk = desk.restart().await;
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.wallet.take_sent(), [], "it is not sent again while the lock is shut");
    assert!(matches!(desk.pay(1, Some("1234")).await, Err(PayError::Held(Held::Locked))), "not even with the PIN");
    desk.guard.pin().unlock(secret("1234"), Some(1000)).await.unwrap();
    desk.guard.resume().await.unwrap();
    assert_eq!(desk.wallet.take_sent().len(), 1);
}

/// Something that is done to the guard.
#[derive(Debug, Clone)]
enum Deed {
    Set {
        old: Option<usize>,
        new: usize,
    },
    Remove(usize),
    Lock,
    Unlock {
        pin: usize,
        secs: Option<u64>,
    },
    Pay {
        sats: u64,
        shown: Option<usize>,
    },
    /// The next payment is lost on the way, to be taken up later.
    Lose,
    Resume,
    Restart,
    Pass(i64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let pin = 0..PINS.len();
    prop_oneof![
        2 => (prop::option::of(pin.clone()), pin.clone()).prop_map(|(old, new)| Deed::Set { old, new }),
        1 => pin.clone().prop_map(Deed::Remove),
        2 => Just(Deed::Lock),
        3 => (pin.clone(), prop::option::of(1..90u64)).prop_map(|(pin, secs)| Deed::Unlock { pin, secs }),
        6 => (1..20u64, prop::option::of(pin)).prop_map(|(sats, shown)| Deed::Pay { sats, shown }),
        1 => Just(Deed::Lose),
        2 => Just(Deed::Resume),
        1 => Just(Deed::Restart),
        2 => (1..120i64).prop_map(Deed::Pass),
    ]
}

/// The same in a few lines of plain thinking.
#[derive(Default)]
struct Model {
    pin: Option<usize>,
    shut: bool,
    open_until: Option<UnixMs>,
    tries: SpendLock,
}

impl Model {
    fn is_open(&self, now: UnixMs) -> bool {
        !self.shut || self.open_until.is_some_and(|until| now < until)
    }

    /// Tries a PIN; true when it is the right one and it was not too soon.
    fn shows(&mut self, shown: usize, now: UnixMs) -> bool {
        let Some(pin) = self.pin else { return false };
        let is_right = self.tries.begin_try(now).is_ok() && pin == shown;
        if is_right {
            self.tries.forget_misses();
        }
        is_right
    }

    fn may_pay(&mut self, sats: u64, shown: Option<usize>, now: UnixMs) -> bool {
        let has_shown = shown.is_some_and(|shown| self.shows(shown, now));
        self.is_open(now) && (self.pin.is_none() || has_shown || sats <= ABOVE.0)
    }
}

async fn live(deeds: Vec<Deed>) {
    let (mut desk, mut model) = (Desk::new(), Model::default());
    let mut allowed = Vec::new();
    for deed in deeds {
        let (now, pin) = (desk.clock.now(), desk.guard.pin());
        match deed.clone() {
            Deed::Set { old, new } => {
                let may = match (model.pin, old) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(_), Some(old)) => model.shows(old, now),
                };
                let done = pin.set(old.map(|old| secret(PINS[old])), secret(PINS[new])).await.is_ok();
                assert_eq!(done, may, "{deed:?}");
                if may {
                    (model.pin, model.tries) = (Some(new), SpendLock::default());
                }
            }
            Deed::Remove(shown) => {
                let may = model.shows(shown, now) && model.is_open(now);
                assert_eq!(pin.remove(secret(PINS[shown])).await.is_ok(), may, "{deed:?}");
                if may {
                    model = Model::default();
                }
            }
            Deed::Lock => {
                pin.lock().await.unwrap();
                (model.shut, model.open_until) = (true, None);
            }
            Deed::Unlock { pin: shown, secs } => {
                let may = model.shows(shown, now);
                let done = pin.unlock(secret(PINS[shown]), secs.map(|secs| secs * 1000)).await.is_ok();
                assert_eq!(done, may, "{deed:?}");
                if may {
                    model.open_until = secs.map(|secs| now.plus_ms(secs * 1000));
                    model.shut = secs.is_some();
                }
            }
            Deed::Pay { sats, shown } => {
                let may = model.may_pay(sats, shown, now);
                let tried = desk.pay(sats, shown.map(|shown| PINS[shown])).await;
                assert_eq!(!matches!(tried, Err(PayError::Held(_))), may, "{deed:?}: {tried:?}");
                let sent = desk.wallet.take_sent();
                assert_eq!(sent.len(), usize::from(may), "{deed:?}");
                allowed.extend(sent);
            }
            Deed::Lose => desk.wallet.loses.store(true, Ordering::SeqCst),
            Deed::Resume => {
                desk.guard.resume().await.unwrap();
                let sent = desk.wallet.take_sent();
                assert!(sent.is_empty() || model.is_open(now), "sent while locked");
                assert!(sent.iter().all(|hash| allowed.contains(hash)), "nobody allowed that");
            }
            Deed::Restart => {
                drop(pin);
                desk = desk.restart().await;
                model.open_until = None;
            }
            Deed::Pass(secs) => desk.pass(secs),
        }
        assert_eq!(desk.wallet.take_sent(), [], "{deed:?} has sent something");
        let told = desk.guard.pin().look().await.unwrap();
        let now = desk.clock.now();
        assert_eq!((told.has_pin, told.state == SpendState::Locked), (model.pin.is_some(), !model.is_open(now)), "{deed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is done in whatever order, with restarts between: nothing is sent while spending is locked, and nothing
    /// above the threshold without the PIN; and what may be paid is.
    #[test]
    fn no_sequence_pays_while_locked_or_above_the_threshold_without_the_pin(deeds in prop::collection::vec(deed(), 1..25)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(live(deeds));
    }
}
