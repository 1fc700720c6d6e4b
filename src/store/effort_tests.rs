//! What a job costs the ledger does not grow with what the ledger holds: counted in steps of SQLite's machine, which are
//! the same on every computer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::purchase_tests::purchase;
use super::tests::{NOON, answer, new_job, run};
use super::*;
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::job::Policy;
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Invoice, Network};
use crate::domain::purchase::PurchaseFact;
use crate::domain::time::UnixMs;

const PRICE: MilliSats = MilliSats(5_000);
const MANY: u32 = 1_500;

fn bytes(number: u32) -> [u8; 32] {
    let mut bytes = [1; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn invoice(number: u32, at: UnixMs) -> Invoice {
    Invoice {
        bolt11: format!("lnsb{number}"),
        hash: PaymentHash(bytes(number)),
        amount: Some(PRICE),
        network: Network::Practice,
        created_at: at,
        expires_at: at.plus_ms(60_000),
        payee: [1; 32],
        description: String::new(),
    }
}

/// A ledger that counts its steps.
struct Counted {
    _dir: tempfile::TempDir,
    store: Store,
    steps: Arc<AtomicU64>,
}

impl Counted {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pylon.db");
        let mut connection = open::writable(&path).unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&steps);
        let handler = move || {
            count.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(handler)).unwrap();
        Self { store: Store::over(connection, &path, StoreOptions::default()).unwrap(), _dir: dir, steps }
    }

    fn steps_of(&self, work: impl FnOnce(&Store)) -> u64 {
        let before = self.steps.load(Ordering::Relaxed);
        work(&self.store);
        self.steps.load(Ordering::Relaxed) - before
    }
}

/// The same job at the beginning, and after a great many others a second apart.
fn compare(job: impl Fn(&Store, u32, UnixMs)) {
    let ledger = Counted::new();
    let at = |number: u32| NOON.plus_ms(u64::from(number) * 1_000);
    for number in 0..10 {
        job(&ledger.store, number, at(number));
    }
    let early = ledger.steps_of(|store| job(store, 10, at(10)));
    for number in 11..MANY {
        job(&ledger.store, number, at(number));
    }
    let late = ledger.steps_of(|store| job(store, MANY, at(MANY)));
    // Sums of whole minutes grow by a line a minute.
    let minutes = u64::from(MANY / 60);
    assert!(late <= early + early / 10 + 30 * minutes, "{early} steps became {late}");
}

#[test]
fn a_sold_job_costs_as_much_in_a_long_ledger_as_in_a_short_one() {
    compare(|store, number, at| {
        let id = JobId(bytes(number));
        let request = crate::domain::request::JobRequest { id, ..new_job(1, at).request };
        store.claim(NewJob { policy: Policy::PayFirst, request, ..new_job(1, at) }).wait().unwrap();
        store.quote(id, invoice(number, at), PRICE, at).wait().unwrap();
        store.due_invoices(at).wait().unwrap();
        store.settle(PaymentHash(bytes(number)), at).wait().unwrap();
        store.start(id, run(), at).wait().unwrap();
        store.answer(id, StoredAnswer { event_id: bytes(number), ..answer(1) }, at).wait().unwrap();
        let (job, event_id, what) = (id, bytes(number), PublicationKind::Result);
        let said = Publication { job, event_id, what, relay: "wss://relay".into(), outcome: Ok(()), at };
        store.record_publication(said).wait().unwrap();
        store.deliver(id, at).wait().unwrap();
        store.forget_text(at.minus_ms(5_000)).wait().unwrap();
        store.prune_seen(at).wait().unwrap();
    });
}

#[test]
fn a_bought_job_costs_as_much_in_a_long_ledger_as_in_a_short_one() {
    let wide = Sats(100_000_000);
    let limits = Limits { per_payment: wide, per_request: wide, per_day: wide, per_payee_day: wide, fee_percent: 1, fee_floor: Sats(10) };
    compare(|store, number, at| {
        let (id, hash) = (JobId(bytes(number)), PaymentHash(bytes(number)));
        let (provider, bolt11) = (Pubkey([3; 32]), format!("lnsb{number}"));
        store.draft(NewPurchase { id, created_at: at, ..purchase(1) }).wait().unwrap();
        store.step(id, PurchaseFact::Published.into(), at).wait().unwrap();
        let offer = Offer {
            request: id,
            provider,
            bolt11: bolt11.clone(),
            hash: Some(hash),
            claimed: PRICE,
            asked: Some(PRICE),
            expires_at: None,
            flaw: None,
            detail: None,
            at,
        };
        assert_eq!(store.offer(offer).wait().unwrap().map(|offer| offer.flaw), Some(None));
        store.offers(id).wait().unwrap();
        let mut idempotency = [0; 16];
        idempotency[..4].copy_from_slice(&number.to_be_bytes());
        let purpose = Purpose::Request(id);
        let spend = Spend { purpose, hash, bolt11, payee: Some(provider), idempotency, amount: PRICE, fee: MilliSats(0), sent_back: None };
        assert_eq!(store.reserve(spend, limits, at).wait().unwrap(), Reserved::New);
        store.pending_spends().wait().unwrap();
        store.failed_spends(at).wait().unwrap();
        store.settle_spend(hash, MilliSats(0), at).wait().unwrap();
        let answer = TakenAnswer { provider, event_id: bytes(number), text: "Because.".into(), has_bill: false };
        assert!(store.take_answer(id, answer, at).wait().unwrap().is_some());
        store.open_purchases(at).wait().unwrap();
        store.forget_text(at.minus_ms(5_000)).wait().unwrap();
    });
}
