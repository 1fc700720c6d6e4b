//! What a start needs, line by line, each with its cure.

use bevy_egui::egui::{Label, Ui};

use crate::domain::model::{BackendHealth, BackendState, ModelInfo};
use crate::domain::relay::{RelayHealth, RelayState};
use crate::hud::action::UserAction;
use crate::hud::state::{Models, Relays, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::row::StatusRow;
use crate::hud::widgets::{Ink, Signal, meter, words};
use crate::node::{Finding, NodeCommand, Preflight, Verdict, sentence};

/// The model to get when there is none.
const FIRST_MODEL: &str = "llama3.2";

/// A row, and what its button does.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub row: StatusRow,
    pub action: Option<UserAction>,
}

impl Check {
    fn new(name: &'static str, signal: Signal, state: impl Into<String>) -> Self {
        Self { row: StatusRow { signal, name, state: state.into(), ..StatusRow::default() }, action: None }
    }

    fn aside(mut self, aside: impl Into<String>) -> Self {
        self.row.aside = aside.into();
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.row.hint = hint.into();
        self
    }

    fn fix(mut self, label: &'static str, action: UserAction) -> Self {
        self.row.fix = Some(label);
        self.action = Some(action);
        self
    }

    /// The same when nobody tells any more: how it was, and nothing to ask for.
    fn unheard(mut self) -> Self {
        self.row.signal = Signal::Quiet;
        self.row.state = format!("unknown; was: {}", self.row.state);
        self.row.hint.clear();
        if !matches!(self.action, Some(UserAction::Copy(_))) {
            (self.row.fix, self.action) = (None, None);
        }
        self
    }
}

/// Every line, in the order a job would meet them.
pub fn checks(session: &Session, models: &Models, relays: &Relays) -> Vec<Check> {
    let checks = last_known(session, models, relays);
    if session.link.is_up() { checks } else { checks.into_iter().map(Check::unheard).collect() }
}

fn last_known(session: &Session, models: &Models, relays: &Relays) -> Vec<Check> {
    let Some(preflight) = &models.preflight else {
        return ["Identity", "Payment", "Backend", "Model", "Relays"].map(|name| Check::new(name, Signal::Info, "looking…")).into();
    };
    let mut checks = Vec::new();
    if preflight.config.verdict != Verdict::Good {
        checks.push(config(&preflight.config));
    }
    checks.push(identity(session, preflight));
    if preflight.config.verdict == Verdict::Bad {
        // What it would say about the rest is not known.
        return checks;
    }
    checks.push(payment(&preflight.payment));
    checks.push(backend(session, models));
    checks.push(model(session, models));
    checks.push(relay(session, relays));
    checks
}

fn look_again(session: &Session) -> UserAction {
    UserAction::Ask(if session.status.running { NodeCommand::ProbeBackends } else { NodeCommand::Preflight })
}

const fn signal(verdict: Verdict) -> Signal {
    match verdict {
        Verdict::Good => Signal::Good,
        Verdict::Warning => Signal::Warning,
        Verdict::Bad => Signal::Bad,
    }
}

fn why(finding: &Finding) -> String {
    [Some(finding.message.as_str()), finding.hint.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn config(finding: &Finding) -> Check {
    Check::new("Config", signal(finding.verdict), "look at this").hint(why(finding)).fix("Read again", UserAction::Ask(NodeCommand::Reload))
}

fn identity(session: &Session, preflight: &Preflight) -> Check {
    let finding = &preflight.identity;
    // A node that runs has unlocked it.
    let npub = session.status.npub.as_ref().or_else(|| (finding.verdict == Verdict::Good).then_some(&finding.message));
    match (npub, finding.verdict) {
        (Some(npub), _) => Check::new("Identity", Signal::Good, words::ends(npub)).fix("Copy", UserAction::Copy(npub.clone())),
        (None, Verdict::Warning) => {
            Check::new("Identity", Signal::Warning, "locked").hint("It is under a passphrase, which is asked for at the start.")
        }
        (None, verdict) => {
            let hint = format!("{} Its twelve words are shown there, once.", finding.message);
            Check::new("Identity", signal(verdict), "missing").hint(hint).fix("Copy command", UserAction::Copy("pylon init".to_owned()))
        }
    }
}

fn payment(finding: &Finding) -> Check {
    match finding.verdict {
        Verdict::Good => Check::new("Payment", Signal::Good, finding.message.trim_end_matches('.')),
        verdict => {
            let free = NodeCommand::SetSetting { key: "provider.policy".to_owned(), value: "free".to_owned() };
            Check::new("Payment", signal(verdict), "no wallet").hint(finding.message.clone()).fix("Serve for free", UserAction::Ask(free))
        }
    }
}

/// The backend that is ready, or why none is.
fn backend(session: &Session, models: &Models) -> Check {
    let is_ready = |backend: &&BackendHealth| matches!(backend.state, BackendState::Ready { .. });
    if let Some(backend) = models.backends.iter().find(is_ready) {
        let version = match &backend.state {
            BackendState::Ready { version: Some(version) } => format!(" {version}"),
            _ => String::new(),
        };
        let others = models.backends.iter().filter(is_ready).count() - 1;
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let count = words::many(models.ready().count() as u64, "model", "models");
        return Check::new("Backend", Signal::Good, format!("{}{version}{more} · {count}", backend.name));
    }
    let Some(backend) = models.backends.first() else {
        return Check::new("Backend", Signal::Bad, "none configured").hint("Set backends.ollama.url in the config.");
    };
    match &backend.state {
        BackendState::Unavailable { reason, hint } => Check::new("Backend", Signal::Bad, format!("{} does not answer", backend.name))
            .hint(format!("{} {hint}", sentence(reason)))
            .fix("Try again", look_again(session)),
        BackendState::Unknown | BackendState::Ready { .. } => Check::new("Backend", Signal::Info, format!("asking {}…", backend.name)),
    }
}

fn model(session: &Session, models: &Models) -> Check {
    if let Some(model) = models.first() {
        return Check::new("Model", Signal::Good, model.name.clone()).aside(model_aside(model));
    }
    let broken = models.backends.iter().flat_map(|backend| &backend.models).find_map(|model| Some((model, model.fault.as_ref()?)));
    if let Some((model, fault)) = broken {
        return Check::new("Model", Signal::Bad, format!("{} does not run", model.name))
            .hint(fault.clone())
            .fix("Try again", look_again(session));
    }
    let missing = Check::new("Model", Signal::Bad, "none");
    let has_backend = models.backends.iter().any(|backend| matches!(backend.state, BackendState::Ready { .. }));
    match (has_backend, session.status.running, &models.pulling) {
        (_, _, Some((model, _))) => Check::new("Model", Signal::Info, format!("getting {model}")),
        (true, true, None) => missing
            .hint(format!("{FIRST_MODEL} is a good first one; it takes 2 GB."))
            .fix("Get it", UserAction::Ask(NodeCommand::PullModel { model: FIRST_MODEL.to_owned() })),
        (true, false, None) => missing
            .hint(format!("Get one: `ollama pull {FIRST_MODEL}`, or start the node and get it here."))
            .fix("Start node", UserAction::Ask(NodeCommand::Start)),
        (false, _, None) => missing.hint("Models come with a backend that answers."),
    }
}

fn model_aside(model: &ModelInfo) -> String {
    let warm = match model.warm {
        Some(true) => "warm",
        Some(false) => "cold",
        None => "",
    };
    let speed = model.tokens_per_sec.map(|speed| format!("{} tok/s", words::count(speed.round() as u64)));
    [Some(warm.to_owned()), speed].into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn relay(session: &Session, relays: &Relays) -> Check {
    let configured = relays.relays.len();
    let count = words::many(configured as u64, "relay", "relays");
    if configured == 0 {
        return Check::new("Relays", Signal::Bad, "none configured").hint("Set relays.urls in the config.");
    }
    if !session.status.running {
        return Check::new("Relays", Signal::Quiet, format!("{count}, not connected")).aside("node stopped");
    }
    let connected = relays.connected();
    let state = format!("{connected} of {count} connected");
    let signal = match connected {
        0 => Signal::Bad,
        all if all == configured => Signal::Good,
        _ => Signal::Warning,
    };
    let check = Check::new("Relays", signal, state);
    match relays.relays.iter().find(|relay| is_trouble(relay)) {
        Some(relay) if connected < configured => check.hint(trouble(relay)),
        _ => check,
    }
}

fn is_trouble(relay: &RelayHealth) -> bool {
    relay.state == RelayState::Retrying
}

fn trouble(relay: &RelayHealth) -> String {
    let why = relay.last_error.as_deref().unwrap_or("no answer");
    format!("{}: {why}. It is tried again.", relay.url)
}

/// A model on its way.
pub fn pulling(ui: &mut Ui, models: &Models) {
    let Some((model, progress)) = &models.pulling else { return };
    let ink = Ink::of(ui);
    let size = |bytes: Option<u64>| bytes.map_or_else(|| words::NONE.to_owned(), |bytes| format!("{:.2} GB", bytes as f64 / 1e9));
    let words = format!("{model}: {} · {} of {}", progress.status, size(progress.completed_bytes), size(progress.total_bytes));
    ui.add(Label::new(ink.mid(Text::Table, words)).truncate());
    let part = match (progress.completed_bytes, progress.total_bytes) {
        (Some(done), Some(all)) if all > 0 => done as f32 / all as f32,
        _ => 0.0,
    };
    meter::meter(ui, part, Signal::Info);
}
