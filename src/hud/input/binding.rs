//! Keys and buttons that are bound by pressing them: kept, refused, called off.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bevy::input::keyboard::{Key, NativeKey};
use bevy::prelude::*;

use super::player::Player;
use super::{Bindings, Device, Listening};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::pane::{ActivePane, PaneKind};
use crate::hud::prefs::Preferences;
use crate::hud::state::Notices;
use crate::hud::testing::{Hud, online};

/// Somebody who was asked for what tidies.
fn asked_for(device: Device) -> Player {
    let mut player = Player::new(online(), device);
    player.opens(8);
    listen(&mut player, device);
    player
}

fn listen(player: &mut Player, device: Device) {
    player.hud.app.world_mut().write_message(UserAction::Listen(Some((ActionKind::Tidy, device))));
    player.hud.settle();
}

fn listening(player: &Player) -> Option<(ActionKind, Device)> {
    player.hud.app.world().resource::<Listening>().0
}

fn keys(hud: &Hud) -> Vec<String> {
    hud.app.world().resource::<Bindings>().keys(ActionKind::Tidy).iter().map(ToString::to_string).collect()
}

#[test]
fn whatever_key_was_bound_is_bound_at_the_next_start() {
    let unknown = || Key::Unidentified(NativeKey::Unidentified);
    let printed = |text: &str| Key::Character(text.into());
    for (code, key, name) in [
        (KeyCode::Numpad7, printed("7"), "Num 7"),
        (KeyCode::NumpadMultiply, printed("*"), "Num *"),
        (KeyCode::Minus, printed("ß"), "ß"),
        (KeyCode::BracketLeft, printed("ü"), "Ü"),
        (KeyCode::F13, unknown(), "F13"),
        (KeyCode::Pause, Key::Pause, "Pause"),
    ] {
        let mut player = asked_for(Device::Keys);
        player.hud.key(code, key);
        player.hud.settle();
        assert_eq!(keys(&player.hud), [name]);
        let again = player.hud.restarted();
        assert_eq!(keys(&again), [name], "after the next start");
        assert!(again.app.world().resource::<Notices>().stack.is_empty(), "{name}: {:#?}", again.texts());
    }
}

#[test]
fn whatever_button_was_bound_is_bound_at_the_next_start_and_one_without_a_name_is_refused() {
    for button in [GamepadButton::C, GamepadButton::Z] {
        let mut player = asked_for(Device::Pad);
        player.button(button, 1.0);
        player.hud.settle();
        let again = player.hud.restarted();
        assert_eq!(again.app.world().resource::<Bindings>().button(ActionKind::Tidy), Some(button));
    }
    let mut player = asked_for(Device::Keys);
    player.hud.press(KeyCode::AudioVolumeMute, "");
    player.hud.settle();
    player.hud.assert_shows("AudioVolumeMute has no name that could be kept in hud.toml. Choose another.");
    assert_eq!(keys(&player.hud), ["T"]);
    assert!(player.hud.app.world().resource::<Preferences>().keys.is_empty());
}

#[test]
fn escape_calls_off_what_is_waited_for_and_leaves_nothing() {
    for device in [Device::Keys, Device::Pad] {
        let mut player = asked_for(device);
        let before = player.focus().area;
        player.hud.key(KeyCode::Escape, Key::Escape);
        player.hud.settle();
        assert_eq!((listening(&player), player.focus().area), (None, before), "{device:?}");
    }
}

#[test]
fn nothing_is_waited_for_when_settings_is_closed() {
    for device in [Device::Keys, Device::Pad] {
        let mut player = asked_for(device);
        let settings = player.hud.pane(PaneKind::Settings);
        assert_eq!(player.hud.app.world().resource::<ActivePane>().0, Some(settings));
        player.hud.app.world_mut().write_message(UserAction::Close(settings));
        player.hud.frame();
        assert_eq!(listening(&player), None, "{device:?}");
        // It can be asked for again.
        player.opens(8);
        listen(&mut player, device);
        assert_eq!(listening(&player), Some((ActionKind::Tidy, device)));
    }
}
