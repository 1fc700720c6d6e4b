//! Buttons.

use bevy_egui::egui::{self, Color32, Painter, Rect, Response, Stroke, StrokeKind, Ui, Vec2, vec2};

use super::{Ink, ink};
use crate::hud::input;
use crate::hud::theme::{self, Palette, Text, tokens};

/// How much a button matters in its pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do here: filled.
    Main,
    /// Its counterpart: a bright border.
    Large,
}

/// A wide button with a title. Does nothing while it is not `enabled`.
pub fn large(ui: &mut Ui, text: &str, weight: Weight, enabled: bool) -> Response {
    let palette = Ink::of(ui).0;
    let (fill, colour) = match (weight, enabled) {
        (_, false) => (palette.surface_1, palette.text_low),
        (Weight::Main, true) => (palette.border_strong, palette.text_inverse),
        (Weight::Large, true) => (palette.ground, palette.text_high),
    };
    let border = if enabled { palette.border_strong } else { border(Ink(palette), enabled) };
    let button = egui::Button::new(ink::title(text, Text::Body, colour)).fill(fill).stroke(Stroke::new(tokens::HAIRLINE, border));
    let size = vec2(ui.available_width(), tokens::LARGE_BUTTON.max(theme::hit(ui.ctx())));
    let response = ui.add_enabled_ui(enabled, |ui| ui.add_sized(size, button)).inner;
    if response.hovered() && enabled {
        ui.painter().rect_stroke(response.rect, 0.0, Stroke::new(tokens::HAIRLINE, palette.text_high), StrokeKind::Outside);
    }
    ring(ui, &response);
    response
}

/// A button as wide as its words.
pub fn small(ui: &mut Ui, text: &str) -> Response {
    let ink = Ink::of(ui);
    let enabled = ui.is_enabled();
    let words = if enabled { ink.high(Text::Table, text) } else { ink.low(Text::Table, text) };
    let button = egui::Button::new(words).stroke(Stroke::new(tokens::HAIRLINE, border(ink, enabled)));
    let button = if enabled { button } else { button.fill(ink.0.surface_1) };
    let response = ui.add(button.min_size(Vec2::splat(theme::hit(ui.ctx()))));
    ring(ui, &response);
    response
}

/// A small button inside a row: as high as the row for fingers, a little less for eyes.
pub fn inset(ui: &mut Ui, text: &str) -> Response {
    let ink = Ink::of(ui);
    let hit = theme::hit(ui.ctx());
    let words = ui.painter().layout_no_wrap(text.to_owned(), Text::Table.font(theme::Weight::Regular), ink.0.text_high);
    let size = vec2(words.size().x + 2.0 * tokens::ROW_PADDING, hit).max(Vec2::splat(hit));
    let (place, response) = ui.allocate_exact_size(size, egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, ui.is_enabled(), text));
    let look = *ui.style().interact(&response);
    ui.painter().rect(place.shrink2(vec2(0.0, tokens::INSET)), 0.0, look.bg_fill, look.bg_stroke, StrokeKind::Inside);
    ui.painter().galley(place.center() - words.size() / 2.0, words, ink.0.text_high);
    ring(ui, &response);
    response
}

/// The border of what can be pressed, or cannot now.
fn border(ink: Ink, enabled: bool) -> Color32 {
    if enabled { ink.0.border_quiet } else { tokens::faded(ink.0.border_quiet, tokens::DISABLED_BORDER) }
}

/// A key of a pad: a sign, and what a screen reader says.
pub fn key(ui: &mut Ui, face: &str, said: &str, size: Vec2) -> Response {
    let ink = Ink::of(ui);
    let enabled = ui.is_enabled();
    let words = if enabled { ink.bold(Text::Heading, face) } else { ink.low(Text::Heading, face) };
    let response = ui.add_sized(size, egui::Button::new(words).stroke(Stroke::new(tokens::HAIRLINE, border(ink, enabled))));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::WidgetType::Button, enabled, said));
    ring(ui, &response);
    response
}

/// One of several, the chosen one bright.
pub fn choice(ui: &mut Ui, text: &str, chosen: bool) -> Response {
    let palette = Ink::of(ui).0;
    let (fill, colour, border) = if chosen {
        (palette.border_strong, palette.text_inverse, palette.border_strong)
    } else {
        (palette.surface_2, palette.text_mid, palette.border_quiet)
    };
    let words = egui::RichText::new(text).font(Text::Table.font(theme::Weight::Regular)).color(colour);
    let button = egui::Button::selectable(chosen, words).frame_when_inactive(true).fill(fill).stroke(Stroke::new(tokens::HAIRLINE, border));
    let response = ui.add(button.min_size(Vec2::splat(theme::hit(ui.ctx()))));
    ring(ui, &response);
    response
}

/// The focus ring, around whatever keys go to; nowhere while somebody points.
pub fn ring(ui: &Ui, response: &Response) {
    if response.has_focus() && input::shows_focus(ui.ctx()) {
        input::ring_drawn(ui.ctx(), response.id);
        ring_around(ui.painter(), response.rect, &Ink::of(ui).0);
    }
}

/// A ring a little outside of this place.
pub fn ring_around(painter: &Painter, place: Rect, palette: &Palette) {
    let pen = Stroke::new(tokens::FOCUS_RING, palette.focus);
    painter.rect_stroke(place.expand(tokens::FOCUS_RING), 0.0, pen, StrokeKind::Outside);
}

/// What an invisible thing that can be pressed looks like under the pointer.
pub fn wash(ui: &Ui, response: &Response) -> Color32 {
    if response.hovered() { Ink::of(ui).0.surface_3 } else { Color32::TRANSPARENT }
}
