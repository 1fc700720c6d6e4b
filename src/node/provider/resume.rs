//! What an earlier run of the node left unfinished, taken up before new work.

use std::sync::Arc;

use nostr::{Event, JsonUtil as _};

use super::queue::Accepted;
use super::voice::Words;
use super::{Context, Provider, delivery, intake};
use crate::domain::admission::{self, Load};
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::domain::time::UnixMs;
use crate::node::event::Scope;
use crate::store::{JobRow, StoreError, UnfinishedJob};

const TOO_LATE: &str = "The node was away for longer than the job may take.";

/// What to do with a job found unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// The answer is stored: send that one again.
    Deliver,
    /// Nothing is stored and there is still time: run it again.
    Run,
    /// The buyer has long given up.
    GiveUp,
    /// Waits for money, which is not this room's to judge.
    Leave,
}

fn plan(state: JobState, seen_at: UnixMs, now: UnixMs, patience_ms: u64) -> Plan {
    match state {
        JobState::Answered => Plan::Deliver,
        // Paid work is owed however late it is.
        JobState::Paid => Plan::Run,
        JobState::Seen | JobState::Running if now.since(seen_at) <= patience_ms => Plan::Run,
        JobState::Seen | JobState::Running => Plan::GiveUp,
        JobState::Quoted | JobState::AwaitingPayment | JobState::RefundDue => Plan::Leave,
        JobState::Refused
        | JobState::Expired
        | JobState::Done
        | JobState::Failed
        | JobState::Refunded
        | JobState::WrittenOff
        | JobState::Settled
        | JobState::Unpaid
        | JobState::Cancelled => Plan::Leave,
    }
}

impl Provider {
    /// Takes up every unfinished job, oldest first.
    pub(super) async fn resume(&mut self) {
        let unfinished = match self.context.store.unfinished().await {
            Ok(unfinished) => unfinished,
            Err(error) => return self.context.ledger_fault("what was left unfinished", &error),
        };
        let now = self.context.clock.now();
        let patience_ms = self.settings.limits().job_timeout_secs * 1000;
        for job in unfinished {
            match plan(job.state, job.seen_at, now, patience_ms) {
                Plan::Deliver => deliver_again(&self.context, job).await,
                Plan::Run => self.run_again(job).await,
                Plan::GiveUp => give_up(&self.context, job.id, "expired-while-away", TOO_LATE).await,
                Plan::Leave => {}
            }
        }
    }

    async fn run_again(&mut self, job: UnfinishedJob) {
        let Some((request, event)) = job.request_json.as_deref().and_then(|json| intake::reread(json, &self.context)) else {
            // Private mode keeps no text, which is its point.
            return give_up(&self.context, job.id, "text-not-kept", "The node restarted and private mode keeps no prompts.").await;
        };
        match admission::admit(&request, &self.settings.rules_for_resuming(request.kind), Load::default(), self.context.clock.now()) {
            Ok(admitted) => self.waiting.push(Accepted { request, admitted, event }),
            Err(refusal) => {
                self.voice.say(&request, Words::Error { reason: &refusal.to_string() });
                give_up(&self.context, job.id, refusal.code(), &refusal.to_string()).await;
            }
        }
    }
}

/// Sends the stored answer. Without one there is nothing to send: private mode keeps answers in memory alone.
async fn deliver_again(context: &Arc<Context>, job: UnfinishedJob) {
    match job.answer_event.as_deref().map(Event::from_json) {
        Some(Ok(event)) => {
            let request = job.request_json.as_deref().and_then(|json| intake::reread(json, context));
            delivery::spawn(context, job.id, event, request.map(|(request, _)| request.relays).unwrap_or_default());
        }
        Some(Err(_)) => {
            let message = format!("The stored answer of the job {} cannot be read.", job.id.short());
            context.outlet.fault(Scope::Ledger, message, "Run `pylon doctor`; the ledger may be damaged.");
        }
        None => {
            let reason = "The node restarted before a relay took the answer, and private mode keeps no answers.";
            gave_up(context, context.store.lose_answer(job.id, reason.to_owned(), context.clock.now()).await);
        }
    }
}

async fn give_up(context: &Context, id: JobId, code: &'static str, reason: &str) {
    gave_up(context, context.store.fail(id, code, reason.to_owned(), context.clock.now()).await);
}

fn gave_up(context: &Context, written: Result<JobRow, StoreError>) {
    match written {
        Ok(row) => {
            context.board.update(|status| status.failed += 1);
            context.tell_job(row);
        }
        Err(error) => context.ledger_fault("a job that cannot be resumed", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_taken_up_as_far_as_it_is_safe_to_repeat() {
        let now = UnixMs(1_000_000);
        let patience = 300_000;
        assert_eq!(plan(JobState::Answered, UnixMs(0), now, patience), Plan::Deliver);
        assert_eq!(plan(JobState::Running, UnixMs(800_000), now, patience), Plan::Run);
        assert_eq!(plan(JobState::Seen, UnixMs(800_000), now, patience), Plan::Run);
        assert_eq!(plan(JobState::Running, UnixMs(100_000), now, patience), Plan::GiveUp);
        assert_eq!(plan(JobState::Paid, UnixMs(0), now, patience), Plan::Run);
        assert_eq!(plan(JobState::Done, UnixMs(0), now, patience), Plan::Leave);
    }
}
