//! Keys and buttons in words: the same on the screen and in `hud.toml`.

use std::fmt;
use std::str::FromStr;

use bevy::prelude::{GamepadButton, KeyCode};

use crate::hud::action::{Chord, ChordKey, With};

/// Keys that go by their place.
const PLACES: &[(KeyCode, &str)] = &[
    (KeyCode::Digit1, "1"),
    (KeyCode::Digit2, "2"),
    (KeyCode::Digit3, "3"),
    (KeyCode::Digit4, "4"),
    (KeyCode::Digit5, "5"),
    (KeyCode::Digit6, "6"),
    (KeyCode::Digit7, "7"),
    (KeyCode::Digit8, "8"),
    (KeyCode::Digit9, "9"),
    (KeyCode::F1, "F1"),
    (KeyCode::F2, "F2"),
    (KeyCode::F3, "F3"),
    (KeyCode::F4, "F4"),
    (KeyCode::F5, "F5"),
    (KeyCode::F6, "F6"),
    (KeyCode::F7, "F7"),
    (KeyCode::F8, "F8"),
    (KeyCode::F9, "F9"),
    (KeyCode::F10, "F10"),
    (KeyCode::F11, "F11"),
    (KeyCode::F12, "F12"),
    (KeyCode::F13, "F13"),
    (KeyCode::F14, "F14"),
    (KeyCode::F15, "F15"),
    (KeyCode::F16, "F16"),
    (KeyCode::F17, "F17"),
    (KeyCode::F18, "F18"),
    (KeyCode::F19, "F19"),
    (KeyCode::F20, "F20"),
    (KeyCode::F21, "F21"),
    (KeyCode::F22, "F22"),
    (KeyCode::F23, "F23"),
    (KeyCode::F24, "F24"),
    (KeyCode::Escape, "Esc"),
    (KeyCode::Tab, "Tab"),
    (KeyCode::Enter, "Enter"),
    (KeyCode::Space, "Space"),
    (KeyCode::Backspace, "Backspace"),
    (KeyCode::Insert, "Insert"),
    (KeyCode::Delete, "Delete"),
    (KeyCode::Home, "Home"),
    (KeyCode::End, "End"),
    (KeyCode::PageUp, "PageUp"),
    (KeyCode::PageDown, "PageDown"),
    (KeyCode::ArrowUp, "Up"),
    (KeyCode::ArrowDown, "Down"),
    (KeyCode::ArrowLeft, "Left"),
    (KeyCode::ArrowRight, "Right"),
    (KeyCode::PrintScreen, "Print"),
    (KeyCode::ScrollLock, "ScrollLock"),
    (KeyCode::Pause, "Pause"),
    (KeyCode::ContextMenu, "Menu"),
    (KeyCode::NumpadAdd, "Num +"),
    (KeyCode::NumpadSubtract, "Num -"),
    (KeyCode::NumpadMultiply, "Num *"),
    (KeyCode::NumpadDivide, "Num /"),
    (KeyCode::NumpadDecimal, "Num ."),
    (KeyCode::NumpadEnter, "Num Enter"),
    (KeyCode::Numpad0, "Num 0"),
    (KeyCode::Numpad1, "Num 1"),
    (KeyCode::Numpad2, "Num 2"),
    (KeyCode::Numpad3, "Num 3"),
    (KeyCode::Numpad4, "Num 4"),
    (KeyCode::Numpad5, "Num 5"),
    (KeyCode::Numpad6, "Num 6"),
    (KeyCode::Numpad7, "Num 7"),
    (KeyCode::Numpad8, "Num 8"),
    (KeyCode::Numpad9, "Num 9"),
];

/// Buttons as most pads have them printed.
const BUTTONS: &[(GamepadButton, &str)] = &[
    (GamepadButton::South, "A"),
    (GamepadButton::East, "B"),
    (GamepadButton::West, "X"),
    (GamepadButton::North, "Y"),
    (GamepadButton::C, "C"),
    (GamepadButton::Z, "Z"),
    (GamepadButton::LeftTrigger, "LB"),
    (GamepadButton::RightTrigger, "RB"),
    (GamepadButton::LeftTrigger2, "LT"),
    (GamepadButton::RightTrigger2, "RT"),
    (GamepadButton::LeftThumb, "L3"),
    (GamepadButton::RightThumb, "R3"),
    (GamepadButton::Select, "Select"),
    (GamepadButton::Start, "Start"),
    (GamepadButton::Mode, "Home"),
    (GamepadButton::DPadUp, "D-pad up"),
    (GamepadButton::DPadDown, "D-pad down"),
    (GamepadButton::DPadLeft, "D-pad left"),
    (GamepadButton::DPadRight, "D-pad right"),
];

/// What stands before a key.
const HELD: [(With, &str); 5] = [
    (With::CtrlShift, "Ctrl+Shift+"),
    (With::CtrlAlt, "Ctrl+Alt+"),
    (With::Ctrl, "Ctrl+"),
    (With::Shift, "Shift+"),
    (With::Super, "Super+"),
];

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = HELD.iter().find(|(with, _)| *with == self.with).map_or("", |(_, words)| words);
        match self.key {
            ChordKey::Letter(letter) => write!(f, "{held}{}", capital(letter)),
            ChordKey::Place(place) => match PLACES.iter().find(|(known, _)| *known == place) {
                Some((_, name)) => write!(f, "{held}{name}"),
                None => write!(f, "{held}{place:?}"),
            },
        }
    }
}

impl Chord {
    /// Whether it can be written down and read back.
    pub fn has_name(self) -> bool {
        self.to_string().parse() == Ok(self)
    }
}

/// As it is printed on its key. Where the capital is more than one letter, or another letter's, that is the small one.
fn capital(letter: char) -> char {
    alone(letter.to_uppercase()).filter(|capital| small(*capital) == letter).unwrap_or(letter)
}

/// The letter a chord has.
pub fn small(letter: char) -> char {
    alone(letter.to_lowercase()).unwrap_or(letter)
}

fn alone(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// A text that names no key or button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("no key is called that; keys are called like T, F5, Ctrl+T, Ctrl+Shift+T or Ctrl+Alt+Up")]
    Key,
    #[error("no button is called that; buttons are called A, B, X, Y, LB, RB, LT, RT, L3, R3, Select, Start, Home or D-pad up")]
    Button,
}

impl FromStr for Chord {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let held = HELD.iter().find_map(|(with, words)| {
            let start = text.get(..words.len()).filter(|start| start.eq_ignore_ascii_case(words))?;
            text.get(start.len()..).filter(|rest| !rest.is_empty()).map(|rest| (*with, rest))
        });
        let (with, name) = held.unwrap_or((With::Nothing, text));
        if let Some((place, _)) = PLACES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)) {
            return Ok(Self { key: ChordKey::Place(*place), with });
        }
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if !letter.is_whitespace() && !letter.is_control() => {
                Ok(Self { key: ChordKey::Letter(small(letter)), with })
            }
            _ => Err(NameError::Key),
        }
    }
}

/// The button's name.
pub fn button_name(button: GamepadButton) -> String {
    BUTTONS.iter().find(|(known, _)| *known == button).map_or_else(|| format!("{button:?}"), |(_, name)| (*name).to_owned())
}

/// Whether it can be written down and read back.
pub fn has_name(button: GamepadButton) -> bool {
    button_of(&button_name(button)) == Ok(button)
}

/// The button of this name.
pub fn button_of(text: &str) -> Result<GamepadButton, NameError> {
    let known = BUTTONS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text.trim()));
    known.map(|(button, _)| *button).ok_or(NameError::Button)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::action::table;

    #[test]
    fn every_key_and_button_of_the_table_is_read_back_from_its_name() {
        for binding in table() {
            for chord in binding.chords {
                assert_eq!(chord.to_string().parse(), Ok(*chord), "{chord}");
            }
            if let Some(button) = binding.pad {
                assert_eq!(button_of(&button_name(button)), Ok(button));
            }
        }
    }

    #[test]
    fn every_name_is_of_one_key_or_button_with_whatever_is_held() {
        let places = PLACES.iter().map(|(place, _)| ChordKey::Place(*place));
        let letters = "abcxyz0+-?*/.,;=#<éßıñжé漢ö'\"\\".chars().map(ChordKey::Letter);
        for key in places.chain(letters) {
            for with in HELD.iter().map(|(with, _)| *with).chain([With::Nothing]) {
                let chord = Chord { key, with };
                assert!(chord.has_name(), "{chord}");
            }
        }
        assert!(BUTTONS.iter().all(|(button, _)| has_name(*button)));
    }

    #[test]
    fn names_are_read_however_they_are_written_and_nonsense_is_refused() {
        assert_eq!("ctrl++".parse(), Ok(Chord { key: ChordKey::Letter('+'), with: With::Ctrl }));
        assert_eq!(" CTRL+shift+w ".parse(), Ok(Chord { key: ChordKey::Letter('w'), with: With::CtrlShift }));
        for nonsense in ["", "Ctrl+", "Hyper+X", "F99", "ctrl+ab"] {
            assert_eq!(nonsense.parse::<Chord>(), Err(NameError::Key), "{nonsense}");
        }
        assert_eq!(button_of("the big one"), Err(NameError::Button));
    }
}
