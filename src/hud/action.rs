//! What the user can do, and the one table of keys, buttons, labels and help it is done by.
//!
//! The table is [`BINDINGS`] here, [`arranging::ROWS`] and [`steering::ROWS`]; [`table`] is all of it. Keys, pads, the
//! palette, the help sheet and the hints read it through [`super::input::Bindings`], which knows what the user has bound
//! otherwise.

pub mod arranging;
pub mod chord;
pub mod steering;

use bevy::prelude::*;
use bevy_egui::egui::{Pos2, Rect, Vec2};

pub use chord::{Chord, ChordKey, With};
use chord::{alone, ctrl, ctrl_letter, letter};

use super::input::{Device, Tap};
use super::pane::PaneKind;
use super::pane::arranging::{Ending, How};
use super::pane::grip::Grip;
use super::pane::tile::Toward;
use super::pin::PinWish;
use super::prefs::{Ambient, Drawing, Motions};
use super::question::Question;
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
    /// Panes: taken hold of, by its title or its border.
    Grasp(Entity),
    /// Panes: dragged so far from where it was grasped; the pointer is here.
    Drag { pane: Entity, by: Vec2, at: Pos2 },
    /// Panes: pulled so far by this grip since it was grasped.
    Pull { pane: Entity, grip: Grip, by: Vec2 },
    /// Panes: let go of; into the tile that is aimed at, otherwise fully inside the window.
    Drop(Entity),
    /// Panes: the active one into a half, from a half into a quarter, or back.
    Tile(Toward),
    /// Panes: the active one over all the room there is, or back where it was.
    Maximise,
    /// Panes: arrange all open ones so that none covers another.
    Tidy,
    /// Panes: all open ones behind each other, each a step right and down.
    Cascade,
    /// Panes, slots: as at the first start. What was typed stays.
    ResetHud,
    /// Panes: move or resize the active one by keys until that is ended.
    Arrange(How),
    /// Panes: one step of that.
    Nudge(Toward),
    /// Panes: the end of that.
    EndArranging(Ending),
    /// Panes: this job in a pane of its own.
    OpenJob(JobId),
    /// Slots: change places.
    SwapSlots(usize, usize),
    /// Slots: the focused one, or that of the active pane, changes places with its neighbour to the left or right.
    MoveSlot(Toward),
    /// Slots: this pane into this one, or none.
    AssignSlot(usize, Option<PaneKind>),
    /// Slots: this one is pointed at, or none.
    PointAtSlot(Option<usize>),
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
    /// Panes: keep clear of the banner, which is there; `None`: it is gone.
    KeepClear(Option<Rect>),
    /// Bridge: try this passphrase, and go on with the start that wants one.
    Unlock(Secret),
    /// Lock: no passphrase, no start.
    StayLocked,
    /// Bridge, preferences: leave this market, whose node is stopped, and ask again which.
    ChooseAgain,
    /// Panes: open or raise; never closes. The focus goes into it.
    Show(PaneKind),
    /// Panes: open the pane in this slot, or raise it; never closes. The focus goes into it.
    EnterSlot(usize),
    /// Panes: close all of them.
    CloseAll,
    /// Panes: raise the open one after the active one, in the order of the slots.
    RaiseNext,
    /// Panes: raise the open one before it.
    RaisePrevious,
    /// Focus: move it, press what it is on, leave.
    Steer(Steer),
    /// Focus: what stands in front or has the keys scrolls by so many points; less than 0 goes down.
    Scroll(f32),
    /// Palette: open, or close.
    TogglePalette,
    /// Help: open, or close.
    ToggleHelp,
    /// On-screen keyboard: open it for the field that is typed into, or close it.
    ToggleKeyboard,
    /// On-screen keyboard: a key of it was pressed.
    Tap(Tap),
    /// Bindings: the next key or button of this device is for this action; `None`: no longer.
    Listen(Option<(ActionKind, Device)>),
    /// Bindings, preferences: this key is for this action.
    BindKey(ActionKind, Chord),
    /// Bindings, preferences: this button is for this action.
    BindButton(ActionKind, GamepadButton),
    /// Bindings, preferences: the key and the button of this action are as they were at first; `None`: of all.
    Unbind(Option<ActionKind>),
    /// Nobody: what stood here was held back by the gate ([`super::gate`]).
    Nothing,
    /// Gate: do this without asking; the question has been answered, or the PIN shown.
    Sure(Box<UserAction>),
    /// Question: ask this before anything is done.
    Question(Box<Question>),
    /// Gate: what this answer of the question means is to be done. 0 is the first.
    Answer(usize),
    /// PIN: ask for the spending PIN, for this.
    AskPin(PinWish),
    /// PIN: this was typed.
    EnterPin(Secret),
    /// PIN: give it up.
    LeavePin,
    /// Bridge, PIN: lock spending at once, or ask for the PIN that unlocks it.
    ToggleSpending,
    /// Notices: take the newest away.
    DismissNewest,
    /// Notices: take all away.
    DismissAll,
    /// Window: end the program.
    Quit,
    /// Kiosk: become a window like any other.
    LeaveKiosk,
    /// Preferences: whether the backdrop moves while the node is online.
    SetAmbient(Ambient),
}

/// A move of the focus, or a press of what it is on. Who has the focus decides what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    Up,
    Down,
    Left,
    Right,
    Next,
    Previous,
    Press,
    Leave,
    /// What the active pane is about.
    Main,
    /// What comes second in it.
    Second,
    Hotbar,
    Pane,
    NextSlot,
    PreviousSlot,
    NextPane,
    PreviousPane,
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
    Cascade,
    TileLeft,
    TileRight,
    TileUp,
    TileDown,
    Maximise,
    MovePane,
    ResizePane,
    ResetHud,
    SlotLeft,
    SlotRight,
    ToggleOnline,
    FullScreen,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    DismissNewest,
    DismissAll,
    ToggleSpending,
    StartNode,
    StopNode,
    Examine,
    ChooseAgain,
    CloseAll,
    Palette,
    Help,
    Keyboard,
    Quit,
    MoveUp,
    MoveDown,
    MoveLeft,
    MoveRight,
    NextControl,
    PreviousControl,
    Press,
    MainAction,
    SecondAction,
    ScrollUp,
    ScrollDown,
    NextSlot,
    PreviousSlot,
    NextPane,
    PreviousPane,
    FocusHotbar,
    EnterPane,
    TypeBackspace,
    TypeSpace,
    TypeShift,
    TypeSymbols,
}

/// A row of the table.
#[derive(Debug)]
pub struct Binding {
    pub kind: ActionKind,
    pub label: &'static str,
    /// The keys at first; the first of them is printed in hints.
    pub chords: &'static [Chord],
    /// The button of a gamepad at first.
    pub pad: Option<GamepadButton>,
    pub help: &'static str,
}

macro_rules! slot_row {
    ($kind:ident, $shown:literal, $digit:ident) => {
        Binding {
            kind: ActionKind::$kind,
            label: concat!("slot ", $shown),
            chords: &[alone(KeyCode::$digit), ctrl(KeyCode::$digit)],
            pad: None,
            help: "Opens, raises or closes the pane in this slot.",
        }
    };
}

/// What there is to do with the node, the panes and the window.
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
        chords: &[letter('g')],
        pad: None,
        help: "Takes jobs, or stops taking them.",
    },
    Binding {
        kind: ActionKind::Tidy,
        label: "tidy",
        chords: &[letter('t')],
        pad: Some(GamepadButton::RightThumb),
        help: "Arranges the open panes so that none covers another.",
    },
    Binding {
        kind: ActionKind::Leave,
        label: "back",
        chords: &[alone(KeyCode::Escape)],
        pad: Some(GamepadButton::East),
        help: "Leaves a field, then the pane for the hotbar, then closes the pane.",
    },
    Binding { kind: ActionKind::ClosePane, label: "close pane", chords: &[ctrl_letter('w')], pad: None, help: "Closes the active pane." },
    Binding {
        kind: ActionKind::FullScreen,
        label: "full screen",
        chords: &[alone(KeyCode::F11)],
        pad: None,
        help: "Full screen, and back.",
    },
    Binding {
        kind: ActionKind::ZoomIn,
        label: "larger",
        chords: &[ctrl_letter('+'), ctrl_letter('='), ctrl(KeyCode::NumpadAdd)],
        pad: None,
        help: "Everything a step larger.",
    },
    Binding {
        kind: ActionKind::ZoomOut,
        label: "smaller",
        chords: &[ctrl_letter('-'), ctrl(KeyCode::NumpadSubtract)],
        pad: None,
        help: "Everything a step smaller.",
    },
    Binding {
        kind: ActionKind::ZoomReset,
        label: "usual size",
        chords: &[ctrl_letter('0'), ctrl(KeyCode::Numpad0)],
        pad: None,
        help: "Everything back to 100 %.",
    },
];

/// The whole table.
pub fn table() -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().chain(arranging::ROWS).chain(steering::ROWS)
}

impl ActionKind {
    /// What is to be done when this is wished.
    pub fn action(self) -> UserAction {
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
            Self::ClosePane => UserAction::CloseActive,
            Self::Tidy => UserAction::Tidy,
            Self::ToggleOnline => UserAction::ToggleOnline,
            Self::FullScreen => UserAction::ToggleFullScreen,
            Self::ZoomIn => UserAction::Zoom(Zoom::In),
            Self::ZoomOut => UserAction::Zoom(Zoom::Out),
            Self::ZoomReset => UserAction::Zoom(Zoom::Reset),
            other => arranging::action(other).unwrap_or_else(|| steering::action(other)),
        }
    }

    /// Its row in the table.
    pub fn binding(self) -> Option<&'static Binding> {
        table().find(|binding| binding.kind == self)
    }
}
