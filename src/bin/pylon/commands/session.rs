//! The running node: how it is, online, offline, watching it, stopping it.

use pylon_hud::node::{Failure, Leaving, NodeCommand, NodeEvent};

use crate::args::{Offline, Output, Stop};
use crate::report;
use crate::talk::{ANSWER, PATIENT, Place, failure, unexpected};

/// `pylon status`: also answers for a node that is stopped.
pub fn status(place: &Place, output: Output) -> Result<(), Failure> {
    match place.ask(NodeCommand::Status, ANSWER)? {
        NodeEvent::Status { status } => report::status(&status, output),
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

/// `pylon stop`: returns when the node has let go of the data directory.
pub fn stop(place: &Place, stop: &Stop) -> Result<(), Failure> {
    place.ask_running(NodeCommand::Stop { how: leaving(stop.now) }, PATIENT)?;
    report::done("The node has stopped.", stop.output)
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
