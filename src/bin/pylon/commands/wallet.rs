//! `pylon wallet`.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::time::Duration;

use pylon_hud::config::{Config, SecretFile, SecretFileError};
use pylon_hud::domain::money::{MilliSats, Sats};
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, sentence};
use pylon_hud::wallet::bolt11;
use pylon_hud::wallet::nwc::Connection;
use secrecy::SecretString;

use crate::args::{Output, Wallet, WalletVerb};
use crate::errand::Errand;
use crate::money;
use crate::report;
use crate::talk::{PATIENT, Place, unexpected};

/// A connection string is at most this long; more is somebody's file.
const MAX_INPUT: u64 = 4096;
/// How long a wallet may take to answer: it may be far away.
const READ: Duration = Duration::from_secs(60);

/// Asks the wallet of the node that runs, or of one that is there for this alone.
pub fn run(place: &Place, wallet: &Wallet) -> Result<(), Failure> {
    let ask = |command, limit| Errand::begin(place, &wallet.unlock)?.ask(command, limit);
    match &wallet.verb {
        None | Some(WalletVerb::Balance) => match ask(NodeCommand::Wallet, READ)? {
            NodeEvent::Wallet { wallet: view } => money::wallet(view.as_ref(), wallet.output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Receive { sats, description }) => {
            let command = NodeCommand::Receive { sats: Sats(*sats), description: description.clone() };
            match ask(command, READ)? {
                NodeEvent::Invoice { invoice } => money::invoice(&invoice, wallet.output),
                event => Err(unexpected(&event)),
            }
        }
        Some(WalletVerb::Send { invoice, sats }) => send(ask, invoice, *sats, wallet.output),
        Some(WalletVerb::Payments { limit }) => match ask(NodeCommand::Payments { before: None, limit: *limit }, READ)? {
            NodeEvent::Payments { page } => money::payments(&page, wallet.output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Connect) => connect(place, wallet.output),
        Some(WalletVerb::Disconnect) => disconnect(place, wallet.output),
        Some(WalletVerb::Limits) => {
            let loaded = Config::load(&place.paths, &place.environment, &place.overrides);
            money::limits(&loaded.map_err(|error| Failure::usage(sentence(&error)))?.config.limits, wallet.output)
        }
    }
}

/// Pays what the caller has named. Without the amount the invoice is only shown: nobody pays what they have not seen.
fn send(
    ask: impl FnOnce(NodeCommand, Duration) -> Result<NodeEvent, Failure>,
    text: &str,
    named: Option<u64>,
    output: Output,
) -> Result<(), Failure> {
    let decoded = bolt11::decode(text).map_err(|error| Failure::user(sentence(&error)))?;
    let Some(sats) = named else {
        money::invoice(&decoded, output)?;
        let amount = decoded.amount.unwrap_or(MilliSats(0)).ceil_sats().0;
        return Err(Failure::user("Nothing was paid.").hint(format!("To pay it, name the amount: add `--sats {amount}`.")));
    };
    let command = NodeCommand::Pay { bolt11: decoded.bolt11, sats: Sats(sats) };
    match ask(command, PATIENT)? {
        NodeEvent::Payment { payment } => money::payment(&payment, output),
        event => Err(unexpected(&event)),
    }
}

/// Stores a connection. The string is a secret, so it is read from standard input and never repeated.
fn connect(place: &Place, output: Output) -> Result<(), Failure> {
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let connection = Connection::parse(&read_string()?).map_err(|error| Failure::user(sentence(&error)))?;
    let stored = connection.store(&SecretFile::at(&place.paths.nwc));
    stored.map_err(|error| match error {
        SecretFileError::Exists { .. } => {
            Failure::user("A wallet is connected already; it stays.").hint("To use another one, run `pylon wallet disconnect` first.")
        }
        error => Failure::user(sentence(&error)),
    })?;
    let (wallet, relays) = (connection.wallet().short(), connection.relays().join(", "));
    report::done(&format!("Connected to wallet {wallet} over {relays}; set `pylon config set wallet.kind nwc` to use it."), output)
}

fn disconnect(place: &Place, output: Output) -> Result<(), Failure> {
    match SecretFile::at(&place.paths.nwc).remove() {
        Ok(true) => report::done("Disconnected. A node that runs uses the wallet until it is stopped.", output),
        Ok(false) => Err(Failure::user("No wallet is connected.")),
        Err(error) => Err(Failure::user(sentence(&error))),
    }
}

fn read_string() -> Result<SecretString, Failure> {
    let mut text = String::new();
    let input = std::io::stdin();
    let read = if input.is_terminal() {
        report::aside("Paste the wallet's connection string (nostr+walletconnect://...) and press Enter. It is visible as you paste it.");
        input.lock().take(MAX_INPUT).read_line(&mut text)
    } else {
        input.lock().take(MAX_INPUT).read_to_string(&mut text)
    };
    read.map_err(|error| Failure::user(format!("The connection string could not be read from standard input: {error}.")))?;
    Ok(SecretString::from(text))
}
