//! Receiving: an invoice to copy or to scan, and whether it has been paid.

use bevy_egui::egui::{Label, Ui};

use super::Form;
use crate::domain::money::Sats;
use crate::hud::action::UserAction;
use crate::hud::state::{Money, Now, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Signal, Wishes, button, countdown, field, marks, qr, words};
use crate::node::NodeCommand;

pub fn view(ui: &mut Ui, session: &Session, money: &Money, now: Now, form: &mut Form, wishes: &mut Wishes) {
    let width = ui.available_width();
    field::number_line(ui, &mut form.amount, "sats", width);
    field::line(ui, &mut form.description, "what for (the payer reads this)", width);
    let sats = form.amount.trim().parse::<u64>().ok().filter(|sats| *sats > 0);
    let asked = NodeCommand::Receive { sats: Sats(sats.unwrap_or_default()), description: form.description.trim().to_owned() };
    let may_ask = sats.is_some() && !session.awaits(&asked);
    let make = ui.add_enabled_ui(may_ask, |ui| button::small(ui, "Make an invoice")).inner;
    marks::main(&make);
    if make.clicked() {
        wishes.ask(asked);
    }
    let ink = Ink::of(ui);
    if sats.is_none() && !form.amount.trim().is_empty() {
        ui.label(ink.signal(Signal::Warning, Text::Table, "Whole sats, at least 1."));
    }
    if let Some(why) = &money.receive_trouble {
        super::trouble(ui, why);
    }
    let Some(invoice) = &money.invoice else { return };
    let amount = Sats(invoice.amount.unwrap_or_default().0 / 1000);
    if money.is_invoice_paid {
        ui.label(ink.signal(Signal::Good, Text::Heading, format!("✓ {amount} {} received", ink.unit())));
        return;
    }
    ui.label(ink.sats(Text::Heading, amount));
    if invoice.expires_at <= now.0 {
        ui.label(ink.signal(Signal::Warning, Text::Table, "This invoice has expired. Make another."));
        return;
    }
    ui.horizontal(|ui| {
        let copy = button::small(ui, "Copy");
        marks::second(&copy);
        if copy.clicked() {
            wishes.wish(UserAction::Copy(invoice.bolt11.clone()));
        }
        ui.label(ink.low(Text::Table, format!("{} left", countdown::left(invoice.expires_at.since(now.0)))))
            .on_hover_text(format!("Until {} UTC.", words::date(invoice.expires_at)));
    });
    qr::qr(ui, &invoice.bolt11.to_uppercase());
    ui.add(Label::new(ink.mid(Text::Table, words::ends(&invoice.bolt11))).truncate());
}
