//! `pylon wallet connect` and `disconnect`: somebody's own wallet, over Nostr Wallet Connect.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use pylon_hud::config::SecretFileError;
use pylon_hud::identity::Identity;
use pylon_hud::node::connection::{Kept, KeptError};
use pylon_hud::node::{Failure, sentence};
use pylon_hud::wallet::nwc::{Connection, StoredError};
use secrecy::SecretString;

use crate::args::{Output, Unlock};
use crate::passphrase;
use crate::report;
use crate::talk::Place;

/// Stores a connection. The string is a secret, so it is read from standard input and never repeated.
/// Where the identity is under a passphrase, it is put under the same one.
pub fn connect(place: &Place, unlock: &Unlock, output: Output) -> Result<(), Failure> {
    place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let passphrase = passphrase(place, unlock)?;
    let connection = Connection::parse(&read_string()?).map_err(|error| Failure::user(sentence(&error)))?;
    let stored = Kept::at(&place.paths).store(&connection, passphrase.as_ref());
    stored.map_err(|error| match error {
        KeptError::Stored(StoredError::File(SecretFileError::Exists { .. })) => {
            Failure::user("A wallet is connected already; it stays.").hint("To use another one, run `pylon wallet disconnect` first.")
        }
        error => Failure::user(sentence(&error)),
    })?;
    let (wallet, relays) = (connection.wallet().short(), connection.relays().join(", "));
    report::done(&format!("Connected to wallet {wallet} over {relays}; set `pylon config set wallet.kind nwc` to use it."), output)
}

pub fn disconnect(place: &Place, output: Output) -> Result<(), Failure> {
    match Kept::at(&place.paths).remove() {
        Ok(true) => report::done("Disconnected. A node that runs uses the wallet until it is stopped.", output),
        Ok(false) => Err(Failure::user("No wallet is connected.")),
        Err(error) => Err(Failure::user(sentence(&error))),
    }
}

/// The identity's; `None`: it has none.
fn passphrase(place: &Place, unlock: &Unlock) -> Result<Option<SecretString>, Failure> {
    if !place.paths.identity_age.exists() {
        return Ok(None);
    }
    let Some(passphrase) = passphrase::to_start(place, unlock)? else {
        return Err(Failure::user("The identity is encrypted, and the connection is kept under the same passphrase, which nobody gave.")
            .hint("Run it on a terminal and paste the string there, or hand the passphrase over with `--passphrase-fd N`."));
    };
    Identity::unlock(&place.paths, Some(&passphrase)).map_err(|error| Failure::user(sentence(&error)))?;
    Ok(Some(passphrase))
}

fn read_string() -> Result<SecretString, Failure> {
    let what = "The connection string";
    if !std::io::stdin().is_terminal() {
        return passphrase::of_input(what, |input, text| input.read_to_string(text));
    }
    report::aside("Paste the wallet's connection string (nostr+walletconnect://...) and press Enter. It is visible as you paste it.");
    passphrase::of_input(what, |input, text| input.read_line(text))
}
