//! What the ledger gives out.

use std::str::FromStr as _;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::{Fact, JobState, Payment, Policy, Standing};
use crate::domain::money::MilliSats;
use crate::domain::time::UnixMs;

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    pub id: JobId,
    pub buyer: Pubkey,
    pub kind: u16,
    pub state: JobState,
    pub policy: Policy,
    pub payment: Payment,
    /// The model that ran; before that, the one asked for.
    pub model: Option<String>,
    pub backend: Option<String>,
    pub price: MilliSats,
    pub seen_at: UnixMs,
    pub ended_at: Option<UnixMs>,
    pub prompt_chars: u64,
    pub prompt_tokens: Option<u32>,
    pub answer_tokens: Option<u32>,
    pub infer_ms: Option<u64>,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
}

impl JobRow {
    /// From seeing the request to its end, in milliseconds; `None` while it has none.
    pub fn total_ms(&self) -> Option<u64> {
        self.ended_at.map(|end| end.since(self.seen_at))
    }
}

/// Everything the ledger holds of a job itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRecord {
    pub id: JobId,
    pub buyer: Pubkey,
    pub kind: u16,
    pub created_at: UnixMs,
    pub seen_at: UnixMs,
    pub state: JobState,
    pub policy: Policy,
    pub payment: Payment,
    pub scheme: String,
    pub address: String,
    /// As asked for.
    pub model: Option<String>,
    pub ran_model: Option<String>,
    pub backend: Option<String>,
    /// `None` in private mode.
    pub prompt: Option<String>,
    pub prompt_chars: u64,
    pub bid: Option<MilliSats>,
    pub price: MilliSats,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
    pub started_at: Option<UnixMs>,
    pub answered_at: Option<UnixMs>,
    pub delivered_at: Option<UnixMs>,
    pub ended_at: Option<UnixMs>,
    pub prompt_tokens: Option<u32>,
    pub answer_tokens: Option<u32>,
    /// The backend's own time for the answer's tokens, in nanoseconds.
    pub answer_ns: Option<u64>,
    /// Our own time from prompt to answer, in milliseconds.
    pub infer_ms: Option<u64>,
    pub finish: Option<String>,
}

/// One change of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRow {
    pub at: UnixMs,
    /// `None` is the claim.
    pub fact: Option<Fact>,
    pub from: Option<JobState>,
    pub to: JobState,
}

/// What was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublicationKind {
    Result,
    Feedback,
}

/// How one relay took one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    pub job: JobId,
    pub event_id: [u8; 32],
    pub what: PublicationKind,
    pub relay: String,
    /// `Err` holds the relay's own words.
    pub outcome: Result<(), String>,
    pub at: UnixMs,
}

/// A job with its timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobDetail {
    #[serde(flatten)]
    pub record: JobRecord,
    pub journal: Vec<JournalRow>,
    pub publications: Vec<Publication>,
    /// The answer; `None` before there is one and in private mode.
    pub answer: Option<String>,
    /// The answer was cut to what an event may hold.
    pub truncated: bool,
}

/// A job to be taken up after a restart.
#[derive(Debug, Clone, PartialEq)]
pub struct UnfinishedJob {
    pub id: JobId,
    pub state: JobState,
    pub policy: Policy,
    pub payment: Payment,
    pub price: MilliSats,
    pub seen_at: UnixMs,
    /// The signed request; `None` in private mode.
    pub request_json: Option<String>,
    /// The signed answer, once stored.
    pub answer_event: Option<String>,
}

/// Where a page ends, and the next one begins.
pub type PageKey = (UnixMs, JobId);

/// Which jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobsQuery {
    pub state: Option<JobState>,
    /// Only jobs older than this: the last page's `next`.
    pub before: Option<PageKey>,
    /// At most 1000.
    pub limit: u32,
}

impl Default for JobsQuery {
    fn default() -> Self {
        Self { state: None, before: None, limit: 50 }
    }
}

/// Some jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub rows: Vec<JobRow>,
    /// Give this as [`JobsQuery::before`] for the next page; `None` when this is the last.
    pub next: Option<PageKey>,
}

pub(super) const ROW: &str = "id, buyer, kind, state, policy, payment, coalesce(ran_model, model) AS model, backend, price_msats, seen_at, \
     ended_at, prompt_chars, prompt_tokens, answer_tokens, infer_ms, reason_code, reason";

/// Reads the columns of [`ROW`].
pub(super) fn job_row(row: &Row<'_>) -> Result<JobRow, StoreError> {
    let standing = standing(row)?;
    Ok(JobRow {
        id: JobId(row.get("id")?),
        buyer: Pubkey(row.get("buyer")?),
        kind: row.get("kind")?,
        state: standing.state,
        policy: standing.policy,
        payment: standing.payment,
        model: row.get("model")?,
        backend: row.get("backend")?,
        price: MilliSats(row.get("price_msats")?),
        seen_at: UnixMs(row.get("seen_at")?),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(UnixMs),
        prompt_chars: row.get("prompt_chars")?,
        prompt_tokens: row.get("prompt_tokens")?,
        answer_tokens: row.get("answer_tokens")?,
        infer_ms: row.get("infer_ms")?,
        reason_code: row.get("reason_code")?,
        reason: row.get("reason")?,
    })
}

/// Reads every column of `jobs`.
pub(super) fn job_record(row: &Row<'_>) -> Result<JobRecord, StoreError> {
    let standing = standing(row)?;
    let time = |name: &str| -> Result<Option<UnixMs>, rusqlite::Error> { Ok(row.get::<_, Option<i64>>(name)?.map(UnixMs)) };
    Ok(JobRecord {
        id: JobId(row.get("id")?),
        buyer: Pubkey(row.get("buyer")?),
        kind: row.get("kind")?,
        created_at: UnixMs(row.get("created_at")?),
        seen_at: UnixMs(row.get("seen_at")?),
        state: standing.state,
        policy: standing.policy,
        payment: standing.payment,
        scheme: row.get("scheme")?,
        address: row.get("address")?,
        model: row.get("model")?,
        ran_model: row.get("ran_model")?,
        backend: row.get("backend")?,
        prompt: row.get("prompt")?,
        prompt_chars: row.get("prompt_chars")?,
        bid: row.get::<_, Option<u64>>("bid_msats")?.map(MilliSats),
        price: MilliSats(row.get("price_msats")?),
        reason_code: row.get("reason_code")?,
        reason: row.get("reason")?,
        started_at: time("started_at")?,
        answered_at: time("answered_at")?,
        delivered_at: time("delivered_at")?,
        ended_at: time("ended_at")?,
        prompt_tokens: row.get("prompt_tokens")?,
        answer_tokens: row.get("answer_tokens")?,
        answer_ns: row.get("answer_ns")?,
        infer_ms: row.get("infer_ms")?,
        finish: row.get("finish")?,
    })
}

/// Reads `state`, `policy` and `payment`.
pub(super) fn standing(row: &Row<'_>) -> Result<Standing, StoreError> {
    Ok(Standing {
        state: state(&row.get::<_, String>("state")?)?,
        policy: word(&row.get::<_, String>("policy")?)?,
        payment: word(&row.get::<_, String>("payment")?)?,
    })
}

pub(super) fn state(text: &str) -> Result<JobState, StoreError> {
    JobState::from_str(text).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// A unit variant from the word serde writes for it: the ledger and JSON spell every word alike.
pub(super) fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, StoreError> {
    Ok(serde_json::from_value(serde_json::Value::String(text.to_owned()))?)
}

/// The word serde writes for a unit variant.
pub(super) fn spell(value: &impl Serialize) -> Result<String, StoreError> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(StoreError::Damaged(format!("{other} is not a word"))),
    }
}
