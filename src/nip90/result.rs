//! A job's answer: kind + 1000.

use nostr::{Event, EventBuilder, JsonUtil as _, Keys, Tag};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::amount::Amount;
use super::envelope::{self, EnvelopeError};
use super::{RESULTS, draft, result_kind, text, wire};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::request::{JobRequest, Scheme};
use crate::domain::time::UnixMs;

/// A longer request is not copied into its result, in bytes.
pub const MAX_REQUEST_COPY: usize = 32 * 1024;

/// Id, keys, signature, times and punctuation of an event's JSON, in bytes; a little more than they take.
const EVENT_FRAME: usize = 512;

/// An answer to send.
#[derive(Debug, Clone, Copy)]
pub struct ResultDraft<'a> {
    pub job: &'a JobRequest,
    /// The request as it came, for the `request` and `i` tags; `None` where it was not kept.
    pub original: Option<&'a Event>,
    /// The answer and nothing else.
    pub text: &'a str,
    pub amount: Option<&'a Amount>,
    /// A relay the request is on.
    pub relay: Option<&'a str>,
    /// The copies of request and inputs are left out, in this order, if the event would be larger.
    pub max_event_bytes: usize,
    pub created_at: UnixMs,
    pub expires_at: Option<UnixMs>,
}

/// The answer as an event to sign, encrypted as the request was. Then it repeats nothing of the request.
pub fn write(draft: &ResultDraft<'_>, keys: &Keys) -> Result<EventBuilder, EnvelopeError> {
    let job = draft.job;
    let content = envelope::seal(draft.text, job.scheme, keys, &job.buyer)?;
    let mut tags = vec![wire::e_tag(&job.id, draft.relay), wire::tag("p", [job.buyer.to_string()])];
    tags.extend(draft.amount.map(Amount::tag));
    if job.scheme != Scheme::Plain {
        tags.push(wire::tag("encrypted", [""; 0]));
    }
    tags.push(wire::tag("alt", [format!("The answer to a NIP-90 job of kind {}", job.kind)]));
    tags.extend(draft.expires_at.map(wire::expiration));
    if let Some(original) = draft.original.filter(|_| job.scheme == Scheme::Plain) {
        let room = draft.max_event_bytes.saturating_sub(EVENT_FRAME + escaped_len(&content) + draft::json(&tags).len());
        tags.extend(copies(original, room));
    }
    Ok(wire::builder(result_kind(job.kind), content, tags, draft.created_at))
}

/// The `i` tags and the request itself, as far as `room` bytes allow.
fn copies(original: &Event, room: usize) -> Vec<Tag> {
    let inputs: Vec<Tag> = original.tags.iter().filter(|tag| tag.as_slice().first().is_some_and(|name| name == "i")).cloned().collect();
    let request = original.try_as_json().ok().filter(|json| json.len() <= MAX_REQUEST_COPY).map(|json| wire::tag("request", [json]));
    let inputs_len = draft::json(&inputs).len();
    if inputs_len > room {
        return Vec::new();
    }
    let request = request.filter(|tag| draft::json(std::slice::from_ref(tag)).len() <= room - inputs_len);
    request.into_iter().chain(inputs).collect()
}

/// The longest beginning of `text` whose result still fits into an event of `max_event_bytes`, before any copies.
/// Escapes make plain text grow, and NIP-44 pads: 48,000 bytes of text become an event of 66 KB.
pub fn fit(text: &str, scheme: Scheme, max_event_bytes: usize) -> &str {
    // The tags: two ids, a relay, an amount with its invoice, the flag, alt.
    const TAGS: usize = 1536;
    let room = max_event_bytes.saturating_sub(EVENT_FRAME + TAGS);
    let fits = |end: usize| match scheme {
        Scheme::Plain => escaped_len(text::clip(text, end)) <= room,
        Scheme::Nip44 => end <= envelope::MAX_NIP44_BYTES && envelope::sealed_len(scheme, end) <= room,
        Scheme::Nip04 => envelope::sealed_len(scheme, end) <= room,
    };
    if fits(text.len()) {
        return text;
    }
    // What fits is monotone in the length, so halve.
    let (mut fitting, mut too_long) = (0, text.len());
    while too_long - fitting > 1 {
        let middle = fitting.midpoint(too_long);
        if fits(middle) { fitting = middle } else { too_long = middle }
    }
    text::clip(text, fitting)
}

/// The length of `text` inside a JSON document.
fn escaped_len(text: &str) -> usize {
    text.bytes()
        .map(|c| match c {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
            0..=31 => 6,
            _ => 1,
        })
        .sum()
}

/// An answer as a buyer reads it. Who may answer, and what it costs, is for the caller to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobResult {
    pub job: JobId,
    pub author: Pubkey,
    /// 6000-6999.
    pub kind: u16,
    pub created_at: UnixMs,
    /// The answer, free of control characters; `None` when it is encrypted and no key was given.
    pub text: Option<String>,
    pub amount: Option<Amount>,
    pub scheme: Scheme,
    pub expires_at: Option<UnixMs>,
}

/// Why an event is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResultError {
    #[error("kind {0} is not a job result: those are kinds 6000 to 6999")]
    NotAResult(u16),
    #[error("the result does not say which job it answers")]
    NoJob,
    #[error("the result cannot be read: {0}")]
    Envelope(#[from] EnvelopeError),
}

impl ResultError {
    /// The name in counters. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAResult(_) => "not-a-result",
            Self::NoJob => "no-job",
            Self::Envelope(cause) => cause.code(),
        }
    }
}

/// Reads a verified result, decrypting with the keys the request was made with.
pub fn parse(event: &Event, keys: Option<&Keys>) -> Result<JobResult, ResultError> {
    let kind = event.kind.as_u16();
    if !RESULTS.contains(&kind) {
        return Err(ResultError::NotAResult(kind));
    }
    let rows = wire::rows(event);
    let job = wire::answered_job(&rows).or_else(|| copied_id(wire::first(&rows, "request")?)).ok_or(ResultError::NoJob)?;
    let (content, scheme) = envelope::reveal(event, keys)?;
    Ok(JobResult {
        job,
        author: wire::pubkey(&event.pubkey),
        kind,
        created_at: wire::created_at(event),
        text: content.as_deref().map(text::answer),
        amount: Amount::read(&rows),
        scheme,
        expires_at: wire::expires_at(&rows),
    })
}

/// The id in a `request` tag, for results that have no `e` tag.
fn copied_id(request: &str) -> Option<JobId> {
    serde_json::from_str::<Value>(request).ok()?.get("id")?.as_str()?.parse().ok()
}
