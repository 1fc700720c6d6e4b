//! Calling a job off: a deletion (NIP-09) of its request.

use nostr::{Event, EventBuilder};
use serde::{Deserialize, Serialize};

use super::{DELETION, text, wire};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::time::UnixMs;

/// A deletion as a provider reads it. It cancels a job only if `author` is that job's buyer: anyone can name any id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    pub author: Pubkey,
    /// Every event named, job or not, each once and in no order that means anything.
    pub jobs: Vec<JobId>,
    /// One clean line.
    pub reason: Option<String>,
    pub created_at: UnixMs,
}

/// Reads a verified deletion; `None` when it is none or names no event.
pub fn parse(event: &Event) -> Option<Cancellation> {
    if event.kind.as_u16() != DELETION {
        return None;
    }
    let mut jobs: Vec<JobId> = wire::named(&wire::rows(event), "e").filter_map(|row| wire::field(row, 1)?.parse().ok()).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let reason = Some(text::reason(&event.content)).filter(|reason| !reason.is_empty());
    let cancellation = Cancellation { author: wire::pubkey(&event.pubkey), jobs, reason, created_at: wire::created_at(event) };
    (!cancellation.jobs.is_empty()).then_some(cancellation)
}

/// Calls off a request of `kind`; signed with the key that made it.
pub fn write(job: &JobId, kind: u16, reason: &str, created_at: UnixMs) -> EventBuilder {
    let tags = vec![wire::e_tag(job, None), wire::tag("k", [kind.to_string()])];
    wire::builder(DELETION, text::reason(reason), tags, created_at)
}
