//! Sending: what an invoice asks for is shown before anybody can pay it, and pending is not paid.

use bevy_egui::egui::{Label, Ui};

use super::Form;
use crate::domain::payment::{Invoice, PaymentState};
use crate::hud::state::{Money, Now, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Signal, Wishes, button, field, marks, words};
use crate::node::status::WalletView;
use crate::node::{NodeCommand, sentence};
use crate::wallet::bolt11::{self, InvoiceError};

pub fn view(ui: &mut Ui, session: &Session, wallet: &WalletView, money: &Money, now: Now, form: &mut Form, wishes: &mut Wishes) {
    let width = ui.available_width();
    field::line(ui, &mut form.invoice, "a BOLT11 invoice", width);
    let ink = Ink::of(ui);
    if !form.invoice.trim().is_empty() {
        match looked_at(&form.invoice, wallet, now) {
            Ok(invoice) => preview(ui, session, &invoice, wishes),
            Err(error) => {
                let words = format!("This invoice cannot be paid: {}", sentence(&error));
                ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, words)).wrap());
            }
        }
    }
    if let Some(sent) = &money.sent {
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
}

/// What it asks for, if it can be paid with this wallet now.
fn looked_at(text: &str, wallet: &WalletView, now: Now) -> Result<Invoice, InvoiceError> {
    let invoice = bolt11::decode(text)?;
    bolt11::payable(&invoice, wallet.snapshot.network, now.0)?;
    Ok(invoice)
}

fn preview(ui: &mut Ui, session: &Session, invoice: &Invoice, wishes: &mut Wishes) {
    let sats = invoice.amount.unwrap_or_default().ceil_sats();
    let ink = Ink::of(ui);
    ui.label(ink.sats(Text::Figure, sats));
    field::pair(ui, "for", if invoice.description.is_empty() { words::NONE } else { &invoice.description });
    field::pair(ui, "network", invoice.network.as_str());
    field::pair(ui, "until", &format!("{} UTC", words::date(invoice.expires_at)));
    let command = NodeCommand::Pay { bolt11: invoice.bolt11.clone(), sats };
    let is_under_way = session.awaits(&command);
    let title = if is_under_way { "Paying…".to_owned() } else { format!("Pay {sats} {}", ink.unit()) };
    let pay = button::large(ui, &title, button::Weight::Main, !is_under_way);
    marks::main(&pay);
    if pay.clicked() {
        wishes.ask(command);
    }
}
