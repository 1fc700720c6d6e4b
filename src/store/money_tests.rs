//! Money in the ledger: what came in is earned, owed, gone back or given up, and each of it once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::purchase_tests::purchase;
use super::tests::{NOON, answer, id, new_job, run};
use super::*;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::job::{Fact, JobState, Payment, Policy, Standing};
use crate::domain::limits::{Limit, Limits};
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Invoice, Network};

pub(super) const PRICE: MilliSats = MilliSats(5_000);

pub(super) fn invoice(number: u8) -> Invoice {
    Invoice {
        bolt11: format!("lnsb{number}"),
        hash: PaymentHash([number; 32]),
        amount: Some(PRICE),
        network: Network::Practice,
        created_at: NOON,
        expires_at: NOON.plus_ms(60_000),
        payee: [1; 32],
        description: String::new(),
    }
}

pub(super) const LIMITS: Limits = Limits {
    per_payment: Sats(1_000),
    per_request: Sats(1_000),
    per_day: Sats(10_000),
    per_payee_day: Sats(50),
    fee_percent: 1,
    fee_floor: Sats(10),
};

pub(super) fn spend(purpose: Purpose, with: u8) -> Spend {
    let invoice = invoice(with);
    let payee = matches!(purpose, Purpose::Request(_)).then_some(Pubkey([3; 32]));
    Spend {
        purpose,
        hash: invoice.hash,
        bolt11: invoice.bolt11,
        payee,
        idempotency: [with; 16],
        amount: PRICE,
        fee: MilliSats(0),
        sent_back: None,
    }
}

pub(super) struct Ledger {
    _dir: tempfile::TempDir,
    pub(super) store: Store,
    pub(super) reader: Reader,
    /// Which job an attempt to refund was for.
    refunds: std::cell::RefCell<BTreeMap<u8, u8>>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pylon.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let reader = Reader::open(&path).unwrap();
        Self { _dir: dir, store, reader, refunds: Default::default() }
    }

    pub(super) fn claim(&self, number: u8, policy: Policy) {
        let claim = self.store.claim(NewJob { policy, ..new_job(number, NOON) }).wait().unwrap();
        assert!(matches!(claim, Claim::New(_)));
    }

    pub(super) fn quoted(&self, number: u8) {
        self.claim(number, Policy::PayFirst);
        let row = self.store.quote(id(number), invoice(number), PRICE, NOON).wait().unwrap();
        assert_eq!((row.state, row.price), (JobState::Quoted, PRICE));
    }

    /// Tries to give a job's money back with this invoice; says whether it may be sent.
    pub(super) fn refund(&self, number: u8, with: u8) -> Result<Reserved, StoreError> {
        self.refunds.borrow_mut().insert(with, number);
        self.store.reserve(spend(Purpose::Refund(id(number)), with), LIMITS, NOON).wait()
    }

    /// The invoice with which a job's money is on its way back: named by the attempt.
    fn refund_of(&self, number: u8) -> Option<PaymentHash> {
        let spends = self.store.pending_spends().wait().unwrap();
        spends.into_iter().map(|spend| spend.hash).find(|hash| self.refunds.borrow().get(&hash.0[0]) == Some(&number))
    }

    pub(super) fn has_pending(&self, with: u8) -> bool {
        self.store.pending_spends().wait().unwrap().iter().any(|spend| spend.hash == PaymentHash([with; 32]))
    }
}

#[test]
fn a_payment_counts_once_however_often_it_is_told() {
    let ledger = Ledger::new();
    ledger.quoted(1);
    let Settlement::New(row) = ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap() else { panic!("new") };
    assert_eq!((row.state, row.payment), (JobState::Paid, Payment::Received));
    assert_eq!(ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap(), Settlement::Known);
    assert_eq!(ledger.store.settle(PaymentHash([9; 32]), NOON).wait().unwrap(), Settlement::NotOurs);
    assert_eq!(ledger.reader.money().unwrap(), MoneySums { received: PRICE, ..MoneySums::default() });
    assert_eq!(ledger.reader.stats(NOON).unwrap().today.earned, PRICE);
}

#[test]
fn a_job_has_one_invoice_and_an_invoice_one_job() {
    let ledger = Ledger::new();
    ledger.quoted(1);
    assert!(ledger.store.attach_invoice(id(1), invoice(2), PRICE, NOON).wait().is_err());
    ledger.claim(2, Policy::PayFirst);
    assert!(ledger.store.quote(id(2), invoice(1), PRICE, NOON).wait().is_err());
    let open = ledger.store.open_invoices(NOON).wait().unwrap();
    assert_eq!(open.iter().map(|open| (open.job, open.state)).collect::<Vec<_>>(), [(id(1), JobState::Quoted)]);
}

#[test]
fn a_request_is_paid_for_once_and_never_past_a_limit() {
    let ledger = Ledger::new();
    for number in 1..=12 {
        ledger.store.draft(purchase(number)).wait().unwrap();
    }
    let buy = |request: u8, with: u8, limits: Limits| {
        ledger.store.reserve(spend(Purpose::Request(id(request)), with), limits, NOON).wait().unwrap()
    };
    assert_eq!(buy(1, 11, LIMITS), Reserved::New);
    assert_eq!(buy(1, 12, LIMITS), Reserved::Taken, "another offer for the same request");
    assert_eq!(buy(2, 11, LIMITS), Reserved::Taken, "the same invoice for another request");
    for number in 2..=10 {
        assert_eq!(buy(number, 20 + number, LIMITS), Reserved::New);
    }
    let Reserved::OverLimit(over) = buy(11, 40, LIMITS) else { panic!("the provider had its 50 sats") };
    assert_eq!((over.limit, over.wanted), (Limit::PerPayeeDay, MilliSats(55_000)));
    // What has failed gives its room back.
    ledger.store.fail_spend(PaymentHash([11; 32]), key_of(&ledger.store, PaymentHash([11; 32])), "no route".into(), NOON).wait().unwrap();
    assert_eq!(buy(11, 40, LIMITS), Reserved::New);
    assert_eq!(ledger.reader.money().unwrap().pending, MilliSats(50_000));
    // What has no end counts for as long as it has none: it may still go.
    let later = |ms| ledger.store.reserve(spend(Purpose::Request(id(12)), 50), LIMITS, NOON.plus_ms(ms)).wait().unwrap();
    assert!(matches!(later(Limits::DAY_MS), Reserved::OverLimit(_)));
    for spend in ledger.store.pending_spends().wait().unwrap() {
        ledger.store.settle_spend(spend.hash, MilliSats(0), NOON).wait().unwrap();
    }
    // What is gone counts for a day, and not a millisecond longer.
    assert!(matches!(later(Limits::DAY_MS - 1), Reserved::OverLimit(_)));
    assert_eq!(later(Limits::DAY_MS), Reserved::New);
}

#[test]
fn many_at_once_cannot_pass_a_limit_together() {
    let ledger = Ledger::new();
    let limits = Limits { per_day: Sats(25), ..LIMITS };
    let queued: Vec<_> = (1..=40).map(|number| ledger.store.reserve(spend(Purpose::Manual, number), limits, NOON)).collect();
    let allowed = queued.into_iter().map(|pending| pending.wait().unwrap()).filter(|reserved| *reserved == Reserved::New).count();
    assert_eq!(allowed, 5);
    assert_eq!(ledger.reader.money().unwrap().pending, MilliSats(25_000));
}

/// What can happen to a job's money, as a user of the ledger would do it.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Claim,
    Quote,
    Settle,
    Expire,
    Start,
    Answer,
    Deliver,
    Lose,
    Overdue,
    Fail,
    Cancel,
    Owe,
    Refund,
    RefundFails,
    RefundArrives,
    WriteOff,
}

/// The last of them is paid after its answer, and the others before.
const JOBS: u8 = 3;

const fn policy(job: u8) -> Policy {
    if job == JOBS { Policy::ResultFirst } else { Policy::PayFirst }
}

fn deeds() -> impl Strategy<Value = Vec<(u8, Deed)>> {
    let deed = prop_oneof![
        Just(Deed::Claim),
        Just(Deed::Quote),
        Just(Deed::Settle),
        Just(Deed::Expire),
        Just(Deed::Start),
        Just(Deed::Answer),
        Just(Deed::Deliver),
        Just(Deed::Lose),
        Just(Deed::Overdue),
        Just(Deed::Fail),
        Just(Deed::Cancel),
        Just(Deed::Owe),
        Just(Deed::Refund),
        Just(Deed::RefundFails),
        Just(Deed::RefundArrives),
        Just(Deed::WriteOff),
    ];
    prop::collection::vec((0..JOBS, deed), 0..60)
}

/// The plainest model of one job: a standing, and whether its invoice and its refund exist.
#[derive(Debug, Clone, Copy)]
struct Model {
    standing: Standing,
    is_quoted: bool,
    is_answered: bool,
    is_refunding: bool,
    refunds: u8,
}

impl Model {
    /// Does the deed if the rules allow it; says whether they do.
    fn apply(&mut self, deed: Deed) -> bool {
        let fact = match deed {
            Deed::Claim => return false,
            // The invoice of an answer is made anew until the answer is stored, and is no step of its own.
            Deed::Quote if self.standing.policy == Policy::ResultFirst => {
                let may = !self.is_quoted || !self.is_answered && self.standing.payment == Payment::None;
                self.is_quoted |= may;
                return may;
            }
            Deed::Quote => Fact::Quoted,
            // A second word of it changes nothing, and is no error.
            Deed::Settle if !self.is_quoted || self.standing.payment == Payment::Received => return false,
            Deed::Settle => Fact::PaymentSettled,
            Deed::Expire => Fact::QuoteExpired,
            Deed::Start => Fact::Started,
            Deed::Answer => Fact::AnswerStored,
            Deed::Deliver => Fact::Delivered,
            Deed::Lose => Fact::AnswerLost,
            Deed::Overdue => Fact::PaymentOverdue,
            Deed::Fail => Fact::Failed,
            Deed::Cancel => Fact::Cancelled,
            Deed::Owe => Fact::RefundOwed,
            Deed::Refund => {
                let may = self.standing.state == JobState::RefundDue && !self.is_refunding;
                self.is_refunding |= may;
                return may;
            }
            Deed::RefundFails => {
                return std::mem::take(&mut self.is_refunding);
            }
            Deed::RefundArrives if !self.is_refunding => return false,
            Deed::RefundArrives => Fact::Refunded,
            Deed::WriteOff if self.is_refunding => return false,
            Deed::WriteOff => Fact::WrittenOff,
        };
        let Ok(after) = self.standing.apply(fact) else { return false };
        self.standing = after;
        self.is_quoted |= matches!(deed, Deed::Quote);
        self.is_answered |= matches!(deed, Deed::Answer);
        if matches!(deed, Deed::RefundArrives) {
            self.is_refunding = false;
            self.refunds += 1;
        }
        true
    }
}

fn perform(ledger: &Ledger, job: u8, deed: Deed, attempt: u8) -> bool {
    let store = &ledger.store;
    let ok = |done: Result<JobRow, StoreError>| done.is_ok();
    match deed {
        Deed::Claim => false,
        Deed::Quote if policy(job) == Policy::ResultFirst => store.attach_invoice(id(job), invoice(job), PRICE, NOON).wait().is_ok(),
        Deed::Quote => ok(store.quote(id(job), invoice(job), PRICE, NOON).wait()),
        Deed::Settle => matches!(store.settle(PaymentHash([job; 32]), NOON).wait(), Ok(Settlement::New(_))),
        Deed::Expire => ok(store.expire_quote(id(job), NOON).wait()),
        Deed::Start => ok(store.start(id(job), run(), NOON).wait()),
        Deed::Answer => ok(store.answer(id(job), answer(job), NOON).wait()),
        Deed::Deliver => ok(store.deliver(id(job), NOON).wait()),
        Deed::Lose => ok(store.lose_answer(id(job), "Lost.".into(), NOON).wait()),
        Deed::Overdue => ok(store.overdue(id(job), NOON).wait()),
        Deed::Fail => ok(store.fail(id(job), "failed", "It failed.".into(), NOON).wait()),
        Deed::Cancel => ok(store.cancel(id(job), "Called off.".into(), NOON).wait()),
        Deed::Owe => ok(store.owe_refund(id(job), "owed", "Owed.".into(), NOON).wait()),
        Deed::Refund => matches!(ledger.refund(job, 100 + attempt), Ok(Reserved::New)),
        // The refund under way, of which a job has one at most.
        Deed::RefundFails => {
            let Some(hash) = ledger.refund_of(job) else { return false };
            store.fail_spend(hash, key_of(store, hash), "no route".into(), NOON).wait().unwrap();
            true
        }
        Deed::RefundArrives => {
            let Some(hash) = ledger.refund_of(job) else { return false };
            matches!(store.settle_spend(hash, MilliSats(0), NOON).wait(), Ok(Ended { job: Some(_), .. }))
        }
        Deed::WriteOff => ok(store.write_off(id(job), NOON).wait()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Whatever is tried in whatever order, the ledger does what the plain model does, and its sums are the model's.
    #[test]
    fn the_ledger_does_what_a_plain_model_does(deeds in deeds()) {
        let ledger = Ledger::new();
        let mut models: BTreeMap<u8, Model> = BTreeMap::new();
        for (attempt, (job, deed)) in deeds.into_iter().enumerate() {
            let job = job + 1;
            let model = models.entry(job).or_insert_with(|| {
                ledger.claim(job, policy(job));
                Model { standing: Standing::claimed(policy(job)), is_quoted: false, is_answered: false, is_refunding: false, refunds: 0 }
            });
            let expected = model.apply(deed);
            let done = perform(&ledger, job, deed, u8::try_from(attempt).unwrap());
            prop_assert_eq!(done, expected, "{:?} of {} in {:?}", deed, job, model);
            let row = ledger.store.row(id(job)).wait().unwrap().unwrap();
            prop_assert_eq!((row.state, row.payment), (model.standing.state, model.standing.payment));
        }
        let count = |so: &dyn Fn(&Model) -> u64| MilliSats(models.values().map(so).sum::<u64>() * PRICE.0);
        let sums = MoneySums {
            received: count(&|model| u64::from(model.standing.payment == Payment::Received)),
            refunded: count(&|model| u64::from(model.refunds)),
            pending: count(&|model| u64::from(model.is_refunding)),
            owed: count(&|model| u64::from(model.standing.state == JobState::RefundDue)),
            ..MoneySums::default()
        };
        prop_assert_eq!(ledger.reader.money().unwrap(), sums);
        prop_assert!(models.values().all(|model| model.refunds <= 1));
        prop_assert_eq!(ledger.reader.integrity().unwrap(), Vec::<String>::new());
    }
}

/// Of the payment under way with this hash.
fn key_of(store: &Store, hash: PaymentHash) -> [u8; 16] {
    store.pending_spends().wait().unwrap().into_iter().find(|spend| spend.hash == hash).map_or([0; 16], |spend| spend.idempotency)
}
