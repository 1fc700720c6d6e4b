//! How everything looks: [`tokens`] are the only home of colours, sizes and durations, [`fonts`] ships the type,
//! [`apply`] turns both into an egui style.

pub mod apply;
pub mod fonts;
pub mod tokens;

use bevy::prelude::*;

pub use fonts::{Text, Weight};
pub use tokens::Palette;

/// The look in force.
#[derive(Resource, Debug, Clone)]
pub struct Theme {
    pub palette: Palette,
}

impl Default for Theme {
    fn default() -> Self {
        Self { palette: tokens::NIGHT }
    }
}

/// Puts the theme into every egui context, the pass before it is first drawn: fonts take effect one pass later.
pub fn plugin(app: &mut App) {
    app.init_resource::<Theme>();
    app.add_systems(PreUpdate, apply::apply.in_set(super::HudSystems::Input));
}
