//! Keys to actions, by [`Bindings`].
//!
//! Decision: with Ctrl a key always acts; alone, only while nobody types, except those that type nothing. That holds
//! whatever a key is bound to: a letter in a field is a letter. What is ours is taken out of egui's input: egui would walk
//! through all panes with Tab and the arrows, and forget the focus at Escape.

use bevy::ecs::system::SystemParam;
use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyboardFocusLost, KeyboardInput};
use bevy::platform::collections::HashSet;
use bevy::prelude::*;
use bevy_egui::egui::{self, Event};
use bevy_egui::helpers::{bevy_to_egui_key, bevy_to_egui_physical_key};
use bevy_egui::{EguiContext, EguiInput, PrimaryEguiContext};

use super::bindings::Bindings;
use super::capture::Listening;
use super::device::Device;
use super::naming::small;
use super::owner::{Claims, Focus, Owner};
use crate::hud::action::{ActionKind, Chord, ChordKey, UserAction, With as Held};
use crate::hud::widgets::typed::{self, Wanted};

/// What can be held down with a key. Cmd counts as Ctrl, and so does Super with what has no chord of its own. The right
/// Alt is for typing.
const CTRL: [KeyCode; 4] = [KeyCode::ControlLeft, KeyCode::ControlRight, KeyCode::SuperLeft, KeyCode::SuperRight];
const SHIFT: [KeyCode; 2] = [KeyCode::ShiftLeft, KeyCode::ShiftRight];
const ALT: [KeyCode; 1] = [KeyCode::AltLeft];
/// Types the third sign of a key on many keyboards, and is told as Ctrl and Alt on some systems.
const ALT_GR: [KeyCode; 1] = [KeyCode::AltRight];

/// Who has the keys besides us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Here {
    owner: Owner,
    typing: Typing,
}

/// Whether somebody types, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Typing {
    #[default]
    Nothing,
    Line,
    /// Into several lines: up and down are the field's own.
    Lines,
}

/// What it takes to know where a key goes.
#[derive(SystemParam)]
pub struct Desk<'w, 's> {
    claims: Claims<'w, 's>,
    focus: Res<'w, Focus>,
    bindings: Res<'w, Bindings>,
    listening: Res<'w, Listening>,
}

/// Turns key presses into actions.
///
/// What is held is counted along with the presses, not looked up afterwards: a chord that is pressed and released between
/// two frames has its Ctrl up again by then.
pub fn read(
    mut keys: MessageReader<'_, '_, KeyboardInput>,
    mut lost: MessageReader<'_, '_, KeyboardFocusLost>,
    mut contexts: Query<'_, '_, (&mut EguiContext, &mut EguiInput), With<PrimaryEguiContext>>,
    desk: Desk<'_, '_>,
    mut held: Local<'_, HashSet<KeyCode>>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    if lost.read().count() > 0 {
        held.clear();
    }
    let Some((mut context, mut input)) = contexts.iter_mut().next() else { return };
    let here = here(&desk, context.get_mut());
    let mut taken = Vec::new();
    for key in keys.read() {
        if [&CTRL[..], &SHIFT, &ALT, &ALT_GR].iter().any(|keys| keys.contains(&key.key_code)) {
            match key.state {
                ButtonState::Pressed => held.insert(key.key_code),
                ButtonState::Released => held.remove(&key.key_code),
            };
            continue;
        }
        if key.state == ButtonState::Released || ALT_GR.iter().any(|alt_gr| held.contains(alt_gr)) {
            continue;
        }
        let with = with(&held);
        if let Some((kind, Device::Keys)) = desk.listening.0 {
            taken.push(key);
            if !key.repeat {
                actions.write(taken_for(kind, key, with));
            }
        } else if desk.listening.0.is_some() && key.key_code == KeyCode::Escape {
            // A button that is waited for is called off like a key.
            taken.push(key);
            actions.write(UserAction::Listen(None));
        } else if let Some(kind) = meaning(&desk.bindings, key, with, here) {
            taken.push(key);
            if let Some(kind) = desk.claims.meant(kind).filter(|kind| !key.repeat || kind.repeats()) {
                actions.write(kind.action());
            }
        }
    }
    input.events.retain(|event| !taken.iter().any(|key| is_of(event, key)));
}

fn here(desk: &Desk<'_, '_>, context: &egui::Context) -> Here {
    let owner = desk.claims.owner(desk.focus.area, context);
    let focused = context.memory(|memory| memory.focused()).filter(|_| context.text_edit_focused());
    let typing = match focused.map(|id| typed::wanted(context, id)) {
        None => Typing::Nothing,
        Some(Some(Wanted::Lines) | None) => Typing::Lines,
        Some(Some(_)) => Typing::Line,
    };
    Here { owner, typing }
}

fn with(held: &HashSet<KeyCode>) -> Held {
    let any = |keys: &[KeyCode]| keys.iter().any(|key| held.contains(key));
    let is_super_alone = !cfg!(target_os = "macos") && !any(&[KeyCode::ControlLeft, KeyCode::ControlRight]);
    match (any(&CTRL), any(&SHIFT), any(&ALT)) {
        (true, false, false) if is_super_alone => Held::Super,
        (true, _, true) => Held::CtrlAlt,
        (true, true, false) => Held::CtrlShift,
        (true, false, false) => Held::Ctrl,
        (false, true, _) => Held::Shift,
        (false, false, _) => Held::Nothing,
    }
}

/// What is to be done with a key that was waited for. Escape calls it off.
fn taken_for(kind: ActionKind, key: &KeyboardInput, with: Held) -> UserAction {
    if key.key_code == KeyCode::Escape {
        return UserAction::Listen(None);
    }
    let key = match &key.logical_key {
        Key::Character(text) if !goes_by_place(key.key_code) => text.chars().next().map(|letter| ChordKey::Letter(small(letter))),
        _ => None,
    }
    .unwrap_or(ChordKey::Place(key.key_code));
    // A sign that needs Shift is that sign.
    let with = if matches!(key, ChordKey::Letter(letter) if !letter.is_alphabetic()) && with == Held::Shift { Held::Nothing } else { with };
    UserAction::BindKey(kind, Chord { key, with })
}

/// The digits of the slots, and the numpad, whose keys are others than those that type the same.
const fn goes_by_place(key: KeyCode) -> bool {
    use KeyCode::{Digit1, Digit2, Digit3, Digit4, Digit5, Digit6, Digit7, Digit8, Digit9};
    use KeyCode::{Numpad0, Numpad1, Numpad2, Numpad3, Numpad4, Numpad5, Numpad6, Numpad7, Numpad8, Numpad9};
    use KeyCode::{NumpadAdd, NumpadDecimal, NumpadDivide, NumpadMultiply, NumpadSubtract};
    matches!(key, Digit1 | Digit2 | Digit3 | Digit4 | Digit5 | Digit6 | Digit7 | Digit8 | Digit9)
        || matches!(key, Numpad0 | Numpad1 | Numpad2 | Numpad3 | Numpad4 | Numpad5 | Numpad6 | Numpad7 | Numpad8 | Numpad9)
        || matches!(key, NumpadAdd | NumpadDecimal | NumpadDivide | NumpadMultiply | NumpadSubtract)
}

fn meaning(bindings: &Bindings, key: &KeyboardInput, held: Held, here: Here) -> Option<ActionKind> {
    let is_key = |chord: &Chord| match chord.key {
        ChordKey::Place(place) => key.key_code == place,
        ChordKey::Letter(letter) => matches!(&key.logical_key, Key::Character(text) if is_letter(text, letter)),
    };
    let kind = bindings.by_key(held, here.owner == Owner::Keyboard, is_key)?;
    is_ours(kind, key, held, here).then_some(kind)
}

/// Whether a key is for us, or for the field or the question that has the keys.
fn is_ours(kind: ActionKind, key: &KeyboardInput, held: Held, here: Here) -> bool {
    if !matches!(held, Held::Nothing | Held::Shift) {
        return true;
    }
    let is_typing = here.typing != Typing::Nothing;
    if is_typing && types_something(key) {
        return false;
    }
    match kind {
        ActionKind::MoveLeft | ActionKind::MoveRight => !is_typing || here.owner == Owner::Keyboard,
        ActionKind::MoveUp | ActionKind::MoveDown => here.typing != Typing::Lines || here.owner == Owner::Keyboard,
        ActionKind::NextControl | ActionKind::PreviousControl => true,
        // A question has an answer of its own to Escape.
        ActionKind::Leave => !matches!(here.owner, Owner::Dialog(_)),
        // Enter ends a field; where a list or the on-screen keyboard is in front, Enter is theirs.
        ActionKind::Press => !is_typing || matches!(here.owner, Owner::Keyboard | Owner::Palette),
        _ if types_nothing(key) => true,
        ActionKind::Help => !is_typing,
        _ => !is_typing && matches!(here.owner, Owner::Hotbar | Owner::Pane(_) | Owner::Arranging),
    }
}

/// A letter, a digit, a sign or a space: in a field it is that and nothing else.
const fn types_something(key: &KeyboardInput) -> bool {
    matches!(key.logical_key, Key::Character(_) | Key::Space)
}

/// F1 and the like mean nothing to a field.
fn types_nothing(key: &KeyboardInput) -> bool {
    use KeyCode::{F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, PageDown, PageUp};
    matches!(key.key_code, F1 | F2 | F3 | F4 | F5 | F6 | F7 | F8 | F9 | F10 | F11 | F12 | PageDown | PageUp)
}

fn is_letter(text: &str, letter: char) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.to_lowercase().eq(letter.to_lowercase())) && chars.next().is_none()
}

/// Whether egui was told of this press, as a key or as what it types.
fn is_of(event: &Event, pressed: &KeyboardInput) -> bool {
    match event {
        Event::Key { key, pressed: true, .. } => {
            let known = bevy_to_egui_key(&pressed.logical_key).or_else(|| bevy_to_egui_physical_key(&pressed.key_code));
            known == Some(*key)
        }
        Event::Text(text) => match &pressed.logical_key {
            Key::Character(typed) => typed.as_str() == text,
            Key::Space => text == " ",
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::input::Overrides;
    use bevy_egui::egui::{Id, LayerId, Order};

    const NOBODY: Here = Here { owner: Owner::Hotbar, typing: Typing::Nothing };
    const TYPIST: Here = Here { owner: Owner::Pane(Entity::PLACEHOLDER), typing: Typing::Line };

    fn key(key_code: KeyCode, logical_key: Key) -> KeyboardInput {
        KeyboardInput { key_code, logical_key, state: ButtonState::Pressed, text: None, repeat: false, window: Entity::PLACEHOLDER }
    }

    fn found(key: &KeyboardInput, held: Held, here: Here) -> Option<ActionKind> {
        meaning(&Bindings::default(), key, held, here)
    }

    #[test]
    fn bare_keys_act_only_while_nobody_types() {
        let one = key(KeyCode::Digit1, Key::Character("1".into()));
        assert_eq!(found(&one, Held::Nothing, NOBODY), Some(ActionKind::Slot1));
        assert_eq!(found(&one, Held::Nothing, TYPIST), None);
        assert_eq!(found(&one, Held::Ctrl, TYPIST), Some(ActionKind::Slot1));
        assert_eq!(found(&key(KeyCode::F1, Key::F1), Held::Nothing, TYPIST), Some(ActionKind::Help), "it types nothing");
    }

    #[test]
    fn what_types_is_typed_whatever_it_is_bound_to() {
        let keys = [("move-up", "W"), ("next-control", "N"), ("leave", "B"), ("press", "J"), ("help", "Space")];
        let keys = Overrides(keys.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect());
        let (bindings, complaints) = Bindings::with(&keys, &Overrides::default());
        assert!(complaints.is_empty(), "{complaints:?}");
        let letter = |letter: &str| key(KeyCode::F24, Key::Character(letter.into()));
        let pressed = [letter("w"), letter("n"), letter("b"), letter("j"), key(KeyCode::Space, Key::Space)];
        let found = |here: Here| pressed.iter().map(|key| meaning(&bindings, key, Held::Nothing, here)).collect::<Vec<_>>();
        let all = [ActionKind::MoveUp, ActionKind::NextControl, ActionKind::Leave, ActionKind::Press, ActionKind::Help];
        assert_eq!(found(NOBODY), all.map(Some));
        for typing in [Typing::Line, Typing::Lines] {
            for owner in [TYPIST.owner, Owner::Palette, Owner::Keyboard] {
                assert_eq!(found(Here { owner, typing }), [None; 5], "{owner:?} {typing:?}");
            }
        }
        assert_eq!(meaning(&bindings, &letter("W"), Held::Shift, TYPIST), None, "a capital too");
    }

    #[test]
    fn digits_go_by_their_place_and_letters_by_what_is_printed() {
        // A French keyboard: the key of 1 types an ampersand, the key of Q an A.
        assert_eq!(found(&key(KeyCode::Digit1, Key::Character("&".into())), Held::Nothing, NOBODY), Some(ActionKind::Slot1));
        let w = key(KeyCode::KeyZ, Key::Character("w".into()));
        assert_eq!(found(&w, Held::Ctrl, NOBODY), Some(ActionKind::ClosePane));
    }

    #[test]
    fn a_field_keeps_what_it_types_with_and_gives_up_and_down_away_if_it_has_one_line() {
        let arrow =
            |key_code| found(&key(key_code, Key::Unidentified(bevy::input::keyboard::NativeKey::Unidentified)), Held::Nothing, TYPIST);
        assert_eq!((arrow(KeyCode::ArrowLeft), arrow(KeyCode::ArrowDown)), (None, Some(ActionKind::MoveDown)));
        let lines = Here { typing: Typing::Lines, ..TYPIST };
        assert_eq!(found(&key(KeyCode::ArrowDown, Key::ArrowDown), Held::Nothing, lines), None);
        assert_eq!(found(&key(KeyCode::Enter, Key::Enter), Held::Nothing, TYPIST), None, "it ends the field");
        assert_eq!(found(&key(KeyCode::Tab, Key::Tab), Held::Nothing, lines), Some(ActionKind::NextControl));
    }

    #[test]
    fn panes_are_tiled_with_ctrl_and_alt_or_super_and_ctrl_alone_moves_the_cursor() {
        let left = key(KeyCode::ArrowLeft, Key::ArrowLeft);
        let holding = |keys: &[KeyCode]| found(&left, with(&keys.iter().copied().collect()), TYPIST);
        assert_eq!(holding(&[KeyCode::ControlLeft, KeyCode::AltLeft]), Some(ActionKind::TileLeft));
        assert_eq!(holding(&[KeyCode::SuperLeft, KeyCode::AltLeft]), Some(ActionKind::TileLeft));
        assert_eq!(holding(&[KeyCode::ControlLeft]), None);
        assert_eq!(holding(&[KeyCode::AltLeft]), None);
        assert_eq!(holding(&[KeyCode::ControlLeft, KeyCode::AltRight]), None, "AltGr types");
        if !cfg!(target_os = "macos") {
            assert_eq!(holding(&[KeyCode::SuperLeft]), Some(ActionKind::TileLeft));
        }
        let one = key(KeyCode::Digit1, Key::Character("1".into()));
        let cmd = [KeyCode::SuperLeft].into_iter().collect();
        assert_eq!(found(&one, with(&cmd), TYPIST), Some(ActionKind::Slot1), "what Super has no chord for means Ctrl");
    }

    #[test]
    fn escape_is_ours_in_a_field_and_the_questions_own_in_a_question() {
        let escape = key(KeyCode::Escape, Key::Escape);
        assert_eq!(found(&escape, Held::Nothing, TYPIST), Some(ActionKind::Leave));
        let question = Here { owner: Owner::Dialog(LayerId::new(Order::Foreground, Id::new("question"))), typing: Typing::Line };
        assert_eq!(found(&escape, Held::Nothing, question), None);
    }

    #[test]
    fn under_a_question_or_a_list_no_bare_key_acts() {
        let go = key(KeyCode::KeyG, Key::Character("g".into()));
        for owner in [Owner::Palette, Owner::Help, Owner::Keyboard, Owner::Dialog(LayerId::new(Order::Foreground, Id::new("question")))] {
            assert_eq!(found(&go, Held::Nothing, Here { owner, typing: Typing::Nothing }), None, "{owner:?}");
        }
    }
}
