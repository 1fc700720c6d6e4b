//! Sending: what an invoice asks for is shown before anybody can pay it, and pending is not paid.

use bevy_egui::egui::{Label, Ui};

use super::Form;
use crate::domain::payment::{Invoice, Network, Payment, PaymentState};
use crate::hud::state::{Money, Now, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, marks, words};
use crate::node::{NodeCommand, sentence};
use crate::wallet::bolt11::{self, InvoiceError};

pub fn view(ui: &mut Ui, session: &Session, network: Network, money: &Money, now: Now, form: &mut Form, wishes: &mut Wishes) {
    let width = ui.available_width();
    field::line(ui, &mut form.invoice, "a BOLT11 invoice", width);
    if form.invoice.trim().is_empty() {
        if let Some(sent) = form.paid.and_then(|paid| money.sent(paid)) {
            outcome(ui, sent);
        }
        return;
    }
    form.paid = None;
    match bolt11::decode(&form.invoice) {
        Ok(invoice) => one(ui, session, network, money, now, &invoice, wishes),
        Err(error) => refuse(ui, &error),
    }
}

/// What is in the field, and what became of it: it is paid once.
fn one(ui: &mut Ui, session: &Session, network: Network, money: &Money, now: Now, invoice: &Invoice, wishes: &mut Wishes) {
    let sent = money.sent(invoice.hash);
    let is_open = sent.is_none_or(|sent| matches!(sent.state, PaymentState::Failed { .. }));
    if is_open {
        if let Err(error) = bolt11::payable(invoice, network, now.0) {
            return refuse(ui, &error);
        }
        preview(ui, session, invoice, wishes);
    }
    if let Some(sent) = sent {
        outcome(ui, sent);
    }
    if let Some(why) = money.why_not_sent(&invoice.bolt11).filter(|_| is_open && !session.waiting.contains(&payment(invoice))) {
        super::trouble(ui, why);
    }
}

fn refuse(ui: &mut Ui, error: &InvoiceError) {
    let words = format!("This invoice cannot be paid: {}", sentence(error));
    ui.add(Label::new(Ink::of(ui).signal(Signal::Warning, Text::Table, words)).wrap());
}

/// How far a payment is.
fn outcome(ui: &mut Ui, sent: &Payment) {
    let ink = Ink::of(ui);
    let (sats, unit) = (sent.amount.ceil_sats(), ink.unit());
    let (signal, words) = match &sent.state {
        PaymentState::Settled { .. } => (Signal::Good, format!("✓ {sats} {unit} sent.")),
        PaymentState::Pending => {
            (Signal::Warning, format!("{sats} {unit} are on their way. The wallet does not know yet; do not pay again."))
        }
        PaymentState::Failed { reason } => (Signal::Bad, format!("× {sats} {unit} were not sent: {reason}.")),
    };
    ui.add(Label::new(ink.signal(signal, Text::Table, words)).wrap());
}

/// What pays it.
fn payment(invoice: &Invoice) -> NodeCommand {
    NodeCommand::Pay { bolt11: invoice.bolt11.clone(), sats: invoice.amount.unwrap_or_default().ceil_sats() }
}

fn preview(ui: &mut Ui, session: &Session, invoice: &Invoice, wishes: &mut Wishes) {
    let sats = invoice.amount.unwrap_or_default().ceil_sats();
    let ink = Ink::of(ui);
    ui.label(ink.sats(Text::Figure, sats));
    field::pair(ui, "for", if invoice.description.is_empty() { words::NONE } else { &invoice.description });
    field::pair(ui, "network", invoice.network.as_str());
    field::pair(ui, "until", &format!("{} UTC", words::date(invoice.expires_at)));
    let command = payment(invoice);
    let is_under_way = session.awaits(&command);
    let title = if is_under_way { "Paying…".to_owned() } else { format!("Pay {sats} {}", ink.unit()) };
    let pay = button::large(ui, &title, button::Weight::Main, !is_under_way);
    marks::main(&pay);
    if pay.clicked() {
        wishes.ask(command);
    }
}
