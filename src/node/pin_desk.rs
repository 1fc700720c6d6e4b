//! The lock on spending, for whoever asks: window, command line, socket.

use std::time::Duration;

use super::command::NodeCommand;
use super::event::{Failure, NodeEvent, sentence};
use super::options::NodeOptions;
use super::outlet::Outlet;
use super::queries;
use super::secret::Secret;
use super::status::Board;
use super::tasks::Tasks;
use crate::domain::spend_lock::{Held, SpendLock, Spending};
use crate::domain::time::UnixMs;
use crate::store::{Reader, StoreError};
use crate::wallet::pin::{PinError, SpendingPin, Warrant};

/// The lock of an open ledger, and who is told about it.
#[derive(Clone)]
pub struct PinDesk {
    pub pin: SpendingPin,
    pub outlet: Outlet,
    /// `None`: the node is stopped.
    pub running: Option<Running>,
}

/// What there is beside the lock while the node runs.
#[derive(Clone)]
pub struct Running {
    pub board: Board,
    pub tasks: Tasks,
}

impl PinDesk {
    /// Answers a command about the lock. However it ends, everybody hears how the lock stands then.
    pub async fn answer(&self, command: NodeCommand) -> NodeEvent {
        let done = self.obey(command).await;
        let now = self.tell().await;
        match (done, now) {
            (Ok(Answer::Spending), Ok(spending)) => NodeEvent::Spending { spending },
            (Ok(Answer::Done), Ok(_)) => NodeEvent::Done,
            (Err(failure), _) => NodeEvent::Failed { failure },
            (Ok(_), Err(error)) => NodeEvent::Failed { failure: queries::failure(&error) },
        }
    }

    /// Tries a PIN for a command that needs one.
    pub async fn warrant(&self, pin: &Secret) -> Result<Warrant, Failure> {
        let shown = self.pin.check(pin.share()).await;
        // Whoever watches sees the tries go.
        let _ = self.tell().await;
        shown.map_err(|error| refused(&error))
    }

    async fn obey(&self, command: NodeCommand) -> Result<Answer, Failure> {
        let done = match command {
            NodeCommand::Spending => Ok(Answer::Spending),
            NodeCommand::SetPin { old, new: Some(new) } => {
                self.pin.set(old.map(|old| old.share()), new.share()).await.map(|_| Answer::Spending)
            }
            NodeCommand::SetPin { old: Some(old), new: None } => self.pin.remove(old.share()).await.map(|_| Answer::Spending),
            NodeCommand::SetPin { old: None, new: None } => {
                return Err(Failure::usage("Neither the PIN that is there was given nor a new one."));
            }
            NodeCommand::CheckPin { pin } => self.pin.check(pin.share()).await.map(|_| Answer::Done),
            NodeCommand::LockSpending => self.pin.lock().await.map(|_| Answer::Spending).map_err(PinError::from),
            NodeCommand::UnlockSpending { pin, secs } => {
                let for_ms = secs.map(|secs| u64::from(secs) * 1000);
                let unlocked = self.pin.unlock(pin.share(), for_ms).await;
                if let (Ok(Spending { open_until: Some(until), .. }), Some(for_ms)) = (&unlocked, for_ms) {
                    self.lock_after(Duration::from_millis(for_ms), *until);
                }
                unlocked.map(|_| Answer::Spending)
            }
            _ => return Err(Failure::internal("This is no command about the lock on spending.")),
        };
        done.map_err(|error| refused(&error))
    }

    /// Tells everybody how the lock stands.
    pub async fn tell(&self) -> Result<Spending, StoreError> {
        let spending = self.pin.look().await?;
        if let Some(Running { board, .. }) = &self.running {
            board.update(|status| status.spending = Some(spending));
        }
        self.outlet.tell(NodeEvent::Spending { spending });
        Ok(spending)
    }

    /// Locks it again when the time is over for which it was opened, and tells it. The lock looks at the clock as well, which
    /// could have been set meanwhile.
    fn lock_after(&self, time: Duration, until: UnixMs) {
        let Some(Running { tasks, .. }) = &self.running else { return };
        let (desk, token) = (self.clone(), tasks.token().clone());
        tasks.spawn("spending lock", async move {
            if token.run_until_cancelled(tokio::time::sleep(time)).await.is_some() {
                // A ledger that takes nothing reserves nothing either, and rings its own alarm.
                let _ = desk.pin.end_opening(until).await;
                let _ = desk.tell().await;
            }
        });
    }
}

/// What is answered when it was done.
enum Answer {
    Spending,
    Done,
}

/// How the lock of a stopped node's ledger stands. No ledger: there is neither PIN nor lock. What was open for a while when
/// the node ended, however it did, is not any more.
pub fn look(options: &NodeOptions) -> Result<Spending, Failure> {
    let lock = match Reader::open(&options.paths.ledger).and_then(|reader| reader.spend_lock()) {
        Ok(lock) => SpendLock { open_until: None, ..lock },
        Err(StoreError::NoLedger { .. }) => SpendLock::default(),
        Err(error) => return Err(queries::failure(&error)),
    };
    Ok(lock.told(options.clock.moment()))
}

/// Why the lock lets a payment not through, and what to do.
pub fn held(held: &Held) -> Failure {
    match held {
        Held::Locked => {
            Failure::user(sentence(held)).hint("Unlock it with the PIN: in the window, or with `pylon wallet pin unlock`. Earning goes on.")
        }
        Held::PinWanted { .. } => Failure::pin(sentence(held)).hint("The threshold is limits.pin_above_sats."),
    }
}

pub fn refused(error: &PinError) -> Failure {
    match error {
        PinError::Wrong { .. } => Failure::pin(sentence(error)),
        PinError::Wait { .. } | PinError::Unproven { .. } => {
            Failure::pin(sentence(error)).hint("Whoever has forgotten the PIN stops the node and runs `pylon wallet pin reset`.")
        }
        PinError::Taken => Failure::pin(sentence(error)),
        PinError::NoPin => Failure::user(sentence(error)).hint("Set one: in the window, or with `pylon wallet pin set`."),
        PinError::Identity(_) => Failure::user(sentence(error)),
        PinError::Unfit => Failure::usage(sentence(error)),
        PinError::Locked => Failure::user(sentence(error)).hint("`pylon wallet pin unlock` does it."),
        PinError::Ledger(error) => queries::failure(error),
        PinError::Work(_) => Failure::internal(sentence(error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use std::sync::Arc;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::spend_lock::SpendState;
    use crate::node::status::NodeStatus;
    use crate::node::wake::NoWake;
    use crate::store::{Store, StoreOptions};

    #[tokio::test(start_paused = true)]
    async fn what_is_open_for_a_while_is_locked_in_time_though_the_clock_stands_still() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("pylon.db"), StoreOptions::default()).unwrap();
        let pin = SpendingPin::new(store.clone(), Clock::new(|| UnixMs(1_700_000_000_000)));
        let outlet = Outlet::new(crossbeam_channel::unbounded().0, Arc::new(NoWake));
        let (board, tasks) = (Board::new(NodeStatus::default()), Tasks::new(outlet.clone()));
        let desk = PinDesk { pin, outlet, running: Some(Running { board: board.clone(), tasks }) };
        let (mut seen, secret) = (board.watch(), || Secret::new("271828".into()));
        desk.answer(NodeCommand::SetPin { old: None, new: Some(secret()) }).await;
        desk.answer(NodeCommand::LockSpending).await;
        let began = tokio::time::Instant::now();
        let opened = desk.answer(NodeCommand::UnlockSpending { pin: secret(), secs: Some(300) }).await;
        assert!(matches!(opened, NodeEvent::Spending { spending } if spending.state == SpendState::Open), "{opened:?}");
        let is_locked = |status: &NodeStatus| status.spending.is_some_and(|spending| spending.state == SpendState::Locked);
        seen.wait_for(is_locked).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 300);
        assert_eq!(store.spend_lock().await.unwrap().open_until, None, "nothing is paid any more");
    }
}
