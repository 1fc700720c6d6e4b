//! What concerns slots.

use bevy::prelude::*;
use bevy::time::Real;
use bevy_egui::{EguiContext, PrimaryEguiContext};

use crate::hud::action::UserAction;
use crate::hud::hotbar::{Hint, Opens, Row, Slot, slot_id};
use crate::hud::input::Focus;
use crate::hud::pane::tile::Toward;
use crate::hud::pane::{ActivePane, Pane, PaneKind, SLOTS};

/// Obeys what slots have to do with, and puts the panes into them as they are afterwards.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut commands: Commands<'_, '_>,
    mut hint: ResMut<'_, Hint>,
    mut contexts: Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>,
    slots: Query<'_, '_, (Entity, &Slot, Option<&Opens>)>,
    panes: Query<'_, '_, (Entity, &Pane)>,
    mut focus: ResMut<'_, Focus>,
    active: Res<'_, ActivePane>,
    time: Res<'_, Time<Real>>,
) {
    let before = held(&slots);
    let mut row = before;
    let of_kind = |kind: PaneKind| panes.iter().find(|(_, pane)| pane.0 == kind).map(|(entity, _)| entity);
    for action in actions.read() {
        match action {
            UserAction::PointAtSlot(slot) => hint.point(*slot, time.elapsed()),
            UserAction::SwapSlots(one, other) => row.swap(*one, *other),
            UserAction::AssignSlot(index, kind) => row.assign(*index, kind.and_then(of_kind)),
            UserAction::ResetHud => row = Row::at_first(of_kind),
            UserAction::MoveSlot(toward) => {
                let focused = focused(&mut contexts);
                let of_active = || row.0.iter().position(|pane| pane.is_some() && *pane == active.0);
                let Some(index) = focused.or_else(of_active) else { continue };
                let Some(other) = neighbour(index, *toward) else { continue };
                row.swap(index, other);
                if focused.is_some() {
                    // The keys go along with what they moved.
                    (focus.slot, focus.at) = (other, Some(slot_id(other)));
                    for mut context in &mut contexts {
                        context.get_mut().memory_mut(|memory| memory.request_focus(slot_id(other)));
                    }
                }
            }
            _ => {}
        }
    }
    for (entity, slot, _) in &slots {
        let (was, is) = (before.0.get(slot.index).copied().flatten(), row.0.get(slot.index).copied().flatten());
        match is {
            _ if was == is => {}
            Some(pane) => drop(commands.entity(entity).insert(Opens(pane)).id()),
            None => drop(commands.entity(entity).remove::<Opens>().id()),
        }
    }
}

fn held(slots: &Query<'_, '_, (Entity, &Slot, Option<&Opens>)>) -> Row {
    let mut row = Row::default();
    for (_, slot, opens) in slots {
        if let Some(held) = row.0.get_mut(slot.index) {
            *held = opens.map(|opens| opens.0);
        }
    }
    row
}

/// The slot that has the keys.
fn focused(contexts: &mut Query<'_, '_, &mut EguiContext, With<PrimaryEguiContext>>) -> Option<usize> {
    let mut context = contexts.iter_mut().next()?;
    let focused = context.get_mut().memory(|memory| memory.focused())?;
    (0..SLOTS).find(|index| slot_id(*index) == focused)
}

fn neighbour(index: usize, toward: Toward) -> Option<usize> {
    match toward {
        Toward::Left => index.checked_sub(1),
        Toward::Right => Some(index + 1).filter(|next| *next < SLOTS),
        Toward::Up | Toward::Down => None,
    }
}
