//! Quitting: at once, or after a question if that stops a node.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Id, Key, Label, Margin, Order, Stroke, Ui, Vec2};

use super::action::UserAction;
use super::input::claim;
use super::palette::shade;
use super::state::Session;
use super::theme::{Text, Theme, tokens};
use super::widgets::{Ink, Wishes, button, card, ink, words};
use super::window::Placement;

/// Whether the question stands.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quitting {
    /// A kiosk is not left by whoever stands before it.
    pub placement: Placement,
    pub is_asked: bool,
}

/// Draws the question while it stands.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    quitting: Res<'_, Quitting>,
    session: Res<'_, Session>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if !quitting.is_asked {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let mut wishes = Wishes::default();
    shade(&context, &theme.palette);
    let area = Area::new(Id::new("quit")).order(Order::Foreground).anchor(Align2::CENTER_CENTER, Vec2::ZERO);
    let shown = area.movable(false).fade_in(false).show(&context, |ui| view(ui, Ink(theme.palette), &session, &mut wishes));
    context.move_to_top(shown.response.layer_id);
    claim(&context, shown.response.layer_id);
    actions.write_batch(wishes.take());
    Ok(())
}

/// What would stop, and the two answers.
pub fn view(ui: &mut Ui, ink: Ink, session: &Session, wishes: &mut Wishes) {
    let frame = card::frame(ink).fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_strong));
    frame.inner_margin(Margin::same(2 * tokens::PANE_PADDING)).show(ui, |ui| {
        ui.set_width(tokens::WELCOME_WIDTH.min(ui.ctx().viewport_rect().width() - 6.0 * f32::from(tokens::PANE_PADDING)));
        ui.spacing_mut().item_spacing.y = 2.0 * tokens::STEP;
        ui.label(ink::title("Quit", Text::Heading, ink.0.text_high));
        ui.add(Label::new(ink.mid(Text::Body, what_stops(session))).wrap());
        if button::large(ui, "Stop the node and quit", button::Weight::Main, true).clicked() {
            wishes.wish(UserAction::QuitNow);
        }
        let stays = button::large(ui, "Stay", button::Weight::Large, true).clicked();
        if stays || ui.input(|input| input.key_pressed(Key::Escape)) {
            wishes.wish(UserAction::Stay);
        }
    });
}

fn what_stops(session: &Session) -> String {
    let under_way = session.status.in_flight;
    let jobs = if under_way == 0 {
        "No job is under way.".to_owned()
    } else {
        format!("{} under way; what is not finished is resumed at the next start.", words::many(u64::from(under_way), "job is", "jobs are"))
    };
    format!("The node lives as long as this window, and takes no more jobs when it is closed. {jobs}")
}
