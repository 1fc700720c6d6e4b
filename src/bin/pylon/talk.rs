//! Finding somebody to ask: the running node over its socket, or a stopped one of our own.

use std::path::PathBuf;
use std::time::Duration;

use pylon_hud::config::{Environment, Override, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::node::control::{ControlClient, ControlError};
use pylon_hud::node::{Failure, Market, Node, NodeCommand, NodeEvent, NodeHandle, NodeOptions, Request, sentence};

use crate::args::Args;

/// How long a running node may take to answer an ordinary question.
pub const ANSWER: Duration = Duration::from_secs(10);
/// How long something that finishes work first may take.
pub const PATIENT: Duration = Duration::from_secs(3600);

/// Where this invocation works, and with what.
pub struct Place {
    pub paths: Paths,
    /// What --data-dir would have to be to come here again.
    pub root: PathBuf,
    pub environment: Environment,
    pub overrides: Vec<Override>,
    pub market: Market,
}

impl Place {
    /// From the command line and the environment.
    pub fn new(args: &Args) -> Result<Self, Failure> {
        let environment = Environment::capture();
        let paths = Paths::resolve(args.data_dir.as_deref(), &environment).map_err(|error| Failure::usage(error.to_string()))?;
        let overrides = args.overrides.iter().map(|text| text.parse::<Override>()).collect::<Result<_, _>>();
        let overrides = overrides.map_err(|error| Failure::usage(error.to_string()).hint("Write it as key=value."))?;
        let root = paths.data_dir.clone();
        let real = Self { paths, root, environment, overrides, market: Market::Real };
        Ok(if args.practice { real.practice() } else { real })
    }

    /// The practice market's own place inside this one.
    pub fn practice(&self) -> Self {
        let paths = if self.market == Market::Practice { self.paths.clone() } else { self.paths.for_practice() };
        let (root, environment) = (self.root.clone(), self.environment.clone());
        Self { paths, root, environment, overrides: self.overrides.clone(), market: Market::Practice }
    }

    /// Options of a node in this place.
    pub fn options(&self) -> NodeOptions {
        NodeOptions {
            overrides: self.overrides.clone(),
            market: self.market,
            ..NodeOptions::new(self.paths.clone(), self.environment.clone())
        }
    }

    /// A command line for this place, to be copied into a shell.
    pub fn command(&self, words: &str) -> String {
        let dir = self.root.to_string_lossy();
        let plain = dir.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
        let dir = if plain { dir.into_owned() } else { format!("'{}'", dir.replace('\'', r"'\''")) };
        let practice = if self.market == Market::Practice { " --practice" } else { "" };
        format!("pylon --data-dir {dir}{practice} {words}")
    }

    /// A connection to the node that runs here.
    pub fn connect(&self) -> Result<ControlClient, Failure> {
        ControlClient::connect(&self.paths.control_sock).map_err(failure)
    }

    /// Asks the running node and waits for its answer.
    pub fn ask_running(&self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
        answer(self.connect()?.call(command, limit).map_err(failure)?)
    }

    /// Asks the running node, or a stopped one of our own if none runs.
    pub fn ask(&self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
        match ControlClient::connect(&self.paths.control_sock) {
            Ok(mut client) => answer(client.call(command, limit).map_err(failure)?),
            Err(ControlError::NotRunning) => ask_stopped(self.options(), command, limit),
            Err(error) => Err(failure(error)),
        }
    }
}

/// Launches a node, leaves it stopped, and asks it.
fn ask_stopped(options: NodeOptions, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
    let node = Node::launch(options).map_err(|error| Failure::internal(error.to_string()))?;
    let id = RequestId(1);
    send(&node, id, command)?;
    wait(&node, id, limit)
}

/// Sends a command to a node of our own.
pub fn send(node: &NodeHandle, id: RequestId, command: NodeCommand) -> Result<(), Failure> {
    node.commands.try_send(Request { id, command }).map_err(|_| Failure::user("The node is busy; try again."))
}

/// The event that answers `id`.
pub fn wait(node: &NodeHandle, id: RequestId, limit: Duration) -> Result<NodeEvent, Failure> {
    let end = std::time::Instant::now() + limit;
    loop {
        let report = node.events.recv_deadline(end).map_err(|_| Failure::network(format!("No answer within {} s.", limit.as_secs())))?;
        if report.id == Some(id) {
            return answer(report.event);
        }
    }
}

/// An answer that is a failure, as one.
pub fn answer(event: NodeEvent) -> Result<NodeEvent, Failure> {
    match event {
        NodeEvent::Failed { failure } => Err(failure),
        event => Ok(event),
    }
}

/// A failure of the control socket.
pub fn failure(error: ControlError) -> Failure {
    match error {
        ControlError::NotRunning | ControlError::Closed => Failure::user(sentence(&error)),
        ControlError::Refused(words) => Failure::user(words),
        ControlError::Io(_) | ControlError::Silent(_) | ControlError::Garbled(_) => Failure::network(sentence(&error)),
    }
}

/// A node that answered with another event than the question calls for: both ends are the same program, so it is a bug.
pub fn unexpected(event: &NodeEvent) -> Failure {
    Failure::internal(format!("The node gave an unexpected answer: {event:?}."))
}
