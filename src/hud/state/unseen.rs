//! What has come and was not looked at yet: payments until the Wallet is opened, jobs until Job History is.

use std::collections::VecDeque;

use bevy::prelude::*;

use super::Reduce;
use crate::domain::ids::JobId;
use crate::domain::payment::Direction;
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::FromNode;
use crate::hud::pane::motion::Goal;
use crate::hud::pane::{Pane, PaneKind, PaneMotion};
use crate::node::NodeEvent;

/// Payments remembered, so that one that is told twice counts once.
const REMEMBERED: usize = 64;

#[derive(Resource, Debug, Clone, Default)]
pub struct Unseen {
    pub payments: u32,
    pub jobs: u32,
    /// How often money has come in since the market was entered: when this changes, some has.
    pub received: u64,
    settled: VecDeque<String>,
    /// The newest job there was.
    newest: Option<(UnixMs, JobId)>,
}

impl Reduce for Unseen {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match &said.event {
            // What was asked for is no news.
            NodeEvent::Payment { payment }
                if said.answers.is_none()
                    && payment.direction == Direction::In
                    && payment.is_settled()
                    && !self.settled.contains(&payment.id) =>
            {
                self.settled.push_front(payment.id.clone());
                self.settled.truncate(REMEMBERED);
                self.payments = self.payments.saturating_add(1);
                self.received += 1;
            }
            NodeEvent::JobChanged { job } => {
                let at = Some((job.seen_at, job.id));
                if at > self.newest {
                    self.newest = at;
                    self.jobs = self.jobs.saturating_add(1);
                }
            }
            NodeEvent::Jobs { page } => {
                self.newest = page.rows.iter().map(|job| Some((job.seen_at, job.id))).max().flatten().max(self.newest);
            }
            _ => {}
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, look.in_set(HudSystems::Rest));
}

/// What a pane shows that is open, is seen.
fn look(panes: Query<'_, '_, (&Pane, &PaneMotion)>, mut unseen: ResMut<'_, Unseen>) {
    if unseen.payments == 0 && unseen.jobs == 0 {
        return;
    }
    for (pane, _) in panes.iter().filter(|(_, motion)| motion.goal == Goal::Open) {
        match pane.0 {
            PaneKind::Wallet => unseen.payments = 0,
            PaneKind::JobHistory => unseen.jobs = 0,
            _ => {}
        }
    }
}
