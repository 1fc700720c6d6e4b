//! The life of a request on the buyer's side, as a pure state machine (see the ledger's `request_journal`).
//!
//! ```text
//! drafted ─▶ published ─▶ paying ─▶ paid ─▶ done
//!                      ◀─ (failed)       ─▶ failed ─▶ (late answer) done
//!                      ─▶ answered ─▶ done          the answer is here, its bill is open
//!                      ─▶ done                      free
//!         ─▶ expired | cancelled | failed ─▶ (late answer) done
//!         ─▶ paid                                a payment called failed has arrived after all
//! ```
//!
//! A transition is written before the effect it announces: a request found `drafted` is published again, the same signed
//! event; a payment found begun is looked up before anything is sent; an answer, once stored, is never waited for again.

use serde::{Deserialize, Serialize};

use super::words::names;

/// How an offer is chosen (`buyer.auto_pay`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoPay {
    /// The user chooses.
    #[default]
    Ask,
    /// The lowest price among the offers that came within `buyer.offer_window_secs`.
    Cheapest,
    /// The first offer without a flaw.
    First,
}

names! {
    /// Where a request stands.
    pub enum PurchaseState {
        /// Signed and stored. No relay is known to have it.
        Drafted = "drafted",
        /// A relay has it; offers and answers are awaited.
        Published = "published",
        /// A payment has begun, and its end is not known.
        Paying = "paying",
        /// The wallet's own record says that it is paid; the answer is awaited.
        Paid = "paid",
        /// The answer is stored and its bill is open: it is being paid, or waits to be.
        Answered = "answered",
        /// The answer is stored and nothing is owed.
        Done = "done",
        /// Nobody answered in time. Nothing was paid.
        Expired = "expired",
        /// The user called it off. Nothing was paid.
        Cancelled = "cancelled",
        /// Refused by whoever was asked; or paid and not answered in time, which is said in the reason.
        Failed = "failed",
    }
}

/// What happened to a request. Each becomes one row of its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseFact {
    /// The first relay took it.
    Published,
    /// The guard has reserved the money for one offer.
    PaymentBegun,
    /// The wallet's own record is settled.
    PaymentSettled,
    /// The wallet's own record says that no money has moved and none will.
    PaymentFailed,
    /// The answer is stored, and nothing is asked for it.
    Answered,
    /// The answer is stored, and an invoice came with it.
    AnsweredWithBill,
    /// The bill of an answer will not be paid: it is flawed, ran out, or the user says so.
    BillClosed,
    TimedOut,
    /// Whoever could have answered has refused, or the request never left.
    Failed,
    Cancelled,
}

/// A fact that cannot happen to a request that stands so: a bug of the caller, refused and changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a request that is {state} cannot take the fact {fact:?}")]
pub struct IllegalPurchase {
    pub state: PurchaseState,
    pub fact: PurchaseFact,
}

impl PurchaseState {
    /// Where the request stands after the fact.
    pub fn apply(self, fact: PurchaseFact) -> Result<Self, IllegalPurchase> {
        use PurchaseFact as F;
        use PurchaseState as S;
        Ok(match (self, fact) {
            (S::Drafted, F::Published) => S::Published,
            // A relay that said nothing may have it all the same, so an offer or an answer can come before its word.
            (S::Drafted | S::Published, F::PaymentBegun) => S::Paying,
            (S::Drafted | S::Published, F::Answered) => S::Done,
            (S::Drafted | S::Published, F::AnsweredWithBill) => S::Answered,
            (S::Drafted | S::Published, F::TimedOut) => S::Expired,
            (S::Drafted | S::Published | S::Paid, F::Failed) | (S::Paid, F::TimedOut) => S::Failed,
            (S::Drafted | S::Published, F::Cancelled) => S::Cancelled,
            // A payment that was thought to have failed may arrive after all: then its answer is awaited.
            (S::Paying | S::Drafted | S::Published | S::Expired | S::Cancelled, F::PaymentSettled) => S::Paid,
            (S::Paying, F::PaymentFailed) => S::Published,
            (S::Paying, F::Answered | F::AnsweredWithBill) => S::Answered,
            (S::Answered, F::PaymentBegun | F::PaymentFailed) => S::Answered,
            (S::Answered, F::PaymentSettled | F::BillClosed) => S::Done,
            // A late answer is an answer. Nothing is paid for it.
            (S::Paid | S::Expired | S::Cancelled | S::Failed, F::Answered | F::AnsweredWithBill) => S::Done,
            (state, fact) => return Err(IllegalPurchase { state, fact }),
        })
    }

    /// Nothing more is awaited. A late answer may still be taken.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Expired | Self::Cancelled | Self::Failed)
    }

    /// Whether an offer could be paid now.
    pub const fn may_pay(self) -> bool {
        matches!(self, Self::Drafted | Self::Published | Self::Answered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FACTS: [PurchaseFact; 10] = [
        PurchaseFact::Published,
        PurchaseFact::PaymentBegun,
        PurchaseFact::PaymentSettled,
        PurchaseFact::PaymentFailed,
        PurchaseFact::Answered,
        PurchaseFact::AnsweredWithBill,
        PurchaseFact::BillClosed,
        PurchaseFact::TimedOut,
        PurchaseFact::Failed,
        PurchaseFact::Cancelled,
    ];

    fn after(facts: &[PurchaseFact]) -> Option<PurchaseState> {
        facts.iter().try_fold(PurchaseState::Drafted, |state, fact| state.apply(*fact).ok())
    }

    #[test]
    fn the_ways_a_request_ends() {
        use PurchaseFact as F;
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::PaymentSettled, F::Answered]), Some(PurchaseState::Done));
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::PaymentFailed, F::PaymentBegun]), Some(PurchaseState::Paying));
        assert_eq!(after(&[F::Published, F::Answered]), Some(PurchaseState::Done));
        assert_eq!(after(&[F::Published, F::AnsweredWithBill, F::BillClosed]), Some(PurchaseState::Done));
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::Answered, F::PaymentSettled]), Some(PurchaseState::Done));
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::PaymentSettled, F::TimedOut, F::Answered]), Some(PurchaseState::Done));
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::TimedOut]), None, "money on its way has no deadline");
        assert_eq!(after(&[F::Published, F::PaymentBegun, F::Cancelled]), None, "nor can it be called off");
    }

    proptest! {
        /// Whatever comes in whatever order: one payment settles at most, and none begins while another is open.
        #[test]
        fn no_order_of_facts_pays_twice(facts in prop::collection::vec(prop::sample::select(FACTS.to_vec()), 0..40)) {
            let (mut state, mut settled, mut paying) = (PurchaseState::Drafted, 0, false);
            for fact in facts {
                let Ok(next) = state.apply(fact) else { continue };
                match fact {
                    PurchaseFact::PaymentBegun => {
                        prop_assert_eq!(settled, 0);
                        paying = true;
                    }
                    PurchaseFact::PaymentSettled => { settled += 1; paying = false; }
                    PurchaseFact::PaymentFailed => paying = false,
                    _ => {}
                }
                state = next;
            }
            prop_assert!(settled <= 1);
            prop_assert!(!(paying && matches!(state, PurchaseState::Expired | PurchaseState::Cancelled)));
        }

        #[test]
        fn every_state_is_spelled_as_it_is_read(index in 0..PurchaseState::ALL.len()) {
            let state = PurchaseState::ALL[index];
            prop_assert_eq!(state.as_str().parse::<PurchaseState>().ok(), Some(state));
            prop_assert_eq!(serde_json::to_string(&state).ok(), Some(format!("\"{state}\"")));
        }
    }
}
