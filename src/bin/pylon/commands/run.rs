//! `pylon run`: a node in the foreground.

use std::time::Duration;

use pylon_hud::config::Config;
use pylon_hud::domain::ids::RequestId;
use pylon_hud::logging::{self, LogOptions};
use pylon_hud::node::{Failure, Leaving, Market, Node, NodeCommand, NodeEvent, NodeHandle, NodeOptions};
use pylon_hud::practice::Host;

use super::practice;
use crate::args::Run;
use crate::report;
use pylon_hud::node::sentence;

use crate::talk::{self, Place};

const START: RequestId = RequestId(1);
const ONLINE: RequestId = RequestId(2);
const ROBOT: RequestId = RequestId(3);
/// How long the last words may take once the node has been told to stop for good.
const LEAVE: Duration = Duration::from_secs(5);

/// Runs until a signal, `pylon stop`, or a failed start.
pub fn run(place: &Place, run: &Run) -> Result<(), Failure> {
    let loaded = Config::load(&place.paths, &place.environment, &place.overrides)
        .map_err(|error| Failure::usage(sentence(&error)).hint("See every key with `pylon config list`."))?;
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    logging::init(&LogOptions::new(&loaded.config.log, &place.paths)).map_err(|error| Failure::user(sentence(&error)))?;
    let (market, options) = open(place, run)?;
    let node = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
    signals(&node)?;
    talk::send(&node, START, NodeCommand::Start)?;
    follow(&node, run, loaded.config.node.auto_online)?;
    node.stop(Leaving::Now, LEAVE);
    drop(market);
    Ok(())
}

/// The options of a node here; in practice also the market around it, which closes when it is dropped.
fn open(place: &Place, run: &Run) -> Result<(Option<Host>, NodeOptions), Failure> {
    if place.market == Market::Practice {
        let (host, options) = Host::open(place.options()).map_err(|error| practice::refused(&error))?;
        report::aside(&format!("PRACTICE: play money, on a relay of this machine's own at {}.", host.relay().url()));
        return Ok((Some(host), options));
    }
    if !run.robot.is_empty() {
        return Err(Failure::usage("There are robots in the practice market only.").hint("Add --practice."));
    }
    Ok((None, place.options()))
}

/// Prints what happens. Returns when the node has stopped again after having run.
fn follow(node: &NodeHandle, run: &Run, auto_online: bool) -> Result<(), Failure> {
    let output = run.output;
    let mut started = false;
    while let Ok(told) = node.events.recv() {
        match (&told.id, &told.event) {
            (Some(START), NodeEvent::Failed { failure }) => return Err(failure.clone()),
            (Some(START), NodeEvent::Done) => {
                started = true;
                if run.online || auto_online {
                    talk::send(node, ONLINE, NodeCommand::GoOnline)?;
                }
                for robot in &run.robot {
                    talk::send(node, ROBOT, NodeCommand::StartRobot { robot: robot.kind() })?;
                }
            }
            (Some(ONLINE | ROBOT), NodeEvent::Failed { failure }) => return Err(failure.clone()),
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
