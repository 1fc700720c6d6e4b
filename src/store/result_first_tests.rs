//! Jobs that are paid after their answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::money_tests::{Ledger, PRICE, invoice};
use super::tests::{NOON, answer, id, run};
use super::*;
use crate::domain::ids::PaymentHash;
use crate::domain::job::{JobState, Payment, Policy};

#[test]
fn an_answer_paid_before_it_is_known_to_be_delivered_is_settled_and_counted_once() {
    let ledger = Ledger::new();
    ledger.claim(1, Policy::ResultFirst);
    ledger.store.start(id(1), run(), NOON).wait().unwrap();
    ledger.store.attach_invoice(id(1), invoice(1), PRICE, NOON).wait().unwrap();
    ledger.store.answer(id(1), answer(1), NOON).wait().unwrap();
    assert!(matches!(ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap(), Settlement::New(_)));
    assert_eq!(ledger.store.deliver(id(1), NOON).wait().unwrap().state, JobState::Settled);
    assert_eq!(ledger.reader.stats(NOON).unwrap().today.done, 1);
}

#[test]
fn an_answer_that_was_lost_here_and_is_paid_for_all_the_same_is_booked() {
    let ledger = Ledger::new();
    ledger.claim(1, Policy::ResultFirst);
    ledger.store.start(id(1), run(), NOON).wait().unwrap();
    ledger.store.attach_invoice(id(1), invoice(1), PRICE, NOON).wait().unwrap();
    ledger.store.answer(id(1), answer(1), NOON).wait().unwrap();
    ledger.store.lose_answer(id(1), "The node restarted.".into(), NOON).wait().unwrap();
    let Settlement::New(row) = ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap() else { panic!("new") };
    assert_eq!((row.state, row.payment), (JobState::Settled, Payment::Received));
    assert_eq!(ledger.reader.money().unwrap(), MoneySums { received: PRICE, ..MoneySums::default() });
    assert!(ledger.store.open_invoices(NOON).wait().unwrap().is_empty(), "it is not looked for any more");
}
