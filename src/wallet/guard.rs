//! The one way out for money. Window, command line, provider and buyer all pay through here, and nobody can pass by: only
//! the guard calls [`Wallet::send`] and its like.
//!
//! ```text
//! prepare (nothing moves) ─▶ RESERVE (lock, limits, once, one commit) ─▶ send ─▶ SETTLED or FAILED, by the wallet's own word
//! ```
//!
//! While spending is locked nothing is sent, not even what an earlier run began; once there is a spending PIN, a payment
//! above the threshold needs the [`Warrant`] that only the right PIN gives ([`super::pin`]).
//!
//! A payment that was reserved and of whose end nobody has heard stays pending, also over a restart, and counts against
//! the limits until the wallet knows.

mod deposits;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pin::{SpendingPin, Warrant};
use super::{IdempotencyKey, Prepared, Wallet, WalletError, bolt11};
use crate::clock::Clock;
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::limits::{Limits, OverLimit};
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Payment, PaymentState};
use crate::domain::spend_lock::{Held, Permit};
use crate::domain::time::UnixMs;
use crate::store::{Ailment, Ended, PendingSpend, Purpose, Reserved, Spend, Store, StoreError};

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub purpose: Purpose,
    pub bolt11: String,
    /// What the invoice has to ask for, exactly.
    pub amount: MilliSats,
    pub payee: Option<Pubkey>,
}

/// What is to be sent without an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferOrder {
    /// An address that the wallet can send to.
    pub to: String,
    pub amount: MilliSats,
    /// What it may cost on top: more than this was not agreed to.
    pub most_fee: MilliSats,
}

/// How a payment ended, as far as it has.
#[derive(Debug, Clone, PartialEq)]
pub struct Paid {
    pub payment: Payment,
    /// What that has changed in the ledger.
    pub ended: Ended,
}

/// Why nothing was paid; of [`PayError::Unrecorded`] and [`WalletError::Unknown`] nobody knows yet.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PayError {
    #[error(transparent)]
    Wallet(#[from] WalletError),
    #[error("the invoice asks for {found} msats instead of {wanted}")]
    OtherAmount { wanted: u64, found: u64 },
    #[error("the fee is now {found} msats, and {agreed} were agreed to")]
    Dearer { agreed: u64, found: u64 },
    #[error("{0}")]
    OverLimit(OverLimit),
    #[error("{0}")]
    Held(Held),
    /// More than may be paid for a deposit by whoever has not shown the PIN.
    #[error("{0} without the spending PIN")]
    DearClaim(OverLimit),
    #[error("this is paid already, or is being paid")]
    Taken,
    #[error(transparent)]
    Ledger(#[from] StoreError),
    /// It was given to the wallet, and is pending in the ledger until that takes what became of it.
    #[error("what became of the payment could not be written down ({0}), and the money may have gone")]
    Unrecorded(#[source] StoreError),
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Pays within the limits, everything once.
#[derive(Clone)]
pub struct Guard {
    wallet: Arc<dyn Wallet>,
    store: Store,
    /// Shared by every copy, so that a change reaches whoever pays.
    limits: Arc<Mutex<Limits>>,
    /// In sats: what may go out without the PIN, once there is one.
    pin_above: Arc<AtomicU64>,
    /// Payments somebody here waits for, and writes the end of.
    under_way: Arc<Mutex<HashSet<PaymentHash>>>,
    clock: Clock,
}

impl Guard {
    pub fn new(wallet: Arc<dyn Wallet>, store: Store, limits: Limits, clock: Clock) -> Self {
        Self { wallet, store, limits: Arc::new(Mutex::new(limits)), pin_above: Arc::default(), under_way: Arc::default(), clock }
    }

    /// The lock on spending, and its PIN.
    pub fn pin(&self) -> SpendingPin {
        SpendingPin::new(self.store.clone(), self.clock.clone())
    }

    /// Changes what may go out without the PIN. Until it is told, nothing may.
    pub fn set_pin_above(&self, above: Sats) {
        self.pin_above.store(above.0, Ordering::Release);
    }

    fn permit(&self, warrant: Option<Warrant>) -> Permit {
        match warrant {
            Some(_) => Permit::Pin,
            None => Permit::UpTo(Sats(self.pin_above.load(Ordering::Acquire))),
        }
    }

    /// Whether the lock would let a payment of so much through now. What counts is asked when the money is reserved.
    pub async fn would_let(&self, amount: MilliSats, warrant: Option<&Warrant>) -> Result<(), PayError> {
        let permit = if warrant.is_some() { Permit::Pin } else { self.permit(None) };
        self.store.spend_lock().await?.check(amount, permit, self.clock.now()).map_err(PayError::Held)
    }

    /// Changes the limits for every payment from now on.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn limits(&self) -> Limits {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pays. An error means that nothing was paid and nothing will be, unless it says that this is not known; a payment that
    /// is pending may still go either way.
    pub async fn pay(&self, order: Order) -> Result<Paid, PayError> {
        self.pay_with(order, None).await
    }

    /// Pays what somebody has shown the PIN for, if anybody has.
    pub async fn pay_with(&self, order: Order, warrant: Option<Warrant>) -> Result<Paid, PayError> {
        let prepared = self.wallet.prepare(order.bolt11.clone()).await?;
        // The wallet has looked at it; so do we, for a wallet may be wrong.
        let found = bolt11::payable(&prepared.invoice, self.wallet.network(), self.clock.now()).map_err(WalletError::from)?;
        if found != order.amount || prepared.amount != found {
            return Err(PayError::OtherAmount { wanted: order.amount.0, found: found.0.max(prepared.amount.0) });
        }
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(PayError::Random)?;
        let spend = Spend {
            purpose: order.purpose,
            hash: prepared.invoice.hash,
            bolt11: prepared.invoice.bolt11.clone(),
            payee: order.payee,
            idempotency: key,
            amount: prepared.amount,
            fee: prepared.fee,
            sent_back: None,
        };
        let Some(_busy) = Busy::begin(&self.under_way, spend.hash) else { return Err(PayError::Taken) };
        match self.store.reserve_with(spend, self.limits(), self.permit(warrant), self.clock.now()).await? {
            Reserved::New => self.send(prepared, IdempotencyKey(key)).await,
            Reserved::Held(held) => Err(PayError::Held(held)),
            Reserved::OverLimit(over) => Err(PayError::OverLimit(over)),
            Reserved::Taken => Err(PayError::Taken),
        }
    }

    /// Sends to an address. As [`Guard::pay_with`].
    pub async fn transfer(&self, order: TransferOrder, warrant: Option<Warrant>) -> Result<Paid, PayError> {
        let prepared = self.wallet.prepare_transfer(order.to, order.amount).await?;
        if prepared.amount != order.amount {
            return Err(PayError::OtherAmount { wanted: order.amount.0, found: prepared.amount.0 });
        }
        if prepared.fee > order.most_fee {
            return Err(PayError::Dearer { agreed: order.most_fee.0, found: prepared.fee.0 });
        }
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(PayError::Random)?;
        let key = IdempotencyKey(key);
        let hash = self.wallet.transfer_hash(key);
        let spend = manual(hash, prepared.to.clone(), key, prepared.amount, prepared.fee);
        let Some(_busy) = Busy::begin(&self.under_way, hash) else { return Err(PayError::Taken) };
        match self.store.reserve_with(spend, self.limits(), self.permit(warrant), self.clock.now()).await? {
            Reserved::New => {
                let amount = prepared.amount;
                let sent = self.wallet.transfer(prepared, key).await;
                self.finish(sent, hash, amount, key).await
            }
            Reserved::Held(held) => Err(PayError::Held(held)),
            Reserved::OverLimit(over) => Err(PayError::OverLimit(over)),
            Reserved::Taken => Err(PayError::Taken),
        }
    }

    async fn send(&self, prepared: Prepared, key: IdempotencyKey) -> Result<Paid, PayError> {
        let (hash, amount) = (prepared.invoice.hash, prepared.amount);
        let sent = self.wallet.send(prepared, key).await;
        self.finish(sent, hash, amount, key).await
    }

    /// Writes down how sending went, as far as it has.
    async fn finish(
        &self,
        sent: Result<Payment, WalletError>,
        hash: PaymentHash,
        amount: MilliSats,
        key: IdempotencyKey,
    ) -> Result<Paid, PayError> {
        match sent {
            Ok(payment) => self.ended(payment, key.0).await.map_err(PayError::Unrecorded),
            Err(error) if may_have_paid(&error) => {
                tracing::warn!("A payment of {} msats is pending: {error}.", amount.0);
                Err(PayError::Wallet(WalletError::Unknown(error.to_string())))
            }
            Err(error) => Err(self.failed(hash, key, error).await),
        }
    }

    /// The wallet has not paid. While the ledger does not know that, the payment is taken up again and may go out then.
    async fn failed(&self, hash: PaymentHash, key: IdempotencyKey, error: WalletError) -> PayError {
        match self.store.fail_spend(hash, key.0, error.to_string(), self.clock.now()).await {
            Ok(_) => PayError::Wallet(error),
            Err(error) => PayError::Unrecorded(error),
        }
    }

    /// The wallet tells of a payment that went out. Its news may be old, and about an earlier try of the same invoice: what
    /// is written down is the wallet's record now, and not while somebody waits for that very payment.
    pub async fn heard(&self, payment: Payment) -> Result<Ended, PayError> {
        let Some(hash) = payment.hash.filter(|hash| !self.is_under_way(hash)) else { return Ok(Ended::default()) };
        if payment.is_settled() {
            return Ok(self.store.settle_spend(hash, payment.fee, self.clock.now()).await?);
        }
        let pending = self.store.pending_spends().await?;
        let Some(spend) = pending.into_iter().find(|spend| spend.hash == hash) else { return Ok(Ended::default()) };
        let Some(record) = self.wallet.payment(hash).await? else { return Ok(Ended::default()) };
        if self.is_under_way(&hash) {
            return Ok(Ended::default());
        }
        Ok(self.ended(record, spend.idempotency).await?.ended)
    }

    fn is_under_way(&self, hash: &PaymentHash) -> bool {
        self.under_way().contains(hash)
    }

    fn under_way(&self) -> MutexGuard<'_, HashSet<PaymentHash>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down how the try with this key ended, if it has.
    async fn ended(&self, payment: Payment, key: [u8; 16]) -> Result<Paid, StoreError> {
        let Some(hash) = payment.hash else { return Ok(Paid { payment, ended: Ended::default() }) };
        let ended = match &payment.state {
            PaymentState::Settled { .. } => self.store.settle_spend(hash, payment.fee, self.clock.now()).await?,
            PaymentState::Failed { reason } => self.store.fail_spend(hash, key, reason.clone(), self.clock.now()).await?,
            PaymentState::Pending => Ended::default(),
        };
        Ok(Paid { payment, ended })
    }

    /// Takes up what an earlier run began: asks the wallet, and sends again, with the same key, what it never heard of.
    pub async fn resume(&self) -> Result<Vec<Ended>, PayError> {
        let mut ends = Vec::new();
        for spend in self.store.pending_spends().await? {
            let Some(_busy) = Busy::begin(&self.under_way, spend.hash) else { continue };
            match self.take_up(&spend).await {
                Ok(ended) => ends.push(ended),
                Err(PayError::Held(_)) => tracing::debug!("A payment that was under way waits for spending to be unlocked."),
                // The next one would fare no better.
                Err(PayError::Ledger(error) | PayError::Unrecorded(error)) if error.ailment() != Ailment::None => return Err(error.into()),
                Err(error) => tracing::warn!("A payment that was under way is not settled yet: {error}."),
            }
        }
        Ok(ends)
    }

    /// Asks the wallet once more about what it has called failed since then.
    pub async fn recheck(&self, since: UnixMs) -> Result<Vec<Ended>, PayError> {
        let mut ends = Vec::new();
        for hash in self.store.failed_spends(since).await? {
            let Some(_busy) = Busy::begin(&self.under_way, hash) else { continue };
            match self.wallet.payment(hash).await {
                Ok(Some(payment)) if payment.is_settled() => {
                    ends.push(self.store.settle_spend(hash, payment.fee, self.clock.now()).await?);
                }
                Ok(_) => {}
                Err(error) => tracing::debug!("A payment that has failed could not be looked at again: {error}."),
            }
        }
        Ok(ends)
    }

    async fn take_up(&self, spend: &PendingSpend) -> Result<Ended, PayError> {
        if let Some(sent_back) = &spend.sent_back {
            return self.look_at_refund(spend, sent_back).await;
        }
        if let Some(payment) = self.wallet.payment(spend.hash).await? {
            return Ok(self.ended(payment, spend.idempotency).await?.ended);
        }
        if !self.store.spend_lock().await?.is_open(self.clock.now()) {
            // It was allowed before the lock was shut, and waits until it is open again.
            return Err(PayError::Held(Held::Locked));
        }
        match self.wallet.prepare(spend.bolt11.clone()).await {
            Ok(prepared) => self.send(prepared, IdempotencyKey(spend.idempotency)).await.map(|paid| paid.ended),
            Err(error) if may_have_paid(&error) => Err(error.into()),
            Err(error) => {
                // The wallet has no record of it and it cannot be paid any more: it never was.
                Ok(self.store.fail_spend(spend.hash, spend.idempotency, error.to_string(), self.clock.now()).await?)
            }
        }
    }
}

/// A payment by the operator's own hand.
fn manual(hash: PaymentHash, to: String, key: IdempotencyKey, amount: MilliSats, fee: MilliSats) -> Spend {
    Spend { purpose: Purpose::Manual, hash, bolt11: to, payee: None, idempotency: key.0, amount, fee, sent_back: None }
}

/// One payment in somebody's hands, until this is dropped.
struct Busy {
    all: Arc<Mutex<HashSet<PaymentHash>>>,
    hash: PaymentHash,
}

impl Busy {
    /// `None`: somebody has it in hand.
    fn begin(all: &Arc<Mutex<HashSet<PaymentHash>>>, hash: PaymentHash) -> Option<Self> {
        let is_free = all.lock().unwrap_or_else(PoisonError::into_inner).insert(hash);
        is_free.then(|| Self { all: Arc::clone(all), hash })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.hash);
    }
}

/// Whether, after this, the money may be gone.
const fn may_have_paid(error: &WalletError) -> bool {
    matches!(
        error,
        WalletError::Unknown(_)
            | WalletError::Unreachable(_)
            | WalletError::Closed
            | WalletError::Records(_)
            | WalletError::AlreadyPaid
            | WalletError::UnderWay
    )
}

/// The job whose buyer is given its money back.
pub fn refund(job: JobId, bolt11: String, amount: MilliSats) -> Order {
    Order { purpose: Purpose::Refund(job), bolt11, amount, payee: None }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
