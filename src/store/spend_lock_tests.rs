#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::domain::ids::PaymentHash;
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::spend_lock::{Held, Permit};
use crate::store::open::MIGRATIONS;
use crate::store::{Purpose, Reserved, Spend, StoreOptions};

const NOW: UnixMs = UnixMs(1_700_000_000_000);
const LIMITS: Limits = Limits {
    per_payment: Sats(100),
    per_request: Sats(100),
    per_day: Sats(1000),
    per_payee_day: Sats(1000),
    fee_percent: 1,
    fee_floor: Sats(10),
};

struct Ledger {
    dir: tempfile::TempDir,
    store: Store,
}

impl Ledger {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("pylon.db"), StoreOptions::default()).unwrap();
        Self { dir, store }
    }

    /// As after a crash and a restart.
    fn reopen(self) -> Self {
        let Self { dir, store } = self;
        drop(store);
        let store = Store::open(&dir.path().join("pylon.db"), StoreOptions::default()).unwrap();
        Self { dir, store }
    }

    fn reserve(&self, number: u8, sats: u64, permit: Permit) -> Reserved {
        let spend = Spend {
            purpose: Purpose::Manual,
            hash: PaymentHash([number; 32]),
            bolt11: format!("lnsb{number}"),
            payee: None,
            idempotency: [number; 16],
            amount: MilliSats(sats * 1000),
            fee: MilliSats(0),
            sent_back: None,
        };
        self.store.reserve_with(spend, LIMITS, permit, NOW).wait().unwrap()
    }

    fn told(&self) -> SpendLock {
        Reader::open(&self.dir.path().join("pylon.db")).unwrap().spend_lock().unwrap()
    }
}

#[test]
fn nothing_is_reserved_while_it_is_shut_and_a_restart_changes_nothing_about_that() {
    let ledger = Ledger::new();
    assert_eq!(ledger.reserve(1, 5, Permit::UpTo(Sats(1))), Reserved::New, "no PIN, no lock");
    ledger.store.shut_spending().wait().unwrap();
    assert_eq!(ledger.reserve(2, 5, Permit::Pin), Reserved::Held(Held::Locked));
    let ledger = ledger.reopen();
    assert_eq!(ledger.reserve(2, 5, Permit::Pin), Reserved::Held(Held::Locked));
    ledger.store.open_spending(Some(NOW.plus_ms(1))).wait().unwrap();
    assert_eq!(ledger.reserve(2, 5, Permit::Pin), Reserved::New);
    let ledger = ledger.reopen();
    ledger.store.begin_spending().wait().unwrap();
    assert_eq!(ledger.reserve(3, 5, Permit::Pin), Reserved::Held(Held::Locked), "open for a while is over with a restart");
    ledger.store.open_spending(None).wait().unwrap();
    let ledger = ledger.reopen();
    ledger.store.begin_spending().wait().unwrap();
    assert_eq!(ledger.reserve(3, 5, Permit::Pin), Reserved::New);
}

#[test]
fn a_shut_lock_in_the_queue_holds_back_what_is_queued_after_it() {
    let ledger = Ledger::new();
    let spend = |number: u8| Spend {
        purpose: Purpose::Manual,
        hash: PaymentHash([number; 32]),
        bolt11: format!("lnsb{number}"),
        payee: None,
        idempotency: [number; 16],
        amount: MilliSats(1000),
        fee: MilliSats(0),
        sent_back: None,
    };
    let before: Vec<_> = (0..20).map(|number| ledger.store.reserve_with(spend(number), LIMITS, Permit::Pin, NOW)).collect();
    let shut = ledger.store.shut_spending();
    let after: Vec<_> = (20..40).map(|number| ledger.store.reserve_with(spend(number), LIMITS, Permit::Pin, NOW)).collect();
    shut.wait().unwrap();
    assert!(before.into_iter().all(|reserved| reserved.wait().unwrap() == Reserved::New));
    assert!(after.into_iter().all(|reserved| reserved.wait().unwrap() == Reserved::Held(Held::Locked)));
}

#[test]
fn a_try_is_counted_before_it_is_looked_at_and_a_restart_gives_none_back() {
    let mut ledger = Ledger::new();
    assert_eq!(ledger.store.begin_pin_try(NOW).wait().unwrap(), PinTry::NoPin);
    assert!(ledger.store.replace_pin(None, "verifier".into()).wait().unwrap());
    for _ in 0..3 {
        assert_eq!(ledger.store.begin_pin_try(NOW).wait().unwrap(), PinTry::Begun { verifier: "verifier".into() });
        ledger = ledger.reopen();
    }
    assert_eq!(ledger.store.begin_pin_try(NOW).wait().unwrap(), PinTry::Wait { ms: 30_000 });
    assert_eq!((ledger.told().misses, ledger.told().has_pin), (3, true));
    ledger.store.pin_was_right().wait().unwrap();
    assert_eq!(ledger.told().misses, 0);
}

#[test]
fn a_pin_is_replaced_by_whoever_knows_the_one_that_is_there() {
    let ledger = Ledger::new();
    assert!(ledger.store.replace_pin(None, "a".into()).wait().unwrap());
    assert!(!ledger.store.replace_pin(None, "b".into()).wait().unwrap(), "there is one already");
    assert!(!ledger.store.remove_pin("c".into(), NOW).wait().unwrap(), "it is another one");
    assert_eq!(ledger.store.pin_verifier().wait().unwrap(), Some("a".into()));
    ledger.store.shut_spending().wait().unwrap();
    assert!(!ledger.store.remove_pin("a".into(), NOW).wait().unwrap(), "nobody could open it any more");
    ledger.store.open_spending(Some(NOW.plus_ms(1))).wait().unwrap();
    assert!(ledger.store.remove_pin("a".into(), NOW).wait().unwrap());
    assert_eq!(ledger.told(), SpendLock::default());
}

/// A ledger as each earlier version left it, with something in it.
#[test]
fn a_ledger_of_every_earlier_version_gets_an_open_lock_and_keeps_what_it_holds() {
    for version in 1..MIGRATIONS.len() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pylon.db");
        let old = Connection::open(&path).unwrap();
        for sql in &MIGRATIONS[..version] {
            old.execute_batch(sql).unwrap();
        }
        old.execute_batch(&format!("PRAGMA application_id = 1348029518; PRAGMA user_version = {version};")).unwrap();
        old.execute("INSERT INTO refusals (day, code, count) VALUES (1, 'busy', 7)", []).unwrap();
        drop(old);
        assert_eq!(Reader::open(&path).unwrap().spend_lock().unwrap(), SpendLock::default(), "read before it is brought up to date");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        assert_eq!(store.spend_lock().wait().unwrap(), SpendLock::default(), "from version {version}");
        store.shut_spending().wait().unwrap();
        drop(store);
        let now = Connection::open(&path).unwrap();
        let number = |sql: &str| now.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("PRAGMA user_version"), MIGRATIONS.len() as i64);
        assert_eq!(number("SELECT count FROM refusals"), 7);
        assert_eq!(number("SELECT is_shut FROM spend_lock"), 1);
    }
}
