//! Small charts without axes: the shape of a week.

use bevy_egui::egui::{Pos2, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::Ink;
use crate::hud::theme::tokens;

/// Bars, the last one bright. Heights are parts of the largest.
pub fn bars(ui: &mut Ui, width: f32, values: &[u64]) -> bevy_egui::egui::Response {
    let (area, response) = ui.allocate_exact_size(vec2(width, tokens::CHART), Sense::hover());
    let palette = Ink::of(ui).0;
    let most = values.iter().copied().max().unwrap_or_default().max(1) as f32;
    let step = (area.width() + tokens::GAP) / values.len().max(1) as f32;
    for (index, value) in values.iter().enumerate() {
        let left = area.left() + index as f32 * step;
        // A day without jobs is a line, not a gap.
        let height = (*value as f32 / most * area.height()).max(tokens::HAIRLINE);
        let bar = Rect::from_min_max(pos2(left, area.bottom() - height), pos2(left + step - tokens::GAP, area.bottom()));
        let colour = if index + 1 == values.len() { palette.border_strong } else { palette.slot_active };
        ui.painter().rect_filled(bar, 0.0, colour);
    }
    response
}

/// A line from left to right. Heights are parts of the largest.
pub fn line(ui: &mut Ui, width: f32, values: &[u64]) -> bevy_egui::egui::Response {
    let (area, response) = ui.allocate_exact_size(vec2(width, tokens::CHART), Sense::hover());
    let palette = Ink::of(ui).0;
    let most = values.iter().copied().max().unwrap_or_default().max(1) as f32;
    let step = area.width() / values.len().saturating_sub(1).max(1) as f32;
    let point = |(index, value): (usize, &u64)| -> Pos2 {
        pos2(area.left() + index as f32 * step, area.bottom() - *value as f32 / most * (area.height() - tokens::STEP))
    };
    let points: Vec<Pos2> = values.iter().enumerate().map(point).collect();
    if points.len() > 1 {
        ui.painter().add(Shape::line(points, Stroke::new(tokens::CHART_PEN, palette.ok)));
    }
    response
}
