//! Cards: a figure with its label.

use bevy_egui::egui::{Frame, Label, Margin, Stroke, TextStyle, TextWrapMode, Ui, WidgetText};

use super::Ink;
use crate::hud::theme::{Text, tokens};

/// The frame of cards and rows.
pub fn frame(ink: Ink) -> Frame {
    Frame::new().fill(ink.0.surface_2).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_quiet))
}

/// A figure with its label above.
pub fn card(ui: &mut Ui, label: &str, figure: impl Into<WidgetText>, hint: &str) {
    let ink = Ink::of(ui);
    let inside = Margin::symmetric(tokens::ROW_PADDING as i8, 2 * tokens::STEP as i8);
    let shown = frame(ink).inner_margin(inside).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = tokens::STEP;
        ui.add(Label::new(ink.low(Text::Table, label)).truncate());
        ui.add(Label::new(figure).truncate());
    });
    if !hint.is_empty() {
        shown.response.on_hover_text(hint);
    }
}

/// Cards beside each other, as wide as there is room; in two lines where a figure would be cut.
pub fn cards(ui: &mut Ui, cards: Vec<(&str, WidgetText, &str)>) {
    let wide = |figure: &WidgetText| figure.clone().into_galley(ui, Some(TextWrapMode::Extend), f32::INFINITY, TextStyle::Body).size().x;
    let widest = cards.iter().map(|(_, figure, _)| wide(figure)).fold(0.0, f32::max);
    let least = tokens::CARD_LEAST.max(widest + 2.0 * tokens::ROW_PADDING + ui.spacing().item_spacing.x);
    let across = if ui.available_width() < least * cards.len() as f32 { cards.len().div_ceil(2) } else { cards.len() };
    let mut cards = cards.into_iter();
    while cards.len() > 0 {
        let line: Vec<_> = cards.by_ref().take(across).collect();
        ui.columns(line.len(), |columns| {
            for (column, (label, figure, hint)) in columns.iter_mut().zip(line) {
                card(column, label, figure, hint);
            }
        });
    }
}
