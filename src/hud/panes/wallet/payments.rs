//! What has moved, newest first.

use bevy_egui::egui::{Label, Sides, Ui};

use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::hud::state::{Money, Session};
use crate::hud::theme::{Text, tokens};
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, words};
use crate::node::NodeCommand;

/// Payments asked for at once.
const PAGE: u32 = 50;

pub fn view(ui: &mut Ui, session: &Session, money: &Money, wishes: &mut Wishes) {
    if money.payments.is_empty() {
        return field::nothing(ui, "Nothing has moved yet.");
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for payment in &money.payments {
        line(ui, payment);
    }
    let is_loading = session.awaits(&NodeCommand::Payments { before: None, limit: PAGE });
    if let Some(next) = money.next.clone().filter(|_| !is_loading)
        && button::small(ui, "Older").clicked()
    {
        wishes.ask(NodeCommand::Payments { before: Some(next), limit: PAGE });
    }
}

fn line(ui: &mut Ui, payment: &Payment) {
    let ink = Ink::of(ui);
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = tokens::PAIR;
        Sides::new().height(tokens::PAIR).shrink_left().truncate().show(
            ui,
            |ui| {
                ui.label(ink.low(Text::Table, words::clock(payment.created_at)))
                    .on_hover_text(format!("{} UTC", words::date(payment.created_at)));
                let what = if payment.description.is_empty() { words::NONE } else { payment.description.as_str() };
                ui.add(Label::new(ink.mid(Text::Table, words::beginning(what, 80))).truncate());
            },
            |ui| {
                let (signal, text) = amount(payment);
                ui.label(ink.signal(signal, Text::Table, text)).on_hover_text(fee(payment));
            },
        );
    });
}

/// The amount with its sign; a state that is not settled is a word.
fn amount(payment: &Payment) -> (Signal, String) {
    let sats = payment.amount.ceil_sats();
    match (&payment.state, payment.direction) {
        (PaymentState::Pending, _) => (Signal::Warning, format!("pending {sats}")),
        (PaymentState::Failed { .. }, _) => (Signal::Bad, "failed".to_owned()),
        (PaymentState::Settled { .. }, Direction::In) => (Signal::Good, format!("+{sats}")),
        (PaymentState::Settled { .. }, Direction::Out) => (Signal::Quiet, format!("-{sats}")),
    }
}

fn fee(payment: &Payment) -> String {
    match &payment.state {
        PaymentState::Failed { reason } => reason.clone(),
        _ => format!("{} msats, fee {} msats", words::count(payment.amount.0), words::count(payment.fee.0)),
    }
}
