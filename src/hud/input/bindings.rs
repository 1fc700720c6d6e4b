//! Which key and which button do what: the table, and over it what the user has bound otherwise.

use std::collections::BTreeMap;

use bevy::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

use super::naming::{button_name, button_of, has_name};
use crate::hud::action::{ActionKind, Chord, With, table};

/// In a file: no key, no button.
const NONE: &str = "none";

/// A table of `hud.toml`: actions by name, with the key or the button that is meant. What stands there is looked at when
/// [`Bindings`] are made, so that one that is not understood costs no other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Overrides(pub BTreeMap<String, String>);

impl Overrides {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Overrides {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = BTreeMap::<String, toml::Value>::deserialize(from)?;
        let text = |value: toml::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(Self(found.into_iter().map(|(name, value)| (name, text(value))).collect()))
    }
}

/// What a row of the table is bound to.
#[derive(Debug, Clone, PartialEq)]
struct Bound {
    kind: ActionKind,
    chords: Vec<Chord>,
    pad: Option<GamepadButton>,
}

/// What is in force.
#[derive(Resource, Debug, Clone, PartialEq)]
pub struct Bindings(Vec<Bound>);

impl Default for Bindings {
    fn default() -> Self {
        Self(table().map(|row| Bound { kind: row.kind, chords: row.chords.to_vec(), pad: row.pad }).collect())
    }
}

/// Why a binding is not possible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    #[error("{taken} is for \"{by}\" already")]
    Taken { taken: String, by: &'static str },
    /// It would be forgotten at the next start.
    #[error("{0} has no name that could be kept in hud.toml")]
    Nameless(String),
}

impl Bindings {
    /// The table with what the user has bound otherwise. What is not possible is said, and the table's own holds instead.
    pub fn with(keys: &Overrides, pad: &Overrides) -> (Self, Vec<String>) {
        let mut bindings = Self::default();
        let mut complaints = Vec::new();
        // Freed first, so that two actions can change places.
        let named = |name: &str| table().find(|row| row.kind.id() == name).map(|row| row.kind);
        for bound in &mut bindings.0 {
            let id = bound.kind.id();
            if keys.0.contains_key(&id) {
                bound.chords.clear();
            }
            if pad.0.contains_key(&id) {
                bound.pad = None;
            }
        }
        for (name, text) in &keys.0 {
            if let Err(why) = named(name).ok_or_else(|| NO_ACTION.to_owned()).and_then(|kind| bindings.read_key(kind, text)) {
                complaints.push(complaint("keys", name, text, &why));
            }
        }
        for (name, text) in &pad.0 {
            if let Err(why) = named(name).ok_or_else(|| NO_ACTION.to_owned()).and_then(|kind| bindings.read_button(kind, text)) {
                complaints.push(complaint("pad", name, text, &why));
            }
        }
        (bindings, complaints)
    }

    fn read_key(&mut self, kind: ActionKind, text: &str) -> Result<(), String> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            return Ok(());
        }
        let read = text.parse::<Chord>().map_err(|error| error.to_string());
        let bound = read.and_then(|chord| self.bind_key(kind, chord).map_err(|error| error.to_string()));
        if bound.is_err() {
            // Its own keys, as far as nobody else has them now.
            for chord in kind.binding().map(|row| row.chords).unwrap_or_default() {
                if self.taker_of_key(kind, *chord).is_none() {
                    self.row_mut(kind).into_iter().for_each(|row| row.chords.push(*chord));
                }
            }
        }
        bound
    }

    fn read_button(&mut self, kind: ActionKind, text: &str) -> Result<(), String> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            return Ok(());
        }
        let read = button_of(text).map_err(|error| error.to_string());
        let bound = read.and_then(|button| self.bind_button(kind, button).map_err(|error| error.to_string()));
        if let (Err(_), Some(own)) = (&bound, kind.binding().and_then(|row| row.pad))
            && self.taker_of_button(kind, own).is_none()
        {
            self.row_mut(kind).into_iter().for_each(|row| row.pad = Some(own));
        }
        bound
    }

    /// From now on this key, and no other, is for this action.
    pub fn bind_key(&mut self, kind: ActionKind, chord: Chord) -> Result<(), BindError> {
        if !chord.has_name() {
            return Err(BindError::Nameless(chord.to_string()));
        }
        if let Some(by) = self.taker_of_key(kind, chord) {
            return Err(BindError::Taken { taken: chord.to_string(), by: label(by) });
        }
        self.row_mut(kind).into_iter().for_each(|row| row.chords = vec![chord]);
        Ok(())
    }

    /// The same for a button.
    pub fn bind_button(&mut self, kind: ActionKind, button: GamepadButton) -> Result<(), BindError> {
        if !has_name(button) {
            return Err(BindError::Nameless(button_name(button)));
        }
        if let Some(by) = self.taker_of_button(kind, button) {
            return Err(BindError::Taken { taken: button_name(button), by: label(by) });
        }
        self.row_mut(kind).into_iter().for_each(|row| row.pad = Some(button));
        Ok(())
    }

    /// Another action that has this key where both could be meant.
    fn taker_of_key(&self, kind: ActionKind, chord: Chord) -> Option<ActionKind> {
        self.others(kind).find(|row| row.chords.contains(&chord)).map(|row| row.kind)
    }

    fn taker_of_button(&self, kind: ActionKind, button: GamepadButton) -> Option<ActionKind> {
        self.others(kind).find(|row| row.pad == Some(button)).map(|row| row.kind)
    }

    fn others(&self, kind: ActionKind) -> impl Iterator<Item = &Bound> {
        self.0.iter().filter(move |row| row.kind != kind && row.kind.scope().meets(kind.scope()))
    }

    fn row_mut(&mut self, kind: ActionKind) -> Option<&mut Bound> {
        self.0.iter_mut().find(|row| row.kind == kind)
    }

    fn row(&self, kind: ActionKind) -> Option<&Bound> {
        self.0.iter().find(|row| row.kind == kind)
    }

    /// The keys of an action; the first is printed in hints.
    pub fn keys(&self, kind: ActionKind) -> &[Chord] {
        self.row(kind).map(|row| row.chords.as_slice()).unwrap_or_default()
    }

    pub fn button(&self, kind: ActionKind) -> Option<GamepadButton> {
        self.row(kind).and_then(|row| row.pad)
    }

    /// What a button is for, while the on-screen keyboard is open or not.
    pub fn by_button(&self, button: GamepadButton, is_typing: bool) -> Option<ActionKind> {
        self.meant(is_typing).find(|row| row.pad == Some(button)).map(|row| row.kind)
    }

    /// What a key is for, by what is held. `is_key` tells whether it is the one of a chord.
    ///
    /// Signs need Shift on some keyboards and not on others, so a chord without Shift is meant with it as well, unless
    /// another one says Shift.
    pub fn by_key(&self, held: With, is_typing: bool, is_key: impl Fn(&Chord) -> bool) -> Option<ActionKind> {
        let look = |with: With| {
            let meant = |row: &&Bound| row.chords.iter().any(|chord| chord.with == with && is_key(chord));
            self.meant(is_typing).find(meant).map(|row| row.kind)
        };
        look(held).or_else(|| match held {
            With::Shift => look(With::Nothing),
            With::CtrlShift | With::Super => look(With::Ctrl),
            With::Nothing | With::Ctrl | With::CtrlAlt => None,
        })
    }

    fn meant(&self, is_typing: bool) -> impl Iterator<Item = &Bound> {
        use crate::hud::action::steering::Scope;
        let other = if is_typing { Scope::Desk } else { Scope::Typing };
        self.0.iter().filter(move |row| row.kind.scope() != other)
    }
}

const NO_ACTION: &str = "no action is called that";

fn label(kind: ActionKind) -> &'static str {
    kind.binding().map_or("", |row| row.label)
}

fn complaint(table: &str, name: &str, text: &str, why: &str) -> String {
    format!("[{table}] {name} = \"{text}\": {why}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hud::action::ChordKey;

    fn overrides(all: &[(&str, &str)]) -> Overrides {
        Overrides(all.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    fn key(bindings: &Bindings, text: &str) -> Option<ActionKind> {
        let wanted: Chord = text.parse().expect("a key");
        bindings.by_key(wanted.with, false, |chord| chord.key == wanted.key)
    }

    #[test]
    fn a_key_that_is_bound_otherwise_does_the_new_thing_and_not_the_old_one() {
        let (bindings, complaints) = Bindings::with(&overrides(&[("tidy", "F9"), ("toggle-online", "T")]), &overrides(&[("tidy", "none")]));
        assert!(complaints.is_empty(), "{complaints:?}");
        assert_eq!(key(&bindings, "F9"), Some(ActionKind::Tidy));
        assert_eq!(key(&bindings, "T"), Some(ActionKind::ToggleOnline), "they have changed places");
        assert_eq!(key(&bindings, "G"), None);
        assert_eq!(bindings.button(ActionKind::Tidy), None);
    }

    #[test]
    fn what_the_readme_shows_of_the_preferences_is_understood() {
        let readme = include_str!("../../../README.md");
        let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let ours: Vec<&str> = blocks.filter(|block| block.contains("[keys]") || block.contains("[kiosk]")).collect();
        assert!(ours.len() >= 2, "{ours:?}");
        for block in ours {
            let preferences: crate::hud::prefs::Preferences = toml::from_str(block).expect("a hud.toml");
            let (_, complaints) = Bindings::with(&preferences.keys, &preferences.pad);
            assert!(complaints.is_empty(), "{complaints:?}");
        }
    }

    #[test]
    fn a_bad_binding_in_the_file_is_named_and_the_tables_own_holds() {
        let keys = overrides(&[("tidy", "Hyper+Q"), ("help", "Ctrl+K"), ("dance", "D")]);
        let (bindings, complaints) = Bindings::with(&keys, &overrides(&[("palette", "A"), ("help", "Lever")]));
        assert_eq!(bindings, Bindings::default());
        let said = complaints.join("\n");
        for part in [
            "[keys] tidy = \"Hyper+Q\"",
            "Ctrl+K is for \"commands\" already",
            "[keys] dance",
            "A is for \"press\" already",
            "[pad] help = \"Lever\"",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }

    #[test]
    fn a_taken_key_is_refused_by_name_and_nothing_changes() {
        let mut bindings = Bindings::default();
        let taken = bindings.bind_key(ActionKind::Tidy, Chord { key: ChordKey::Letter('g'), with: With::Nothing });
        assert_eq!(taken.map_err(|error| error.to_string()), Err("G is for \"go online, offline\" already".to_owned()));
        assert_eq!(bindings, Bindings::default());
    }

    #[test]
    fn a_button_may_mean_one_thing_on_the_desk_and_another_while_typing() {
        let bindings = Bindings::default();
        assert_eq!(bindings.by_button(GamepadButton::West, false), Some(ActionKind::SecondAction));
        assert_eq!(bindings.by_button(GamepadButton::West, true), Some(ActionKind::TypeBackspace));
        assert_eq!(bindings.by_button(GamepadButton::South, true), Some(ActionKind::Press));
    }

    #[test]
    fn signs_are_found_with_and_without_shift() {
        let bindings = Bindings::default();
        let sign = |letter, held| bindings.by_key(held, false, |chord| chord.key == ChordKey::Letter(letter));
        assert_eq!(sign('?', With::Shift), Some(ActionKind::Help));
        assert_eq!(sign('+', With::CtrlShift), Some(ActionKind::ZoomIn));
        let tab = |held| bindings.by_key(held, false, |chord| chord.key == ChordKey::Place(KeyCode::Tab));
        assert_eq!((tab(With::Nothing), tab(With::Shift)), (Some(ActionKind::NextControl), Some(ActionKind::PreviousControl)));
    }
}
