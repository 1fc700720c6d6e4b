//! What is told of money, and beside what it stands.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::time::{Real, Time};
use bevy_egui::egui::vec2;

use super::Form;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::hud::action::UserAction;
use crate::hud::bridge::Alarm;
use crate::hud::pane::PaneKind;
use crate::hud::panes::tests::{invoice, invoice_of, wallet, with_wallet};
use crate::hud::testing::{Hud, NOW, status};
use crate::node::status::OpenWallet;
use crate::node::trouble::Trouble;
use crate::node::{Failure, NodeCommand, NodeEvent, NodeState, NodeStatus};
use crate::wallet::{PaymentsPage, SyncState};

const LIST: NodeCommand = NodeCommand::Payments { before: None, limit: 50 };

fn paste(hud: &mut Hud, invoice: &Invoice) {
    field(hud).invoice.clone_from(&invoice.bolt11);
    hud.settle();
}

fn field(hud: &mut Hud) -> bevy::ecs::change_detection::Mut<'_, Form> {
    let pane = hud.pane(PaneKind::Wallet);
    hud.app.world_mut().get_mut::<Form>(pane).unwrap()
}

fn paying(invoice: &Invoice, state: PaymentState) -> Payment {
    Payment {
        id: invoice.hash.to_string(),
        direction: Direction::Out,
        state,
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: Some(invoice.hash),
        preimage: None,
        created_at: NOW,
        description: "a coffee".into(),
    }
}

fn listed(payments: Vec<Payment>) -> NodeEvent {
    NodeEvent::Payments { page: PaymentsPage { payments, next: None } }
}

/// Presses Pay and Send. What the node is asked.
fn pay(hud: &mut Hud, invoice: &Invoice) -> NodeCommand {
    hud.click("PAY 5 PRACTICE SATS");
    hud.click("SEND 5 PRACTICE SATS");
    NodeCommand::Pay { bolt11: invoice.bolt11.clone(), sats: Sats(5) }
}

#[test]
fn that_nothing_has_moved_is_told_when_the_wallet_has_said_so_and_not_before() {
    let mut hud = with_wallet();
    hud.assert_shows("Asking…");
    assert!(!hud.shows("Nothing has moved yet."));
    hud.answer(&LIST, NodeEvent::Failed { failure: Failure::network("It does not answer.") });
    hud.settle();
    hud.assert_shows("× It does not answer.");
    assert!(!hud.shows("Nothing has moved yet.") && !hud.shows("Asking…"));
    // It is away, and comes back.
    let mut away = wallet(48_210);
    away.snapshot.sync = SyncState::Unreachable { reason: "it is off".into() };
    hud.take_asked();
    for (wallet, asks) in [(away, false), (wallet(48_210), true)] {
        hud.say(NodeEvent::Status { status: Box::new(NodeStatus { wallet: Some(wallet), ..status(NodeState::Online) }) });
        hud.settle();
        assert_eq!(hud.asked().contains(&LIST), asks);
    }
    hud.answer(&LIST, listed(Vec::new()));
    hud.settle();
    hud.assert_shows("Nothing has moved yet.");
    assert!(!hud.shows("It does not answer."));
}

#[test]
fn a_wallet_that_is_there_is_never_told_to_be_none_and_takes_and_sends_money_whether_or_not_its_balance_is_known() {
    let mut hud = Hud::new();
    hud.open(1);
    let open = |hides_balance| Some(OpenWallet { kind: "nwc".into(), network: Network::Practice, hides_balance });
    let no_answer = Trouble { wallet: Some("The wallet does not answer.".into()), ..Trouble::default() };
    for (hides_balance, trouble, chip, pane) in [
        (false, Trouble::default(), "nwc · syncing", "Syncing: what the wallet holds is not known yet."),
        (false, no_answer, "nwc · unreachable", "The wallet does not answer."),
        (true, Trouble::default(), "nwc · balance not shown to us", "The balance is not shown to us"),
    ] {
        let status = NodeStatus { open_wallet: open(hides_balance), trouble, ..status(NodeState::Online) };
        hud.say(NodeEvent::Status { status: Box::new(status) });
        hud.settle();
        for part in [chip, pane] {
            hud.assert_shows(part);
        }
        assert!(!hud.shows("no wallet") && !hud.shows("pending in"), "neither none nor figures: {:?}", hud.texts());
    }
    assert!(hud.asked().contains(&LIST), "what has moved is asked all the same");
    hud.click("RECEIVE");
    hud.assert_shows("Make an invoice");
    hud.click("SEND");
    paste(&mut hud, &invoice());
    hud.assert_shows("PAY 5 PRACTICE SATS");
    hud.say(NodeEvent::Status { status: Box::new(status(NodeState::Online)) });
    hud.settle();
    hud.assert_shows("no wallet");
    hud.assert_shows("This node has no wallet.");
}

#[test]
fn why_one_invoice_was_not_paid_stands_beside_no_other_and_in_no_other_part() {
    let mut hud = with_wallet();
    hud.click("SEND");
    let (one, other) = (invoice(), invoice_of(b"another"));
    paste(&mut hud, &one);
    let command = pay(&mut hud, &one);
    hud.answer(&command, NodeEvent::Failed { failure: Failure::user("There is not enough.") });
    hud.settle();
    hud.assert_shows("× There is not enough.");
    paste(&mut hud, &other);
    assert!(!hud.shows("There is not enough."));
    hud.click("RECEIVE");
    assert!(!hud.shows("There is not enough."));
    hud.click("PAYMENTS");
    assert!(!hud.shows("There is not enough."));
    hud.click("SEND");
    paste(&mut hud, &one);
    hud.assert_shows("× There is not enough.");
    // Whoever has gone elsewhere is told there, too.
    let why = |hud: &Hud| hud.texts().iter().filter(|text| text.contains("The limit is reached.")).count();
    pay(&mut hud, &one);
    hud.answer(&command, NodeEvent::Failed { failure: Failure::user("The limit is reached.") });
    hud.settle();
    assert_eq!(why(&hud), 1, "beside the invoice");
    pay(&mut hud, &one);
    hud.click("RECEIVE");
    hud.answer(&command, NodeEvent::Failed { failure: Failure::user("The limit is reached.") });
    hud.settle();
    assert_eq!(why(&hud), 1, "in a notice");
}

#[test]
fn an_invoice_that_is_paid_leaves_the_field_and_its_outcome_stands_until_there_is_another() {
    let mut hud = with_wallet();
    hud.click("SEND");
    let (one, other) = (invoice(), invoice_of(b"another"));
    paste(&mut hud, &one);
    let command = pay(&mut hud, &one);
    hud.answer(&command, NodeEvent::Payment { payment: Box::new(paying(&one, PaymentState::Pending)) });
    hud.settle();
    hud.assert_shows("do not pay again");
    assert!(!hud.shows("PAY 5 PRACTICE SATS"), "it is under way");
    paste(&mut hud, &other);
    assert!(!hud.shows("do not pay again"));
    hud.assert_shows("PAY 5 PRACTICE SATS");
    paste(&mut hud, &one);
    hud.say(NodeEvent::Payment { payment: Box::new(paying(&one, PaymentState::Settled { at: NOW })) });
    hud.settle();
    assert_eq!(field(&mut hud).invoice, "");
    hud.assert_shows("✓ 5 PRACTICE sats sent.");
    paste(&mut hud, &other);
    assert!(!hud.shows("sats sent."));
    field(&mut hud).invoice.clear();
    hud.settle();
    assert!(!hud.shows("sats sent."), "there was another");
}

#[test]
fn after_a_restart_an_invoice_that_was_paid_meanwhile_cannot_be_paid_again() {
    let mut hud = with_wallet();
    hud.click("SEND");
    paste(&mut hud, &invoice());
    hud.assert_shows("PAY 5 PRACTICE SATS");
    hud.answer(&LIST, listed(vec![paying(&invoice(), PaymentState::Settled { at: NOW })]));
    hud.settle();
    hud.assert_shows("✓ 5 PRACTICE sats sent.");
    assert!(!hud.shows("PAY 5 PRACTICE SATS"));
    // One that failed can be tried again.
    hud.app.world_mut().write_message(UserAction::Ask(LIST));
    hud.frame();
    hud.answer(&LIST, listed(vec![paying(&invoice(), PaymentState::Failed { reason: "there is no way".into() })]));
    hud.settle();
    hud.assert_shows("were not sent: there is no way.");
    hud.assert_shows("PAY 5 PRACTICE SATS");
}

#[test]
fn the_first_payment_of_thousands_is_found_at_the_end_of_the_list() {
    let mut hud = with_wallet();
    let one = |number: i64| Payment {
        id: format!("{number:04}"),
        description: format!("number {number}"),
        created_at: NOW.plus_ms(number as u64),
        ..paying(&invoice(), PaymentState::Settled { at: NOW })
    };
    let next = Some((NOW, "0000".to_owned()));
    hud.answer(&LIST, NodeEvent::Payments { page: PaymentsPage { payments: (0..3_000).rev().map(one).collect(), next } });
    hud.settle();
    hud.assert_shows("number 2999");
    assert!(!hud.shows("number 0"));
    let at = hud.place(PaneKind::Wallet).center();
    hud.point(at);
    hud.wheel(vec2(0.0, -100_000.0));
    hud.settle();
    for part in ["number 0", "number 1", "Older"] {
        assert!(hud.texts().contains(&part), "{part}: {:?}", hud.texts());
    }
}

#[test]
fn an_invoice_is_received_when_the_wallet_says_so_and_not_before() {
    let mut hud = with_wallet();
    hud.click("RECEIVE");
    let asked = NodeCommand::Receive { sats: Sats(5), description: String::new() };
    hud.app.world_mut().write_message(UserAction::Ask(asked.clone()));
    hud.frame();
    hud.answer(&asked, NodeEvent::Invoice { invoice: Box::new(invoice()) });
    hud.settle();
    hud.assert_shows("Copy");
    assert!(!hud.shows("received"));
    counts_down(&mut hud);
    let payment = Payment {
        id: "1".into(),
        direction: Direction::In,
        state: PaymentState::Pending,
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: Some(invoice().hash),
        preimage: None,
        created_at: NOW,
        description: "a coffee".into(),
    };
    hud.say(NodeEvent::Payment { payment: Box::new(payment.clone()) });
    hud.settle();
    assert!(!hud.shows("received"), "pending is not paid");
    hud.say(NodeEvent::Payment { payment: Box::new(Payment { state: PaymentState::Settled { at: NOW }, ..payment }) });
    hud.settle();
    hud.assert_shows("✓ 5 PRACTICE sats received");
}

/// The time that is left goes on by itself, a frame a second, as long as somebody sees it.
fn counts_down(hud: &mut Hud) {
    let left = |hud: &Hud| hud.texts().iter().find(|text| text.ends_with(" left")).map(|text| (*text).to_owned());
    let wakes_soon = |hud: &Hud| {
        let frame = hud.app.world().resource::<Time<Real>>().last_update().unwrap();
        hud.app.world().resource::<Alarm>().wanted().is_some_and(|at| at <= frame + Duration::from_secs(1))
    };
    let before = left(hud).unwrap();
    assert!(wakes_soon(hud));
    hud.frame_after(Duration::from_secs(1));
    hud.settle();
    assert_ne!(left(hud).unwrap(), before);
    hud.open(1);
    assert!(!wakes_soon(hud), "nobody sees it");
    hud.open(1);
}

#[test]
fn what_an_invoice_asks_for_is_seen_before_it_can_be_paid() {
    let mut hud = with_wallet();
    hud.click("SEND");
    hud.app.world_mut().query::<&mut Form>().single_mut(hud.app.world_mut()).unwrap().invoice = "lnbc1nonsense".into();
    hud.settle();
    hud.assert_shows("This invoice cannot be paid");
    let pane = hud.pane(PaneKind::Wallet);
    hud.app.world_mut().get_mut::<Form>(pane).unwrap().invoice = invoice().bolt11;
    hud.settle();
    hud.assert_shows("a coffee");
    hud.take_asked();
    hud.click("PAY 5 PRACTICE SATS");
    assert!(hud.take_asked().is_empty(), "asked first");
    hud.click("SEND 5 PRACTICE SATS");
    let command = NodeCommand::Pay { bolt11: invoice().bolt11, sats: Sats(5) };
    assert!(hud.asked().contains(&command));
    hud.assert_shows("PAYING…");
    hud.answer(&command, NodeEvent::Failed { failure: Failure::user("There is not enough.") });
    hud.settle();
    hud.assert_shows("× There is not enough.");
}
