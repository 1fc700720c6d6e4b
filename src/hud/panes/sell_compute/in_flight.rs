//! Jobs under way, and how far each is.

use bevy_egui::egui::{Label, Margin, Sides, Ui};

use crate::domain::job::JobState;
use crate::hud::panes::job_history::state_signal;
use crate::hud::state::{Flight, Jobs, Session};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, card, field, meter, words};

/// Rows shown; the number of the others is said.
const SHOWN: usize = 4;

/// Draws the oldest few.
pub fn view(ui: &mut Ui, jobs: &Jobs, session: &Session) {
    field::heading(ui, "in flight");
    let flights = jobs.in_order();
    if flights.is_empty() {
        let words = if session.is_out() { "None. Waiting for requests." } else { "None." };
        ui.label(Ink::of(ui).low(Text::Table, words));
    } else if !session.link.is_up() {
        ui.label(Ink::of(ui).signal(Signal::Warning, Text::Table, "When last heard; how they are now is unknown."));
    }
    for flight in flights.iter().take(SHOWN) {
        // Its bar glides, whatever stands above it.
        ui.push_id(flight.row.id, |ui| one(ui, flight));
    }
    if flights.len() > SHOWN {
        ui.label(Ink::of(ui).low(Text::Table, format!("and {} more", flights.len() - SHOWN)));
    }
}

fn one(ui: &mut Ui, flight: &Flight) {
    let ink = Ink::of(ui);
    card::frame(ink).inner_margin(Margin::symmetric(tokens::ROW_PADDING as i8, tokens::GAP as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = tokens::STEP;
        let row = &flight.row;
        Sides::new().height(tokens::PAIR).shrink_left().truncate().show(
            ui,
            |ui| {
                ui.label(ink.high(Text::Table, row.id.short()));
                ui.add(Label::new(ink.mid(Text::Table, row.model.as_deref().unwrap_or("model not chosen"))).truncate());
                if let Some(progress) = &flight.progress {
                    let words = format!("{} / {} tok", words::count(progress.tokens.into()), words::count(progress.max_tokens.into()));
                    ui.add(Label::new(ink.low(Text::Table, words)).truncate());
                }
            },
            |ui| ui.label(ink.signal(state_signal(row.state), Text::Table, state_words(row.state))),
        );
        if let Some(progress) = &flight.progress {
            meter::meter(ui, progress.tokens as f32 / progress.max_tokens.max(1) as f32, Signal::Good);
            let room = (ui.available_width() / tokens::LETTER) as usize;
            ui.add(Label::new(ink.low(Text::Table, words::end(&progress.tail, room.saturating_sub(1)))).truncate());
        }
    });
}

const fn state_words(state: JobState) -> &'static str {
    match state {
        JobState::Seen => "waiting",
        JobState::Answered => "sending",
        other => other.as_str(),
    }
}
