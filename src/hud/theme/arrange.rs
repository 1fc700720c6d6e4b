//! The part of [`super::tokens`] that arranging panes and slots needs: measures and durations.

use std::time::Duration;

/// The zone along a pane's border that resizes it, half outside and half inside, and the squares at its corners.
pub const GRIP: f32 = 10.0;
pub const GRIP_CORNER: f32 = 18.0;
/// This much of a dragged pane stays in the window, so that it can be caught again.
pub const DRAG_KEPT: f32 = 50.0;
/// A pane is tiled when the pointer that drags it is this near to an edge, and this near to another for a corner.
pub const SNAP_EDGE: f32 = 14.0;
pub const SNAP_CORNER: f32 = 72.0;
/// How much of its colour the preview of a tiled pane has.
pub const SNAP_PREVIEW: f32 = 0.14;
/// One step of moving or resizing by keys: half a cell of the grid.
pub const NUDGE: f32 = 20.0;
/// How fast the springs of panes are, per second: what is left of a way after [`super::tokens::SNAPPING`] is less than a
/// pixel.
pub const SPRING: f32 = 50.0;

/// The hotbar where the window is too narrow for the usual one: its gap, its border, its distance from the edges.
pub const SLOT_GAP_NARROW: f32 = 1.0;
pub const HOTBAR_PADDING_NARROW: f32 = 2.0;
pub const EDGE_NARROW: f32 = 6.0;
/// The least a slot may measure.
pub const SLOT_LEAST: f32 = 24.0;
/// How visible a slot's icon is while it is dragged to another slot.
pub const SLOT_LIFTED: f32 = 0.5;
/// Between a slot and the hint above it.
pub const HINT_GAP: f32 = 8.0;

/// In a narrower window the chips say the state and the amount, and nothing else.
pub const CHIPS_SCARCE: f32 = 480.0;
/// A narrower pane leaves its slot out of its title.
pub const TITLE_LEAST: f32 = 240.0;

/// The light that runs along a pane's border: how long it is, as a part of the border, and of how many pieces.
pub const PULSE_LENGTH: f32 = 0.22;
pub const PULSE_PIECES: usize = 12;
/// Money has come in: once around the wallet.
pub const PAYMENT_PULSE: Duration = Duration::from_millis(600);
/// A job runs in a pane: a light goes around it, and rests.
pub const WORK_PULSE: Duration = Duration::from_millis(600);
pub const WORK_REST: Duration = Duration::from_millis(1_400);
/// A balance counts to its new figure.
pub const BALANCE_ROLL: Duration = Duration::from_millis(400);
/// Bars that show how far something is glide to where it is.
pub const METER_GLIDE: Duration = Duration::from_millis(200);
