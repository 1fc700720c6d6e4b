//! Getting a stored answer onto a relay, however long that takes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::Event;

use super::Context;
use crate::domain::ids::JobId;
use crate::store::{Publication, PublicationKind, StoreError};

/// The first pause after an attempt no relay took; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Publishes an answer until a relay has taken it. The event is the stored one, signature and all: however often this
/// is begun again, relays and buyers see one answer.
pub fn spawn(context: &Arc<Context>, job: JobId, event: Event, relays: Vec<String>) {
    let delivery = Delivery { context: Arc::clone(context), job, event, relays };
    context.board.update(|status| status.undelivered += 1);
    context.tasks.spawn("delivery", delivery.run());
}

struct Delivery {
    context: Arc<Context>,
    job: JobId,
    event: Event,
    relays: Vec<String>,
}

impl Delivery {
    async fn run(self) {
        let token = self.context.tasks.token().clone();
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::select! {
                () = token.cancelled() => return,
                taken = self.attempt() => if taken { return },
            }
            tracing::info!(job = %self.job.short(), "No relay took the answer; it is sent again in {} s.", pause.as_secs());
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends once to every relay and notes what each says. True when the job is done with.
    async fn attempt(&self) -> bool {
        let mut outcomes = self.context.relays.publish(self.event.clone(), self.relays.clone());
        let mut taken = false;
        while let Some(published) = outcomes.next().await {
            let accepted = published.outcome.is_ok();
            self.note(published).await;
            if accepted && !taken {
                taken = self.delivered().await;
            }
        }
        taken
    }

    async fn note(&self, published: crate::domain::relay::Published) {
        let row = Publication {
            job: self.job,
            event_id: self.event.id.to_bytes(),
            what: PublicationKind::Result,
            relay: published.relay,
            outcome: published.outcome,
            at: self.context.clock.now(),
        };
        if let Err(error) = self.context.store.record_publication(row).await {
            tracing::warn!(job = %self.job.short(), "A relay's outcome was not recorded: {error}.");
        }
    }

    /// The first relay has it: the job is done. False when the ledger could not say so; then it is sent again later.
    async fn delivered(&self) -> bool {
        match self.context.store.deliver(self.job, self.context.clock.now()).await {
            Ok(row) => self.context.tell_job(row),
            // Another attempt of ours was first.
            Err(StoreError::Illegal(_)) => return true,
            Err(error) => {
                self.context.ledger_fault("a delivery", &error);
                return false;
            }
        }
        self.context.board.update(|status| {
            status.undelivered = status.undelivered.saturating_sub(1);
            status.done += 1;
        });
        true
    }
}
