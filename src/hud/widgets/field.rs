//! Fields to type in, and names with values.

use bevy_egui::egui::{Button, Label, Margin, Response, Sides, TextEdit, Ui, Vec2, WidgetInfo, WidgetType, vec2};

use super::typed::{self, Wanted};
use super::{Ink, button, card};
use crate::hud::theme::{self, Text, tokens};

/// A line to type in.
pub fn line(ui: &mut Ui, text: &mut String, hint: &str, width: f32) -> Response {
    line_of(ui, text, hint, width, Wanted::Text)
}

/// A line to type a number in: the on-screen keyboard has digits for it.
pub fn number_line(ui: &mut Ui, text: &mut String, hint: &str, width: f32) -> Response {
    line_of(ui, text, hint, width, Wanted::Number)
}

fn line_of(ui: &mut Ui, text: &mut String, hint: &str, width: f32, wanted: Wanted) -> Response {
    let edit = edit(ui, text, hint, width);
    let response = ui.add(edit);
    typed::tell(ui, &response, wanted, text);
    name(&response, hint);
    button::ring(ui, &response);
    response
}

/// As [`line`], for what nobody may read: masked, not to be copied, and without a memory of what stood there before.
pub fn secret_line(ui: &mut Ui, text: &mut String, hint: &str, width: f32) -> Response {
    secret_line_of(ui, text, hint, width, Wanted::Secret)
}

/// As [`secret_line`], for what the on-screen keyboard has keys of its own for: a PIN, the words of a mnemonic.
pub fn secret_line_of(ui: &mut Ui, text: &mut String, hint: &str, width: f32, wanted: Wanted) -> Response {
    let edit = edit(ui, text, hint, width).password(true);
    let mut shown = edit.show(ui);
    shown.state.clear_undoer();
    shown.state.store(ui.ctx(), shown.response.id);
    typed::tell(ui, &shown.response, wanted, text);
    name(&shown.response, hint);
    button::ring(ui, &shown.response);
    shown.response.response
}

/// What a screen reader calls the field: the hint is gone as soon as something is typed.
fn name(response: &Response, hint: &str) {
    let (context, id) = (&response.ctx, response.id);
    context.accesskit_node_builder(id, |node| node.set_label(hint));
}

fn edit<'t>(ui: &Ui, text: &'t mut String, hint: &str, width: f32) -> TextEdit<'t> {
    let ink = Ink::of(ui);
    let inside = Margin::symmetric(tokens::ROW_PADDING as i8, tokens::FIELD_PADDING);
    TextEdit::singleline(text)
        .font(Text::Table.font(theme::Weight::Regular))
        .text_color(ink.0.text_high)
        .hint_text(ink.low(Text::Table, hint))
        .frame(card::frame(ink).fill(ink.0.ground).inner_margin(inside))
        .desired_width(width)
        .min_size(vec2(0.0, theme::hit(ui.ctx())))
}

/// A name at the left, its value at the right, cut off where there is no room.
pub fn pair(ui: &mut Ui, name: &str, value: &str) {
    let ink = Ink::of(ui);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = tokens::PAIR;
        Sides::new().height(tokens::PAIR).shrink_right().truncate().show(
            ui,
            |ui| ui.label(ink.low(Text::Table, name)),
            |ui| ui.add(Label::new(ink.high(Text::Table, value)).truncate()).on_hover_text(value),
        );
    });
}

/// As [`pair`], with a button that asks for the value to be copied. True when it was pressed.
pub fn copied_pair(ui: &mut Ui, name: &str, shown: &str, value: &str) -> bool {
    let ink = Ink::of(ui);
    ui.scope(|ui| {
        let hit = theme::hit(ui.ctx());
        ui.spacing_mut().interact_size.y = hit;
        ui.spacing_mut().button_padding = Vec2::ZERO;
        let press = |ui: &mut Ui| {
            let button = Button::new(ink.high(Text::Table, shown)).truncate().frame_when_inactive(false);
            let response = ui.add(button.min_size(Vec2::splat(hit)));
            response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, format!("Copy {name}: {value}")));
            button::ring(ui, &response);
            response.on_hover_text(format!("{value}\nPress to copy.")).clicked()
        };
        Sides::new().height(hit).shrink_right().truncate().show(ui, |ui| ui.label(ink.low(Text::Table, name)), press).1
    })
    .inner
}

/// A heading over a part of a pane.
pub fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(tokens::STEP);
    ui.label(Ink::of(ui).low(Text::Table, text));
}

/// Whether it is known that there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Who knows has answered.
    Answered,
    /// It has been asked, and has not answered yet.
    Asked,
    /// Nobody has been asked, or nobody could answer.
    Nothing,
}

impl Heard {
    pub const fn of(is_known: bool, is_asked: bool) -> Self {
        match (is_known, is_asked) {
            (true, _) => Self::Answered,
            (false, true) => Self::Asked,
            (false, false) => Self::Nothing,
        }
    }
}

/// That there is nothing, if that is known.
pub fn none(ui: &mut Ui, heard: Heard, text: &str) {
    match heard {
        Heard::Answered => nothing(ui, text),
        Heard::Asked => nothing(ui, "Asking…"),
        Heard::Nothing => {}
    }
}

/// What stands where there is nothing yet, and why.
pub fn nothing(ui: &mut Ui, text: &str) {
    ui.add_space(tokens::GAP);
    ui.vertical_centered(|ui| ui.label(Ink::of(ui).low(Text::Body, text)));
}
