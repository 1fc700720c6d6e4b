//! How everything looks: [`tokens`] are the only home of colours, sizes and durations, [`fonts`] ships the type,
//! [`apply`] turns both into an egui style.

pub mod apply;
mod arrange;
pub mod fonts;
pub mod tokens;

use bevy::prelude::*;
use bevy_egui::egui::{Context, Id};
use serde::{Deserialize, Serialize};

pub use fonts::{Text, Weight};
pub use tokens::Palette;

/// Which palette.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    #[default]
    Night,
    HighContrast,
}

impl Look {
    pub const fn palette(self) -> Palette {
        match self {
            Self::Night => tokens::NIGHT,
            Self::HighContrast => tokens::HIGH_CONTRAST,
        }
    }
}

/// Where [`apply`] leaves the palette for whatever draws: widgets take no theme as an argument.
fn palette_id() -> Id {
    Id::new("palette")
}

/// The palette in force in this context. A context nobody has styled is a night.
pub fn palette(context: &Context) -> Palette {
    context.data(|data| data.get_temp(palette_id())).unwrap_or(tokens::NIGHT)
}

/// The least height of anything to press in this context.
pub fn hit(context: &Context) -> f32 {
    context.data(|data| data.get_temp(hit_id())).unwrap_or(tokens::ROW)
}

fn hit_id() -> Id {
    Id::new("hit")
}

/// The look in force.
#[derive(Resource, Debug, Clone)]
pub struct Theme {
    pub palette: Palette,
    /// The least height of anything to press, in points. A kiosk's fingers need more.
    pub hit: f32,
}

impl Default for Theme {
    fn default() -> Self {
        Self { palette: tokens::NIGHT, hit: tokens::ROW }
    }
}

/// Puts the theme into every egui context, the pass before it is first drawn: fonts take effect one pass later.
pub fn plugin(app: &mut App) {
    app.init_resource::<Theme>();
    app.add_systems(PreUpdate, apply::apply.in_set(super::HudSystems::Input));
}
