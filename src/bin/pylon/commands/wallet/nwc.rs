//! `pylon wallet connect` and `disconnect`: somebody's own wallet, over Nostr Wallet Connect.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use pylon_hud::config::{SecretFile, SecretFileError};
use pylon_hud::node::{Failure, sentence};
use pylon_hud::wallet::nwc::Connection;
use secrecy::SecretString;

use crate::args::Output;
use crate::report;
use crate::talk::Place;

/// A connection string is at most this long; more is somebody's file.
const MAX_INPUT: u64 = 4096;

/// Stores a connection. The string is a secret, so it is read from standard input and never repeated.
pub fn connect(place: &Place, output: Output) -> Result<(), Failure> {
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

pub fn disconnect(place: &Place, output: Output) -> Result<(), Failure> {
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
