//! Job History: the ledger's newest jobs, live, and what they add up to.

mod summary;
mod table;
#[cfg(test)]
mod tests;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};
use serde::{Deserialize, Serialize};

use super::job_detail;
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::hud::action::UserAction;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Details, History, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::field::Heard;
use crate::hud::widgets::scroll::{self, Scrolled};
use crate::hud::widgets::{Ink, Signal, Wishes, button, field};
use crate::node::NodeCommand;
use crate::store::JobsQuery;

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct JobHistory;

/// What is looked at in it.
#[derive(Component, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    /// The job whose timeline is shown in the place of the table.
    pub job: Option<JobId>,
    /// How far the table is scrolled.
    pub scrolled: Scrolled,
}

pub fn draw(
    mut pane: PaneUi<'_, '_, JobHistory>,
    history: Res<'_, History>,
    details: Res<'_, Details>,
    session: Res<'_, Session>,
    mut forms: Query<'_, '_, &mut Form, With<JobHistory>>,
) -> Result {
    pane.show(Body::Fits, |ui, entity, wishes| {
        if let Ok(mut form) = forms.get_mut(entity) {
            view(ui, &history, &details, &session, form.bypass_change_detection(), wishes);
        }
    })
}

/// Draws the content: one job if one is wanted, all of them otherwise.
pub fn view(ui: &mut Ui, history: &History, details: &Details, session: &Session, form: &mut Form, wishes: &mut Wishes) {
    if let Some(job) = form.job {
        return one(ui, job, details, wishes);
    }
    if let Some(trouble) = history.trouble() {
        ui.add(Label::new(Ink::of(ui).signal(Signal::Bad, Text::Table, format!("The ledger could not be read. {trouble}"))).wrap());
    }
    summary::view(ui, history);
    if history.rows.is_empty() {
        let heard = Heard::of(history.is_known, session.awaits(&NodeCommand::Jobs { query: JobsQuery::default() }));
        return field::none(ui, heard, "No jobs yet. They appear here as they arrive.");
    }
    table::view(ui, history, session, &mut form.scrolled, wishes);
}

/// One job in the place of the table, and the ways out of it.
fn one(ui: &mut Ui, job: JobId, details: &Details, wishes: &mut Wishes) {
    ui.horizontal_wrapped(|ui| {
        if button::small(ui, "← All jobs").clicked() {
            wishes.wish(UserAction::ShowJob(None));
        }
        if button::small(ui, "Open in a pane of its own").clicked() {
            wishes.wish(UserAction::OpenJob(job));
            wishes.wish(UserAction::ShowJob(None));
        }
    });
    scroll::vertical(ui, |ui, area| {
        area.id_salt(job).show(ui, |ui| job_detail::view(ui, job, details.of(job), wishes));
    });
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
