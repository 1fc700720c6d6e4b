//! Wallet: what it holds, receiving, sending, and what has moved.

mod payments;
mod receive;
mod send;
#[cfg(test)]
mod tests;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};
use serde::{Deserialize, Serialize};

use crate::domain::ids::PaymentHash;
use crate::domain::payment::Direction;
use crate::hud::bridge::FromNode;
use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Money, Now, Purse, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Age, Ink, Signal, Wishes, button, field, words};
use crate::node::NodeEvent;
use crate::node::status::WalletView;
use crate::wallet::{SyncState, bolt11};

/// Marks the pane.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct WalletPane;

/// Which part is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    #[default]
    Payments,
    Receive,
    Send,
}

/// What is typed into it.
#[derive(Component, Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Form {
    pub part: Part,
    /// Sats to receive, as typed.
    pub amount: String,
    /// What they are for.
    pub description: String,
    /// The invoice to pay, as pasted.
    pub invoice: String,
    /// The one that stood there and has been paid, until there is another.
    #[serde(skip)]
    pub paid: Option<PaymentHash>,
}

pub fn draw(
    mut pane: PaneUi<'_, '_, WalletPane>,
    session: Res<'_, Session>,
    money: Res<'_, Money>,
    now: Res<'_, Now>,
    mut forms: Query<'_, '_, &mut Form, With<WalletPane>>,
) -> Result {
    pane.show(Body::Scrolls, |ui, entity, wishes| {
        if let Ok(mut form) = forms.get_mut(entity) {
            view(ui, &session, &money, *now, form.bypass_change_detection(), wishes);
        }
    })
}

/// Draws the content.
pub fn view(ui: &mut Ui, session: &Session, money: &Money, now: Now, form: &mut Form, wishes: &mut Wishes) {
    let purse = session.purse();
    if let Some(words) = purse.without_balance() {
        field::nothing(ui, &words);
    }
    let Some(network) = purse.network() else { return };
    if let Purse::Read(wallet) = purse {
        balance(ui, session, wallet, now);
    }
    ui.columns(3, |columns| {
        for (column, (part, title)) in
            columns.iter_mut().zip([(Part::Receive, "Receive"), (Part::Send, "Send"), (Part::Payments, "Payments")])
        {
            let weight = if form.part == part { button::Weight::Main } else { button::Weight::Large };
            if button::large(column, title, weight, true).clicked() {
                form.part = part;
            }
        }
    });
    match form.part {
        Part::Payments => payments::view(ui, session, money, wishes),
        Part::Receive => receive::view(ui, session, money, now, form, wishes),
        Part::Send => send::view(ui, session, network, money, now, form, wishes),
    }
}

/// Why something was not done.
fn trouble(ui: &mut Ui, why: &str) {
    ui.add(Label::new(Ink::of(ui).signal(Signal::Bad, Text::Table, format!("× {why}"))).wrap());
}

/// An invoice that is paid does not stay in the field, to be paid once more.
pub fn clear_paid(mut said: PopulatedMessageReader<'_, '_, FromNode>, mut forms: Query<'_, '_, &mut Form, With<WalletPane>>) {
    for said in said.read() {
        let NodeEvent::Payment { payment } = &said.event else { continue };
        if payment.direction == Direction::In || !payment.is_settled() {
            continue;
        }
        for mut form in &mut forms {
            let typed = bolt11::decode(&form.invoice).ok().map(|invoice| invoice.hash);
            if typed.is_some() && typed == payment.hash {
                form.invoice.clear();
                form.paid = typed;
            }
        }
    }
}

fn balance(ui: &mut Ui, session: &Session, wallet: &WalletView, now: Now) {
    let ink = Ink::of(ui);
    let snapshot = &wallet.snapshot;
    ui.label(ink.sats(Text::Balance, session.balance().unwrap_or_default()));
    let pending = |msats: crate::domain::money::MilliSats| words::count(msats.0 / 1000);
    let network = snapshot.network.as_str();
    // Play money has a network of its own name.
    let whose = if wallet.kind == network { wallet.kind.clone() } else { format!("{} on {network}", wallet.kind) };
    let line = format!(
        "pending in {} · out {} {} · {whose}, as of {}",
        pending(snapshot.pending_in),
        pending(snapshot.pending_out),
        ink.unit(),
        Age::of(now.0.since(snapshot.as_of)).ago()
    );
    ui.add(Label::new(ink.low(Text::Table, line)).wrap());
    match &snapshot.sync {
        _ if !session.link.is_up() => {
            let words = "⚠ The node is out of reach, so this is an old balance.";
            ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, words)).wrap());
        }
        SyncState::Synced => {}
        SyncState::Syncing => drop(ui.label(ink.signal(Signal::Info, Text::Table, "Syncing: the balance may be an old one."))),
        SyncState::Unreachable { reason } => {
            let words = format!("⚠ The wallet does not answer, so this is an old balance. {reason}");
            ui.add(Label::new(ink.signal(Signal::Warning, Text::Table, words)).wrap());
        }
    }
}
