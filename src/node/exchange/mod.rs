//! The telephone exchange between a window and its node, wherever that runs: in this process, or in one of its own that
//! is reached over the control socket. The window has the two channels of a [`NodeHandle`](super::NodeHandle) and
//! cannot tell the difference, except by [`NodeEvent::Link`](super::NodeEvent::Link).
//!
//! Decisions:
//! - A node that runs already is used and left running, in every mode: it is looked for before a start, and every other
//!   second while none is known. Only a node this exchange has started is stopped with it.
//! - While no node runs, a stopped one in this process answers what the ledger knows. It is let go of as soon as another
//!   one is reached: two that look at the same files would be one too many.
//! - A command never vanishes. What was asked of a node that goes is answered with a failure that does not claim that
//!   nothing was done; what a stopped node was asked is asked again of the one that has been found.
//! - A process that is quiet is asked how it is. One that is paused or hangs would look alive for ever otherwise.
//! - Its thread blocks on channels and runs no runtime: the node's own thread and a listener each have theirs.

mod birth;
mod finding;
mod line;
mod starting;
mod switchboard;
mod telling;
mod words;

use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::command::Request;
use super::event::Report;
use super::handle::{COMMANDS, LaunchError};
use super::options::NodeOptions;
use crate::config::Override;
use switchboard::Switchboard;

/// How long dropping an exchange waits for its thread: a node in this process gets 5 s to leave, one of its own as well.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a daemon is started with.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    /// What --data-dir is: in practice the real market's.
    pub root: PathBuf,
    pub settings: Vec<Override>,
    /// The `pylon` to execute; `None`: the one that is found.
    pub program: Option<PathBuf>,
}

/// How often things are looked at, and how long they may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From one look for a node to the next, while none is known.
    pub look: Duration,
    /// The first wait for a node that was lost. Each is twice as long as the one before, up to the longest.
    pub retry: Duration,
    pub longest: Duration,
    /// A node that says nothing for so long is asked how it is.
    pub quiet: Duration,
    /// How long that may go unanswered.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(2),
            retry: Duration::from_millis(250),
            longest: Duration::from_secs(5),
            quiet: Duration::from_secs(10),
            silence: Duration::from_secs(30),
        }
    }
}

/// Everything an exchange depends on.
#[derive(Clone)]
pub struct ExchangeOptions {
    /// The node in this process. Its config says which mode counts; its wake is called after each event.
    pub node: NodeOptions,
    pub daemon: DaemonOptions,
    pub pace: Pace,
}

/// An exchange at work. Dropping it stops the node in this process and the one it has started, and no other.
#[derive(Debug)]
pub struct Exchange {
    pub commands: Sender<Request>,
    pub events: Receiver<Report>,
    /// Closing this ends it.
    quit: Option<Sender<()>>,
    /// Closed by the thread's end.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Begins to look for a node. Starts none.
    pub fn open(options: ExchangeOptions) -> Result<Self, LaunchError> {
        let (commands, asked) = crossbeam_channel::bounded(COMMANDS);
        let (told, events) = crossbeam_channel::unbounded();
        let (quit, quitting) = crossbeam_channel::bounded::<()>(0);
        let (alive, ended) = crossbeam_channel::bounded::<()>(0);
        let body = move || {
            let _alive = alive;
            Switchboard::new(options, told).run(&asked, &quitting);
        };
        let thread = std::thread::Builder::new().name("pylon-exchange".into()).spawn(body).map_err(LaunchError::Thread)?;
        Ok(Self { commands, events, quit: Some(quit), ended, thread: Some(thread) })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.quit = None;
        // Nothing is ever sent: it is closed when the thread has ended.
        if let Err(crossbeam_channel::RecvTimeoutError::Timeout) = self.ended.recv_timeout(PATIENCE) {
            tracing::error!("The connection to the node was not ended within {} s.", PATIENCE.as_secs());
        } else if let Some(thread) = self.thread.take() {
            // A panic has been told to whoever hears panics.
            let _ = thread.join();
        }
    }
}
