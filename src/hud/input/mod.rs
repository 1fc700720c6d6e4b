//! From devices to intent. Mouse and touch need nothing here: egui reads them itself.

mod keyboard;

use bevy::prelude::*;

use super::HudSystems;

/// Reads the devices.
pub fn plugin(app: &mut App) {
    app.add_systems(PreUpdate, keyboard::read.in_set(HudSystems::Input));
}
