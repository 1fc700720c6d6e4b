//! What may be spent, as a pure rule.

use std::fmt;

use super::money::{MilliSats, Sats};

/// The operator's limits, from `limits.*`. 0 sats means that nothing may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub per_payment: Sats,
    /// For one request.
    pub per_request: Sats,
    /// In any 24 hours.
    pub per_day: Sats,
    /// To one provider, in any 24 hours.
    pub per_payee_day: Sats,
    /// The highest fee: this part of the amount, in per cent, or `fee_floor` where that is more.
    pub fee_percent: u64,
    pub fee_floor: Sats,
}

/// What has gone out in the last 24 hours or may have, fees included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub day: MilliSats,
    /// To the provider a request is paid to; `None`: it is no request.
    pub payee_day: Option<MilliSats>,
}

/// Which limit a payment would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    PerPayment,
    PerRequest,
    PerDay,
    PerPayeeDay,
    Fee,
}

/// A payment that is not allowed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    pub limit: Limit,
    pub allowed: MilliSats,
    pub wanted: MilliSats,
}

impl fmt::Display for OverLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (allowed, wanted) = (self.allowed.0 / 1000, self.wanted.ceil_sats());
        match self.limit {
            Limit::PerPayment => write!(f, "{wanted} sats with fees are more than one payment may be ({allowed} sats)"),
            Limit::PerRequest => write!(f, "{wanted} sats with fees are more than one request may cost ({allowed} sats)"),
            Limit::PerDay => write!(f, "with this payment {wanted} sats would have gone out in 24 hours, and {allowed} are allowed"),
            Limit::PerPayeeDay => {
                write!(f, "with this payment {wanted} sats would have gone to this provider in 24 hours, and {allowed} are allowed")
            }
            Limit::Fee => write!(f, "the fee could be {wanted} sats, and {allowed} are allowed"),
        }
    }
}

impl Limits {
    /// The length of the window, in milliseconds. It rolls: there is no midnight at which twice as much could go out.
    pub const DAY_MS: u64 = 86_400_000;

    /// Whether so much may go out now. Sums saturate: what does not fit is over every limit.
    pub fn check(&self, amount: MilliSats, fee: MilliSats, spent: Spent) -> Result<(), OverLimit> {
        let total = MilliSats(amount.0.saturating_add(fee.0));
        self.check_fee(amount, fee)?;
        within(Limit::PerPayment, total, msats(self.per_payment))?;
        if spent.payee_day.is_some() {
            within(Limit::PerRequest, total, msats(self.per_request))?;
        }
        within(Limit::PerDay, MilliSats(spent.day.0.saturating_add(total.0)), msats(self.per_day))?;
        match spent.payee_day {
            Some(payee) => within(Limit::PerPayeeDay, MilliSats(payee.0.saturating_add(total.0)), msats(self.per_payee_day)),
            None => Ok(()),
        }
    }

    /// Whether so much may be paid for moving this amount.
    pub fn check_fee(&self, amount: MilliSats, fee: MilliSats) -> Result<(), OverLimit> {
        let most = MilliSats((u128::from(amount.0) * u128::from(self.fee_percent) / 100).min(u128::from(u64::MAX)) as u64);
        within(Limit::Fee, fee, most.max(msats(self.fee_floor)))
    }
}

fn within(limit: Limit, wanted: MilliSats, allowed: MilliSats) -> Result<(), OverLimit> {
    if wanted <= allowed { Ok(()) } else { Err(OverLimit { limit, allowed, wanted }) }
}

fn msats(sats: Sats) -> MilliSats {
    sats.to_msats().unwrap_or(MilliSats(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        per_payment: Sats(100),
        per_request: Sats(100),
        per_day: Sats(250),
        per_payee_day: Sats(150),
        fee_percent: 1,
        fee_floor: Sats(10),
    };

    fn over(amount: u64, fee: u64, day: u64, payee_day: Option<u64>) -> Option<Limit> {
        let spent = Spent { day: MilliSats(day), payee_day: payee_day.map(MilliSats) };
        LIMITS.check(MilliSats(amount), MilliSats(fee), spent).err().map(|over| over.limit)
    }

    #[test]
    fn each_limit_holds_to_the_millisat() {
        assert_eq!(over(100_000, 0, 0, None), None);
        assert_eq!(over(100_001, 0, 0, None), Some(Limit::PerPayment));
        assert_eq!(over(99_000, 1_001, 0, None), Some(Limit::PerPayment), "the fee counts");
        assert_eq!(over(50_000, 10_001, 0, None), Some(Limit::Fee));
        assert_eq!(over(100_000, 0, 150_000, None), None);
        assert_eq!(over(100_000, 0, 150_001, None), Some(Limit::PerDay));
        assert_eq!(over(100_000, 0, 50_001, Some(50_001)), Some(Limit::PerPayeeDay));
    }

    proptest! {
        /// Whatever is asked for, in whatever order, never more goes out in a day than the limit says.
        #[test]
        fn no_sequence_spends_more_than_the_limits(asks in prop::collection::vec((0..300_000u64, 0..20_000u64, any::<bool>()), 0..50)) {
            let mut spent = Spent { day: MilliSats(0), payee_day: Some(MilliSats(0)) };
            for (amount, fee, to_payee) in asks {
                let asked = Spent { payee_day: spent.payee_day.filter(|_| to_payee), ..spent };
                if LIMITS.check(MilliSats(amount), MilliSats(fee), asked).is_ok() {
                    spent.day.0 += amount + fee;
                    if to_payee {
                        spent.payee_day = spent.payee_day.map(|payee| MilliSats(payee.0 + amount + fee));
                    }
                }
            }
            prop_assert!(spent.day <= MilliSats(250_000) && spent.payee_day <= Some(MilliSats(150_000)));
        }

        #[test]
        fn extremes_are_over_a_limit_and_no_panic(amount: u64, fee: u64, day: u64) {
            let checked = LIMITS.check(MilliSats(amount), MilliSats(fee), Spent { day: MilliSats(day), payee_day: None });
            prop_assert!(checked.is_err() || amount <= 100_000);
        }
    }
}
