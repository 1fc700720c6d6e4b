//! Payments that arrive after something else was done: after a quote ran out, after they were given up, after another.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::money_tests::{LIMITS, Ledger, PRICE, spend};
use super::purchase_tests::purchase;
use super::tests::{NOON, id};
use super::*;
use crate::domain::ids::PaymentHash;
use crate::domain::job::JobState;
use crate::domain::money::MilliSats;

#[test]
fn a_late_payment_is_taken_in_and_can_be_given_back_once() {
    let ledger = Ledger::new();
    ledger.quoted(1);
    ledger.store.expire_quote(id(1), NOON).wait().unwrap();
    assert!(matches!(ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap(), Settlement::New(_)));
    assert!(matches!(ledger.refund(1, 7), Err(StoreError::NothingOwed { state: JobState::Paid, .. })));
    ledger.store.owe_refund(id(1), "too-late", "No model.".into(), NOON).wait().unwrap();
    assert_eq!(ledger.reader.money().unwrap().owed, PRICE);
    assert_eq!(ledger.refund(1, 7).unwrap(), Reserved::New);
    assert_eq!(ledger.refund(1, 8).unwrap(), Reserved::Taken);
    assert!(matches!(ledger.store.write_off(id(1), NOON).wait(), Err(StoreError::RefundUnderWay(_))));
    ledger.store.fail_spend(PaymentHash([7; 32]), [7; 16], "no route".into(), NOON).wait().unwrap();
    assert_eq!(ledger.reader.money().unwrap().owed, PRICE, "still owed");
    assert_eq!(ledger.refund(1, 8).unwrap(), Reserved::New);
    assert!(ledger.has_pending(8) && !ledger.has_pending(7));
    let row = ledger.store.settle_spend(PaymentHash([8; 32]), MilliSats(12), NOON).wait().unwrap();
    assert_eq!(row.job.map(|row| row.state), Some(JobState::Refunded));
    let again = ledger.store.settle_spend(PaymentHash([8; 32]), MilliSats(12), NOON).wait().unwrap();
    assert_eq!(again, Ended::default(), "told again: nothing");
    assert!(ledger.refund(1, 9).is_err());
    let sums = MoneySums { received: PRICE, refunded: PRICE, fees: MilliSats(12), ..MoneySums::default() };
    assert_eq!(ledger.reader.money().unwrap(), sums);
}

#[test]
fn a_refund_given_up_as_failed_that_arrives_after_all_is_a_refund() {
    let ledger = Ledger::new();
    ledger.quoted(1);
    ledger.store.expire_quote(id(1), NOON).wait().unwrap();
    ledger.store.settle(PaymentHash([1; 32]), NOON).wait().unwrap();
    ledger.store.owe_refund(id(1), "too-late", "No model.".into(), NOON).wait().unwrap();
    ledger.refund(1, 7).unwrap();
    ledger.store.fail_spend(PaymentHash([7; 32]), [7; 16], "timed out".into(), NOON).wait().unwrap();
    ledger.store.write_off(id(1), NOON).wait().unwrap();
    let ended = ledger.store.settle_spend(PaymentHash([7; 32]), MilliSats(0), NOON).wait().unwrap();
    assert_eq!(ended.job.map(|row| row.state), Some(JobState::Refunded));
    assert_eq!(ledger.reader.money().unwrap(), MoneySums { received: PRICE, refunded: PRICE, ..MoneySums::default() });
    assert_eq!(ledger.reader.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_payment_that_arrives_after_another_was_made_in_its_place_is_told_and_counted() {
    let ledger = Ledger::new();
    ledger.store.draft(purchase(1)).wait().unwrap();
    let buy = |with| ledger.store.reserve(spend(Purpose::Request(id(1)), with), LIMITS, NOON).wait().unwrap();
    assert_eq!(buy(1), Reserved::New);
    ledger.store.fail_spend(PaymentHash([1; 32]), [1; 16], "timed out".into(), NOON).wait().unwrap();
    assert_eq!(buy(2), Reserved::New);
    let ended = ledger.store.settle_spend(PaymentHash([1; 32]), MilliSats(7), NOON).wait().unwrap();
    assert_eq!((ended.doubled, ended.request), (Some(PRICE), None));
    assert!(ledger.store.settle_spend(PaymentHash([2; 32]), MilliSats(0), NOON).wait().unwrap().request.is_some());
    let sums = MoneySums { spent: MilliSats(2 * PRICE.0), fees: MilliSats(7), ..MoneySums::default() };
    assert_eq!(ledger.reader.money().unwrap(), sums, "to the millisat");
    assert_eq!(ledger.reader.integrity().unwrap(), Vec::<String>::new());
}
