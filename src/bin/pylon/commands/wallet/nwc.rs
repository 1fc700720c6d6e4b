//! `pylon wallet connect` and `disconnect`: somebody's own wallet, over Nostr Wallet Connect.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use pylon_hud::config::{SecretFile, SecretFileError};
use pylon_hud::node::{Failure, sentence};
use pylon_hud::wallet::nwc::Connection;
use secrecy::SecretString;

use crate::args::Output;
use crate::passphrase;
use crate::report;
use crate::talk::Place;

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
    let what = "The connection string";
    if !std::io::stdin().is_terminal() {
        return passphrase::of_input(what, |input, text| input.read_to_string(text));
    }
    report::aside("Paste the wallet's connection string (nostr+walletconnect://...) and press Enter. It is visible as you paste it.");
    passphrase::of_input(what, |input, text| input.read_line(text))
}
