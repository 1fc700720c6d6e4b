//! A bar that shows how far something is.

use bevy_egui::egui::{Rect, Sense, Ui, vec2};

use super::{Ink, Signal};
use crate::hud::theme::tokens;

/// `part` of the whole width, 0 to 1. It glides there, unless things do not move.
pub fn meter(ui: &mut Ui, part: f32, signal: Signal) {
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), tokens::METER), Sense::hover());
    let time = if ui.style().animation_time > 0.0 { tokens::METER_GLIDE.as_secs_f32() } else { 0.0 };
    let part = ui.ctx().animate_value_with_time(response.id, part, time);
    let palette = Ink::of(ui).0;
    ui.painter().rect_filled(area, 0.0, palette.surface_3);
    let done = Rect::from_min_size(area.min, vec2(area.width() * part.clamp(0.0, 1.0), area.height()));
    ui.painter().rect_filled(done, 0.0, signal.light(&palette));
}
