//! A trial of the whole market: pairs of sellers and buyers, each a process of its own, paying each other over a relay,
//! through a storm if that is wanted. At the end everything is counted from what is on the disks and on the relay, by
//! somebody who took no part.

pub mod figures;
mod member;
mod pair;
mod storm;
mod tally;
mod witness;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use member::{Member, MemberError, Role};
pub use tally::Tally;

use self::figures::Memory;
use self::pair::Pair;
use self::storm::Storm;
use self::witness::Witness;
use super::{PracticeError, PracticeRelay};
use crate::domain::money::MilliSats;
use crate::relay::RelayError;
use crate::store::StoreError;

/// Between two kills.
const KILL_EVERY: Duration = Duration::from_millis(700);
/// How long the last jobs and refunds may take once the storm is over.
const SETTLE: Duration = Duration::from_secs(240);
/// Msats a buyer has for each job it is to buy, so that money never runs out.
const FUNDS_PER_JOB: u64 = 10_000;
/// Between two looks at the ledgers.
const LOOK: Duration = Duration::from_millis(200);

/// A trial to be run.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Requests in all.
    pub jobs: u32,
    pub pairs: u32,
    /// Whether relay and wallets misbehave and nodes are killed.
    pub chaos: bool,
    /// Requests a buyer has open at a time.
    pub open: u32,
    pub seed: u64,
    /// Where the members live. Has to be empty, or what is there counts as well.
    pub dir: PathBuf,
    /// The program that is started for each member.
    pub program: PathBuf,
    /// The longest the requests may take to be made and to end.
    pub limit: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Practice(#[from] PracticeError),
    #[error("a member cannot be started: {0}")]
    Spawn(#[source] std::io::Error),
    #[error("the relay cannot be watched: {0}")]
    Relay(#[from] RelayError),
    #[error("a member's ledger cannot be read: {0}")]
    Ledger(#[from] StoreError),
    #[error(transparent)]
    Member(#[from] MemberError),
    #[error("a member's wallet cannot be read: {0}")]
    Wallet(#[from] crate::wallet::WalletError),
    #[error("the trial stopped: {0}")]
    Stopped(String),
}

impl Trial {
    /// Runs it. `progress` hears how many requests were made and how many have ended.
    pub async fn run(&self, mut progress: impl FnMut(u64, u64)) -> Result<Tally, TrialError> {
        crate::net::init();
        let begun = Instant::now();
        let relay = PracticeRelay::start().await?;
        let storm = Storm::start(relay.url(), self.seed).await?;
        let witness = Witness::start(relay.url()).await?;
        // Without chaos the storm is calm from the start, and still in between: both runs go the same way.
        if !self.chaos {
            storm.calm();
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let mut pairs = Vec::new();
        for number in 0..self.pairs {
            pairs.push(Arc::new(Pair::start(self, number, storm.url(), &is_over)?));
        }
        let drivers: Vec<_> = pairs.iter().map(|pair| pair.drive()).collect();
        let mut kills = 0;
        let mut dice = fastrand::Rng::with_seed(self.seed);
        let mut last_kill = Instant::now();
        let mut early = Vec::new();
        while begun.elapsed() < self.limit {
            let (made, ended) = counts(&pairs);
            progress(made, ended);
            // A storm in which nobody fell proves nothing, however few the jobs.
            if made >= u64::from(self.jobs) && (!self.chaos || kills > 0) {
                break;
            }
            if early.is_empty() && ended >= u64::from(self.jobs) / 100 {
                early = pairs.iter().map(|pair| pair.memory()).collect();
            }
            if self.chaos && last_kill.elapsed() >= KILL_EVERY {
                if let Some(pair) = dice.choice(&pairs) {
                    pair.kill_one(&mut dice, &self.program)?;
                    kills += 1;
                }
                last_kill = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
        storm.calm();
        // Whatever was not asked in time is not asked any more: what is counted has to be at rest.
        for pair in &pairs {
            pair.close();
        }
        let settling = Instant::now();
        while settling.elapsed() < SETTLE && !pairs.iter().all(|pair| pair.is_settled()) {
            let (made, ended) = counts(&pairs);
            progress(made, ended);
            tokio::time::sleep(LOOK).await;
        }
        is_over.store(true, Ordering::Relaxed);
        for driver in drivers {
            driver.await.map_err(|error| TrialError::Stopped(error.to_string()))?;
        }
        let took = begun.elapsed();
        let late: Vec<_> = pairs.iter().map(|pair| pair.memory()).collect();
        for pair in &pairs {
            pair.stop();
        }
        let mut tally = tally::count(&pairs, &witness).await?;
        tally.took = took;
        if !self.chaos {
            tally.figures.seller_kib = grown(&early, &late, 0);
            tally.figures.buyer_kib = grown(&early, &late, 1);
        }
        tally.kills = kills;
        tally.damage = storm.damage();
        Ok(tally)
    }

    /// Requests of the pair with this number: what does not divide goes to the first ones.
    fn quota(&self, number: u32) -> u32 {
        self.jobs / self.pairs + u32::from(number < self.jobs % self.pairs)
    }

    fn member(&self, role: Role, number: u32, relay: &str) -> Member {
        let (name, funds) = match role {
            Role::Seller => ("seller", MilliSats(u64::from(self.quota(number)) * FUNDS_PER_JOB / 10)),
            Role::Buyer => ("buyer", MilliSats(u64::from(self.quota(number)) * FUNDS_PER_JOB)),
        };
        let seed = self.seed.wrapping_add(u64::from(number) * 2 + u64::from(role == Role::Buyer));
        Member { role, dir: self.dir.join(format!("{name}-{number}")), relay: relay.to_owned(), seed, funds, chaos: self.chaos }
    }
}

/// Requests made and requests ended, by the buyers' ledgers.
fn counts(pairs: &[Arc<Pair>]) -> (u64, u64) {
    let counts = pairs.iter().filter_map(|pair| pair.counts());
    counts.fold((0, 0), |sum, (all, open)| (sum.0 + all, sum.1 + all - open))
}

/// How the memory of the sellers (0) or buyers (1) grew: of the one that grew most.
fn grown(early: &[[Option<u64>; 2]], late: &[[Option<u64>; 2]], role: usize) -> Option<Memory> {
    let of = |both: &[Option<u64>; 2]| both.get(role).copied().flatten();
    let each = early.iter().zip(late).filter_map(|(early, late)| Some(Memory { early: of(early)?, late: of(late)? }));
    each.reduce(Memory::worse)
}
