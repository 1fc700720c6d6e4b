//! Whom a command asks that needs a node: the one that runs, or one of its own for as long as the command takes.
//!
//! A node of its own takes the lock, unlocks the identity and connects relays and wallet as any other, and is asked over
//! the socket by others meanwhile. It takes no jobs, works on none, and leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use pylon_hud::config::Paths;
use pylon_hud::domain::ids::RequestId;
use pylon_hud::logging::{self, LogOptions};
use pylon_hud::node::control::{ControlClient, ControlError};
use pylon_hud::node::{Failure, Housing, Leaving, Market, Node, NodeCommand, NodeEvent, NodeHandle, NodeState, Request, sentence};
use pylon_hud::practice::Host;

use crate::args::Unlock;
use crate::commands::serve::{self, Wishes};
use crate::passphrase;
use crate::talk::{self, PATIENT, Place};

/// Somebody to ask.
pub enum Errand {
    /// The node that runs.
    Running(ControlClient),
    /// One of our own. It stops when this is dropped.
    Own(Box<Own>),
}

/// A node that is there for one command.
pub struct Own {
    // Before the market: it says goodbye to its relay.
    node: NodeHandle,
    _market: Option<Host>,
    asked: u64,
}

impl Errand {
    /// Finds the node that runs here, or starts one.
    pub fn begin(place: &Place, unlock: &Unlock) -> Result<Self, Failure> {
        match ControlClient::connect(&place.paths.control_sock) {
            Ok(client) => Ok(Self::Running(client)),
            Err(ControlError::NotRunning) => Ok(Self::Own(Box::new(Own::start(place, unlock)?))),
            Err(error) => Err(talk::failure(error)),
        }
    }

    /// Nobody listens any more once the command has ended.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
        match self {
            Self::Running(client) => talk::answer(client.call(command, limit).map_err(talk::failure)?),
            Self::Own(own) => own.ask(command, limit),
        }
    }
}

impl Own {
    fn start(place: &Place, unlock: &Unlock) -> Result<Self, Failure> {
        // Nothing is made in a directory where no node could start.
        if place.market == Market::Real && !has_identity(&place.paths) {
            return Err(Failure::user("There is no identity yet, so no node can be started.").hint("Make one with `pylon init`."));
        }
        let config = serve::config(place)?;
        let passphrase = passphrase::to_start(place, unlock)?.map(Arc::new);
        place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
        logging::init(&LogOptions::new(&config.log, &place.paths)).map_err(|error| Failure::user(sentence(&error)))?;
        let (market, options) = serve::open(place, &Wishes { online: false, robots: Vec::new(), housing: Housing::Errand, passphrase })?;
        let node = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
        interruptible(&node)?;
        let mut own = Self { node, _market: market, asked: 0 };
        own.ask(NodeCommand::Start, PATIENT)?;
        Ok(own)
    }

    fn ask(&mut self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
        self.asked += 1;
        let id = RequestId(self.asked);
        talk::send(&self.node, id, command)?;
        let end = std::time::Instant::now() + limit;
        loop {
            let report = self.node.events.recv_deadline(end);
            let report = report.map_err(|_| Failure::network(format!("No answer within {} s.", limit.as_secs())))?;
            match report.event {
                event if report.id == Some(id) => return talk::answer(event),
                NodeEvent::Status { status } if status.state == NodeState::Stopped => {
                    return Err(Failure::user("The node of this command was stopped before it was done.")
                        .hint("What it began is in the ledger and goes on when a node is started: `pylon start`."));
                }
                _ => {}
            }
        }
    }
}

fn has_identity(paths: &Paths) -> bool {
    paths.identity_mnemonic.exists() || paths.identity_age.exists()
}

/// The first signal stops the node in order, which ends the command; the second ends the process.
fn interruptible(node: &NodeHandle) -> Result<(), Failure> {
    let commands = node.commands.clone();
    let react = move |number| {
        if number > 1 {
            std::process::exit(1);
        }
        // A node that is gone has stopped.
        let _ = commands.send(Request { id: RequestId(u64::MAX), command: NodeCommand::Stop { how: Leaving::Now } });
    };
    pylon_hud::signals::on_interrupt(react).map_err(|error| Failure::internal(format!("Signals cannot be handled: {error}.")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use pylon_hud::config::Environment;
    use pylon_hud::node::{NodeOptions, NodeStatus, Report};

    use super::*;

    /// What a command makes of a node that says to be in this state before it answers.
    fn asked(state: NodeState) -> Result<NodeEvent, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let mut node = Node::launch(NodeOptions::new(Paths::at(dir.path()), Environment::default())).unwrap();
        let (tell, told) = crossbeam_channel::unbounded();
        node.events = told;
        let status = Box::new(NodeStatus { state, ..NodeStatus::default() });
        tell.send(Report { id: None, event: NodeEvent::Status { status } }).unwrap();
        tell.send(Report { id: Some(RequestId(1)), event: NodeEvent::Done }).unwrap();
        Own { node, _market: None, asked: 0 }.ask(NodeCommand::Relays, PATIENT)
    }

    #[test]
    fn a_late_word_about_its_start_does_not_end_the_command() {
        assert_eq!(asked(NodeState::Starting).unwrap(), NodeEvent::Done);
        assert!(asked(NodeState::Stopped).unwrap_err().message.contains("stopped before it was done"));
    }
}
