//! `pylon identity`.

use pylon_hud::identity::{self, IdentityError, WorkFactor};
use pylon_hud::node::connection::Kept;
use pylon_hud::node::{Failure, Market, sentence};

use crate::args::{IdentityVerb, Output, Unlock};
use crate::passphrase::{self, Asking};
use crate::report;
use crate::talk::Place;

/// Encrypts or decrypts the identity's file. A running node has read it already and goes on.
pub fn run(place: &Place, verb: &IdentityVerb) -> Result<(), Failure> {
    if place.market == Market::Practice {
        return Err(Failure::usage("The practice identity holds nothing worth a passphrase.").hint("Leave --practice out."));
    }
    let failed = |error: IdentityError| Failure::user(sentence(&error));
    let kept = Kept::at(&place.paths);
    match verb {
        IdentityVerb::Encrypt { unlock, work_factor, output } => {
            // With the encrypted file there already, an earlier try was interrupted and its passphrase is meant.
            let asking = if place.paths.identity_age.exists() { Asking::Once } else { Asking::Twice };
            let passphrase = needed(place, unlock, asking)?;
            let work = work_factor.and_then(WorkFactor::new).unwrap_or_default();
            let identity = identity::encrypt(&place.paths, &passphrase, work).map_err(failed)?;
            // What is left undone here is done by the next start.
            kept.seal(&passphrase).map_err(|error| Failure::user(sentence(&error)).hint("The identity is encrypted."))?;
            let (new, old) = (place.paths.identity_age.display(), place.paths.identity_mnemonic.display());
            done(&identity.npub(), &format!("Encrypted: {new} was read back, and {old} is deleted."), *output)?;
            report::aside(
                "Without the passphrase only the words you have written down bring it back. What a deleted file held can stay on a disk for a while.",
            );
            Ok(())
        }
        IdentityVerb::Decrypt { unlock, output } => {
            let passphrase = needed(place, unlock, Asking::Once)?;
            // First, as nobody has the passphrase any more afterwards.
            kept.unseal(&passphrase).map_err(|error| Failure::user(sentence(&error)).hint("Nothing was decrypted."))?;
            let identity = identity::decrypt(&place.paths, &passphrase).map_err(failed)?;
            let (new, old) = (place.paths.identity_mnemonic.display(), place.paths.identity_age.display());
            done(&identity.npub(), &format!("Decrypted: {new} was read back, and {old} is deleted."), *output)
        }
    }
}

fn needed(place: &Place, unlock: &Unlock, asking: Asking) -> Result<secrecy::SecretString, Failure> {
    passphrase::find(place, unlock, asking)?
        .ok_or_else(|| Failure::user("There is no passphrase.").hint("Run it on a terminal, or hand it over with `--passphrase-fd N`."))
}

fn done(npub: &str, sentence: &str, output: Output) -> Result<(), Failure> {
    if output.json { report::json(&serde_json::json!({ "npub": npub })) } else { report::line(&format!("{npub}\n{sentence}")) }
}
