//! `pylon wallet pin`.

use pylon_hud::domain::spend_lock::Spending;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent};

use crate::args::{Output, Pin, PinFrom, PinVerb};
use crate::passphrase::Asking;
use crate::pin::Pins;
use crate::talk::{ANSWER, Place, unexpected};
use crate::{money, report};

/// Sets, changes and uses the PIN, also while the node is stopped.
pub fn run(place: &Place, pin: &Pin, output: Output) -> Result<(), Failure> {
    match &pin.verb {
        None => money::spending(&ask(place, NodeCommand::Spending)?, output),
        Some(PinVerb::Set { from }) => {
            let mut pins = Pins::from(*from)?;
            let old = if ask(place, NodeCommand::Spending)?.has_pin { Some(pins.next("The PIN there is: ", Asking::Once)?) } else { None };
            let new = Some(pins.next("A new PIN, 4 to 12 digits: ", Asking::Twice)?);
            ask(place, NodeCommand::SetPin { old, new })?;
            report::done("The spending PIN is set. Payments above limits.pin_above_sats ask for it.", output)
        }
        Some(PinVerb::Remove { from }) => {
            let old = Some(one(*from)?);
            ask(place, NodeCommand::SetPin { old, new: None })?;
            report::done("There is no spending PIN any more.", output)
        }
        Some(PinVerb::Lock) => {
            let spending = ask(place, NodeCommand::LockSpending)?;
            report::done("Spending is locked: nothing is paid. Earning goes on.", output)?;
            if !spending.has_pin {
                report::aside("There is no PIN to unlock it with yet: `pylon wallet pin set`.");
            }
            Ok(())
        }
        Some(PinVerb::Unlock { minutes, from }) => {
            let command = NodeCommand::UnlockSpending { pin: one(*from)?, secs: minutes.map(|minutes| minutes.saturating_mul(60)) };
            money::spending(&ask(place, command)?, output)
        }
    }
}

fn one(from: PinFrom) -> Result<pylon_hud::node::Secret, Failure> {
    Pins::from(from)?.next("Spending PIN: ", Asking::Once)
}

fn ask(place: &Place, command: NodeCommand) -> Result<Spending, Failure> {
    match place.ask(command, ANSWER)? {
        NodeEvent::Spending { spending } => Ok(spending),
        event => Err(unexpected(&event)),
    }
}
