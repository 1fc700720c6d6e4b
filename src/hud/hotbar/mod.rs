//! The hotbar: nine slots at the lower edge, each an entity that may open a pane.

mod draw;

use bevy::prelude::*;

use super::HudSystems;
use super::pane::motion::{Moving, elapsed};
use super::pane::{PANES, Pane, SLOTS};
use super::prefs::Preferences;
use super::theme::tokens;
pub use draw::draw;

/// A slot of the hotbar, 0 to 8.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
#[require(Flash)]
pub struct Slot {
    pub index: usize,
}

/// The pane this slot opens. Without it the slot is empty.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opens(pub Entity);

/// How much is left of the flash of a press, 1 to 0.
#[derive(Component, Debug, Clone, Copy, Default, PartialEq)]
pub struct Flash(pub f32);

/// Slots as entities.
pub fn plugin(app: &mut App) {
    app.add_systems(PostStartup, spawn);
    app.add_systems(Update, (release, fade).chain().in_set(HudSystems::Move));
}

/// After the panes: a slot knows its pane.
fn spawn(mut commands: Commands<'_, '_>, panes: Query<'_, '_, (Entity, &Pane)>) {
    for index in 0..SLOTS {
        let kind = PANES.iter().find(|spec| spec.slot == index).map(|spec| spec.kind);
        let pane = kind.and_then(|kind| panes.iter().find(|(_, pane)| pane.0 == kind));
        let mut slot = commands.spawn((Name::new(format!("Slot {}", index + 1)), Slot { index }));
        if let Some((pane, _)) = pane {
            slot.insert(Opens(pane));
        }
    }
}

/// A slot whose pane is no more is empty.
fn release(mut commands: Commands<'_, '_>, slots: Query<'_, '_, (Entity, &Opens)>, panes: Query<'_, '_, (), With<Pane>>) {
    for (slot, opens) in &slots {
        if !panes.contains(opens.0) {
            commands.entity(slot).remove::<Opens>();
        }
    }
}

/// Lets the flash of a press go out.
fn fade(preferences: Res<'_, Preferences>, mut moving: ResMut<'_, Moving>, mut flashes: Query<'_, '_, &mut Flash>) {
    for mut flash in &mut flashes {
        if flash.0 > 0.0 {
            flash.0 = (flash.0 - elapsed(moving.by, tokens::SLOT_FLASH, preferences.motions)).max(0.0);
            if flash.0 > 0.0 {
                moving.go_on();
            }
        }
    }
}
