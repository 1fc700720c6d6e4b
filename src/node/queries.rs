//! What the ledger knows, answered from a read-only open: the same whether the node runs or not.

use super::command::NodeCommand;
use super::event::{Failure, NodeEvent, sentence};
use super::options::NodeOptions;
use crate::domain::ids::JobId;
use crate::store::{Page, Reader, Stats, StoreError};

/// Answers `Jobs`, `Job` and `Stats`. A ledger that does not exist yet is an empty one.
pub fn answer(options: &NodeOptions, command: &NodeCommand) -> NodeEvent {
    look_up(options, command).unwrap_or_else(|failure| NodeEvent::Failed { failure })
}

fn look_up(options: &NodeOptions, command: &NodeCommand) -> Result<NodeEvent, Failure> {
    let reader = match Reader::open(&options.paths.ledger) {
        Ok(reader) => Some(reader),
        Err(StoreError::NoLedger { .. }) => None,
        Err(error) => return Err(failure(&error)),
    };
    Ok(match (command, reader) {
        (NodeCommand::Jobs { query }, Some(reader)) => NodeEvent::Jobs { page: reader.jobs(query).map_err(|error| failure(&error))? },
        (NodeCommand::Jobs { .. }, None) => NodeEvent::Jobs { page: Page::default() },
        (NodeCommand::Stats, Some(reader)) => {
            NodeEvent::Stats { stats: Box::new(reader.stats(options.clock.now()).map_err(|error| failure(&error))?) }
        }
        (NodeCommand::Stats, None) => NodeEvent::Stats { stats: Box::<Stats>::default() },
        (NodeCommand::Job { job: id }, Some(reader)) => {
            NodeEvent::JobDetail { job: Box::new(reader.job(id).map_err(|error| failure(&error))?) }
        }
        (NodeCommand::Job { job: id }, None) => return Err(Failure::user(format!("There is no job {id}: the ledger is empty."))),
        _ => return Err(Failure::internal("Not a question for the ledger.")),
    })
}

/// The one job an id, whole or shortened, stands for.
pub fn find(options: &NodeOptions, id: &str) -> Result<JobId, Failure> {
    let reader = Reader::open(&options.paths.ledger).map_err(|error| failure(&error))?;
    Ok(reader.job(id).map_err(|error| failure(&error))?.record.id)
}

pub fn failure(error: &StoreError) -> Failure {
    Failure::user(sentence(&error))
}
