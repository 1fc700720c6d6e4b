//! The spending PIN at a prompt: typed unseen, or read from an open file. Never an argument.

use std::io::IsTerminal as _;
use std::time::Duration;

use pylon_hud::node::{Failure, FailureKind, NodeCommand, NodeEvent, Secret};
use secrecy::SecretString;

use crate::args::PinFrom;
use crate::passphrase::{Asking, ask_for, lines_of_descriptor};

/// Where PINs come from in this run, one after the other.
pub struct Pins {
    /// Lines of the open file; `None`: the terminal is asked.
    lines: Option<std::vec::IntoIter<SecretString>>,
}

impl Pins {
    pub fn from(from: PinFrom) -> Result<Self, Failure> {
        let lines = from.pin_fd.map(lines_of_descriptor).transpose()?;
        Ok(Self { lines: lines.map(Vec::into_iter) })
    }

    /// The next one.
    pub fn next(&mut self, prompt: &str, asking: Asking) -> Result<Secret, Failure> {
        let pin = match &mut self.lines {
            Some(lines) => lines.next().unwrap_or_default(),
            None if std::io::stdin().is_terminal() => ask_for(prompt, asking)?,
            None => {
                let hint = "Run it on a terminal, or hand the PIN over with `--pin-fd N`, one line each.";
                return Err(Failure::user("There is nobody to ask for the spending PIN.").hint(hint));
            }
        };
        Ok(Secret::new(pin))
    }
}

/// Asks a node to pay. Where that takes the PIN, it is asked for and the command sent again with it.
pub fn pay(
    mut ask: impl FnMut(NodeCommand, Duration) -> Result<NodeEvent, Failure>,
    command: NodeCommand,
    limit: Duration,
    from: PinFrom,
) -> Result<NodeEvent, Failure> {
    let wanted = match ask(command.clone(), limit) {
        Err(failure) if failure.kind == FailureKind::Pin => failure,
        answered => return answered,
    };
    if from.pin_fd.is_none() && !std::io::stdin().is_terminal() {
        return Err(wanted.hint("Run it on a terminal, or hand the PIN over with `--pin-fd N`."));
    }
    let pin = Pins::from(from)?.next("Spending PIN: ", Asking::Once)?;
    ask(NodeCommand::WithPin { pin, command: Box::new(command) }, limit)
}
