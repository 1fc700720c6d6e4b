//! The first question: practice or real. Nothing is started and nothing is made until somebody has answered it.

use bevy::prelude::*;
use bevy_egui::EguiContexts;
use bevy_egui::egui::{Align2, Area, Id, Label, Margin, Order, Ui, Vec2};

use super::action::UserAction;
use super::input::claim;
use super::state::Session;
use super::theme::{Text, Theme, tokens};
use super::widgets::{Ink, Wishes, button, card, ink};
use crate::node::Market;

/// Draws the card while no market has been chosen.
pub fn draw(
    mut contexts: EguiContexts<'_, '_>,
    theme: Res<'_, Theme>,
    session: Res<'_, Session>,
    mut actions: MessageWriter<'_, UserAction>,
) -> Result {
    if session.market.is_some() {
        return Ok(());
    }
    let context = contexts.ctx_mut()?;
    let mut wishes = Wishes::default();
    let area = Area::new(Id::new("welcome")).order(Order::Middle).anchor(Align2::CENTER_CENTER, Vec2::ZERO).movable(false).fade_in(false);
    let shown = area.show(context, |ui| view(ui, Ink(theme.palette), &mut wishes));
    claim(context, shown.response.layer_id);
    actions.write_batch(wishes.take());
    Ok(())
}

/// The two ways in.
pub fn view(ui: &mut Ui, ink: Ink, wishes: &mut Wishes) {
    card::frame(ink).inner_margin(Margin::same(2 * tokens::PANE_PADDING)).show(ui, |ui| {
        ui.set_width(tokens::WELCOME_WIDTH.min(ui.ctx().viewport_rect().width() - 6.0 * f32::from(tokens::PANE_PADDING)));
        ui.label(ink::title("Pylon", Text::Heading, ink.0.text_high));
        ui.add(
            Label::new(
                ink.mid(Text::Body, "This machine can answer other people's prompts and be paid for it. Where do you want to begin?"),
            )
            .wrap(),
        );
        ui.add_space(2.0 * tokens::STEP);
        let practice = button::large(ui, "Practice", button::Weight::Main, true);
        // Enter is enough.
        if ui.memory(|memory| memory.focused().is_none()) {
            practice.request_focus();
        }
        if practice.clicked() {
            wishes.wish(UserAction::Choose(Market::Practice));
        }
        ui.add(
            Label::new(ink.low(
                Text::Table,
                "A whole market inside this window: a relay, a buyer, your model. No internet, no money, keys of its own.",
            ))
            .wrap(),
        );
        ui.add_space(2.0 * tokens::STEP);
        if button::large(ui, "Real", button::Weight::Large, true).clicked() {
            wishes.wish(UserAction::Choose(Market::Real));
        }
        ui.add(Label::new(ink.low(Text::Table, "Public relays and real buyers. Nothing starts before you press Go Online.")).wrap());
        ui.add_space(2.0 * tokens::STEP);
        ui.add(Label::new(ink.low(Text::Hint, "You can change this in Settings.")).wrap());
    });
}
