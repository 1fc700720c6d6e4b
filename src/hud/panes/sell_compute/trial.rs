//! The test job: what a stranger would get, through a relay and back.

use bevy_egui::egui::{Align, Key, Label, Layout, Margin, Sides, Ui, vec2};

use super::Form;
use crate::hud::action::UserAction;
use crate::hud::state::{Session, Trial};
use crate::hud::theme::{self, Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, card, field, marks, words};
use crate::node::NodeCommand;

/// Characters of an answer that are laid out. A pane is no place to read a book, and laying one out takes long.
const SHOWN: usize = 2_000;

/// Draws the field, the button and what came back.
pub fn view(ui: &mut Ui, session: &Session, trial: &Trial, form: &mut Form, wishes: &mut Wishes) {
    ui.add_space(tokens::STEP);
    let is_under_way = session.awaits(&NodeCommand::TestJob { prompt: String::new() });
    let may_send = session.is_out() && !is_under_way && !form.prompt.trim().is_empty();
    let line = vec2(ui.available_width(), theme::hit(ui.ctx()));
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        let pressed = ui
            .add_enabled_ui(may_send, |ui| {
                let test = button::small(ui, "Test");
                marks::second(&test);
                test.on_hover_text("Sends this prompt to yourself as a job, through a relay and back.").clicked()
            })
            .inner;
        let width = ui.available_width();
        let edit = field::line(ui, &mut form.prompt, "a test job, to yourself through a relay", width);
        let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if may_send && (pressed || entered) {
            wishes.ask(NodeCommand::TestJob { prompt: form.prompt.clone() });
        }
    });
    let ink = Ink::of(ui);
    match trial {
        Trial::None if !session.is_out() => hint(ui, ink, "Go online first."),
        Trial::None => {}
        Trial::Asked { job, relay, text } => {
            hint(ui, ink, &format!("{} went to {relay}.", job.short()));
            answer(ui, ink, text, wishes);
        }
        Trial::Answered { job, text, took_ms } => {
            let words = format!("✓ {} came back after {}.", job.short(), words::millis(*took_ms));
            ui.add(Label::new(ink.signal(Signal::Good, Text::Table, words)).wrap());
            answer(ui, ink, text, wishes);
        }
        Trial::Failed { message, hint: what_to_do } => {
            ui.add(Label::new(ink.signal(Signal::Bad, Text::Table, format!("× {message}"))).wrap());
            hint(ui, ink, what_to_do);
        }
    }
}

fn hint(ui: &mut Ui, ink: Ink, words: &str) {
    ui.add(Label::new(ink.low(Text::Table, words)).wrap());
}

/// The answer, or its beginning.
fn answer(ui: &mut Ui, ink: Ink, text: &str, wishes: &mut Wishes) {
    if text.is_empty() {
        return;
    }
    card::frame(ink).inner_margin(Margin::same(tokens::ROW_PADDING as i8)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let cut = text.char_indices().nth(SHOWN).map(|(at, _)| at);
        let shown = cut.and_then(|at| text.get(..at)).unwrap_or(text);
        ui.add(Label::new(ink.mid(Text::Table, shown.trim_end())).wrap());
        let note = match cut {
            Some(_) => format!("The first {} of {} characters.", words::count(SHOWN as u64), words::count(text.chars().count() as u64)),
            None => String::new(),
        };
        let copy = |ui: &mut Ui| button::small(ui, "Copy").clicked();
        let (_, pressed) = Sides::new().shrink_left().truncate().show(ui, |ui| ui.label(ink.low(Text::Hint, note)), copy);
        if pressed {
            wishes.wish(UserAction::Copy(text.to_owned()));
        }
    });
}
