//! Rows that say how something is: a lamp, a name, a state, and what to do about it.

use bevy_egui::egui::{Label, Margin, Sides, Ui};

use super::lamp::{self, Signal};
use super::{Ink, button, card};
use crate::hud::theme::{self, Text, tokens};

/// A row's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusRow {
    pub signal: Signal,
    pub name: &'static str,
    /// How it is, in few words.
    pub state: String,
    /// What belongs to it and matters less, at the right end.
    pub aside: String,
    /// Why, or what to do, on a line of its own.
    pub hint: String,
    /// What the button says; `None`: there is nothing to press.
    pub fix: Option<&'static str>,
}

/// Draws a row. True when its button was pressed.
pub fn status_row(ui: &mut Ui, row: &StatusRow) -> bool {
    let ink = Ink::of(ui);
    let inside = Margin::symmetric(tokens::ROW_PADDING as i8, 0);
    let shown = card::frame(ink).inner_margin(inside).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = theme::hit(ui.ctx());
        let name_width = tokens::ROW_NAME.min(ui.available_width() / 3.0);
        let left = |ui: &mut Ui| {
            lamp::lamp(ui, row.signal);
            ui.add_space(tokens::STEP);
            ui.add(Label::new(ink.bold(Text::Table, row.name)).extend());
            let used = ui.min_rect().width();
            ui.add_space((name_width - used).max(0.0));
            // Three dots alone would say nothing.
            if ui.available_width() > tokens::ROW_NAME / 2.0 {
                ui.add(Label::new(ink.mid(Text::Table, &row.state)).truncate()).on_hover_text(&row.state);
            }
        };
        let right = |ui: &mut Ui| {
            let pressed = row.fix.is_some_and(|fix| button::inset(ui, fix).clicked());
            if !row.aside.is_empty() {
                ui.label(ink.low(Text::Hint, &row.aside));
            }
            pressed
        };
        let (_, pressed) = Sides::new().height(height).spacing(2.0 * tokens::STEP).shrink_left().truncate().show(ui, left, right);
        if !row.hint.is_empty() {
            ui.add(Label::new(ink.low(Text::Hint, &row.hint)).wrap());
            ui.add_space(tokens::STEP);
        }
        pressed
    });
    shown.inner
}
