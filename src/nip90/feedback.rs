//! Job feedback, kind 7000: offers, progress, parts of the answer, refusals.
//!
//! NIP-90 does not say what feedback on an encrypted request looks like. nostrdvm hides all of it in a JSON tag array;
//! others read only clear tags. We write both: status and amount in the clear, because a buyer that does not decrypt
//! feedback must still learn that it has to pay, and the same again with the reason and the text inside the envelope,
//! in nostrdvm's form. What stays visible is that a job exists and its price; what was asked and answered does not.

use std::fmt;
use std::str::FromStr;

use nostr::{Event, EventBuilder, Keys, Tag};
use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::envelope::{self, EnvelopeError};
use super::wire::{self, Row};
use super::{FEEDBACK, draft, text};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::request::{JobRequest, Scheme};
use crate::domain::time::UnixMs;

/// What a provider says about a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing more happens until the invoice is paid.
    PaymentRequired,
    Processing,
    /// A piece of the answer; the result repeats all of it.
    Partial,
    Error,
    Success,
}

impl Status {
    /// NIP-90's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentRequired => "payment-required",
            Self::Processing => "processing",
            Self::Partial => "partial",
            Self::Error => "error",
            Self::Success => "success",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = FeedbackError;

    /// Accepts NDK's underscore and any case, too.
    fn from_str(word: &str) -> Result<Self, FeedbackError> {
        match word.to_ascii_lowercase().replace('_', "-").as_str() {
            "payment-required" => Ok(Self::PaymentRequired),
            "processing" => Ok(Self::Processing),
            "partial" => Ok(Self::Partial),
            "error" => Ok(Self::Error),
            "success" => Ok(Self::Success),
            _ => Err(FeedbackError::UnknownStatus(text::line(word, 40))),
        }
    }
}

/// Feedback to send.
#[derive(Debug, Clone, Copy)]
pub struct FeedbackDraft<'a> {
    pub job: JobId,
    pub buyer: Pubkey,
    /// How the request was encrypted.
    pub scheme: Scheme,
    pub status: Status,
    /// The number of this piece, counted from 1; for [`Status::Partial`], where it takes the reason's place.
    pub part: Option<u32>,
    /// Why, for people. Cleaned and cut when written.
    pub reason: Option<&'a str>,
    /// The piece of the answer, if this is one.
    pub text: &'a str,
    pub amount: Option<&'a Amount>,
    /// A relay the request is on.
    pub relay: Option<&'a str>,
    pub created_at: UnixMs,
    pub expires_at: Option<UnixMs>,
}

impl FeedbackDraft<'_> {
    /// Bare feedback on `job`; the rest is filled in by struct update.
    pub const fn on(job: &JobRequest, status: Status, created_at: UnixMs) -> Self {
        Self::bare(job.id, job.buyer, job.scheme, status, created_at)
    }

    /// Bare feedback on a request that names us and could not be read. It goes in the clear: there may be no scheme
    /// to answer in, and the reason speaks of the request's form and not of what was asked.
    pub fn on_unreadable(request: &Event, status: Status, created_at: UnixMs) -> Self {
        Self::bare(wire::job_id(request), wire::pubkey(&request.pubkey), Scheme::Plain, status, created_at)
    }

    const fn bare(job: JobId, buyer: Pubkey, scheme: Scheme, status: Status, created_at: UnixMs) -> Self {
        Self { job, buyer, scheme, status, part: None, reason: None, text: "", amount: None, relay: None, created_at, expires_at: None }
    }
}

/// The feedback as an event to sign.
pub fn write(draft: &FeedbackDraft<'_>, keys: &Keys) -> Result<EventBuilder, EnvelopeError> {
    let part = draft.part.filter(|_| draft.status == Status::Partial).map(|part| part.to_string());
    let reason = part.clone().or_else(|| draft.reason.map(text::reason)).filter(|reason| !reason.is_empty());
    let full = status_tag(draft.status, reason);
    let amount = draft.amount.map(Amount::tag);
    let mut tags = vec![wire::e_tag(&draft.job, draft.relay), wire::tag("p", [draft.buyer.to_string()])];
    let content = match draft.scheme {
        Scheme::Plain => {
            tags.push(full);
            draft.text.to_owned()
        }
        scheme => {
            let mut private = vec![full];
            private.extend(amount.clone());
            private.push(wire::tag("content", [draft.text]));
            tags.extend([status_tag(draft.status, part), wire::tag("encrypted", [""; 0])]);
            envelope::seal(&draft::json(&private), scheme, keys, &draft.buyer)?
        }
    };
    tags.extend(amount);
    tags.extend(draft.expires_at.map(wire::expiration));
    Ok(wire::builder(FEEDBACK, content, tags, draft.created_at))
}

fn status_tag(status: Status, extra: Option<String>) -> Tag {
    wire::tag("status", std::iter::once(status.as_str().to_owned()).chain(extra))
}

/// Feedback as a buyer reads it. Who may answer, and what it costs, is for the caller to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    pub job: JobId,
    pub author: Pubkey,
    pub created_at: UnixMs,
    pub status: Status,
    /// The number of a piece, where the provider counts.
    pub part: Option<u32>,
    /// One clean line.
    pub reason: Option<String>,
    /// Free of control characters. A piece of the answer, or prose: only [`Status::Partial`] makes it an answer.
    pub text: String,
    pub amount: Option<Amount>,
    pub scheme: Scheme,
    pub expires_at: Option<UnixMs>,
}

/// Why an event is no feedback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedbackError {
    #[error("kind {0} is not job feedback: that is kind 7000")]
    NotFeedback(u16),
    #[error("the feedback does not say which job it is about")]
    NoJob,
    #[error("the feedback has no status")]
    NoStatus,
    #[error("the feedback's status is {0:?}, which NIP-90 does not know")]
    UnknownStatus(String),
    #[error("the feedback cannot be read: {0}")]
    Envelope(#[from] EnvelopeError),
}

impl FeedbackError {
    /// The name in counters. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFeedback(_) => "not-feedback",
            Self::NoJob => "no-job",
            Self::NoStatus => "no-status",
            Self::UnknownStatus(_) => "unknown-status",
            Self::Envelope(cause) => cause.code(),
        }
    }
}

/// Reads verified feedback, decrypting with the keys the request was made with. What stands in the clear is enough
/// where decryption fails.
pub fn parse(event: &Event, keys: Option<&Keys>) -> Result<Feedback, FeedbackError> {
    let kind = event.kind.as_u16();
    if kind != FEEDBACK {
        return Err(FeedbackError::NotFeedback(kind));
    }
    let clear = wire::rows(event);
    let (content, scheme) = match envelope::reveal(event, keys) {
        Ok(revealed) => revealed,
        Err(_) if wire::first(&clear, "status").is_some() => (None, envelope::scheme_of(&event.content).unwrap_or_default()),
        Err(cause) => return Err(cause.into()),
    };
    let private = content.as_deref().filter(|_| scheme != Scheme::Plain).and_then(envelope::private_tags);
    let rows: Vec<Row<'_>> = private.iter().flatten().map(Vec::as_slice).chain(clear).collect();
    let body = match &private {
        Some(_) => wire::named(&rows, "content").find_map(|row| row.get(1)).map(String::as_str),
        None => content.as_deref(),
    };
    let job = wire::answered_job(&rows).ok_or(FeedbackError::NoJob)?;
    let stated = wire::named(&rows, "status").find(|row| wire::field(row, 1).is_some()).ok_or(FeedbackError::NoStatus)?;
    let status = wire::field(stated, 1).unwrap_or_default().parse()?;
    let extra = wire::field(stated, 2);
    let part = extra.filter(|_| status == Status::Partial).and_then(|extra| extra.parse().ok());
    Ok(Feedback {
        job,
        author: wire::pubkey(&event.pubkey),
        created_at: wire::created_at(event),
        status,
        part,
        reason: extra.filter(|_| part.is_none()).map(text::reason).filter(|reason| !reason.is_empty()),
        text: text::answer(body.unwrap_or_default()),
        amount: Amount::read(&rows),
        scheme,
        expires_at: wire::expires_at(&rows),
    })
}
