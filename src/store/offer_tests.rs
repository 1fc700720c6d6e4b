//! What the ledger holds against an offer, and what it does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::purchase_tests::{Ledger, WIDE, answer, offer, purchase, spend};
use super::tests::{NOON, id};
use super::*;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::offer::Flaw;
use crate::domain::purchase::{PurchaseFact, PurchaseState};

fn requests(count: u8) -> Ledger {
    let ledger = Ledger::new();
    for number in 1..=count {
        ledger.store().draft(purchase(number)).wait().unwrap();
    }
    ledger
}

/// The flaw it is stored with; `None`: it is not stored.
fn judged(ledger: &Ledger, offer: Offer) -> Option<Option<Flaw>> {
    ledger.store().offer(offer).wait().unwrap().map(|offer| offer.flaw)
}

#[test]
fn what_the_ledger_knows_against_an_offer() {
    let ledger = requests(3);
    assert_eq!(judged(&ledger, offer(1, 4, 40)), Some(None));
    assert_eq!(judged(&ledger, offer(1, 4, 40)), None, "the same offer again, from another relay");
    assert_eq!(judged(&ledger, offer(1, 4, 41)), Some(Some(Flaw::SecondOffer)));
    assert_eq!(judged(&ledger, offer(2, 4, 40)), Some(Some(Flaw::ReusedInvoice)), "its own, from another request");
    assert_eq!(judged(&ledger, offer(2, 5, 40)), Some(Some(Flaw::ReusedInvoice)), "somebody else's, from another request");
    let lie = Offer { flaw: Some(Flaw::OtherAmount), ..offer(2, 6, 60) };
    assert_eq!(judged(&ledger, lie), Some(Some(Flaw::OtherAmount)));
    assert_eq!(judged(&ledger, offer(3, 6, 61)), Some(Some(Flaw::LiedBefore)), "a lie is remembered");
}

#[test]
fn the_cheapest_offer_that_can_be_paid_stands_first() {
    let ledger = requests(1);
    let priced = |provider: u8, msats: u64| Offer { asked: Some(MilliSats(msats)), ..offer(1, provider, provider) };
    for new in [priced(4, 9_000), priced(5, 7_000), Offer { flaw: Some(Flaw::Expired), ..priced(6, 1_000) }] {
        judged(&ledger, new);
    }
    let order: Vec<_> = ledger.store().offers(id(1)).wait().unwrap().iter().map(|offer| offer.provider.0[0]).collect();
    assert_eq!(order, [5, 4, 6]);
}

#[test]
fn a_flood_of_offers_is_cut_off() {
    let ledger = requests(1);
    for provider in 10..=200 {
        judged(&ledger, offer(1, provider, provider));
    }
    assert_eq!(ledger.store().offers(id(1)).wait().unwrap().len(), 64);
}

#[test]
fn one_provider_cannot_fill_a_request_nor_can_offers_that_nobody_could_pay() {
    let ledger = requests(1);
    for invoice in 1..=200 {
        judged(&ledger, offer(1, 4, invoice));
    }
    assert_eq!(ledger.store().offers(id(1)).wait().unwrap().len(), 2);
    for provider in 10..=200 {
        judged(&ledger, Offer { flaw: Some(Flaw::Malformed), hash: None, ..offer(1, provider, provider) });
    }
    assert_eq!(judged(&ledger, offer(1, 5, 201)), Some(None), "the honest one still has its place");
}

#[test]
fn whoever_copies_an_invoice_does_not_spoil_it() {
    let ledger = requests(2);
    assert_eq!(judged(&ledger, Offer { flaw: Some(Flaw::Expired), ..offer(2, 8, 40) }), Some(Some(Flaw::Expired)));
    assert_eq!(judged(&ledger, offer(1, 8, 40)), Some(None), "a copy, first");
    assert_eq!(judged(&ledger, offer(1, 4, 40)), Some(None), "and then the offer it was copied from");
}

#[test]
fn whoever_was_asked_by_name_comes_before_a_copy_for_another_request() {
    let ledger = requests(1);
    let asked = NewPurchase { target: Some(Pubkey([4; 32])), ..purchase(2) };
    ledger.store().draft(asked).wait().unwrap();
    assert_eq!(judged(&ledger, offer(1, 8, 40)), Some(None), "a copy, first and elsewhere");
    assert_eq!(judged(&ledger, offer(2, 4, 40)), Some(None));
    let copy = ledger.store().offers(id(1)).wait().unwrap();
    assert_eq!(copy[0].flaw, Some(Flaw::ReusedInvoice), "what was paid for one request is not paid for another");
}

#[test]
fn the_answer_to_a_payment_is_taken_from_everybody_whose_invoice_it_was() {
    let ledger = requests(1);
    for provider in [3, 4, 5] {
        judged(&ledger, offer(1, provider, if provider == 5 { 50 } else { 40 }));
    }
    let store = ledger.store();
    assert_eq!(store.reserve(spend(1, 40, 1), WIDE, NOON).wait().unwrap(), Reserved::New);
    let row = store.settle_spend(PaymentHash([40; 32]), MilliSats(0), NOON).wait().unwrap().request.unwrap();
    assert_eq!(row.provider, Some(Pubkey([3; 32])), "the copy was paid");
    let from = |provider: u8| TakenAnswer { provider: Pubkey([provider; 32]), ..answer() };
    assert!(store.take_answer(id(1), from(5), NOON).wait().unwrap().is_none(), "another invoice, and no answer to this one");
    let done = store.take_answer(id(1), from(4), NOON).wait().unwrap().unwrap();
    assert_eq!((done.state, done.provider), (PurchaseState::Done, Some(Pubkey([4; 32]))));
}

#[test]
fn how_a_request_ended_is_not_overwritten_by_what_is_said_later() {
    let ledger = requests(1);
    let words = |words: &str| words.to_owned();
    let noted = ledger.store().note_purchase(id(1), "over-bid", words("Too dear.")).wait().unwrap();
    assert_eq!(noted.reason.as_deref(), Some("Too dear."));
    let step = PurchaseStep { fact: PurchaseFact::Cancelled, reason: Some(("cancelled", words("Called off by you."))) };
    ledger.store().step(id(1), step, NOON).wait().unwrap();
    let noted = ledger.store().note_purchase(id(1), "not-sent", words("No relay took it.")).wait().unwrap();
    assert_eq!((noted.reason_code.as_deref(), noted.reason.as_deref()), (Some("cancelled"), Some("Called off by you.")));
}

#[test]
fn an_offer_whose_invoice_ran_out_unpaid_is_replaced_once_and_for_no_more() {
    let ledger = requests(4);
    let runs_out = |request, invoice, ms| Offer { expires_at: Some(NOON.plus_ms(ms)), ..offer(request, 4, invoice) };
    let later = |request, invoice| Offer { at: NOON.plus_ms(60_000), ..runs_out(request, invoice, 600_000) };
    assert_eq!(judged(&ledger, runs_out(1, 10, 60_000)), Some(None));
    assert_eq!(judged(&ledger, later(1, 11)), Some(None), "the first has run out");
    let flaws: Vec<_> = ledger.store().offers(id(1)).wait().unwrap().iter().map(|offer| offer.flaw).collect();
    assert_eq!(flaws, [None, Some(Flaw::Expired)], "one of them can be paid");
    assert_eq!(judged(&ledger, Offer { at: NOON.plus_ms(700_000), ..later(1, 12) }), None, "and there is no third");

    assert_eq!(judged(&ledger, runs_out(2, 20, 600_000)), Some(None));
    assert_eq!(judged(&ledger, later(2, 21)), Some(Some(Flaw::SecondOffer)), "the first can still be paid");
    assert_eq!(judged(&ledger, runs_out(3, 30, 60_000)), Some(None));
    let dearer = Offer { asked: Some(MilliSats(5_001)), ..later(3, 31) };
    assert_eq!(judged(&ledger, dearer), Some(Some(Flaw::SecondOffer)), "time is no reason to ask more");
    assert_eq!(judged(&ledger, runs_out(4, 40, 60_000)), Some(None));
    ledger.store().reserve(spend(4, 40, 1), WIDE, NOON).wait().unwrap();
    assert_eq!(judged(&ledger, later(4, 41)), Some(Some(Flaw::SecondOffer)), "the first is being paid");
}
