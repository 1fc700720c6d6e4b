//! A seller and a buyer, and whoever drives them: asks the buyer for jobs, lets the seller give money back.

use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Member, Role, Trial, TrialError, figures};
use crate::domain::job::JobState;
use crate::domain::money::Sats;
use crate::node::{Ask, Leaving, NodeCommand, NodeEvent};
use crate::store::{JobRow, JobsQuery};

/// Between two looks at the ledgers.
const LOOK: Duration = Duration::from_millis(10);
/// How long a member gets to stop by itself.
const LEAVE: Duration = Duration::from_secs(10);

pub struct Pair {
    pub seller: Member,
    pub buyer: Member,
    quota: u64,
    /// Requests the buyer has open at a time.
    open: u64,
    processes: Mutex<[Child; 2]>,
    /// No more requests are made.
    is_closed: AtomicBool,
    is_over: Arc<AtomicBool>,
}

impl Pair {
    pub fn start(trial: &Trial, number: u32, relay: &str, is_over: &Arc<AtomicBool>) -> Result<Self, TrialError> {
        let (seller, buyer) = (trial.member(Role::Seller, number, relay), trial.member(Role::Buyer, number, relay));
        for member in [&seller, &buyer] {
            std::fs::create_dir_all(&member.dir).map_err(TrialError::Spawn)?;
            member.pubkey()?;
        }
        let start = |member: &Member| member.spawn(&trial.program).map_err(TrialError::Spawn);
        let processes = Mutex::new([start(&seller)?, start(&buyer)?]);
        Ok(Self {
            seller,
            buyer,
            quota: u64::from(trial.quota(number)),
            open: u64::from(trial.open),
            processes,
            is_closed: AtomicBool::new(false),
            is_over: Arc::clone(is_over),
        })
    }

    /// Buys until the quota is reached, and refunds until it is told that all is over.
    pub fn drive(self: &Arc<Self>) -> tokio::task::JoinHandle<()> {
        let pair = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let provider = pair.seller.pubkey().ok();
            while !pair.is_over.load(Ordering::Relaxed) {
                let (all, open) = pair.counts().unwrap_or_default();
                let is_closed = pair.is_closed.load(Ordering::Relaxed);
                let missing = if is_closed { 0 } else { pair.open.saturating_sub(open).min(pair.quota.saturating_sub(all)) };
                for number in 0..missing {
                    let prompt = format!("Question {} of this pair.", all + number);
                    let ask = Ask { prompt, provider, ..Ask::default() };
                    if pair.buyer.ask(NodeCommand::Submit { ask: Box::new(ask) }).is_none() {
                        // It was killed a moment ago. What it took before is in its ledger and counted there.
                        break;
                    }
                }
                pair.refund();
                std::thread::sleep(LOOK);
            }
        })
    }

    /// Makes no more requests.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// The buyer's requests: all of them, and those not at their end.
    pub fn counts(&self) -> Option<(u64, u64)> {
        self.buyer.ledger().ok()?.purchase_counts().ok()
    }

    /// What seller and buyer hold in memory, in KiB.
    pub fn memory(&self) -> [Option<u64>; 2] {
        let processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        std::array::from_fn(|index| processes.get(index).and_then(|process| figures::resident_kib(process.id())))
    }

    /// Gives the money of failed jobs back, one at a time, to an invoice of the buyer's.
    fn refund(&self) {
        let Some(job) = self.seller_jobs(JobState::RefundDue).into_iter().next() else { return };
        let description = format!("refund of {}", job.id.short());
        let sats = Sats(job.price.0 / 1_000);
        if let Some(NodeEvent::Invoice { invoice }) = self.buyer.ask(NodeCommand::Receive { sats, description }) {
            self.seller.ask(NodeCommand::Refund { job: job.id.to_string(), to: Some(invoice.bolt11) });
        }
    }

    fn seller_jobs(&self, state: JobState) -> Vec<JobRow> {
        let query = JobsQuery { state: Some(state), before: None, limit: 1_000 };
        self.seller.ledger().and_then(|ledger| ledger.jobs(&query)).map(|page| page.rows).unwrap_or_default()
    }

    /// Nothing is under way any more, on either side.
    pub fn is_settled(&self) -> bool {
        let busy = [JobState::Paid, JobState::Running, JobState::Answered, JobState::RefundDue];
        let is_idle = |member: &Member| {
            let money = member.ledger().and_then(|ledger| ledger.money());
            money.is_ok_and(|money| money.pending.0 == 0)
        };
        self.counts().is_some_and(|(_, open)| open == 0)
            && busy.into_iter().all(|state| self.seller_jobs(state).is_empty())
            && is_idle(&self.seller)
            && is_idle(&self.buyer)
    }

    /// Kills one of the two without warning, and starts it again.
    pub fn kill_one(&self, dice: &mut fastrand::Rng, program: &std::path::Path) -> Result<(), TrialError> {
        let (index, member) = if dice.bool() { (0, &self.seller) } else { (1, &self.buyer) };
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = processes.get_mut(index) {
            process.kill().and_then(|()| process.wait()).map_err(TrialError::Spawn)?;
            *process = member.spawn(program).map_err(TrialError::Spawn)?;
        }
        Ok(())
    }

    /// Stops both: by asking, and by force if that does not help.
    pub fn stop(&self) {
        for member in [&self.seller, &self.buyer] {
            member.ask(NodeCommand::Stop { how: Leaving::Now });
        }
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        for process in processes.iter_mut() {
            // The pipe's end is the last request to go.
            drop(process.stdin.take());
            let deadline = std::time::Instant::now() + LEAVE;
            while matches!(process.try_wait(), Ok(None)) && std::time::Instant::now() < deadline {
                std::thread::sleep(LOOK);
            }
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
