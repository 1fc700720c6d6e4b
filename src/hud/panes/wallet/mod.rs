//! Wallet: what it holds, receiving, sending, and what has moved.

mod payments;
mod receive;
mod send;

use bevy::prelude::*;
use bevy_egui::egui::{Label, Ui};
use serde::{Deserialize, Serialize};

use crate::hud::pane::frame::{Body, PaneUi};
use crate::hud::state::{Money, Now, Session};
use crate::hud::theme::Text;
use crate::hud::widgets::{Age, Ink, Signal, Wishes, button, field, words};
use crate::node::status::WalletView;
use crate::wallet::SyncState;

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
    let Some(wallet) = &session.status.wallet else {
        let words = match &session.status.trouble.wallet {
            Some(trouble) => format!("What the wallet holds is not known yet. {trouble}"),
            None if session.status.running => "This node has no wallet. Jobs are free until one is connected.".to_owned(),
            None => "The node is stopped, and its wallet is closed.".to_owned(),
        };
        return field::nothing(ui, &words);
    };
    balance(ui, session, wallet, now);
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
    if let Some(trouble) = &money.trouble {
        ui.add(Label::new(Ink::of(ui).signal(Signal::Bad, Text::Table, format!("× {trouble}"))).wrap());
    }
    match form.part {
        Part::Payments => payments::view(ui, session, money, wishes),
        Part::Receive => receive::view(ui, session, money, now, form, wishes),
        Part::Send => send::view(ui, session, wallet, money, now, form, wishes),
    }
}

fn balance(ui: &mut Ui, session: &Session, wallet: &WalletView, now: Now) {
    let ink = Ink::of(ui);
    let snapshot = &wallet.snapshot;
    ui.label(ink.sats(Text::Balance, session.balance().unwrap_or_default()));
    let pending = |msats: crate::domain::money::MilliSats| words::count(msats.0 / 1000);
    let line = format!(
        "pending in {} · out {} · {} on {}, as of {}",
        pending(snapshot.pending_in),
        pending(snapshot.pending_out),
        wallet.kind,
        snapshot.network.as_str(),
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
