//! Keeping what others see of us true, and what we keep small.

use tokio::sync::watch;

use super::Provider;
use super::subscriptions::move_on;
use crate::domain::model::BackendState;
use crate::node::status::{Board, NodeStatus};
use crate::node::trouble::Obstacle;

/// What decides whether we can be reached and whether requests are taken, as it changes.
pub(super) struct Standing {
    board: watch::Receiver<NodeStatus>,
    seen: (Option<Obstacle>, u32),
}

impl Standing {
    pub fn new(board: &Board) -> Self {
        Self { board: board.watch(), seen: (None, 0) }
    }

    /// Returns once something keeps requests out that did not before, or no longer does; and once more relays are there to
    /// hear of it, or fewer.
    pub async fn changed(&mut self) {
        let look = |status: &NodeStatus| (status.obstacle(), status.relays_connected);
        let seen = self.seen;
        let now = self.board.wait_for(|status| look(status) != seen).await.map(|status| look(&status));
        match now {
            Ok(now) => self.seen = now,
            // The board lives as long as the node.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Provider {
    /// Whether what is begun can be written down.
    pub(super) fn can_begin(&self) -> bool {
        self.context.board.obstacle() != Some(Obstacle::Ledger)
    }

    /// What need not be done at once.
    pub(super) async fn upkeep(&mut self) {
        self.show_models();
        if let Some(asked) = self.asked.filter(|_| self.open) {
            move_on(&self.context, asked, self.settings.max_age_secs()).await;
        }
        if self.can_begin() {
            self.sweep();
            self.forget().await;
        }
    }

    /// Keeps what others see of us true: models on the board, the ad on the relays. Called after each job.
    pub(super) fn show_models(&self) {
        let backends = self.context.registry.health();
        let offered = self.settings.menu().offered(&backends);
        self.context.board.update(|status| {
            status.models = offered.clone();
            status.backends_asked = backends.iter().all(|backend| backend.state != BackendState::Unknown);
        });
        if self.open {
            let promised = if self.context.board.obstacle().is_some() { &[] } else { offered.as_slice() };
            self.ad.keep_up(&self.settings, promised);
        } else {
            self.ad.keep_down();
        }
    }

    /// Lets go of what has been kept for long enough.
    async fn forget(&mut self) {
        // By a clock that is put ahead all of it would be old. Whether it is, relays tell.
        if self.context.is_skewed() || self.context.board.now().relays_connected == 0 {
            return;
        }
        let now = self.context.clock.now();
        self.buyers.forget_before(now);
        let pruned = self.context.store.prune_seen(now.minus_ms(self.settings.memory_ms())).await;
        let forgotten = self.context.store.forget_text(now.minus_ms(self.settings.keep_text_ms())).await;
        if let Err(error) = pruned.and(forgotten) {
            tracing::warn!("The ledger could not be tidied: {error}.");
        }
    }

    pub(super) fn show_load(&self) {
        let (running, waiting) = (self.running.len(), self.waiting.len() + self.claiming);
        self.context.board.update(|status| {
            status.in_flight = u32::try_from(running).unwrap_or(u32::MAX);
            status.queued = u32::try_from(waiting).unwrap_or(u32::MAX);
        });
    }
}
