//! How everything looks: [`tokens`] are the only home of colours, sizes and durations, [`fonts`] ships the type,
//! [`apply`] turns both into an egui style.

pub mod apply;
mod arrange;
pub mod coin;
pub mod fonts;
pub mod tokens;

use bevy::asset::AssetEventSystems;
use bevy::prelude::*;
use bevy_egui::EguiPostUpdateSet;
use bevy_egui::egui::{Context, Id};
use serde::{Deserialize, Serialize};

pub use coin::Coin;
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
///
/// A letter that has never been drawn is added to egui's texture in the frame that first shows it. bevy_egui 0.42 leaves
/// open whether Bevy hears of that in the same frame; if it does not, the letter is missing until the next one, which in a
/// window at rest may be a long time.
pub fn plugin(app: &mut App) {
    app.init_resource::<Theme>();
    app.configure_sets(PostUpdate, EguiPostUpdateSet::PostProcessOutput.before(AssetEventSystems));
    app.add_systems(PreUpdate, apply::apply.in_set(super::HudSystems::Correct).after(super::window::fit));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use crate::hud::pane::PaneKind;
    use crate::hud::panes::sell_compute::Form;
    use crate::hud::testing::Hud;

    #[test]
    fn a_letter_that_was_never_drawn_is_there_in_the_frame_that_first_shows_it() {
        let mut hud = Hud::new();
        let pane = hud.pane(PaneKind::SellCompute);
        let changes = |hud: &Hud| hud.app.world().resource::<Messages<AssetEvent<Image>>>().iter_current_update_messages().count();
        hud.frame();
        assert_eq!(changes(&hud), 0, "nothing new is drawn");
        hud.app.world_mut().get_mut::<Form>(pane).unwrap().prompt = "Ж".into();
        hud.frame();
        hud.assert_shows("Ж");
        assert!(changes(&hud) > 0, "the texture it is in");
    }
}
