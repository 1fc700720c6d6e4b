//! Sell Compute: what a start needs, the one switch, the jobs under way, and a test job to oneself.

mod in_flight;
mod preflight;
mod trial;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};

use crate::domain::job::Policy;
use crate::hud::act::online_wish;
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Jobs, Models, Relays, Session, Trial};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, card, row, words};
use crate::node::{NodeCommand, NodeState, Verdict};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct SellCompute;

/// What is typed into it.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The test job's prompt.
    pub prompt: String,
}

impl Default for Form {
    fn default() -> Self {
        Self { prompt: "Say hello in one sentence.".to_owned() }
    }
}

/// What the view shows.
pub struct Shown<'a> {
    pub session: &'a Session,
    pub models: &'a Models,
    pub relays: &'a Relays,
    pub jobs: &'a Jobs,
    pub trial: &'a Trial,
}

pub fn draw(
    mut pane: PaneUi<'_, '_, SellCompute>,
    session: Res<'_, Session>,
    models: Res<'_, Models>,
    relays: Res<'_, Relays>,
    jobs: Res<'_, Jobs>,
    trial: Res<'_, Trial>,
    mut forms: Query<'_, '_, &mut Form, With<SellCompute>>,
) -> Result {
    let shown = Shown { session: &session, models: &models, relays: &relays, jobs: &jobs, trial: &trial };
    pane.show(Body::Scrolls, |ui, entity, wishes| {
        if let Ok(mut form) = forms.get_mut(entity) {
            view(ui, &shown, form.bypass_change_detection(), wishes);
        }
    })
}

/// Draws the content.
pub fn view(ui: &mut Ui, shown: &Shown<'_>, form: &mut Form, wishes: &mut Wishes) {
    ui.spacing_mut().item_spacing.y = tokens::STEP;
    for check in preflight::checks(shown.session, shown.models, shown.relays) {
        if row::status_row(ui, &check.row)
            && let Some(action) = check.action
        {
            wishes.wish(action);
        }
    }
    preflight::pulling(ui, shown.models);
    robot(ui, shown.session, wishes);
    figures(ui, shown);
    switch(ui, shown.session, wishes);
    in_flight::view(ui, shown.jobs, shown.session);
    trial::view(ui, shown.session, shown.trial, form, wishes);
}

/// The practice market's buyer, on and off.
fn robot(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    if !session.is_practice() {
        return;
    }
    let runs = session.status.robot;
    let state = match (runs, session.status.running) {
        (true, _) => "asks a job every few seconds",
        (false, true) => "asks nothing",
        (false, false) => "waits for the node to start",
    };
    let fix = if runs { "Stop it" } else { "Start it" };
    let row = row::StatusRow {
        signal: if runs { Signal::Good } else { Signal::Quiet },
        name: "Robot buyer",
        state: state.to_owned(),
        fix: session.status.running.then_some(fix),
        ..row::StatusRow::default()
    };
    if row::status_row(ui, &row) {
        wishes.ask(if runs { NodeCommand::StopRobot } else { NodeCommand::StartRobot });
    }
}

fn figures(ui: &mut Ui, shown: &Shown<'_>) {
    let ink = Ink::of(ui);
    let status = &shown.session.status;
    // A stopped node has not read its config; its findings have.
    let price = match (&shown.models.preflight, status.running, status.policy) {
        (_, true, Policy::Free) => "free",
        (Some(preflight), false, _) if preflight.payment.verdict == Verdict::Good => "free",
        (Some(preflight), false, _) if preflight.config.verdict == Verdict::Bad => words::NONE,
        (None, false, _) => words::NONE,
        _ => "not set",
    };
    let speed = shown.models.first().and_then(|model| model.tokens_per_sec);
    let speed = speed.map_or_else(|| words::NONE.to_owned(), |speed| format!("{} tok/s", words::count(speed.round() as u64)));
    let cards = vec![
        ("price", ink.bold(Text::Figure, price).into(), "What a job costs, by provider.policy in the config."),
        ("this session", ink.bold(Text::Figure, words::many(status.done, "job", "jobs")).into(), "Jobs delivered since the node started."),
        ("speed", ink.bold(Text::Figure, speed).into(), "Of the model's last answer, by its server's own counters."),
    ];
    card::cards(ui, cards);
}

/// The one switch, and in words what it does or what is in the way.
fn switch(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    let state = session.status.state;
    let (title, weight) = switch_title(state);
    let is_asked = session.awaits(&NodeCommand::GoOnline) && matches!(state, NodeState::Stopped | NodeState::Offline);
    let enabled = online_wish(state).is_some() && !is_asked && session.market.is_some();
    let key = ActionKind::ToggleOnline.binding().map_or("", |binding| binding.shown);
    if button::large(ui, title, weight, enabled).on_hover_text(format!("Key: {key}")).clicked() {
        wishes.wish(UserAction::ToggleOnline);
    }
    let ink = Ink::of(ui);
    if session.status.blockers.is_empty() {
        ui.vertical_centered(|ui| ui.add(Label::new(ink.low(Text::Table, switch_words(state))).wrap()));
    }
    for blocker in &session.status.blockers {
        ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, format!("⚠ {}", blocker.message))).wrap());
        ui.add(Label::new(ink.mid(Text::Table, &blocker.hint)).wrap());
    }
}

const fn switch_title(state: NodeState) -> (&'static str, button::Weight) {
    match state {
        NodeState::Stopped | NodeState::Offline => ("Go online", button::Weight::Main),
        NodeState::Starting => ("Starting…", button::Weight::Large),
        NodeState::Connecting | NodeState::Online | NodeState::Degraded => ("Go offline", button::Weight::Large),
        NodeState::Draining => ("Do not wait", button::Weight::Large),
        NodeState::Stopping => ("Stopping…", button::Weight::Large),
    }
}

const fn switch_words(state: NodeState) -> &'static str {
    match state {
        NodeState::Stopped => "The node is stopped. This starts it and takes jobs.",
        NodeState::Starting => "The node comes up.",
        NodeState::Offline => "The node runs and takes no jobs.",
        NodeState::Connecting => "Looking for a relay. No job can arrive before one answers.",
        NodeState::Online => "Taking jobs. Those under way are finished first.",
        NodeState::Degraded => "Taking jobs as far as it can.",
        NodeState::Draining => "No new jobs; those under way are being finished. Dropped ones are resumed at the next start.",
        NodeState::Stopping => "The node goes down.",
    }
}
