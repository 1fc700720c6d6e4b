//! One job on a model: from its slot to its stored answer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::{Event, JsonUtil as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::queue::Accepted;
use super::settings::RunLimits;
use super::voice::{Voice, Words};
use super::{Context, WriteError, delivery, till};
use crate::domain::ids::JobId;
use crate::domain::job::{Payment, Policy};
use crate::domain::model::{ModelInfo, Usage};
use crate::inference::registry::Outcome;
use crate::inference::{Inference, InferenceError, Prompt, Token, TokenStream};
use crate::nip90::amount::Amount;
use crate::nip90::kind_spec;
use crate::nip90::result::{self, ResultDraft};
use crate::node::event::{NodeEvent, Scope};
use crate::store::{StartedRun, StoreError, StoredAnswer};

/// At most one `partial` feedback a job in this time: relays limit how often we may speak.
const PARTIAL_EVERY: Duration = Duration::from_secs(1);
/// At most one progress event a job in this time: a window cannot show more.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Characters of the answer's end shown while it grows.
const TAIL_CHARS: usize = 120;
/// Stands at the end of an answer that was cut at `provider.max_result_bytes`.
const CUT_MARK: &str = "\n[cut: the answer is longer than this provider sends]";

/// A run in progress.
pub struct Run {
    context: Arc<Context>,
    voice: Voice,
    limits: RunLimits,
    job: Accepted,
    cancel: CancellationToken,
}

/// Why a run has no answer.
enum End {
    /// Called off or shut down: whoever did it has written it down.
    Cancelled,
    /// The ledger refused; nothing was announced.
    Ledger(&'static str, StoreError),
    Failed {
        code: &'static str,
        /// For the buyer.
        reason: String,
        /// For the operator.
        hint: String,
    },
}

/// What a model gave.
struct Answer {
    text: String,
    cut: bool,
    usage: Option<Usage>,
}

impl Run {
    pub fn new(context: Arc<Context>, voice: Voice, limits: RunLimits, job: Accepted, cancel: CancellationToken) -> Self {
        Self { context, voice, limits, job, cancel }
    }

    fn id(&self) -> JobId {
        self.job.request.id
    }

    /// Runs to the end; whatever the end is, it is in the ledger and told before this returns.
    pub async fn run(self) {
        match self.attempt().await {
            Ok(()) | Err(End::Cancelled) => {}
            Err(End::Ledger(doing, error)) => self.context.ledger_fault(doing, &error),
            Err(End::Failed { code, reason, hint }) => self.fail(code, reason, hint).await,
        }
    }

    async fn attempt(&self) -> Result<(), End> {
        let deadline = Instant::now() + Duration::from_secs(self.limits.job_timeout_secs);
        let (backend, model) = self.resolve(deadline).await?;
        let started = StartedRun { backend: backend.name().to_owned(), model: model.name.clone() };
        let row = match self.context.store.start(self.id(), started, self.context.clock.now()).await {
            Ok(row) => row,
            // Called off while it waited.
            Err(StoreError::Illegal(_)) => return Err(End::Cancelled),
            Err(error) => return Err(End::Ledger("the start of a job", error)),
        };
        self.context.tell_job(row);
        self.voice.say(&self.job.request, Words::Processing);
        let begun = Instant::now();
        let answer = tokio::select! {
            () = self.cancel.cancelled() => return Err(End::Cancelled),
            answer = self.generate(backend.as_ref(), &model, deadline) => self.weigh(&backend, &model, answer)?,
        };
        self.keep(answer, begun.elapsed()).await
    }

    /// The backend and model for this job, waiting for one to become ready: a job resumed after a restart may be
    /// earlier than the first probe.
    async fn resolve(&self, deadline: Instant) -> Result<(Arc<dyn Inference>, ModelInfo), End> {
        let mut changes = self.context.registry.watch();
        loop {
            let error = match self.choose() {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            tokio::select! {
                () = self.cancel.cancelled() => return Err(End::Cancelled),
                changed = tokio::time::timeout_at(deadline, changes.changed()) => {
                    if !matches!(changed, Ok(Ok(()))) {
                        return Err(failed(&error));
                    }
                }
            }
        }
    }

    fn choose(&self) -> Result<(Arc<dyn Inference>, ModelInfo), InferenceError> {
        let registry = &self.context.registry;
        match (self.job.request.model.as_deref(), self.limits.menu.first(&registry.health())) {
            (None, None) => Err(InferenceError::NothingReady),
            (asked, first) => registry.resolve(asked, &first.unwrap_or_default()),
        }
    }

    async fn generate(&self, backend: &dyn Inference, model: &ModelInfo, deadline: Instant) -> Result<Answer, InferenceError> {
        let prompt = Prompt {
            model: model.name.clone(),
            system: kind_spec(self.job.request.kind).and_then(|kind| kind.system).map(str::to_owned),
            text: self.job.admitted.prompt.clone(),
            sampling: self.job.admitted.sampling.clone(),
        };
        let stalled = |secs| InferenceError::Stalled { backend: backend.name().to_owned(), secs };
        let whole = || stalled(self.limits.job_timeout_secs);
        let stream = tokio::time::timeout_at(deadline, backend.generate(prompt)).await.map_err(|_| whole())??;
        self.collect(stream, deadline, backend.name()).await
    }

    /// Reads the stream to its end. The first token may take as long as the whole job (a cold model has to load);
    /// after it, silence longer than `stall_secs` is a stall.
    async fn collect(&self, mut stream: TokenStream, deadline: Instant, backend: &str) -> Result<Answer, InferenceError> {
        let stall = Duration::from_secs(self.limits.stall_secs);
        let mut growing = Growing::new(self);
        loop {
            let (until, secs) = if growing.text.is_empty() {
                (deadline, self.limits.job_timeout_secs)
            } else if Instant::now() + stall < deadline {
                (Instant::now() + stall, self.limits.stall_secs)
            } else {
                (deadline, self.limits.job_timeout_secs)
            };
            let token = tokio::time::timeout_at(until, stream.next()).await;
            match token.map_err(|_| InferenceError::Stalled { backend: backend.to_owned(), secs })? {
                Some(Ok(Token::Text(text))) => {
                    if growing.add(&text) {
                        // Long enough: dropping the stream stops the model.
                        return Ok(Answer { text: growing.text, cut: true, usage: None });
                    }
                }
                Some(Ok(Token::End(usage))) => return Ok(Answer { text: growing.text, cut: false, usage: Some(usage) }),
                Some(Err(error)) => return Err(error),
                None => {
                    return Err(InferenceError::Interrupted {
                        backend: backend.to_owned(),
                        reason: "the stream ended without an end".into(),
                    });
                }
            }
        }
    }

    /// Tells the registry how the model did, and turns what is no answer into a failure.
    fn weigh(&self, backend: &Arc<dyn Inference>, model: &ModelInfo, answer: Result<Answer, InferenceError>) -> Result<Answer, End> {
        match answer {
            Ok(answer) => {
                if let Some(usage) = answer.usage {
                    self.context.registry.report(backend.name(), &model.name, &Outcome::Finished(usage));
                }
                if answer.text.trim().is_empty() {
                    let reason = "The model gave an empty answer.".to_owned();
                    return Err(End::Failed { code: "empty-answer", reason, hint: "Try another model or prompt.".into() });
                }
                Ok(answer)
            }
            Err(error) => {
                self.context.registry.report(backend.name(), &model.name, &Outcome::Failed(error.clone()));
                Err(failed(&error))
            }
        }
    }

    /// Signs the answer, stores it, and hands it to delivery. From the commit on, this answer is the job's only one.
    async fn keep(&self, answer: Answer, took: Duration) -> Result<(), End> {
        let usage = answer.usage;
        let (text, truncated) = self.cut(answer);
        let amount = self.bill().await?;
        let event = self.sign(&text, amount.as_ref()).map_err(|error| End::Failed {
            code: "answer-not-written",
            reason: "The answer could not be put into an event.".into(),
            hint: format!("{error}."),
        })?;
        let stored = StoredAnswer {
            event_json: self.limits.store_text.then(|| event.as_json()),
            event_id: event.id.to_bytes(),
            text: self.limits.store_text.then(|| text.clone()),
            sha256: super::intake::sha256(&text),
            truncated,
            usage,
            infer_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        };
        let at = self.context.clock.now();
        match self.context.store.answer(self.id(), stored, at).await {
            Ok(row) => self.context.tell_job(row),
            // Called off in the same moment: the cancellation was first.
            Err(StoreError::Illegal(_)) => return Err(End::Cancelled),
            Err(error) => return Err(End::Ledger("an answer", error)),
        }
        delivery::spawn(&self.context, self.id(), event, self.job.request.relays.clone());
        Ok(())
    }

    /// The invoice that goes out with the answer, if it is to be paid afterwards.
    async fn bill(&self) -> Result<Option<Amount>, End> {
        let deal = self.job.deal;
        if deal.policy != Policy::ResultFirst {
            return Ok(None);
        }
        let invoice = till::make_invoice(&self.context, self.id(), deal, self.limits.quote_secs).await.map_err(|error| End::Failed {
            code: "no-invoice",
            reason: "This provider cannot take payments at the moment; try again later.".into(),
            hint: format!("The wallet made no invoice: {error}."),
        })?;
        let amount = Amount { msats: deal.price, invoice: Some(invoice.bolt11.clone()) };
        let kept = self.context.store.attach_invoice(self.id(), invoice, deal.price, self.context.clock.now()).await;
        kept.map_err(|error| End::Ledger("an invoice", error))?;
        Ok(Some(amount))
    }

    /// The answer as it is sent: within `max_result_bytes` and within what an event may weigh, marked if that took some.
    fn cut(&self, answer: Answer) -> (String, bool) {
        let scheme = self.job.request.scheme;
        let whole = result::fit(&answer.text, scheme, self.limits.max_event_bytes).len() == answer.text.len();
        if whole && !answer.cut {
            return (answer.text, false);
        }
        let room = result::fit(&answer.text, scheme, self.limits.max_event_bytes.saturating_sub(2 * CUT_MARK.len()));
        (format!("{room}{CUT_MARK}"), true)
    }

    fn sign(&self, text: &str, amount: Option<&Amount>) -> Result<Event, WriteError> {
        let draft = ResultDraft {
            job: &self.job.request,
            original: Some(&self.job.event),
            text,
            amount,
            relay: None,
            max_event_bytes: self.limits.max_event_bytes,
            created_at: self.context.clock.now(),
            expires_at: None,
        };
        self.context.sign(result::write(&draft, self.context.identity.nostr_keys())?)
    }

    async fn fail(&self, code: &'static str, reason: String, hint: String) {
        let at = self.context.clock.now();
        match self.context.store.fail(self.id(), code, reason.clone(), at).await {
            Ok(row) => {
                let paid = row.payment == Payment::Received;
                self.context.tell_job(row);
                if paid {
                    self.context.owe(self.id(), code, &reason).await;
                }
            }
            Err(StoreError::Illegal(_)) => return,
            Err(error) => return self.context.ledger_fault("a failed job", &error),
        }
        self.context.board.update(|status| status.failed += 1);
        self.voice.say(&self.job.request, Words::Error { reason: &reason });
        self.context.outlet.fault(Scope::Inference, format!("The job {} failed: {reason}", self.id().short()), hint);
    }
}

fn failed(error: &InferenceError) -> End {
    let code = match error {
        InferenceError::Unreachable { .. } => "backend-unreachable",
        InferenceError::ModelMissing { .. } => "model-missing",
        InferenceError::ModelBroken { .. } => "model-broken",
        InferenceError::Refused { .. } => "backend-refused",
        InferenceError::Protocol { .. } => "backend-protocol",
        InferenceError::Interrupted { .. } => "interrupted",
        InferenceError::Stalled { .. } => "stalled",
        InferenceError::NothingReady => "no-model-ready",
        InferenceError::Unsupported { .. } => "unsupported",
    };
    End::Failed { code, reason: format!("{error}."), hint: error.hint() }
}

/// An answer while it grows, with what is told of it on the way.
struct Growing<'a> {
    run: &'a Run,
    text: String,
    chars: u64,
    /// Pieces the backend sent: a token each, as far as backends are known to stream.
    tokens: u32,
    /// Bytes of `text` the buyer has had as partials.
    said: usize,
    partials: u32,
    next_partial: Instant,
    next_progress: Instant,
}

impl<'a> Growing<'a> {
    fn new(run: &'a Run) -> Self {
        let now = Instant::now();
        Self { run, text: String::new(), chars: 0, tokens: 0, said: 0, partials: 0, next_partial: now, next_progress: now }
    }

    /// Adds text; returns whether the answer has reached the longest we send.
    fn add(&mut self, text: &str) -> bool {
        self.text.push_str(text);
        self.chars += text.chars().count() as u64;
        self.tokens = self.tokens.saturating_add(1);
        let limit = self.run.limits.max_result_bytes;
        let full = self.text.len() > limit;
        if full {
            self.text.truncate(self.text.floor_char_boundary(limit));
        }
        let now = Instant::now();
        if now >= self.next_partial {
            self.say_partial(now);
        }
        if now >= self.next_progress {
            self.next_progress = now + PROGRESS_EVERY;
            self.run.context.outlet.tell(self.progress());
        }
        full
    }

    fn say_partial(&mut self, now: Instant) {
        let Some(chunk) = self.text.get(self.said..).filter(|chunk| !chunk.is_empty()) else { return };
        if !self.run.limits.partials {
            return;
        }
        self.partials += 1;
        self.run.voice.say(&self.run.job.request, Words::Partial { part: self.partials, text: chunk });
        self.said = self.text.len();
        self.next_partial = now + PARTIAL_EVERY;
    }

    fn progress(&self) -> NodeEvent {
        NodeEvent::JobProgress {
            job: self.run.id(),
            chars: self.chars,
            tokens: self.tokens,
            // Admission fills it in for every job.
            max_tokens: self.run.job.admitted.sampling.max_tokens.unwrap_or_default(),
            tail: self.tail(),
        }
    }

    fn tail(&self) -> String {
        let skip = self.text.char_indices().rev().nth(TAIL_CHARS - 1).map_or(0, |(at, _)| at);
        self.text.get(skip..).unwrap_or_default().to_owned()
    }
}
