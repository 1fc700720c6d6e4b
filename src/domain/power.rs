//! What electricity a job takes, where the operator has said what the machine draws and what a kilowatt-hour costs.

use serde::{Deserialize, Serialize};

use super::money::MilliSats;

/// Watts times milliseconds in a kilowatt-hour.
const WATT_MS: u128 = 3_600_000_000;

/// A machine's appetite and the price of feeding it. Zero in either: not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Drawn while a model runs, beyond what the machine draws anyway.
    pub watts: u32,
    /// Of a kilowatt-hour, in sats.
    pub sats_per_kwh: u32,
}

impl Power {
    /// What so many milliseconds of a running model cost, rounded up; `None`: not known.
    pub fn cost(self, ms: u64) -> Option<MilliSats> {
        if self.watts == 0 || self.sats_per_kwh == 0 {
            return None;
        }
        let watt_ms = u128::from(self.watts) * u128::from(ms);
        let msats = watt_ms.saturating_mul(u128::from(self.sats_per_kwh) * 1_000);
        Some(MilliSats(u64::try_from(msats.div_ceil(WATT_MS)).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_a_kilowatt_costs_a_kilowatt_hour() {
        let power = Power { watts: 1_000, sats_per_kwh: 400 };
        assert_eq!(power.cost(3_600_000), Some(MilliSats(400_000)));
        assert_eq!(power.cost(1), Some(MilliSats(1)), "rounded up: nothing runs for free");
        assert_eq!(power.cost(0), Some(MilliSats(0)));
        assert_eq!(Power { watts: u32::MAX, sats_per_kwh: u32::MAX }.cost(u64::MAX), Some(MilliSats(u64::MAX)));
    }

    #[test]
    fn a_cost_nobody_has_named_is_not_called_zero() {
        assert_eq!(Power { watts: 300, sats_per_kwh: 0 }.cost(1_000), None);
        assert_eq!(Power::default().cost(1_000), None);
    }
}
