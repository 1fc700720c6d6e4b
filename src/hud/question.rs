//! Questions before something that cannot be taken back: money that is sent, a node stopped among its jobs, the way out.
//!
//! Inside the window, never a dialog of the desktop's. Enter presses what has the ring, arrows and Tab move it, Escape is
//! the last answer, which changes nothing.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Key, Label, Modifiers, Ui};

use super::action::UserAction;
use super::gate::{Asking, Dialog};
use super::modal;
use super::theme::{Text, Theme, tokens};
use super::widgets::{Ink, Wishes, button, ink};

/// Something to decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub title: String,
    /// What will happen, and what cannot be undone.
    pub text: String,
    /// The last one changes nothing.
    pub answers: Vec<Choice>,
    /// Which has the ring at first. With money in it, the last.
    pub first: usize,
}

/// A way to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub label: String,
    pub action: UserAction,
}

impl Choice {
    pub fn new(label: impl Into<String>, action: UserAction) -> Self {
        Self { label: label.into(), action: UserAction::Sure(Box::new(action)) }
    }

    /// The one that changes nothing.
    pub fn none(label: impl Into<String>) -> Self {
        Self { label: label.into(), action: UserAction::Nothing }
    }
}

impl Question {
    /// Whether to do this or not; the ring is on not.
    pub fn careful(title: impl Into<String>, text: impl Into<String>, yes: impl Into<String>, action: UserAction) -> Self {
        let answers = vec![Choice::new(yes, action), Choice::none("Cancel")];
        Self { title: title.into(), text: text.into(), answers, first: 1 }
    }
}

/// What is asked now. One at a time: a second question waits until the first is answered.
#[derive(Resource, Debug, Clone, Default, PartialEq)]
pub struct Questions(Vec<Question>);

impl Questions {
    pub fn now(&self) -> Option<&Question> {
        self.0.first()
    }

    /// Asks, unless the same is asked already.
    pub fn ask(&mut self, question: Question) {
        if !self.0.contains(&question) {
            self.0.push(question);
        }
    }

    /// Takes the answer; gives what it means.
    pub fn answer(&mut self, index: usize) -> Option<UserAction> {
        if self.0.is_empty() {
            return None;
        }
        let question = self.0.remove(0);
        question.answers.into_iter().nth(index).map(|choice| choice.action)
    }
}

/// Draws the question while it stands.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    (questions, asking): (Res<'_, Questions>, Asking<'_>),
    mut met: Local<'_, Option<Question>>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    let Some(question) = questions.now().filter(|_| asking.uppermost() == Some(Dialog::Question)) else {
        *met = None;
        return Ok(());
    };
    let is_new = met.as_ref() != Some(question);
    if is_new {
        *met = Some(question.clone());
    }
    let context = contexts.ctx_mut()?.clone();
    let mut wishes = Wishes::default();
    let ring = if is_new { Ring::Set } else { Ring::Kept };
    modal::show(&context, "question", Ink(theme.palette), tokens::MODAL_WIDTH, |ui| view(ui, question, ring, &mut wishes));
    actions.write_batch(wishes.take());
    Ok(())
}

/// Where the focus ring goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ring {
    /// The question is new: to its first answer.
    Set,
    /// Where it is, or to the first answer if it has left the question.
    Kept,
}

/// Title, text and answers.
pub fn view(ui: &mut Ui, question: &Question, ring: Ring, wishes: &mut Wishes) {
    let ink = Ink::of(ui);
    ui.label(ink::title(&question.title, Text::Heading, ink.0.text_high));
    if !question.text.is_empty() {
        ui.add(Label::new(ink.mid(Text::Body, &question.text)).wrap());
    }
    ui.add_space(tokens::STEP);
    let mut has_ring = false;
    let mut first = None;
    for (index, choice) in question.answers.iter().enumerate() {
        let weight = if index == 0 { button::Weight::Main } else { button::Weight::Large };
        let response = button::large(ui, &choice.label, weight, true);
        has_ring |= response.has_focus();
        if response.clicked() {
            wishes.wish(UserAction::Answer(index));
        }
        if index == question.first {
            first = Some(response);
        }
    }
    if let Some(first) = first.filter(|_| ring == Ring::Set || !has_ring) {
        first.request_focus();
    }
    if ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
        wishes.wish(UserAction::Answer(question.answers.len().saturating_sub(1)));
    }
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
