//! A relay as the operator sees it.

use serde::{Deserialize, Serialize};

use super::time::UnixMs;

/// Whether a relay is with us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayState {
    /// We do not want it now.
    #[default]
    Off,
    /// First attempt running.
    Connecting,
    Connected,
    /// Lost or refused; tried again with growing pauses.
    Retrying,
}

/// What a relay says it takes (NIP-11 `limitation`). `None` = it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayLimits {
    /// Bytes of a whole websocket message.
    pub max_message_bytes: Option<u64>,
    /// Characters of an event's content.
    pub max_content_chars: Option<u64>,
    pub max_event_tags: Option<u64>,
    /// Leading zero bits an event's id must have (NIP-13).
    pub min_pow_bits: Option<u8>,
    pub auth_required: bool,
    pub payment_required: bool,
}

/// Everything known about one relay now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayHealth {
    pub url: String,
    pub state: RelayState,
    /// Last measured round trip in milliseconds.
    pub latency_ms: Option<u64>,
    /// When it last said anything.
    pub last_event_at: Option<UnixMs>,
    /// Its own words, or ours about the connection.
    pub last_error: Option<String>,
    /// Events it gave us, before and after sieving.
    pub received: u64,
    pub dropped: DropCounts,
    /// Events we sent, and how they were taken.
    pub sent: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Its own description, once read.
    pub name: Option<String>,
    pub software: Option<String>,
    pub limits: Option<RelayLimits>,
    /// The relay asked who we are and we answered (NIP-42).
    pub authenticated: bool,
}

/// Events dropped before anyone looked at their meaning, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCounts {
    /// Not JSON, not an event, or not one we asked for.
    pub malformed: u64,
    /// Larger than `relays.max_event_bytes`.
    pub oversized: u64,
    /// The id is not the hash of the event, or the signature is not the author's.
    pub unverified: u64,
    /// Seen before, from this relay or another.
    pub duplicate: u64,
}

/// How one relay took an event we sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    pub relay: String,
    /// `Err` holds the relay's own words, or ours when it said nothing.
    pub outcome: Result<(), String>,
}
