//! A QR code: dark modules on light, whatever the theme, because cameras want it so.

use bevy_egui::egui::{Rect, Sense, Ui, Vec2, vec2};
use qrcode::{Color, EcLevel, QrCode};

use super::Ink;
use crate::hud::theme::tokens;

/// Modules of quiet around the code.
const QUIET: usize = 4;

/// Draws a text as a code, as large as there is room up to [`tokens::QR`]. Nothing where it is too long for one.
pub fn qr(ui: &mut Ui, text: &str) {
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L) else { return };
    let modules = code.width() + 2 * QUIET;
    // Whole points for each module: a camera reads edges.
    let point = (tokens::QR.min(ui.available_width()) / modules as f32).floor().max(1.0);
    let (area, _) = ui.allocate_exact_size(Vec2::splat(point * modules as f32), Sense::hover());
    let palette = Ink::of(ui).0;
    ui.painter().rect_filled(area, 0.0, palette.text_high);
    for (index, colour) in code.to_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            let (x, y) = (index % code.width() + QUIET, index / code.width() + QUIET);
            let at = area.min + vec2(x as f32, y as f32) * point;
            ui.painter().rect_filled(Rect::from_min_size(at, Vec2::splat(point)), 0.0, palette.text_inverse);
        }
    }
}
