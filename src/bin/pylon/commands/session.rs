//! The running node: how it is, online, offline, watching it, stopping it.

use std::time::Duration;

use pylon_hud::node::control::{ControlClient, ControlError};
use pylon_hud::node::{Failure, Housing, Leaving, LockHolder, NodeCommand, NodeEvent, NodeStatus};

use crate::args::{Offline, Output, Stop};
use crate::report;
use crate::talk::{ANSWER, PATIENT, Place, failure, unexpected};

/// How long a node that is well takes to say so, on a machine that is busy.
const ALIVE: Duration = Duration::from_secs(5);
/// How long a process may go on once its node has stopped or it has been killed.
const LEAVE: Duration = Duration::from_secs(15);

/// `pylon status`: also answers for a node that is stopped.
pub fn status(place: &Place, output: Output) -> Result<(), Failure> {
    match place.ask(NodeCommand::Status, ANSWER)? {
        NodeEvent::Status { status } => match LockHolder::find(&place.paths.lock).filter(|_| !status.running) {
            // No socket, and yet somebody is there: "stopped" would be wrong.
            Some(holder) => Err(mute(place, &holder)),
            None => report::status(&status, output),
        },
        event => Err(unexpected(&event)),
    }
}

/// `pylon online`.
pub fn online(place: &Place, output: Output) -> Result<(), Failure> {
    place.ask_running(NodeCommand::GoOnline, ANSWER)?;
    status(place, output)
}

/// `pylon offline`: returns when the last job has left.
pub fn offline(place: &Place, offline: &Offline) -> Result<(), Failure> {
    place.ask_running(NodeCommand::GoOffline { how: leaving(offline.now) }, PATIENT)?;
    status(place, offline.output)
}

/// `pylon stop`: returns when the process is gone, or, inside a window, when the node has let go of the data directory.
pub fn stop(place: &Place, stop: &Stop) -> Result<(), Failure> {
    match end(place, leaving(stop.now)) {
        Ok(()) => report::done("The node has stopped.", stop.output),
        Err(Ending::Refused(failure)) => Err(failure),
        Err(Ending::Mute(holder)) => Err(mute(place, &holder)),
    }
}

/// Why a node could not be stopped in peace.
pub enum Ending {
    /// It said why, or there is none.
    Refused(Failure),
    /// This process holds the lock and does not answer.
    Mute(LockHolder),
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// Stops the running node and waits for its process to end, if it lives in one of its own.
pub fn end(place: &Place, how: Leaving) -> Result<(), Ending> {
    let holder = LockHolder::find(&place.paths.lock);
    let quiet = |error: ControlError, holder| match (error, holder) {
        (ControlError::NotRunning | ControlError::Silent(_) | ControlError::Closed, Some(holder)) => Ending::Mute(holder),
        (error, _) => Ending::Refused(failure(error)),
    };
    // Asked how it is first, because stopping may take as long as a job and no answer would say nothing.
    let mut client = match hello(place) {
        Ok(client) => client,
        Err(error) => return Err(quiet(error, holder)),
    };
    match client.1.call(NodeCommand::Stop { how }, PATIENT).map_err(failure)? {
        NodeEvent::Failed { failure } => return Err(failure.into()),
        NodeEvent::Done => {}
        event => return Err(unexpected(&event).into()),
    }
    match holder {
        Some(holder) if client.0.housing != Housing::Inside && !holder.wait(LEAVE) => Err(Ending::Mute(holder)),
        _ => Ok(()),
    }
}

/// A connection to a node that has just said how it is.
fn hello(place: &Place) -> Result<(NodeStatus, ControlClient), ControlError> {
    let mut client = ControlClient::connect(&place.paths.control_sock)?;
    match client.call(NodeCommand::Status, ALIVE)? {
        NodeEvent::Status { status } => Ok((*status, client)),
        _ => Err(ControlError::Closed),
    }
}

/// Somebody holds the data directory and does not answer.
fn mute(place: &Place, holder: &LockHolder) -> Failure {
    let (pid, program, dir) = (holder.pid(), holder.program(), place.paths.data_dir.display());
    Failure::network(format!(
        "Process {pid} ({program}) holds {dir} and does not answer: it is starting or stopping, it has been paused, or it hangs."
    ))
    .hint("Try again in a moment.")
}

/// `pylon watch`: until interrupted or the node ends.
pub fn watch(place: &Place, output: Output) -> Result<(), Failure> {
    let mut client = place.connect()?;
    client.ask(NodeCommand::Watch).map_err(failure)?;
    loop {
        let event = client.next(None).map_err(failure)?;
        report::event(&event, output)?;
    }
}

fn leaving(now: bool) -> Leaving {
    if now { Leaving::Now } else { Leaving::Finish }
}
