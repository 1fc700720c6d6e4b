//! How far this machine's clock is off, by the clocks of the relays it is connected to. Never by the dates of events, which
//! strangers choose.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::UnixMs;

/// Events that are dated further off than this are refused by relays and providers, in seconds.
pub const TOLERATED_SECS: u64 = 120;

/// A clock that is off by more than is tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSkew {
    /// By how many seconds the middle relay's clock is ahead of ours; negative: ours is ahead.
    pub behind_secs: i64,
    /// Relays that say so.
    pub relays: u32,
    /// Relays whose clock is known.
    pub of: u32,
}

impl ClockSkew {
    /// What the relays' clocks show when ours shows `now`.
    pub const fn right(self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add(self.behind_secs.saturating_mul(1_000)))
    }
}

/// Whether a clock that is so many seconds ahead of ours is too far off.
pub const fn is_off(ahead_secs: i64) -> bool {
    ahead_secs.unsigned_abs() > TOLERATED_SECS
}

/// What the relays' clocks say of ours, given by how many seconds each is ahead of it. More than half of them have to say
/// it: of an even number of clocks the milder one of the middle two counts.
pub fn skew(ahead_secs: impl IntoIterator<Item = i64>) -> Option<ClockSkew> {
    let mut clocks: Vec<i64> = ahead_secs.into_iter().collect();
    clocks.sort_unstable();
    let middle = [clocks.len().checked_sub(1)? / 2, clocks.len() / 2];
    let behind_secs = middle.iter().filter_map(|at| clocks.get(*at)).copied().min_by_key(|secs| secs.unsigned_abs())?;
    if !is_off(behind_secs) {
        return None;
    }
    let agree = clocks.iter().filter(|secs| is_off(**secs) && secs.signum() == behind_secs.signum()).count();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (agree * 2 > clocks.len()).then(|| ClockSkew { behind_secs, relays: count(agree), of: count(clocks.len()) })
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { behind_secs, relays, of } = self;
        let direction = if *behind_secs > 0 { "behind" } else { "ahead of" };
        write!(f, "This machine's clock is {} s {direction} ", behind_secs.unsigned_abs())?;
        match (relays, of) {
            (1, 1) => write!(f, "the relay that tells its time."),
            (relays, of) => write!(f, "{relays} of {of} relays."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_relays_have_to_say_it() {
        let off = |clocks: &[i64]| skew(clocks.iter().copied()).map(|skew| (skew.behind_secs, skew.relays, skew.of));
        assert_eq!(off(&[]), None);
        assert_eq!(off(&[120]), None);
        assert_eq!(off(&[121]), Some((121, 1, 1)));
        assert_eq!(off(&[0, 9_000]), None, "one of two may be the one that is wrong");
        assert_eq!(off(&[-9_000, 9_000]), None, "they do not agree");
        assert_eq!(off(&[300, 301]), Some((300, 2, 2)));
        assert_eq!(off(&[310, 0, 300]), Some((300, 2, 3)));
        assert_eq!(off(&[-400, -10, -300, 1]), None);
        assert_eq!(off(&[-400, -310, -300, 1]), Some((-300, 3, 4)));
    }

    #[test]
    fn the_right_time_is_the_relays() {
        let (behind, ahead) = (skew([300]).expect("off"), skew([-500]).expect("off"));
        assert_eq!((behind.right(UnixMs(1_000)), ahead.right(UnixMs(600_000))), (UnixMs(301_000), UnixMs(100_000)));
    }

    #[test]
    fn it_is_said_which_way_and_by_whom() {
        let said = |clocks: &[i64]| skew(clocks.iter().copied()).map(|skew| skew.to_string()).unwrap_or_default();
        assert_eq!(said(&[310, 0, 300]), "This machine's clock is 300 s behind 2 of 3 relays.");
        assert_eq!(said(&[-500]), "This machine's clock is 500 s ahead of the relay that tells its time.");
    }
}
