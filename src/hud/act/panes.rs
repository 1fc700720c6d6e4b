//! What concerns panes and slots.

use bevy::prelude::*;

use crate::hud::action::UserAction;
use crate::hud::hotbar::{Flash, Slot};
use crate::hud::pane::arranging::Ending;
use crate::hud::pane::focus::Arrangement;
use crate::hud::pane::placing;
use crate::hud::pane::spawn::Asleep;
use crate::hud::panes::job_history;
use crate::hud::state::{Lock, Notices, Now, Session, Tone};

/// Obeys what panes have to do with.
pub fn obey(
    mut actions: PopulatedMessageReader<'_, '_, UserAction>,
    mut arrangement: Arrangement<'_, '_>,
    mut flashes: Query<'_, '_, (&Slot, &mut Flash)>,
    mut histories: Query<'_, '_, &mut job_history::Form>,
    mut asleep: ResMut<'_, Asleep>,
    mut notices: ResMut<'_, Notices>,
    session: Res<'_, Session>,
    lock: Res<'_, Lock>,
    now: Res<'_, Now>,
) {
    for action in actions.read() {
        match action {
            // The first question stands alone: no pane has anything to show before it is answered.
            UserAction::Toggle(_)
            | UserAction::PressSlot(_)
            | UserAction::Show(_)
            | UserAction::EnterSlot(_)
            | UserAction::OpenJob(_)
            | UserAction::ResetHud
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
            // Whoever leaves while a pane is arranged by keys leaves that.
            UserAction::CloseActive if arrangement.is_arranging() => arrangement.end_arranging(Ending::Back),
            UserAction::CloseActive => arrangement.close_active(),
            UserAction::OpenJob(job) => arrangement.open_job(*job),
            UserAction::ShowJob(job) => histories.iter_mut().for_each(|mut form| form.job = *job),
            UserAction::Arrange(_) | UserAction::Tile(_) | UserAction::Maximise if arrangement.none_is_active() => {
                notices.tell(now.0, Tone::Good, "No pane is open.", "Open one first: this is about the active pane.");
            }
            UserAction::Enter(market) | UserAction::Choose(market) => asleep.entered = Some(*market),
            UserAction::ChooseAgain if session.may_leave() => arrangement.close_all(),
            other => placing::obey(&mut arrangement, other),
        }
    }
}
