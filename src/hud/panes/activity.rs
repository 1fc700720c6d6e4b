//! Activity: what the node said, line by line. Secrets have been taken out before they came here.

use std::collections::VecDeque;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};
use serde::{Deserialize, Serialize};

use crate::hud::action::UserAction;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Activity, Entry, Level};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::scroll::{self, Scrolled};
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, marks, words};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct ActivityPane;

/// What is searched for, and whether the list stands still.
#[derive(Component, Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    pub search: String,
    pub only_troubles: bool,
    pub scrolled: Scrolled,
    /// The list as it was when it was stopped.
    #[serde(skip)]
    pub paused: Option<Paused>,
}

/// A list that stands still.
#[derive(Debug, Clone)]
pub struct Paused {
    entries: VecDeque<Entry>,
    /// Lines said by then.
    said: u64,
}

pub fn draw(
    mut pane: PaneUi<'_, '_, ActivityPane>,
    activity: Res<'_, Activity>,
    mut forms: Query<'_, '_, &mut Form, With<ActivityPane>>,
) -> Result {
    pane.show(Body::Fits, |ui, entity, wishes| {
        if let Ok(mut form) = forms.get_mut(entity) {
            view(ui, &activity, form.bypass_change_detection(), wishes);
        }
    })
}

/// Draws the content.
pub fn view(ui: &mut Ui, activity: &Activity, form: &mut Form, wishes: &mut Wishes) {
    controls(ui, activity, form, wishes);
    let entries = form.paused.as_ref().map_or(&activity.entries, |paused| &paused.entries);
    let mut scrolled = form.scrolled;
    let found: Vec<&Entry> = entries.iter().rev().filter(|entry| is_found(entry, form)).collect();
    if found.is_empty() {
        return field::nothing(ui, if entries.is_empty() { "Nothing has happened yet." } else { "Nothing like that." });
    }
    let ink = Ink::of(ui);
    let newer = form.paused.as_ref().map_or(0, |paused| activity.said - paused.said);
    if newer > 0 {
        ui.label(ink.signal(Signal::Info, Text::Table, format!("{} since", words::many(newer, "line", "lines"))));
    }
    let height = ui.text_style_height(&bevy_egui::egui::TextStyle::Monospace);
    ui.spacing_mut().interact_size.y = height;
    ui.spacing_mut().item_spacing.y = tokens::STEP;
    scroll::remembered(ui, &mut scrolled, |ui, area| {
        area.show_rows(ui, height, found.len(), |ui, rows| {
            for entry in found.get(rows).unwrap_or_default() {
                line(ui, ink, entry);
            }
        })
    });
    form.scrolled = scrolled;
}

fn controls(ui: &mut Ui, activity: &Activity, form: &mut Form, wishes: &mut Wishes) {
    ui.horizontal_wrapped(|ui| {
        if button::choice(ui, "troubles", form.only_troubles).clicked() {
            form.only_troubles = !form.only_troubles;
        }
        let pause = button::choice(ui, "pause", form.paused.is_some());
        marks::main(&pause);
        if pause.clicked() {
            form.paused = match form.paused.take() {
                Some(_) => None,
                None => Some(Paused { entries: activity.entries.clone(), said: activity.said }),
            };
        }
        let copy = button::small(ui, "copy");
        marks::second(&copy);
        if copy.clicked() {
            wishes.wish(UserAction::Copy(as_text(activity, form)));
        }
        let room = ui.available_size_before_wrap().x;
        let width = if room < tokens::CARD_LEAST { ui.max_rect().width() } else { room };
        field::line(ui, &mut form.search, "search", width);
    });
}

fn is_found(entry: &Entry, form: &Form) -> bool {
    let wanted = form.search.trim();
    (!form.only_troubles || entry.level > Level::Info) && (wanted.is_empty() || entry.text.to_lowercase().contains(&wanted.to_lowercase()))
}

fn as_text(activity: &Activity, form: &Form) -> String {
    let entries = form.paused.as_ref().map_or(&activity.entries, |paused| &paused.entries);
    let line = |entry: &Entry| format!("{} {:?} {}\n", words::date(entry.at), entry.level, entry.text);
    entries.iter().filter(|entry| is_found(entry, form)).map(line).collect()
}

fn line(ui: &mut Ui, ink: Ink, entry: &Entry) {
    ui.horizontal(|ui| {
        ui.label(ink.low(Text::Table, words::clock(entry.at)));
        let text = words::beginning(&entry.text, 400);
        let text = match entry.level {
            Level::Info => ink.mid(Text::Table, text),
            Level::Warning => ink.signal(Signal::Warning, Text::Table, format!("⚠ {text}")),
            Level::Error => ink.signal(Signal::Bad, Text::Table, format!("× {text}")),
        };
        ui.add(Label::new(text).truncate()).on_hover_text(&entry.text);
    });
}
