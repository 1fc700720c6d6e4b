//! The line icons, drawn by us: one set, one pen, no font that lacks a sign.

use bevy_egui::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2};

use super::theme::tokens;

/// A picture on a slot or a title bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// A chip with its legs: compute.
    Chip,
    /// A coin: the wallet.
    Coin,
    /// Lines of a list: history.
    Rows,
    /// A power switch: the node.
    Power,
    /// An aerial: relays.
    Aerial,
    /// A pulse: activity.
    Pulse,
    /// Sliders: settings.
    Sliders,
    /// A sheet with lines: one job.
    Sheet,
    /// Two strokes crossing: close.
    Cross,
    /// A keyboard.
    Keys,
}

/// The side of the square the strokes below are written for.
const GRID: f32 = 24.0;

type Line = &'static [(f32, f32)];

impl Icon {
    /// Its open lines.
    const fn lines(self) -> &'static [Line] {
        match self {
            Self::Chip => &[
                &[(6.0, 6.0), (18.0, 6.0), (18.0, 18.0), (6.0, 18.0), (6.0, 6.0)],
                &[(10.0, 10.0), (14.0, 10.0), (14.0, 14.0), (10.0, 14.0), (10.0, 10.0)],
                &[(9.0, 2.0), (9.0, 6.0)],
                &[(15.0, 2.0), (15.0, 6.0)],
                &[(9.0, 18.0), (9.0, 22.0)],
                &[(15.0, 18.0), (15.0, 22.0)],
                &[(2.0, 9.0), (6.0, 9.0)],
                &[(2.0, 15.0), (6.0, 15.0)],
                &[(18.0, 9.0), (22.0, 9.0)],
                &[(18.0, 15.0), (22.0, 15.0)],
            ],
            Self::Coin => &[
                &[
                    (12.0, 2.6),
                    (17.6, 4.4),
                    (20.8, 9.0),
                    (20.8, 15.0),
                    (17.6, 19.6),
                    (12.0, 21.4),
                    (6.4, 19.6),
                    (3.2, 15.0),
                    (3.2, 9.0),
                    (6.4, 4.4),
                    (12.0, 2.6),
                ],
                &[(9.6, 7.6), (13.4, 7.6), (14.8, 9.0), (14.8, 10.4), (13.4, 11.8), (9.6, 11.8), (9.6, 7.6)],
                &[(9.6, 11.8), (14.0, 11.8), (15.4, 13.2), (15.4, 15.0), (14.0, 16.4), (9.6, 16.4), (9.6, 11.8)],
                &[(11.6, 5.8), (11.6, 7.6)],
                &[(11.6, 16.4), (11.6, 18.2)],
            ],
            Self::Rows => &[
                &[(3.0, 5.0), (5.0, 5.0)],
                &[(9.0, 5.0), (21.0, 5.0)],
                &[(3.0, 12.0), (5.0, 12.0)],
                &[(9.0, 12.0), (21.0, 12.0)],
                &[(3.0, 19.0), (5.0, 19.0)],
                &[(9.0, 19.0), (21.0, 19.0)],
            ],
            Self::Power => &[
                &[(12.0, 3.0), (12.0, 12.0)],
                &[(8.0, 5.6), (5.2, 8.6), (4.4, 12.6), (5.6, 16.6), (8.6, 19.6), (12.0, 20.6)],
                &[(16.0, 5.6), (18.8, 8.6), (19.6, 12.6), (18.4, 16.6), (15.4, 19.6), (12.0, 20.6)],
            ],
            Self::Aerial => &[
                &[(12.0, 11.0), (12.0, 21.0)],
                &[(8.0, 21.0), (16.0, 21.0)],
                &[(10.4, 9.0), (13.6, 9.0), (13.6, 11.0), (10.4, 11.0), (10.4, 9.0)],
                &[(8.0, 5.0), (6.6, 7.4), (6.6, 12.0), (8.0, 14.4)],
                &[(16.0, 5.0), (17.4, 7.4), (17.4, 12.0), (16.0, 14.4)],
                &[(4.8, 2.6), (2.8, 6.4), (2.8, 13.0), (4.8, 16.8)],
                &[(19.2, 2.6), (21.2, 6.4), (21.2, 13.0), (19.2, 16.8)],
            ],
            Self::Pulse => &[&[(2.0, 13.0), (7.0, 13.0), (10.0, 4.0), (14.0, 20.0), (17.0, 10.0), (18.4, 13.0), (22.0, 13.0)]],
            Self::Sliders => &[
                &[(3.0, 6.0), (12.0, 6.0)],
                &[(16.0, 6.0), (21.0, 6.0)],
                &[(12.0, 4.0), (16.0, 4.0), (16.0, 8.0), (12.0, 8.0), (12.0, 4.0)],
                &[(3.0, 18.0), (6.0, 18.0)],
                &[(10.0, 18.0), (21.0, 18.0)],
                &[(6.0, 16.0), (10.0, 16.0), (10.0, 20.0), (6.0, 20.0), (6.0, 16.0)],
                &[(3.0, 12.0), (14.0, 12.0)],
                &[(18.0, 12.0), (21.0, 12.0)],
                &[(14.0, 10.0), (18.0, 10.0), (18.0, 14.0), (14.0, 14.0), (14.0, 10.0)],
            ],
            Self::Keys => &[
                &[(2.0, 6.0), (22.0, 6.0), (22.0, 18.0), (2.0, 18.0), (2.0, 6.0)],
                &[(6.0, 10.0), (7.0, 10.0)],
                &[(10.0, 10.0), (11.0, 10.0)],
                &[(14.0, 10.0), (15.0, 10.0)],
                &[(18.0, 10.0), (18.6, 10.0)],
                &[(7.0, 14.4), (17.0, 14.4)],
            ],
            Self::Sheet => &[
                &[(5.0, 2.6), (14.0, 2.6), (19.0, 7.6), (19.0, 21.4), (5.0, 21.4), (5.0, 2.6)],
                &[(14.0, 2.6), (14.0, 7.6), (19.0, 7.6)],
                &[(8.6, 12.0), (15.4, 12.0)],
                &[(8.6, 16.4), (15.4, 16.4)],
            ],
            Self::Cross => &[&[(6.0, 6.0), (18.0, 18.0)], &[(18.0, 6.0), (6.0, 18.0)]],
        }
    }

    /// Draws it in the middle of `area`, on a square of this side.
    pub fn paint(self, painter: &Painter, area: Rect, side: f32, colour: Color32) {
        let square = Rect::from_center_size(area.center(), Vec2::splat(side));
        let at = |(x, y): &(f32, f32)| -> Pos2 { pos2(square.left() + x / GRID * side, square.top() + y / GRID * side) };
        let pen = Stroke::new((side / GRID * tokens::ICON_PEN).max(tokens::HAIRLINE), colour);
        painter.extend(self.lines().iter().map(|line| Shape::line(line.iter().map(at).collect(), pen)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_leaves_the_square() {
        for icon in [Icon::Chip, Icon::Coin, Icon::Rows, Icon::Power, Icon::Aerial, Icon::Pulse, Icon::Sliders, Icon::Sheet, Icon::Cross] {
            let points = icon.lines().iter().flat_map(|line| line.iter());
            assert!(
                points.clone().count() > 3 && points.clone().all(|(x, y)| (1.0..=23.0).contains(x) && (1.0..=23.0).contains(y)),
                "{icon:?}"
            );
        }
    }
}
