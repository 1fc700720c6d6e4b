//! What goes wrong on purpose.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// How a practice wallet misbehaves; by default not at all. Shares are from 0 (never) to 1 (always). The n-th roll of
/// each kind since the wallet was opened falls the same for the same seed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Behaviour {
    pub seed: u64,
    /// As payee: how long a payment is on its way in before it is settled.
    pub delay: Duration,
    /// As payee: share of tries that are refused for no reason.
    pub refuse: f64,
    /// As payer and payee: share of messages that are sent twice, and of events that are told twice.
    pub duplicate: f64,
    /// As payee: share of answers that are not sent, so that the payer has to ask again. At 1 every payment stays pending.
    pub lose_reply: f64,
    /// As payer: expired invoices are sent; as payee: they are settled, late.
    pub late_settlement: bool,
}

/// What is rolled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roll {
    Refuse,
    DuplicateMessage,
    DuplicateEvent,
    LoseReply,
}

/// A behaviour in force.
#[derive(Debug, Default)]
pub struct Chaos(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    rolls: [u64; 4],
}

impl Chaos {
    pub fn new(behaviour: Behaviour) -> Self {
        Self(Mutex::new(State { behaviour, rolls: [0; 4] }))
    }

    /// Another behaviour from now on. Rolls begin again.
    pub fn set(&self, behaviour: Behaviour) {
        *self.lock() = State { behaviour, rolls: [0; 4] };
    }

    pub fn delay(&self) -> Duration {
        self.lock().behaviour.delay
    }

    pub fn takes_late(&self) -> bool {
        self.lock().behaviour.late_settlement
    }

    /// Whether it happens this time.
    pub fn falls(&self, roll: Roll) -> bool {
        let mut state = self.lock();
        let share = match roll {
            Roll::Refuse => state.behaviour.refuse,
            Roll::DuplicateMessage | Roll::DuplicateEvent => state.behaviour.duplicate,
            Roll::LoseReply => state.behaviour.lose_reply,
        };
        let seed = state.behaviour.seed;
        let Some(count) = state.rolls.get_mut(roll as usize) else { return false };
        *count += 1;
        dice(seed, roll as u8, *count) < share
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number from 0 up to, and without, 1.
fn dice(seed: u64, roll: u8, count: u64) -> f64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update([roll]).chain_update(count.to_le_bytes()).finalize();
    // 32 bits are fine enough, and exact in a float.
    let bits = digest.iter().take(4).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_and_the_share_holds() {
        let rolls = |seed| {
            let chaos = Chaos::new(Behaviour { seed, lose_reply: 0.3, refuse: 1.0, ..Behaviour::default() });
            assert!(chaos.falls(Roll::Refuse) && !chaos.falls(Roll::DuplicateEvent));
            (0..1000).map(|_| chaos.falls(Roll::LoseReply)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(1), rolls(1));
        assert_ne!(rolls(1), rolls(2));
        let fallen = rolls(1).into_iter().filter(|fell| *fell).count();
        assert!((250..350).contains(&fallen), "{fallen} of 1000");
    }
}
