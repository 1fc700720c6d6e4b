//! The rows about getting around: the focus, the hotbar, the palette, the on-screen keyboard, and the way out.

use bevy::prelude::{GamepadButton, KeyCode};

use super::chord::{alone, ctrl, ctrl_letter, letter};
use super::{ActionKind, Binding, Chord, ChordKey, Steer, UserAction, With};
use crate::hud::input::Tap;
use crate::hud::theme::tokens;
use crate::node::{Leaving, NodeCommand};

/// When a key or a button means this row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Always,
    /// Not while the on-screen keyboard is open, whose own meaning of the button counts then.
    Desk,
    /// While the on-screen keyboard is open.
    Typing,
}

impl Scope {
    /// Whether both can be meant at once.
    pub const fn meets(self, other: Self) -> bool {
        !matches!((self, other), (Self::Desk, Self::Typing) | (Self::Typing, Self::Desk))
    }
}

/// Rows of the help sheet that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Moving,
    Panes,
    Node,
    Window,
    Typing,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::Moving, Self::Panes, Self::Node, Self::Window, Self::Typing];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Moving => "getting around",
            Self::Panes => "panes",
            Self::Node => "the node",
            Self::Window => "the window",
            Self::Typing => "on-screen keyboard",
        }
    }
}

pub(super) const fn held(key: KeyCode, with: With) -> Chord {
    Chord { key: ChordKey::Place(key), with }
}

pub(super) const fn row(
    kind: ActionKind,
    label: &'static str,
    chords: &'static [Chord],
    pad: Option<GamepadButton>,
    help: &'static str,
) -> Binding {
    Binding { kind, label, chords, pad, help }
}

pub const ROWS: &[Binding] = &[
    row(
        ActionKind::MoveUp,
        "up",
        &[alone(KeyCode::ArrowUp)],
        Some(GamepadButton::DPadUp),
        "To the control above; from the hotbar into the pane.",
    ),
    row(ActionKind::MoveDown, "down", &[alone(KeyCode::ArrowDown)], Some(GamepadButton::DPadDown), "To the control below."),
    row(
        ActionKind::MoveLeft,
        "left",
        &[alone(KeyCode::ArrowLeft)],
        Some(GamepadButton::DPadLeft),
        "To the control or the slot at the left.",
    ),
    row(
        ActionKind::MoveRight,
        "right",
        &[alone(KeyCode::ArrowRight)],
        Some(GamepadButton::DPadRight),
        "To the control or the slot at the right.",
    ),
    row(
        ActionKind::NextControl,
        "next control",
        &[alone(KeyCode::Tab)],
        None,
        "To the next control of the pane, and into it if it is a field.",
    ),
    row(ActionKind::PreviousControl, "previous control", &[held(KeyCode::Tab, With::Shift)], None, "To the control before, likewise."),
    row(
        ActionKind::Press,
        "press",
        &[alone(KeyCode::Enter), alone(KeyCode::Space), alone(KeyCode::NumpadEnter)],
        Some(GamepadButton::South),
        "Presses a button, enters a field, opens the pane of a slot or goes into it.",
    ),
    row(
        ActionKind::MainAction,
        "main action",
        &[letter('y')],
        Some(GamepadButton::North),
        "What the active pane is about: go online, send, refresh.",
    ),
    row(ActionKind::SecondAction, "second action", &[letter('x')], Some(GamepadButton::West), "What comes second in the active pane."),
    row(ActionKind::ScrollUp, "scroll up", &[alone(KeyCode::PageUp)], None, "Scrolls the active pane up. On a pad: the right stick."),
    row(
        ActionKind::ScrollDown,
        "scroll down",
        &[alone(KeyCode::PageDown)],
        None,
        "Scrolls the active pane down. On a pad: the right stick.",
    ),
    row(
        ActionKind::PreviousSlot,
        "previous slot",
        &[letter('q')],
        Some(GamepadButton::LeftTrigger),
        "To the slot at the left, from anywhere.",
    ),
    row(ActionKind::NextSlot, "next slot", &[letter('e')], Some(GamepadButton::RightTrigger), "To the slot at the right, from anywhere."),
    row(
        ActionKind::PreviousPane,
        "previous pane",
        &[held(KeyCode::Tab, With::CtrlShift), held(KeyCode::F6, With::Shift)],
        Some(GamepadButton::LeftTrigger2),
        "Raises the open pane before this one.",
    ),
    row(
        ActionKind::NextPane,
        "next pane",
        &[ctrl(KeyCode::Tab), alone(KeyCode::F6)],
        Some(GamepadButton::RightTrigger2),
        "Raises the next open pane.",
    ),
    row(ActionKind::FocusHotbar, "hotbar", &[letter('h')], Some(GamepadButton::LeftThumb), "To the hotbar."),
    row(ActionKind::EnterPane, "into the pane", &[letter('p')], None, "From the hotbar into the active pane."),
    row(
        ActionKind::CloseAll,
        "close all panes",
        &[Chord { key: ChordKey::Letter('w'), with: With::CtrlShift }],
        None,
        "Closes every pane.",
    ),
    row(ActionKind::StartNode, "start the node", &[], None, "Starts the node; it takes no jobs yet."),
    row(ActionKind::StopNode, "stop the node", &[], None, "Stops the node when its jobs are done."),
    row(ActionKind::Examine, "examine the node", &[], None, "The doctor looks at everything; what it finds is in Pylon."),
    row(
        ActionKind::ChooseAgain,
        "choose the market again",
        &[],
        None,
        "Leaves this market and asks which one. The node has to be stopped.",
    ),
    row(ActionKind::DismissNewest, "dismiss the newest notice", &[letter('d')], None, "Takes the newest notice away."),
    row(ActionKind::DismissAll, "dismiss all notices", &[ctrl_letter('d')], None, "Takes all notices away."),
    row(
        ActionKind::ToggleSpending,
        "lock, unlock spending",
        &[letter('l')],
        None,
        "Locks spending at once, or asks for the PIN that unlocks it. Earning goes on.",
    ),
    row(ActionKind::Palette, "commands", &[ctrl_letter('k')], Some(GamepadButton::Start), "Every action by name."),
    row(ActionKind::Help, "help", &[alone(KeyCode::F1), letter('?')], Some(GamepadButton::Select), "This sheet."),
    row(
        ActionKind::Keyboard,
        "on-screen keyboard",
        &[alone(KeyCode::F2)],
        None,
        "For the field that is typed into. A pad opens it by itself.",
    ),
    row(
        ActionKind::Quit,
        "quit",
        &[ctrl_letter('q')],
        None,
        "Ends the program. Asks first if jobs are under way; a kiosk asks for the PIN.",
    ),
    row(ActionKind::TypeBackspace, "backspace", &[], Some(GamepadButton::West), "Takes the last letter away."),
    row(ActionKind::TypeSpace, "space", &[], Some(GamepadButton::North), "Types a space."),
    row(ActionKind::TypeShift, "shift", &[], Some(GamepadButton::LeftTrigger2), "Capital letters, for one, for all, for none."),
    row(ActionKind::TypeSymbols, "symbols", &[], Some(GamepadButton::RightTrigger2), "Signs instead of letters, and back."),
];

impl ActionKind {
    /// When its key and its button mean it.
    pub const fn scope(self) -> Scope {
        match self {
            Self::TypeBackspace | Self::TypeSpace | Self::TypeShift | Self::TypeSymbols => Scope::Typing,
            Self::MainAction | Self::SecondAction | Self::NextPane | Self::PreviousPane => Scope::Desk,
            _ => Scope::Always,
        }
    }

    /// Whether it can be done from a list of names, where there is nothing to move about in.
    pub fn is_in_palette(self) -> bool {
        !matches!(self.group(), Group::Moving | Group::Typing) && !matches!(self, Self::Palette | Self::Keyboard) && self.slot().is_none()
    }

    /// Whether it goes on while its key or button is held down.
    pub const fn repeats(self) -> bool {
        matches!(
            self,
            Self::MoveUp
                | Self::MoveDown
                | Self::MoveLeft
                | Self::MoveRight
                | Self::NextControl
                | Self::PreviousControl
                | Self::ScrollUp
                | Self::ScrollDown
                | Self::NextSlot
                | Self::PreviousSlot
                | Self::TypeBackspace
        )
    }

    /// Where the help sheet has it.
    pub const fn group(self) -> Group {
        match self {
            Self::MoveUp | Self::MoveDown | Self::MoveLeft | Self::MoveRight | Self::NextControl | Self::PreviousControl => Group::Moving,
            Self::Press | Self::Leave | Self::MainAction | Self::SecondAction | Self::ScrollUp | Self::ScrollDown => Group::Moving,
            Self::NextSlot | Self::PreviousSlot | Self::FocusHotbar | Self::EnterPane => Group::Moving,
            Self::ToggleOnline | Self::StartNode | Self::StopNode | Self::Examine | Self::ChooseAgain => Group::Node,
            Self::FullScreen | Self::ZoomIn | Self::ZoomOut | Self::ZoomReset => Group::Window,
            Self::DismissNewest | Self::DismissAll | Self::ToggleSpending | Self::Palette | Self::Help | Self::Quit => Group::Window,
            Self::Keyboard | Self::TypeBackspace | Self::TypeSpace | Self::TypeShift | Self::TypeSymbols => Group::Typing,
            _ => Group::Panes,
        }
    }

    /// The slot it presses, 0 to 8.
    pub fn slot(self) -> Option<usize> {
        match self.action() {
            UserAction::PressSlot(index) => Some(index),
            _ => None,
        }
    }

    /// Its name in a file: the variant's, in small letters with dashes.
    pub fn id(self) -> String {
        let mut id = String::new();
        for letter in format!("{self:?}").chars() {
            if (letter.is_ascii_uppercase() || letter.is_ascii_digit()) && !id.is_empty() {
                id.push('-');
            }
            id.push(letter.to_ascii_lowercase());
        }
        id
    }
}

/// What is to be done for a row of this file.
pub(super) const fn action(kind: ActionKind) -> UserAction {
    match kind {
        ActionKind::MoveUp => UserAction::Steer(Steer::Up),
        ActionKind::MoveDown => UserAction::Steer(Steer::Down),
        ActionKind::MoveLeft => UserAction::Steer(Steer::Left),
        ActionKind::MoveRight => UserAction::Steer(Steer::Right),
        ActionKind::NextControl => UserAction::Steer(Steer::Next),
        ActionKind::PreviousControl => UserAction::Steer(Steer::Previous),
        ActionKind::Press => UserAction::Steer(Steer::Press),
        ActionKind::MainAction => UserAction::Steer(Steer::Main),
        ActionKind::SecondAction => UserAction::Steer(Steer::Second),
        ActionKind::NextSlot => UserAction::Steer(Steer::NextSlot),
        ActionKind::PreviousSlot => UserAction::Steer(Steer::PreviousSlot),
        ActionKind::NextPane => UserAction::Steer(Steer::NextPane),
        ActionKind::PreviousPane => UserAction::Steer(Steer::PreviousPane),
        ActionKind::FocusHotbar => UserAction::Steer(Steer::Hotbar),
        ActionKind::EnterPane => UserAction::Steer(Steer::Pane),
        ActionKind::ScrollUp => UserAction::Scroll(tokens::SCROLL_STEP),
        ActionKind::ScrollDown => UserAction::Scroll(-tokens::SCROLL_STEP),
        ActionKind::StartNode => UserAction::Ask(NodeCommand::Start),
        ActionKind::StopNode => UserAction::Ask(NodeCommand::Stop { how: Leaving::Finish }),
        ActionKind::Examine => UserAction::Ask(NodeCommand::Doctor),
        ActionKind::ChooseAgain => UserAction::ChooseAgain,
        ActionKind::CloseAll => UserAction::CloseAll,
        ActionKind::DismissNewest => UserAction::DismissNewest,
        ActionKind::DismissAll => UserAction::DismissAll,
        ActionKind::ToggleSpending => UserAction::ToggleSpending,
        ActionKind::Palette => UserAction::TogglePalette,
        ActionKind::Help => UserAction::ToggleHelp,
        ActionKind::Keyboard => UserAction::ToggleKeyboard,
        ActionKind::Quit => UserAction::Quit,
        ActionKind::TypeBackspace => UserAction::Tap(Tap::Backspace),
        ActionKind::TypeSpace => UserAction::Tap(Tap::Char(' ')),
        ActionKind::TypeShift => UserAction::Tap(Tap::Shift),
        ActionKind::TypeSymbols => UserAction::Tap(Tap::Symbols),
        // The rest is said where its row is; `Leave` has its row there because of its place in the list.
        _ => UserAction::Steer(Steer::Leave),
    }
}
