//! The spending PIN in Settings.

use bevy_egui::egui::{Label, Ui};

use super::PinWish;
use crate::domain::spend_lock::{SpendState, Spending};
use crate::hud::action::UserAction;
use crate::hud::state::Session;
use crate::hud::theme::Text;
use crate::hud::widgets::{Ink, Wishes, button, field};

/// How the lock stands, and what can be done about it.
pub fn section(ui: &mut Ui, session: &Session, wishes: &mut Wishes) {
    let Some(spending) = session.spending.filter(|_| session.market.is_some()) else { return };
    field::heading(ui, "spending PIN");
    ui.horizontal_wrapped(|ui| {
        if spending.has_pin {
            if button::small(ui, "Change").clicked() {
                wishes.wish(UserAction::AskPin(PinWish::Set));
            }
            if button::small(ui, "Remove").clicked() {
                wishes.wish(UserAction::AskPin(PinWish::Remove));
            }
        } else if button::small(ui, "Set a PIN").clicked() {
            wishes.wish(UserAction::AskPin(PinWish::Set));
        }
        let lock = if spending.state == SpendState::Locked { "Unlock spending" } else { "Lock spending" };
        if button::small(ui, lock).clicked() {
            wishes.wish(UserAction::ToggleSpending);
        }
    });
    ui.add(Label::new(Ink::of(ui).low(Text::Table, in_words(&spending))).wrap());
}

const fn in_words(spending: &Spending) -> &'static str {
    match (spending.state, spending.has_pin) {
        (SpendState::Locked, true) => "Spending is locked: nothing is paid until the PIN unlocks it. Earning goes on.",
        (SpendState::Locked, false) => "Spending is locked, and there is no PIN yet to unlock it. Earning goes on.",
        (SpendState::Open | SpendState::NoPin, true) => "Payments above limits.pin_above_sats ask for the PIN.",
        (SpendState::Open | SpendState::NoPin, false) => "There is no PIN: payments go out within the limits.",
    }
}
