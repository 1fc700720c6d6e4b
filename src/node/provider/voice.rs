//! What the provider says to buyers: kind 7000 feedback, in the order it was said.
//!
//! Feedback is a courtesy and never holds up a job: it is sent beside the work, a relay that is slow with it delays
//! nobody, and what a full line cannot take is dropped. It goes to our own relays: the ones a buyer names get the answer,
//! not every piece of it. The answer itself does not go this way; see `delivery`.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, SelectAll};
use nostr::Event;
use tokio::sync::mpsc;

use super::{Context, WriteError};
use crate::domain::ids::JobId;
use crate::domain::relay::Published;
use crate::domain::request::JobRequest;
use crate::nip90::amount::Amount;
use crate::nip90::feedback::{self, FeedbackDraft, Status};
use crate::store::{Publication, PublicationKind};

/// Feedback that may wait for its turn. Beyond it, refusals of a flood go unsaid.
const BACKLOG: usize = 256;

struct Saying {
    job: JobId,
    event: Event,
}

/// A way to speak to buyers. Cheap to clone.
#[derive(Clone)]
pub struct Voice {
    line: mpsc::Sender<Saying>,
    context: Arc<Context>,
}

impl Voice {
    /// Starts the task that speaks.
    pub fn spawn(context: &Arc<Context>) -> Self {
        let (line, sayings) = mpsc::channel(BACKLOG);
        context.tasks.spawn("feedback", speak(Arc::clone(context), sayings));
        Self { line, context: Arc::clone(context) }
    }

    /// Says something about a job to its buyer. Never waits.
    pub fn say(&self, request: &JobRequest, words: Words<'_>) {
        let draft = words.on(FeedbackDraft::on(request, words.status(), self.context.clock.now()));
        self.send(&draft);
    }

    /// Says why a request that names us could not be read.
    pub fn refuse_unreadable(&self, event: &Event, reason: &str) {
        let words = Words::Error { reason };
        self.send(&words.on(FeedbackDraft::on_unreadable(event, words.status(), self.context.clock.now())));
    }

    /// What would be said, signed, for whoever sends it himself.
    pub fn write(&self, request: &JobRequest, words: Words<'_>) -> Result<Event, impl std::fmt::Display + use<>> {
        let draft = words.on(FeedbackDraft::on(request, words.status(), self.context.clock.now()));
        let written = feedback::write(&draft, self.context.identity.nostr_keys()).map_err(WriteError::from);
        written.and_then(|builder| self.context.sign(builder))
    }

    fn send(&self, draft: &FeedbackDraft<'_>) {
        let job = draft.job;
        let written = feedback::write(draft, self.context.identity.nostr_keys()).map_err(WriteError::from);
        match written.and_then(|builder| self.context.sign(builder)) {
            Ok(event) => {
                if self.line.try_send(Saying { job, event }).is_err() {
                    tracing::debug!(job = %job.short(), "Feedback was dropped: too much waits to be said.");
                }
            }
            Err(error) => tracing::warn!(job = %job.short(), "Feedback could not be written: {error}."),
        }
    }
}

/// What is said.
#[derive(Debug, Clone, Copy)]
pub enum Words<'a> {
    /// A model works on it.
    Processing,
    /// A piece of the answer, numbered from 1.
    Partial { part: u32, text: &'a str },
    /// It is done when this is paid.
    PaymentRequired { amount: &'a Amount },
    /// It will not be done, and why.
    Error { reason: &'a str },
}

impl<'a> Words<'a> {
    const fn status(self) -> Status {
        match self {
            Self::Processing => Status::Processing,
            Self::Partial { .. } => Status::Partial,
            Self::PaymentRequired { .. } => Status::PaymentRequired,
            Self::Error { .. } => Status::Error,
        }
    }

    const fn on(self, draft: FeedbackDraft<'a>) -> FeedbackDraft<'a> {
        match self {
            Self::Processing => draft,
            Self::Partial { part, text } => FeedbackDraft { part: Some(part), text, ..draft },
            Self::PaymentRequired { amount } => FeedbackDraft { amount: Some(amount), ..draft },
            Self::Error { reason } => FeedbackDraft { reason: Some(reason), ..draft },
        }
    }
}

/// Sends in order; each relay's outcome is noted as it comes, without holding up the next saying.
async fn speak(context: Arc<Context>, mut sayings: mpsc::Receiver<Saying>) {
    let mut outcomes: SelectAll<BoxStream<'static, (JobId, nostr::EventId, Published)>> = SelectAll::new();
    let token = context.tasks.token().clone();
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            Some((job, event, published)) = outcomes.next() => note(&context, job, event, published).await,
            saying = sayings.recv() => match saying {
                Some(Saying { job, event }) => {
                    let id = event.id;
                    outcomes.push(context.relays.publish(event, Vec::new()).map(move |published| (job, id, published)).boxed());
                }
                None => return,
            },
        }
    }
}

/// Only refusals are worth a row: they tell the operator which relay does not carry his words.
async fn note(context: &Context, job: JobId, event: nostr::EventId, published: Published) {
    if published.outcome.is_ok() {
        return;
    }
    let at = context.clock.now();
    let row = Publication {
        job,
        event_id: event.to_bytes(),
        what: PublicationKind::Feedback,
        relay: published.relay,
        outcome: published.outcome,
        at,
    };
    if let Err(error) = context.store.record_publication(row).await {
        tracing::debug!(job = %job.short(), "A refusal of feedback was not recorded: {error}.");
    }
}
