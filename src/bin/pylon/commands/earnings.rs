//! `pylon earnings`.

use pylon_hud::node::{Failure, NodeCommand, NodeEvent};
use pylon_hud::store::EarningsBy;

use crate::args::{By, Earnings};
use crate::talk::{ANSWER, Place, unexpected};
use crate::totals;

/// Tells what selling has brought in.
pub fn run(place: &Place, earnings: &Earnings) -> Result<(), Failure> {
    let by = match earnings.by {
        By::Day => EarningsBy::Day,
        By::Model => EarningsBy::Model,
        By::Buyer => EarningsBy::Buyer,
    };
    match place.ask(NodeCommand::Earnings { by, days: earnings.days }, ANSWER)? {
        NodeEvent::Earnings { rows } => totals::earnings(&rows, earnings.output),
        event => Err(unexpected(&event)),
    }
}
