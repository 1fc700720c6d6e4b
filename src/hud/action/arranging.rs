//! The rows about where panes and slots are.

use bevy::prelude::KeyCode;

use super::chord::{alone, letter};
use super::steering::{held, row};
use super::{ActionKind, Binding, Chord, ChordKey, UserAction, With};
use crate::hud::pane::arranging::How;
use crate::hud::pane::tile::Toward;

const fn ctrl_alt(key: KeyCode) -> Chord {
    held(key, With::CtrlAlt)
}

const TILE_HELP: &str = "The active pane into that half; from a half into the quarter; the opposite way back.";

macro_rules! tile_row {
    ($kind:ident, $label:literal, $key:ident) => {
        row(ActionKind::$kind, $label, &[ctrl_alt(KeyCode::$key), held(KeyCode::$key, With::Super)], None, TILE_HELP)
    };
}

pub const ROWS: &[Binding] = &[
    row(ActionKind::Cascade, "cascade", &[letter('c')], None, "Puts the open panes behind each other, each a step right and down."),
    tile_row!(TileLeft, "tile left", ArrowLeft),
    tile_row!(TileRight, "tile right", ArrowRight),
    tile_row!(TileUp, "tile up", ArrowUp),
    tile_row!(TileDown, "tile down", ArrowDown),
    row(
        ActionKind::Maximise,
        "maximise",
        &[alone(KeyCode::F10), ctrl_alt(KeyCode::Enter)],
        None,
        "The active pane over all the room, and back.",
    ),
    row(
        ActionKind::MovePane,
        "move pane",
        &[alone(KeyCode::F7)],
        None,
        "Up, down, left and right move the active pane; press keeps its place, back puts it back.",
    ),
    row(
        ActionKind::ResizePane,
        "resize pane",
        &[alone(KeyCode::F8)],
        None,
        "Up, down, left and right resize the active pane; press keeps it, back puts it back.",
    ),
    row(
        ActionKind::ResetHud,
        "reset HUD",
        &[Chord { key: ChordKey::Letter('0'), with: With::CtrlAlt }],
        None,
        "Panes and slots as at the first start.",
    ),
    row(
        ActionKind::SlotLeft,
        "slot to the left",
        &[ctrl_alt(KeyCode::PageUp)],
        None,
        "The focused slot, or that of the active pane, changes places with its left neighbour.",
    ),
    row(
        ActionKind::SlotRight,
        "slot to the right",
        &[ctrl_alt(KeyCode::PageDown)],
        None,
        "The focused slot, or that of the active pane, changes places with its right neighbour.",
    ),
];

/// What is to be done for a row of this file; `None`: it is a row of another one.
pub(super) const fn action(kind: ActionKind) -> Option<UserAction> {
    Some(match kind {
        ActionKind::Cascade => UserAction::Cascade,
        ActionKind::TileLeft => UserAction::Tile(Toward::Left),
        ActionKind::TileRight => UserAction::Tile(Toward::Right),
        ActionKind::TileUp => UserAction::Tile(Toward::Up),
        ActionKind::TileDown => UserAction::Tile(Toward::Down),
        ActionKind::Maximise => UserAction::Maximise,
        ActionKind::MovePane => UserAction::Arrange(How::Move),
        ActionKind::ResizePane => UserAction::Arrange(How::Resize),
        ActionKind::ResetHud => UserAction::ResetHud,
        ActionKind::SlotLeft => UserAction::MoveSlot(Toward::Left),
        ActionKind::SlotRight => UserAction::MoveSlot(Toward::Right),
        _ => return None,
    })
}
