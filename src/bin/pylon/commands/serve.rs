//! A node from its start to its end, for `run` and for the daemon, which differ only in who listens.

use std::sync::Arc;
use std::time::Duration;

use pylon_hud::config::{Config, Notice};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::logging::{self, LogOptions};
use pylon_hud::node::{
    Failure, Housing, Leaving, Market, Node, NodeCommand, NodeEvent, NodeHandle, NodeOptions, NodeState, Report, Request, RobotKind,
    sentence,
};
use pylon_hud::practice::Host;
use secrecy::SecretString;

use super::practice;
use crate::report;
use crate::talk::{self, Place};

const START: RequestId = RequestId(1);
const ONLINE: RequestId = RequestId(2);
const ROBOT: RequestId = RequestId(3);
/// How long the last words may take once the node has been told to stop for good.
const LEAVE: Duration = Duration::from_secs(5);

/// What is wanted of the node.
pub struct Wishes {
    pub online: bool,
    pub robots: Vec<RobotKind>,
    pub housing: Housing,
    /// What unlocks the identity, if it is encrypted.
    pub passphrase: Option<Arc<SecretString>>,
}

/// Who hears how it goes.
pub trait Audience {
    /// A practice market has opened at this address.
    fn opened(&mut self, relay: &str);
    /// The node is up, and online if that was wanted. An audience that is gone ends it.
    fn started(&mut self) -> Result<(), Failure>;
    /// Something happened.
    fn event(&mut self, report: &Report) -> Result<(), Failure>;
}

/// Runs until a signal, `pylon stop`, or a failed start.
pub fn serve(place: &Place, wishes: &Wishes, audience: &mut impl Audience) -> Result<(), Failure> {
    let config = config(place)?;
    let closing = place.paths.closing();
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    logging::init(&LogOptions::new(&config.log, &place.paths)).map_err(|error| Failure::user(sentence(&error)))?;
    if let Some(Notice { message, hint }) = closing {
        tracing::warn!("{message} {hint}");
        report::aside(&format!("warning: {message} {hint}"));
    }
    let (market, options) = open(place, wishes)?;
    if let Some(host) = &market {
        audience.opened(host.relay().url());
    }
    let node = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
    signals(&node)?;
    talk::send(&node, START, NodeCommand::Start)?;
    follow(&node, wishes, config.node.auto_online, audience)?;
    node.stop(Leaving::Now, LEAVE);
    drop(market);
    Ok(())
}

/// The config a start would use.
pub fn config(place: &Place) -> Result<Config, Failure> {
    let loaded = Config::load(&place.paths, &place.environment, &place.overrides);
    Ok(loaded.map_err(|error| Failure::usage(sentence(&error)).hint("See every key with `pylon config list`."))?.config)
}

/// The options of a node here; in practice also the market around it, which closes when it is dropped.
pub fn open(place: &Place, wishes: &Wishes) -> Result<(Option<Host>, NodeOptions), Failure> {
    let options = NodeOptions { housing: wishes.housing, passphrase: wishes.passphrase.clone(), ..place.options() };
    if place.market == Market::Practice {
        let (host, options) = Host::open(options).map_err(|error| practice::refused(&error))?;
        return Ok((Some(host), options));
    }
    if !wishes.robots.is_empty() {
        return Err(Failure::usage("There are robots in the practice market only.").hint("Add --practice."));
    }
    Ok((None, options))
}

/// Listens. Returns when the node has stopped again after having run.
fn follow(node: &NodeHandle, wishes: &Wishes, auto_online: bool, audience: &mut impl Audience) -> Result<(), Failure> {
    let mut started = false;
    while let Ok(told) = node.events.recv() {
        match (&told.id, &told.event) {
            (Some(START | ONLINE | ROBOT), NodeEvent::Failed { failure }) => return Err(failure.clone()),
            (Some(START), NodeEvent::Done) => {
                started = true;
                for robot in &wishes.robots {
                    talk::send(node, ROBOT, NodeCommand::StartRobot { robot: *robot })?;
                }
                if wishes.online || auto_online {
                    talk::send(node, ONLINE, NodeCommand::GoOnline)?;
                } else {
                    audience.started()?;
                }
            }
            (Some(ONLINE), NodeEvent::Done) => audience.started()?,
            (Some(_), NodeEvent::Done) => {}
            // One that says "starting" may come in late.
            (None, NodeEvent::Status { status }) if started && status.state == NodeState::Stopped => return audience.event(&told),
            _ => audience.event(&told)?,
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
        let _ = commands.send(Request { id, command: NodeCommand::Stop { how } });
    };
    pylon_hud::signals::on_interrupt(react).map_err(|error| Failure::internal(format!("Signals cannot be handled: {error}.")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use pylon_hud::config::{Environment, Paths};
    use pylon_hud::node::NodeStatus;

    use super::*;

    /// Writes down in which states the node was told to be.
    #[derive(Default)]
    struct Witness(Vec<NodeState>);

    impl Audience for Witness {
        fn opened(&mut self, _: &str) {}

        fn started(&mut self) -> Result<(), Failure> {
            Ok(())
        }

        fn event(&mut self, report: &Report) -> Result<(), Failure> {
            if let NodeEvent::Status { status } = &report.event {
                self.0.push(status.state);
            }
            Ok(())
        }
    }

    #[test]
    fn a_late_word_about_its_start_does_not_end_a_node() {
        let dir = tempfile::tempdir().unwrap();
        let mut node = Node::launch(NodeOptions::new(Paths::at(dir.path()), Environment::default())).unwrap();
        let (tell, told) = crossbeam_channel::unbounded();
        node.events = told;
        tell.send(Report { id: Some(START), event: NodeEvent::Done }).unwrap();
        let states = [NodeState::Starting, NodeState::Offline, NodeState::Stopped, NodeState::Starting];
        for state in states {
            let status = Box::new(NodeStatus { state, ..NodeStatus::default() });
            tell.send(Report { id: None, event: NodeEvent::Status { status } }).unwrap();
        }
        let wishes = Wishes { online: false, robots: Vec::new(), housing: Housing::Foreground, passphrase: None };
        let mut witness = Witness::default();
        follow(&node, &wishes, false, &mut witness).unwrap();
        assert_eq!(witness.0, states[..3], "it ends with the word that the node has stopped");
    }
}
