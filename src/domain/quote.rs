//! What a job costs.

use super::job::Policy;
use super::money::{MilliSats, Sats};

/// A model's price list, in msats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The least a job costs.
    pub min_price: MilliSats,
    /// Per 1,000 prompt tokens.
    pub in_rate: MilliSats,
    /// Per 1,000 tokens the answer may have.
    pub out_rate: MilliSats,
}

/// What one job is done for, fixed when it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    pub policy: Policy,
    /// In whole sats; 0 exactly when the policy is free.
    pub price: MilliSats,
}

impl Deal {
    /// No money.
    pub const FREE: Self = Self { policy: Policy::Free, price: MilliSats(0) };

    /// A deal under this policy. What costs nothing is free, whatever the policy: nobody can pay 0 sats.
    pub fn new(policy: Policy, price: Sats) -> Self {
        match (policy, price.to_msats()) {
            (Policy::Free, _) | (_, Some(MilliSats(0))) => Self::FREE,
            (policy, price) => Self { policy, price: price.unwrap_or(MilliSats(u64::MAX / 1000 * 1000)) },
        }
    }
}

/// Tokens in a text when the backend has no tokenizer to ask: a quarter of its characters, rounded up.
pub const fn estimate_tokens(chars: u64) -> u64 {
    chars.div_ceil(4)
}

/// The price of a job, in whole sats: what an invoice can ask for.
///
/// Rounded up twice, never down, and saturating: a price that does not fit is the highest price, not a low one.
pub fn price(rates: Rates, prompt_tokens: u64, max_tokens: u64) -> Sats {
    let side = |tokens: u64, rate: MilliSats| u128::from(tokens) * u128::from(rate.0);
    let per_thousand = side(prompt_tokens, rates.in_rate).saturating_add(side(max_tokens, rates.out_rate));
    let metered = u64::try_from(per_thousand.div_ceil(1000)).unwrap_or(u64::MAX);
    MilliSats(metered.max(rates.min_price.0)).ceil_sats()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATES: Rates = Rates { min_price: MilliSats(3000), in_rate: MilliSats(2000), out_rate: MilliSats(2000) };

    #[test]
    fn a_small_job_costs_the_minimum_and_a_large_one_its_tokens() {
        assert_eq!(price(RATES, 10, 100), Sats(3));
        assert_eq!(price(RATES, 1000, 1000), Sats(4));
        assert_eq!(price(RATES, 1000, 1001), Sats(5));
        assert_eq!(estimate_tokens(1), 1);
        assert_eq!(estimate_tokens(8), 2);
    }

    #[test]
    fn what_costs_nothing_is_free() {
        assert_eq!(Deal::new(Policy::PayFirst, Sats(0)), Deal::FREE);
        assert_eq!(Deal::new(Policy::Free, Sats(9)), Deal::FREE);
        assert_eq!(Deal::new(Policy::PayFirst, Sats(9)), Deal { policy: Policy::PayFirst, price: MilliSats(9_000) });
    }

    proptest! {
        #[test]
        fn a_price_is_never_below_the_minimum_nor_below_its_tokens(min: u64, inr: u64, outr: u64, prompt: u64, max: u64) {
            let rates = Rates { min_price: MilliSats(min), in_rate: MilliSats(inr), out_rate: MilliSats(outr) };
            let sats = price(rates, prompt, max);
            prop_assert!(u128::from(sats.0) * 1000 >= u128::from(min));
            let metered = (u128::from(prompt) * u128::from(inr)).saturating_add(u128::from(max) * u128::from(outr)) / 1000;
            prop_assert!(u128::from(sats.0) * 1000 >= metered.min(u128::from(u64::MAX)));
        }

        #[test]
        fn more_tokens_never_cost_less(prompt in 0..1_000_000u64, max in 0..1_000_000u64, more in 0..1000u64) {
            prop_assert!(price(RATES, prompt + more, max) >= price(RATES, prompt, max));
            prop_assert!(price(RATES, prompt, max + more) >= price(RATES, prompt, max));
        }
    }
}
