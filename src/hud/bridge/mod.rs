//! The one door between the window and the node.
//!
//! Down: what the node says comes over a channel, wakes the loop, and becomes [`FromNode`] messages. Up: commands go
//! over a bounded channel with `try_send`; when it is full the user is told that the node is busy.
//!
//! Decisions:
//! - The way to the node is opened when the market is known; where it leads (a node in this process, a daemon, one that
//!   runs already) is the exchange's business. It starts none: starting is the user's command.
//! - A node that is gone (its thread panicked) is replaced by a new stopped one at the next command. What it had written
//!   down is in the ledger; the window says so and shows a stopped node at once, never its last words as if they held.
//! - The practice market's relay lives here, not in the node: it stays when the node stops.
//! - Neither a passphrase nor a PIN is kept among what waits for an answer.

mod pads;
pub mod screen_saver;
mod wake;

use std::sync::Arc;

use bevy::input::InputSystems;
use bevy::prelude::*;
use bevy::winit::EventLoopProxyWrapper;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};

pub use wake::{Alarm, HudWake};

use super::HudSystems;
use crate::config::{Config, Environment, LogConfig, Notice, Override, Paths};
use crate::domain::ids::RequestId;
use crate::logging::{self, LogOptions};
use crate::node::exchange::{DaemonOptions, Exchange, ExchangeOptions, Pace};
use crate::node::{Failure, Fault, Market, NodeCommand, NodeEvent, NodeOptions, NodeStatus, Report, Request, Scope, sentence};
use crate::practice;

/// Something the node said, and the command it answers, if it answers one of ours.
#[derive(Message, Debug, Clone, PartialEq)]
pub struct FromNode {
    pub answers: Option<NodeCommand>,
    pub event: NodeEvent,
}

/// Where the node works, in whatever process.
#[derive(Debug, Clone)]
pub struct Place {
    /// The real market's; practice has its own below them.
    pub paths: Paths,
    pub environment: Environment,
    pub overrides: Vec<Override>,
}

/// How the window reaches a node.
#[derive(Debug, Clone)]
pub enum Link {
    /// A node in this place, looked for when the market is known.
    At(Box<Place>),
    /// Somebody else's channel ends.
    Given { commands: Sender<Request>, events: Receiver<Report> },
}

/// The channel ends, and what has been asked and not yet answered.
#[derive(Resource)]
pub struct Bridge {
    link: Link,
    wake: HudWake,
    market: Option<Market>,
    line: Option<Line>,
    waiting: Vec<(RequestId, NodeCommand)>,
    asked: u64,
    /// What we have to say ourselves at the next look.
    own_words: Vec<Fault>,
}

/// A node that can be talked to. Fields are dropped in this order: the node leaves before its relay does.
struct Line {
    commands: Sender<Request>,
    events: Receiver<Report>,
    _node: Option<Exchange>,
    _market: Option<practice::Host>,
}

/// Why a command did not go out.
#[derive(Debug, PartialEq)]
pub enum SendError {
    /// The node has 64 commands waiting.
    Busy,
    /// Nobody has chosen a market yet.
    NoMarket,
    /// The way to it could not be opened.
    Launch(Failure),
}

impl Bridge {
    pub fn new(link: Link, wake: HudWake) -> Self {
        Self { link, wake, market: None, line: None, waiting: Vec::new(), asked: 0, own_words: Vec::new() }
    }

    /// The market that has been chosen.
    pub fn market(&self) -> Option<Market> {
        self.market
    }

    /// Commands that have gone out and not been answered to the end.
    pub fn waiting(&self) -> impl Iterator<Item = &NodeCommand> {
        self.waiting.iter().map(|(_, command)| command)
    }

    /// Enters a market, leaving the one before: its node is stopped and its last words are lost with it.
    pub fn enter(&mut self, market: Market) -> Result<(), Failure> {
        self.leave();
        self.market = Some(market);
        self.line = Some(self.launch(market)?);
        Ok(())
    }

    /// Leaves the market; nobody has chosen one any more.
    pub fn leave(&mut self) {
        self.line = None;
        self.waiting.clear();
        self.market = None;
    }

    /// Sends a command, launching a node if there is none any more.
    pub fn send(&mut self, command: NodeCommand) -> Result<(), SendError> {
        let market = self.market.ok_or(SendError::NoMarket)?;
        let line = match self.line.take() {
            Some(line) => line,
            None => self.launch(market).map_err(SendError::Launch)?,
        };
        let line = self.line.insert(line);
        self.asked += 1;
        let id = RequestId(self.asked);
        match line.commands.try_send(Request { id, command: command.clone() }) {
            Ok(()) => {
                if !matches!(command, NodeCommand::Unlock { .. }) {
                    self.waiting.push((id, command.without_secrets()));
                }
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(SendError::Busy),
            // The next look at its events finds it gone and says so.
            Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    fn launch(&mut self, market: Market) -> Result<Line, Failure> {
        match &self.link {
            Link::Given { commands, events } => Ok(Line { commands: commands.clone(), events: events.clone(), _node: None, _market: None }),
            Link::At(place) => {
                let paths = match market {
                    Market::Real => place.paths.clone(),
                    Market::Practice => place.paths.for_practice(),
                };
                self.own_words.extend(begin_log(place, &paths));
                open(place, paths, market, &self.wake)
            }
        }
    }

    /// What the node has said up to now, and what it means if it is gone. Takes no more than there was at the beginning:
    /// a node that talks faster than we listen must not stop the window.
    fn take(&mut self) -> Vec<FromNode> {
        self.wake.rearm();
        let own = std::mem::take(&mut self.own_words).into_iter();
        let mut said: Vec<FromNode> = own.map(|fault| FromNode { answers: None, event: NodeEvent::Fault { fault } }).collect();
        let Some(line) = &self.line else { return said };
        let mut reports = Vec::with_capacity(line.events.len());
        let mut gone = false;
        for _ in 0..=line.events.len() {
            match line.events.try_recv() {
                Ok(report) => reports.push(report),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    gone = true;
                    break;
                }
            }
        }
        // More has come while we listened.
        if !line.events.is_empty() {
            use crate::node::wake::Wake as _;
            self.wake.wake();
        }
        said.extend(reports.into_iter().map(|report| self.pair(report)));
        if gone {
            said.extend(self.node_gone());
        }
        said
    }

    /// Finds the command a report answers, and strikes it off when this is the last answer.
    fn pair(&mut self, report: Report) -> FromNode {
        let at = report.id.and_then(|id| self.waiting.iter().position(|(asked, _)| *asked == id));
        let answers = at.and_then(|at| {
            if report.event.is_last() { Some(self.waiting.remove(at).1) } else { self.waiting.get(at).map(|(_, command)| command.clone()) }
        });
        FromNode { answers, event: report.event }
    }

    /// The node's thread has ended by itself: it stands still, whatever its last status said.
    fn node_gone(&mut self) -> Vec<FromNode> {
        self.line = None;
        let failure = Failure::internal("The node ended before it answered.").hint("Start it again.");
        let unanswered = std::mem::take(&mut self.waiting).into_iter();
        let mut said: Vec<FromNode> = unanswered
            .map(|(_, command)| FromNode { answers: Some(command), event: NodeEvent::Failed { failure: failure.clone() } })
            .collect();
        let fault = Fault {
            scope: Scope::Internal,
            message: "The node ended by itself, which is a bug of ours.".into(),
            hint: "Start it again: jobs that were under way are in the ledger and are resumed. The log says more.".into(),
        };
        let status = NodeStatus { practice: self.market == Some(Market::Practice), ..NodeStatus::default() };
        said.push(FromNode { answers: None, event: NodeEvent::Fault { fault } });
        said.push(FromNode { answers: None, event: NodeEvent::Status { status: Box::new(status) } });
        said
    }
}

/// The way to the node of this market, and for practice a relay for the one that would live in this process.
fn open(place: &Place, paths: Paths, market: Market, wake: &HudWake) -> Result<Line, Failure> {
    let node = NodeOptions {
        overrides: place.overrides.clone(),
        market,
        wake: Arc::new(wake.clone()),
        ..NodeOptions::new(paths, place.environment.clone())
    };
    let (host, node) = match market {
        Market::Real => (None, node),
        Market::Practice => {
            let (host, node) = practice::Host::open(node).map_err(|error| Failure::user(sentence(&error)))?;
            (Some(host), node)
        }
    };
    let daemon = DaemonOptions { root: place.paths.data_dir.clone(), settings: place.overrides.clone(), program: None };
    let options = ExchangeOptions { node, daemon, pace: Pace::default() };
    let exchange = Exchange::open(options).map_err(|error| Failure::internal(sentence(&error)))?;
    Ok(Line { commands: exchange.commands.clone(), events: exchange.events.clone(), _node: Some(exchange), _market: host })
}

/// The log begins with the first market entered, and stays there; what is to be said about that and its directory. Without a
/// log the window still works.
fn begin_log(place: &Place, paths: &Paths) -> Vec<Fault> {
    let config = Config::load(paths, &place.environment, &place.overrides).map(|loaded| loaded.config.log);
    let config = config.unwrap_or(LogConfig { level: "info".into(), keep_mb: 50 });
    let open = paths.closing().map(|Notice { message, hint }| Fault { scope: Scope::Config, message, hint });
    let begun = match paths.ensure() {
        Ok(()) => logging::init(&LogOptions::new(&config, paths)).map(drop).map_err(|error| sentence(&error)),
        Err(error) => Err(sentence(&error)),
    };
    let hint = "There is no log until this is mended; restart the program then.";
    let unlogged = begun.err().map(|message| Fault { scope: Scope::Config, message, hint: hint.into() });
    open.into_iter().chain(unlogged).collect()
}

/// Listening, waking and the alarm.
pub fn plugin(app: &mut App) {
    app.add_message::<FromNode>();
    app.add_systems(Startup, (attach, pads::begin));
    // Pads after the node: from then on each wake counts, so nothing that comes while we look is overlooked.
    app.add_systems(PreUpdate, (receive, pads::receive.before(InputSystems)).chain().in_set(HudSystems::Receive));
    app.add_systems(First, Alarm::clear);
    app.add_systems(Last, Alarm::arm);
}

/// The loop's proxy exists once the app runs in a window; without a window there is nothing to wake.
fn attach(bridge: Res<'_, Bridge>, proxy: Option<Res<'_, EventLoopProxyWrapper>>) {
    if let Some(proxy) = proxy {
        bridge.wake.attach((**proxy).clone());
    }
}

pub(super) fn receive(mut bridge: ResMut<'_, Bridge>, mut said: MessageWriter<'_, FromNode>) {
    said.write_batch(bridge.take());
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
