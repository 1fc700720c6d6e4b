//! How the palette looks: a field, and under it the lines that fit.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Align2, Area, Context, Id, Label, LayerId, Margin, Order, Rect, Response, ScrollArea, Sense, Stroke, Ui, UiBuilder, Vec2, WidgetInfo,
    WidgetType, vec2,
};

use super::{Entry, Palette, found};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::hotbar::{Opens, Slot};
use crate::hud::input::{Hint, take_scroll_wish};
use crate::hud::pane::{Pane, PaneKind};
use crate::hud::theme::{self, Text, Theme, tokens};
use crate::hud::widgets::{Ink, Wishes, button, cap, card, field};

/// The layer the palette is drawn on.
pub fn layer() -> LayerId {
    LayerId::new(Order::Foreground, Id::new("palette of commands"))
}

/// Draws it over the panes while it is open.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    slots: Query<'_, '_, (&Slot, &Opens)>,
    panes: Query<'_, '_, &Pane>,
    mut palette: ResMut<'_, Palette>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if !palette.is_open {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let slots = slots_with_panes(slots.iter(), &panes);
    let palette = palette.bypass_change_detection();
    let mut wishes = Wishes::default();
    shade(&context, &theme.palette);
    let offset = vec2(0.0, context.viewport_rect().height() * tokens::PALETTE_TOP);
    let area = Area::new(layer().id).order(layer().order).anchor(Align2::CENTER_TOP, offset).movable(false).fade_in(false);
    area.show(&context, |ui| view(ui, Ink(theme.palette), palette, &slots, &mut wishes));
    context.move_to_top(layer());
    actions.write_batch(wishes.take());
    Ok(())
}

/// Which pane is in which slot.
pub fn slots_with_panes<'a>(slots: impl Iterator<Item = (&'a Slot, &'a Opens)>, panes: &Query<'_, '_, &Pane>) -> Vec<(usize, PaneKind)> {
    slots.filter_map(|(slot, opens)| Some((slot.index, panes.get(opens.0).ok()?.0))).collect()
}

/// What lies below is darker, so that one thing is in front.
pub fn shade(context: &Context, palette: &theme::Palette) {
    let window = context.viewport_rect();
    let area = Area::new(Id::new("shade")).order(Order::Foreground).fixed_pos(window.min).constrain(false).movable(false).fade_in(false);
    let shown = area.show(context, |ui| {
        ui.expand_to_include_rect(window);
        ui.painter().rect_filled(window, 0.0, tokens::faded(palette.ground, tokens::SHADE));
        // Nothing below can be pressed.
        ui.interact(window, Id::new("shade ground"), Sense::CLICK | Sense::DRAG);
    });
    context.move_to_top(shown.response.layer_id);
}

/// Draws the content.
pub fn view(ui: &mut Ui, ink: Ink, palette: &mut Palette, slots: &[(usize, PaneKind)], wishes: &mut Wishes) {
    let frame = card::frame(ink).fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_strong));
    frame.inner_margin(Margin::same(tokens::PANE_PADDING)).show(ui, |ui| {
        let window = ui.ctx().viewport_rect();
        ui.set_width(tokens::PALETTE_WIDTH.min(window.width() - 6.0 * f32::from(tokens::PANE_PADDING)));
        let before = palette.query.clone();
        let width = ui.available_width();
        let typed = field::line(ui, &mut palette.query, "what do you want to do?", width);
        if !typed.has_focus() {
            typed.request_focus();
        }
        let lines = found(&palette.query, slots);
        if before != palette.query {
            (palette.at, palette.shown) = (0, None);
        }
        palette.found = lines.len();
        palette.at = palette.at.min(lines.len().saturating_sub(1));
        // Whole lines: half a line looks like a fault.
        let room = ((window.height() * tokens::PALETTE_ROOM / tokens::ROW).floor() - 3.0).max(2.0) * tokens::ROW;
        ui.spacing_mut().item_spacing.y = 0.0;
        take_scroll_wish(ui, Rect::from_min_size(ui.cursor().min, vec2(width, room)));
        let is_new = palette.shown.replace(palette.at) != Some(palette.at);
        ScrollArea::vertical().max_height(room).auto_shrink([false, true]).show(ui, |ui| {
            for (index, entry) in lines.iter().enumerate() {
                let shown = line(ui, ink, entry, index == palette.at);
                if is_new && index == palette.at && is_cut(ui, shown.rect) {
                    ui.scroll_to_rect(shown.rect, None);
                }
                if shown.clicked() {
                    wishes.wish(UserAction::TogglePalette);
                    wishes.wish(entry.action.clone());
                }
            }
            if lines.is_empty() {
                field::nothing(ui, "Nothing is called that.");
            }
        });
        ui.add_space(tokens::GAP);
        hints(ui, ink);
    });
}

/// A line with its key.
fn line(ui: &mut Ui, ink: Ink, entry: &Entry, is_chosen: bool) -> Response {
    let (place, response) = ui.allocate_exact_size(vec2(ui.available_width(), tokens::ROW), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(WidgetType::Button, true, is_chosen, &entry.name));
    let fill = if is_chosen { ink.0.surface_3 } else { button::wash(ui, &response) };
    ui.painter().rect_filled(place, 0.0, fill);
    if is_chosen {
        let bar = Rect::from_min_size(place.min, Vec2::new(tokens::BRACKET_WIDTH, place.height()));
        ui.painter().rect_filled(bar, 0.0, ink.0.focus);
    }
    let inside = place.shrink2(vec2(tokens::ROW_PADDING, 0.0));
    ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
        ui.with_layout(bevy_egui::egui::Layout::right_to_left(bevy_egui::egui::Align::Center), |ui| {
            if let Some(hint) = entry.kind.and_then(|kind| Hint::find(ui.ctx(), kind)) {
                cap::cap(ui, &hint);
            }
            ui.with_layout(bevy_egui::egui::Layout::left_to_right(bevy_egui::egui::Align::Center), |ui| {
                ui.add(Label::new(ink.high(Text::Body, &entry.name)).extend());
                ui.add(Label::new(ink.low(Text::Hint, entry.help)).truncate());
            });
        });
    });
    response
}

/// Whether a line is not wholly seen.
fn is_cut(ui: &Ui, place: Rect) -> bool {
    !ui.clip_rect().contains_rect(place)
}

fn hints(ui: &mut Ui, ink: Ink) {
    ui.spacing_mut().interact_size.y = tokens::KEY_CAP;
    ui.horizontal(|ui| {
        for (kind, words) in [(ActionKind::Press, "run"), (ActionKind::MainAction, "type"), (ActionKind::Leave, "close")] {
            let Some(hint) = Hint::find(ui.ctx(), kind) else { continue };
            // Whoever has a keyboard just types.
            if kind != ActionKind::MainAction || hint.device == crate::hud::input::Device::Pad {
                cap::cap(ui, &hint);
                ui.label(ink.low(Text::Hint, words));
            }
        }
    });
}
