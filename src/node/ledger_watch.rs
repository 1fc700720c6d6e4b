//! A ledger that cannot be written: who says so, and how it is noticed that it can be again.
//!
//! Whoever meets the error rings the alarm. From then on nothing new is begun, as nothing could be written down; jobs under
//! way stay as the ledger has them. The disk is tried every few seconds with something real, and once it takes it, the
//! services are begun anew from the ledger, as after a crash: nothing that was only in memory is trusted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::event::{Scope, sentence};
use super::outlet::Outlet;
use super::status::Board;
use super::trouble::LedgerTrouble;
use crate::domain::time::UnixMs;
use crate::store::{Ailment, Store, StoreError};

const PASSING: &str = "Nothing new is begun meanwhile. The disk is tried every few seconds, and then everything goes on from the ledger.";
const LASTING: &str = "Run `pylon doctor`. The node takes no jobs until the ledger is mended and the node restarted.";
/// What only concerns one job.
const MISFIT: &str = "Run `pylon doctor`.";

/// A ledger that fails again within this time, in milliseconds, is left alone for longer each time.
const RELAPSE_MS: u64 = 600_000;
const LONGEST: Duration = Duration::from_secs(600);

/// Where a failing ledger is reported. Cheap to clone.
#[derive(Clone)]
pub struct LedgerAlarm {
    board: Board,
    outlet: Outlet,
    rung: Arc<Notify>,
    /// A node that goes down closes its ledger.
    leaving: CancellationToken,
}

impl LedgerAlarm {
    pub fn new(board: Board, outlet: Outlet, leaving: CancellationToken) -> Self {
        Self { board, outlet, rung: Arc::default(), leaving }
    }

    /// The ledger could not record `doing`.
    pub fn ring(&self, doing: &str, error: &StoreError) {
        let message = format!("The ledger could not record {doing}: {error}.");
        match error.ailment() {
            Ailment::None => self.outlet.fault(Scope::Ledger, message, MISFIT),
            Ailment::Passing => self.trouble(message, LedgerTrouble { why: sentence(error), hint: PASSING.to_owned() }, Hope::ItPasses),
            Ailment::Lasting => self.trouble(message, LedgerTrouble { why: sentence(error), hint: LASTING.to_owned() }, Hope::None),
        }
    }

    /// The wallet's records, which lie beside the ledger, could not be written. They take nothing more until they are
    /// opened anew.
    pub fn records_failed(&self, why: String) {
        self.trouble(why.clone(), LedgerTrouble { why, hint: PASSING.to_owned() }, Hope::ItPasses);
    }

    /// Told once; what fails after that fails for the same reason.
    fn trouble(&self, message: String, trouble: LedgerTrouble, hope: Hope) {
        if self.leaving.is_cancelled() {
            return tracing::debug!("{message}");
        }
        let (mut is_new, hint) = (false, trouble.hint.clone());
        self.board.update(|status| {
            is_new = status.trouble.ledger.is_none();
            status.trouble.ledger.get_or_insert(trouble);
        });
        if !is_new {
            return tracing::debug!("{message}");
        }
        self.outlet.fault(Scope::Ledger, message, hint);
        if hope == Hope::ItPasses {
            self.rung.notify_one();
        }
    }

    /// Once the alarm is rung: tries the disk until it takes something, and says so.
    pub async fn watch(self, store: Store, pause: Duration, healed: mpsc::Sender<()>) {
        self.rung.notified().await;
        loop {
            tokio::time::sleep(pause).await;
            match store.try_writing().await {
                // A ledger whose thread has ended is opened anew, or says why not.
                Ok(()) | Err(StoreError::Closed) => break,
                Err(error) => self.still(sentence(&error)),
            }
        }
        // The supervisor takes everything down now, this task as well.
        let _ = healed.send(()).await;
    }

    /// It may be for another reason by now.
    fn still(&self, why: String) {
        self.board.update(|status| {
            if let Some(trouble) = &mut status.trouble.ledger {
                trouble.why = why;
            }
        });
    }
}

/// Whether it may go by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hope {
    ItPasses,
    None,
}

/// How long a ledger that failed is left alone before it is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    shortest: Duration,
    pause: Duration,
    healed_at: Option<UnixMs>,
}

impl Patience {
    pub const fn new(shortest: Duration) -> Self {
        Self { shortest, pause: shortest, healed_at: None }
    }

    pub const fn pause(&self) -> Duration {
        self.pause
    }

    /// It works again. Soon after the last time is no good sign.
    pub fn healed(&mut self, now: UnixMs) {
        let is_relapse = self.healed_at.is_some_and(|at| now.since(at) < RELAPSE_MS);
        self.pause = if is_relapse { (self.pause * 2).min(LONGEST).max(self.shortest) } else { self.shortest };
        self.healed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::event::NodeEvent;
    use crate::node::status::NodeStatus;
    use crate::node::wake::NoWake;

    #[test]
    fn an_alarm_is_told_once_and_what_is_no_ailment_is_told_each_time() {
        let (events, inbox) = crossbeam_channel::unbounded();
        let board = Board::new(NodeStatus::default());
        let alarm = LedgerAlarm::new(board.clone(), Outlet::new(events, Arc::new(NoWake)), CancellationToken::new());
        let faults = || inbox.try_iter().filter(|report| matches!(report.event, NodeEvent::Fault { .. })).count();
        alarm.ring("a job", &StoreError::Unknown("abcd".into()));
        assert_eq!((faults(), board.now().trouble.ledger), (1, None));
        alarm.ring("a job", &StoreError::DiskFull);
        alarm.ring("a payment", &StoreError::ReadOnly);
        assert_eq!(faults(), 1);
        assert_eq!(board.now().trouble.ledger.map(|trouble| trouble.why), Some("The disk is full; free some space.".to_owned()));
    }

    #[test]
    fn a_node_that_goes_down_does_not_complain_that_its_ledger_is_closed() {
        let (events, inbox) = crossbeam_channel::unbounded();
        let (board, leaving) = (Board::new(NodeStatus::default()), CancellationToken::new());
        let alarm = LedgerAlarm::new(board.clone(), Outlet::new(events, Arc::new(NoWake)), leaving.clone());
        leaving.cancel();
        alarm.ring("a job", &StoreError::Closed);
        assert_eq!((inbox.len(), board.now().trouble.ledger), (0, None));
    }

    #[test]
    fn a_ledger_that_fails_again_and_again_is_left_alone_for_longer() {
        let mut patience = Patience::new(Duration::from_secs(5));
        let mut pauses = Vec::new();
        for at in [0, 10_000, 20_000, 2_000_000] {
            patience.healed(UnixMs(at));
            pauses.push(patience.pause().as_secs());
        }
        assert_eq!(pauses, [5, 10, 20, 5]);
        for at in 0..20 {
            patience.healed(UnixMs(3_000_000 + at));
        }
        assert_eq!(patience.pause(), LONGEST);
    }
}
