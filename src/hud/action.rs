//! What the user can do, and the one table of keys, labels and help it is done by.

use bevy::prelude::*;
use bevy_egui::egui::{Rect, Vec2};

use super::pane::PaneKind;
use super::prefs::{Drawing, Motions};
use super::theme::Look;
use crate::domain::ids::JobId;
use crate::node::{Market, NodeCommand, Secret};

/// What the user wants. Written by views and devices, obeyed at the end of the frame by [`super::act`].
#[derive(Message, Debug, Clone, PartialEq)]
pub enum UserAction {
    /// Panes: the toggle rule. Closed: open; open and not active: raise; active: close.
    Toggle(PaneKind),
    /// Panes: the toggle rule, by the number of a slot, 0 to 8.
    PressSlot(usize),
    /// Panes: raise and make active.
    Focus(Entity),
    /// Panes: close this one.
    Close(Entity),
    /// Panes: close the active one.
    CloseActive,
    /// Panes: move by so much while dragged.
    Drag(Entity, Vec2),
    /// Panes: let go of; stays fully inside the window.
    Drop(Entity),
    /// Panes: arrange all open ones so that none covers another.
    Tidy,
    /// Bridge: leave the market, if any, and enter this one.
    Enter(Market),
    /// Bridge, preferences: as `Enter`, and enter it again the next time without asking.
    Choose(Market),
    /// Bridge: ask the node.
    Ask(NodeCommand),
    /// Bridge: online if offline, offline if online; starts the node if need be.
    ToggleOnline,
    /// History: show this job's timeline, or none.
    ShowJob(Option<JobId>),
    /// Clipboard: copy a text.
    Copy(String),
    /// Notices: take one away.
    Dismiss(u64),
    /// Preferences: the palette.
    SetLook(Look),
    /// Preferences: per cent, clamped.
    SetScale(u16),
    /// Preferences: whether things move.
    SetMotions(Motions),
    /// Preferences: when frames are drawn.
    SetDrawing(Drawing),
    /// Window: full screen and back.
    ToggleFullScreen,
    /// Window: one step larger, smaller, or back to 100 %.
    Zoom(Zoom),
    /// Window: the place panes can be in has changed.
    Resized(Rect),
    /// Bridge: try this passphrase, and go on with the start that wants one.
    Unlock(Secret),
    /// Lock: no passphrase, no start.
    StayLocked,
    /// Bridge, preferences: leave this market, whose node is stopped, and ask again which.
    ChooseAgain,
}

/// One step of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zoom {
    In,
    Out,
    Reset,
}

/// A thing to do that needs nothing but the wish: what keys, hints and help are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionKind {
    Slot1,
    Slot2,
    Slot3,
    Slot4,
    Slot5,
    Slot6,
    Slot7,
    Slot8,
    Slot9,
    ClosePane,
    Leave,
    Tidy,
    ToggleOnline,
    FullScreen,
    ZoomIn,
    ZoomOut,
    ZoomReset,
}

/// A key, alone or with Ctrl (Cmd).
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

/// What is held down with a key. Alone, it works only while nobody types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    Nothing,
    Ctrl,
}

/// A row of the table.
#[derive(Debug)]
pub struct Binding {
    pub kind: ActionKind,
    pub label: &'static str,
    /// The key as it is printed in hints.
    pub shown: &'static str,
    pub chords: &'static [Chord],
    /// The button of a gamepad, wherever the focus is.
    pub pad: Option<GamepadButton>,
    pub help: &'static str,
}

const fn alone(key: KeyCode) -> Chord {
    Chord { key: ChordKey::Place(key), with: With::Nothing }
}

const fn ctrl(key: KeyCode) -> Chord {
    Chord { key: ChordKey::Place(key), with: With::Ctrl }
}

const fn letter(letter: char) -> Chord {
    Chord { key: ChordKey::Letter(letter), with: With::Nothing }
}

const fn ctrl_letter(letter: char) -> Chord {
    Chord { key: ChordKey::Letter(letter), with: With::Ctrl }
}

macro_rules! slot_row {
    ($kind:ident, $shown:literal, $digit:ident) => {
        Binding {
            kind: ActionKind::$kind,
            label: concat!("slot ", $shown),
            shown: $shown,
            chords: &[alone(KeyCode::$digit), ctrl(KeyCode::$digit)],
            pad: None,
            help: "Opens, raises or closes the pane in this slot.",
        }
    };
}

/// Everything there is to do by key.
pub const BINDINGS: &[Binding] = &[
    slot_row!(Slot1, "1", Digit1),
    slot_row!(Slot2, "2", Digit2),
    slot_row!(Slot3, "3", Digit3),
    slot_row!(Slot4, "4", Digit4),
    slot_row!(Slot5, "5", Digit5),
    slot_row!(Slot6, "6", Digit6),
    slot_row!(Slot7, "7", Digit7),
    slot_row!(Slot8, "8", Digit8),
    slot_row!(Slot9, "9", Digit9),
    Binding {
        kind: ActionKind::ToggleOnline,
        label: "go online, offline",
        shown: "G",
        chords: &[letter('g')],
        pad: None,
        help: "Takes jobs, or stops taking them.",
    },
    Binding {
        kind: ActionKind::Tidy,
        label: "tidy",
        shown: "T",
        chords: &[letter('t')],
        pad: None,
        help: "Arranges the open panes so that none covers another.",
    },
    Binding {
        kind: ActionKind::Leave,
        label: "close",
        shown: "Esc",
        chords: &[alone(KeyCode::Escape)],
        pad: None,
        help: "Leaves a field, then closes the active pane.",
    },
    Binding {
        kind: ActionKind::ClosePane,
        label: "close pane",
        shown: "Ctrl+W",
        chords: &[ctrl_letter('w')],
        pad: None,
        help: "Closes the active pane.",
    },
    Binding {
        kind: ActionKind::FullScreen,
        label: "full screen",
        shown: "F11",
        chords: &[alone(KeyCode::F11)],
        pad: None,
        help: "Full screen, and back.",
    },
    Binding {
        kind: ActionKind::ZoomIn,
        label: "larger",
        shown: "Ctrl +",
        chords: &[ctrl_letter('+'), ctrl_letter('='), ctrl(KeyCode::NumpadAdd)],
        pad: None,
        help: "Everything a step larger.",
    },
    Binding {
        kind: ActionKind::ZoomOut,
        label: "smaller",
        shown: "Ctrl -",
        chords: &[ctrl_letter('-'), ctrl(KeyCode::NumpadSubtract)],
        pad: None,
        help: "Everything a step smaller.",
    },
    Binding {
        kind: ActionKind::ZoomReset,
        label: "usual size",
        shown: "Ctrl 0",
        chords: &[ctrl_letter('0'), ctrl(KeyCode::Numpad0)],
        pad: None,
        help: "Everything back to 100 %.",
    },
];

impl ActionKind {
    /// What is to be done when this is wished.
    pub const fn action(self) -> UserAction {
        match self {
            Self::Slot1 => UserAction::PressSlot(0),
            Self::Slot2 => UserAction::PressSlot(1),
            Self::Slot3 => UserAction::PressSlot(2),
            Self::Slot4 => UserAction::PressSlot(3),
            Self::Slot5 => UserAction::PressSlot(4),
            Self::Slot6 => UserAction::PressSlot(5),
            Self::Slot7 => UserAction::PressSlot(6),
            Self::Slot8 => UserAction::PressSlot(7),
            Self::Slot9 => UserAction::PressSlot(8),
            Self::ClosePane | Self::Leave => UserAction::CloseActive,
            Self::Tidy => UserAction::Tidy,
            Self::ToggleOnline => UserAction::ToggleOnline,
            Self::FullScreen => UserAction::ToggleFullScreen,
            Self::ZoomIn => UserAction::Zoom(Zoom::In),
            Self::ZoomOut => UserAction::Zoom(Zoom::Out),
            Self::ZoomReset => UserAction::Zoom(Zoom::Reset),
        }
    }

    /// Its row in the table.
    pub fn binding(self) -> Option<&'static Binding> {
        BINDINGS.iter().find(|binding| binding.kind == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let chords: Vec<Chord> = BINDINGS.iter().flat_map(|binding| binding.chords).copied().collect();
        for (at, chord) in chords.iter().enumerate() {
            assert!(!chords[at + 1..].contains(chord), "{chord:?}");
        }
    }

    #[test]
    fn every_binding_can_be_pressed_and_says_what_it_does() {
        for binding in BINDINGS {
            assert!(!binding.chords.is_empty() && binding.help.ends_with('.') && !binding.label.is_empty(), "{binding:?}");
            assert_eq!(binding.kind.binding().map(|found| found.shown), Some(binding.shown), "a row twice");
        }
    }
}
