//! `pylon run`: a node in the foreground.

use std::time::Duration;

use pylon_hud::config::Config;
use pylon_hud::domain::ids::RequestId;
use pylon_hud::logging::{self, LogOptions};
use pylon_hud::node::{Failure, Leaving, Node, NodeCommand, NodeEvent, NodeHandle};

use crate::args::{Output, Run};
use crate::report;
use pylon_hud::node::sentence;

use crate::talk::{self, Place};

const START: RequestId = RequestId(1);
const ONLINE: RequestId = RequestId(2);
/// How long the last words may take once the node has been told to stop for good.
const LEAVE: Duration = Duration::from_secs(5);

/// Runs until a signal, `pylon stop`, or a failed start.
pub fn run(place: &Place, run: &Run) -> Result<(), Failure> {
    let loaded = Config::load(&place.paths, &place.environment, &place.overrides)
        .map_err(|error| Failure::usage(sentence(&error)).hint("See every key with `pylon config list`."))?;
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    logging::init(&LogOptions::new(&loaded.config.log, &place.paths)).map_err(|error| Failure::user(sentence(&error)))?;
    let node = Node::launch(place.options()).map_err(|error| Failure::internal(sentence(&error)))?;
    signals(&node)?;
    talk::send(&node, START, NodeCommand::Start)?;
    follow(&node, run.online || loaded.config.node.auto_online, run.output)?;
    node.stop(Leaving::Now, LEAVE);
    Ok(())
}

/// Prints what happens. Returns when the node has stopped again after having run.
fn follow(node: &NodeHandle, online: bool, output: Output) -> Result<(), Failure> {
    let mut started = false;
    while let Ok(told) = node.events.recv() {
        match (&told.id, &told.event) {
            (Some(START), NodeEvent::Failed { failure }) => return Err(failure.clone()),
            (Some(START), NodeEvent::Done) => {
                started = true;
                if online {
                    talk::send(node, ONLINE, NodeCommand::GoOnline)?;
                }
            }
            (Some(ONLINE), NodeEvent::Failed { failure }) => return Err(failure.clone()),
            (Some(_), NodeEvent::Done) => {}
            (None, NodeEvent::Status { status }) if started && !status.running => {
                report::event(&told, output)?;
                return Ok(());
            }
            _ => report::event(&told, output)?,
        }
    }
    Ok(())
}

/// The first signal lets running jobs finish; the second does not. After a third one, whatever hangs, the user wants
/// out: the ledger is safe at any point.
fn signals(node: &NodeHandle) -> Result<(), Failure> {
    let commands = node.commands.clone();
    let react = move |number| {
        let how = match number {
            1 => Leaving::Finish,
            2 => Leaving::Now,
            _ => std::process::exit(1),
        };
        let id = RequestId(u64::MAX - 3 + u64::from(number));
        // A node that is gone has stopped.
        let _ = commands.send(pylon_hud::node::Request { id, command: NodeCommand::Stop { how } });
    };
    pylon_hud::signals::on_interrupt(react).map_err(|error| Failure::internal(format!("Signals cannot be handled: {error}.")))
}
