//! A question over everything: what lies below is dimmed and hears nothing until it is answered.

use bevy_egui::egui::{Context, Id, Margin, Modal, Order, Rect, ScrollArea, Stroke, Ui, vec2};

use super::input::{claim, take_scroll_wish};
use super::theme::tokens;
use super::widgets::{Ink, card};

/// Shows a dialog in the middle of the window, as wide as that or as there is room, and scrolling where it is too high.
pub fn show(context: &Context, name: &'static str, ink: Ink, width: f32, add: impl FnOnce(&mut Ui)) {
    let room = context.content_rect();
    let around = 2.0 * f32::from(tokens::MODAL_PADDING) + 2.0 * tokens::EDGE;
    let frame = card::frame(ink)
        .fill(ink.0.surface_0)
        .stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_strong))
        .inner_margin(Margin::same(tokens::MODAL_PADDING));
    let id = Id::new(name);
    let area = Modal::default_area(id).order(Order::Foreground).fade_in(false);
    context.move_to_top(area.layer());
    let dim = tokens::faded(ink.0.ground, tokens::MODAL_DIM);
    // As high as it was a frame ago: an area grows with what is in it, and what scrolls does not make it grow.
    let height = id.with("height");
    let highest = (room.height() - around).max(tokens::PANE_LEAST.1);
    let scrolls = context.data(|data| data.get_temp::<f32>(height)).is_some_and(|height| height > highest);
    claim(context, area.layer());
    Modal::new(id).area(area).frame(frame).backdrop_color(dim).show(context, |ui| {
        ui.set_width(width.min(room.width() - around).max(tokens::PANE_LEAST.0 / 2.0));
        ui.spacing_mut().item_spacing.y = 2.0 * tokens::STEP;
        let used = if scrolls {
            take_scroll_wish(ui, Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), highest)));
            // Room at both ends for the ring of what stands there.
            let ends = Margin::symmetric(0, (2.0 * tokens::FOCUS_RING) as i8);
            let area = ScrollArea::vertical().auto_shrink(false).max_height(highest).min_scrolled_height(highest).content_margin(ends);
            area.show(ui, add).content_size.y
        } else {
            ui.scope(add).response.rect.height()
        };
        ui.data_mut(|data| data.insert_temp(height, used));
    });
}
