//! Jobs that are looked at one by one: their timelines, asked for when one is wanted and again when its job changes.

use std::collections::{BTreeMap, BTreeSet};

use bevy::prelude::*;

use super::{Reduce, Session};
use crate::domain::ids::JobId;
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::action::UserAction;
use crate::hud::bridge::FromNode;
use crate::hud::pane::Shows;
use crate::hud::panes::job_history;
use crate::node::{NodeCommand, NodeEvent};
use crate::store::JobDetail;

/// What is known of the jobs that are looked at.
#[derive(Resource, Debug, Clone, Default)]
pub struct Details {
    known: BTreeMap<JobId, Detail>,
    /// Asked for, and not changed since.
    asked: BTreeSet<JobId>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// `None` until the ledger has answered.
    pub job: Option<Box<JobDetail>>,
    /// Why it could not be read.
    pub trouble: Option<String>,
}

impl Details {
    /// What is known of a job.
    pub fn of(&self, job: JobId) -> Option<&Detail> {
        self.known.get(&job)
    }

    /// Knows these jobs and no others. Returns those that are to be asked for.
    fn want(&mut self, jobs: &BTreeSet<JobId>) -> Vec<JobId> {
        self.known.retain(|job, _| jobs.contains(job));
        self.asked.retain(|job| jobs.contains(job));
        jobs.iter().copied().filter(|job| self.asked.insert(*job)).collect()
    }
}

impl Reduce for Details {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match (&said.answers, &said.event) {
            (_, NodeEvent::JobDetail { job }) => {
                self.known.insert(job.record.id, Detail { job: Some(job.clone()), trouble: None });
            }
            (_, NodeEvent::JobChanged { job }) => {
                self.asked.remove(&job.id);
            }
            (Some(NodeCommand::Job { job }), NodeEvent::Failed { failure }) => {
                if let Ok(job) = job.parse() {
                    let words = std::iter::once(&failure.message).chain(&failure.hints).cloned().collect::<Vec<_>>().join(" ");
                    self.known.entry(job).or_default().trouble = Some(words);
                }
            }
            // Somebody else may know it.
            (_, NodeEvent::Link { link }) if link.reached().is_some() => self.asked.clear(),
            _ => {}
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, look_up.in_set(HudSystems::Ask));
}

/// Asks for what some pane shows.
fn look_up(
    session: Res<'_, Session>,
    shown: Query<'_, '_, &Shows>,
    histories: Query<'_, '_, &job_history::Form>,
    mut details: ResMut<'_, Details>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    let wanted: BTreeSet<JobId> = shown.iter().map(|shows| shows.0).chain(histories.iter().filter_map(|form| form.job)).collect();
    if session.market.is_none() || !session.link.is_up() || (wanted.is_empty() && details.known.is_empty()) {
        return;
    }
    let missing = details.want(&wanted);
    actions.write_batch(missing.into_iter().map(|job| UserAction::Ask(NodeCommand::Job { job: job.to_string() })));
}
