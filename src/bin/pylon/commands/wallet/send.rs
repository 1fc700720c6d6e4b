//! `pylon wallet send`: what it is and what it costs is shown before anything is paid.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use pylon_hud::domain::money::Sats;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, Quote};
use pylon_hud::wallet::DestinationKind;

use super::Teller;
use crate::args::{Output, PinFrom};
use crate::talk::{PATIENT, unexpected};
use crate::{coins, money, pin, report};

/// What asks somebody out on the internet.
pub const NETWORK: Duration = Duration::from_secs(60);

/// Who agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Whoever sits at the terminal, when asked.
    Asked,
    /// Whoever wrote the command line.
    Given,
}

impl Consent {
    pub const fn of(yes: bool) -> Self {
        if yes { Self::Given } else { Self::Asked }
    }

    /// Asks, unless it is given. Where nobody can be asked, nothing is done.
    pub fn get(self, question: &str) -> Result<(), Failure> {
        if self == Self::Given {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::user("Nothing was done: nobody can be asked here.").hint("To do it without being asked, add `--yes`."));
        }
        report::aside(&format!("{question} [y/N]"));
        let mut answer = String::new();
        let read = std::io::stdin().lock().read_line(&mut answer);
        match read.map(|_| answer.trim().to_ascii_lowercase()) {
            Ok(word) if word == "y" || word == "yes" => Ok(()),
            _ => Err(Failure::user("Nothing was done.")),
        }
    }
}

/// Shows what it would cost, asks, and pays.
pub fn run(teller: &mut Teller<'_>, to: &str, sats: Option<u64>, consent: Consent, pin: PinFrom, output: Output) -> Result<(), Failure> {
    let quote = match teller.ask(NodeCommand::Quote { to: to.to_owned(), sats: sats.map(Sats) }, NETWORK)? {
        NodeEvent::Quote { quote } => *quote,
        event => return Err(unexpected(&event)),
    };
    show(&quote, consent, output)?;
    let total = quote.sats.0.saturating_add(quote.fee.0);
    consent.get(&format!("Send {} sats, and up to {} in fees: {total} in all?", quote.sats.0, quote.fee.0))?;
    let command = match quote.kind {
        DestinationKind::Invoice => NodeCommand::Pay { bolt11: quote.to, sats: quote.sats },
        DestinationKind::Spark | DestinationKind::OnChain => NodeCommand::Transfer { to: quote.to, sats: quote.sats, most_fee: quote.fee },
    };
    match pin::pay(|command, limit| teller.ask(command, limit), command, PATIENT, pin)? {
        NodeEvent::Payment { payment } => money::payment(&payment, output),
        event => Err(unexpected(&event)),
    }
}

/// What is about to be paid. A program that agreed beforehand gets the payment alone; one that could not be asked gets this.
fn show(quote: &Quote, consent: Consent, output: Output) -> Result<(), Failure> {
    match (output.json, consent) {
        (true, Consent::Given) => Ok(()),
        (true, Consent::Asked) => report::json(quote),
        (false, _) => coins::quote(quote),
    }
}
