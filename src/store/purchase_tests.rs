//! Requests of our own in the ledger: each step once, each paid once, whatever comes in whatever order and whenever the
//! process ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{NOON, id};
use super::*;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::purchase::{AutoPay, PurchaseFact, PurchaseState};
use crate::domain::request::Scheme;

const PROVIDER: Pubkey = Pubkey([3; 32]);
const PRICE: MilliSats = MilliSats(5_000);
pub(super) const WIDE: Limits = Limits {
    per_payment: Sats(1_000),
    per_request: Sats(1_000),
    per_day: Sats(1_000_000),
    per_payee_day: Sats(1_000_000),
    fee_percent: 1,
    fee_floor: Sats(10),
};

pub(super) fn purchase(number: u8) -> NewPurchase {
    NewPurchase {
        id: id(number),
        kind: 5050,
        scheme: Scheme::Plain,
        target: None,
        model: None,
        prompt: "Why?".into(),
        bid: None,
        auto_pay: AutoPay::Ask,
        secret: Some(Secret([number; 32])),
        event_json: "{}".into(),
        created_at: NOON,
        expires_at: NOON.plus_ms(300_000),
    }
}

pub(super) fn offer(request: u8, provider: u8, invoice: u8) -> Offer {
    Offer {
        request: id(request),
        provider: Pubkey([provider; 32]),
        bolt11: format!("lnsb{invoice}"),
        hash: Some(PaymentHash([invoice; 32])),
        claimed: PRICE,
        asked: Some(PRICE),
        expires_at: None,
        flaw: None,
        detail: None,
        at: NOON,
    }
}

pub(super) fn spend(request: u8, invoice: u8, attempt: u8) -> Spend {
    Spend {
        purpose: Purpose::Request(id(request)),
        hash: PaymentHash([invoice; 32]),
        bolt11: format!("lnsb{invoice}"),
        payee: Some(PROVIDER),
        idempotency: [attempt; 16],
        amount: PRICE,
        fee: MilliSats(0),
        sent_back: None,
    }
}

pub(super) fn answer() -> TakenAnswer {
    TakenAnswer { provider: PROVIDER, event_id: [9; 32], text: "Because.".into(), has_bill: false }
}

pub(super) struct Ledger {
    dir: tempfile::TempDir,
    store: Option<Store>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let mut ledger = Self { dir: tempfile::tempdir().unwrap(), store: None };
        ledger.open();
        ledger
    }

    fn open(&mut self) {
        // As after a crash: what was not acknowledged may be gone, what was is there.
        self.store = None;
        self.store = Some(Store::open(&self.dir.path().join("pylon.db"), StoreOptions::default()).unwrap());
    }

    pub(super) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.dir.path().join("pylon.db")).unwrap()
    }
}

#[test]
fn texts_and_keys_of_requests_that_ended_long_ago_go_and_those_of_open_ones_stay() {
    let ledger = Ledger::new();
    for number in [1, 2] {
        ledger.store().draft(purchase(number)).wait().unwrap();
        ledger.store().step(id(number), PurchaseFact::Published.into(), NOON).wait().unwrap();
    }
    assert!(ledger.store().take_answer(id(1), answer(), NOON).wait().unwrap().is_some());
    assert_eq!(ledger.store().forget_text(NOON).wait().unwrap(), 0);
    assert_eq!(ledger.store().forget_text(NOON.plus_ms(1)).wait().unwrap(), 1);
    assert_eq!(ledger.store().forget_text(NOON.plus_ms(1)).wait().unwrap(), 0, "once");
    let ended = ledger.store().open_purchase(id(1)).wait().unwrap().unwrap();
    assert_eq!((ended.row.state, ended.row.prompt.as_str(), ended.event_json.as_str()), (PurchaseState::Done, "", ""));
    assert_eq!(ended.secret, None, "what relays have kept cannot be read with it any more");
    assert_eq!(ledger.reader().purchase(&id(1).to_string()).unwrap().answer, None);
    let open = ledger.store().open_purchase(id(2)).wait().unwrap().unwrap();
    assert!(open.secret.is_some() && open.row.prompt == "Why?");
}

#[test]
fn while_somebody_is_being_paid_nobody_else_answers() {
    let ledger = Ledger::new();
    let store = ledger.store();
    store.draft(purchase(1)).wait().unwrap();
    store.step(id(1), PurchaseFact::Published.into(), NOON).wait().unwrap();
    assert_eq!(store.reserve(spend(1, 1, 1), WIDE, NOON).wait().unwrap(), Reserved::New);
    let stranger = TakenAnswer { provider: Pubkey([8; 32]), ..answer() };
    assert!(store.take_answer(id(1), stranger, NOON).wait().unwrap().is_none());
    assert_eq!(store.take_answer(id(1), answer(), NOON).wait().unwrap().unwrap().provider, Some(PROVIDER));
}

#[test]
fn late_news_of_one_try_does_not_end_the_next() {
    let ledger = Ledger::new();
    let store = ledger.store();
    let hash = PaymentHash([1; 32]);
    store.draft(purchase(1)).wait().unwrap();
    store.step(id(1), PurchaseFact::Published.into(), NOON).wait().unwrap();
    for attempt in [1, 2] {
        assert_eq!(store.reserve(spend(1, 1, attempt), WIDE, NOON).wait().unwrap(), Reserved::New);
        // Told once more: of the try before this one, of this one only the first time.
        store.fail_spend(hash, [1; 16], "no route".into(), NOON).wait().unwrap();
    }
    assert_eq!(key_of(store, hash), [2; 16], "it is still being paid");
    assert!(store.settle_spend(hash, MilliSats(0), NOON).wait().unwrap().request.is_some());
}

#[test]
fn a_payment_called_failed_that_arrives_after_all_is_booked_and_nothing_else_is_paid() {
    let ledger = Ledger::new();
    let store = ledger.store();
    store.draft(purchase(1)).wait().unwrap();
    assert_eq!(store.reserve(spend(1, 1, 1), WIDE, NOON).wait().unwrap(), Reserved::New);
    store.fail_spend(PaymentHash([1; 32]), [1; 16], "timed out".into(), NOON).wait().unwrap();
    assert_eq!(store.failed_spends(NOON).wait().unwrap(), [PaymentHash([1; 32])]);
    let row = store.settle_spend(PaymentHash([1; 32]), MilliSats(7), NOON).wait().unwrap().request.unwrap();
    assert_eq!((row.state, row.paid, row.provider), (PurchaseState::Paid, PRICE, Some(PROVIDER)));
    assert_eq!(store.reserve(spend(1, 2, 2), WIDE, NOON).wait().unwrap(), Reserved::Taken);
    assert_eq!(store.failed_spends(NOON).wait().unwrap(), []);
}

#[test]
fn a_request_is_paid_and_answered_and_its_timeline_says_so() {
    let ledger = Ledger::new();
    let store = ledger.store();
    store.draft(purchase(1)).wait().unwrap();
    store.step(id(1), PurchaseFact::Published.into(), NOON).wait().unwrap();
    assert_eq!(store.reserve(spend(1, 7, 1), WIDE, NOON).wait().unwrap(), Reserved::New);
    let settled = store.settle_spend(PaymentHash([7; 32]), MilliSats(0), NOON).wait().unwrap();
    let row = settled.request.unwrap();
    assert_eq!((row.state, row.paid, row.provider), (PurchaseState::Paid, PRICE, Some(PROVIDER)));
    let row = store.take_answer(id(1), answer(), NOON).wait().unwrap().unwrap();
    assert_eq!(row.state, PurchaseState::Done);
    assert_eq!(store.take_answer(id(1), answer(), NOON).wait().unwrap(), None, "the answer comes once");
    let detail = ledger.reader().purchase(&id(1).to_string()[..8]).unwrap();
    let facts: Vec<_> = detail.journal.iter().filter_map(|row| row.fact).collect();
    use PurchaseFact as F;
    assert_eq!(facts, [F::Published, F::PaymentBegun, F::PaymentSettled, F::Answered]);
    assert_eq!(detail.answer.as_deref(), Some("Because."));
    assert_eq!(ledger.reader().integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn after_a_restart_what_waits_is_found_and_what_was_paid_is_not_forgotten() {
    let mut ledger = Ledger::new();
    for number in 1..=4 {
        ledger.store().draft(purchase(number)).wait().unwrap();
    }
    let step = |ledger: &Ledger, number, fact: PurchaseFact| ledger.store().step(id(number), fact.into(), NOON).wait().unwrap();
    step(&ledger, 2, PurchaseFact::Cancelled);
    step(&ledger, 3, PurchaseFact::Failed);
    ledger.store().reserve(spend(4, 7, 1), WIDE, NOON).wait().unwrap();
    ledger.store().settle_spend(PaymentHash([7; 32]), MilliSats(0), NOON).wait().unwrap();
    step(&ledger, 4, PurchaseFact::TimedOut);
    ledger.open();
    let open = |now| {
        let found = ledger.store().open_purchases(now).wait().unwrap();
        found.into_iter().map(|open| (open.row.id, open.row.state, open.secret)).collect::<Vec<_>>()
    };
    let expected = [(id(1), PurchaseState::Drafted, Some(Secret([1; 32]))), (id(4), PurchaseState::Failed, Some(Secret([4; 32])))];
    assert_eq!(open(NOON), expected);
    assert_eq!(open(NOON.plus_ms(86_400_000)).len(), 1, "a day later nobody waits for a late answer");
}

#[test]
fn a_request_nobody_made_is_not_paid_for() {
    let ledger = Ledger::new();
    let refused = ledger.store().reserve(spend(1, 7, 1), WIDE, NOON).wait();
    assert!(matches!(refused, Err(StoreError::UnknownRequest(_))), "{refused:?}");
    assert_eq!(ledger.reader().money().unwrap(), MoneySums::default());
}

/// What may happen to two requests, with three invoices between them.
#[derive(Debug, Clone, Copy)]
enum Happens {
    Fact(u8, PurchaseFact),
    Pay { request: u8, invoice: u8 },
    Settled(u8),
    Failed(u8),
    Answer { request: u8, has_bill: bool },
    Crash,
}

fn happens() -> impl Strategy<Value = Happens> {
    use PurchaseFact as F;
    let fact = prop::sample::select(vec![F::Published, F::TimedOut, F::Failed, F::Cancelled, F::BillClosed]);
    prop_oneof![
        (1..=2u8, fact).prop_map(|(request, fact)| Happens::Fact(request, fact)),
        (1..=2u8, 1..=3u8).prop_map(|(request, invoice)| Happens::Pay { request, invoice }),
        (1..=3u8).prop_map(Happens::Settled),
        (1..=3u8).prop_map(Happens::Failed),
        (1..=2u8, any::<bool>()).prop_map(|(request, has_bill)| Happens::Answer { request, has_bill }),
        Just(Happens::Crash),
    ]
}

/// The same as plain values: no SQL, no journal.
#[derive(Debug, Default)]
struct Model {
    states: BTreeMap<u8, PurchaseState>,
    answered: BTreeSet<u8>,
    /// Invoice, and whom it pays for while that is open.
    pending: BTreeMap<u8, u8>,
    settled: BTreeMap<u8, u8>,
    /// Invoice, and what its payment was for when it failed.
    failed: BTreeMap<u8, u8>,
    /// Arrived after another payment was made in their place.
    doubled: BTreeSet<u8>,
}

impl Model {
    fn new() -> Self {
        Self { states: BTreeMap::from([(1, PurchaseState::Drafted), (2, PurchaseState::Drafted)]), ..Self::default() }
    }

    fn apply(&mut self, request: u8, fact: PurchaseFact) -> bool {
        let next = self.states[&request].apply(fact);
        next.map(|next| self.states.insert(request, next)).is_ok()
    }

    fn happen(&mut self, what: Happens) -> bool {
        match what {
            Happens::Crash => true,
            Happens::Fact(request, PurchaseFact::BillClosed) if self.pending.values().any(|for_| *for_ == request) => false,
            Happens::Fact(request, fact) => self.apply(request, fact),
            Happens::Pay { request, invoice } => {
                let is_taken =
                    |payments: &BTreeMap<u8, u8>| payments.contains_key(&invoice) || payments.values().any(|for_| *for_ == request);
                let is_free = !is_taken(&self.pending) && !is_taken(&self.settled) && !self.doubled.contains(&invoice);
                let may = is_free && self.apply(request, PurchaseFact::PaymentBegun);
                if may {
                    self.failed.remove(&invoice);
                    self.pending.insert(invoice, request);
                }
                may
            }
            Happens::Settled(invoice) => {
                let failed = self.failed.remove(&invoice);
                let other = |payments: &BTreeMap<u8, u8>| payments.values().any(|for_| Some(*for_) == failed);
                if other(&self.pending) || other(&self.settled) {
                    self.doubled.insert(invoice);
                    return false;
                }
                self.pending.remove(&invoice).or(failed).is_some_and(|request| {
                    self.settled.insert(invoice, request);
                    self.apply(request, PurchaseFact::PaymentSettled);
                    true
                })
            }
            Happens::Failed(invoice) => self.pending.remove(&invoice).is_some_and(|request| {
                self.failed.insert(invoice, request);
                self.apply(request, PurchaseFact::PaymentFailed);
                true
            }),
            Happens::Answer { request, has_bill } => {
                let fact = if has_bill { PurchaseFact::AnsweredWithBill } else { PurchaseFact::Answered };
                !self.answered.contains(&request) && self.apply(request, fact) && self.answered.insert(request)
            }
        }
    }
}

fn happen(ledger: &mut Ledger, what: Happens, attempt: u8) -> bool {
    let store = ledger.store.clone().unwrap();
    match what {
        Happens::Crash => {
            drop(store);
            ledger.open();
            true
        }
        Happens::Fact(request, fact) => store.step(id(request), fact.into(), NOON).wait().unwrap().is_some(),
        Happens::Pay { request, invoice } => {
            matches!(store.reserve(spend(request, invoice, attempt), WIDE, NOON).wait(), Ok(Reserved::New))
        }
        Happens::Settled(invoice) => store.settle_spend(PaymentHash([invoice; 32]), MilliSats(0), NOON).wait().unwrap().request.is_some(),
        Happens::Failed(invoice) => store
            .fail_spend(PaymentHash([invoice; 32]), key_of(&store, PaymentHash([invoice; 32])), "no".into(), NOON)
            .wait()
            .unwrap()
            .request
            .is_some(),
        Happens::Answer { request, has_bill } => {
            store.take_answer(id(request), TakenAnswer { has_bill, ..answer() }, NOON).wait().unwrap().is_some()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Random histories with crashes between: the ledger and a plain model agree at every step, and no request is paid twice.
    #[test]
    fn the_buyers_ledger_agrees_with_a_plain_model(history in prop::collection::vec(happens(), 1..40)) {
        let (mut ledger, mut model) = (Ledger::new(), Model::new());
        for number in 1..=2 {
            ledger.store().draft(purchase(number)).wait().unwrap();
        }
        for (attempt, what) in (1..).zip(history) {
            let (really, plainly) = (happen(&mut ledger, what, attempt), model.happen(what));
            prop_assert_eq!(really, plainly, "{:?}", what);
            for number in 1..=2u8 {
                let row = ledger.store().purchase(id(number)).wait().unwrap().unwrap();
                prop_assert_eq!(row.state, model.states[&number], "{:?}", what);
                let paid = model.settled.values().filter(|for_| **for_ == number).count() as u64;
                prop_assert!(paid <= 1);
                prop_assert_eq!(row.paid, MilliSats(PRICE.0 * paid));
            }
        }
        let sums = ledger.reader().money().unwrap();
        prop_assert_eq!(sums.spent, MilliSats(PRICE.0 * (model.settled.len() + model.doubled.len()) as u64));
        prop_assert_eq!(sums.pending, MilliSats(PRICE.0 * model.pending.len() as u64));
        prop_assert_eq!(ledger.reader().integrity().unwrap(), Vec::<String>::new());
    }
}

/// Of the payment under way with this hash.
fn key_of(store: &Store, hash: PaymentHash) -> [u8; 16] {
    store.pending_spends().wait().unwrap().into_iter().find(|spend| spend.hash == hash).map_or([0; 16], |spend| spend.idempotency)
}
