#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::input::keyboard::Key as Printed;

use super::*;
use crate::domain::money::Sats;
use crate::domain::spend_lock::SpendState;
use crate::hud::testing::{Hud, online};
use crate::node::Failure;

fn secret(pin: &str) -> Secret {
    Secret::new(pin.into())
}

fn spending(state: SpendState, has_pin: bool) -> Spending {
    Spending { state, has_pin, tries_left: 3, ..Spending::default() }
}

fn say(hud: &mut Hud, spending: Spending) {
    hud.say(NodeEvent::Spending { spending });
    hud.settle();
}

fn with_pin(state: SpendState) -> Hud {
    let mut hud = online();
    say(&mut hud, spending(state, true));
    hud.take_asked();
    hud
}

fn enter(hud: &mut Hud) {
    hud.key(KeyCode::Enter, Printed::Enter);
    hud.settle();
}

fn unlock(hud: &mut Hud) {
    hud.press(KeyCode::KeyL, "l");
    hud.settle();
}

#[test]
fn digits_are_typed_unseen_and_enter_tries_them() {
    let mut hud = with_pin(SpendState::Locked);
    hud.assert_shows("spending locked");
    unlock(&mut hud);
    hud.assert_shows("UNLOCK SPENDING");
    hud.type_text("12x3");
    enter(&mut hud);
    assert!(hud.take_asked().is_empty(), "three digits are no PIN");
    hud.type_text("4");
    hud.assert_shows("• • • •");
    assert!(!hud.shows("1234"));
    let form = hud.app.world().resource::<Form>();
    assert!(!format!("{form:?} {:?}", hud.app.world().resource::<PinDesk>()).contains("1234"));
    enter(&mut hud);
    let asked = hud.asked();
    assert_eq!(asked, [NodeCommand::UnlockSpending { pin: secret("1234"), secs: None }]);
    hud.assert_shows("ONE MOMENT…");
    hud.answer(&asked[0], NodeEvent::Spending { spending: spending(SpendState::Open, true) });
    hud.settle();
    assert!(!hud.shows("UNLOCK SPENDING") && !hud.shows("spending locked"));
    hud.assert_shows("Spending is unlocked.");
    assert!(hud.app.world().resource::<Form>().is_empty());
}

#[test]
fn the_pad_does_what_keys_do() {
    let mut hud = with_pin(SpendState::Locked);
    unlock(&mut hud);
    for key in ["9", "8", "×", "7", "1", "←", "0", "5", "5"] {
        hud.click(key);
    }
    hud.click("ENTER");
    assert_eq!(hud.take_asked(), [NodeCommand::UnlockSpending { pin: secret("7055"), secs: None }]);
}

#[test]
fn a_wrong_pin_is_told_with_the_tries_left_and_a_wait_counts_down_before_the_eyes() {
    let mut hud = with_pin(SpendState::Locked);
    unlock(&mut hud);
    hud.type_text("1111");
    enter(&mut hud);
    let asked = hud.asked();
    let wrong = Failure::pin("This is not the spending PIN: 2 more tries, then you have to wait.");
    hud.answer(&asked[0], NodeEvent::Failed { failure: wrong });
    hud.settle();
    hud.assert_shows("2 more tries");
    assert!(hud.app.world().resource::<crate::hud::state::Notices>().stack.is_empty(), "it is told in the question");
    let waiting = Spending { tries_left: 0, wait_until: Some(hud_now(&hud).plus_ms(30_000)), ..spending(SpendState::Locked, true) };
    say(&mut hud, waiting);
    hud.assert_shows("possible in 30 s");
    hud.take_asked();
    hud.type_text("2222");
    enter(&mut hud);
    assert!(hud.take_asked().is_empty(), "nothing is tried meanwhile");
    hud.frame_after(Duration::from_secs(1));
    hud.settle();
    hud.assert_shows("possible in 29 s");
    hud.frame_after(Duration::from_secs(29));
    hud.settle();
    assert!(!hud.shows("possible in"));
    hud.type_text("3333");
    enter(&mut hud);
    assert_eq!(hud.take_asked(), [NodeCommand::UnlockSpending { pin: secret("3333"), secs: None }]);
}

fn hud_now(hud: &Hud) -> crate::domain::time::UnixMs {
    hud.app.world().resource::<crate::hud::state::Now>().0
}

#[test]
fn a_first_pin_is_typed_twice_and_two_different_ones_are_none() {
    let mut hud = online();
    say(&mut hud, spending(SpendState::NoPin, false));
    hud.take_asked();
    hud.app.world_mut().write_message(UserAction::AskPin(PinWish::Set));
    hud.settle();
    hud.assert_shows("SET A PIN");
    for pin in ["4711", "4712"] {
        hud.type_text(pin);
        enter(&mut hud);
    }
    hud.assert_shows("The two are different.");
    assert!(hud.take_asked().is_empty());
    for pin in ["4711", "4711"] {
        hud.type_text(pin);
        enter(&mut hud);
    }
    let set = NodeCommand::SetPin { old: None, new: Some(secret("4711")) };
    assert_eq!(hud.asked(), std::slice::from_ref(&set));
    hud.answer(&set, NodeEvent::Spending { spending: spending(SpendState::Open, true) });
    hud.settle();
    hud.assert_shows("The spending PIN is set.");
    assert!(!hud.shows("SET A PIN"));
}

#[test]
fn the_old_pin_is_shown_before_it_is_changed_or_removed() {
    let mut hud = with_pin(SpendState::Open);
    hud.open(8);
    hud.size.y = 1_400.0;
    hud.settle();
    hud.take_asked();
    hud.click("Change");
    for pin in ["1234", "4711", "4711"] {
        hud.type_text(pin);
        enter(&mut hud);
    }
    let set = NodeCommand::SetPin { old: Some(secret("1234")), new: Some(secret("4711")) };
    assert_eq!(hud.asked(), std::slice::from_ref(&set));
    hud.answer(&set, NodeEvent::Failed { failure: Failure::pin("This is not the spending PIN: 2 more tries.") });
    hud.settle();
    hud.assert_shows("First the PIN there is.");
    hud.key(KeyCode::Escape, Printed::Escape);
    hud.settle();
    assert!(!hud.shows("First the PIN"));
    hud.take_asked();
    hud.click("Remove");
    hud.type_text("1234");
    enter(&mut hud);
    assert_eq!(hud.take_asked(), [NodeCommand::SetPin { old: Some(secret("1234")), new: None }]);
}

#[test]
fn a_payment_that_needs_the_pin_asks_for_it_and_is_carried_out_with_it() {
    let mut hud = with_pin(SpendState::Open);
    let pay = NodeCommand::Pay { bolt11: "lnsb".into(), sats: Sats(2_000) };
    hud.app.world_mut().write_message(UserAction::Sure(Box::new(UserAction::Ask(pay.clone()))));
    hud.settle();
    hud.answer(&pay, NodeEvent::Failed { failure: Failure::pin("A payment above 1000 sats needs the spending PIN.") });
    hud.settle();
    hud.assert_shows("SPENDING PIN");
    hud.take_asked();
    hud.type_text("1234");
    enter(&mut hud);
    let with = NodeCommand::WithPin { pin: secret("1234"), command: Box::new(pay) };
    assert_eq!(hud.asked(), std::slice::from_ref(&with));
    hud.answer(&with, NodeEvent::Failed { failure: Failure::pin("This is not the spending PIN: 2 more tries.") });
    hud.settle();
    hud.assert_shows("2 more tries");
    hud.take_asked();
    hud.type_text("4321");
    enter(&mut hud);
    let with = hud.asked().remove(0);
    hud.answer(&with, NodeEvent::Failed { failure: Failure::network("The wallet does not answer.") });
    hud.settle();
    assert!(!hud.shows("SPENDING PIN"), "the PIN was right");
    hud.answer(&with, NodeEvent::Done);
}

#[test]
fn what_waits_behind_the_lock_goes_on_when_it_is_open() {
    let mut hud = with_pin(SpendState::Locked);
    let pay = NodeCommand::Pay { bolt11: "lnsb".into(), sats: Sats(21) };
    hud.app.world_mut().write_message(UserAction::Ask(pay.clone()));
    hud.settle();
    hud.assert_shows("UNLOCK SPENDING");
    hud.type_text("1234");
    enter(&mut hud);
    let asked = hud.asked();
    hud.answer(&asked[0], NodeEvent::Spending { spending: spending(SpendState::Open, true) });
    hud.settle();
    hud.assert_shows("SEND 21 PRACTICE SATS?");
    hud.take_asked();
    hud.click("SEND 21 PRACTICE SATS");
    assert_eq!(hud.take_asked(), [pay]);
}

#[test]
fn a_lock_without_a_pin_is_opened_by_setting_one() {
    let mut hud = online();
    say(&mut hud, spending(SpendState::Locked, false));
    hud.assert_shows("receive only");
    unlock(&mut hud);
    hud.assert_shows("There is no spending PIN yet");
    hud.take_asked();
    for _ in 0..2 {
        hud.type_text("4711");
        enter(&mut hud);
    }
    let set = NodeCommand::SetPin { old: None, new: Some(secret("4711")) };
    hud.answer(&set, NodeEvent::Spending { spending: spending(SpendState::Locked, true) });
    hud.settle();
    assert_eq!(hud.take_asked(), [set, NodeCommand::UnlockSpending { pin: secret("4711"), secs: None }]);
    assert!(!hud.shows("SET A PIN"));
}

#[test]
fn what_is_typed_is_gone_with_the_question_and_with_the_market() {
    let mut hud = with_pin(SpendState::Locked);
    unlock(&mut hud);
    hud.type_text("123456");
    hud.app.world_mut().trigger(MarketChanged);
    hud.settle();
    assert!(!hud.shows("UNLOCK SPENDING") && hud.app.world().resource::<Form>().is_empty());
}
