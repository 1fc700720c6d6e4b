//! `pylon wallet words`: words for the Spark wallet alone.

use std::io::Read as _;

use pylon_hud::config::edit::Editor;
use pylon_hud::identity::{self, Identity, IdentityError, Replace, WordCount, WorkFactor};
use pylon_hud::node::{Failure, sentence};
use secrecy::ExposeSecret as _;

use crate::args::{Output, Unlock};
use crate::passphrase;
use crate::report;
use crate::talk::Place;

/// Makes them, or imports them, beside the identity's; those that are there are never overwritten.
/// Where the identity is under a passphrase, they are put under the same one.
pub fn run(place: &Place, import: bool, unlock: &Unlock, output: Output) -> Result<(), Failure> {
    let failed = |error: IdentityError| Failure::user(sentence(&error));
    let passphrase = passphrase::to_start(place, unlock)?;
    if place.paths.identity_age.exists() {
        Identity::unlock(&place.paths, passphrase.as_ref()).map_err(failed)?;
    }
    let paths = identity::wallet_paths(&place.paths);
    if let Some(there) = [&paths.identity_mnemonic, &paths.identity_age].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Failure::user(format!("The wallet has words of its own already, in {}; they stay.", there.display())));
    }
    let created = if import {
        let words = passphrase::of_input("The words", |input, text| input.read_to_string(text))?;
        Identity::import(&paths, words, Replace::Never)
    } else {
        Identity::create(&paths, WordCount::default(), Replace::Never)
    };
    let created = created.map_err(failed)?;
    if let Some(passphrase) = &passphrase {
        identity::encrypt(&paths, passphrase, WorkFactor::default()).map_err(failed)?;
    }
    let editor = Editor::new(&place.paths, &place.environment, &place.overrides);
    editor.set("wallet.mnemonic", "separate").map_err(|error| Failure::usage(sentence(&error)))?;
    match (import, output.json) {
        (true, _) => report::done("The wallet is made of these words from the next start on.", output),
        (false, true) => report::json(&serde_json::json!({ "words": created.mnemonic.expose_secret() })),
        (false, false) => {
            report::line(created.mnemonic.expose_secret())?;
            report::aside("Write these words down: they are the money. They are shown once, and used from the next start on.");
            Ok(())
        }
    }
}
