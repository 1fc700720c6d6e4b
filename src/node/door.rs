//! What a node keeps while its services are begun anew: the lock on its directory, and the socket at which it is asked.

use std::time::Duration;

use tokio::sync::mpsc;

use super::control::{self, Asked};
use super::event::{Failure, sentence};
use super::lock::{Holder, LockError, NodeLock};
use super::outlet::Outlet;
use super::tasks::Tasks;
use crate::config::Paths;
use crate::domain::time::UnixMs;

/// How long the socket's task gets to end.
const LEAVE: Duration = Duration::from_secs(1);

/// A directory that is ours.
pub struct Door {
    /// Nobody listens at the socket yet when this is `None`.
    listening: Option<Tasks>,
    /// Let go of last.
    _lock: NodeLock,
}

impl Door {
    /// Takes the directory, or says who has it.
    pub fn take(paths: &Paths, now: UnixMs) -> Result<Self, Failure> {
        let holder = Holder { pid: std::process::id(), version: env!("CARGO_PKG_VERSION").into(), started_at: now };
        let lock = NodeLock::take(&paths.lock, &holder).map_err(|error| lock_failure(&error))?;
        Ok(Self { listening: None, _lock: lock })
    }

    /// Listens at the socket. `connections` belong to somebody who outlives this.
    pub fn open(&mut self, paths: &Paths, asked: mpsc::Sender<Asked>, outlet: &Outlet, connections: &Tasks) -> Result<(), Failure> {
        if self.listening.is_some() {
            return Ok(());
        }
        let tasks = Tasks::new(outlet.clone());
        control::serve(&paths.control_sock, asked, outlet.clone(), &tasks, connections).map_err(|error| {
            let socket = paths.control_sock.display();
            Failure::user(format!("The control socket {socket} cannot be made: {error}."))
        })?;
        self.listening = Some(tasks);
        Ok(())
    }

    /// From now on nobody can ask any more. The directory stays ours until this is dropped.
    pub async fn shut(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.end(LEAVE).await;
        }
    }
}

fn lock_failure(error: &LockError) -> Failure {
    let failure = Failure::user(sentence(error));
    match error {
        LockError::Held { .. } => failure,
        LockError::Io { .. } => failure.hint("The data directory must be yours and writable."),
    }
}
