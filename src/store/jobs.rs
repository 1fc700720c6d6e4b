//! Writing a job: its claim, and each step after it.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::rows::{self, JobRow, ROW, UnfinishedJob};
use super::stats::{self, Entry};
use super::writer::{Line, Steps};
use super::{Pending, Store, StoreError};
use crate::domain::ids::JobId;
use crate::domain::job::{Fact, JobState, Policy, Standing};
use crate::domain::model::Usage;
use crate::domain::money::MilliSats;
use crate::domain::request::JobRequest;
use crate::domain::time::UnixMs;

/// A job to be claimed.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub request: JobRequest,
    pub policy: Policy,
    /// `None` in private mode.
    pub prompt: Option<String>,
    pub prompt_sha256: [u8; 32],
    pub prompt_chars: u64,
    /// The signed request as it came; `None` in private mode.
    pub request_json: Option<String>,
    pub price: MilliSats,
    pub seen_at: UnixMs,
}

/// Whose a request is.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Ours, from now on and only once.
    New(Box<JobRow>),
    /// It was taken or turned away before.
    Known,
}

/// What a job was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedRun {
    pub backend: String,
    pub model: String,
}

/// A signed answer.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// The signed event, byte for byte as it will be published; `None` in private mode.
    pub event_json: Option<String>,
    pub event_id: [u8; 32],
    /// `None` in private mode.
    pub text: Option<String>,
    pub sha256: [u8; 32],
    pub truncated: bool,
    pub usage: Option<Usage>,
    /// From prompt to answer, in milliseconds.
    pub infer_ms: u64,
}

impl Store {
    /// Makes a request ours, unless it was before.
    pub fn claim(&self, job: NewJob) -> Pending<Claim> {
        self.submit(move |connection, steps| {
            if !insert(connection, steps, &job)? {
                return Ok(Claim::Known);
            }
            Ok(Claim::New(Box::new(row(connection, job.request.id)?)))
        })
    }

    /// Turns away a request that gets a row, unless it was seen before.
    pub fn refuse(&self, job: NewJob, code: &'static str, reason: String) -> Pending<Claim> {
        self.submit(move |connection, steps| {
            if !insert(connection, steps, &job)? {
                return Ok(Claim::Known);
            }
            super::aside::count(connection, code, job.seen_at)?;
            set_reason(connection, job.request.id, code, &reason)?;
            Ok(Claim::New(Box::new(advance(connection, steps, job.request.id, Fact::Refused, job.seen_at)?)))
        })
    }

    /// A model is given the prompt; after a restart, again.
    pub fn start(&self, id: JobId, run: StartedRun, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            let sql = "UPDATE jobs SET ran_model = ?2, backend = ?3, started_at = ?4 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![id.0, run.model, run.backend, at.0])?;
            advance(connection, steps, id, Fact::Started, at)
        })
    }

    /// Stores the signed answer. From here on there is no other.
    pub fn answer(&self, id: JobId, answer: StoredAnswer, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            let row = advance(connection, steps, id, Fact::AnswerStored, at)?;
            keep_answer(connection, id, &answer, at)?;
            Ok(JobRow {
                prompt_tokens: answer.usage.and_then(|usage| usage.prompt_tokens),
                answer_tokens: answer.usage.and_then(|usage| usage.answer_tokens),
                infer_ms: Some(answer.infer_ms),
                ..row
            })
        })
    }

    /// The first relay has the answer.
    pub fn deliver(&self, id: JobId, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            connection.prepare_cached("UPDATE jobs SET delivered_at = ?2 WHERE id = ?1")?.execute(params![id.0, at.0])?;
            advance(connection, steps, id, Fact::Delivered, at)
        })
    }

    /// There will be no answer, and why.
    pub fn fail(&self, id: JobId, code: &'static str, reason: String, at: UnixMs) -> Pending<JobRow> {
        self.end(id, Fact::Failed, code, reason, at)
    }

    /// The answer was in memory alone and is gone.
    pub fn lose_answer(&self, id: JobId, reason: String, at: UnixMs) -> Pending<JobRow> {
        self.end(id, Fact::AnswerLost, "answer-lost", reason, at)
    }

    /// The buyer or the operator has called the job off.
    pub fn cancel(&self, id: JobId, reason: String, at: UnixMs) -> Pending<JobRow> {
        self.end(id, Fact::Cancelled, "cancelled", reason, at)
    }

    fn end(&self, id: JobId, fact: Fact, code: &'static str, reason: String, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            set_reason(connection, id, code, &reason)?;
            advance(connection, steps, id, fact, at)
        })
    }

    /// Every job that is not at its end, oldest first.
    pub fn unfinished(&self) -> Pending<Vec<UnfinishedJob>> {
        self.submit(|connection, _| {
            let sql = "SELECT id, state, policy, payment, price_msats, seen_at, request, (SELECT event FROM results WHERE job = id) AS event FROM jobs \
                       WHERE state IN ('seen', 'quoted', 'paid', 'running', 'answered', 'refund_due', 'awaiting_payment', 'failed') \
                       ORDER BY seen_at, id";
            let mut statement = connection.prepare(sql)?;
            let mut found = statement.query([])?;
            let mut jobs = Vec::new();
            while let Some(row) = found.next()? {
                let standing = rows::standing(row)?;
                if !standing.is_final() {
                    jobs.push(UnfinishedJob {
                        id: JobId(row.get("id")?),
                        state: standing.state,
                        policy: standing.policy,
                        payment: standing.payment,
                        price: MilliSats(row.get("price_msats")?),
                        seen_at: UnixMs(row.get("seen_at")?),
                        request_json: row.get("request")?,
                        answer_event: row.get("event")?,
                    });
                }
            }
            Ok(jobs)
        })
    }

    /// A job as it stands; `None` when there is none of this id.
    pub fn row(&self, id: JobId) -> Pending<Option<JobRow>> {
        self.submit(move |connection, _| match row(connection, id) {
            Ok(row) => Ok(Some(row)),
            Err(StoreError::Unknown(_)) => Ok(None),
            Err(error) => Err(error),
        })
    }
}

/// The claim: a row and its first journal line, or nothing if the id was met before.
fn insert(connection: &Connection, steps: &mut Steps, job: &NewJob) -> Result<bool, StoreError> {
    let request = &job.request;
    if super::aside::was_turned_away(connection, request.id)? {
        return Ok(false);
    }
    let sql = "INSERT INTO jobs (id, buyer, kind, created_at, seen_at, updated_at, state, policy, payment, scheme, address, model, sampling, \
                                 prompt, prompt_sha256, prompt_chars, request, bid_msats, price_msats) \
               VALUES (:id, :buyer, :kind, :created_at, :seen_at, :seen_at, 'seen', :policy, 'none', :scheme, :address, :model, :sampling, \
                       :prompt, :sha256, :chars, :request, :bid, :price) ON CONFLICT (id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(named_params! {
        ":id": request.id.0,
        ":buyer": request.buyer.0,
        ":kind": request.kind,
        ":created_at": request.created_at.0,
        ":seen_at": job.seen_at.0,
        ":policy": rows::spell(&job.policy)?,
        ":scheme": rows::spell(&request.scheme)?,
        ":address": rows::spell(&request.address)?,
        ":model": request.model,
        ":sampling": serde_json::to_string(&request.sampling)?,
        ":prompt": job.prompt,
        ":sha256": job.prompt_sha256,
        ":chars": job.prompt_chars,
        ":request": job.request_json,
        ":bid": request.bid.map(|bid| clamp(bid.0)),
        ":price": clamp(job.price.0),
    })?;
    if inserted == 0 {
        return Ok(false);
    }
    write_journal(connection, request.id, job.seen_at, None, None, JobState::Seen)?;
    stats::add(connection, job.seen_at, Entry::Claimed)?;
    steps.push((request.id, Line::Claimed));
    Ok(true)
}

/// A number as SQLite can hold it. More msats than this do not exist.
pub(super) fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One step: the rule, the journal line, the update and the day's totals, together.
pub(super) fn advance(connection: &Connection, steps: &mut Steps, id: JobId, fact: Fact, at: UnixMs) -> Result<JobRow, StoreError> {
    let before = standing(connection, id)?;
    let after = before.apply(fact)?;
    let ended = after.is_final().then_some(at.0);
    let sql = "UPDATE jobs SET state = ?2, payment = ?3, updated_at = ?4, ended_at = ?5, \
                               answered_at = CASE WHEN ?2 = 'answered' THEN ?4 ELSE answered_at END WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.0, after.state.as_str(), rows::spell(&after.payment)?, at.0, ended])?;
    write_journal(connection, id, at, Some(fact), Some(before.state), after.state)?;
    // A job paid before a relay said it had the answer is delivered and settled in one step.
    let counted = if (before.state, after.state) == (JobState::Answered, JobState::Settled) { JobState::Done } else { after.state };
    stats::add(connection, at, Entry::Reached(counted))?;
    steps.push((id, Line::Job(fact)));
    row(connection, id)
}

fn standing(connection: &Connection, id: JobId) -> Result<Standing, StoreError> {
    let mut statement = connection.prepare_cached("SELECT state, policy, payment FROM jobs WHERE id = ?1")?;
    let mut found = statement.query(params![id.0])?;
    match found.next()? {
        Some(row) => rows::standing(row),
        None => Err(StoreError::Unknown(id.to_string())),
    }
}

pub(super) fn row(connection: &Connection, id: JobId) -> Result<JobRow, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {ROW} FROM jobs WHERE id = ?1"))?;
    let mut found = statement.query(params![id.0])?;
    match found.next()? {
        Some(row) => rows::job_row(row),
        None => Err(StoreError::Unknown(id.to_string())),
    }
}

fn write_journal(
    connection: &Connection,
    id: JobId,
    at: UnixMs,
    fact: Option<Fact>,
    from: Option<JobState>,
    to: JobState,
) -> Result<(), StoreError> {
    let fact = fact.map(|fact| rows::spell(&fact)).transpose()?;
    let sql = "INSERT INTO journal (job, seq, at, fact, from_state, to_state) \
               VALUES (?1, (SELECT coalesce(max(seq) + 1, 0) FROM journal WHERE job = ?1), ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![id.0, at.0, fact, from.map(JobState::as_str), to.as_str()])?;
    Ok(())
}

pub(super) fn set_reason(connection: &Connection, id: JobId, code: &str, reason: &str) -> Result<(), StoreError> {
    connection.prepare_cached("UPDATE jobs SET reason_code = ?2, reason = ?3 WHERE id = ?1")?.execute(params![id.0, code, reason])?;
    Ok(())
}

fn keep_answer(connection: &Connection, id: JobId, answer: &StoredAnswer, at: UnixMs) -> Result<(), StoreError> {
    let sql = "INSERT INTO results (job, event_id, event, text, sha256, truncated, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![id.0, answer.event_id, answer.event_json, answer.text, answer.sha256, answer.truncated, at.0];
    connection.prepare_cached(sql)?.execute(row)?;
    let usage = answer.usage;
    let finish = usage.map(|usage| rows::spell(&usage.finish)).transpose()?;
    let sql = "UPDATE jobs SET prompt_tokens = ?2, answer_tokens = ?3, answer_ns = ?4, infer_ms = ?5, finish = ?6 WHERE id = ?1";
    let answer_ns = usage.and_then(|usage| usage.answer_ns);
    let tokens = (usage.and_then(|usage| usage.prompt_tokens), usage.and_then(|usage| usage.answer_tokens));
    connection.prepare_cached(sql)?.execute(params![id.0, tokens.0, tokens.1, answer_ns, answer.infer_ms, finish])?;
    stats::add(connection, at, Entry::Tokens { prompt: tokens.0.unwrap_or(0), answer: tokens.1.unwrap_or(0) })
}

/// Whether a request has a row.
pub(super) fn exists(connection: &Connection, id: JobId) -> Result<bool, StoreError> {
    let found = connection.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1")?.query_row(params![id.0], |_| Ok(())).optional()?;
    Ok(found.is_some())
}
