//! What lies over the panes: the on-screen keyboard follows its field, and under palette and help sheet nothing is done.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bevy::prelude::*;
use bevy_egui::egui;

use super::player::Player;
use super::{Area, Device};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::help::Help;
use crate::hud::osk::{Osk, Tap};
use crate::hud::palette::Palette;
use crate::hud::pane::arranging::How;
use crate::hud::pane::{ActivePane, PaneKind};
use crate::hud::prefs::{Preferences, Read};
use crate::hud::question::{Choice, Question};
use crate::hud::testing::{Hud, online};
use crate::hud::widgets::field;
use crate::hud::widgets::scroll::Scrolled;
use crate::hud::widgets::typed::{self, Wanted};
use crate::node::{Market, NodeEvent};

fn sits_down(device: Device) -> Player {
    Player::new(online(), device)
}

/// The on-screen keyboard is open for this field of a pane.
fn types_into(device: Device, slot: usize, field: &str) -> Player {
    let mut player = sits_down(device);
    player.opens(slot);
    player.reaches(field);
    player.does(ActionKind::Press);
    if device == Device::Keys {
        player.does(ActionKind::Keyboard);
    }
    assert!(player.osk().is_open());
    player
}

fn palette_is_open(player: &Player) -> bool {
    player.hud.app.world().resource::<Palette>().is_open
}

fn help_is_open(player: &Player) -> bool {
    player.hud.app.world().resource::<Help>().is_open
}

fn active(player: &Player) -> Option<Entity> {
    player.hud.app.world().resource::<ActivePane>().0
}

#[test]
fn the_on_screen_keyboard_goes_with_its_field() {
    // With the palette it was called for.
    let mut player = sits_down(Device::Pad);
    player.does(ActionKind::Palette);
    player.does(ActionKind::MainAction);
    assert!(player.osk().is_open());
    player.does(ActionKind::Palette);
    assert!(!player.osk().is_open() && !palette_is_open(&player));
    player.does(ActionKind::FocusHotbar);
    player.does(ActionKind::MoveRight);
    assert_eq!(player.focus().area, Area::Hotbar, "the d-pad walks the hotbar again");
    // With the pane its field is in.
    for device in [Device::Keys, Device::Pad] {
        let mut player = types_into(device, 7, "search");
        let pane = player.hud.pane(PaneKind::Activity);
        player.hud.app.world_mut().write_message(UserAction::Close(pane));
        player.hud.settle();
        assert!(!player.osk().is_open(), "{device:?}: the pane was closed");
        let mut player = types_into(device, 7, "search");
        player.does(ActionKind::Help);
        assert!(help_is_open(&player) && !player.osk().is_open(), "{device:?}: the help sheet lies over it");
    }
    let mut player = types_into(Device::Keys, 7, "search");
    player.does(ActionKind::ClosePane);
    assert!(!player.osk().is_open(), "closed by its key");
}

#[test]
fn the_on_screen_keyboard_has_the_keys_for_the_field_that_is_tapped_next() {
    let mut player = sits_down(Device::Keys);
    player.hud.say(NodeEvent::Status { status: Box::new(super::journey::online()) });
    player.hud.settle();
    player.opens(1);
    player.reaches("RECEIVE");
    player.does(ActionKind::Press);
    player.reaches("sats");
    player.does(ActionKind::Press);
    player.does(ActionKind::Keyboard);
    let wanted = |player: &mut Player| typed::wanted(&player.context(), player.osk().field.unwrap());
    assert_eq!(wanted(&mut player), Some(Wanted::Number));
    player.hud.click("what for (the payer reads this)");
    assert_eq!(wanted(&mut player), Some(Wanted::Text));
    player.hud.tap("w");
    assert_eq!(typed::shown(&player.context(), player.osk().field.unwrap()), "w", "a quick tap types as well");
}

#[test]
fn under_palette_and_help_sheet_nothing_is_done_to_the_panes() {
    let reserved = [ActionKind::Maximise, ActionKind::MovePane, ActionKind::ResizePane, ActionKind::TileLeft, ActionKind::CloseAll];
    for overlay in [ActionKind::Help, ActionKind::Palette] {
        let mut player = sits_down(Device::Keys);
        player.opens(6);
        let before = (active(&player), player.hud.place(PaneKind::Relays), player.hud.stack());
        player.does(overlay);
        for kind in reserved {
            player.does(kind);
            assert_eq!((active(&player), player.hud.place(PaneKind::Relays), player.hud.stack()), before, "{kind:?} under {overlay:?}");
        }
        assert!(help_is_open(&player) || palette_is_open(&player));
        // What closes a pane closes what lies over it first.
        player.does(ActionKind::ClosePane);
        assert!(!help_is_open(&player) && !palette_is_open(&player));
        assert_eq!(active(&player), before.0);
        // A slot opens its pane, and nothing lies over that.
        player.does(overlay);
        player.hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::Digit2, "2"));
        player.hud.settle();
        assert!(!help_is_open(&player) && !palette_is_open(&player));
        let wallet = player.hud.pane(PaneKind::Wallet);
        assert_eq!(active(&player), Some(wallet));
    }
    let mut player = sits_down(Device::Pad);
    player.opens(6);
    let before = player.hud.place(PaneKind::Relays);
    player.does(ActionKind::Help);
    player.does(ActionKind::Tidy);
    assert_eq!(player.hud.place(PaneKind::Relays), before, "nor by a button");
}

#[test]
fn page_keys_scroll_the_list_of_commands_and_not_the_pane_behind_it() {
    let mut player = sits_down(Device::Keys);
    player.hud.size = egui::vec2(900.0, 420.0);
    player.hud.settle();
    player.opens(8);
    let seen = |player: &Player, text: &str| player.hud.screen().iter().find(|seen| seen.text == text).map(|seen| seen.place);
    player.does(ActionKind::Palette);
    assert!(seen(&player, "open Sell Compute").is_some());
    for _ in 0..20 {
        player.does(ActionKind::ScrollDown);
    }
    assert!(seen(&player, "open Sell Compute").is_none() && seen(&player, "quit").is_some(), "{:#?}", player.hud.texts());
    let settings = player.hud.pane(PaneKind::Settings);
    assert_eq!(player.hud.app.world().get::<Scrolled>(settings).map(|scrolled| scrolled.points()), Some(0));
    player.does(ActionKind::MoveDown);
    assert!(seen(&player, "open Wallet").is_some(), "the chosen line is brought into sight again");
}

#[test]
fn the_word_of_a_mnemonic_the_cursor_is_in_is_completed() {
    let context = egui::Context::default();
    let (mut text, mut osk) = ("abandon zo".to_owned(), Osk::default());
    let mut pass = |osk: &mut Osk, events: Vec<egui::Event>| {
        let input = egui::RawInput { events, ..egui::RawInput::default() };
        let mut shown = None;
        let mut output = context.run_ui(input, |ui| {
            let line = field::secret_line_of(ui, &mut text, "words", 300.0, Wanted::Words);
            line.request_focus();
            shown = Some(line.id);
        });
        output.textures_delta.clear();
        osk.field = shown;
        text.clone()
    };
    pass(&mut osk, Vec::new());
    pass(&mut osk, Vec::new());
    let offered = |osk: &Osk| osk.rows(&context)[0].iter().filter_map(|key| key.tap).collect::<Vec<_>>();
    assert_eq!(offered(&osk), [Tap::Word("zone"), Tap::Word("zoo")]);
    let events = osk.tap(&context, Tap::Word("zoo"));
    assert_eq!(pass(&mut osk, events), "abandon zoo ");
    // Back into the first word, behind its first four letters.
    for _ in 0.."don zoo ".len() {
        let events = osk.tap(&context, Tap::Left);
        pass(&mut osk, events);
    }
    assert_eq!(offered(&osk), [Tap::Word("abandon")]);
    let events = osk.tap(&context, Tap::Word("abandon"));
    assert_eq!(pass(&mut osk, events), "abandon zoo ");
}

#[test]
fn the_on_screen_keyboard_shows_where_the_cursor_is() {
    let mut player = types_into(Device::Keys, 7, "search");
    for key in ["w", "q", "←"] {
        player.hud.click(key);
    }
    player.hud.assert_shows("w▏q");
    player.hud.click("e");
    player.hud.assert_shows("we▏q");
}

#[test]
fn a_question_that_is_too_high_for_the_window_is_walked_and_scrolled() {
    let answers: Vec<Choice> = (1..=12).map(|number| Choice::none(format!("Way {number}"))).collect();
    let question = Question { title: "Which way?".into(), text: String::new(), answers, first: 0 };
    for device in [Device::Keys, Device::Pad] {
        let mut player = sits_down(device);
        player.hud.size = egui::vec2(900.0, 360.0);
        player.hud.settle();
        player.hud.app.world_mut().write_message(UserAction::Question(Box::new(question.clone())));
        player.hud.settle();
        let window = player.hud.window();
        let seen =
            |player: &Player, text: &str| player.hud.screen().iter().any(|seen| seen.text == text && window.contains_rect(seen.place));
        for _ in 0..11 {
            player.does(ActionKind::MoveDown);
        }
        assert!(seen(&player, "WAY 12") && !seen(&player, "WAY 1"), "{device:?}: {:#?}", player.hud.texts());
        assert!(player.ring().is_some_and(|ring| window.contains_rect(ring)), "{device:?}");
    }
    // By the page as well, wherever the ring is.
    let mut player = sits_down(Device::Keys);
    player.hud.size = egui::vec2(900.0, 360.0);
    player.hud.settle();
    player.hud.app.world_mut().write_message(UserAction::Question(Box::new(question)));
    player.hud.settle();
    for _ in 0..5 {
        player.does(ActionKind::ScrollDown);
    }
    player.hud.assert_shows("WAY 12");
}

#[test]
fn hints_print_what_is_bound() {
    let mut preferences = Preferences::default();
    for (name, key) in
        [("leave", "F9"), ("move-up", "W"), ("move-down", "S"), ("move-left", "A"), ("move-right", "D"), ("dismiss-newest", "none")]
    {
        preferences.keys.0.insert(name.into(), key.into());
    }
    let mut hud = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
    hud.settle();
    let mut player = Player::new(hud, Device::Keys);
    player.does(ActionKind::MovePane);
    player.hud.assert_shows("W S A D move · Enter keeps it · F9 puts it back");
    player.does(ActionKind::Leave);
    let mut player = sits_down(Device::Pad);
    player.does(ActionKind::FocusHotbar);
    player.hud.app.world_mut().write_message(UserAction::Arrange(How::Resize));
    player.hud.settle();
    player.hud.assert_shows("D-pad resize · A keeps it · B puts it back");
}

#[test]
fn the_help_sheet_has_every_key_of_a_slot() {
    let mut player = sits_down(Device::Keys);
    player.does(ActionKind::Help);
    for _ in 0..12 {
        if player.hud.shows("Ctrl+9") {
            break;
        }
        player.does(ActionKind::MoveDown);
    }
    player.hud.assert_shows("Ctrl+9");
}
