//! The window as a whole: panes and slots are entities, things move by time, nothing is drawn for nothing, and what the
//! machine or the node does to it is survived.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::prelude::*;
use bevy_egui::egui::{Rect, vec2};

use super::action::UserAction;
use super::hotbar::{Opens, Slot};
use super::pane::{ActivePane, Berth, Closed, PANES, Pane, PaneFrame, PaneKind, PaneMotion, Stage, layout};
use super::prefs::{Motions, Preferences, Read};
use super::state::{History, Jobs, Notices, Now, Tone};
use super::testing::{Hud, job_event, status_event};
use super::theme::tokens;
use crate::domain::job::JobState;
use crate::node::{Failure, Fault, Market, NodeCommand, NodeEvent, NodeState, Scope};

fn is_closed(hud: &mut Hud, kind: PaneKind) -> bool {
    let pane = hud.pane(kind);
    hud.app.world().get::<Closed>(pane).is_some()
}

#[test]
fn panes_and_slots_are_entities_and_a_pane_can_be_despawned() {
    let mut hud = Hud::new();
    let single = PANES.iter().filter(|spec| matches!(spec.berth, Berth::Slot(_))).count();
    let world = hud.app.world_mut();
    assert_eq!(world.query::<&Pane>().iter(world).count(), single);
    assert_eq!(world.query::<&Slot>().iter(world).count(), 9);
    assert_eq!(world.query::<(&Slot, &Opens)>().iter(world).count(), single);
    hud.open(2);
    let history = hud.pane(PaneKind::JobHistory);
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(history));
    hud.app.world_mut().despawn(history);
    hud.settle();
    assert!(!hud.shows("JOB HISTORY"));
    let world = hud.app.world_mut();
    assert_eq!(world.query::<&Pane>().iter(world).count(), single - 1);
    let slot = world.query::<(&Slot, Option<&Opens>)>().iter(world).find(|(slot, _)| slot.index == 2).unwrap().1.copied();
    assert_eq!(slot, None, "its slot is empty");
    assert_ne!(world.resource::<ActivePane>().0, Some(history));
    hud.open(2);
    assert!(!hud.shows("JOB HISTORY"));
}

#[test]
fn a_slots_key_opens_then_raises_then_closes() {
    let mut hud = Hud::new();
    hud.open(2);
    hud.open(4);
    let (history, pylon) = (hud.pane(PaneKind::JobHistory), hud.pane(PaneKind::Pylon));
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(pylon));
    hud.open(2);
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(history), "open and not active: raised");
    let place = hud.seen_at(PaneKind::JobHistory);
    hud.open(2);
    assert!(is_closed(&mut hud, PaneKind::JobHistory), "active: closed");
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(pylon), "what was behind it is active");
    hud.open(2);
    assert_eq!(hud.seen_at(PaneKind::JobHistory), place, "back in its place");
}

#[test]
fn ctrl_w_closes_one_pane_after_the_other() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6, 7] {
        hud.open(slot);
    }
    for left in (0..5).rev() {
        hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyW, "w"));
        hud.settle();
        let world = hud.app.world_mut();
        assert_eq!(world.query_filtered::<&Pane, Without<Closed>>().iter(world).count(), left);
    }
}

#[test]
fn a_pane_comes_out_of_its_slot_by_time_and_turns_around_midway() {
    let mut hud = Hud::new();
    hud.press(KeyCode::Digit3, "");
    hud.frame();
    let pane = hud.pane(PaneKind::JobHistory);
    let place = hud.app.world().get::<PaneFrame>(pane).unwrap().rect;
    let slot = layout::slot(hud.app.world().resource::<Stage>().window, 2).center();
    let scaled = |scale: f32| Rect::from_min_max(slot + (place.min - slot) * scale, slot + (place.max - slot) * scale);
    let near = |one: Rect, other: Rect| (one.min - other.min).length() < 0.1 && (one.max - other.max).length() < 0.1;
    // However long the window slept before: the first frame that shows it is the beginning.
    hud.frame_after(Duration::from_secs(3600));
    assert!(near(hud.seen_at(PaneKind::JobHistory), scaled(0.92)), "at 0 ms");
    hud.frame_after(Duration::from_millis(60));
    assert!(near(hud.seen_at(PaneKind::JobHistory), scaled(1.0 - 0.08 * (2.0_f32 / 3.0).powi(3))), "at 60 ms");
    hud.frame_after(Duration::from_millis(60));
    let there = scaled(1.0 - 0.08 * (1.0_f32 / 3.0).powi(3));
    assert!(near(hud.seen_at(PaneKind::JobHistory), there), "at 120 ms");
    // Closed midway: back from where it is.
    hud.press(KeyCode::Digit3, "");
    hud.frame_after(Duration::ZERO);
    assert!(near(hud.seen_at(PaneKind::JobHistory), there), "no jump");
    hud.frame_after(Duration::from_millis(40));
    let back = hud.seen_at(PaneKind::JobHistory);
    assert!(back.width() < there.width() && back.width() > scaled(0.92).width());
    assert!(hud.wants_more());
    hud.settle();
    assert!(is_closed(&mut hud, PaneKind::JobHistory));
}

#[test]
fn with_reduced_motion_everything_is_at_once_where_it_goes() {
    let preferences = Preferences { motions: Motions::Reduced, ..Preferences::default() };
    let mut hud = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
    hud.settle();
    hud.press(KeyCode::Digit3, "");
    hud.frame();
    hud.frame_after(Duration::ZERO);
    let pane = hud.pane(PaneKind::JobHistory);
    assert_eq!(hud.seen_at(PaneKind::JobHistory), hud.app.world().get::<PaneFrame>(pane).unwrap().rect);
    assert_eq!(hud.app.world().get::<PaneMotion>(pane).unwrap().open, 1.0);
}

#[test]
fn a_window_at_rest_asks_for_no_more_frames_and_an_event_draws_one() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6, 7, 8] {
        hud.open(slot);
    }
    hud.say(status_event(NodeState::Online));
    hud.settle();
    for _ in 0..20 {
        hud.frame();
        assert!(!hud.wants_more());
    }
}

#[test]
fn tidied_panes_cover_nothing_and_follow_the_window() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6, 7] {
        hud.open(slot);
    }
    hud.press(KeyCode::KeyT, "t");
    hud.settle();
    for size in [vec2(1280.0, 720.0), vec2(1920.0, 1080.0), vec2(900.0, 600.0)] {
        hud.size = size;
        hud.settle();
        let world = hud.app.world_mut();
        let places: Vec<Rect> = world.query_filtered::<&PaneFrame, Without<Closed>>().iter(world).map(|frame| frame.rect).collect();
        assert_eq!(places.len(), 5);
        for (at, place) in places.iter().enumerate() {
            assert!(Rect::from_min_size(default(), size).contains_rect(*place), "{place:?} in {size:?}");
            assert!(places[at + 1..].iter().all(|other| !other.intersects(*place)), "{size:?}");
        }
    }
}

#[test]
fn tiny_and_huge_windows_are_drawn_and_panes_stay_inside() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6, 7, 8] {
        hud.open(slot);
    }
    for (width, height) in [(200.0, 100.0), (1.0, 1.0), (7680.0, 4320.0), (640.0, 400.0)] {
        hud.size = vec2(width, height);
        hud.settle();
        hud.press(KeyCode::KeyT, "t");
        hud.settle();
    }
    let inside = Rect::from_min_size(default(), hud.size);
    let world = hud.app.world_mut();
    for frame in world.query_filtered::<&PaneFrame, Without<Closed>>().iter(world) {
        assert!(inside.contains_rect(frame.rect), "{frame:?}");
    }
}

#[test]
fn a_node_that_dies_is_told_and_nothing_looks_alive_afterwards() {
    let mut hud = Hud::new();
    hud.say(status_event(NodeState::Online));
    hud.say(job_event(1, JobState::Running));
    hud.settle();
    hud.assert_shows("ONLINE");
    hud.assert_shows("00000001");
    hud.app.world_mut().write_message(UserAction::Ask(NodeCommand::Doctor));
    hud.frame();
    hud.kill_node();
    hud.settle();
    hud.assert_shows("STOPPED");
    hud.assert_shows("The node ended by itself");
    hud.assert_shows("The node ended before it answered.");
    assert!(hud.app.world().resource::<Jobs>().under_way.is_empty());
    assert!(!hud.app.world().resource::<History>().rows.is_empty(), "what is in the ledger is still shown");
}

#[test]
fn ten_thousand_events_at_once_are_all_taken_in() {
    let mut hud = Hud::new();
    hud.say(status_event(NodeState::Online));
    for number in 0..5_000 {
        hud.say(job_event(number, JobState::Running));
        hud.say(job_event(number, JobState::Done));
    }
    hud.settle();
    assert!(hud.app.world().resource::<Jobs>().under_way.is_empty());
    let history = hud.app.world().resource::<History>();
    assert_eq!(history.rows.len(), 2_000, "the newest are kept");
    assert_eq!(history.rows[0].seen_at.since(super::testing::NOW), 4_999);
    assert!(history.next.is_some(), "the rest is a page away");
}

#[test]
fn good_news_goes_by_itself_and_bad_news_stays() {
    let mut hud = Hud::new();
    hud.app.world_mut().write_message(UserAction::Copy("npub1x".into()));
    let fault = Fault { scope: Scope::Relays, message: "A relay is gone.".into(), hint: "Wait.".into() };
    hud.say(NodeEvent::Fault { fault });
    hud.settle();
    hud.assert_shows("Copied.");
    assert!(hud.app.world().resource::<super::bridge::Alarm>().wanted().is_some(), "the window will be woken");
    hud.frame_after(tokens::NOTICE_STAYS);
    hud.settle();
    assert!(!hud.shows("Copied."));
    hud.assert_shows("A relay is gone.");
    hud.click("dismiss");
    assert!(hud.app.world().resource::<Notices>().stack.is_empty());
}

#[test]
fn a_warning_goes_after_a_minute_and_keys_take_away_what_stays() {
    let mut hud = Hud::new();
    for (tone, title) in [(Tone::Error, "First."), (Tone::Error, "Second."), (Tone::Error, "Third."), (Tone::Warning, "A warning.")] {
        let now = hud.app.world().resource::<Now>().0;
        hud.app.world_mut().resource_mut::<Notices>().tell(now, tone, title, "");
    }
    hud.settle();
    hud.assert_shows("A warning.");
    hud.frame_after(tokens::WARNING_STAYS);
    hud.settle();
    assert!(!hud.shows("A warning.") && hud.shows("Third."), "{:?}", hud.texts());
    hud.press(KeyCode::KeyD, "d");
    hud.settle();
    assert!(!hud.shows("Third.") && hud.shows("Second."), "the newest goes");
    hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyD, "d"));
    hud.settle();
    assert!(hud.app.world().resource::<Notices>().stack.is_empty());
}

#[test]
fn a_command_that_is_refused_says_why_and_what_to_do() {
    let mut hud = Hud::new();
    hud.press(KeyCode::KeyG, "g");
    hud.settle();
    hud.answer(&NodeCommand::GoOnline, NodeEvent::Failed { failure: Failure::user("There is no identity.").hint("Run `pylon init`.") });
    hud.settle();
    hud.assert_shows("There is no identity.");
    hud.assert_shows("Run `pylon init`.");
}

#[test]
fn nothing_is_asked_of_any_node_before_a_market_is_chosen() {
    let mut hud = Hud::build(None, Read::default());
    hud.settle();
    hud.assert_shows("Where do you want to begin?");
    assert!(hud.take_asked().is_empty());
    hud.press(KeyCode::KeyG, "g");
    hud.settle();
    assert!(hud.take_asked().is_empty());
    hud.click("PRACTICE");
    assert!(!hud.shows("Where do you want to begin?"));
    hud.assert_shows("SELL COMPUTE");
    let asked = hud.take_asked();
    assert!(
        asked.contains(&NodeCommand::Preflight)
            && !asked.iter().any(|command| matches!(command, NodeCommand::Start | NodeCommand::GoOnline)),
        "{asked:?}"
    );
}

#[test]
fn a_full_channel_is_told_and_no_command_is_lost_in_silence() {
    let mut hud = Hud::new();
    for _ in 0..70 {
        hud.app.world_mut().write_message(UserAction::Ask(NodeCommand::Doctor));
    }
    hud.settle();
    hud.assert_shows("The node is busy.");
    assert_eq!(hud.take_asked().iter().filter(|command| **command == NodeCommand::Doctor).count(), 64);
}
