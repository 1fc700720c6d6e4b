//! Whether money may go out at all, and what its PIN is asked for: the lock as a pure rule.
//!
//! The lock is shut and opened; earning goes on either way. What is shut is opened by the PIN alone. Where there is no PIN
//! yet, one is set first: a lock that anybody could open would be none.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::money::{MilliSats, Sats};
use super::time::UnixMs;

/// Wrong PINs in a row that cost no wait.
const FREE_MISSES: u32 = 3;
/// How long nobody may try after each wrong PIN from then on, in milliseconds; the last holds for all that follow. Ten
/// thousand PINs take more than a year.
const WAITS_MS: [u64; 6] = [30_000, 60_000, 120_000, 300_000, 900_000, 3_600_000];
/// Digits a PIN may have.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

/// The lock as the ledger keeps it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpendLock {
    pub has_pin: bool,
    pub is_shut: bool,
    /// Shut, and yet open until then.
    pub open_until: Option<UnixMs>,
    /// Wrong PINs since the last right one. A try counts as one until it is found right.
    pub misses: u32,
    /// When the last try began.
    pub tried_at: Option<UnixMs>,
    /// How long the machine had been up then, in milliseconds.
    pub tried_up: u64,
}

/// A point in time by the clock that can be set, and by the one that cannot: a wait is over when both say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: UnixMs,
    /// Milliseconds since the machine was started.
    pub up: u64,
}

/// What stands behind a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Nobody has shown the PIN: enough for this much.
    UpTo(Sats),
    /// The PIN was shown for this one payment.
    Pin,
}

/// Why the lock lets a payment not through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It is shut.
    Locked,
    /// It is more than may go out without the PIN.
    PinWanted { above: Sats },
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("spending is locked, so nothing is paid"),
            Self::PinWanted { above } => write!(f, "a payment above {} sats needs the spending PIN", above.0),
        }
    }
}

/// How the lock stands, in a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpendState {
    /// There is no PIN, and money goes out within the limits.
    #[default]
    NoPin,
    /// Money goes out within the limits; above `limits.pin_above_sats` with the PIN.
    Open,
    /// Nothing goes out.
    Locked,
}

/// How the lock stands, as it is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    pub state: SpendState,
    pub has_pin: bool,
    /// Open for a while: until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<UnixMs>,
    /// PINs that can be tried now before somebody has to wait.
    pub tries_left: u32,
    /// Before this nobody may try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<UnixMs>,
}

impl SpendLock {
    /// Whether anything may go out now.
    pub fn is_open(&self, now: UnixMs) -> bool {
        !self.is_shut || self.open_until.is_some_and(|until| now < until)
    }

    /// Whether a payment of so much may go out now. Fees do not count here: nobody knows them beforehand.
    pub fn check(&self, amount: MilliSats, permit: Permit, now: UnixMs) -> Result<(), Held> {
        if !self.is_open(now) {
            return Err(Held::Locked);
        }
        match permit {
            Permit::UpTo(above) if self.has_pin && amount.ceil_sats() > above => Err(Held::PinWanted { above }),
            Permit::UpTo(_) | Permit::Pin => Ok(()),
        }
    }

    /// How long nobody may try a PIN, in milliseconds. A clock that was set back makes nobody wait for longer, and one that
    /// was set forward lets nobody try sooner.
    pub fn wait_ms(&self, now: impl Into<Moment>) -> u64 {
        let (now, Some(tried_at)) = (now.into(), self.tried_at) else { return 0 };
        // A machine that was started since then is up for no longer than that is ago.
        let up = now.up.checked_sub(self.tried_up).unwrap_or(now.up);
        wait_after(self.misses).saturating_sub(now.wall.since(tried_at).min(up))
    }

    /// Somebody begins to try a PIN: counted as a miss before it is looked at, so that no crash gives a try for free.
    pub fn begin_try(&mut self, now: impl Into<Moment>) -> Result<(), u64> {
        let now = now.into();
        if self.tried_up > now.up {
            self.tried_up = 0;
        }
        // Tried in what is now the future: the clock was set back, and the wait begins anew, by both clocks.
        if let Some(tried_at) = self.tried_at.as_mut().filter(|tried_at| **tried_at > now.wall) {
            (*tried_at, self.tried_up) = (now.wall, now.up);
        }
        match self.wait_ms(now) {
            0 => {
                self.misses = self.misses.saturating_add(1);
                (self.tried_at, self.tried_up) = (Some(now.wall), now.up);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// The PIN was right.
    pub fn forget_misses(&mut self) {
        (self.misses, self.tried_at, self.tried_up) = (0, None, 0);
    }

    /// As it is told.
    pub fn told(&self, now: impl Into<Moment>) -> Spending {
        let moment = now.into();
        let now = moment.wall;
        let state = match (self.is_open(now), self.has_pin) {
            (false, _) => SpendState::Locked,
            (true, true) => SpendState::Open,
            (true, false) => SpendState::NoPin,
        };
        let wait = self.wait_ms(moment);
        let tries_left = if wait > 0 { 0 } else { FREE_MISSES.saturating_sub(self.misses).max(1) };
        Spending {
            state,
            has_pin: self.has_pin,
            open_until: self.open_until.filter(|until| self.is_shut && now < *until),
            tries_left,
            wait_until: (wait > 0).then(|| now.plus_ms(wait)),
        }
    }
}

/// How long nobody may try after so many misses, in milliseconds.
fn wait_after(misses: u32) -> u64 {
    let Some(beyond) = misses.checked_sub(FREE_MISSES) else { return 0 };
    let at = usize::try_from(beyond).unwrap_or(usize::MAX);
    WAITS_MS.get(at).or(WAITS_MS.last()).copied().unwrap_or_default()
}

/// Whether a text can be a PIN at all.
pub fn is_pin(text: &str) -> bool {
    PIN_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A machine that is up since 1970, with a clock that nobody sets.
#[cfg(test)]
impl From<UnixMs> for Moment {
    fn from(wall: UnixMs) -> Self {
        Self { wall, up: wall.since(UnixMs(0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMs = UnixMs(1_700_000_000_000);
    const ABOVE: Permit = Permit::UpTo(Sats(10));

    #[test]
    fn shut_means_nothing_goes_out_and_open_for_a_while_means_until_then() {
        let shut = SpendLock { has_pin: true, is_shut: true, ..SpendLock::default() };
        assert_eq!(shut.check(MilliSats(1), Permit::Pin, NOW), Err(Held::Locked));
        let ajar = SpendLock { open_until: Some(NOW.plus_ms(10)), ..shut };
        assert_eq!(ajar.check(MilliSats(1), ABOVE, NOW.plus_ms(9)), Ok(()));
        assert_eq!(ajar.check(MilliSats(1), ABOVE, NOW.plus_ms(10)), Err(Held::Locked));
        assert_eq!((ajar.told(NOW).state, ajar.told(NOW.plus_ms(10)).state), (SpendState::Open, SpendState::Locked));
        assert_eq!(ajar.told(NOW.plus_ms(10)).open_until, None);
    }

    #[test]
    fn the_pin_is_wanted_above_its_threshold_once_there_is_one() {
        let open = SpendLock { has_pin: true, ..SpendLock::default() };
        assert_eq!(open.check(MilliSats(10_000), ABOVE, NOW), Ok(()));
        assert_eq!(open.check(MilliSats(10_001), ABOVE, NOW), Err(Held::PinWanted { above: Sats(10) }));
        assert_eq!(open.check(MilliSats(10_001), Permit::Pin, NOW), Ok(()));
        assert_eq!(SpendLock::default().check(MilliSats(u64::MAX), ABOVE, NOW), Ok(()), "no PIN: the limits alone decide");
    }

    #[test]
    fn three_misses_are_free_and_then_each_costs_more() {
        let (mut lock, mut now, mut waits) = (SpendLock { has_pin: true, ..SpendLock::default() }, NOW, Vec::new());
        for _ in 0..10 {
            assert_eq!(lock.begin_try(now), Ok(()));
            waits.push(lock.wait_ms(now) / 1000);
            if lock.wait_ms(now) > 0 {
                assert_eq!(lock.begin_try(now), Err(lock.wait_ms(now)), "not yet");
                assert_eq!(lock.told(now).tries_left, 0);
            }
            now = now.plus_ms(lock.wait_ms(now));
            assert_eq!(lock.told(now).wait_until, None);
        }
        assert_eq!(waits, [0, 0, 30, 60, 120, 300, 900, 3600, 3600, 3600]);
        lock.forget_misses();
        assert_eq!((lock.told(now).tries_left, lock.wait_ms(now)), (3, 0));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_ever() {
        let mut lock = SpendLock { has_pin: true, misses: 5, tried_at: Some(NOW), ..SpendLock::default() };
        let earlier = NOW.minus_ms(86_400_000);
        assert_eq!(lock.begin_try(earlier), Err(120_000));
        assert_eq!(lock.begin_try(earlier.plus_ms(120_000)), Ok(()));
    }

    #[test]
    fn a_machine_that_begins_in_1970_waits_once_and_not_for_ever() {
        let mut lock = SpendLock { has_pin: true, misses: 5, tried_at: Some(NOW), tried_up: 9_000_000, ..SpendLock::default() };
        let mut now = Moment { wall: UnixMs(0), up: 5_000 };
        assert_eq!(lock.begin_try(now), Err(120_000));
        // The clock is set by the network.
        now = Moment { wall: NOW.plus_ms(60_000), up: 65_000 };
        assert_eq!((lock.begin_try(now), lock.told(now).wait_until), (Err(60_000), Some(NOW.plus_ms(120_000))));
        now = Moment { wall: NOW.plus_ms(120_000), up: 125_000 };
        assert_eq!(lock.begin_try(now), Ok(()));
    }

    #[test]
    fn a_pin_is_four_to_twelve_digits() {
        for (text, is_one) in
            [("1234", true), ("123456789012", true), ("123", false), ("1234567890123", false), ("12a4", false), ("١٢٣٤", false)]
        {
            assert_eq!(is_pin(text), is_one, "{text}");
        }
    }

    proptest! {
        /// However somebody waits and tries, a wrong PIN is never looked at sooner than the waits allow.
        #[test]
        fn nobody_tries_more_often_than_the_waits_allow(steps in prop::collection::vec(0..4_000_000u64, 1..200)) {
            let (mut lock, mut now, mut tries) = (SpendLock { has_pin: true, ..SpendLock::default() }, NOW, 0);
            for step in steps {
                now = now.plus_ms(step);
                tries += u64::from(lock.begin_try(now).is_ok());
            }
            let passed = now.since(NOW);
            // Eight tries take 410 s at least, and an hour each after that.
            prop_assert!(tries <= 8 || passed >= (tries - 8) * 3_600_000, "{tries} tries in {passed} ms");
        }

        /// However the clock is set, and however often the machine is started anew: the same.
        #[test]
        fn a_clock_that_is_set_and_a_machine_that_is_started_give_no_try_for_free(
            happens in prop::collection::vec((0..3u8, 0..4_000_000u64), 1..200)
        ) {
            let mut lock = SpendLock { has_pin: true, ..SpendLock::default() };
            let (mut now, mut passed, mut tries) = (Moment { wall: NOW, up: 1_000 }, 0, 0);
            for (what, ms) in happens {
                match what {
                    0 => {
                        now = Moment { wall: now.wall.plus_ms(ms), up: now.up + ms };
                        passed += ms;
                    }
                    // Between 1970 and the future.
                    1 => now.wall = UnixMs((ms % 3) as i64 * NOW.0),
                    _ => now.up = 0,
                }
                tries += u64::from(lock.begin_try(now).is_ok());
            }
            prop_assert!(tries <= 8 || passed >= (tries - 8) * 3_600_000, "{tries} tries in {passed} ms");
        }
    }
}
