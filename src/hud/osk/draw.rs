//! How the on-screen keyboard looks, and the small button that calls it for those who point.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{
    Align2, Area, Context, EventFilter, Id, Label, Order, Painter, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    WidgetType, pos2, vec2,
};

use super::layout::{self, Key, Row};
use super::{Osk, Tap};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::icons::Icon;
use crate::hud::input::{Device, Hint, LastDevice, keep_field};
use crate::hud::pane::{Stage, layout as places};
use crate::hud::theme::{Palette, Text, Theme, Weight, tokens};
use crate::hud::widgets::{Ink, button, cap, typed};

/// Draws the keyboard over everything while it is open; while it is closed and somebody who points is typing, its button.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    stage: Res<'_, Stage>,
    last: Res<'_, LastDevice>,
    mut osk: ResMut<'_, Osk>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    let context = contexts.ctx_mut()?.clone();
    let osk = osk.bypass_change_detection();
    let window = stage.window;
    let mut pressed = None;
    osk.place = if let Some(field) = osk.field {
        let rows = osk.rows(&context);
        let at = last.shows_focus().then_some(osk.ring(&rows));
        let panel = panel(window, &rows);
        over(&context, "on-screen keyboard", panel, |ui| {
            pressed = view(ui, panel, &rows, at, &typed::around(&context, field), &theme.palette).map(UserAction::Tap);
        });
        if pressed.is_some() {
            // A tap that is over within a frame has taken the keys from the field before anybody could keep them there.
            give_back(&context, field);
        }
        Some(panel)
    } else if last.0 == Device::Pointer && context.text_edit_focused() {
        let place = call_button(window);
        over(&context, "call on-screen keyboard", place, |ui| pressed = call(ui, place, &theme.palette));
        Some(place)
    } else {
        None
    };
    // A press on it must not take the field's keys away.
    let is_over = context.pointer_latest_pos().is_some_and(|at| osk.place.is_some_and(|place| place.contains(at)));
    keep_field(&context, is_over);
    actions.write_batch(pressed);
    Ok(())
}

/// The field has the keys again, with arrows that move its cursor.
fn give_back(context: &Context, field: Id) {
    context.memory_mut(|memory| {
        if !memory.has_focus(field) {
            memory.request_focus(field);
            memory.set_focus_lock_filter(field, EventFilter { horizontal_arrows: true, ..EventFilter::default() });
        }
    });
}

fn over(context: &Context, name: &'static str, place: Rect, add: impl FnOnce(&mut Ui)) {
    // Above everything else in the foreground.
    let area = Area::new(Id::new(name)).order(Order::Tooltip).fixed_pos(place.min).constrain(false).movable(false).fade_in(false);
    area.show(context, |ui| {
        ui.expand_to_include_rect(place);
        add(ui);
    });
}

/// Where the keyboard goes: in the middle, above the hotbar, as wide as there is room.
fn panel(window: Rect, rows: &[Row]) -> Rect {
    let widest = rows.iter().map(layout::width).fold(0.0, f32::max);
    let wide = widest * (tokens::OSK_KEY.0 + tokens::STEP) + 2.0 * f32::from(tokens::PANE_PADDING) - tokens::STEP;
    let size = vec2(wide.max(tokens::OSK_LEAST).min(window.width() - 2.0 * tokens::STEP), height(rows.len()));
    let bottom = places::hotbar(window).top() - tokens::GAP;
    Rect::from_min_size(pos2((window.center().x - size.x / 2.0).round(), (bottom - size.y).max(window.top() + tokens::STEP)), size)
}

fn height(rows: usize) -> f32 {
    rows as f32 * (tokens::OSK_KEY.1 + tokens::STEP) + tokens::ROW + tokens::KEY_CAP + 2.0 * f32::from(tokens::PANE_PADDING) + tokens::GAP
}

/// The button stands at the right of the hotbar.
fn call_button(window: Rect) -> Rect {
    let bar = places::hotbar(window);
    Rect::from_min_size(
        pos2((bar.right() + tokens::GAP).min(window.right() - tokens::SLOT), bar.top() + tokens::HOTBAR_PADDING),
        Vec2::splat(tokens::SLOT),
    )
}

fn call(ui: &Ui, place: Rect, palette: &Palette) -> Option<UserAction> {
    let response = ui.interact(place, Id::new("call keyboard"), Sense::CLICK);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, "On-screen keyboard"));
    ui.painter().rect(
        place,
        0.0,
        button_fill(ui, &response, palette),
        Stroke::new(tokens::HAIRLINE, palette.border_quiet),
        StrokeKind::Inside,
    );
    Icon::Keys.paint(ui.painter(), place, tokens::SLOT_ICON, palette.text_mid);
    response.on_hover_text("On-screen keyboard.").clicked().then_some(UserAction::ToggleKeyboard)
}

fn button_fill(ui: &Ui, response: &Response, palette: &Palette) -> bevy_egui::egui::Color32 {
    if response.hovered() { button::wash(ui, response) } else { palette.surface_0 }
}

/// Draws the keys; says which was pressed.
pub fn view(
    ui: &mut Ui,
    panel: Rect,
    rows: &[Row],
    at: Option<(usize, usize)>,
    shown: &(String, String),
    palette: &Palette,
) -> Option<Tap> {
    ui.painter().rect(panel, 0.0, palette.surface_0, Stroke::new(tokens::HAIRLINE, palette.border_strong), StrokeKind::Inside);
    // What is between the keys belongs to the keyboard too.
    ui.interact(panel, Id::new("keyboard ground"), Sense::hover());
    let inside = panel.shrink(f32::from(tokens::PANE_PADDING));
    let (line, below) = inside.split_top_bottom_at_y(inside.top() + tokens::ROW);
    text_line(ui, line.with_max_y(line.max.y - tokens::GAP), shown, palette);
    let mut pressed = None;
    for (row, keys) in rows.iter().enumerate() {
        let top = below.top() + row as f32 * (tokens::OSK_KEY.1 + tokens::STEP);
        let unit = (below.width() + tokens::STEP) / layout::width(keys);
        let mut left = below.left();
        for (column, key) in keys.iter().enumerate() {
            let place = Rect::from_min_size(pos2(left, top), vec2(key.wide * unit - tokens::STEP, tokens::OSK_KEY.1));
            left += key.wide * unit;
            let Some(tap) = key.tap else { continue };
            if one(ui, place, (row, column), key, at == Some((row, column)), palette) {
                pressed = Some(tap);
            }
        }
    }
    hints(ui, Rect::from_min_max(pos2(inside.left(), inside.bottom() - tokens::KEY_CAP), inside.max));
    pressed
}

/// What stands in the field before and after the cursor, that in sight: the field itself may be under the keyboard.
fn text_line(ui: &Ui, place: Rect, (before, after): &(String, String), palette: &Palette) {
    let painter: Painter = ui.painter().with_clip_rect(place);
    painter.rect(place, 0.0, palette.ground, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    let layout = |text: String| painter.layout_no_wrap(text, Text::Table.font(Weight::Regular), palette.text_high);
    let word = layout(format!("{before}▏{after}"));
    let room = place.width() - 2.0 * tokens::ROW_PADDING;
    let left = place.left() + tokens::ROW_PADDING - (layout(format!("{before}▏")).size().x - room).max(0.0);
    painter.galley(pos2(left, place.center().y - word.size().y / 2.0), word, palette.text_high);
}

fn one(ui: &Ui, place: Rect, at: (usize, usize), key: &Key, has_ring: bool, palette: &Palette) -> bool {
    // Not one that can have the keys: they stay with the field.
    let response = ui.interact(place, Id::new(("key of the keyboard", at)), Sense::CLICK);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, &key.face));
    let fill = if response.is_pointer_button_down_on() {
        palette.slot_active
    } else if response.hovered() || has_ring {
        palette.surface_3
    } else {
        palette.surface_2
    };
    ui.painter().rect(place, 0.0, fill, Stroke::new(tokens::HAIRLINE, palette.border_quiet), StrokeKind::Inside);
    let size = if key.face.chars().count() > 1 { Text::Table } else { Text::Heading };
    ui.painter().text(place.center(), Align2::CENTER_CENTER, &key.face, size.font(Weight::Regular), palette.text_high);
    if has_ring {
        button::ring_around(ui.painter(), place.shrink(2.0 * tokens::FOCUS_RING), palette);
    }
    response.clicked()
}

fn hints(ui: &mut Ui, place: Rect) {
    let ink = Ink::of(ui);
    let hints = [
        (ActionKind::Press, "type"),
        (ActionKind::TypeBackspace, "backspace"),
        (ActionKind::TypeSpace, "space"),
        (ActionKind::TypeShift, "shift"),
        (ActionKind::TypeSymbols, "signs"),
        (ActionKind::Leave, "close"),
    ];
    ui.scope_builder(bevy_egui::egui::UiBuilder::new().max_rect(place), |ui| {
        ui.spacing_mut().interact_size.y = tokens::KEY_CAP;
        ui.horizontal(|ui| {
            for (kind, words) in hints {
                if let Some(hint) = Hint::find(ui.ctx(), kind) {
                    cap::cap(ui, &hint);
                    ui.add(Label::new(ink.low(Text::Hint, words)).extend());
                }
            }
        });
    });
}
