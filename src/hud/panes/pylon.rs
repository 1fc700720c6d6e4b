//! Pylon: the node itself. Its state, where it lives, and the doctor.

use bevy::prelude::*;
use bevy_egui::egui::{Label, Sides, Ui};

use crate::config::Mode;
use crate::hud::act::out_of_reach;
use crate::hud::action::UserAction;
use crate::hud::chips::sign;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::robot;
use crate::hud::state::{Doctor, History, Now, Session};
use crate::hud::theme::{self, Text, tokens};
use crate::hud::widgets::{Age, Ink, Signal, Wishes, button, field, lamp, marks, words};
use crate::node::{Finding, Leaving, Link, NodeCommand, NodeState, NodeStatus, RobotKind, Verdict, Whose};

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
    headline(ui, session, wishes);
    // What is in the way of a node that is not heard is not known.
    if session.link.is_up() {
        obstacles(ui, &session.status);
    }
    if let Some(words) = out_of_reach(&session.link) {
        ui.add(Label::new(Ink::of(ui).low(Text::Table, words)).wrap());
    }
    robot::view(ui, session, RobotKind::Seller, wishes);
    ui.spacing_mut().item_spacing.y = 0.0;
    facts(ui, session, now, wishes);
    totals(ui, history);
    ui.spacing_mut().item_spacing.y = tokens::GAP;
    examination(ui, session, doctor, wishes);
}

/// The state, and the button for the other one.
fn headline(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    let (signal, word) = sign(session);
    let ink = Ink::of(ui);
    let (title, command) = switch(session);
    let left = |ui: &mut Ui| {
        lamp::lamp(ui, signal);
        ui.label(ink.bold(Text::Heading, word));
    };
    let right = |ui: &mut Ui| {
        let switch = ui.add_enabled_ui(command.is_some(), |ui| button::small(ui, title)).inner;
        marks::main(&switch);
        switch.clicked()
    };
    let (_, pressed) = Sides::new().height(theme::hit(ui.ctx())).shrink_left().truncate().show(ui, left, right);
    if let (true, Some(command)) = (pressed, &command) {
        wishes.ask(command.clone());
    }
}

/// What is in the way, and what to do about it.
fn obstacles(ui: &mut Ui, status: &NodeStatus) {
    let ink = Ink::of(ui);
    for blocker in &status.blockers {
        ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, format!("⚠ {}", blocker.message))).wrap());
        ui.add(Label::new(ink.mid(Text::Table, &blocker.hint)).wrap());
    }
}

/// Start or stop, whichever there is to do.
const fn switch(session: &Session) -> (&'static str, Option<NodeCommand>) {
    match session.link {
        _ if out_of_reach(&session.link).is_some() => return ("Out of reach", None),
        Link::Lost { .. } => return ("Start", Some(NodeCommand::Start)),
        Link::Inside | Link::Nobody { .. } | Link::Outside { .. } => {}
    }
    match session.status.state {
        NodeState::Stopped => ("Start", Some(NodeCommand::Start)),
        NodeState::Starting => ("Starting…", None),
        NodeState::Stopping => ("Stopping…", None),
        NodeState::Draining => ("Stop now", Some(NodeCommand::Stop { how: Leaving::Now })),
        NodeState::Offline | NodeState::Connecting | NodeState::Online | NodeState::Degraded => {
            ("Stop", Some(NodeCommand::Stop { how: Leaving::Finish }))
        }
    }
}

/// Where the node runs, and what becomes of it when the window closes.
const fn mode(link: &Link) -> &'static str {
    match link {
        Link::Inside => "in this window",
        Link::Nobody { mode: Mode::Attached } => "attached, once a node runs",
        Link::Nobody { mode: Mode::InProcess | Mode::Daemon } => "in the background",
        Link::Outside { whose: Whose::Ours, .. } => "in the background, until this window closes",
        Link::Outside { whose: Whose::Found, .. } => "attached; it goes on without this window",
        Link::Lost { .. } => "out of reach",
    }
}

fn facts(ui: &mut Ui, session: &Session, now: Now, wishes: &mut Wishes) {
    let status = &session.status;
    field::pair(ui, "market", if session.is_practice() { "practice" } else { "real" });
    field::pair(ui, "mode", mode(&session.link));
    let version = format!("v{}", if status.version.is_empty() { env!("CARGO_PKG_VERSION") } else { &status.version });
    field::pair(ui, "process", &status.pid.map_or_else(|| version.clone(), |pid| format!("{pid} · {version}")));
    if let Some(since) = status.started_at.filter(|_| session.link.is_up()) {
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
    let may_ask = !is_under_way && session.link.is_up();
    let examine = ui.add_enabled_ui(may_ask, |ui| button::small(ui, label)).inner;
    marks::second(&examine);
    if examine.clicked() {
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
