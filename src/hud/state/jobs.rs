//! Jobs that are under way.

use std::collections::BTreeMap;

use bevy::prelude::*;

use super::Reduce;
use crate::domain::ids::JobId;
use crate::domain::job::Standing;
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::NodeEvent;
use crate::store::JobRow;

/// Jobs under way, by their ids.
#[derive(Resource, Debug, Clone, Default)]
pub struct Jobs {
    pub under_way: BTreeMap<JobId, Flight>,
    /// The node works.
    is_running: bool,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Flight {
    pub row: JobRow,
    /// `None` until the model has said something.
    pub progress: Option<Progress>,
}

/// How far its answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub tokens: u32,
    pub max_tokens: u32,
    /// The end of what there is.
    pub tail: String,
}

impl Jobs {
    fn put(&mut self, row: &JobRow) {
        let progress = self.under_way.remove(&row.id).and_then(|flight| flight.progress);
        self.under_way.insert(row.id, Flight { row: row.clone(), progress });
    }

    /// The oldest first.
    pub fn in_order(&self) -> Vec<&Flight> {
        let mut flights: Vec<&Flight> = self.under_way.values().collect();
        flights.sort_by_key(|flight| (flight.row.seen_at, flight.row.id));
        flights
    }
}

impl Reduce for Jobs {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match &said.event {
            NodeEvent::JobChanged { job } if is_over(job) => {
                self.under_way.remove(&job.id);
            }
            NodeEvent::JobChanged { job } => self.put(job),
            // Jobs that a node outside had before it was reached: nothing else tells of them until they change.
            NodeEvent::Jobs { page } if self.is_running => page.rows.iter().filter(|job| !is_over(job)).for_each(|job| self.put(job)),
            NodeEvent::Link { link } if link.reached().is_some() => self.under_way.clear(),
            NodeEvent::JobProgress { job, tokens, max_tokens, tail, chars: _ } => {
                if let Some(flight) = self.under_way.get_mut(job) {
                    flight.progress = Some(Progress { tokens: *tokens, max_tokens: *max_tokens, tail: tail.clone() });
                }
            }
            // A stopped node works on nothing; what it left is in the ledger.
            NodeEvent::Status { status } => {
                self.is_running = status.running;
                if !status.running {
                    self.under_way.clear();
                }
            }
            _ => {}
        }
    }
}

fn is_over(job: &JobRow) -> bool {
    Standing { state: job.state, policy: job.policy, payment: job.payment }.is_final()
}
