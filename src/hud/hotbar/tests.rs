//! Slots are rearranged by hand, by keys and in Settings; hints come when they are waited for; lamps tell what was not
//! seen.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::input::keyboard::Key;
use bevy::prelude::*;
use bevy_egui::egui::{Pos2, pos2};
use bevy_egui::{EguiContext, PrimaryEguiContext};

use super::{Hint, live, slot_id};
use crate::domain::job::JobState;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::hud::action::UserAction;
use crate::hud::bridge::Alarm;
use crate::hud::pane::{PaneKind, Stage, layout};
use crate::hud::state::{Relays, Session, Unseen};
use crate::hud::testing::{Hud, NOW, job, job_event, online};
use crate::hud::widgets::Signal;
use crate::node::{NodeCommand, NodeEvent};
use crate::store::{JobsQuery, Page};

fn slot(hud: &Hud, index: usize) -> Pos2 {
    layout::slot(hud.app.world().resource::<Stage>().window, index).center()
}

/// The pane that a slot's key opens, from a window in which nothing is open.
fn opened_by(hud: &mut Hud, index: usize) -> Option<PaneKind> {
    while !hud.stack().is_empty() {
        hud.app.world_mut().write_message(UserAction::CloseActive);
        hud.settle();
    }
    hud.open(index);
    hud.stack().last().copied()
}

fn focus(hud: &mut Hud, index: usize) {
    let world = hud.app.world_mut();
    let mut contexts = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>();
    contexts.single_mut(world).unwrap().get_mut().memory_mut(|memory| memory.request_focus(slot_id(index)));
    hud.settle();
}

fn with_ctrl_alt(hud: &mut Hud, key_code: KeyCode, key: Key) {
    hud.hold(KeyCode::ControlLeft, |hud| hud.hold(KeyCode::AltLeft, |hud| hud.key(key_code, key)));
    hud.settle();
}

#[test]
fn a_slot_that_is_dragged_onto_another_changes_places_with_it_and_they_stay_so() {
    let mut hud = Hud::new();
    let (from, to) = (slot(&hud, 1), slot(&hud, 5));
    hud.drag(from, to);
    assert!(hud.stack() == [PaneKind::SellCompute], "a drag is no press");
    assert_eq!(opened_by(&mut hud, 5), Some(PaneKind::Wallet));
    assert_eq!(opened_by(&mut hud, 1), None, "slot 6 was empty");
    let mut again = hud.restarted();
    assert_eq!(opened_by(&mut again, 5), Some(PaneKind::Wallet));
    let (from, away) = (slot(&again, 5), pos2(600.0, 300.0));
    again.drag(from, away);
    assert_eq!(opened_by(&mut again, 5), Some(PaneKind::Wallet), "dropped nowhere, it stays");
}

#[test]
fn the_focused_slot_is_moved_by_keys_and_keeps_the_keys() {
    let mut hud = Hud::new();
    focus(&mut hud, 2);
    with_ctrl_alt(&mut hud, KeyCode::PageUp, Key::PageUp);
    with_ctrl_alt(&mut hud, KeyCode::PageUp, Key::PageUp);
    with_ctrl_alt(&mut hud, KeyCode::PageUp, Key::PageUp);
    assert_eq!(opened_by(&mut hud, 0), Some(PaneKind::JobHistory), "to the first slot, and no further");
    focus(&mut hud, 0);
    with_ctrl_alt(&mut hud, KeyCode::PageDown, Key::PageDown);
    assert_eq!(opened_by(&mut hud, 1), Some(PaneKind::JobHistory));
}

#[test]
fn without_a_focused_slot_that_of_the_active_pane_is_moved() {
    let mut hud = Hud::new();
    with_ctrl_alt(&mut hud, KeyCode::PageDown, Key::PageDown);
    assert_eq!(opened_by(&mut hud, 1), Some(PaneKind::SellCompute));
    assert_eq!(opened_by(&mut hud, 0), Some(PaneKind::Wallet));
}

#[test]
fn settings_puts_any_pane_into_any_slot() {
    let mut hud = Hud::new();
    hud.open(8);
    hud.app.world_mut().write_message(UserAction::Maximise);
    hud.settle();
    hud.click("4 empty");
    hud.assert_shows("slot 4 opens");
    hud.click("Activity");
    hud.assert_shows("4 Activity");
    hud.assert_shows("8 empty");
    hud.click("1 Sell Compute");
    hud.click("nothing");
    hud.assert_shows("1 empty");
    assert_eq!(opened_by(&mut hud, 3), Some(PaneKind::Activity));
    let mut again = hud.restarted();
    assert_eq!(opened_by(&mut again, 3), Some(PaneKind::Activity));
    assert_eq!(opened_by(&mut again, 0), None, "an empty slot stays empty");
}

#[test]
fn a_hint_comes_after_300_ms_of_pointing_and_nothing_is_drawn_while_it_is_waited_for() {
    let mut hud = Hud::new();
    // Somewhere else first: until the mouse is used, the hint is that of the slot with the keys.
    hud.point(pos2(640.0, 300.0));
    hud.settle();
    let at = slot(&hud, 1);
    hud.point(at);
    hud.settle();
    assert!(hud.app.world().resource::<Hint>().slot == Some(1) && !hud.shows("Wallet"));
    assert!(!hud.wants_more(), "the alarm waits, not the window");
    assert!(hud.app.world().resource::<Alarm>().wanted().is_some());
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    hud.assert_shows("Wallet");
    let empty = slot(&hud, 3);
    hud.point(empty);
    hud.settle();
    hud.assert_shows("Empty");
    assert!(!hud.shows("Wallet"), "it goes along at once");
    hud.point(pos2(640.0, 300.0));
    hud.settle();
    assert!(!hud.shows("Empty"));
}

#[test]
fn the_first_slot_has_a_hint_from_the_first_time_it_is_pointed_at_and_none_before() {
    let mut hud = Hud::new();
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    assert!(!hud.shows("Sell Compute"), "nobody has gone there");
    let at = slot(&hud, 0);
    hud.point(at);
    hud.settle();
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    hud.assert_shows("Sell Compute");
}

#[test]
fn a_slot_that_has_the_keys_has_the_hint_as_well() {
    let mut hud = Hud::new();
    focus(&mut hud, 8);
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    hud.assert_shows("Settings");
}

#[test]
fn no_hint_lies_over_the_help_sheet() {
    let mut hud = Hud::new();
    focus(&mut hud, 8);
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    hud.assert_shows("Settings");
    hud.press(KeyCode::F1, "");
    hud.settle();
    hud.frame_after(Duration::from_millis(300));
    hud.settle();
    assert_eq!(hud.app.world().resource::<Hint>().shown, 0.0);
}

fn lamp(hud: &Hud, kind: PaneKind) -> Signal {
    let world = hud.app.world();
    live::live(kind, world.resource::<Session>(), world.resource::<Relays>(), world.resource::<Unseen>())
}

#[test]
fn a_payment_and_a_job_nobody_has_looked_at_light_their_lamps_until_their_panes_are_opened() {
    let mut hud = online();
    let payment = Payment {
        id: "1".into(),
        direction: Direction::In,
        state: PaymentState::Settled { at: NOW },
        amount: MilliSats(5_000),
        fee: MilliSats(0),
        hash: None,
        preimage: None,
        created_at: NOW,
        description: String::new(),
    };
    assert_eq!((lamp(&hud, PaneKind::Wallet), lamp(&hud, PaneKind::JobHistory)), (Signal::Quiet, Signal::Quiet));
    let out = Payment { id: "2".into(), direction: Direction::Out, ..payment.clone() };
    hud.say(NodeEvent::Payment { payment: Box::new(out) });
    hud.settle();
    assert_eq!(lamp(&hud, PaneKind::Wallet), Signal::Quiet, "what goes out is no news");
    hud.say(NodeEvent::Payment { payment: Box::new(payment.clone()) });
    hud.say(job_event(1, JobState::Running));
    hud.say(job_event(1, JobState::Done));
    hud.settle();
    assert_eq!((lamp(&hud, PaneKind::Wallet), lamp(&hud, PaneKind::JobHistory)), (Signal::Good, Signal::Info));
    assert_eq!(hud.app.world().resource::<Unseen>().jobs, 1, "one job, however often it changes");
    hud.open(1);
    hud.open(2);
    assert_eq!((lamp(&hud, PaneKind::Wallet), lamp(&hud, PaneKind::JobHistory)), (Signal::Quiet, Signal::Quiet));
    // What comes while it is open is seen.
    hud.say(job_event(2, JobState::Running));
    hud.settle();
    assert_eq!(lamp(&hud, PaneKind::JobHistory), Signal::Quiet);
}

#[test]
fn what_was_in_the_ledger_before_is_no_news() {
    let mut hud = online();
    let rows = vec![job(7, JobState::Done)];
    hud.answer(&NodeCommand::Jobs { query: JobsQuery::default() }, NodeEvent::Jobs { page: Page { rows, next: None } });
    hud.say(job_event(3, JobState::Done));
    hud.settle();
    assert_eq!(lamp(&hud, PaneKind::JobHistory), Signal::Quiet, "an old one that ends");
    hud.say(job_event(8, JobState::Running));
    hud.settle();
    assert_eq!(lamp(&hud, PaneKind::JobHistory), Signal::Info);
}
