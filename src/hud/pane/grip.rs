//! Resizing: the eight places a pane can be taken hold of by, and what pulling at one does.

use bevy_egui::egui::{CursorIcon, Rangef, Rect, Vec2};

use super::tile::Part;
use crate::hud::theme::tokens;

/// An edge or a corner: which end of the width moves, and which of the height. `Whole` is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grip(Part, Part);

/// Edges first: where they meet, a corner lies over them.
pub const GRIPS: [Grip; 8] = [
    Grip(Part::Near, Part::Whole),
    Grip(Part::Far, Part::Whole),
    Grip(Part::Whole, Part::Near),
    Grip(Part::Whole, Part::Far),
    Grip(Part::Near, Part::Near),
    Grip(Part::Far, Part::Near),
    Grip(Part::Near, Part::Far),
    Grip(Part::Far, Part::Far),
];

/// The corner that keys pull at.
pub const LOWER_RIGHT: Grip = Grip(Part::Far, Part::Far);

impl Grip {
    /// Where it can be caught on a pane in this place.
    pub fn area(self, place: Rect) -> Rect {
        let thick = if self.is_corner() { tokens::GRIP_CORNER } else { tokens::GRIP };
        let zone = |part: Part, range: Rangef| match part {
            Part::Near => Rangef::new(range.min - tokens::GRIP / 2.0, range.min - tokens::GRIP / 2.0 + thick),
            Part::Whole => range,
            Part::Far => Rangef::new(range.max + tokens::GRIP / 2.0 - thick, range.max + tokens::GRIP / 2.0),
        };
        Rect::from_x_y_ranges(zone(self.0, place.x_range()), zone(self.1, place.y_range()))
    }

    pub const fn cursor(self) -> CursorIcon {
        match (self.0, self.1) {
            (Part::Near, Part::Near) | (Part::Far, Part::Far) => CursorIcon::ResizeNwSe,
            (Part::Near, Part::Far) | (Part::Far, Part::Near) => CursorIcon::ResizeNeSw,
            (_, Part::Whole) => CursorIcon::ResizeHorizontal,
            (Part::Whole, _) => CursorIcon::ResizeVertical,
        }
    }

    /// A pane that was here when it was caught, and has been pulled so far. The opposite edges stay where they are; it is
    /// never less than a pane may measure, and what moves stays in the room.
    pub fn pulled(self, place: Rect, by: Vec2, room: Rect) -> Rect {
        let across = pull(self.0, place.x_range(), by.x, room.x_range(), tokens::PANE_LEAST.0);
        let down = pull(self.1, place.y_range(), by.y, room.y_range(), tokens::PANE_LEAST.1);
        let pulled = Rect::from_x_y_ranges(across, down);
        Rect::from_min_max(pulled.min.round(), pulled.max.round())
    }

    const fn is_corner(self) -> bool {
        !matches!(self.0, Part::Whole) && !matches!(self.1, Part::Whole)
    }
}

fn pull(part: Part, range: Rangef, by: f32, room: Rangef, least: f32) -> Rangef {
    match part {
        Part::Near => Rangef::new((range.min + by).max(room.min.min(range.min)).min(range.max - least), range.max),
        Part::Whole => range,
        Part::Far => Rangef::new(range.min, (range.max + by).min(room.max.max(range.max)).max(range.min + least)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::{pos2, vec2};

    const ROOM: Rect = Rect { min: pos2(20.0, 20.0), max: pos2(1260.0, 700.0) };
    const PLACE: Rect = Rect { min: pos2(300.0, 200.0), max: pos2(800.0, 600.0) };

    #[test]
    fn each_grip_moves_its_own_edges_and_leaves_the_opposite_ones() {
        for grip in GRIPS {
            let pulled = grip.pulled(PLACE, vec2(-30.0, -20.0), ROOM);
            let moved = |part: Part, before: Rangef, after: Rangef, by: f32| match part {
                Part::Near => after == Rangef::new(before.min + by, before.max),
                Part::Whole => after == before,
                Part::Far => after == Rangef::new(before.min, before.max + by),
            };
            assert!(moved(grip.0, PLACE.x_range(), pulled.x_range(), -30.0), "{grip:?}: {pulled:?}");
            assert!(moved(grip.1, PLACE.y_range(), pulled.y_range(), -20.0), "{grip:?}: {pulled:?}");
        }
    }

    #[test]
    fn however_far_it_is_pulled_a_pane_is_200_by_100_at_least_and_stays_inside() {
        for grip in GRIPS {
            for by in [vec2(5_000.0, 5_000.0), vec2(-5_000.0, -5_000.0), vec2(5_000.0, -5_000.0)] {
                let pulled = grip.pulled(PLACE, by, ROOM);
                assert!(ROOM.contains_rect(pulled) && pulled.width() >= 200.0 && pulled.height() >= 100.0, "{grip:?} {by}: {pulled:?}");
            }
        }
    }

    #[test]
    fn every_point_of_the_border_is_in_a_grip() {
        for corner in [PLACE.left_top(), PLACE.right_top(), PLACE.left_bottom(), PLACE.right_bottom()] {
            let held: Vec<_> = GRIPS.iter().filter(|grip| grip.area(PLACE).contains(corner)).collect();
            assert!(held.last().is_some_and(|grip| grip.is_corner()), "{corner}: {held:?}");
        }
        for side in [PLACE.center_top(), PLACE.center_bottom(), PLACE.left_center(), PLACE.right_center()] {
            assert_eq!(GRIPS.iter().filter(|grip| grip.area(PLACE).contains(side)).count(), 1, "{side}");
        }
    }
}
