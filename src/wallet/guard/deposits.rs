//! Deposits: to make one a part of the balance costs a fee, and one that is sent back is money that goes out.
//!
//! No wallet lists a refund among its payments. Whether one went out is read from what has become of its deposit, and it is
//! never sent again by itself.

use sha2::{Digest as _, Sha256};

use super::{Busy, Guard, PayError, manual, may_have_paid};
use crate::domain::ids::PaymentHash;
use crate::domain::limits::Limits;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::spend_lock::Held;
use crate::store::{Ended, PendingSpend, Reserved, SentBack, Spend};
use crate::wallet::pin::Warrant;
use crate::wallet::{Claimed, Deposit, DepositId, IdempotencyKey, WalletError};

/// For so long, in milliseconds, a refund whose answer was lost may still be on its way to the chain.
const LINGERS_MS: u64 = 3_600_000;

/// What has become of a deposit since it was to be sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A transaction sends it back that was not there before.
    SentBack,
    /// It lies there as it lay.
    Untouched,
    /// The wallet does not list it any more.
    Gone,
}

impl Guard {
    /// Makes a deposit a part of the balance. What that may cost is limited as the fee of any payment is, and no lock
    /// stands in its way; for more than that, somebody has to show the PIN.
    pub async fn claim_deposit(&self, id: DepositId, most_fee: Sats, warrant: Option<Warrant>) -> Result<Claimed, PayError> {
        let deposit = self.deposit(&id).await?;
        let Some(_alone) = self.alone_with(&id) else { return Err(PayError::Taken) };
        self.no_other_refund_pends(&id, None).await?;
        let fee = most_fee.to_msats().unwrap_or(MilliSats(u64::MAX));
        if let Err(over) = self.limits().check_fee(deposit.amount, fee) {
            let lock = self.store.spend_lock().await?;
            if !lock.is_open(self.clock.now()) {
                return Err(PayError::Held(Held::Locked));
            }
            match warrant {
                Some(_) => {}
                None if lock.has_pin => return Err(PayError::DearClaim(over)),
                None => return Err(PayError::OverLimit(over)),
            }
        }
        Ok(self.wallet.claim(id, most_fee).await?)
    }

    /// Sends a deposit somewhere else on the chain, for this fee: money that goes out, though it was never in the balance.
    /// Returns the transaction.
    pub async fn refund_deposit(&self, id: DepositId, to: String, fee: Sats, warrant: Option<Warrant>) -> Result<String, PayError> {
        let deposit = self.deposit(&id).await?;
        let most = WalletError::Amount { least: 0, most: deposit.amount.0 };
        let fee_msats = fee.to_msats().filter(|fee| *fee < deposit.amount).ok_or(most)?;
        let amount = MilliSats(deposit.amount.0 - fee_msats.0);
        // The same refund is made once; one that pays a higher fee takes its place on the chain.
        let hash = PaymentHash(Sha256::digest(format!("the refund of {id} for {}", fee.0)).into());
        let key = IdempotencyKey(hash.0.first_chunk().copied().unwrap_or_default());
        let Some(_busy) = Busy::begin(&self.under_way, hash) else { return Err(PayError::Taken) };
        let Some(_alone) = self.alone_with(&id) else { return Err(PayError::Taken) };
        self.no_other_refund_pends(&id, Some(hash)).await?;
        let back = SentBack { deposit: id.to_string(), before: deposit.refund };
        let spend = Spend { sent_back: Some(back.clone()), ..manual(hash, to.clone(), key, amount, fee_msats) };
        match self.store.reserve_with(spend, self.limits(), self.permit(warrant), self.clock.now()).await? {
            Reserved::New => {}
            Reserved::Held(held) => return Err(PayError::Held(held)),
            Reserved::OverLimit(over) => return Err(PayError::OverLimit(over)),
            Reserved::Taken => return Err(PayError::Taken),
        }
        let error = match self.wallet.refund_deposit(id, to, fee).await {
            Ok(txid) => {
                let settled = self.store.settle_spend(hash, fee_msats, self.clock.now()).await;
                return settled.map(|_| txid).map_err(PayError::Unrecorded);
            }
            Err(error) => error,
        };
        // A refusal may come after the transaction was made: only a deposit that lies there as before proves that there is none.
        let is_over = !may_have_paid(&error) && matches!(self.fate(&back).await, Ok(Fate::Untouched));
        if is_over { Err(self.failed(hash, key, error).await) } else { Err(WalletError::Unknown(error.to_string()).into()) }
    }

    /// Whether a refund of whose end nobody has heard went out. What cannot be told stays pending.
    pub(super) async fn look_at_refund(&self, spend: &PendingSpend, back: &SentBack) -> Result<Ended, PayError> {
        let fate = self.fate(back).await?;
        let now = self.clock.now();
        let age = now.since(spend.begun_at);
        match fate {
            Fate::SentBack => Ok(self.store.settle_spend(spend.hash, spend.fee, now).await?),
            Fate::Untouched if age >= LINGERS_MS => {
                let reason = "the deposit was not sent back".to_owned();
                Ok(self.store.fail_spend(spend.hash, spend.idempotency, reason, now).await?)
            }
            // Once it counts against no limit any more, what has left the list has left by the only way that was begun.
            Fate::Gone if age >= Limits::DAY_MS => Ok(self.store.settle_spend(spend.hash, spend.fee, now).await?),
            Fate::Untouched | Fate::Gone => Ok(Ended::default()),
        }
    }

    async fn fate(&self, back: &SentBack) -> Result<Fate, WalletError> {
        let deposits = self.wallet.deposits().await?;
        Ok(match deposits.into_iter().find(|deposit| deposit.id.to_string() == back.deposit) {
            Some(deposit) if deposit.refund.is_some() && deposit.refund != back.before => Fate::SentBack,
            Some(_) => Fate::Untouched,
            None => Fate::Gone,
        })
    }

    /// One deposit in one pair of hands.
    fn alone_with(&self, id: &DepositId) -> Option<Busy> {
        Busy::begin(&self.under_way, PaymentHash(Sha256::digest(format!("the deposit {id}")).into()))
    }

    /// While nobody knows whether a deposit was sent back, nothing else is done with it: what becomes of it would be taken for
    /// the end of that refund.
    async fn no_other_refund_pends(&self, id: &DepositId, this: Option<PaymentHash>) -> Result<(), PayError> {
        let (pending, id) = (self.store.pending_spends().await?, id.to_string());
        let is_it = |spend: &PendingSpend| spend.sent_back.as_ref().is_some_and(|back| back.deposit == id) && Some(spend.hash) != this;
        if pending.iter().any(is_it) {
            let why = "a refund of this deposit is under way, and what became of it is not known yet; that takes an hour at most";
            return Err(WalletError::Refused(why.to_owned()).into());
        }
        Ok(())
    }

    async fn deposit(&self, id: &DepositId) -> Result<Deposit, WalletError> {
        let found = self.wallet.deposits().await?.into_iter().find(|deposit| deposit.id == *id);
        found.ok_or_else(|| WalletError::Refused("there is no such deposit".to_owned()))
    }
}

#[cfg(test)]
#[path = "deposit_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "vault.rs"]
mod vault;
