//! Printing of what concerns relays.

use pylon_hud::domain::relay::{DropCounts, RelayHealth, RelayLimits, RelayState};
use pylon_hud::node::Failure;
use serde::Serialize;

use crate::args::Output;
use crate::report::{aside, json, line};

type Printed = Result<(), Failure>;

/// `pylon relays list`, as printed.
#[derive(Debug)]
pub struct Listing {
    pub relays: Vec<RelayHealth>,
    pub advice: Vec<String>,
}

/// What is left after a change of the list.
#[derive(Debug, Serialize)]
pub struct Changed {
    pub relays: Vec<String>,
    pub warnings: Vec<String>,
}

/// A relay with what is computed from it.
#[derive(Serialize)]
struct Scored<'a> {
    #[serde(flatten)]
    relay: &'a RelayHealth,
    score: Option<u64>,
    uptime_percent: Option<u64>,
}

/// Every relay, then the advice.
pub fn list(listing: &Listing, output: Output) -> Printed {
    if output.json {
        let scored = |relay| Scored { relay, score: relay.score(), uptime_percent: relay.uptime_percent() };
        let relays: Vec<Scored<'_>> = listing.relays.iter().map(scored).collect();
        return json(&serde_json::json!({ "relays": relays, "advice": listing.advice }));
    }
    listing.relays.iter().try_for_each(relay)?;
    listing.advice.iter().try_for_each(|advice| line(&format!("! {advice}")))
}

fn relay(relay: &RelayHealth) -> Printed {
    let part = |text: Option<String>| text.map(|text| format!("  {text}")).unwrap_or_default();
    let score = part(relay.score().map(|score| format!("score {score}")));
    let latency = part(relay.latency_ms.map(|ms| format!("{ms} ms")));
    let uptime = part(relay.uptime_percent().map(|up| format!("connected {up} % of the time")));
    line(&format!("{}  {}{score}{latency}{uptime}", relay.url, state_word(relay.state)))?;
    if relay.state == RelayState::Off {
        return Ok(());
    }
    let dropped = drops(&relay.dropped);
    line(&format!("    in   {} events{dropped}", relay.received))?;
    line(&format!("    out  {} taken, {} refused, {} not sent for its limits", relay.accepted, relay.refused, relay.withheld))?;
    let row = |name: &str, text: Option<String>| text.map_or(Ok(()), |text| line(&format!("    {name}: {text}")));
    row("last refusal", relay.last_refusal.as_deref().map(quoted))?;
    let last_error = relay.last_error.as_deref().filter(|words| Some(*words) != relay.last_refusal.as_deref());
    row("last trouble", last_error.map(quoted))?;
    row("is", described(relay.name.as_deref(), relay.software.as_deref()))?;
    row("takes", relay.limits.as_ref().map(limits))
}

const fn state_word(state: RelayState) -> &'static str {
    match state {
        RelayState::Off => "not connected: the node is stopped",
        RelayState::Connecting => "connecting",
        RelayState::Connected => "connected",
        RelayState::Retrying => "away, tried again",
    }
}

fn quoted(words: &str) -> String {
    format!("'{words}'")
}

/// Causes that have happened.
fn drops(drops: &DropCounts) -> String {
    let causes = [
        (drops.duplicate, "seen before"),
        (drops.malformed, "malformed"),
        (drops.oversized, "too large"),
        (drops.unverified, "with a wrong signature"),
    ];
    let told: Vec<String> = causes.iter().filter(|(count, _)| *count > 0).map(|(count, cause)| format!("{count} {cause}")).collect();
    if told.is_empty() { String::new() } else { format!(", dropped {}", told.join(", ")) }
}

/// What a relay calls itself.
pub fn described(name: Option<&str>, software: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [name, software].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// A relay's limits by its own document.
pub fn limits(limits: &RelayLimits) -> String {
    let number = |value: Option<u64>, unit: &str| value.map(|value| format!("{value} {unit}"));
    let parts = [
        number(limits.max_message_bytes, "bytes a message"),
        number(limits.max_content_chars, "characters of content"),
        number(limits.max_event_tags, "tags"),
        limits.min_pow_bits.map(|bits| format!("{bits} bits of proof of work")),
        limits.auth_required.then(|| "a login (NIP-42)".to_owned()),
        limits.payment_required.then(|| "paying members only".to_owned()),
    ];
    let told: Vec<String> = parts.into_iter().flatten().collect();
    if told.is_empty() { "anything, by its own document".to_owned() } else { told.join(", ") }
}

/// What a change has done, then what there is to say about it.
pub fn changed(changed: &Changed, done: &str, output: Output) -> Printed {
    if output.json {
        return json(changed);
    }
    line(done)?;
    changed.warnings.iter().for_each(|warning| aside(&format!("warning: {warning}")));
    Ok(())
}
