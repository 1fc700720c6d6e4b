//! Starting a node, here or as a process of its own.

use std::process::Child;

use super::birth::{self, Birth};
use super::line::Line;
use super::switchboard::Switchboard;
use super::words;
use crate::config::{Config, Mode};
use crate::node::command::Request;
use crate::node::daemon;
use crate::node::doctor::CONFIG_HINT;
use crate::node::event::{Failure, NodeEvent, sentence};
use crate::node::holder::LockHolder;
use crate::node::services::blank_status;
use crate::node::status::{NodeState, NodeStatus};

impl Switchboard {
    /// Starts a node, since none runs.
    pub(super) fn begin(&mut self, request: Request) {
        let paths = &self.options.node.paths;
        let other = LockHolder::find(&paths.lock).filter(|holder| holder.pid() != std::process::id());
        match (other, self.mode()) {
            (Some(holder), _) => self.fail(request.id, daemon::held(&paths.data_dir, &holder)),
            (None, Err(failure)) => self.fail(request.id, failure),
            (None, Ok(Mode::Attached)) => self.fail(request.id, words::only_attaches()),
            (None, Ok(Mode::Daemon)) => self.begin_daemon(request),
            (None, Ok(Mode::InProcess)) => {
                if matches!(self.line, Line::Lost(_)) {
                    self.line = Line::Here;
                    self.tell_stopped();
                }
                self.tell_here();
                self.ask_own(request);
            }
        }
    }

    pub(super) fn begin_daemon(&mut self, request: Request) {
        let passphrase = self.passphrase.take().map(|passphrase| passphrase.share());
        let paths = self.options.node.paths.clone();
        let begun = birth::plan(&self.options).and_then(|plan| {
            Birth::begin(plan, passphrase, paths).map_err(|error| Failure::user(format!("No thread can be started: {error}.")))
        });
        match begun {
            Ok(birth) => {
                self.line = Line::Here;
                self.birth = Some(birth);
                self.held.push(request);
                self.tell_here();
                self.tell(self.starting());
            }
            Err(failure) => self.fail(request.id, failure),
        }
    }

    /// A daemon of ours is up, or will not be.
    pub(super) fn born(&mut self, born: Result<Child, Failure>) {
        self.birth = None;
        match born {
            Ok(daemon) => {
                if let Some(mut before) = self.ours.replace(daemon) {
                    // It has ended, or this one could not have come up.
                    let _ = before.try_wait();
                }
                if !self.dial() {
                    self.nobody();
                }
            }
            Err(failure) => {
                self.tell_stopped();
                for request in std::mem::take(&mut self.held) {
                    self.fail(request.id, failure.clone());
                }
            }
        }
    }

    /// Which mode counts for the next start.
    pub(super) fn mode(&self) -> Result<Mode, Failure> {
        let options = &self.options.node;
        let loaded = Config::load(&options.paths, &options.environment, &options.overrides);
        loaded.map(|loaded| loaded.config.node.mode).map_err(|error| Failure::usage(sentence(&error)).hint(CONFIG_HINT))
    }

    pub(super) fn starting(&self) -> NodeEvent {
        NodeEvent::Status { status: Box::new(NodeStatus { state: NodeState::Starting, ..blank_status(&self.options.node) }) }
    }
}
