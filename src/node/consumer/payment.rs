//! Choosing an offer and paying it. The guard pays: at most once for a request, within every limit.

use std::sync::Arc;

use super::offers::flaw_of;
use super::{Bell, Consumer, Context, Purse, Then};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::offer::Flaw;
use crate::domain::payment::PaymentState;
use crate::domain::purchase::AutoPay;
use crate::domain::spend_lock::Held;
use crate::node::event::{Failure, Scope, sentence};
use crate::node::ledger_watch::LedgerAlarm;
use crate::node::{pin_desk, queries};
use crate::store::{Offer, PurchaseRow, Purpose, StoreError};
use crate::wallet::WalletError;
use crate::wallet::guard::{Guard, Order, PayError};
use crate::wallet::pin::Warrant;

/// How an attempt to pay ended, for the request.
enum Outcome {
    /// The wallet has it: settled, or pending, which the ledger knows.
    Begun,
    /// The money for this very invoice has gone, or may have, and the ledger has no payment of it for this request.
    Gone(String),
    /// Not paid now; the same offer may be tried again.
    Again(String),
    /// This offer is not paid.
    Flawed(Flaw, Option<String>),
    /// The wallet has paid the invoice before: the money may have gone for this request.
    PaidBefore(WalletError),
    /// The lock on spending does not let it through, and it was not tried.
    Held(Held),
    /// The node is stopping.
    Elsewhere,
}

impl Consumer {
    /// Pays an offer, if it is time and the policy says so.
    pub(super) async fn choose(&mut self, id: JobId, is_time: bool) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let window_ms = self.config.buyer.offer_window_secs.saturating_mul(1000);
        let Some(open) = self.open.get_mut(&id) else { return Ok(()) };
        if !open.may_pay() || !open.is_wanted {
            open.choose_at = None;
            return Ok(());
        }
        if open.held.is_some() && !is_time {
            return Ok(());
        }
        let waits = match open.row.auto_pay {
            // Not by itself: there is no time to look at it again.
            AutoPay::Ask => {
                open.choose_at = None;
                return Ok(());
            }
            AutoPay::First => open.choose_at.is_some(),
            // Nobody else can offer, or nobody else has answered: there is nothing to compare.
            AutoPay::Cheapest if open.row.target.is_some() || open.row.provider.is_some() => open.choose_at.is_some(),
            AutoPay::Cheapest => true,
        };
        if waits && !is_time {
            open.choose_at.get_or_insert(now.plus_ms(window_ms));
            return Ok(());
        }
        let best = self.best(id, None).await?;
        if let Some(open) = self.open.get_mut(&id) {
            open.choose_at = None;
        }
        if let Some(offer) = best {
            self.pay(id, offer, None);
        }
        Ok(())
    }

    /// Pays the offer the user has chosen.
    pub(super) async fn pay_by_hand(
        &mut self,
        id: JobId,
        provider: Option<Pubkey>,
        warrant: Option<Warrant>,
    ) -> Result<PurchaseRow, Failure> {
        let now = self.context.clock.now();
        let Some(open) = self.open.get_mut(&id) else {
            return Err(Failure::user("The request does not wait for anything, so there is nothing to pay."));
        };
        let row = open.row.clone();
        if !open.may_pay() {
            return Err(Failure::user(format!("The request is {}, so nothing is paid for it now.", row.state)));
        }
        if open.is_late(now) {
            return Err(
                Failure::user("The time of the request is over, so nothing is paid for it now.").hint("Ask again with `pylon job submit`.")
            );
        }
        if let (Some(answered), Some(wanted)) = (row.provider, provider)
            && answered != wanted
        {
            let words = format!("{} has answered the request, so only its bill can be paid and not {}.", answered.short(), wanted.short());
            return Err(Failure::user(words).hint("Pay it without `--provider`, or leave it unpaid with `pylon job cancel`."));
        }
        let is_held = open.held.is_some();
        open.is_wanted = true;
        match self.best(id, provider).await.map_err(|error| queries::failure(&error))? {
            Some(offer) => {
                // Said at once to whoever stands there.
                if let Some(Purse { guard, .. }) = &self.context.purse {
                    let let_through = guard.would_let(offer.asked.unwrap_or_default(), warrant.as_ref()).await;
                    let_through.map_err(|error| match error {
                        PayError::Held(held) => pin_desk::held(&held),
                        error => Failure::user(sentence(&error)),
                    })?;
                }
                self.pay(id, offer, warrant);
            }
            None if is_held => {
                return Err(Failure::user("The money for one offer may have gone already, so no other is paid.")
                    .hint("See what the wallet says with `pylon wallet payments`."));
            }
            None => {
                return Err(Failure::user("There is no offer that can be paid.").hint("See what has come with `pylon job status`."));
            }
        }
        Ok(row)
    }

    /// The cheapest offer that can be paid: of whoever has answered, of this provider, or of anybody. Where money may have
    /// gone for one invoice, no other will do; where its time is over, none.
    async fn best(&self, id: JobId, provider: Option<Pubkey>) -> Result<Option<Offer>, StoreError> {
        let now = self.context.clock.now();
        let Some(open) = self.open.get(&id).filter(|open| !open.is_late(now)) else { return Ok(None) };
        let (wanted, held) = (open.row.provider.or(provider), open.held.clone());
        let offers = self.context.store.offers(id).await?;
        if offers.iter().any(|offer| offer.flaw == Some(Flaw::PaidBefore)) {
            return Ok(None);
        }
        let could = |offer: &Offer| offer.flaw.is_none() && offer.expires_at.is_none_or(|at| at > now);
        let is_wanted = |offer: &Offer| wanted.is_none_or(|wanted| wanted == offer.provider);
        let is_free = |offer: &Offer| held.as_ref().is_none_or(|held| *held == offer.bolt11);
        Ok(offers.into_iter().find(|offer| could(offer) && is_wanted(offer) && is_free(offer)))
    }

    fn pay(&mut self, id: JobId, offer: Offer, warrant: Option<Warrant>) {
        let Some(Purse { guard, .. }) = self.context.purse.clone() else { return };
        let Some(open) = self.open.get_mut(&id) else { return };
        open.is_paying = true;
        // Until it is known what has become of it.
        open.held = Some(offer.bolt11.clone());
        let (is_last_try, auto_pay) = (open.is_out_of_tries(), open.row.auto_pay);
        let (context, bell) = (Arc::clone(&self.context), self.bell.clone());
        self.context.tasks.spawn("payment", async move {
            let then = match attempt(&guard, &offer, warrant, &context.alarm).await {
                Outcome::Begun | Outcome::Elsewhere => Then::Wait,
                Outcome::Gone(words) => {
                    let words = format!("The money for this offer may have gone already, so nothing else is paid: {words}.");
                    note(&context, &offer, "maybe-paid", words).await;
                    Then::Hold
                }
                Outcome::Held(held) => {
                    let (code, then) = match held {
                        Held::Locked => ("spending-locked", Then::Later),
                        Held::PinWanted { .. } => ("pin-wanted", Then::Wait),
                    };
                    note(&context, &offer, code, format!("The offer is not paid by itself: {held}.")).await;
                    then
                }
                Outcome::Again(words) if is_last_try => {
                    mark(&context, &offer, Flaw::WalletRefused, words).await;
                    Then::Next
                }
                Outcome::Again(words) => {
                    note(&context, &offer, "payment-failed", not_paid(auto_pay, &words)).await;
                    Then::Again
                }
                Outcome::PaidBefore(error) => {
                    mark(&context, &offer, Flaw::PaidBefore, error.to_string()).await;
                    Then::Wait
                }
                Outcome::Flawed(flaw, detail) => {
                    mark(&context, &offer, flaw, detail.unwrap_or_default()).await;
                    Then::Next
                }
            };
            let _ = bell.send(Bell::PaymentEnded(id, then)).await;
        });
    }
}

/// One attempt. The guard writes its beginning and its end into the ledger, the request's row with it.
async fn attempt(guard: &Guard, offer: &Offer, warrant: Option<Warrant>, alarm: &LedgerAlarm) -> Outcome {
    let amount = offer.asked.unwrap_or_default();
    let purpose = Purpose::Request(offer.request);
    let order = Order { purpose, bolt11: offer.bolt11.clone(), amount, payee: Some(offer.provider) };
    match guard.pay_with(order, warrant).await {
        Ok(paid) => match paid.payment.state {
            PaymentState::Failed { reason } => Outcome::Again(reason),
            _ => Outcome::Begun,
        },
        Err(PayError::Unrecorded(error)) => {
            alarm.ring("a payment", &error);
            Outcome::Begun
        }
        Err(PayError::Wallet(error)) => match error {
            WalletError::Unknown(_) => Outcome::Begun,
            WalletError::Invoice(error) => {
                let (flaw, detail) = flaw_of(error);
                Outcome::Flawed(flaw, detail)
            }
            WalletError::AlreadyPaid => Outcome::PaidBefore(error),
            WalletError::UnderWay => Outcome::Gone(error.to_string()),
            WalletError::OwnInvoice => Outcome::Flawed(Flaw::Own, None),
            WalletError::Unreachable(_) | WalletError::Refused(_) | WalletError::NotAllowed(_) | WalletError::Locked => {
                Outcome::Again(error.to_string())
            }
            WalletError::Closed => Outcome::Elsewhere,
            error => Outcome::Flawed(Flaw::WalletRefused, Some(error.to_string())),
        },
        Err(PayError::Held(held)) => Outcome::Held(held),
        Err(PayError::OverLimit(over)) => Outcome::Flawed(Flaw::OverLimit, Some(over.to_string())),
        Err(error @ PayError::OtherAmount { .. }) => Outcome::Flawed(Flaw::OtherAmount, Some(error.to_string())),
        Err(error @ PayError::Taken) => Outcome::Gone(error.to_string()),
        Err(error @ (PayError::Dearer { .. } | PayError::DearClaim(_) | PayError::Ledger(_) | PayError::Random(_))) => {
            Outcome::Again(error.to_string())
        }
    }
}

/// That a payment failed, and what comes next.
fn not_paid(auto_pay: AutoPay, words: &str) -> String {
    match auto_pay {
        AutoPay::Ask => format!("The payment did not go out: {words}. You can pay again, or choose another offer."),
        AutoPay::Cheapest | AutoPay::First => format!("The payment did not go out and is tried again: {words}."),
    }
}

async fn note(context: &Context, offer: &Offer, code: &'static str, words: String) {
    if let Err(error) = context.store.note_purchase(offer.request, code, words).await {
        context.outlet.fault(Scope::Ledger, sentence(&error), "Run `pylon doctor`.");
    }
}

/// The offer is not paid, and why: on the offer, and as the reason the request waits.
async fn mark(context: &Context, offer: &Offer, flaw: Flaw, detail: String) {
    let shown = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    let words = format!("An offer is not paid: {}{shown}.", flaw.words());
    let marked = context.store.flaw_offer(offer.request, offer.provider, offer.bolt11.clone(), flaw, detail).await;
    let noted = context.store.note_purchase(offer.request, flaw.as_str(), words).await;
    if let Err(error) = marked.and(noted.map(drop)) {
        context.outlet.fault(Scope::Ledger, sentence(&error), "Run `pylon doctor`.");
    }
}

#[cfg(test)]
#[path = "payment_tests.rs"]
pub mod tests;
