//! The help sheet, made from the table of actions: every key, or every button of the pad if that was used last.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align, Align2, Area, Id, Label, LayerId, Layout, Margin, Order, Stroke, Ui, UiBuilder, Vec2, vec2};

use super::action::steering::Group;
use super::action::{ActionKind, UserAction, table};
use super::input::{Device, Hint, LastDevice};
use super::palette::shade;
use super::theme::{Text, Theme, tokens};
use super::widgets::{Ink, Wishes, button, cap, card, field, ink, scroll};

/// Whether it is open.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Help {
    pub is_open: bool,
}

/// The layer the sheet is drawn on.
pub fn layer() -> LayerId {
    LayerId::new(Order::Foreground, Id::new("help sheet"))
}

/// Draws it over the panes while it is open.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    help: Res<'_, Help>,
    last: Res<'_, LastDevice>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if !help.is_open {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let mut wishes = Wishes::default();
    shade(&context, &theme.palette);
    let area = Area::new(layer().id).order(layer().order).anchor(Align2::CENTER_CENTER, Vec2::ZERO).movable(false).fade_in(false);
    area.show(&context, |ui| view(ui, Ink(theme.palette), last.0, &mut wishes));
    context.move_to_top(layer());
    actions.write_batch(wishes.take());
    Ok(())
}

/// Draws the content.
pub fn view(ui: &mut Ui, ink: Ink, device: Device, wishes: &mut Wishes) {
    let frame = card::frame(ink).fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_strong));
    frame.inner_margin(Margin::same(tokens::PANE_PADDING)).show(ui, |ui| {
        let room = ui.ctx().viewport_rect().shrink(2.0 * tokens::EDGE).size() - Vec2::splat(2.0 * f32::from(tokens::PANE_PADDING));
        ui.set_width(tokens::HELP_WIDTH.min(room.x));
        ui.set_height(tokens::HELP_HEIGHT.min(room.y));
        ui.horizontal(|ui| {
            ui.label(ink::title(if device == Device::Pad { "Buttons of the pad" } else { "Keys" }, Text::Heading, ink.0.text_high));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button::small(ui, "Close").clicked() {
                    wishes.wish(UserAction::ToggleHelp);
                }
                if let Some(hint) = Hint::find(ui.ctx(), ActionKind::Leave) {
                    cap::cap(ui, &hint);
                }
            });
        });
        scroll::vertical(ui, |ui, area| {
            area.show(ui, |ui| {
                let column = column(ui, ink);
                if device == Device::Pad {
                    sticks(ui, ink, column);
                }
                for group in Group::ALL {
                    group_of(ui, ink, group, column);
                }
            });
        });
    });
}

/// How wide the keys stand: as the most of one row, unless that leaves too little for what they do.
fn column(ui: &Ui, ink: Ink) -> f32 {
    let gap = ui.spacing().item_spacing.x;
    let wide = |caps: Vec<Hint>| caps.iter().map(|hint| cap::size(ui.painter(), hint, &ink.0).x + gap).sum::<f32>();
    let widest = table().map(|row| wide(Hint::all(ui.ctx(), row.kind))).fold(0.0, f32::max) + tokens::GAP;
    widest.min(ui.available_width() * tokens::HELP_KEYS_MOST).max(tokens::HELP_KEYS)
}

/// What no row of the table can say.
fn sticks(ui: &mut Ui, ink: Ink, column: f32) {
    field::heading(ui, "sticks");
    for (text, words) in [("L stick", "As the d-pad."), ("R stick", "Scrolls the active pane.")] {
        line(ui, ink, &[Hint { text: text.to_owned(), device: Device::Pad }], ("", words), column);
    }
}

fn group_of(ui: &mut Ui, ink: Ink, group: Group, column: f32) {
    field::heading(ui, group.title());
    for row in table().filter(|row| row.kind.group() == group) {
        let caps = Hint::all(ui.ctx(), row.kind);
        // What this device has nothing for is done by name; what has no name either, it does otherwise.
        if caps.is_empty() && !row.kind.is_in_palette() {
            continue;
        }
        line(ui, ink, &caps, (row.label, row.help), column);
    }
}

/// Keys at the left, what they do at the right; further right where there are more keys than have room.
fn line(ui: &mut Ui, ink: Ink, caps: &[Hint], (label, help): (&str, &str), column: f32) {
    let top = ui.cursor().min;
    let names = bevy_egui::egui::Rect::from_min_size(top, vec2(column, tokens::HELP_LINE));
    let shown = ui.scope_builder(UiBuilder::new().max_rect(names).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.spacing_mut().interact_size.y = tokens::KEY_CAP;
        for hint in caps {
            cap::cap(ui, hint);
        }
        if caps.is_empty() {
            ui.add(Label::new(ink.low(Text::Hint, "by name")).extend());
        }
    });
    let names = names.with_max_x(names.right().max(shown.response.rect.right() + tokens::GAP));
    let words = bevy_egui::egui::Rect::from_min_max(names.right_top(), bevy_egui::egui::pos2(ui.max_rect().right(), names.bottom()));
    ui.scope_builder(UiBuilder::new().max_rect(words).layout(Layout::left_to_right(Align::Center)), |ui| {
        if !label.is_empty() {
            ui.add(Label::new(ink.high(Text::Table, label)).extend());
        }
        ui.add(Label::new(ink.low(Text::Table, help)).truncate()).on_hover_text(help);
    });
    ui.advance_cursor_after_rect(names.union(words));
}
