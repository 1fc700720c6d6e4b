//! Finding a node outside, and losing it.

use std::time::Instant;

use super::line::{Call, Line, Loss, There, WATCH};
use super::switchboard::Switchboard;
use super::words;
use crate::node::command::NodeCommand;
use crate::node::control::{ControlError, Heard};
use crate::node::event::{Failure, NodeEvent};
use crate::node::holder::LockHolder;
use crate::node::link::{Fate, Link, Whose};
use crate::node::status::{NodeState, NodeStatus};

impl Switchboard {
    /// Calls whoever listens on the socket. False: nobody does.
    pub(super) fn dial(&mut self) -> bool {
        match Call::begin(&self.options.node.paths.control_sock) {
            Ok(call) => self.call = Some(call),
            Err(ControlError::NotRunning) => {}
            Err(error) => tracing::warn!("The node's control socket cannot be used: {error}."),
        }
        self.call.is_some()
    }

    pub(super) fn plan_next_call(&mut self) {
        let pace = &self.options.pace;
        let wait = match self.line {
            Line::Lost(_) => pace.retry.saturating_mul(1 << self.tries.min(16)).min(pace.longest),
            Line::Here | Line::There(_) => pace.look,
        };
        self.tries += 1;
        self.next_call = Instant::now() + wait;
    }

    /// What was called says something.
    pub(super) fn answered(&mut self, heard: Heard) {
        match heard {
            Heard::Report(report) if report.id == Some(WATCH) => match (report.event, self.call.take()) {
                // Not ourselves, coming up or going down.
                (NodeEvent::Status { status }, Some(call)) if status.running && status.pid != Some(std::process::id()) => {
                    self.attach(call, *status);
                }
                (NodeEvent::Failed { failure }, _) => self.refused(&failure),
                _ => self.nobody(),
            },
            // From before the answer, which knows it.
            Heard::Report(_) | Heard::Unreadable => {}
            Heard::Gone(_) => self.nobody(),
        }
    }

    /// A node runs outside: from now on it is the one.
    pub(super) fn attach(&mut self, call: Call, status: NodeStatus) {
        let pid = status.pid.unwrap_or_default();
        let whose = if self.ours.as_ref().is_some_and(|ours| ours.id() == pid) { Whose::Ours } else { Whose::Found };
        tracing::info!("Attached to the node in process {pid}.");
        self.own = None;
        self.own_state = NodeState::Stopped;
        self.line = Line::There(Box::new(There::new(call.wire, pid, status.clone(), self.options.node.clock.now())));
        self.tell_link(Link::Outside { pid, whose });
        let is_foreign = status.version != env!("CARGO_PKG_VERSION");
        self.tell(NodeEvent::Status { status: Box::new(status) });
        if is_foreign {
            self.foreign();
        }
        let again = self.waiting.drain(..).chain(self.held.drain(..)).collect::<Vec<_>>();
        again.into_iter().for_each(|request| self.asked(request));
    }

    /// Somebody is there who does not speak our language.
    pub(super) fn refused(&mut self, failure: &Failure) {
        for request in std::mem::take(&mut self.held) {
            self.fail(request.id, failure.clone());
        }
        self.nobody();
    }

    /// Nobody answers on the socket. What was held is done as the mode says.
    pub(super) fn nobody(&mut self) {
        self.call = None;
        self.plan_next_call();
        match self.line {
            Line::Here if self.link.is_none() => self.tell_here(),
            Line::Here | Line::There(_) => {}
            Line::Lost(loss) => self.mourn(loss),
        }
        for request in std::mem::take(&mut self.held) {
            if request.command.is_start() && self.birth.is_none() { self.begin(request) } else { self.asked(request) }
        }
    }

    /// The node outside has said that it stands still: whatever becomes of its process, this is the end of its work.
    pub(super) fn there_stopped(&mut self) {
        self.line = Line::Here;
        self.bury();
        for request in std::mem::take(&mut self.waiting) {
            match request.command {
                NodeCommand::Stop { .. } | NodeCommand::GoOffline { .. } => self.answer(request.id, NodeEvent::Done),
                _ => self.fail(request.id, words::stopped()),
            }
        }
        self.tries = 0;
        self.plan_next_call();
        self.tell_here();
    }

    /// The node outside does not answer any more.
    pub(super) fn lose(&mut self, error: &ControlError) {
        let Line::There(there) = &self.line else { return };
        let loss = Loss { pid: there.pid, since: there.heard_at, mode: self.mode().unwrap_or_default() };
        tracing::warn!("The link to the node in process {} is lost: {error}.", loss.pid);
        self.bury();
        self.line = Line::Lost(loss);
        self.tries = 0;
        self.plan_next_call();
        self.mourn(loss);
        for request in std::mem::take(&mut self.waiting) {
            self.fail(request.id, words::unanswered());
        }
    }

    /// Tells what has become of it.
    pub(super) fn mourn(&mut self, Loss { pid, since, mode }: Loss) {
        let lives = LockHolder::find(&self.options.node.paths.lock).is_some_and(|holder| holder.pid() == pid);
        let fate = if lives { Fate::Silent } else { Fate::Gone };
        self.tell_link(Link::Lost { pid, since, fate, mode });
    }

    /// Lets the system forget a daemon of ours that has ended.
    pub(super) fn bury(&mut self) {
        self.ours.take_if(|daemon| matches!(daemon.try_wait(), Ok(Some(_))));
    }
}
