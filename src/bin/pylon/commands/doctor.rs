//! `pylon doctor`.

use std::time::Duration;

use pylon_hud::node::doctor::Verdict;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent};

use crate::args::Output;
use crate::report;
use crate::talk::{Place, unexpected};

/// Relays and backends get a few seconds each.
const LIMIT: Duration = Duration::from_secs(30);

/// Prints every finding; fails if one of them keeps jobs from being served.
pub fn run(place: &Place, output: Output) -> Result<(), Failure> {
    let findings = match place.ask(NodeCommand::Doctor, LIMIT)? {
        NodeEvent::Doctor { findings } => findings,
        event => return Err(unexpected(&event)),
    };
    report::findings(&findings, output)?;
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    match bad {
        0 => Ok(()),
        1 => Err(Failure::user("One thing keeps jobs from being served.")),
        _ => Err(Failure::user(format!("{bad} things keep jobs from being served."))),
    }
}
