//! What concerns panes and slots.

use bevy::prelude::*;

use crate::hud::action::UserAction;
use crate::hud::hotbar::{Flash, Slot};
use crate::hud::pane::PaneKind;
use crate::hud::pane::focus::Arrangement;
use crate::hud::state::{Lock, Session};

/// Obeys what panes have to do with.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut arrangement: Arrangement<'_, '_>,
    mut flashes: Query<'_, '_, (&Slot, &mut Flash)>,
    session: Res<'_, Session>,
    lock: Res<'_, Lock>,
) {
    for action in actions.read() {
        match action {
            // The first question stands alone: no pane has anything to show before it is answered.
            UserAction::Toggle(_) | UserAction::PressSlot(_) | UserAction::Show(_) | UserAction::EnterSlot(_)
                if session.market.is_none() => {}
            UserAction::Toggle(kind) => {
                if let Some(pane) = arrangement.of_kind(*kind) {
                    arrangement.toggle(pane);
                }
            }
            UserAction::PressSlot(index) => {
                if let Some((_, mut flash)) = flashes.iter_mut().find(|(slot, _)| slot.index == *index) {
                    flash.0 = 1.0;
                }
                if let Some(pane) = arrangement.in_slot(*index) {
                    arrangement.toggle(pane);
                }
            }
            UserAction::EnterSlot(index) => {
                if let Some((_, mut flash)) = flashes.iter_mut().find(|(slot, _)| slot.index == *index) {
                    flash.0 = 1.0;
                }
                if let Some(pane) = arrangement.in_slot(*index) {
                    arrangement.open(pane);
                }
            }
            UserAction::Show(kind) => {
                if let Some(pane) = arrangement.of_kind(*kind) {
                    arrangement.open(pane);
                }
            }
            UserAction::CloseAll => arrangement.close_all(),
            UserAction::RaiseNext => arrangement.raise_by(1),
            UserAction::RaisePrevious => arrangement.raise_by(-1),
            UserAction::Focus(pane) => arrangement.focus(*pane),
            UserAction::Close(pane) => arrangement.close(*pane),
            // Whoever leaves the question for a passphrase leaves that and no pane.
            UserAction::CloseActive if lock.is_asking() => {}
            UserAction::CloseActive => arrangement.close_active(),
            UserAction::Drag(pane, by) => arrangement.drag(*pane, *by),
            UserAction::Drop(pane) => arrangement.drop_inside(*pane),
            UserAction::Tidy => arrangement.tidy(),
            UserAction::Resized(window) => arrangement.resize(*window),
            // Whoever enters a market is shown where to begin.
            UserAction::Enter(_) | UserAction::Choose(_) => {
                if let Some(pane) = arrangement.of_kind(PaneKind::SellCompute)
                    && arrangement.none_is_open()
                {
                    arrangement.open(pane);
                }
            }
            UserAction::ChooseAgain if session.may_leave() => arrangement.close_all(),
            _ => {}
        }
    }
}
