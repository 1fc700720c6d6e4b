//! Tiling: a half, a quarter or the whole of the room panes have, by dragging to an edge or by arrows.

use bevy_egui::egui::{Pos2, Rangef, Rect, Vec2, vec2};
use serde::{Deserialize, Serialize};

use crate::hud::theme::tokens;

/// A direction, as arrow keys have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toward {
    Left,
    Right,
    Up,
    Down,
}

impl Toward {
    /// One step of moving or resizing by keys.
    pub fn step(self) -> Vec2 {
        match self {
            Self::Left => vec2(-tokens::NUDGE, 0.0),
            Self::Right => vec2(tokens::NUDGE, 0.0),
            Self::Up => vec2(0.0, -tokens::NUDGE),
            Self::Down => vec2(0.0, tokens::NUDGE),
        }
    }
}

/// A part of a length: its left or upper half, all of it, or its right or lower half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Near,
    Whole,
    Far,
}

impl Part {
    const fn nearer(self) -> Self {
        match self {
            Self::Near | Self::Whole => Self::Near,
            Self::Far => Self::Whole,
        }
    }

    const fn farther(self) -> Self {
        match self {
            Self::Far | Self::Whole => Self::Far,
            Self::Near => Self::Whole,
        }
    }

    /// This part of a length, with a gutter between the halves, and never less than `least`.
    fn of(self, length: Rangef, least: f32) -> Rangef {
        let half = ((length.span() - tokens::PANE_GUTTER) / 2.0).floor().max(least.min(length.span()));
        match self {
            Self::Near => Rangef::new(length.min, length.min + half),
            Self::Whole => length,
            Self::Far => Rangef::new(length.max - half, length.max),
        }
    }

    /// The end of a length that a point is near to.
    fn beside(at: f32, length: Rangef, reach: f32) -> Self {
        if at <= length.min + reach {
            Self::Near
        } else if at >= length.max - reach {
            Self::Far
        } else {
            Self::Whole
        }
    }
}

/// Where a tiled pane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tile {
    Left,
    Right,
    Top,
    Bottom,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    /// Maximised.
    Whole,
}

impl Tile {
    /// Its part of the width, and of the height.
    const fn parts(self) -> (Part, Part) {
        match self {
            Self::Left => (Part::Near, Part::Whole),
            Self::Right => (Part::Far, Part::Whole),
            Self::Top => (Part::Whole, Part::Near),
            Self::Bottom => (Part::Whole, Part::Far),
            Self::TopLeft => (Part::Near, Part::Near),
            Self::TopRight => (Part::Far, Part::Near),
            Self::BottomLeft => (Part::Near, Part::Far),
            Self::BottomRight => (Part::Far, Part::Far),
            Self::Whole => (Part::Whole, Part::Whole),
        }
    }

    const fn made_of(across: Part, down: Part) -> Self {
        match (across, down) {
            (Part::Near, Part::Whole) => Self::Left,
            (Part::Far, Part::Whole) => Self::Right,
            (Part::Whole, Part::Near) => Self::Top,
            (Part::Whole, Part::Far) => Self::Bottom,
            (Part::Near, Part::Near) => Self::TopLeft,
            (Part::Far, Part::Near) => Self::TopRight,
            (Part::Near, Part::Far) => Self::BottomLeft,
            (Part::Far, Part::Far) => Self::BottomRight,
            (Part::Whole, Part::Whole) => Self::Whole,
        }
    }

    /// Where a pane goes by an arrow: to that half; from a half to the quarter; back again by the opposite arrow, in the
    /// end to no tile at all.
    pub const fn toward(tile: Option<Self>, toward: Toward) -> Option<Self> {
        let (across, down) = match tile {
            Some(tile) => tile.parts(),
            None => (Part::Whole, Part::Whole),
        };
        let (across, down) = match toward {
            Toward::Left => (across.nearer(), down),
            Toward::Right => (across.farther(), down),
            Toward::Up => (across, down.nearer()),
            Toward::Down => (across, down.farther()),
        };
        match (across, down) {
            (Part::Whole, Part::Whole) => None,
            (across, down) => Some(Self::made_of(across, down)),
        }
    }

    /// The tile a pane is dropped into when the pointer that drags it is here. Near one edge the corners begin further
    /// away, so that they are easily hit.
    pub fn aimed_at(at: Pos2, window: Rect) -> Option<Self> {
        let (wide, high) = (window.x_range(), window.y_range());
        let edges = (Part::beside(at.x, wide, tokens::SNAP_EDGE), Part::beside(at.y, high, tokens::SNAP_EDGE));
        if edges == (Part::Whole, Part::Whole) {
            return None;
        }
        let corners = (Part::beside(at.x, wide, tokens::SNAP_CORNER), Part::beside(at.y, high, tokens::SNAP_CORNER));
        let at_corner = corners.0 != Part::Whole && corners.1 != Part::Whole;
        let (across, down) = if at_corner { corners } else { edges };
        Some(Self::made_of(across, down))
    }

    /// Its rectangle in the room panes have.
    pub fn place(self, work: Rect) -> Rect {
        let (across, down) = self.parts();
        let (across, down) = (across.of(work.x_range(), tokens::PANE_LEAST.0), down.of(work.y_range(), tokens::PANE_LEAST.1));
        Rect::from_x_y_ranges(across, down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::pos2;

    const WORK: Rect = Rect { min: pos2(20.0, 68.0), max: pos2(1260.0, 628.0) };
    const ALL: [Tile; 9] =
        [Tile::Left, Tile::Right, Tile::Top, Tile::Bottom, Tile::TopLeft, Tile::TopRight, Tile::BottomLeft, Tile::BottomRight, Tile::Whole];

    #[test]
    fn the_second_arrow_makes_the_quarter_and_the_opposite_one_goes_back() {
        let go = |from, arrows: &[Toward]| arrows.iter().fold(from, |tile, arrow| Tile::toward(tile, *arrow));
        assert_eq!(go(None, &[Toward::Left]), Some(Tile::Left));
        assert_eq!(go(None, &[Toward::Left, Toward::Up]), Some(Tile::TopLeft));
        assert_eq!(go(None, &[Toward::Down, Toward::Right]), Some(Tile::BottomRight));
        assert_eq!(go(Some(Tile::TopLeft), &[Toward::Down]), Some(Tile::Left));
        assert_eq!(go(Some(Tile::Left), &[Toward::Left]), Some(Tile::Left), "nothing is further");
        assert_eq!(go(Some(Tile::Left), &[Toward::Right]), None);
        assert_eq!(go(Some(Tile::Whole), &[Toward::Up]), Some(Tile::Top));
    }

    #[test]
    fn halves_and_quarters_stand_beside_each_other() {
        for (one, other) in [(Tile::Left, Tile::Right), (Tile::Top, Tile::Bottom), (Tile::TopLeft, Tile::BottomRight)] {
            let (one, other) = (one.place(WORK), other.place(WORK));
            assert!(!one.intersects(other) && one.size() == other.size(), "{one:?} {other:?}");
        }
        assert_eq!(Tile::TopLeft.place(WORK).union(Tile::BottomRight.place(WORK)), WORK);
        assert_eq!(Tile::Whole.place(WORK), WORK);
    }

    #[test]
    fn a_tile_is_never_less_than_a_pane_may_measure_and_stays_in_the_room() {
        for size in [vec2(280.0, 100.0), vec2(200.0, 100.0), vec2(7640.0, 4160.0)] {
            let work = Rect::from_min_size(pos2(20.0, 68.0), size);
            for tile in ALL {
                let place = tile.place(work);
                assert!(work.contains_rect(place) && place.width() >= 200.0 && place.height() >= 100.0, "{tile:?} in {size}: {place:?}");
            }
        }
    }

    #[test]
    fn edges_mean_halves_and_corners_quarters() {
        let window = Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 720.0));
        let aimed = |x, y| Tile::aimed_at(pos2(x, y), window);
        assert_eq!(aimed(640.0, 360.0), None);
        assert_eq!(aimed(3.0, 360.0), Some(Tile::Left));
        assert_eq!(aimed(-40.0, 360.0), Some(Tile::Left), "outside, where a mouse can go");
        assert_eq!(aimed(640.0, 0.0), Some(Tile::Top));
        assert_eq!(aimed(3.0, 50.0), Some(Tile::TopLeft));
        assert_eq!(aimed(1230.0, 719.0), Some(Tile::BottomRight));
        assert_eq!(aimed(50.0, 50.0), None, "near a corner, at no edge");
    }
}
