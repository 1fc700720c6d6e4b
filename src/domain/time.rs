//! Points in time as arguments: no rule in this room asks what time it is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// Milliseconds since 1970-01-01 UTC: the ledger's unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMs(pub i64);

impl UnixMs {
    /// From whole seconds, the unit of Nostr's `created_at`. Saturates.
    pub const fn from_secs(secs: u64) -> Self {
        let secs = if secs > i64::MAX as u64 / 1000 { i64::MAX / 1000 } else { secs as i64 };
        Self(secs * 1000)
    }

    /// Whole seconds, rounded down; 0 before 1970.
    pub const fn as_secs(self) -> u64 {
        if self.0 < 0 { 0 } else { (self.0 / 1000) as u64 }
    }

    /// Milliseconds from `earlier` to this point, 0 if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        let elapsed = self.0.saturating_sub(earlier.0);
        if elapsed < 0 { 0 } else { elapsed as u64 }
    }

    /// The beginning of its day in UTC.
    pub const fn day_start(self) -> Self {
        Self(self.0.div_euclid(DAY_MS as i64) * DAY_MS as i64)
    }

    /// This point moved earlier by `ms`. Saturates.
    pub const fn minus_ms(self, ms: u64) -> Self {
        let ms = if ms > i64::MAX as u64 { i64::MAX } else { ms as i64 };
        Self(self.0.saturating_sub(ms))
    }

    /// This point moved later by `ms`. Saturates.
    pub const fn plus_ms(self, ms: u64) -> Self {
        let ms = if ms > i64::MAX as u64 { i64::MAX } else { ms as i64 };
        Self(self.0.saturating_add(ms))
    }
}

/// The pauses between two looks at something: while it is well, and while it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub calm: Duration,
    pub doubt: Duration,
}

impl Pace {
    pub const fn secs(calm: u64, doubt: u64) -> Self {
        Self { calm: Duration::from_secs(calm), doubt: Duration::from_secs(doubt) }
    }

    /// The same pause either way.
    pub const fn always(pause: Duration) -> Self {
        Self { calm: pause, doubt: pause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_survive_the_round_trip_and_extremes_saturate() {
        assert_eq!(UnixMs::from_secs(1_700_000_000).as_secs(), 1_700_000_000);
        assert!(UnixMs::from_secs(u64::MAX).0 > 0);
        assert_eq!(UnixMs(-5).as_secs(), 0);
        assert_eq!(UnixMs(10).since(UnixMs(20)), 0);
        assert_eq!(UnixMs(-1).day_start(), UnixMs(-86_400_000));
        assert_eq!(UnixMs(86_400_001).day_start(), UnixMs(86_400_000));
        assert_eq!(UnixMs(i64::MAX).plus_ms(1), UnixMs(i64::MAX));
    }
}
