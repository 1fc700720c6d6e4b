//! A word in a frame: a state in a table.

use bevy_egui::egui::{Sense, Stroke, StrokeKind, Ui, vec2};

use super::{Ink, Signal};
use crate::hud::theme::{Text, Weight, tokens};

/// As high as its word needs, however high the row is.
pub fn tag(ui: &mut Ui, signal: Signal, text: &str) {
    let colour = signal.colour(&Ink::of(ui).0);
    let word = ui.painter().layout_no_wrap(text.to_owned(), Text::Hint.font(Weight::Regular), colour);
    let (place, response) = ui.allocate_exact_size(word.size() + vec2(2.0 * tokens::STEP, tokens::STEP), Sense::hover());
    response.widget_info(|| bevy_egui::egui::WidgetInfo::labeled(bevy_egui::egui::WidgetType::Label, true, text));
    let border = Stroke::new(tokens::HAIRLINE, tokens::faded(colour, tokens::TAG_BORDER));
    ui.painter().rect_stroke(place, 0.0, border, StrokeKind::Inside);
    ui.painter().galley(place.center() - word.size() / 2.0, word, colour);
}
