//! `pylon practice`: the whole market on this machine.

use std::path::Path;
use std::time::Duration;

use pylon_hud::clock::Clock;
use pylon_hud::domain::ids::{JobId, RequestId};
use pylon_hud::domain::job::JobState;
use pylon_hud::domain::model::BackendState;
use pylon_hud::domain::request::Scheme;
use pylon_hud::node::{Failure, Leaving, Node, NodeCommand, NodeEvent, NodeHandle, NodeState, PROMPTS, Purchase, Robot, play_money};
use pylon_hud::practice::{Host, PracticeError};
use pylon_hud::store::JobRow;

use crate::args::Practice;
use crate::practicing;
use pylon_hud::node::sentence;

use crate::talk::{self, Place};

/// How long the market gets to open.
const OPENING: Duration = Duration::from_secs(30);
/// How long one job may take; a large model on a small machine is slow to load.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the ledger may lag behind the buyer.
const BOOKKEEPING: Duration = Duration::from_secs(10);

/// One job as both sides saw it.
pub struct Line {
    pub purchase: Purchase,
    pub row: JobRow,
}

/// Opens the market, buys, and fails unless every job was delivered and is `done` in the ledger.
pub fn run(place: &Place, practice: &Practice) -> Result<(), Failure> {
    let place = place.practice();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("No runtime could be made: {error}.")))?;
    let (host, options) = Host::open(place.options()).map_err(|error| refused(&error))?;
    let node = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
    open(&node)?;
    practicing::opening(host.relay().url(), &engine(&node)?, practice.output)?;
    let bought = buy_all(&runtime, &node, &host, &place.paths.data_dir, practice);
    node.stop(Leaving::Finish, OPENING);
    practicing::summary(&bought?, practice, &place.paths.data_dir)
}

/// A market that cannot be opened.
pub fn refused(error: &PracticeError) -> Failure {
    let sentence = sentence(error);
    match error {
        PracticeError::Relay(_) => Failure::network(sentence),
        PracticeError::Identity(_) => Failure::user(sentence),
        PracticeError::Settings(_) | PracticeError::Runtime(_) => Failure::internal(sentence),
    }
}

/// Goes online and waits until the node says it is: with a relay and a model.
fn open(node: &NodeHandle) -> Result<(), Failure> {
    let id = RequestId(1);
    talk::send(node, id, NodeCommand::GoOnline)?;
    talk::wait(node, id, OPENING)?;
    let id = RequestId(2);
    talk::send(node, id, NodeCommand::ProbeBackends)?;
    talk::wait(node, id, OPENING)?;
    let end = std::time::Instant::now() + OPENING;
    loop {
        talk::send(node, RequestId(3), NodeCommand::Status)?;
        let told = node.events.recv_deadline(end).map_err(|_| Failure::network("The practice market did not open."))?;
        if let NodeEvent::Status { status } = told.event
            && status.state == NodeState::Online
        {
            return Ok(());
        }
    }
}

/// Which model will answer, and by whose name.
fn engine(node: &NodeHandle) -> Result<String, Failure> {
    let id = RequestId(4);
    talk::send(node, id, NodeCommand::Models)?;
    match talk::wait(node, id, OPENING)? {
        NodeEvent::Models { backends } => {
            let ready = backends.iter().find(|backend| matches!(backend.state, BackendState::Ready { .. }) && !backend.models.is_empty());
            let model = ready.and_then(|backend| backend.models.first());
            Ok(model.map_or_else(String::new, |model| format!("{} on {}", model.name, model.backend)))
        }
        event => Err(talk::unexpected(&event)),
    }
}

fn buy_all(
    runtime: &tokio::runtime::Runtime,
    node: &NodeHandle,
    host: &Host,
    data_dir: &Path,
    practice: &Practice,
) -> Result<Vec<Result<Line, String>>, Failure> {
    let clock = Clock::default();
    let purse = runtime.block_on(play_money(&data_dir.join("robot"), host.relay().url(), &clock));
    let purse = purse.map_err(|error| Failure::user(sentence(&error)))?;
    let robot = runtime.block_on(Robot::connect(host.relay().url(), host.identity().pubkey()));
    let mut robot = robot.map_err(|error| Failure::network(sentence(&error)))?.paying(purse);
    let mut lines = Vec::new();
    for (number, prompt) in PROMPTS.iter().cycle().take(practice.jobs as usize).enumerate() {
        // Every other request is encrypted, as a buyer may do.
        let scheme = if number % 2 == 0 { Scheme::Plain } else { Scheme::Nip44 };
        let bought = runtime.block_on(robot.buy(prompt, scheme, clock.now(), PATIENCE));
        let line = match bought {
            Ok(purchase) => match booked(node, purchase.id) {
                Ok(row) => Ok(Line { purchase, row }),
                Err(failure) => Err(failure.message),
            },
            Err(error) => Err(sentence(&error)),
        };
        practicing::job(&line, practice.output)?;
        lines.push(line);
    }
    runtime.block_on(robot.close());
    Ok(lines)
}

/// The job's row once the ledger has it as final.
fn booked(node: &NodeHandle, id: JobId) -> Result<JobRow, Failure> {
    let end = std::time::Instant::now() + BOOKKEEPING;
    loop {
        let told =
            node.events.recv_deadline(end).map_err(|_| Failure::user(format!("The ledger does not have {} as done.", id.short())))?;
        if let NodeEvent::JobChanged { job } = told.event
            && job.id == id
            && matches!(job.state, JobState::Done | JobState::Failed | JobState::Cancelled)
        {
            return Ok(*job);
        }
    }
}
