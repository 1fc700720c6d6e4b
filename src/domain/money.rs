//! Money in whole units, so that no rounding hides in a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Thousandths of a satoshi: the unit of NIP-90's `bid` and `amount` tags and of the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliSats(pub u64);

/// Whole satoshis: the unit of invoices and of everything a person reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sats(pub u64);

impl MilliSats {
    /// The smallest whole number of satoshis that covers this amount.
    pub const fn ceil_sats(self) -> Sats {
        Sats(self.0.div_ceil(1000))
    }

    /// Adds, or `None` when the sum does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
}

impl Sats {
    /// The same amount in thousandths, or `None` when it does not fit.
    pub const fn to_msats(self) -> Option<MilliSats> {
        match self.0.checked_mul(1000) {
            Some(msats) => Some(MilliSats(msats)),
            None => None,
        }
    }
}

impl fmt::Display for Sats {
    /// Digits in groups of three, parted by thin spaces (U+2009), without a unit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                f.write_str("\u{2009}")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_of_a_sat_is_charged_as_a_whole_one() {
        assert_eq!(MilliSats(0).ceil_sats(), Sats(0));
        assert_eq!(MilliSats(1).ceil_sats(), Sats(1));
        assert_eq!(MilliSats(3000).ceil_sats(), Sats(3));
        assert_eq!(MilliSats(3001).ceil_sats(), Sats(4));
        assert_eq!(MilliSats(u64::MAX).ceil_sats(), Sats(u64::MAX / 1000 + 1));
    }

    #[test]
    fn sums_that_do_not_fit_are_none() {
        assert_eq!(MilliSats(u64::MAX).checked_add(MilliSats(1)), None);
        assert_eq!(Sats(u64::MAX).to_msats(), None);
    }

    #[test]
    fn thousands_are_parted_by_thin_spaces() {
        assert_eq!(Sats(7).to_string(), "7");
        assert_eq!(Sats(1234).to_string(), "1\u{2009}234");
        assert_eq!(Sats(1_234_567).to_string(), "1\u{2009}234\u{2009}567");
    }
}
