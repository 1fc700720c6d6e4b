//! Lamps: a colour that means a state. Words beside it always say the same.

use bevy_egui::egui::{Color32, CornerRadius, Painter, Rect, Sense, Shadow, Ui, Vec2};

use super::Ink;
use crate::hud::theme::{Palette, tokens};

/// What a colour means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Signal {
    /// Off, or of no consequence.
    #[default]
    Quiet,
    /// Under way.
    Info,
    Good,
    Warning,
    Bad,
}

impl Signal {
    /// For text.
    pub const fn colour(self, palette: &Palette) -> Color32 {
        match self {
            Self::Quiet => palette.text_low,
            Self::Info => palette.info,
            Self::Good => palette.ok,
            Self::Warning => palette.warn,
            Self::Bad => palette.error,
        }
    }

    /// For lamps and other sources of light.
    pub const fn light(self, palette: &Palette) -> Color32 {
        match self {
            Self::Good => palette.ok_lamp,
            other => other.colour(palette),
        }
    }
}

/// A lamp in a row.
pub fn lamp(ui: &mut Ui, signal: Signal) {
    let (place, _) = ui.allocate_exact_size(Vec2::splat(tokens::LAMP), Sense::hover());
    paint(ui.painter(), place, signal, &Ink::of(ui).0);
}

/// A lamp anywhere.
pub fn paint(painter: &Painter, place: Rect, signal: Signal, palette: &Palette) {
    let colour = signal.light(palette);
    if signal != Signal::Quiet {
        let glow = Shadow { offset: [0, 0], blur: tokens::LAMP_GLOW, spread: 0, color: tokens::faded(colour, tokens::LAMP_GLOW_STRENGTH) };
        painter.add(glow.as_shape(place, CornerRadius::ZERO));
    }
    painter.rect_filled(place, 0.0, colour);
}
