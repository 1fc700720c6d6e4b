//! What a relay says of itself (NIP-11), read before anything is sent to it.

use std::time::Duration;

use nostr::{Event, JsonUtil as _};
use serde_json::Value;

use crate::clock::Clock;
use crate::domain::relay::RelayLimits;
use crate::domain::time::UnixMs;
use crate::net;

const LIMIT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 64 * 1024;

/// A relay's document, as far as we use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    pub name: Option<String>,
    pub software: Option<String>,
    pub limits: RelayLimits,
}

/// What a relay answers when it is asked over HTTP who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// `None` when it has none, which is its right.
    pub document: Option<Document>,
    /// By how many seconds its clock is ahead of ours, by the date on its answer. One that has no document has a date.
    pub clock_ahead_secs: Option<i64>,
}

/// Asks a relay for its document.
pub async fn fetch(client: &reqwest::Client, relay: &str, clock: &Clock) -> Answer {
    let Some(rest) = relay.strip_prefix("ws") else { return Answer::default() };
    let request = client.get(format!("http{rest}")).header("accept", "application/nostr+json").timeout(LIMIT);
    let asked_at = clock.now();
    let Ok(response) = request.send().await else { return Answer::default() };
    let date = response.headers().get("date").and_then(|date| net::date::parse(date.to_str().ok()?));
    let clock_ahead_secs = date.map(|date| ahead_secs(date, asked_at, clock.now()));
    Answer { document: document(response).await, clock_ahead_secs }
}

async fn document(response: reqwest::Response) -> Option<Document> {
    parse(&net::body(response.error_for_status().ok()?, MAX_BYTES).await.ok()??)
}

/// A date counts whole seconds, and was written somewhere between question and answer.
fn ahead_secs(date: UnixMs, asked_at: UnixMs, answered_at: UnixMs) -> i64 {
    let ours = asked_at.0.midpoint(answered_at.0);
    date.0.saturating_add(500).saturating_sub(ours) / 1_000
}

/// Tolerant: a field of the wrong type is a field that is not there.
fn parse(body: &[u8]) -> Option<Document> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let fields = value.as_object()?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let limit = |name: &str| fields.get("limitation").and_then(|limits| limits.get(name));
    let number = |name: &str| limit(name).and_then(Value::as_u64).filter(|number| *number > 0);
    let flag = |name: &str| limit(name).and_then(Value::as_bool).unwrap_or(false);
    Some(Document {
        name: text("name"),
        software: text("software"),
        limits: RelayLimits {
            max_message_bytes: number("max_message_length"),
            max_content_chars: number("max_content_length"),
            max_event_tags: number("max_event_tags"),
            min_pow_bits: number("min_pow_difficulty").and_then(|bits| u8::try_from(bits).ok()),
            auth_required: flag("auth_required"),
            payment_required: flag("payment_required"),
        },
    })
}

/// Why this relay would not take this event, by its own document.
pub fn objection(limits: &RelayLimits, event: &Event) -> Option<String> {
    // `["EVENT",...]` around the event.
    let bytes = event.as_json().len() as u64 + 10;
    if let Some(max) = limits.max_message_bytes.filter(|max| bytes > *max) {
        return Some(format!("not sent: the message has {bytes} bytes and this relay takes {max}"));
    }
    let chars = event.content.chars().count() as u64;
    if let Some(max) = limits.max_content_chars.filter(|max| chars > *max) {
        return Some(format!("not sent: the content has {chars} characters and this relay takes {max}"));
    }
    let tags = event.tags.len() as u64;
    if let Some(max) = limits.max_event_tags.filter(|max| tags > *max) {
        return Some(format!("not sent: the event has {tags} tags and this relay takes {max}"));
    }
    let bits = limits.min_pow_bits.filter(|bits| !event.id.check_pow(*bits));
    bits.map(|bits| format!("not sent: this relay asks for {bits} bits of proof of work"))
}

#[cfg(test)]
mod tests {
    use nostr::{EventBuilder, Keys, Kind};

    use super::*;

    #[test]
    fn a_document_is_read_as_far_as_it_makes_sense() {
        let body = br#"{"name":"R","software":7,"limitation":{"max_message_length":1000,"max_event_tags":-1,"auth_required":true}}"#;
        let document = parse(body).expect("document");
        assert_eq!((document.name.as_deref(), document.software), (Some("R"), None));
        assert_eq!(document.limits, RelayLimits { max_message_bytes: Some(1000), auth_required: true, ..RelayLimits::default() });
        assert_eq!(parse(b"[]"), None);
        assert_eq!(parse(b"<html>"), None);
    }

    #[test]
    fn a_clock_is_compared_with_the_middle_of_the_question() {
        assert_eq!(ahead_secs(UnixMs(1_000_000), UnixMs(999_000), UnixMs(1_001_000)), 0);
        assert_eq!(ahead_secs(UnixMs(1_000_000), UnixMs(699_000), UnixMs(701_000)), 300);
        assert_eq!(ahead_secs(UnixMs(1_000_000), UnixMs(1_299_500), UnixMs(1_301_500)), -300);
    }

    #[test]
    fn what_a_relay_would_refuse_is_not_sent() {
        let event = EventBuilder::new(Kind::from(6050), "x".repeat(500)).sign_with_keys(&Keys::generate()).expect("signed");
        let limits = |limits: RelayLimits| objection(&limits, &event);
        assert_eq!(limits(RelayLimits { max_message_bytes: Some(2000), ..RelayLimits::default() }), None);
        assert!(limits(RelayLimits { max_message_bytes: Some(500), ..RelayLimits::default() }).is_some_and(|words| words.contains("500")));
        assert!(limits(RelayLimits { max_content_chars: Some(499), ..RelayLimits::default() }).is_some());
        assert!(limits(RelayLimits { min_pow_bits: Some(60), ..RelayLimits::default() }).is_some());
    }
}
