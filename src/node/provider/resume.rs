//! What an earlier run of the node left unfinished, taken up before new work.

use std::sync::Arc;

use nostr::{Event, JsonUtil as _};

use super::queue::Accepted;
use super::voice::Words;
use super::{Context, Provider, delivery, intake};
use crate::domain::admission::{self, Load, Refusal};
use crate::domain::job::{JobState, Payment, Policy};
use crate::domain::quote::Deal;
use crate::domain::request::JobRequest;
use crate::domain::time::UnixMs;
use crate::node::event::Scope;
use crate::store::{JobRow, OpenInvoice, StoreError, UnfinishedJob};

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
    /// Claimed and not yet quoted: make an invoice.
    Quote,
    /// Waits for its money: send the same invoice again.
    Wait,
    /// Paid, and there will be no answer.
    Owe,
    /// Nothing to do before something happens outside.
    Leave,
}

fn plan(job: &UnfinishedJob, now: UnixMs, patience_ms: u64) -> Plan {
    let (state, seen_at, paid) = (job.state, job.seen_at, job.payment == Payment::Received);
    match state {
        JobState::Answered => Plan::Deliver,
        // Paid work is owed however late it is.
        JobState::Paid => Plan::Run,
        JobState::Running if paid => Plan::Run,
        JobState::Failed if paid => Plan::Owe,
        JobState::Seen if job.policy == Policy::PayFirst && now.since(seen_at) <= patience_ms => Plan::Quote,
        JobState::Quoted => Plan::Wait,
        JobState::Seen | JobState::Running if now.since(seen_at) <= patience_ms => Plan::Run,
        JobState::Seen | JobState::Running => Plan::GiveUp,
        JobState::AwaitingPayment | JobState::RefundDue => Plan::Leave,
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
        let invoices = self.context.store.open_invoices(UnixMs(0)).await.unwrap_or_default();
        let patience_ms = self.settings.limits().job_timeout_secs * 1000;
        for job in unfinished {
            match plan(&job, now, patience_ms) {
                Plan::Deliver => deliver_again(&self.context, job).await,
                Plan::Run => {
                    if let Some(accepted) = self.read_again(&job).await {
                        self.waiting.push(accepted);
                    }
                }
                Plan::Quote => {
                    if let Some(accepted) = self.read_again(&job).await {
                        self.quote(accepted);
                    }
                }
                Plan::Wait => self.wait_again(&job, &invoices),
                Plan::Owe => self.context.owe(job.id, "failed", "The job was paid for and has failed.").await,
                Plan::GiveUp => give_up(&self.context, &job, "expired-while-away", TOO_LATE).await,
                Plan::Leave => {}
            }
        }
        self.reconcile();
    }

    /// A quote waits on. Without its text it cannot be run: it is left to run out, and paid all the same it is owed back.
    fn wait_again(&mut self, job: &UnfinishedJob, invoices: &[OpenInvoice]) {
        let invoice = invoices.iter().find(|invoice| invoice.job == job.id);
        if let (Some(invoice), Ok(accepted)) = (invoice, self.accept_again(job)) {
            self.resume_quote(accepted, invoice);
        }
    }

    /// What was taken, read from the ledger. What cannot be read or run any more is given up and told.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "the provider is Send and not Sync, so a shared one cannot wait")]
    async fn read_again(&mut self, job: &UnfinishedJob) -> Option<Accepted> {
        match self.accept_again(job) {
            Ok(accepted) => Some(accepted),
            // Private mode keeps no text, which is its point.
            Err(None) => {
                give_up(&self.context, job, "text-not-kept", "The node restarted and private mode keeps no prompts.").await;
                None
            }
            Err(Some((request, refusal))) => {
                self.voice.say(&request, Words::Error { reason: &refusal.to_string() });
                give_up(&self.context, job, refusal.code(), &refusal.to_string()).await;
                None
            }
        }
    }

    fn accept_again(&self, job: &UnfinishedJob) -> Result<Accepted, Option<(Box<JobRequest>, Refusal)>> {
        let (request, event) = job.request_json.as_deref().and_then(|json| intake::reread(json, &self.context)).ok_or(None)?;
        let rules = self.settings.rules_for_resuming(request.kind);
        match admission::admit(&request, &rules, Load::default(), self.context.clock.now()) {
            Ok(admitted) => Ok(Accepted { request, admitted, event, deal: Deal { policy: job.policy, price: job.price } }),
            Err(refusal) => Err(Some((Box::new(request), refusal))),
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

async fn give_up(context: &Context, job: &UnfinishedJob, code: &'static str, reason: &str) {
    if job.state == JobState::Paid {
        return context.owe(job.id, code, reason).await;
    }
    gave_up(context, context.store.fail(job.id, code, reason.to_owned(), context.clock.now()).await);
    if job.payment == Payment::Received {
        context.owe(job.id, code, reason).await;
    }
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
    use crate::domain::ids::JobId;
    use crate::domain::money::MilliSats;

    #[test]
    fn each_state_is_taken_up_as_far_as_it_is_safe_to_repeat() {
        let now = UnixMs(1_000_000);
        let planned = |state, policy, payment, seen_at| {
            let job = UnfinishedJob {
                id: JobId([1; 32]),
                state,
                policy,
                payment,
                price: MilliSats(0),
                seen_at: UnixMs(seen_at),
                request_json: None,
                answer_event: None,
            };
            plan(&job, now, 300_000)
        };
        let free = |state, seen_at| planned(state, Policy::Free, Payment::None, seen_at);
        assert_eq!(free(JobState::Answered, 0), Plan::Deliver);
        assert_eq!(free(JobState::Running, 800_000), Plan::Run);
        assert_eq!(free(JobState::Seen, 800_000), Plan::Run);
        assert_eq!(free(JobState::Running, 100_000), Plan::GiveUp);
        assert_eq!(free(JobState::Done, 0), Plan::Leave);
        let paid = |state| planned(state, Policy::PayFirst, Payment::Received, 0);
        assert_eq!((paid(JobState::Paid), paid(JobState::Running), paid(JobState::Failed)), (Plan::Run, Plan::Run, Plan::Owe));
        assert_eq!(planned(JobState::Seen, Policy::PayFirst, Payment::None, 800_000), Plan::Quote);
        assert_eq!(planned(JobState::Quoted, Policy::PayFirst, Payment::None, 0), Plan::Wait);
    }
}
