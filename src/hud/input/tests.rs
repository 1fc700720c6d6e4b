//! The table against what can be reached, and the focus that is never lost.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::time::Duration;

use bevy::prelude::*;
use bevy_egui::egui;

use super::player::Player;
use super::{Area, Bindings, Device, Hint, LastDevice, Listening};
use crate::hud::action::{ActionKind, UserAction, steering::Group, table};
use crate::hud::bridge::Alarm;
use crate::hud::pane::{ActivePane, PaneKind};
use crate::hud::prefs::{Preferences, Read};
use crate::hud::state::Notices;
use crate::hud::testing::{Hud, online};
use crate::hud::theme::tokens;
use crate::node::{Failure, NodeCommand, NodeEvent};

fn sits_down(device: Device) -> Player {
    Player::new(online(), device)
}

#[test]
fn no_action_is_for_the_mouse_alone_and_none_is_without_help() {
    let mut ids = BTreeSet::new();
    for row in table() {
        let kind = row.kind;
        assert!(row.help.ends_with('.') && !row.label.is_empty(), "{row:?}");
        assert!(ids.insert(kind.id()), "{} is in the table twice", kind.id());
        let by_name = kind.is_in_palette();
        let in_hotbar = kind.slot().is_some();
        // What types on the screen is on its keys; with a keyboard nobody needs it.
        let on_screen = kind.group() == Group::Typing;
        assert!(!row.chords.is_empty() || by_name || on_screen, "{kind:?} cannot be done with keys");
        // Tab has the d-pad, page keys have the stick, a step into the pane has up.
        let other_way = matches!(
            kind,
            ActionKind::NextControl | ActionKind::PreviousControl | ActionKind::ScrollUp | ActionKind::ScrollDown | ActionKind::EnterPane
        );
        assert!(row.pad.is_some() || by_name || in_hotbar || on_screen || other_way, "{kind:?} cannot be done with a pad");
    }
}

#[test]
fn no_key_and_no_button_does_two_things_at_once() {
    let rows: Vec<_> = table().collect();
    for (at, row) in rows.iter().enumerate() {
        for other in rows[at + 1..].iter().filter(|other| other.kind.scope().meets(row.kind.scope())) {
            assert!(row.chords.iter().all(|chord| !other.chords.contains(chord)), "{:?} and {:?} share a key", row.kind, other.kind);
            assert!(row.pad.is_none() || row.pad != other.pad, "{:?} and {:?} share a button", row.kind, other.kind);
        }
    }
}

#[test]
fn escape_leaves_the_field_then_the_pane_then_closes_it() {
    for device in [Device::Keys, Device::Pad] {
        let mut player = sits_down(device);
        player.opens(7);
        player.reaches("search");
        player.does(ActionKind::Press);
        assert!(player.context().text_edit_focused());
        if device == Device::Pad {
            assert!(player.osk().is_open());
        }
        player.does(ActionKind::Leave);
        assert!(!player.context().text_edit_focused() && player.focus().area == Area::Pane, "out of the field");
        player.does(ActionKind::Leave);
        assert_eq!((player.focus().area, player.focus().slot), (Area::Hotbar, 7), "out of the pane");
        let pane = player.hud.pane(PaneKind::Activity);
        assert_eq!(player.hud.app.world().resource::<ActivePane>().0, Some(pane));
        player.does(ActionKind::Leave);
        assert_ne!(player.hud.app.world().resource::<ActivePane>().0, Some(pane), "closed");
        assert!(player.ring().is_some());
    }
}

#[test]
fn whoever_comes_to_a_pane_or_to_the_hotbar_begins_at_its_beginning_or_where_they_were() {
    let mut player = Player::new(Hud::build(None, Read::default()), Device::Keys);
    player.does(ActionKind::Press);
    assert_eq!((player.focus().area, player.focus().slot, player.focus().at), (Area::Hotbar, 0, Some(crate::hud::hotbar::slot_id(0))));
    player.opens(8);
    let first = player.ring().unwrap();
    player.reaches("reduced");
    player.does(ActionKind::Leave);
    player.does(ActionKind::MoveUp);
    assert!(player.ring().is_some_and(|ring| ring.top() > first.top()), "where it was");
    player.hud.open(7);
    player.hud.open(8);
    assert!(player.ring().is_some_and(|ring| ring.top() > first.top()), "by its key as well");
}

#[test]
fn keys_walk_the_active_pane_and_no_other() {
    let mut player = sits_down(Device::Keys);
    player.opens(8);
    let settings = player.hud.pane(PaneKind::Settings);
    let layer = crate::hud::pane::frame::layer(settings);
    for _ in 0..60 {
        player.does(ActionKind::NextControl);
        let at = player.focus().at.unwrap();
        let found = player.context().viewport(|viewport| viewport.prev_pass.widgets.get(at).unwrap().layer_id);
        assert_eq!(found, layer);
    }
}

#[test]
fn the_focus_is_never_lost_whatever_goes() {
    for device in [Device::Keys, Device::Pad] {
        let mut player = sits_down(device);
        player.opens(4);
        player.opens(7);
        // The control with the ring goes away.
        player.reaches("pause");
        let pane = player.hud.pane(PaneKind::Activity);
        player.hud.app.world_mut().despawn(pane);
        player.hud.settle();
        assert!(player.ring().is_some(), "the pane was despawned");
        // The pane is closed under it.
        let pane = player.hud.pane(PaneKind::Pylon);
        player.hud.app.world_mut().write_message(UserAction::Close(pane));
        player.hud.settle();
        assert!(player.ring().is_some(), "the pane was closed");
        // All of them.
        player.hud.app.world_mut().write_message(UserAction::CloseAll);
        player.hud.settle();
        assert!(player.ring().is_some() && player.focus().area == Area::Hotbar, "nothing is open");
        // A button that can no longer be pressed.
        player.opens(0);
        player.reaches("GO OFFLINE");
        let ring = player.ring().unwrap();
        player.hud.say(crate::hud::testing::status_event(crate::node::NodeState::Stopping));
        player.hud.settle();
        assert!(player.ring().is_some_and(|now| now != ring), "its neighbour has it");
    }
}

#[test]
fn the_ring_is_seen_with_keys_and_pad_and_not_with_the_mouse() {
    let mut player = sits_down(Device::Keys);
    player.does(ActionKind::NextControl);
    assert!(player.hud.app.world().resource::<LastDevice>().shows_focus());
    player.hud.click("Test");
    assert!(!player.hud.app.world().resource::<LastDevice>().shows_focus());
    player.does(ActionKind::MoveUp);
    assert!(player.hud.app.world().resource::<LastDevice>().shows_focus());
}

#[test]
fn shoulders_walk_the_hotbar_from_anywhere() {
    let mut player = sits_down(Device::Pad);
    player.opens(7);
    player.reaches("search");
    player.does(ActionKind::Press);
    assert!(player.osk().is_open());
    player.does(ActionKind::NextSlot);
    assert!(!player.osk().is_open());
    assert_eq!((player.focus().area, player.focus().slot), (Area::Hotbar, 8));
    player.does(ActionKind::MoveRight);
    assert_eq!(player.focus().slot, 0, "the d-pad walks it while it has the focus, around the end");
    player.does(ActionKind::MoveUp);
    assert_eq!(player.focus().area, Area::Pane);
}

#[test]
fn a_held_button_repeats_by_time_and_wakes_the_window_only_while_it_is_held() {
    let mut player = Player::new(Hud::new(), Device::Pad);
    player.does(ActionKind::FocusHotbar);
    let wanted = |player: &Player| player.hud.app.world().resource::<Alarm>().wanted().is_some();
    assert!(!wanted(&player), "nothing is to come");
    player.button(GamepadButton::DPadRight, 1.0);
    player.hud.frame();
    let first = player.focus().slot;
    player.hud.frame();
    assert!(wanted(&player));
    player.hud.frame_after(tokens::REPEAT_AFTER);
    player.hud.frame_after(tokens::REPEAT_EVERY);
    assert_eq!(player.focus().slot, first + 2);
    player.button(GamepadButton::DPadRight, 0.0);
    player.hud.frame();
    player.hud.frame_after(Duration::from_secs(3));
    assert_eq!(player.focus().slot, first + 2);
    assert!(!wanted(&player));
}

#[test]
fn a_pad_that_is_pulled_out_while_a_button_is_held_holds_nothing() {
    let mut player = sits_down(Device::Pad);
    player.does(ActionKind::FocusHotbar);
    player.button(GamepadButton::DPadRight, 1.0);
    player.hud.frame();
    let slot = player.focus().slot;
    player.unplug();
    player.hud.frame();
    for _ in 0..5 {
        player.hud.frame_after(Duration::from_secs(1));
    }
    assert_eq!(player.focus().slot, slot);
    // Keys go on where the pad was.
    let mut player = Player { device: Device::Keys, ..player };
    player.does(ActionKind::MoveRight);
    assert_eq!(player.focus().slot, slot + 1);
}

#[test]
fn a_window_without_the_keyboard_hears_no_pad() {
    let mut player = sits_down(Device::Pad);
    player.hud.take_asked();
    let world = player.hud.app.world_mut();
    world.query::<&mut Window>().single_mut(world).unwrap().focused = false;
    player.does(ActionKind::MainAction);
    assert!(player.hud.take_asked().is_empty(), "it may be playing another program");
}

#[test]
fn the_main_action_can_do_no_more_than_its_button_and_says_so() {
    let mut player = sits_down(Device::Pad);
    player.opens(6);
    player.does(ActionKind::MainAction);
    player.hud.assert_shows("Relays has no main action now.");
}

#[test]
fn a_question_has_the_keys_and_takes_a_passphrase_from_the_on_screen_keyboard() {
    let mut hud = Hud::new();
    hud.take_asked();
    hud.press(KeyCode::KeyG, "g");
    hud.settle();
    let mut player = Player::new(hud, Device::Pad);
    player.does(ActionKind::FocusHotbar);
    player.hud.answer(&NodeCommand::GoOnline, NodeEvent::Failed { failure: Failure::locked("There is no passphrase.") });
    player.hud.settle();
    player.hud.assert_shows("UNLOCK");
    assert!(player.osk().is_open(), "its field has the keys");
    player.hud.assert_shows("B leaves it locked.");
    player.does(ActionKind::Press);
    player.hud.assert_shows("•");
    player.does(ActionKind::Leave);
    assert!(!player.osk().is_open());
    player.reaches("UNLOCK AND START");
    player.hud.take_asked();
    player.does(ActionKind::Press);
    assert!(player.hud.asked().iter().any(|command| matches!(command, NodeCommand::Unlock { .. })), "{:?}", player.hud.asked());
}

#[test]
fn the_palette_finds_by_name_runs_and_closes() {
    let mut player = sits_down(Device::Keys);
    player.does(ActionKind::Palette);
    player.hud.type_text("relays");
    player.does(ActionKind::Press);
    player.hud.assert_shows("RELAYS");
    assert_eq!(player.focus().area, Area::Pane);
    player.does(ActionKind::Palette);
    player.hud.assert_shows("open Relays");
    player.does(ActionKind::Leave);
    assert!(!player.hud.shows("open Relays"));
    assert!(player.ring().is_some());
}

#[test]
fn the_help_sheet_shows_the_keys_of_whatever_was_used_last() {
    let mut player = sits_down(Device::Keys);
    player.does(ActionKind::Help);
    player.hud.assert_shows("KEYS");
    player.hud.assert_shows("Ctrl+K");
    player.does(ActionKind::Leave);
    let mut player = Player { device: Device::Pad, ..player };
    player.does(ActionKind::Help);
    player.hud.assert_shows("BUTTONS OF THE PAD");
    player.hud.assert_shows("RB");
    assert!(!player.hud.shows("Ctrl+K"));
}

#[test]
fn badges_of_the_hotbar_follow_the_last_device() {
    let mut player = sits_down(Device::Keys);
    let context = player.context();
    let badge = |index, has_focus| Hint::slot(&context, index, has_focus).map(|hint| hint.text);
    assert_eq!((badge(2, false), badge(2, true)), (Some("3".into()), Some("3".into())));
    let mut player = Player { device: Device::Pad, ..player };
    player.does(ActionKind::FocusHotbar);
    assert_eq!((badge(2, false), badge(2, true)), (None, Some("A".into())));
}

#[test]
fn a_key_is_bound_by_pressing_it_and_a_taken_one_is_refused_by_name() {
    let mut player = sits_down(Device::Keys);
    player.hud.app.world_mut().write_message(UserAction::Listen(Some((ActionKind::Tidy, Device::Keys))));
    player.hud.settle();
    player.does(ActionKind::ToggleOnline);
    player.hud.assert_shows("G is for \"go online, offline\" already");
    assert_eq!(player.hud.app.world().resource::<Listening>().0, None);
    assert!(player.hud.app.world().resource::<Preferences>().keys.is_empty());
    player.hud.app.world_mut().write_message(UserAction::Listen(Some((ActionKind::Tidy, Device::Keys))));
    player.hud.settle();
    player.hud.press(KeyCode::F9, "");
    player.hud.settle();
    let bound = |player: &Player| player.hud.app.world().resource::<Bindings>().keys(ActionKind::Tidy)[0].to_string();
    assert_eq!(bound(&player), "F9");
    assert_eq!(player.hud.app.world().resource::<Preferences>().keys.0["tidy"], "F9");
    player.hud.app.world_mut().write_message(UserAction::Unbind(Some(ActionKind::Tidy)));
    player.hud.settle();
    assert_eq!(bound(&player), "T");
    assert!(player.hud.app.world().resource::<Preferences>().keys.is_empty());
}

#[test]
fn a_button_is_bound_by_pressing_it() {
    let mut player = sits_down(Device::Pad);
    let listen = UserAction::Listen(Some((ActionKind::Tidy, Device::Pad)));
    player.hud.app.world_mut().write_message(listen.clone());
    player.hud.settle();
    player.does(ActionKind::MainAction);
    player.hud.assert_shows("Y is for \"main action\" already");
    player.hud.app.world_mut().write_message(listen);
    player.hud.settle();
    player.button(GamepadButton::Mode, 1.0);
    player.hud.settle();
    assert_eq!(player.hud.app.world().resource::<Bindings>().button(ActionKind::Tidy), Some(GamepadButton::Mode));
    assert_eq!(player.hud.app.world().resource::<Preferences>().pad.0["tidy"], "Home");
}

#[test]
fn a_bad_binding_in_the_file_is_told_when_the_window_opens() {
    let mut preferences = Preferences::default();
    preferences.keys.0.insert("tidy".into(), "Hyper+T".into());
    let mut hud = Hud::build(Some(crate::node::Market::Practice), Read { preferences, ..Read::default() });
    hud.settle();
    hud.assert_shows("A key or button in hud.toml is not used.");
    hud.assert_shows("[keys] tidy = \"Hyper+T\"");
    assert_eq!(hud.app.world().resource::<Notices>().stack.len(), 1);
}

#[test]
fn the_on_screen_keyboard_types_by_mouse_and_leaves_the_field_its_keys() {
    let mut player = sits_down(Device::Keys);
    player.opens(7);
    player.reaches("search");
    player.does(ActionKind::Press);
    player.does(ActionKind::Keyboard);
    assert!(player.osk().is_open());
    player.hud.click("w");
    player.hud.click("q");
    assert!(player.context().text_edit_focused());
    let shown = crate::hud::widgets::typed::shown(&player.context(), player.osk().field.unwrap());
    assert_eq!(shown, "wq");
    // Arrows walk its keys, Enter presses one, letters are typed as ever.
    player.does(ActionKind::MoveRight);
    player.does(ActionKind::Press);
    player.hud.type_text("z");
    let shown = crate::hud::widgets::typed::shown(&player.context(), player.osk().field.unwrap());
    assert_eq!(shown.chars().count(), 4, "{shown}");
    player.does(ActionKind::Leave);
    assert!(!player.osk().is_open());
}

#[test]
fn what_the_focus_goes_to_is_scrolled_into_sight() {
    let mut player = sits_down(Device::Keys);
    player.hud.size = egui::vec2(900.0, 420.0);
    player.hud.settle();
    player.opens(8);
    let pane = player.hud.pane(PaneKind::Settings);
    for _ in 0..40 {
        player.does(ActionKind::MoveDown);
    }
    let frame = player.hud.app.world().get::<crate::hud::pane::PaneFrame>(pane).unwrap().rect;
    let ring = player.ring().unwrap();
    assert!(frame.contains_rect(ring), "{ring:?} is not in {frame:?}");
}
