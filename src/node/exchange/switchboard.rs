//! The exchange's thread: one turn after the other.

use std::process::Child;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, TrySendError, at, never, select};

use super::birth::{self, Birth};
use super::line::{Call, HAND_OVER, Line, PING, WATCH};
use super::{ExchangeOptions, words};
use crate::node::command::{NodeCommand, Request};
use crate::node::control::{ControlError, Heard};
use crate::node::event::{Failure, NodeEvent, Report, sentence};
use crate::node::handle::{Node, NodeHandle};
use crate::node::link::Link;
use crate::node::secret::Secret;
use crate::node::status::{NodeState, NodeStatus};

pub struct Switchboard {
    pub(super) options: ExchangeOptions,
    pub(super) told: Sender<Report>,
    pub(super) line: Line,
    /// The node in this process, once it has been asked something.
    pub(super) own: Option<NodeHandle>,
    pub(super) own_state: NodeState,
    /// Somebody listens on the socket and has not answered yet.
    pub(super) call: Option<Call>,
    pub(super) next_call: Instant,
    pub(super) tries: u32,
    /// Asked of whoever is on the line, and not answered to the end.
    pub(super) waiting: Vec<Request>,
    /// To be asked when it is known of whom.
    pub(super) held: Vec<Request>,
    /// A daemon of ours that is coming up.
    pub(super) birth: Option<Birth>,
    /// A daemon of ours.
    pub(super) ours: Option<Child>,
    /// For the next start.
    pub(super) passphrase: Option<Secret>,
    /// What the window has been told.
    pub(super) link: Option<Link>,
    pub(super) told_status: NodeStatus,
}

/// What happens next.
enum Turn {
    Asked(Request),
    Own(Box<Report>),
    There(Heard),
    Called(Heard),
    Born(Result<Child, Failure>),
    Time,
    /// Nobody is left to ask, or the node in this process has ended by itself.
    End,
}

impl Switchboard {
    pub fn new(options: ExchangeOptions, told: Sender<Report>) -> Self {
        Self {
            options,
            told,
            line: Line::Here,
            own: None,
            own_state: NodeState::Stopped,
            call: None,
            next_call: Instant::now(),
            tries: 0,
            waiting: Vec::new(),
            held: Vec::new(),
            birth: None,
            ours: None,
            passphrase: None,
            link: None,
            told_status: NodeStatus::default(),
        }
    }

    /// Connects whoever asks with whoever answers, until nobody asks any more.
    pub fn run(mut self, asked: &Receiver<Request>, quitting: &Receiver<()>) {
        if !self.dial() {
            self.nobody();
        }
        loop {
            match self.next(asked, quitting) {
                Turn::Asked(request) => self.asked(request),
                Turn::Own(report) => self.own_said(*report),
                Turn::There(heard) => self.there_said(heard),
                Turn::Called(heard) => self.answered(heard),
                Turn::Born(born) => self.born(born),
                Turn::Time => self.time(),
                Turn::End => break,
            }
        }
        self.leave();
    }

    fn next(&self, asked: &Receiver<Request>, quitting: &Receiver<()>) -> Turn {
        let own = self.own.as_ref().map_or_else(never, |own| own.events.clone());
        let called = self.call.as_ref().map_or_else(never, |call| call.wire.heard.clone());
        let there = if let Line::There(there) = &self.line { there.wire.heard.clone() } else { never() };
        let born = self.birth.as_ref().map_or_else(never, |birth| birth.born.clone());
        let time = self.deadline().map_or_else(never, at);
        let gone = || Heard::Gone(ControlError::Closed);
        select! {
            recv(asked) -> request => request.map_or(Turn::End, Turn::Asked),
            recv(quitting) -> _ => Turn::End,
            recv(own) -> report => report.map_or(Turn::End, |report| Turn::Own(Box::new(report))),
            recv(there) -> heard => Turn::There(heard.unwrap_or_else(|_| gone())),
            recv(called) -> heard => Turn::Called(heard.unwrap_or_else(|_| gone())),
            recv(born) -> born => Turn::Born(born.unwrap_or_else(|_| Err(Failure::internal("The start of the node was given up.")))),
            recv(time) -> _ => Turn::Time,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (&self.call, &self.line) {
            (Some(call), _) => Some(call.until),
            (None, Line::There(there)) => Some(there.deadline(&self.options.pace)),
            (None, Line::Here) if self.birth.is_some() || self.own_is_up() => None,
            (None, Line::Here | Line::Lost(_)) => Some(self.next_call),
        }
    }

    /// Whether the node in this process runs, or is on its way.
    fn own_is_up(&self) -> bool {
        let starts = || matches!(self.line, Line::Here) && self.waiting.iter().any(|request| request.command.is_start());
        self.own.is_some() && (self.own_state != NodeState::Stopped || starts())
    }

    /// The window wants something.
    pub(super) fn asked(&mut self, request: Request) {
        if let NodeCommand::Unlock { passphrase } = request.command {
            self.passphrase = Some(passphrase);
            return self.answer(request.id, NodeEvent::Done);
        }
        let is_start = request.command.is_start();
        match self.line {
            _ if is_start && self.birth.is_some() => self.held.push(request),
            Line::There(_) => self.ask_there(request),
            Line::Here if self.birth.is_some() && request.command == NodeCommand::Status => self.answer(request.id, self.starting()),
            Line::Here if self.call.is_some() && self.own.is_none() => self.held.push(request),
            Line::Here if !is_start || self.own_is_up() => self.ask_own(request),
            Line::Lost(_) if !is_start => self.fail(request.id, words::lost()),
            Line::Here | Line::Lost(_) => {
                self.held.push(request);
                // Somebody may have started one a moment ago.
                if self.call.is_none() && !self.dial() {
                    self.nobody();
                }
            }
        }
    }

    fn ask_there(&mut self, request: Request) {
        let Line::There(there) = &self.line else { return };
        match there.wire.ask(request.id, request.command.clone()) {
            Ok(()) => self.waiting.push(request),
            Err(error) => {
                self.lose(&error);
                self.fail(request.id, words::lost());
            }
        }
    }

    pub(super) fn ask_own(&mut self, request: Request) {
        if self.own.is_none() {
            let wake = std::sync::Arc::new(crate::node::wake::NoWake);
            match Node::launch(crate::node::NodeOptions { wake, ..self.options.node.clone() }) {
                Ok(own) => self.own = Some(own),
                Err(error) => return self.fail(request.id, Failure::internal(sentence(&error))),
            }
        }
        let Some(own) = &self.own else { return };
        if let Some(passphrase) = self.passphrase.take_if(|_| request.command.is_start()) {
            // The node is stopped, so there is room; and if not, the start says that it needs one.
            let _ = own.commands.try_send(Request { id: HAND_OVER, command: NodeCommand::Unlock { passphrase } });
        }
        match own.commands.try_send(request.clone()) {
            Ok(()) => self.waiting.push(request),
            Err(TrySendError::Full(request)) => self.fail(request.id, words::busy()),
            // Its end is told in the turn after this one.
            Err(TrySendError::Disconnected(_)) => {}
        }
    }

    fn own_said(&mut self, report: Report) {
        if report.id == Some(HAND_OVER) {
            return;
        }
        if let NodeEvent::Status { status } = &report.event {
            self.own_state = status.state;
        }
        self.pass(report);
    }

    fn there_said(&mut self, heard: Heard) {
        let now = self.options.node.clock.now();
        let Line::There(there) = &mut self.line else { return };
        there.lives(now);
        match heard {
            Heard::Gone(error) => self.lose(&error),
            Heard::Unreadable if !std::mem::replace(&mut there.is_foreign, true) => self.foreign(),
            Heard::Unreadable => {}
            Heard::Report(report) => {
                let stop = |request: &Request| Some(request.id) == report.id && matches!(request.command, NodeCommand::Stop { .. });
                let has_obeyed = report.event == NodeEvent::Done && self.waiting.iter().any(stop);
                let status = if let NodeEvent::Status { status } = &report.event { Some(status.as_ref().clone()) } else { None };
                let is_news = status.as_ref().is_some_and(|status| *status != there.status);
                let has_stopped = status.as_ref().is_some_and(|status| !status.running);
                if let Some(status) = status {
                    there.status = status;
                }
                if has_obeyed {
                    // Its own word for it may come after this, and whoever asks next must not ask a node on its way out.
                    self.tell_stopped();
                }
                match report.id {
                    Some(PING) if is_news => self.tell(report.event),
                    Some(PING | WATCH) => {}
                    _ => self.pass(*report),
                }
                if has_stopped || has_obeyed {
                    self.there_stopped();
                }
            }
        }
    }

    fn time(&mut self) {
        if self.call.is_some() {
            return self.nobody();
        }
        if let Line::There(there) = &mut self.line {
            if let Err(error) = there.ping() {
                self.lose(&error);
            }
        } else if !self.dial() {
            self.nobody();
        }
    }

    /// Hangs up, and stops what has been started here.
    fn leave(mut self) {
        self.call = None;
        self.line = Line::Here;
        let coming_up = self.birth.take().and_then(Birth::await_end);
        for mut daemon in self.ours.take().into_iter().chain(coming_up) {
            birth::farewell(&self.options.node.paths, &mut daemon);
        }
    }
}
