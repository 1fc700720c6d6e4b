//! Keeps a helper running: starts it, asks it, and starts another when it dies.
//!
//! Every call has an answer, and one only. What a helper that died was asked and may be asked again is asked of the next
//! one; the rest is told that its end is not known.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keeping::{Asked, Task};
use super::launch::Launcher;
use super::protocol::{Answer, Call, Fault, News, OpenFault, Opened, Opening};

/// Calls that may wait to be sent.
const BACKLOG: usize = 256;

/// How the helper is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelperState {
    /// It is being started for the first time.
    Starting,
    /// The wallet is open.
    Running {
        pid: u32,
        opened: Opened,
    },
    /// It died, and is being started again.
    Restarting {
        why: String,
    },
    /// It runs and does not open the wallet. It is tried again, seldom.
    Refused {
        fault: OpenFault,
    },
    Closed,
}

/// Why a call has no answer of the wallet's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Nothing was done.
    #[error("the wallet's helper is not there: {0}")]
    Away(String),
    /// The helper was asked, and died.
    #[error("the wallet's helper ended in the middle of it")]
    Lost,
    #[error("the wallet has not answered within {} s", .0.as_secs())]
    Late(Duration),
    #[error("the wallet is closed")]
    Closed,
}

/// What the keeper tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A helper has opened the wallet: the first one, or another.
    Opened,
    /// The helper is gone, or does not open the wallet.
    Away,
    News(News),
}

/// Pauses between two helpers.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

/// The way to the helper. Its copies lead to the same one.
#[derive(Clone)]
pub struct Keeper {
    asked: mpsc::Sender<Asked>,
    state: watch::Receiver<HelperState>,
    restarts: watch::Receiver<u64>,
    token: CancellationToken,
}

impl Keeper {
    /// Starts the first helper, and keeps one running until the token is cancelled.
    pub fn start(
        launcher: Launcher,
        opening: Arc<Opening>,
        backoff: Backoff,
        told: mpsc::UnboundedSender<Told>,
        token: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (asked, inbox) = mpsc::channel(BACKLOG);
        let (state, seen) = watch::channel(HelperState::Starting);
        let (restarts, counted) = watch::channel(0);
        let task = Task::new(launcher, opening, backoff, told, inbox, state, restarts, token.clone());
        (Self { asked, state: seen, restarts: counted, token }, tokio::spawn(task.run()))
    }

    /// Asks, and waits no longer than this.
    pub async fn ask(&self, call: Call, limit: Duration) -> Result<Answer, AskError> {
        let (reply, answer) = oneshot::channel();
        let may_be_repeated = call.may_be_repeated();
        let asked = Asked { call, reply, until: Instant::now() + limit, deaths: 0 };
        let asking = async {
            self.asked.send(asked).await.map_err(|_| AskError::Closed)?;
            answer.await.unwrap_or(Err(AskError::Closed))
        };
        tokio::select! {
            answered = tokio::time::timeout(limit, asking) => answered.unwrap_or_else(|_| Err(if may_be_repeated { self.late(limit) } else { AskError::Late(limit) })),
            () = self.token.cancelled() => Err(AskError::Closed),
        }
    }

    /// Nobody was there in time, or somebody was and has not answered.
    fn late(&self, limit: Duration) -> AskError {
        match &*self.state.borrow() {
            HelperState::Starting => AskError::Away("it is starting".to_owned()),
            HelperState::Restarting { why } => AskError::Away(format!("it is restarting ({why})")),
            HelperState::Refused { fault } => AskError::Away(fault.to_string()),
            HelperState::Running { .. } => AskError::Late(limit),
            HelperState::Closed => AskError::Closed,
        }
    }

    /// How the helper is now.
    pub fn state(&self) -> HelperState {
        self.state.borrow().clone()
    }

    /// Follows it.
    pub fn watch(&self) -> watch::Receiver<HelperState> {
        self.state.clone()
    }

    /// How often a helper was started again.
    pub fn restarts(&self) -> u64 {
        *self.restarts.borrow()
    }
}
