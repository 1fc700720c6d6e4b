//! Printing. Sentences for people, one JSON document (or one a line, while following) for programs.

use std::io::{ErrorKind, Write as _};

use pylon_hud::config::edit::Setting;
use pylon_hud::domain::model::{BackendHealth, BackendState, ModelInfo};
use pylon_hud::domain::spend_lock::SpendState;
use pylon_hud::domain::time::UnixMs;
use pylon_hud::identity::Created;
use pylon_hud::node::doctor::{Finding, Verdict};
use pylon_hud::node::{Failure, Housing, NodeEvent, NodeState, NodeStatus, Report, TestStep};
use pylon_hud::store::{JobDetail, JobRow, Page};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use time::OffsetDateTime;

use crate::args::{Init, Output};
use crate::{money, purchases};

type Printed = Result<(), Failure>;

/// One line to standard output.
pub fn line(text: &str) -> Printed {
    piece(&format!("{text}\n"))
}

/// Text to standard output, a part of a line perhaps. A reader that has gone (`| head`) is no failure.
fn piece(text: &str) -> Printed {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(|error| Failure::user(format!("The output could not be written: {error}."))),
    }
}

pub fn json(value: &impl Serialize) -> Printed {
    line(&serde_json::to_string(value).map_err(|error| Failure::internal(format!("Not JSON: {error}.")))?)
}

/// A failure, to standard error.
pub fn failure(failure: &Failure) {
    let mut text = format!("error: {}\n", failure.message);
    for hint in &failure.hints {
        text.push_str(&format!("  hint: {hint}\n"));
    }
    // Nobody is left to tell if even this fails.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// A sentence for whoever sits there, beside the answer: to standard error.
pub fn aside(sentence: &str) {
    // Nobody is left to tell if even this fails.
    let _ = std::io::stderr().write_all(format!("{sentence}\n").as_bytes());
}

/// Something that was asked for has been done.
pub fn done(sentence: &str, output: Output) -> Printed {
    if output.json { json(&serde_json::json!({ "done": true })) } else { line(sentence) }
}

/// `pylon status`.
pub fn status(status: &NodeStatus, output: Output) -> Printed {
    if output.json {
        return json(status);
    }
    let practice = if status.practice { "PRACTICE " } else { "" };
    line(&format!("{practice}node     {}", state_word(status.state)))?;
    if let Some(npub) = &status.npub {
        line(&format!("identity {npub}"))?;
    }
    line(&format!("data     {}", status.data_dir))?;
    if status.running {
        line(&format!("process  {}, {}, version {}", status.pid.unwrap_or_default(), housing_word(status.housing), status.version))?;
        line(&format!("relays   {} of {} connected", status.relays_connected, status.relays_configured))?;
        line(&format!("models   {}", if status.models.is_empty() { "none ready".to_owned() } else { status.models.join(", ") }))?;
        line(&format!("jobs     {} running, {} waiting, {} undelivered", status.in_flight, status.queued, status.undelivered))?;
        line(&format!("since start: {} done, {} failed, {} refused", status.done, status.failed, status.refused))?;
    }
    if let Some(spending) = status.spending.filter(|spending| spending.state == SpendState::Locked) {
        line(&format!("spending {}", money::spending_words(&spending)))?;
    }
    for blocker in &status.blockers {
        line(&format!("! {} {}", blocker.message, blocker.hint))?;
    }
    Ok(())
}

pub const fn state_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Stopped => "stopped",
        NodeState::Starting => "starting",
        NodeState::Offline => "offline (running, taking no jobs)",
        NodeState::Connecting => "connecting",
        NodeState::Online => "online",
        NodeState::Degraded => "degraded",
        NodeState::Draining => "finishing its jobs",
        NodeState::Stopping => "stopping",
    }
}

const fn housing_word(housing: Housing) -> &'static str {
    match housing {
        Housing::Inside => "inside another program",
        Housing::Foreground => "in the foreground",
        Housing::Daemon => "in the background",
        Housing::Errand => "for one command",
    }
}

/// A step of `pylon test`. `heard` is what of the answer has been printed so far.
pub fn test_step(step: &TestStep, heard: &mut String, output: Output) -> Printed {
    if output.json {
        return json(step);
    }
    match step {
        TestStep::Asked { job, relay } => line(&format!("asked    {} through {relay}", job.short())),
        TestStep::Partial { text } => {
            heard.push_str(text);
            piece(text)
        }
        TestStep::Answered { job, text, took_ms } => {
            // Pieces are a beginning of the answer; one that is not would be no answer of this node.
            match text.strip_prefix(heard.as_str()) {
                Some(rest) => line(rest)?,
                None => line(&format!("\n{text}"))?,
            }
            line(&format!("answered {} in {took_ms} ms", job.short()))
        }
    }
}

/// One event, as it happens.
pub fn event(report: &Report, output: Output) -> Printed {
    if output.json {
        return json(report);
    }
    match &report.event {
        NodeEvent::Status { status } => {
            let relays = format!("{}/{} relays", status.relays_connected, status.relays_configured);
            let why: Vec<_> = status.blockers.iter().map(|blocker| blocker.code.as_str()).collect();
            let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
            line(&format!("node {}{why}, {relays}, {} running, {} waiting", state_word(status.state), status.in_flight, status.queued))
        }
        NodeEvent::JobChanged { job } => line(&job_line(job)),
        NodeEvent::Fault { fault } => line(&format!("! {} {}", fault.message, fault.hint)),
        NodeEvent::Failed { failure } => line(&format!("! {} {}", failure.message, failure.hints.join(" "))),
        NodeEvent::Refused { code } => line(&format!("refused a request: {code}")),
        NodeEvent::Relay { relay } => {
            let error = relay.last_error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
            line(&format!("relay {} {}{error}", relay.url, format!("{:?}", relay.state).to_lowercase()))
        }
        NodeEvent::Pulling { model, progress } => {
            let bytes = match (progress.completed_bytes, progress.total_bytes) {
                (Some(done), Some(total)) if total > 0 => format!(" {} %", done.saturating_mul(100) / total),
                _ => String::new(),
            };
            line(&format!("{model}: {}{bytes}", progress.status))
        }
        NodeEvent::Models { backends } => {
            let ready: Vec<_> =
                backends.iter().filter(|backend| matches!(backend.state, BackendState::Ready { .. })).map(|b| b.name.as_str()).collect();
            line(&format!("backends ready: {}", if ready.is_empty() { "none".to_owned() } else { ready.join(", ") }))
        }
        NodeEvent::SettingsChanged { changes } => changes.iter().try_for_each(|change| {
            let from = if change.is_applied { "now" } else { &change.applies };
            line(&format!("setting {} is {} ({from})", change.key, change.value))
        }),
        NodeEvent::PurchaseChanged { purchase } => line(&format!("request {}", purchases::row_line(purchase))),
        NodeEvent::Offer { offer } => line(&format!("offer   {}", purchases::offer_line(offer))),
        NodeEvent::Payment { payment } => line(&format!("payment {}", money::payment_line(payment))),
        NodeEvent::Spending { spending } => line(&format!("spending {}", money::spending_words(spending))),
        // Answers to somebody's question are theirs to print; progress is for a window.
        NodeEvent::JobProgress { .. }
        | NodeEvent::Relays { .. }
        | NodeEvent::Jobs { .. }
        | NodeEvent::JobDetail { .. }
        | NodeEvent::Hello { .. }
        | NodeEvent::Stats { .. }
        | NodeEvent::Earnings { .. }
        | NodeEvent::Doctor { .. }
        | NodeEvent::Preflight { .. }
        | NodeEvent::Testing { .. }
        | NodeEvent::Purchases { .. }
        | NodeEvent::Purchase { .. }
        | NodeEvent::Wallet { .. }
        | NodeEvent::Payments { .. }
        | NodeEvent::Invoice { .. }
        | NodeEvent::Address { .. }
        | NodeEvent::Quote { .. }
        | NodeEvent::Deposits { .. }
        | NodeEvent::DepositClaimed { .. }
        | NodeEvent::DepositRefunded { .. }
        | NodeEvent::LightningAddress { .. }
        | NodeEvent::WalletHealth { .. }
        | NodeEvent::Link { .. }
        | NodeEvent::Done => Ok(()),
    }
}

fn job_line(job: &JobRow) -> String {
    let model = job.model.as_deref().unwrap_or("-");
    let tokens = job.answer_tokens.map_or_else(|| "-".to_owned(), |tokens| tokens.to_string());
    let ms = job.total_ms().map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    let reason = job.reason.as_deref().map(|reason| format!("  {reason}")).unwrap_or_default();
    format!("{}  {:<16} {ms:>7} ms {tokens:>6} tokens  {model}{reason}", job.id.short(), job.state.as_str())
}

/// `pylon jobs`.
pub fn jobs(page: &Page, output: Output) -> Printed {
    if output.json {
        return json(page);
    }
    if page.rows.is_empty() {
        return line("No jobs.");
    }
    page.rows.iter().try_for_each(|job| line(&format!("{}  {}", utc(job.seen_at), job_line(job))))
}

/// `pylon jobs show`. `market` names a ledger other than the usual one.
pub fn job(job: &JobDetail, market: &str, output: Output) -> Printed {
    if output.json {
        return json(job);
    }
    let record = &job.record;
    let label = if market.is_empty() { String::new() } else { format!("  ({market})") };
    line(&format!("job      {}{label}", record.id))?;
    line(&format!("state    {}", record.state))?;
    line(&format!("buyer    {}", record.buyer))?;
    let row = |name: &str, value: Option<String>| value.map_or(Ok(()), |value| line(&format!("{name:<8} {value}")));
    row("model", record.ran_model.clone().map(|model| format!("{model} on {}", record.backend.as_deref().unwrap_or("?"))))?;
    row("tokens", record.answer_tokens.map(|answer| format!("{} in, {answer} out", record.prompt_tokens.unwrap_or_default())))?;
    row("took", record.infer_ms.map(|ms| format!("{ms} ms on the model")))?;
    row("reason", record.reason.clone())?;
    row("prompt", record.prompt.clone())?;
    row("answer", job.answer.clone())?;
    for step in &job.journal {
        let fact = step.fact.map_or_else(|| "claimed".to_owned(), |fact| format!("{fact:?}"));
        line(&format!("{}  +{:>6} ms  {:<16} {fact}", utc(step.at), step.at.since(record.seen_at), step.to.as_str()))?;
    }
    for sent in &job.publications {
        let outcome = sent.outcome.as_ref().map_or_else(|words| format!("refused: {words}"), |()| "taken".to_owned());
        line(&format!("{}  {} {outcome}", utc(sent.at), sent.relay))?;
    }
    Ok(())
}

/// `pylon models`.
pub fn models(backends: &[BackendHealth], output: Output) -> Printed {
    if output.json {
        return json(&backends);
    }
    for backend in backends {
        let state = match &backend.state {
            BackendState::Ready { version } => format!("ready{}", suffix(version.as_deref())),
            BackendState::Unavailable { reason, hint } => format!("not available: {reason} {hint}"),
            BackendState::Unknown => "not asked yet".to_owned(),
        };
        line(&format!("{}  {}  {state}", backend.name, backend.url))?;
        backend.models.iter().try_for_each(|model| line(&model_line(model)))?;
    }
    Ok(())
}

fn suffix(version: Option<&str>) -> String {
    version.map(|version| format!(", version {version}")).unwrap_or_default()
}

fn model_line(model: &ModelInfo) -> String {
    let warm = if model.warm == Some(true) { "  warm" } else { "" };
    let context = model.context_tokens.map(|tokens| format!("  {tokens} tokens context")).unwrap_or_default();
    let speed = model.tokens_per_sec.map(|speed| format!("  {speed:.1} tok/s")).unwrap_or_default();
    let fault = model.fault.as_deref().map(|fault| format!("  ! {fault}")).unwrap_or_default();
    format!("  {}{context}{speed}{warm}{fault}", model.name)
}

/// `pylon doctor`.
pub fn findings(findings: &[Finding], output: Output) -> Printed {
    if output.json {
        return json(&findings);
    }
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok  ",
            Verdict::Warning => "warn",
            Verdict::Bad => "BAD ",
        };
        line(&format!("{mark} {}: {}", finding.check, finding.message))?;
        if let Some(hint) = &finding.hint {
            line(&format!("     {hint}"))?;
        }
    }
    Ok(())
}

/// `pylon config list`.
pub fn settings(settings: &[Setting], output: Output) -> Printed {
    if output.json {
        return json(&settings);
    }
    settings.iter().try_for_each(|setting| {
        line(&format!("{} = {}  ({}; {})  {}", setting.key, setting.value, setting.source, setting.applies, setting.help))
    })
}

/// `pylon init`. The words are shown here once and nowhere else; an imported mnemonic is not shown at all.
pub fn created(created: &Created, init: &Init) -> Printed {
    let words = (!init.import).then(|| created.mnemonic.expose_secret().to_owned());
    let backup = created.backup.as_ref().map(|path| path.display().to_string());
    if init.output.json {
        return json(&serde_json::json!({
            "npub": created.identity.npub(),
            "pubkey": created.identity.pubkey(),
            "mnemonic": words,
            "moved_aside": backup,
        }));
    }
    if let Some(path) = backup {
        line(&format!("The old identity is kept at {path}."))?;
    }
    line(&format!("identity {}", created.identity.npub()))?;
    if let Some(words) = words {
        line("Write these words down, in this order, and keep them off this machine. Whoever has them has the identity:")?;
        line(&format!("\n  {words}\n"))?;
    }
    line("Next: `pylon doctor`, then `pylon start --online`.")
}

/// A point in time as `2026-01-31 12:34:56`, in UTC.
pub fn utc(at: UnixMs) -> String {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(at.as_secs()).unwrap_or(i64::MAX)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (time.date(), time.to_hms());
    format!("{date} {hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_utc() {
        assert_eq!(utc(UnixMs(0)), "1970-01-01 00:00:00");
        assert_eq!(utc(UnixMs::from_secs(951_782_399)), "2000-02-28 23:59:59");
        assert_eq!(utc(UnixMs::from_secs(951_782_400)), "2000-02-29 00:00:00");
        assert_eq!(utc(UnixMs::from_secs(1_735_689_599)), "2024-12-31 23:59:59");
    }
}
