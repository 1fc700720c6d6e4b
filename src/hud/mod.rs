//! The window: Bevy for the loop, egui for every pixel.
//!
//! Decisions:
//! - Nothing is drawn while nothing happens. The loop reacts to events only, and [`power`] keeps egui from waking it.
//! - egui paints the backdrop too. A shader would draw it as well, at the price of a second pipeline for 60 lines of mesh.
//! - `main.rs`, not [`HudPlugin`], adds Bevy's own plugins, so that a test can pick a base without a window or a GPU.

pub mod backdrop;
#[cfg(feature = "dev")]
pub mod dev;
pub mod failure;
pub mod power;
pub mod theme;
pub mod window;

use bevy::prelude::*;
use bevy_egui::EguiPreUpdateSet;

/// The order of the window's own systems within a frame.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HudSystems {
    /// In `PreUpdate`, when egui has read the devices and not yet begun its pass: input is corrected and turned into intent.
    Input,
}

/// Everything inside the window. Needs `EguiPlugin` and, for a real window, `DefaultPlugins`.
#[derive(Debug, Default)]
pub struct HudPlugin {
    pub placement: window::Placement,
}

impl Plugin for HudPlugin {
    fn build(&self, app: &mut App) {
        let read_and_not_begun = HudSystems::Input.after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass);
        app.configure_sets(PreUpdate, read_and_not_begun);
        app.add_plugins((theme::plugin, window::plugin, power::plugin, backdrop::plugin));
        if self.placement == window::Placement::Kiosk {
            app.add_observer(window::cover_screen);
        }
        #[cfg(feature = "dev")]
        app.add_plugins(dev::plugin);
    }
}
