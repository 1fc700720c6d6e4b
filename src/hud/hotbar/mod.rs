//! The hotbar: nine slots at the lower edge, each an entity that may open a pane.

mod draw;
pub mod hint;
mod list;
mod live;
pub mod row;
#[cfg(test)]
mod tests;

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::egui::Id;

use super::HudSystems;
use super::pane::motion::{Moving, elapsed};
use super::pane::{Pane, PaneKind, SLOTS};
use super::prefs::Preferences;
use super::theme::tokens;
pub use draw::draw;
pub use hint::Hint;
pub use list::view as list;
pub use row::Row;

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

/// What egui knows a slot by: whatever gives it the keys gives them to this.
pub fn slot_id(index: usize) -> Id {
    Id::new(("slot", index))
}

/// Which pane is in which slot.
#[derive(SystemParam)]
pub struct Assigned<'w, 's> {
    slots: Query<'w, 's, (&'static Slot, &'static Opens)>,
    panes: Query<'w, 's, &'static Pane>,
}

impl Assigned<'_, '_> {
    pub fn kinds(&self) -> [Option<PaneKind>; SLOTS] {
        let mut kinds = [None; SLOTS];
        for (slot, opens) in &self.slots {
            if let Some(kind) = kinds.get_mut(slot.index) {
                *kind = self.panes.get(opens.0).ok().map(|pane| pane.0);
            }
        }
        kinds
    }
}

/// Slots as entities.
pub fn plugin(app: &mut App) {
    app.init_resource::<Hint>();
    app.add_systems(PostStartup, spawn);
    app.add_systems(Update, (release, fade, hint::wait).chain().in_set(HudSystems::Move));
}

/// After the panes: a slot knows its pane.
fn spawn(mut commands: Commands<'_, '_>, preferences: Res<'_, Preferences>, panes: Query<'_, '_, (Entity, &Pane)>) {
    let row = Row::kept(&preferences.layout, |kind| panes.iter().find(|(_, pane)| pane.0 == kind).map(|(entity, _)| entity));
    for (index, pane) in row.0.into_iter().enumerate() {
        let mut slot = commands.spawn((Name::new(format!("Slot {}", index + 1)), Slot { index }));
        if let Some(pane) = pane {
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
