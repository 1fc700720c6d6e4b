//! Settings of the window. What the node does is set in the config file.

mod bindings;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};

use crate::hud::action::UserAction;
use crate::hud::hotbar::{self, Assigned};
use crate::hud::input::{Bindings, Listening};
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::pane::{PaneKind, SLOTS};
use crate::hud::prefs::{Ambient, Drawing, Motions, Preferences, SCALE_STEP};
use crate::hud::state::Session;
use crate::hud::theme::{Look, Text};
use crate::hud::widgets::{Ink, Wishes, button, field};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct Settings;

pub fn draw(
    mut pane: PaneUi<'_, '_, Settings>,
    preferences: Res<'_, Preferences>,
    session: Res<'_, Session>,
    bound: Res<'_, Bindings>,
    listening: Res<'_, Listening>,
    assigned: Assigned<'_, '_>,
) -> Result {
    let slots = assigned.kinds();
    pane.show(Body::Scrolls, |ui, _, wishes| {
        view(ui, &preferences, &session, &slots, wishes);
        bindings::view(ui, &preferences, &bound, *listening, wishes);
        about(ui);
    })
}

/// Draws the content.
pub fn view(ui: &mut Ui, preferences: &Preferences, session: &Session, slots: &[Option<PaneKind>; SLOTS], wishes: &mut Wishes) {
    choices(ui, "theme", &[("night", Look::Night), ("high contrast", Look::HighContrast)], preferences.look, wishes, UserAction::SetLook);
    let scales: Vec<(String, u16)> = preferences.scales().step_by(SCALE_STEP.into()).map(|scale| (format!("{scale} %"), scale)).collect();
    let scales: Vec<(&str, u16)> = scales.iter().map(|(name, scale)| (name.as_str(), *scale)).collect();
    choices(ui, "scale", &scales, preferences.chosen_scale(), wishes, UserAction::SetScale);
    choices(ui, "motion", &[("full", Motions::Full), ("reduced", Motions::Reduced)], preferences.motions, wishes, UserAction::SetMotions);
    let ambient = [("still", Ambient::Off), ("moves while online", Ambient::On)];
    choices(ui, "backdrop", &ambient, preferences.ambient, wishes, UserAction::SetAmbient);
    let drawing = [("when something changes", Drawing::OnChange), ("always", Drawing::Always)];
    choices(ui, "power: frames are drawn", &drawing, preferences.drawing, wishes, UserAction::SetDrawing);
    crate::hud::pin::section(ui, session, wishes);
    market(ui, session, wishes);
    hotbar::list(ui, slots, wishes);
}

/// One of several, as buttons.
fn choices<V: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    all: &[(&str, V)],
    chosen: V,
    wishes: &mut Wishes,
    wish: impl Fn(V) -> UserAction,
) {
    field::heading(ui, name);
    ui.horizontal_wrapped(|ui| {
        for (label, value) in all {
            if button::choice(ui, label, *value == chosen).clicked() && *value != chosen {
                wishes.wish(wish(*value));
            }
        }
    });
}

fn market(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    field::heading(ui, "market");
    let ink = Ink::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(ink.high(Text::Body, if session.is_practice() { "practice" } else { "real" }));
        let may_leave = session.may_leave();
        if ui.add_enabled_ui(may_leave, |ui| button::small(ui, "Choose again").clicked()).inner {
            wishes.wish(UserAction::ChooseAgain);
        }
        if !may_leave {
            ui.add(Label::new(ink.low(Text::Table, "Stop the node first.")).wrap());
        }
    });
}

fn about(ui: &mut Ui) {
    field::heading(ui, "about");
    let ink = Ink::of(ui);
    let words = format!("Pylon HUD {}. MIT or Apache 2.0. JetBrains Mono by its authors, OFL 1.1.", env!("CARGO_PKG_VERSION"));
    ui.add(Label::new(ink.mid(Text::Table, words)).wrap());
    ui.add(Label::new(ink.low(Text::Table, "What the node does is set in its config file: `pylon config list`.")).wrap());
}
