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
    let (how, patience) = if stop.force { (Leaving::Now, LEAVE) } else { (leaving(stop.now), PATIENT) };
    match end(place, how, patience) {
        Ok(()) => report::done("The node has stopped.", stop.output),
        Err(Ending::Mute(holder)) if stop.force => kill(place, &holder, stop.output),
        Err(ending) => Err(ending.failure(place)),
    }
}

/// Ends the process that holds the data directory, whatever it does.
fn kill(place: &Place, holder: &LockHolder, output: Output) -> Result<(), Failure> {
    let (pid, program) = (holder.pid(), holder.program());
    // Found a while ago. What it is has not changed, but it may have let go, and then it is nobody's business any more.
    if LockHolder::find(&place.paths.lock).is_none_or(|now| now.pid() != pid) {
        return report::done("The node has stopped.", output);
    }
    holder.kill().map_err(|error| Failure::user(format!("Process {pid} ({program}) cannot be killed: {error}.")))?;
    if !holder.wait(LEAVE) {
        return Err(Failure::user(format!(
            "Process {pid} ({program}) was killed and has not ended: the system holds it, perhaps for a disk."
        )));
    }
    report::done(&format!("Process {pid} ({program}) was killed. The next start takes up what it did."), output)
}

/// Why a node could not be stopped in peace.
pub enum Ending {
    /// It said why, or there is none.
    Refused(Failure),
    /// This process holds the lock and does not answer.
    Mute(LockHolder),
}

impl Ending {
    pub fn failure(self, place: &Place) -> Failure {
        match self {
            Self::Refused(failure) => failure,
            Self::Mute(holder) => mute(place, &holder),
        }
    }
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// Stops the running node, which may take `patience`, and waits for its process to end if it lives in one of its own.
pub fn end(place: &Place, how: Leaving, patience: Duration) -> Result<(), Ending> {
    let holder = LockHolder::find(&place.paths.lock);
    // Asked how it is first, because stopping may take as long as a job and no answer would say nothing.
    let asked = hello(place).and_then(|(status, mut client)| Ok((status, client.call(NodeCommand::Stop { how }, patience)?)));
    match (asked, holder) {
        (Ok((_, NodeEvent::Failed { failure })), _) => Err(failure.into()),
        (Ok((status, NodeEvent::Done)), Some(holder)) if status.housing != Housing::Inside && !holder.wait(LEAVE) => {
            Err(Ending::Mute(holder))
        }
        (Ok((_, NodeEvent::Done)), _) => Ok(()),
        (Ok((_, event)), _) => Err(unexpected(&event).into()),
        (Err(ControlError::NotRunning | ControlError::Silent(_) | ControlError::Closed), Some(holder)) => Err(Ending::Mute(holder)),
        (Err(error), _) => Err(failure(error).into()),
    }
}

/// A connection to a node that has just said how it is.
pub fn hello(place: &Place) -> Result<(NodeStatus, ControlClient), ControlError> {
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
    .hint(format!("To end it whatever it does: `{}`.", place.command("stop --force")))
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
