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

/// The first signal lets running jobs finish; the second does not.
fn signals(node: &NodeHandle) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::internal(format!("Signals cannot be handled: {error}."));
    let commands = node.commands.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let wait = move || {
        runtime.block_on(async {
            for (number, how) in [(u64::MAX - 2, Leaving::Finish), (u64::MAX - 1, Leaving::Now)] {
                if interrupted().await.is_err() {
                    return;
                }
                let request = pylon_hud::node::Request { id: RequestId(number), command: NodeCommand::Stop { how } };
                if commands.send(request).is_err() {
                    return;
                }
            }
            // A third one: whatever hangs, the user wants out. The ledger is safe at any point.
            if interrupted().await.is_ok() {
                std::process::exit(1);
            }
        });
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
    Ok(())
}

/// The next SIGINT or SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupt = tokio::signal::ctrl_c() => interrupt,
        _ = terminate.recv() => Ok(()),
    }
}
