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

impl RelayState {
    /// Whether it hears nothing of what is said now.
    pub const fn is_away(self) -> bool {
        !matches!(self, Self::Connected)
    }
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
    /// Events not sent, because its own document says that it would not take them.
    #[serde(default)]
    pub withheld: u64,
    /// Its words, or ours about its document, when it last did not take an event of ours. Stays when it is back.
    #[serde(default)]
    pub last_refusal: Option<String>,
    /// How long the node has wanted it since its start, and how long of that it was connected, in milliseconds.
    #[serde(default)]
    pub wanted_ms: u64,
    #[serde(default)]
    pub connected_ms: u64,
    /// Its own description, once read.
    pub name: Option<String>,
    pub software: Option<String>,
    pub limits: Option<RelayLimits>,
    /// By how many seconds its clock is ahead of ours, while it is connected and says.
    #[serde(default)]
    pub clock_ahead_secs: Option<i64>,
    /// The relay asked who we are and we answered (NIP-42).
    pub authenticated: bool,
}

/// Uptime says nothing before this: every connection takes a moment.
const SETTLED_MS: u64 = 60_000;
/// A round trip up to this is as good as any, and one of this much more is worth nothing.
const QUICK_MS: u64 = 100;
const SLOW_MS: u64 = 2_000;
/// What taking our events, being there and being quick weigh, in hundredths.
const WEIGHTS: [u64; 3] = [50, 30, 20];

impl RelayHealth {
    /// What share of our events it took, in per cent; `None`: it was given none.
    pub fn taken_percent(&self) -> Option<u64> {
        percent(self.accepted, self.accepted.saturating_add(self.refused).saturating_add(self.withheld))
    }

    /// What share of the time since the start it was connected, in per cent; `None`: too early to say.
    pub fn uptime_percent(&self) -> Option<u64> {
        percent(self.connected_ms, self.wanted_ms).filter(|_| self.wanted_ms >= SETTLED_MS)
    }

    /// How much it is worth to us, 0 to 100: half for the share of our events it took, three tenths for uptime, two
    /// tenths for its round trip (100 ms: all of it, 2.1 s: nothing). What is not known yet is left out and the rest
    /// counts for the whole; `None`: nothing is known.
    pub fn score(&self) -> Option<u64> {
        let quickness = self.latency_ms.map(|ms| 100 - ms.saturating_sub(QUICK_MS).min(SLOW_MS) * 100 / SLOW_MS);
        let known = [self.taken_percent(), self.uptime_percent(), quickness];
        let parts = known.iter().zip(WEIGHTS).filter_map(|(part, weight)| part.map(|part| (part * weight, weight)));
        let (sum, weights) = parts.fold((0, 0), |(sum, weights), (part, weight)| (sum + part, weights + weight));
        sum.checked_div(weights)
    }
}

fn percent(part: u64, whole: u64) -> Option<u64> {
    part.min(whole).saturating_mul(100).checked_div(whole)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_made_of_what_is_known() {
        let relay = |change: fn(&mut RelayHealth)| {
            let mut relay = RelayHealth::default();
            change(&mut relay);
            relay.score()
        };
        assert_eq!(relay(|_| {}), None);
        assert_eq!(relay(|r| r.latency_ms = Some(50)), Some(100));
        assert_eq!(relay(|r| r.latency_ms = Some(1_100)), Some(50));
        assert_eq!(relay(|r| r.latency_ms = Some(60_000)), Some(0));
        assert_eq!(relay(|r| (r.accepted, r.refused, r.withheld) = (2, 1, 1)), Some(50));
        // 50 of 50, 0 of 30, 10 of 20.
        assert_eq!(relay(|r| (r.accepted, r.wanted_ms, r.latency_ms) = (9, 60_000, Some(1_100))), Some(60));
    }

    #[test]
    fn uptime_is_not_judged_in_the_first_minute() {
        let relay = RelayHealth { wanted_ms: 59_999, connected_ms: 1, ..RelayHealth::default() };
        assert_eq!((relay.uptime_percent(), relay.score()), (None, None));
        let later = RelayHealth { wanted_ms: 120_000, connected_ms: 90_000, ..RelayHealth::default() };
        assert_eq!((later.uptime_percent(), later.score()), (Some(75), Some(75)));
    }
}
