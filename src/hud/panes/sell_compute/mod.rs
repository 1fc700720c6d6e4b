//! Sell Compute: what a start needs, the one switch, the jobs under way, and a test job to oneself.

mod in_flight;
mod preflight;
mod trial;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui, WidgetText};
use serde::{Deserialize, Serialize};

use crate::domain::job::Policy;
use crate::domain::money::Sats;
use crate::hud::act::{online_wish, out_of_reach};
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::input::Hint;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::robot;
use crate::hud::state::{History, Jobs, Models, Relays, Session, Trial};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, card, marks, row, words};
use crate::node::{Link, NodeCommand, NodeState, RobotKind, Verdict};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct SellCompute;

/// What is typed into it.
#[derive(Component, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    pub history: &'a History,
}

pub fn draw(
    mut pane: PaneUi<'_, '_, SellCompute>,
    session: Res<'_, Session>,
    models: Res<'_, Models>,
    relays: Res<'_, Relays>,
    jobs: Res<'_, Jobs>,
    trial: Res<'_, Trial>,
    history: Res<'_, History>,
    mut forms: Query<'_, '_, &mut Form, With<SellCompute>>,
) -> Result {
    let shown = Shown { session: &session, models: &models, relays: &relays, jobs: &jobs, trial: &trial, history: &history };
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
    robot::view(ui, shown.session, RobotKind::Buyer, wishes);
    figures(ui, shown);
    switch(ui, shown.session, wishes);
    in_flight::view(ui, shown.jobs, shown.session);
    trial::view(ui, shown.session, shown.trial, form, wishes);
}

fn figures(ui: &mut Ui, shown: &Shown<'_>) {
    let ink = Ink::of(ui);
    let status = &shown.session.status;
    let cards = vec![
        ("price", price(ink, shown), "What the smallest job costs, by provider.* in the config."),
        ("this session", ink.bold(Text::Figure, words::many(status.done, "job", "jobs")).into(), "Jobs delivered since the node started."),
        ("paid today", earned(ink, shown), "What came in for jobs today (UTC), by the ledger."),
    ];
    card::cards(ui, cards);
}

/// The price by the running node, or by the config a start would read.
fn price(ink: Ink, shown: &Shown<'_>) -> WidgetText {
    let status = &shown.session.status;
    let preflight = shown.models.preflight.as_ref().filter(|preflight| preflight.config.verdict != Verdict::Bad);
    let (policy, least) = match (status.running, preflight) {
        (true, _) => (status.policy, status.min_price),
        (false, Some(preflight)) => (preflight.policy, preflight.min_price),
        (false, None) => return ink.bold(Text::Figure, words::NONE).into(),
    };
    match policy {
        Policy::Free => ink.bold(Text::Figure, "free").into(),
        Policy::PayFirst | Policy::ResultFirst => ink.sats(Text::Figure, least).into(),
    }
}

fn earned(ink: Ink, shown: &Shown<'_>) -> WidgetText {
    match &shown.history.stats {
        Some(stats) => ink.sats(Text::Figure, Sats(stats.today.earned.0 / 1000)).into(),
        None => ink.bold(Text::Figure, words::NONE).into(),
    }
}

/// The one switch, and in words what it does or what is in the way.
fn switch(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    let state = session.status.state;
    let (title, weight, words) = match (out_of_reach(&session.link), &session.link) {
        (Some(words), _) => ("Out of reach", button::Weight::Large, words),
        (None, Link::Lost { .. }) => ("Go online", button::Weight::Main, WITHOUT_A_WORD),
        (None, Link::Inside | Link::Nobody { .. } | Link::Outside { .. }) => {
            let (title, weight) = switch_title(state);
            (title, weight, switch_words(state))
        }
    };
    let is_down = matches!(state, NodeState::Stopped | NodeState::Offline) || !session.link.is_up();
    let is_asked = session.awaits(&NodeCommand::GoOnline) && is_down;
    let enabled = online_wish(session).is_some() && !is_asked && session.market.is_some();
    let response = button::large(ui, title, weight, enabled);
    marks::main(&response);
    let key = Hint::find(ui.ctx(), ActionKind::ToggleOnline).map_or_else(String::new, |hint| format!("Key: {}", hint.text));
    if response.on_hover_text(key).clicked() {
        wishes.wish(UserAction::ToggleOnline);
    }
    let ink = Ink::of(ui);
    if session.status.blockers.is_empty() || !session.link.is_up() {
        ui.vertical_centered(|ui| ui.add(Label::new(ink.low(Text::Table, words)).wrap()));
        return;
    }
    for blocker in &session.status.blockers {
        ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, format!("⚠ {}", blocker.message))).wrap());
        ui.add(Label::new(ink.mid(Text::Table, &blocker.hint)).wrap());
    }
}

/// What the switch of a node that is dead does.
const WITHOUT_A_WORD: &str = "The node has ended without a word. This starts it anew and takes jobs.";

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
