#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use bevy::input::keyboard::Key as Printed;
use bevy::window::{WindowCloseRequested, WindowMode};
use bevy_egui::egui::pos2;

use super::*;
use crate::domain::spend_lock::Spending;
use crate::hud::help::Help;
use crate::hud::palette::Palette;
use crate::hud::testing::Hud;
use crate::node::{Link, NodeEvent, NodeState, Secret, Whose};

fn spending(state: SpendState, has_pin: bool) -> NodeEvent {
    NodeEvent::Spending { spending: Spending { state, has_pin, tries_left: 3, ..Spending::default() } }
}

/// A kiosk whose PIN is set.
fn kiosk() -> Hud {
    let mut hud = Hud::kiosk();
    hud.say(spending(SpendState::Locked, true));
    hud.settle();
    hud.take_asked();
    hud
}

fn has_ended(hud: &Hud) -> bool {
    !hud.app.world().resource::<Messages<AppExit>>().is_empty()
}

fn window(hud: &mut Hud) -> Window {
    hud.app.world_mut().query_filtered::<&Window, With<PrimaryWindow>>().single(hud.app.world()).unwrap().clone()
}

fn enter_pin(hud: &mut Hud, pin: &str) {
    hud.type_text(pin);
    hud.key(KeyCode::Enter, Printed::Enter);
    hud.settle();
}

#[test]
fn no_key_and_no_close_button_ends_a_kiosk_or_makes_it_a_window() {
    let mut hud = kiosk();
    let entity = hud.app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>().single(hud.app.world()).unwrap();
    let ways: [&dyn Fn(&mut Hud); 4] = [
        &|hud| hud.press(KeyCode::F11, ""),
        &|hud| hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyQ, "q")),
        &|hud| {
            hud.app.world_mut().write_message(WindowCloseRequested { window: entity });
        },
        &|hud| {
            hud.app.world_mut().write_message(UserAction::ChooseAgain);
        },
    ];
    for way in ways {
        for _ in 0..2 {
            way(&mut hud);
            hud.settle();
            hud.assert_shows("leads out of the kiosk");
            assert!(!has_ended(&hud) && hud.app.world().resource::<Kiosk>().is_on);
        }
        hud.key(KeyCode::Escape, Printed::Escape);
        hud.settle();
        assert!(!hud.shows("leads out of the kiosk"));
    }
    for _ in 0..4 {
        hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyW, "w"));
        hud.key(KeyCode::Escape, Printed::Escape);
        hud.settle();
    }
    assert!(!has_ended(&hud) && hud.app.world().resource::<Kiosk>().is_on, "closing the last pane is no way out");
    assert_eq!(hud.app.world().resource::<Session>().market, Some(Market::Practice));
}

#[test]
fn the_pin_leads_out_and_a_wrong_one_does_not() {
    let mut hud = kiosk();
    hud.press(KeyCode::F11, "");
    hud.settle();
    enter_pin(&mut hud, "1111");
    let check = hud.asked().remove(0);
    assert_eq!(check, NodeCommand::CheckPin { pin: Secret::new("1111".into()) });
    hud.answer(&check, NodeEvent::Failed { failure: crate::node::Failure::pin("This is not the spending PIN.") });
    hud.settle();
    hud.assert_shows("This is not the spending PIN.");
    assert!(hud.app.world().resource::<Kiosk>().is_on);
    enter_pin(&mut hud, "1234");
    hud.answer(&check, NodeEvent::Done);
    hud.settle();
    assert!(!hud.app.world().resource::<Kiosk>().is_on);
    let window = window(&mut hud);
    assert!(window.mode == WindowMode::Windowed && window.decorations);
    // Outside, the way is free again.
    hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyQ, "q"));
    hud.frame();
    assert!(has_ended(&hud));
}

#[test]
fn a_kiosk_without_a_pin_receives_only_and_asks_for_one_once() {
    let mut hud = Hud::kiosk();
    hud.take_asked();
    hud.say(spending(SpendState::NoPin, false));
    hud.settle();
    assert!(hud.take_asked().contains(&NodeCommand::LockSpending));
    hud.say(spending(SpendState::Locked, false));
    hud.settle();
    hud.assert_shows("SET A PIN");
    hud.click("NOT NOW");
    assert!(!hud.shows("SET A PIN"));
    hud.say(spending(SpendState::Locked, false));
    hud.settle();
    assert!(!hud.shows("SET A PIN"), "once is enough");
    hud.assert_shows("receive only");
    // Whoever comes by later can neither leave nor choose the PIN.
    for key in [(KeyCode::F11, ""), (KeyCode::KeyL, "l")] {
        hud.press(key.0, key.1);
        hud.settle();
        hud.assert_shows("NO PIN YET");
        assert!(hud.app.world().resource::<Kiosk>().is_on && !hud.shows("SET A PIN"));
        hud.click("BACK");
    }
    hud.app.world_mut().write_message(UserAction::AskPin(PinWish::Set));
    hud.settle();
    hud.assert_shows("NO PIN YET");
}

/// Chooses this line of the palette and presses Enter; whether the program has ended by that.
fn ends_by_line(hud: &mut Hud, line: usize) -> bool {
    hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyK, "k"));
    hud.settle();
    assert!(hud.app.world().resource::<Palette>().is_open);
    hud.app.world_mut().resource_mut::<Palette>().at = line;
    hud.key(KeyCode::Enter, Printed::Enter);
    (0..5).any(|_| {
        hud.frame();
        has_ended(hud)
    })
}

#[test]
fn no_line_of_the_palette_leads_out_of_a_kiosk() {
    let mut held = 0;
    let mut all = Palette::default();
    for line in 0.. {
        all.at = line;
        if all.chosen(&[]).is_none() {
            break;
        }
        let mut hud = kiosk();
        assert!(!ends_by_line(&mut hud, line), "line {line} ends it");
        hud.settle();
        assert!(hud.app.world().resource::<Kiosk>().is_on, "line {line} makes it a window");
        assert_eq!(hud.app.world().resource::<Session>().market, Some(Market::Practice), "line {line}");
        held += usize::from(hud.shows("leads out of the kiosk"));
    }
    assert!(held >= 2, "quitting and the full screen ask for the PIN");
}

#[test]
fn a_question_takes_the_keys_from_palette_and_help() {
    for key in [KeyCode::KeyK, KeyCode::F1] {
        let mut hud = kiosk();
        if key == KeyCode::F1 {
            hud.press(key, "");
        } else {
            hud.hold(KeyCode::ControlLeft, |hud| hud.press(key, "k"));
        }
        hud.settle();
        hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::KeyQ, "q"));
        hud.settle();
        enter_pin(&mut hud, "1111");
        assert_eq!(hud.take_asked(), [NodeCommand::CheckPin { pin: Secret::new("1111".into()) }]);
        assert!(!hud.app.world().resource::<Palette>().is_open && !hud.app.world().resource::<Help>().is_open);
    }
}

#[test]
fn a_kiosk_before_any_market_is_chosen_has_no_way_out_and_says_why() {
    let mut hud = Hud::kiosk_without_market();
    hud.press(KeyCode::F11, "");
    hud.settle();
    hud.assert_shows("NO MARKET YET");
    assert!(hud.app.world().resource::<Kiosk>().is_on);
    hud.click("BACK");
    hud.click("PRACTICE");
    hud.assert_shows("SELL COMPUTE");
}

#[test]
fn spending_is_unlocked_for_minutes_and_a_node_that_is_found_is_locked() {
    let mut hud = kiosk();
    hud.press(KeyCode::KeyL, "l");
    hud.settle();
    enter_pin(&mut hud, "1234");
    assert_eq!(hud.take_asked(), [NodeCommand::UnlockSpending { pin: Secret::new("1234".into()), secs: Some(300) }]);
    hud.say(NodeEvent::Link { link: Link::Outside { pid: 4711, whose: Whose::Found } });
    hud.settle();
    let lock = NodeCommand::LockSpending;
    assert!(hud.take_asked().contains(&lock));
    // It is told again until it says so.
    hud.frame_after(Duration::from_secs(6));
    hud.settle();
    assert_eq!(hud.asked().iter().filter(|asked| **asked == lock).count(), 1);
    hud.answer(&lock, spending(SpendState::Locked, true));
    hud.settle();
    hud.take_asked();
    hud.frame_after(Duration::from_secs(6));
    hud.settle();
    assert!(!hud.asked().contains(&lock));
}

#[test]
fn the_pointer_hides_while_keys_are_used_and_comes_back_when_it_moves() {
    let mut hud = kiosk();
    let entity = hud.app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>().single(hud.app.world()).unwrap();
    let is_seen = |hud: &mut Hud| hud.app.world_mut().query::<&CursorOptions>().single(hud.app.world()).unwrap().visible;
    hud.press(KeyCode::Digit3, "3");
    hud.settle();
    assert!(!is_seen(&mut hud));
    let still = CursorMoved { window: entity, position: Vec2::ONE, delta: Some(Vec2::ZERO) };
    hud.app.world_mut().write_message(still.clone());
    hud.settle();
    assert!(!is_seen(&mut hud), "it has not moved");
    hud.app.world_mut().write_message(CursorMoved { delta: Some(Vec2::ONE), ..still });
    hud.settle();
    assert!(is_seen(&mut hud));
}

#[test]
fn the_picture_drifts_by_a_pixel_a_minute_panes_and_all_and_stays_on_the_screen() {
    let mut hud = kiosk();
    let place = |hud: &mut Hud| hud.seen_at(crate::hud::pane::PaneKind::SellCompute).min;
    let hotbar = |hud: &Hud| hud.app.world().resource::<crate::hud::pane::Stage>().window.min;
    let (pane, bar) = (place(&mut hud), hotbar(&hud));
    let mut wakes = 0;
    for _ in 0..3 {
        let next = hud.app.world().resource::<Alarm>().wanted();
        assert!(next.is_some());
        hud.frame_after(Duration::from_secs(60));
        hud.settle();
        wakes += 1;
    }
    let (by_pane, by_bar) = (place(&mut hud) - pane, hotbar(&hud) - bar);
    assert!((by_pane - by_bar).length() < 0.01, "{by_pane:?} {by_bar:?}");
    assert!(by_pane.length() > 0.0 && by_pane.length() < 3.1, "{by_pane:?}");
    assert_eq!(wakes, 3);
}

#[test]
fn the_drift_goes_one_pixel_at_a_time_over_its_square_and_back() {
    let side = 2 * i64::from(tokens::DRIFT) + 1;
    let cycle = u64::try_from(2 * (side * side - 1)).unwrap();
    let mut places = std::collections::BTreeSet::new();
    for minute in 0..cycle {
        let (from, to) = (drifted(minute), drifted(minute + 1));
        assert_eq!((from.0 - to.0).abs() + (from.1 - to.1).abs(), 1, "{minute}");
        assert!(from.0.abs() <= i64::from(tokens::DRIFT) && from.1.abs() <= i64::from(tokens::DRIFT));
        places.insert(from);
    }
    assert_eq!(places.len() as i64, side * side);
    let screen = Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 720.0));
    assert!((0..cycle).all(|minute| screen.contains_rect(shifted(screen, 1.0, minute))));
    let tiny = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 50.0));
    assert_eq!(shifted(tiny, 1.0, 5), tiny);
}

#[test]
fn a_window_is_no_kiosk() {
    let mut hud = Hud::new();
    hud.say(spending(SpendState::NoPin, false));
    hud.settle();
    assert!(!hud.shows("SET A PIN") && !hud.take_asked().contains(&NodeCommand::LockSpending));
    hud.say(crate::hud::testing::status_event(NodeState::Online));
    hud.settle();
    assert_eq!(hud.app.world().resource::<crate::hud::pane::Stage>().window.min, pos2(0.0, 0.0));
}
