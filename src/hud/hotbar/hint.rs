//! The hint above a slot that has been pointed at, or has had the keys, for a moment: what it opens, by which key, and why
//! its lamp is lit.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;
use bevy_egui::egui::{Align2, Area, Context, Frame, Id, Label, Margin, Order, Pos2, Rect, RichText, Stroke, pos2};

use crate::hud::bridge::Alarm;
use crate::hud::input;
use crate::hud::pane::motion::{Moving, step};
use crate::hud::prefs::Preferences;
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, cap};

/// The slot that is pointed at.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Hint {
    pub slot: Option<usize>,
    /// Since then, counted from the start.
    pub since: Duration,
    /// 0: not to be seen; 1: all of it.
    pub shown: f32,
}

impl Hint {
    /// This slot is pointed at from now on. From one slot to the next the hint goes along.
    pub fn point(&mut self, slot: Option<usize>, now: Duration) {
        let was_shown = self.shown > 0.0;
        self.slot = slot;
        self.since = if was_shown { now.saturating_sub(tokens::TOOLTIP_DELAY) } else { now };
        self.shown = if slot.is_some() { self.shown } else { 0.0 };
    }
}

/// Shows the hint when its time has come, and has the window woken for that.
pub fn wait(
    time: Res<'_, Time<Real>>,
    preferences: Res<'_, Preferences>,
    mut alarm: ResMut<'_, Alarm>,
    mut moving: ResMut<'_, Moving>,
    mut hint: ResMut<'_, Hint>,
) {
    if hint.slot.is_none() || hint.shown >= 1.0 {
        return;
    }
    let left = (hint.since + tokens::TOOLTIP_DELAY).saturating_sub(time.elapsed());
    if !left.is_zero() {
        if let Some(frame) = time.last_update() {
            alarm.at(frame + left);
        }
        return;
    }
    let mut shown = hint.shown;
    if step(&mut shown, 1.0, moving.by, tokens::WIDGET_FADE, preferences.motions) {
        moving.go_on();
    }
    hint.shown = shown;
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words<'a> {
    pub title: &'a str,
    pub key: Option<input::Hint>,
    pub news: Option<String>,
}

/// Draws it above its slot, inside the window.
pub fn draw(context: &Context, ink: Ink, slot: Rect, shown: f32, words: &Words<'_>) {
    let at: Pos2 = pos2(slot.center().x, slot.top() - tokens::HINT_GAP);
    let area = Area::new(Id::new("slot hint")).order(Order::Tooltip).pivot(Align2::CENTER_BOTTOM).fixed_pos(at);
    area.constrain(true).movable(false).interactable(false).fade_in(false).show(context, |ui| {
        ui.multiply_opacity(shown);
        let frame = Frame::new().fill(ink.0.surface_3).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_strong));
        frame.inner_margin(Margin::symmetric(tokens::ROW_PADDING as i8, tokens::GAP as i8)).show(ui, |ui| {
            ui.spacing_mut().interact_size.y = tokens::KEY_CAP;
            ui.horizontal(|ui| {
                let line = |text: RichText| Label::new(text).extend();
                ui.add(line(ink.bold(Text::Table, words.title)));
                if let Some(key) = &words.key {
                    cap::cap(ui, key);
                }
                if let Some(news) = &words.news {
                    ui.add(line(ink.mid(Text::Table, news)));
                }
            });
        });
    });
}
