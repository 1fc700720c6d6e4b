//! Scrolling inside a pane: the bar stands in the pane's padding, so that content is as wide with one as without; and a pane
//! is found scrolled to where it was left.

use bevy::prelude::Component;
use bevy_egui::egui::containers::scroll_area::ScrollAreaOutput;
use bevy_egui::egui::{Margin, ScrollArea, Ui, UiBuilder, Vec2, vec2};
use serde::{Deserialize, Serialize};

use crate::hud::input::take_scroll_wish;
use crate::hud::theme::tokens;

/// How far something is scrolled, in whole points from its beginning.
#[derive(Component, Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct Scrolled {
    points: u32,
    /// It comes from the last start, and there was not enough to scroll that far yet.
    is_due: bool,
}

impl From<u32> for Scrolled {
    fn from(points: u32) -> Self {
        Self::to(points)
    }
}

impl From<Scrolled> for u32 {
    fn from(scrolled: Scrolled) -> Self {
        scrolled.points
    }
}

impl Scrolled {
    /// It is to be scrolled this far as soon as there is so much.
    pub const fn to(points: u32) -> Self {
        Self { points, is_due: points > 0 }
    }

    pub const fn points(self) -> u32 {
        self.points
    }

    /// Where to scroll to now; `None`: leave it where it is.
    pub fn due(&mut self, ui: &Ui) -> Option<f32> {
        // Whoever scrolls or presses something decides for himself.
        let is_touched = ui.input(|input| input.smooth_scroll_delta != Vec2::ZERO || input.pointer.any_down());
        self.is_due &= !is_touched;
        self.is_due.then_some(self.points as f32)
    }

    /// Takes down where it is.
    pub fn note<R>(&mut self, shown: &ScrollAreaOutput<R>) {
        if self.is_due {
            let most = shown.content_size.y - shown.inner_rect.height();
            self.is_due = most < self.points as f32;
        } else {
            self.points = shown.state.offset.y.round() as u32;
        }
    }
}

/// A part of a pane that scrolls. `add` gets the scroll area to show what it has in it.
pub fn vertical<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui, ScrollArea) -> R) -> R {
    let ring = 2.0 * tokens::FOCUS_RING;
    within(ui, ring, |ui| {
        let margin = Margin { right: tokens::SCROLL_ROOM, ..Margin::symmetric(0, ring as i8) };
        add(ui, ScrollArea::vertical().auto_shrink(false).content_margin(margin))
    })
}

/// As [`vertical`], found where it was left.
pub fn remembered<R>(ui: &mut Ui, scrolled: &mut Scrolled, add: impl FnOnce(&mut Ui, ScrollArea) -> ScrollAreaOutput<R>) {
    let due = scrolled.due(ui);
    let shown = vertical(ui, |ui, area| {
        let area = match due {
            Some(offset) => area.vertical_scroll_offset(offset),
            None => area,
        };
        add(ui, area)
    });
    scrolled.note(&shown);
}

/// As wide as the pane's content and the room for a scroll bar.
pub fn wider<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    within(ui, 0.0, add)
}

/// The same, and higher at both ends by so much: for the ring of what stands there.
fn within<R>(ui: &mut Ui, higher: f32, add: impl FnOnce(&mut Ui) -> R) -> R {
    let mut room = ui.available_rect_before_wrap();
    take_scroll_wish(ui, room);
    room.max.x += f32::from(tokens::SCROLL_ROOM);
    let room = room.expand2(vec2(0.0, higher));
    ui.scope_builder(UiBuilder::new().max_rect(room), add).inner
}

#[cfg(test)]
mod tests {
    use bevy_egui::egui::epaint::ClippedShape;
    use bevy_egui::egui::{Context, RawInput, Rect, Sense, Shape, pos2};

    use super::*;
    use crate::hud::widgets::button;

    /// A part of a pane that is scrolled this far: the rings of what is in it, and what can be seen of each.
    fn rings(offset: f32) -> Vec<(Rect, Rect)> {
        let context = Context::default();
        let draw = |ui: &mut Ui, area: ScrollArea| {
            area.show(ui, |ui| {
                for _ in 0..10 {
                    let (place, _) = ui.allocate_exact_size(vec2(ui.available_width(), 40.0), Sense::click());
                    button::ring_around(ui.painter(), place, &tokens::NIGHT);
                }
            });
        };
        let mut shapes = Vec::new();
        // Once to scroll there, and once to see what is there.
        for offset in [Some(offset), None] {
            let mut output = context.run_ui(RawInput::default(), |ui| {
                let inside = Rect::from_min_max(pos2(20.0, 20.0), pos2(320.0, 220.0));
                ui.scope_builder(UiBuilder::new().max_rect(inside), |ui| {
                    ui.shrink_clip_rect(inside.expand(f32::from(tokens::SCROLL_ROOM)));
                    vertical(ui, |ui, area| draw(ui, offset.map_or(area.clone(), |offset| area.vertical_scroll_offset(offset))));
                });
            });
            output.textures_delta.clear();
            shapes = output.shapes;
        }
        let ring = |shape: &ClippedShape| match &shape.shape {
            Shape::Rect(ring) if ring.stroke.width == tokens::FOCUS_RING => Some((ring.rect.expand(ring.stroke.width), shape.clip_rect)),
            _ => None,
        };
        shapes.iter().filter_map(ring).collect()
    }

    #[test]
    fn the_ring_of_what_stands_at_either_end_is_whole() {
        let (first, clip) = rings(0.0).first().copied().unwrap_or((Rect::EVERYTHING, Rect::NOTHING));
        assert!(clip.contains_rect(first), "{first:?} in {clip:?}");
        let (last, clip) = rings(1000.0).last().copied().unwrap_or((Rect::EVERYTHING, Rect::NOTHING));
        assert!(clip.contains_rect(last), "{last:?} in {clip:?}");
    }

    #[test]
    fn what_scrolls_begins_where_what_does_not_would() {
        let (first, _) = rings(0.0).first().copied().unwrap_or((Rect::NOTHING, Rect::NOTHING));
        assert_eq!(first.shrink(2.0 * tokens::FOCUS_RING).left_top(), pos2(20.0, 20.0));
    }
}
