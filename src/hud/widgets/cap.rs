//! Keys and buttons as they are printed on what one holds.

use bevy_egui::egui::{Align2, Color32, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

use super::Ink;
use crate::hud::input::{Device, Hint};
use crate::hud::theme::{Palette, Text, Weight, tokens};

/// In a line of text.
pub fn cap(ui: &mut Ui, hint: &Hint) -> Response {
    let palette = Ink::of(ui).0;
    let (place, response) = ui.allocate_exact_size(size(ui.painter(), hint, &palette), Sense::hover());
    response.widget_info(|| bevy_egui::egui::WidgetInfo::labeled(bevy_egui::egui::WidgetType::Label, true, &hint.text));
    paint(ui.painter(), place, hint, &palette);
    response
}

/// In a corner of something, its lower right end there; a key is a letter in this colour.
pub fn badge(painter: &Painter, corner: Pos2, hint: &Hint, colour: Color32, palette: &Palette) {
    let size = size(painter, hint, palette);
    match hint.device {
        Device::Pad => paint(painter, Rect::from_min_size(corner - size, size), hint, palette),
        Device::Keys | Device::Pointer => {
            painter.text(corner, Align2::RIGHT_BOTTOM, &hint.text, Text::Hint.font(Weight::Regular), colour);
        }
    }
}

/// How much room it takes.
pub fn size(painter: &Painter, hint: &Hint, palette: &Palette) -> Vec2 {
    let word = painter.layout_no_wrap(hint.text.clone(), Text::Hint.font(Weight::Bold), palette.text_high).size();
    vec2((word.x + 2.0 * tokens::STEP).max(tokens::KEY_CAP), tokens::KEY_CAP)
}

/// Keys are bright squares. Buttons of a pad are rings, round if they have one letter.
fn paint(painter: &Painter, place: Rect, hint: &Hint, palette: &Palette) {
    let pen = Stroke::new(tokens::CHART_PEN, palette.border_strong);
    let inside = place.shrink(tokens::HAIRLINE);
    let colour = match hint.device {
        Device::Pad if hint.text.chars().count() == 1 => {
            painter.circle(place.center(), inside.height() / 2.0, palette.surface_0, pen);
            palette.text_high
        }
        Device::Pad => {
            painter.rect(inside, tokens::CAP_CORNER, palette.surface_0, pen, StrokeKind::Inside);
            palette.text_high
        }
        Device::Keys | Device::Pointer => {
            painter.rect_filled(place, 0.0, palette.border_strong);
            palette.text_inverse
        }
    };
    let middle = pos2(place.center().x, place.center().y);
    painter.text(middle, Align2::CENTER_CENTER, &hint.text, Text::Hint.font(Weight::Bold), colour);
}
