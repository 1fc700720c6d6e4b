//! One job: its timeline, what went where, and its texts. In a pane of its own, of which there may be many, or inside Job
//! History.

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};

use super::job_history::state_signal;
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::hud::action::UserAction;
use crate::hud::pane::Shows;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Detail, Details};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, words};
use crate::node::NodeCommand;
use crate::store::{JobDetail, JobRecord, JournalRow, Publication};

/// Characters of a prompt and of an answer that are laid out.
const SHOWN: usize = 2_000;

/// Marks the panes of jobs.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct JobPane;

pub fn draw(mut pane: PaneUi<'_, '_, JobPane>, shown: Query<'_, '_, &Shows>, details: Res<'_, Details>) -> Result {
    pane.show(Body::Scrolls, |ui, entity, wishes| {
        if let Ok(shows) = shown.get(entity) {
            view(ui, shows.0, details.of(shows.0), wishes);
        }
    })
}

/// Draws the content: the job, that it is being fetched, or why it cannot be.
pub fn view(ui: &mut Ui, job: JobId, detail: Option<&Detail>, wishes: &mut Wishes) {
    let ink = Ink::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(ink.bold(Text::Heading, job.short()));
        if button::small(ui, "Copy id").clicked() {
            wishes.wish(UserAction::Copy(job.to_string()));
        }
    });
    if let Some(trouble) = detail.and_then(|detail| detail.trouble.as_ref()) {
        ui.add(Label::new(ink.signal(Signal::Bad, Text::Table, format!("× {trouble}"))).wrap());
    }
    match detail.and_then(|detail| detail.job.as_ref()) {
        Some(job) => texts(ui, ink, job, wishes),
        None if detail.is_none() => field::nothing(ui, "Asking the ledger…"),
        None => {}
    }
}

fn texts(ui: &mut Ui, ink: Ink, detail: &JobDetail, wishes: &mut Wishes) {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.spacing_mut().interact_size.y = tokens::PAIR;
    record(ui, &detail.record);
    if detail.record.state == JobState::RefundDue {
        debt(ui, ink, &detail.record, wishes);
    }
    field::heading(ui, "timeline (UTC)");
    for row in &detail.journal {
        step(ui, ink, row);
    }
    field::heading(ui, "sent");
    for publication in &detail.publications {
        sent(ui, ink, publication);
    }
    text(ui, "prompt", detail.record.prompt.as_deref(), detail.record.prompt_chars, wishes);
    let answer = detail.answer.as_deref();
    text(ui, "answer", answer, answer.map_or(0, |text| text.chars().count() as u64), wishes);
}

fn record(ui: &mut Ui, record: &JobRecord) {
    field::pair(ui, "state", &record.state.as_str().replace('_', " "));
    if let Some(reason) = &record.reason {
        field::pair(ui, "why", reason);
    }
    field::pair(ui, "buyer", &record.buyer.to_string());
    field::pair(ui, "kind", &record.kind.to_string());
    field::pair(ui, "request", &format!("{}, {}", record.scheme, record.address));
    let model = record.ran_model.as_deref().or(record.model.as_deref());
    field::pair(ui, "model", model.unwrap_or(words::NONE));
    let tokens = |tokens: Option<u32>| tokens.map_or_else(|| words::NONE.to_owned(), |tokens| words::count(tokens.into()));
    field::pair(ui, "tokens", &format!("{} in, {} out", tokens(record.prompt_tokens), tokens(record.answer_tokens)));
    if let Some(ms) = record.infer_ms {
        field::pair(ui, "model worked", &words::millis(ms));
    }
}

/// What is owed, and the two ways out of it.
fn debt(ui: &mut Ui, ink: Ink, record: &JobRecord, wishes: &mut Wishes) {
    field::heading(ui, "owed to the buyer");
    ui.horizontal(|ui| {
        ui.label(ink.sats(Text::Table, record.price.ceil_sats()));
        let to_profile = "Pays to the Lightning address in the buyer's profile, within the limits.";
        if button::small(ui, "Refund").on_hover_text(to_profile).clicked() {
            wishes.ask(NodeCommand::Refund { job: record.id.to_string(), to: None });
        }
    });
    let by_hand = format!("To an invoice or another address: pylon jobs refund {} INVOICE-OR-ADDRESS", record.id.short());
    ui.add(Label::new(ink.low(Text::Hint, by_hand)).wrap());
}

fn step(ui: &mut Ui, ink: Ink, row: &JournalRow) {
    ui.horizontal(|ui| {
        ui.label(ink.low(Text::Table, words::clock(row.at)));
        ui.label(ink.signal(state_signal(row.to), Text::Table, row.to.as_str().replace('_', " ")));
        if let Some(from) = row.from {
            ui.add(Label::new(ink.low(Text::Table, format!("was {}", from.as_str().replace('_', " ")))).truncate());
        }
    });
}

fn sent(ui: &mut Ui, ink: Ink, publication: &Publication) {
    let (signal, outcome) = match &publication.outcome {
        Ok(()) => (Signal::Good, "taken".to_owned()),
        Err(words) => (Signal::Bad, format!("refused: {words}")),
    };
    ui.horizontal(|ui| {
        ui.label(ink.low(Text::Table, words::clock(publication.at)));
        ui.label(ink.mid(Text::Table, &publication.relay));
        ui.add(Label::new(ink.signal(signal, Text::Table, outcome)).truncate());
    });
}

/// A text or its beginning, and a button for all of it.
fn text(ui: &mut Ui, name: &str, text: Option<&str>, chars: u64, wishes: &mut Wishes) {
    field::heading(ui, name);
    let ink = Ink::of(ui);
    let Some(text) = text else {
        ui.label(ink.low(Text::Table, "Not kept."));
        return;
    };
    let cut = text.char_indices().nth(SHOWN).map(|(at, _)| at);
    ui.add(Label::new(ink.mid(Text::Table, cut.and_then(|at| text.get(..at)).unwrap_or(text).trim_end())).wrap());
    ui.horizontal(|ui| {
        if cut.is_some() {
            ui.label(ink.low(Text::Hint, format!("The first {} of {} characters.", words::count(SHOWN as u64), words::count(chars))));
        }
        if button::small(ui, &format!("Copy {name}")).clicked() {
            wishes.wish(UserAction::Copy(text.to_owned()));
        }
    });
}
