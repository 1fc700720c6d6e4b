//! What has moved, newest first.

use bevy_egui::egui::{Label, Sides, Ui};

use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::hud::state::{Money, Session};
use crate::hud::theme::{Coin, Text, tokens};
use crate::hud::widgets::field::Heard;
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, words};
use crate::node::NodeCommand;

/// Payments asked for at once.
const PAGE: u32 = 50;

pub fn view(ui: &mut Ui, session: &Session, money: &Money, wishes: &mut Wishes) {
    if let Some(why) = &money.list_trouble {
        super::trouble(ui, why);
    }
    let is_loading = session.awaits(&NodeCommand::Payments { before: None, limit: PAGE });
    if money.payments.is_empty() {
        return field::none(ui, Heard::of(money.is_known, is_loading), "Nothing has moved yet.");
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    lines(ui, &money.payments);
    if let Some(next) = money.next.clone().filter(|_| !is_loading)
        && button::small(ui, "Older").clicked()
    {
        wishes.ask(NodeCommand::Payments { before: Some(next), limit: PAGE });
    }
}

/// Those that are to be seen; the others are room.
fn lines(ui: &mut Ui, payments: &[Payment]) {
    let seen = ui.clip_rect();
    let row = |at: f32| ((at - ui.cursor().top()) / tokens::PAIR).max(0.0);
    let first = (row(seen.top()).floor() as usize).min(payments.len());
    let last = (row(seen.bottom()).ceil() as usize).clamp(first, payments.len());
    ui.add_space(first as f32 * tokens::PAIR);
    payments.iter().take(last).skip(first).for_each(|payment| line(ui, payment));
    ui.add_space((payments.len() - last) as f32 * tokens::PAIR);
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
                let (signal, text) = amount(payment, ink.0.coin);
                ui.label(ink.signal(signal, Text::Table, text)).on_hover_text(fee(payment, ink.0.coin));
            },
        );
    });
}

/// The amount with its sign; a state that is not settled is a word.
fn amount(payment: &Payment, coin: Coin) -> (Signal, String) {
    let (sats, mark) = (payment.amount.ceil_sats(), coin.mark());
    match (&payment.state, payment.direction) {
        (PaymentState::Pending, _) => (Signal::Warning, format!("pending {sats} {mark}")),
        (PaymentState::Failed { .. }, _) => (Signal::Bad, "failed".to_owned()),
        (PaymentState::Settled { .. }, Direction::In) => (Signal::Good, format!("+{sats} {mark}")),
        (PaymentState::Settled { .. }, Direction::Out) => (Signal::Quiet, format!("-{sats} {mark}")),
    }
}

fn fee(payment: &Payment, coin: Coin) -> String {
    let unit = coin.thousandths();
    match &payment.state {
        PaymentState::Failed { reason } => reason.clone(),
        _ => format!("{} {unit}, fee {} {unit}", words::count(payment.amount.0), words::count(payment.fee.0)),
    }
}
