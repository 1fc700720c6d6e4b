//! `pylon wallet pin`.

use std::io::IsTerminal as _;

use pylon_hud::config::Config;
use pylon_hud::domain::spend_lock::{SpendState, Spending};
use pylon_hud::logging::{self, LogOptions};
use pylon_hud::node::pin_reset::{self, Proof};
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, sentence};
use secrecy::SecretString;

use crate::args::{Output, Pin, PinFrom, PinVerb, Unlock};
use crate::passphrase::{self, Asking};
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
        Some(PinVerb::Reset { unlock, words_fd }) => reset(place, unlock, *words_fd, output),
    }
}

/// Takes a PIN away that nobody knows any more.
fn reset(place: &Place, unlock: &Unlock, words_fd: Option<u32>, output: Output) -> Result<(), Failure> {
    let options = place.options();
    // Before anybody is asked for a secret, and before anything is made.
    if !pin_reset::has_pin(&options)? {
        return Err(Failure::user("There is no spending PIN, so there is none to take away."));
    }
    let proof = if place.paths.identity_age.exists() {
        let hint = "Run it on a terminal, or hand the passphrase over with `--passphrase-fd N`.";
        let nobody = || Failure::user("There is nobody to ask for the identity's passphrase.").hint(hint);
        Proof::Passphrase(passphrase::find(place, unlock, Asking::Once)?.ok_or_else(nobody)?)
    } else {
        Proof::Words(words(words_fd)?)
    };
    let config = Config::load(&place.paths, &place.environment, &place.overrides);
    let config = config.map_err(|error| Failure::usage(sentence(&error)))?.config;
    logging::init(&LogOptions::new(&config.log, &place.paths)).map_err(|error| Failure::user(sentence(&error)))?;
    let spending = pin_reset::reset(&options, proof)?;
    report::done("The spending PIN is taken away.", output)?;
    if spending.state == SpendState::Locked {
        report::aside("Spending stays locked: `pylon wallet pin set`, then `pylon wallet pin unlock`.");
    }
    Ok(())
}

fn words(from: Option<u32>) -> Result<SecretString, Failure> {
    match from {
        Some(number) => Ok(passphrase::lines_of_descriptor(number)?.into_iter().next().unwrap_or_default()),
        None if std::io::stdin().is_terminal() => passphrase::ask_for("The words of the identity: ", Asking::Once),
        None => Err(Failure::user("There is nobody to ask for the identity's words.")
            .hint("Run it on a terminal, or hand them over with `--words-fd N`, in one line.")),
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
