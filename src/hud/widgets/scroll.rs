//! Scrolling inside a pane: the bar stands in the pane's padding, so that content is as wide with one as without.

use bevy_egui::egui::{Margin, ScrollArea, Ui, UiBuilder};

use crate::hud::input::take_scroll_wish;
use crate::hud::theme::tokens;

/// A part of a pane that scrolls. `add` gets the scroll area to show what it has in it.
pub fn vertical<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui, ScrollArea) -> R) -> R {
    wider(ui, |ui| {
        let margin = Margin { right: tokens::SCROLL_ROOM, ..Margin::ZERO };
        add(ui, ScrollArea::vertical().auto_shrink(false).content_margin(margin))
    })
}

/// As wide as the pane's content and the room for a scroll bar.
pub fn wider<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let mut room = ui.available_rect_before_wrap();
    take_scroll_wish(ui, room);
    room.max.x += f32::from(tokens::SCROLL_ROOM);
    ui.scope_builder(UiBuilder::new().max_rect(room), add).inner
}
