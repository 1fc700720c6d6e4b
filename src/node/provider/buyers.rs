//! How many requests each buyer has sent in the last hour.

use std::collections::{HashMap, VecDeque};

use crate::domain::ids::Pubkey;
use crate::domain::time::UnixMs;

const HOUR_MS: u64 = 3_600_000;
/// Buyers remembered at most. Fresh keys cost nothing, so a flood of them must not cost memory; the oldest are dropped,
/// and the queue's own bound holds the rest of the line.
const MAX_BUYERS: usize = 10_000;

/// Times of requests taken, by buyer. In memory: after a restart everybody starts anew.
#[derive(Debug, Default)]
pub struct Buyers {
    taken: HashMap<Pubkey, VecDeque<UnixMs>>,
}

impl Buyers {
    /// Requests of `buyer` taken in the hour before `now`.
    pub fn last_hour(&self, buyer: &Pubkey, now: UnixMs) -> u32 {
        let recent = self.taken.get(buyer).map_or(0, |times| times.iter().filter(|at| now.since(**at) < HOUR_MS).count());
        u32::try_from(recent).unwrap_or(u32::MAX)
    }

    /// Notes a request taken now.
    pub fn note(&mut self, buyer: Pubkey, now: UnixMs) {
        if self.taken.len() >= MAX_BUYERS && !self.taken.contains_key(&buyer) {
            self.forget_before(now);
            if self.taken.len() >= MAX_BUYERS {
                self.forget_oldest();
            }
        }
        self.taken.entry(buyer).or_default().push_back(now);
    }

    /// Drops what is more than an hour old.
    pub fn forget_before(&mut self, now: UnixMs) {
        self.taken.retain(|_, times| {
            times.retain(|at| now.since(*at) < HOUR_MS);
            !times.is_empty()
        });
    }

    fn forget_oldest(&mut self) {
        let oldest = self.taken.iter().min_by_key(|(_, times)| times.back().copied()).map(|(buyer, _)| *buyer);
        if let Some(buyer) = oldest {
            self.taken.remove(&buyer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_later_a_buyer_may_ask_again() {
        let mut buyers = Buyers::default();
        let (buyer, now) = (Pubkey([1; 32]), UnixMs(10_000_000));
        buyers.note(buyer, now);
        buyers.note(buyer, now.plus_ms(1000));
        assert_eq!(buyers.last_hour(&buyer, now.plus_ms(2000)), 2);
        assert_eq!(buyers.last_hour(&buyer, now.plus_ms(HOUR_MS)), 1);
        assert_eq!(buyers.last_hour(&Pubkey([2; 32]), now), 0);
        buyers.forget_before(now.plus_ms(2 * HOUR_MS));
        assert!(buyers.taken.is_empty());
    }

    #[test]
    fn a_flood_of_fresh_keys_is_bounded() {
        let mut buyers = Buyers::default();
        for number in 0..(MAX_BUYERS + 50) as u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            buyers.note(Pubkey(key), UnixMs(number as i64));
        }
        assert_eq!(buyers.taken.len(), MAX_BUYERS);
    }
}
