//! Printing of what concerns relays.

use pylon_hud::domain::relay::{DropCounts, RelayHealth, RelayLimits, RelayState};
use pylon_hud::domain::relay_fit::Fit;
use pylon_hud::node::Failure;
use pylon_hud::relay::probe::{Answer, Login, Probe};
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

/// A relay that was tried out, and what that means for us.
#[derive(Debug, Serialize)]
pub struct Test {
    #[serde(flatten)]
    pub probe: Probe,
    /// Held against the longest answer the config allows.
    pub fit: Fit,
    /// Whether our events would be taken, as far as one can tell.
    pub good: bool,
}

impl Test {
    pub fn new(probe: Probe, max_result_bytes: usize) -> Self {
        let fit = probe.limits.as_ref().map(|limits| Fit::new(limits, max_result_bytes)).unwrap_or_default();
        let good = matches!(probe.writing, Answer::Taken { .. }) && fit.against.is_empty();
        Self { probe, fit, good }
    }
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

/// `pylon relays test`.
pub fn tests(tests: &[Test], output: Output) -> Printed {
    if output.json {
        return json(&tests);
    }
    tests.iter().try_for_each(test)
}

fn test(test: &Test) -> Printed {
    let Test { probe, fit, good } = test;
    let row = |name: &str, text: Option<String>| text.map_or(Ok(()), |text| line(&format!("    {name:<9} {text}")));
    line(&probe.url)?;
    row("connected", probe.connect_ms.map(|ms| format!("in {ms} ms")))?;
    row("error", probe.error.clone())?;
    if probe.connect_ms.is_none() {
        return Ok(());
    }
    row("is", described(probe.name.as_deref(), probe.software.as_deref()))?;
    row("takes", Some(probe.limits.as_ref().map_or_else(|| "it has no document of limits (NIP-11)".to_owned(), limits)))?;
    row("login", login(&probe.login))?;
    row("reading", Some(answer(&probe.reading)))?;
    row("writing", Some(answer(&probe.writing)))?;
    probe.notices.iter().try_for_each(|words| row("said", Some(quoted(words))))?;
    fit.against.iter().try_for_each(|why| row("against", Some(why.clone())))?;
    fit.notes.iter().try_for_each(|note| row("note", Some(note.clone())))?;
    row("verdict", Some(if *good { "it would take our events" } else { "it would not take our events, or not all" }.to_owned()))
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Taken { ms } => format!("works, {ms} ms"),
        Answer::Refused { words } => format!("refused: {}", quoted(words)),
        Answer::Silence => "no answer".to_owned(),
    }
}

fn login(login: &Login) -> Option<String> {
    match login {
        Login::NotAsked => None,
        Login::Accepted => Some("asked who we are, and took a key it had never seen".to_owned()),
        Login::Refused { words } => Some(format!("asked who we are, and refused a key it had never seen: {}", quoted(words))),
        Login::Unanswered => Some("asked who we are, and did not say whether that will do".to_owned()),
    }
}
