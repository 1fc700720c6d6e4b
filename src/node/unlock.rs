//! Who the node is: reading the identity, with its passphrase if it has one.

use super::event::{Failure, sentence};
use super::options::NodeOptions;
use crate::identity::{Identity, IdentityError, SealError};

/// Reads the identity. An encrypted one takes a second of arithmetic, on a thread that may.
pub async fn unlock(options: &NodeOptions) -> Result<Identity, Failure> {
    let (paths, passphrase) = (options.paths.clone(), options.passphrase.clone());
    let unlocked = tokio::task::spawn_blocking(move || Identity::unlock(&paths, passphrase.as_deref())).await;
    match unlocked {
        Ok(identity) => identity.map_err(|error| refused(&error)),
        Err(error) => Err(Failure::internal(format!("The identity was not read: {error}."))),
    }
}

/// An identity that cannot be used, with what to do about it.
pub fn refused(error: &IdentityError) -> Failure {
    match error {
        IdentityError::Encrypted { .. } => Failure::locked(sentence(error))
            .hint("The window asks for the passphrase, and so does, on a terminal, every command that starts a node.")
            .hint("Elsewhere, hand it over with `--passphrase-fd N`, or as the systemd credential `pylon-passphrase`."),
        IdentityError::Sealed { source: SealError::WrongPassphrase, .. } => Failure::locked(sentence(error)),
        _ => Failure::user(sentence(error)),
    }
}
