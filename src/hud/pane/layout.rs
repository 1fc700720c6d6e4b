//! Where panes go: pure functions over rectangles.

use bevy::prelude::Resource;
use bevy_egui::egui::{Pos2, Rect, Vec2, pos2, vec2};

use super::SLOTS;
use crate::hud::theme::tokens;

/// How often a pane has been placed beside the one before.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cascade(pub u32);

/// The window without the chips above, the hotbar below and a margin at the sides.
pub fn work_area(window: Rect) -> Rect {
    let top = tokens::EDGE + tokens::CHIP + tokens::PANE_MARGIN;
    let min = window.min + vec2(tokens::PANE_MARGIN, top);
    let max = pos2(window.right() - tokens::PANE_MARGIN, hotbar(window).top() - tokens::EDGE);
    let least = vec2(tokens::PANE_LEAST.0, tokens::PANE_LEAST.1);
    Rect::from_min_max(min, pos2(max.x.max(min.x + least.x), max.y.max(min.y + least.y)))
}

/// The hotbar's measures.
struct Bar {
    slot: f32,
    gap: f32,
    padding: f32,
    edge: f32,
}

impl Bar {
    /// As large as it is meant to be where the window is wide enough; otherwise without air, and if need be with smaller
    /// slots, so that all of them can be pressed.
    fn in_window(window: Rect) -> Self {
        let usual = Self { slot: tokens::SLOT, gap: tokens::SLOT_GAP, padding: tokens::HOTBAR_PADDING, edge: tokens::EDGE };
        if usual.width() + 2.0 * usual.edge <= window.width() {
            return usual;
        }
        let narrow = Self { slot: 0.0, gap: tokens::SLOT_GAP_NARROW, padding: tokens::HOTBAR_PADDING_NARROW, edge: tokens::EDGE_NARROW };
        let left = window.width() - 2.0 * narrow.edge - narrow.width();
        Self { slot: (left / SLOTS as f32).floor().clamp(tokens::SLOT_LEAST, tokens::SLOT), ..narrow }
    }

    fn width(&self) -> f32 {
        SLOTS as f32 * (self.slot + self.gap) - self.gap + 2.0 * self.padding
    }
}

/// The hotbar, in the middle of the lower edge.
pub fn hotbar(window: Rect) -> Rect {
    let bar = Bar::in_window(window);
    let size = vec2(bar.width(), bar.slot + 2.0 * bar.padding);
    Rect::from_min_size(pos2((window.center().x - size.x / 2.0).round(), window.bottom() - bar.edge - size.y), size)
}

/// A slot of the hotbar.
pub fn slot(window: Rect, index: usize) -> Rect {
    let bar = Bar::in_window(window);
    let min = hotbar(window).min + Vec2::splat(bar.padding);
    Rect::from_min_size(min + vec2(index as f32 * (bar.slot + bar.gap), 0.0), Vec2::splat(bar.slot))
}

/// The rectangle inside the window with its margin: moved if it fits, shrunk if it does not. In a window too small for
/// the least pane, the upper left corner is what stays visible.
pub fn clamp(rect: Rect, window: Rect) -> Rect {
    confine(rect, window.shrink(tokens::PANE_MARGIN))
}

/// The rectangle inside this room: moved if it fits, shrunk if it does not.
pub fn confine(rect: Rect, room: Rect) -> Rect {
    let least = vec2(tokens::PANE_LEAST.0, tokens::PANE_LEAST.1);
    let size = rect.size().min(room.size()).max(least);
    let within = |at: f32, low: f32, high: f32| if high < low { low } else { at.clamp(low, high) };
    let min = pos2(within(rect.left(), room.left(), room.right() - size.x), within(rect.top(), room.top(), room.bottom() - size.y));
    Rect::from_min_size(min.round(), size.round())
}

/// The place of the next pane that is opened: each a step right and down of the one before. Where there is no more room to
/// the right it begins again at the left, and where there is none below, at the top: titles stay visible longer so than if
/// both began again at once.
pub fn cascade(size: Vec2, work: Rect, cascade: &mut Cascade) -> Rect {
    let size = size.min(work.size());
    let room = work.size() - size;
    let steps = |room: f32| ((room / tokens::CASCADE).floor() as u32).saturating_add(1);
    let (across, down) = (cascade.0 % steps(room.x), cascade.0 % steps(room.y));
    cascade.0 = cascade.0.wrapping_add(1);
    Rect::from_min_size(work.min + vec2(across as f32, down as f32) * tokens::CASCADE, size)
}

/// The most that each of so many cascaded panes may measure: all of them have room then, each a step from the one before,
/// unless they are so many that little would be left of them.
pub fn cascaded_size(work: Rect, count: usize) -> Vec2 {
    let steps = count.saturating_sub(1) as f32;
    (work.size() - Vec2::splat(steps * tokens::CASCADE)).max(work.size() / 2.0)
}

/// Places for so many panes, none over another: the first as tall as the work area at its left, the rest in up to two
/// rows of up to three beside it, and in more rows where that is not enough.
pub fn tidy(work: Rect, count: usize) -> Vec<Rect> {
    match count {
        0 => Vec::new(),
        1 => vec![work],
        2 => row(work, 2),
        _ => {
            let (first, rest) = split_at(work, 0.36);
            let mut places = vec![first];
            places.extend(rows(rest, count - 1));
            places
        }
    }
}

/// The left part of a rectangle and what is right of it, with a gutter between.
fn split_at(rect: Rect, part: f32) -> (Rect, Rect) {
    let at = (rect.left() + (rect.width() - tokens::PANE_GUTTER) * part).round();
    let left = Rect::from_min_max(rect.min, pos2(at, rect.bottom()));
    (left, Rect::from_min_max(pos2(at + tokens::PANE_GUTTER, rect.top()), rect.max))
}

/// At least two rows; the lower ones are the fuller, because the first pane of a row is worth the most room.
fn rows(area: Rect, count: usize) -> Vec<Rect> {
    let rows = count.div_ceil(3).max(2);
    let step = (area.height() + tokens::PANE_GUTTER) / rows as f32;
    let mut left = count;
    let mut places = Vec::with_capacity(count);
    for index in 0..rows {
        // What the rows below can hold stays for them.
        let below = rows - index - 1;
        let here = left.saturating_sub(below * 3).max(1);
        left -= here;
        let top = (area.top() + index as f32 * step).round();
        let bottom = (area.top() + (index + 1) as f32 * step - tokens::PANE_GUTTER).round();
        places.extend(row(Rect::from_min_max(pos2(area.left(), top), pos2(area.right(), bottom)), here));
    }
    places
}

/// Equal parts beside each other.
fn row(area: Rect, count: usize) -> Vec<Rect> {
    let step = (area.width() + tokens::PANE_GUTTER) / count as f32;
    let edge = |index: usize| (area.left() + index as f32 * step).round();
    let place =
        |index: usize| Rect::from_min_max(pos2(edge(index), area.top()), pos2(edge(index + 1) - tokens::PANE_GUTTER, area.bottom()));
    (0..count).map(place).collect()
}

/// Where a rectangle is seen while it is `openness` open, scaled about the point it comes from.
pub fn opening(rect: Rect, origin: Pos2, openness: f32) -> Rect {
    let scale = open_scale(openness);
    Rect::from_min_max(origin + (rect.min - origin) * scale, origin + (rect.max - origin) * scale)
}

/// The scale of a pane that is `openness` open.
pub fn open_scale(openness: f32) -> f32 {
    tokens::PANE_OPEN_SCALE + (1.0 - tokens::PANE_OPEN_SCALE) * openness
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(width: f32, height: f32) -> Rect {
        Rect::from_min_size(Pos2::ZERO, vec2(width, height))
    }

    #[test]
    fn a_pane_stays_inside_with_its_margin() {
        let window = window(1280.0, 720.0);
        let inside = window.shrink(tokens::PANE_MARGIN);
        for at in [pos2(-400.0, -400.0), pos2(5000.0, 5000.0), pos2(3.0, 700.0)] {
            let clamped = clamp(Rect::from_min_size(at, vec2(480.0, 560.0)), window);
            assert!(inside.contains_rect(clamped) && clamped.size() == vec2(480.0, 560.0), "{clamped:?}");
        }
        let small = clamp(Rect::from_min_size(pos2(500.0, 500.0), vec2(734.0, 500.0)), self::window(640.0, 400.0));
        assert_eq!(small, Rect::from_min_max(pos2(20.0, 20.0), pos2(620.0, 380.0)));
        let tiny = clamp(Rect::from_min_size(pos2(500.0, 500.0), vec2(734.0, 500.0)), self::window(100.0, 50.0));
        assert_eq!(tiny, Rect::from_min_size(pos2(20.0, 20.0), vec2(200.0, 100.0)));
    }

    #[test]
    fn a_cascade_goes_right_and_down_and_begins_again() {
        let work = work_area(window(1280.0, 720.0));
        let mut count = Cascade::default();
        let places: Vec<Rect> = (0..40).map(|_| cascade(vec2(480.0, 360.0), work, &mut count)).collect();
        assert_eq!(places[1].min - places[0].min, vec2(45.0, 45.0));
        assert!(places.iter().all(|place| work.contains_rect(*place)));
        assert_eq!(places.iter().filter(|place| place.top() == work.top()).count(), 8, "every fifth is at the top again");
        assert_eq!(places.iter().filter(|place| place.left() == work.left()).count(), 3, "every seventeenth at the left");
        assert!((1..40).all(|at| !places[..at].contains(&places[at])), "none where another is");
        let tall = cascade(vec2(480.0, 5_000.0), work, &mut count);
        assert!(work.contains_rect(tall) && tall.height() == work.height());
    }

    #[test]
    fn tidied_panes_cover_nothing_of_each_other_in_any_window() {
        for (width, height) in [(1280.0, 720.0), (1920.0, 1080.0), (640.0, 400.0), (7680.0, 4320.0)] {
            let work = work_area(window(width, height));
            for count in 0..=9 {
                let places = tidy(work, count);
                assert_eq!(places.len(), count);
                for (at, place) in places.iter().enumerate() {
                    assert!(work.expand(1.0).contains_rect(*place) && place.is_positive(), "{count} in {width}: {place:?}");
                    assert!(places[at + 1..].iter().all(|other| !place.intersects(*other)), "{count} in {width}");
                }
            }
        }
    }

    #[test]
    fn five_panes_are_one_tall_one_wide_and_three_below() {
        let places = tidy(work_area(window(1280.0, 720.0)), 5);
        assert!(places[0].height() > 500.0 && places[1].width() > 700.0);
        assert!(places[2..].iter().all(|place| place.top() == places[2].top()));
    }

    #[test]
    fn in_a_narrow_window_all_slots_are_there_and_large_enough_to_press() {
        for width in [320.0, 400.0, 530.0, 571.0, 572.0, 640.0] {
            let window = window(width, 240.0);
            let slots: Vec<Rect> = (0..SLOTS).map(|index| slot(window, index)).collect();
            assert!(slots.iter().all(|slot| window.contains_rect(*slot) && slot.width() >= 32.0), "{width}: {slots:?}");
            assert!(slots.windows(2).all(|pair| pair[0].right() < pair[1].left()), "{width}: {slots:?}");
        }
    }

    #[test]
    fn the_slots_stand_in_the_middle_of_the_lower_edge() {
        let window = window(1280.0, 720.0);
        let (first, last) = (slot(window, 0), slot(window, SLOTS - 1));
        assert_eq!(first.left() - window.left(), window.right() - last.right());
        assert_eq!(last.bottom(), window.bottom() - tokens::EDGE - tokens::HOTBAR_PADDING);
        let narrow = self::window(427.0, 320.0);
        assert!(narrow.contains_rect(hotbar(narrow)) && slot(narrow, 0).width() >= tokens::ROW, "{:?}", hotbar(narrow));
    }
}
