//! Keys to actions, by the table in [`crate::hud::action`].
//!
//! Decision: with Ctrl a key always acts; alone, only while nobody types. Escape is egui's as long as anything has focus:
//! it leaves the field first, and closes the pane at the next press.

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardFocusLost, KeyboardInput};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;
use bevy_egui::{EguiContext, PrimaryEguiContext};

use crate::hud::action::{ActionKind, BINDINGS, Chord, ChordKey, UserAction, With as Held};

/// What counts as Ctrl: Cmd does as well.
const CTRL: [KeyCode; 4] = [KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::SuperLeft, KeyCode::SuperRight];

/// Who has the keys besides us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Focus {
    /// Somebody types.
    typing: bool,
    /// Something can be left with Escape.
    any: bool,
}

/// Turns key presses into actions.
///
/// What is held is counted along with the presses, not looked up afterwards: a chord that is pressed and released between
/// two frames has its Ctrl up again by then.
pub fn read(
    mut keys: MessageReader<'_, '_, KeyboardInput>,
    mut lost: MessageReader<'_, '_, KeyboardFocusLost>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
    mut held: Local<'_, HashSet<KeyCode>>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    let focus = contexts.iter_mut().next().map(|mut context| {
        let context = context.get_mut();
        Focus { typing: context.text_edit_focused(), any: context.memory(|memory| memory.focused().is_some()) }
    });
    if lost.read().count() > 0 {
        held.clear();
    }
    for key in keys.read().filter(|key| !key.repeat) {
        if CTRL.contains(&key.key_code) {
            match key.state {
                ButtonState::Pressed => held.insert(key.key_code),
                ButtonState::Released => held.remove(&key.key_code),
            };
        } else if key.state == ButtonState::Pressed {
            let with = if held.is_empty() { Held::Nothing } else { Held::Ctrl };
            actions.write_batch(meaning(key, with, focus.unwrap_or_default()).map(ActionKind::action));
        }
    }
}

fn meaning(key: &KeyboardInput, held: Held, focus: Focus) -> Option<ActionKind> {
    let is_meant = |chord: &Chord| {
        let pressed = match chord.key {
            ChordKey::Place(place) => key.key_code == place,
            ChordKey::Letter(letter) => matches!(&key.logical_key, Key::Character(text) if is_letter(text, letter)),
        };
        pressed && chord.with == held
    };
    let kind = BINDINGS.iter().find(|binding| binding.chords.iter().any(is_meant))?.kind;
    let is_ours = match (held, kind) {
        (Held::Ctrl, _) => true,
        (Held::Nothing, ActionKind::Leave) => !focus.any,
        (Held::Nothing, _) => !focus.typing,
    };
    is_ours.then_some(kind)
}

fn is_letter(text: &str, letter: char) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.eq_ignore_ascii_case(&letter)) && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Focus = Focus { typing: false, any: false };
    const TYPIST: Focus = Focus { typing: true, any: true };

    fn key(key_code: KeyCode, logical_key: Key) -> KeyboardInput {
        KeyboardInput { key_code, logical_key, state: ButtonState::Pressed, text: None, repeat: false, window: Entity::PLACEHOLDER }
    }

    #[test]
    fn bare_keys_act_only_while_nobody_types() {
        let one = key(KeyCode::Digit1, Key::Character("1".into()));
        assert_eq!(meaning(&one, Held::Nothing, NOBODY), Some(ActionKind::Slot1));
        assert_eq!(meaning(&one, Held::Nothing, TYPIST), None);
        assert_eq!(meaning(&one, Held::Ctrl, TYPIST), Some(ActionKind::Slot1));
    }

    #[test]
    fn digits_go_by_their_place_and_letters_by_what_is_printed() {
        // A French keyboard: the key of 1 types an ampersand, the key of Q an A.
        assert_eq!(meaning(&key(KeyCode::Digit1, Key::Character("&".into())), Held::Nothing, NOBODY), Some(ActionKind::Slot1));
        let w = key(KeyCode::KeyZ, Key::Character("w".into()));
        assert_eq!(meaning(&w, Held::Ctrl, NOBODY), Some(ActionKind::ClosePane));
    }

    #[test]
    fn escape_leaves_a_field_before_it_closes_a_pane() {
        let escape = key(KeyCode::Escape, Key::Escape);
        assert_eq!(meaning(&escape, Held::Nothing, TYPIST), None);
        assert_eq!(meaning(&escape, Held::Nothing, NOBODY), Some(ActionKind::Leave));
    }
}
