//! Job History: the ledger's newest jobs, live, and what they add up to.

mod detail;
mod summary;
mod table;
#[cfg(test)]
mod tests;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};

use crate::domain::job::JobState;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{History, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Signal, Wishes, field};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct JobHistory;

pub fn draw(mut pane: PaneUi<'_, '_, JobHistory>, history: Res<'_, History>, session: Res<'_, Session>) -> Result {
    pane.show(Body::Fits, |ui, _, wishes| view(ui, &history, &session, wishes))
}

/// Draws the content: one job if one is wanted, all of them otherwise.
pub fn view(ui: &mut Ui, history: &History, session: &Session, wishes: &mut Wishes) {
    if let Some(wanted) = history.wanted {
        return detail::view(ui, wanted, history.detail.as_deref(), wishes);
    }
    if let Some(trouble) = &history.trouble {
        ui.add(Label::new(Ink::of(ui).signal(Signal::Bad, Text::Table, format!("The ledger could not be read. {trouble}"))).wrap());
    }
    summary::view(ui, history);
    if history.rows.is_empty() {
        field::nothing(ui, "No jobs yet. They appear here as they arrive.");
        return;
    }
    table::view(ui, history, session, wishes);
}

/// What the colour of a job's state is.
pub const fn state_signal(state: JobState) -> Signal {
    match state {
        JobState::Seen | JobState::Refused | JobState::Cancelled | JobState::WrittenOff => Signal::Quiet,
        JobState::Quoted | JobState::Paid | JobState::Running | JobState::Answered | JobState::AwaitingPayment => Signal::Info,
        JobState::Done | JobState::Settled => Signal::Good,
        JobState::Expired | JobState::Unpaid | JobState::Refunded => Signal::Warning,
        JobState::Failed | JobState::RefundDue => Signal::Bad,
    }
}
