//! What the ledger and the config know, answered from a read-only open: the same whether the node runs or not.

use super::command::NodeCommand;
use super::consumer::{ConsumerCommand, ConsumerHandle};
use super::doctor::CONFIG_HINT;
use super::event::{Failure, NodeEvent, sentence};
use super::options::NodeOptions;
use crate::config::Config;
use crate::domain::ids::JobId;
use crate::domain::power::Power;
use crate::domain::relay::RelayHealth;
use crate::domain::time::{DAY_MS, UnixMs};
use crate::store::{Page, PurchasePage, Reader, Stats, StoreError};
use crate::wallet::pin::Warrant;

/// Answers `Jobs`, `Job`, `Stats`, `Earnings`, `Purchases` and `Purchase`. A ledger that does not exist yet is an empty one.
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
        (NodeCommand::Earnings { by, days }, Some(reader)) => {
            let now = options.clock.now();
            let since = if *days == 0 { UnixMs(i64::MIN) } else { now.day_start().minus_ms(u64::from(days - 1) * DAY_MS) };
            NodeEvent::Earnings { rows: reader.earnings(*by, since, power(options)?).map_err(|error| failure(&error))? }
        }
        (NodeCommand::Earnings { .. }, None) => NodeEvent::Earnings { rows: Vec::new() },
        (NodeCommand::Job { job: id }, Some(reader)) => {
            NodeEvent::JobDetail { job: Box::new(reader.job(id).map_err(|error| failure(&error))?) }
        }
        (NodeCommand::Job { job: id }, None) => return Err(Failure::user(format!("There is no job {id}: the ledger is empty."))),
        (NodeCommand::Purchases { before, limit }, Some(reader)) => {
            NodeEvent::Purchases { page: reader.purchases(*before, *limit).map_err(|error| failure(&error))? }
        }
        (NodeCommand::Purchases { .. }, None) => NodeEvent::Purchases { page: PurchasePage::default() },
        (NodeCommand::Purchase { request: id }, Some(reader)) => {
            NodeEvent::Purchase { purchase: Box::new(reader.purchase(id).map_err(|error| failure(&error))?) }
        }
        (NodeCommand::Purchase { request: id }, None) => {
            return Err(Failure::user(format!("There is no request {id}: the ledger is empty.")));
        }
        _ => return Err(Failure::internal("Not a question for the ledger.")),
    })
}

/// What a running model costs, as the config says now.
fn power(options: &NodeOptions) -> Result<Power, Failure> {
    let loaded = Config::load(&options.paths, &options.environment, &options.overrides);
    loaded.map(|loaded| loaded.config.costs).map_err(|error| Failure::usage(sentence(&error)).hint(CONFIG_HINT))
}

/// The relays as the link knows them; while the node is stopped the configured ones, none of them wanted now.
pub fn relays(options: &NodeOptions, known: Option<Vec<RelayHealth>>) -> NodeEvent {
    if let Some(relays) = known {
        return NodeEvent::Relays { relays };
    }
    match Config::load(&options.paths, &options.environment, &options.overrides) {
        Ok(loaded) => {
            let off = |url: String| RelayHealth { url, ..RelayHealth::default() };
            NodeEvent::Relays { relays: loaded.config.relays.urls.into_iter().map(off).collect() }
        }
        Err(error) => NodeEvent::Failed { failure: Failure::usage(sentence(&error)).hint(CONFIG_HINT) },
    }
}

/// The one job an id, whole or shortened, stands for.
pub fn find(options: &NodeOptions, id: &str) -> Result<JobId, Failure> {
    let reader = Reader::open(&options.paths.ledger).map_err(|error| failure(&error))?;
    Ok(reader.job(id).map_err(|error| failure(&error))?.record.id)
}

/// The one request of ours an id, whole or shortened, stands for.
pub fn find_request(options: &NodeOptions, id: &str) -> Result<JobId, Failure> {
    let reader = Reader::open(&options.paths.ledger).map_err(|error| failure(&error))?;
    Ok(reader.purchase(id).map_err(|error| failure(&error))?.row.id)
}

/// Asks the buying side, with the request's id made whole.
pub async fn buy(
    consumer: &ConsumerHandle,
    options: &NodeOptions,
    command: NodeCommand,
    warrant: Option<Warrant>,
) -> Result<NodeEvent, Failure> {
    let row = match command {
        NodeCommand::Submit { ask } => consumer.ask(|reply| ConsumerCommand::Submit(ask, reply)).await?,
        NodeCommand::PayOffer { request, provider } => {
            let id = find_request(options, &request)?;
            match warrant {
                Some(warrant) => consumer.ask(|reply| ConsumerCommand::PayWithPin(id, provider, warrant, reply)).await?,
                None => consumer.ask(|reply| ConsumerCommand::Pay(id, provider, reply)).await?,
            }
        }
        NodeCommand::CancelRequest { request } => {
            let id = find_request(options, &request)?;
            consumer.ask(|reply| ConsumerCommand::Cancel(id, reply)).await?
        }
        _ => return Err(Failure::internal("Not a command for the buying side.")),
    };
    Ok(NodeEvent::PurchaseChanged { purchase: Box::new(row) })
}

pub fn failure(error: &StoreError) -> Failure {
    Failure::user(sentence(&error))
}
