//! Keys as the table names them.

use bevy::prelude::KeyCode;

/// A key, alone or with others held down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chord {
    pub key: ChordKey,
    pub with: With,
}

/// Digits and function keys by their place on the keyboard, letters by what is printed on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChordKey {
    Place(KeyCode),
    Letter(char),
}

/// What is held down with a key; Cmd does as Ctrl. Without Ctrl or Alt it works only while nobody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    Nothing,
    Shift,
    Ctrl,
    CtrlShift,
    CtrlAlt,
    /// The Super key alone, where it is not Cmd. What is bound to no chord with it means what it means with Ctrl.
    Super,
}

pub const fn alone(key: KeyCode) -> Chord {
    Chord { key: ChordKey::Place(key), with: With::Nothing }
}

pub const fn ctrl(key: KeyCode) -> Chord {
    Chord { key: ChordKey::Place(key), with: With::Ctrl }
}

pub const fn letter(letter: char) -> Chord {
    Chord { key: ChordKey::Letter(letter), with: With::Nothing }
}

pub const fn ctrl_letter(letter: char) -> Chord {
    Chord { key: ChordKey::Letter(letter), with: With::Ctrl }
}
