//! A request that waits for something: its row as last read, its key, and what it waits until.

use nostr::{Event, Keys};
use tokio_util::sync::CancellationToken;

use super::Then;
use crate::domain::purchase::{PurchaseFact, PurchaseState};
use crate::domain::time::UnixMs;
use crate::store::{PurchaseRow, PurchaseStep};

/// Times one offer is tried when the payment fails for good: a wallet may find no way once and find one a second later.
const MOST_TRIES: u8 = 3;
/// Before it is tried again, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Before a wallet that says that an invoice is paid, of which the ledger knows nothing, is asked again, in milliseconds.
const HOLD_MS: u64 = 30_000;
/// How long a paid request that was given up still takes its answer, in milliseconds.
const LATE_MS: u64 = 86_400_000;

pub struct Open {
    pub row: PurchaseRow,
    pub keys: Keys,
    pub event: Event,
    /// When it is given up; `None`: money is on its way, and that has no deadline.
    pub deadline: Option<UnixMs>,
    /// When the offers that have come are chosen among.
    pub choose_at: Option<UnixMs>,
    /// The user of this node asked for it, or to pay it. What an earlier one left open waits for a node that stays.
    pub is_wanted: bool,
    /// A payment of ours is under way.
    pub is_paying: bool,
    pub tries: u8,
    /// The invoice that is being paid, or whose money may have gone without the ledger knowing it: nothing else is paid.
    pub held: Option<String>,
    /// Offers of those who may not offer.
    pub unheard: u32,
    /// Cancelled when the request is not to be sent any more, at the latest with this.
    pub sending: CancellationToken,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.sending.cancel();
    }
}

impl Open {
    pub fn new(row: PurchaseRow, keys: Keys, event: Event) -> Self {
        let deadline = Some(row.expires_at);
        Self {
            row,
            keys,
            event,
            deadline,
            choose_at: None,
            is_wanted: false,
            is_paying: false,
            tries: 0,
            held: None,
            unheard: 0,
            sending: CancellationToken::new(),
        }
    }

    /// Takes in the row; deadlines follow its state.
    pub fn take(&mut self, row: PurchaseRow, timeout_secs: u64, now: UnixMs) {
        let before = std::mem::replace(&mut self.row, row).state;
        let state = self.row.state;
        if before == state && self.deadline.is_some() {
            return;
        }
        self.deadline = match state {
            PurchaseState::Drafted | PurchaseState::Published => Some(self.row.expires_at),
            PurchaseState::Paid => Some(now.plus_ms(timeout_secs.saturating_mul(1000))),
            PurchaseState::Answered if !self.is_paying && !self.row.is_being_paid => {
                Some(self.row.expires_at.max(now.plus_ms(timeout_secs.saturating_mul(1000))))
            }
            PurchaseState::Failed => Some(now.plus_ms(LATE_MS)),
            _ => None,
        };
    }

    /// Nothing more is awaited, not even a late answer to what was paid.
    pub fn is_over(&self) -> bool {
        match self.row.state {
            PurchaseState::Failed => self.row.paid.0 == 0,
            state => state.is_final(),
        }
    }

    /// The answer was paid for and is not here.
    pub fn misses_what_it_paid_for(&self) -> bool {
        matches!(self.row.state, PurchaseState::Paid | PurchaseState::Failed)
    }

    /// Whether an offer could be paid now: the answer may be here while the payment for it is still on its way.
    pub fn may_pay(&self) -> bool {
        !self.is_paying && !self.row.is_being_paid && self.row.state.may_pay()
    }

    /// Its time is over. A bill for an answer that is here may be paid still.
    pub fn is_late(&self, now: UnixMs) -> bool {
        self.row.state != PurchaseState::Answered && self.row.expires_at <= now
    }

    pub fn next_look(&self) -> Option<UnixMs> {
        [self.deadline, self.choose_at].into_iter().flatten().min()
    }

    pub fn chooses_by(&self, now: UnixMs) -> bool {
        self.choose_at.is_some_and(|at| at <= now)
    }

    /// An attempt to pay has ended. One that failed is made again after a pause, a few times.
    pub fn payment_ended(&mut self, then: Then, now: UnixMs) {
        self.is_paying = false;
        if then != Then::Hold {
            self.held = None;
        }
        match then {
            Then::Wait => {}
            Then::Hold | Then::Later => self.choose_at = Some(now.plus_ms(HOLD_MS)),
            Then::Next => {
                self.tries = 0;
                self.choose_at = Some(now);
            }
            Then::Again => {
                self.tries += 1;
                self.choose_at = Some(now.plus_ms(RETRY_MS << self.tries.min(6)));
            }
        }
    }

    /// Whether an offer whose payment failed has had its chances.
    pub fn is_out_of_tries(&self) -> bool {
        self.tries + 1 >= MOST_TRIES
    }

    /// What giving up means here, with a reason unless there is a better one already.
    pub fn giving_up(&self) -> PurchaseStep {
        let waited = self.row.expires_at.since(self.row.created_at) / 1000;
        match self.row.state {
            PurchaseState::Paid => {
                let words = "It was paid, and no answer came in time. A late one is still taken; ask the provider for the money back.";
                PurchaseStep { fact: PurchaseFact::TimedOut, reason: Some(("paid-unanswered", words.to_owned())) }
            }
            PurchaseState::Answered => {
                let words = "The answer is here; its invoice ran out unpaid.";
                PurchaseStep { fact: PurchaseFact::BillClosed, reason: Some(("bill-unpaid", words.to_owned())) }
            }
            _ if self.row.reason.is_some() => PurchaseFact::TimedOut.into(),
            _ => {
                let words = match self.unheard {
                    0 => format!("Nobody answered within {waited} s."),
                    count => format!("The provider did not answer within {waited} s; offers of others that were not heard: {count}."),
                };
                PurchaseStep { fact: PurchaseFact::TimedOut, reason: Some(("timed-out", words)) }
            }
        }
    }
}
