//! Pylon: the node itself. Its state, where it lives, and the doctor.

use bevy::prelude::*;
use bevy_egui::egui::{Label, Sides, Ui};

use crate::hud::action::UserAction;
use crate::hud::chips::state_sign;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::robot;
use crate::hud::state::{Doctor, History, Now, Session};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Age, Ink, Signal, Wishes, button, field, lamp, words};
use crate::node::{Finding, Leaving, NodeCommand, NodeState, NodeStatus, RobotKind, Verdict};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct Pylon;

pub fn draw(
    mut pane: PaneUi<'_, '_, Pylon>,
    session: Res<'_, Session>,
    history: Res<'_, History>,
    doctor: Res<'_, Doctor>,
    now: Res<'_, Now>,
) -> Result {
    pane.show(Body::Scrolls, |ui, _, wishes| view(ui, &session, &history, &doctor, *now, wishes))
}

/// Draws the content.
pub fn view(ui: &mut Ui, session: &Session, history: &History, doctor: &Doctor, now: Now, wishes: &mut Wishes) {
    let status = &session.status;
    headline(ui, status, wishes);
    robot::view(ui, session, RobotKind::Seller, wishes);
    ui.spacing_mut().item_spacing.y = 0.0;
    facts(ui, session, now, wishes);
    totals(ui, history);
    ui.spacing_mut().item_spacing.y = tokens::GAP;
    examination(ui, session, doctor, wishes);
}

/// The state, and the button for the other one.
fn headline(ui: &mut Ui, status: &NodeStatus, wishes: &mut Wishes) {
    let (signal, word) = state_sign(status.state);
    let ink = Ink::of(ui);
    let (title, command) = switch(status.state);
    let left = |ui: &mut Ui| {
        lamp::lamp(ui, signal);
        ui.label(ink.bold(Text::Heading, word));
    };
    let right = |ui: &mut Ui| ui.add_enabled_ui(command.is_some(), |ui| button::small(ui, title).clicked()).inner;
    let (_, pressed) = Sides::new().height(tokens::ROW).shrink_left().truncate().show(ui, left, right);
    if let (true, Some(command)) = (pressed, &command) {
        wishes.ask(command.clone());
    }
}

/// Start or stop, whichever there is to do.
const fn switch(state: NodeState) -> (&'static str, Option<NodeCommand>) {
    match state {
        NodeState::Stopped => ("Start", Some(NodeCommand::Start)),
        NodeState::Starting => ("Starting…", None),
        NodeState::Stopping => ("Stopping…", None),
        NodeState::Draining => ("Stop now", Some(NodeCommand::Stop { how: Leaving::Now })),
        NodeState::Offline | NodeState::Connecting | NodeState::Online | NodeState::Degraded => {
            ("Stop", Some(NodeCommand::Stop { how: Leaving::Finish }))
        }
    }
}

fn facts(ui: &mut Ui, session: &Session, now: Now, wishes: &mut Wishes) {
    let status = &session.status;
    field::pair(ui, "market", if session.is_practice() { "practice" } else { "real" });
    field::pair(ui, "mode", "in this window");
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    field::pair(ui, "process", &status.pid.map_or_else(|| version.clone(), |pid| format!("{pid} · {version}")));
    if let Some(since) = status.started_at {
        field::pair(ui, "up for", &Age::of(now.0.since(since)).length());
    }
    if let Some(npub) = &status.npub
        && field::copied_pair(ui, "npub", &words::ends(npub), npub)
    {
        wishes.wish(UserAction::Copy(npub.clone()));
    }
    for (name, value) in [("data", &status.data_dir), ("socket", &status.socket)] {
        if !value.is_empty() && field::copied_pair(ui, name, value, value) {
            wishes.wish(UserAction::Copy(value.clone()));
        }
    }
    if status.running {
        field::pair(ui, "session", &outcomes(status.done, status.failed, status.refused));
    }
    if status.undelivered > 0 {
        field::pair(ui, "not delivered", &words::many(status.undelivered.into(), "answer waits", "answers wait"));
    }
}

/// What came of jobs; what did not happen is not mentioned.
fn outcomes(done: u64, failed: u64, refused: u64) -> String {
    let parts = [(done, "done"), (failed, "failed"), (refused, "refused")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{} {word}", words::count(*count))).collect();
    if parts.is_empty() { "no jobs".to_owned() } else { parts.join(" · ") }
}

fn totals(ui: &mut Ui, history: &History) {
    if let Some(stats) = &history.stats {
        let all = &stats.all;
        field::pair(ui, "ever", &outcomes(all.done, all.failed, all.refused));
    }
}

/// The doctor's findings, when they were asked for.
fn examination(ui: &mut Ui, session: &Session, doctor: &Doctor, wishes: &mut Wishes) {
    ui.add_space(tokens::STEP);
    let is_under_way = session.awaits(&NodeCommand::Doctor);
    let label = if is_under_way { "Examining…" } else { "Examine" };
    if ui.add_enabled_ui(!is_under_way, |ui| button::small(ui, label).clicked()).inner {
        wishes.ask(NodeCommand::Doctor);
    }
    for finding in &doctor.findings {
        one(ui, finding);
    }
}

fn one(ui: &mut Ui, finding: &Finding) {
    let ink = Ink::of(ui);
    let (signal, sign) = match finding.verdict {
        Verdict::Good => (Signal::Good, "✓"),
        Verdict::Warning => (Signal::Warning, "⚠"),
        Verdict::Bad => (Signal::Bad, "×"),
    };
    ui.add(Label::new(ink.signal(signal, Text::Table, format!("{sign} {}: {}", finding.check, finding.message))).wrap());
    if let Some(hint) = &finding.hint {
        ui.add(Label::new(ink.low(Text::Table, hint)).wrap());
    }
}
