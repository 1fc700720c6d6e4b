//! Taking a forgotten spending PIN away: for whoever has what the identity is opened with, while the node is stopped.

use secrecy::SecretString;

use super::door::Door;
use super::event::{Failure, sentence};
use super::options::NodeOptions;
use super::{pin_desk, queries};
use crate::config::Paths;
use crate::domain::spend_lock::Spending;
use crate::identity::{Identity, IdentityError, SealError};
use crate::store::{Store, StoreOptions};
use crate::wallet::pin::{PinError, SpendingPin};

/// What shows whose node it is.
#[derive(Debug)]
pub enum Proof {
    /// Of an encrypted identity.
    Passphrase(SecretString),
    /// The identity's, where it lies in the open: it has to be somebody who has them elsewhere as well.
    Words(SecretString),
}

impl Proof {
    /// Whether it fits.
    fn fits(&self, paths: &Paths) -> Result<bool, IdentityError> {
        match self {
            Self::Passphrase(passphrase) => match Identity::unlock(paths, Some(passphrase)) {
                Ok(_) => Ok(true),
                Err(IdentityError::Sealed { source: SealError::WrongPassphrase, .. }) => Ok(false),
                Err(error) => Err(error),
            },
            Self::Words(words) => Ok(Identity::load(paths)?.is_of(words)),
        }
    }
}

/// Whether there is a PIN at all.
pub fn has_pin(options: &NodeOptions) -> Result<bool, Failure> {
    Ok(pin_desk::look(options)?.has_pin)
}

/// Takes the PIN away. What is locked stays locked, and a proof that does not fit counts as a wrong PIN.
pub fn reset(options: &NodeOptions, proof: Proof) -> Result<Spending, Failure> {
    let internal = |error: std::io::Error| Failure::internal(format!("Nothing was begun: {error}."));
    tokio::runtime::Builder::new_current_thread().build().map_err(internal)?.block_on(taken(options, proof))
}

async fn taken(options: &NodeOptions, proof: Proof) -> Result<Spending, Failure> {
    let paths = options.paths.clone();
    paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
    let _door = Door::take(&paths, options.clock.now())?;
    let opening = StoreOptions { observer: options.observer.clone(), fault: options.disk.clone() };
    let store = Store::open(&paths.ledger, opening).map_err(|error| queries::failure(&error))?;
    let pin = SpendingPin::new(store.clone(), options.clock.clone());
    let done = pin.reset(move || proof.fits(&paths).map_err(|error| error.to_string())).await;
    if let Err(error) = store.close().await {
        tracing::error!("The ledger did not close cleanly: {error}. Nothing that was acknowledged is lost.");
    }
    match &done {
        Ok(_) => tracing::warn!("The spending PIN was taken away by somebody who could open the identity."),
        Err(PinError::Unproven { .. }) => tracing::warn!("Somebody wanted the spending PIN taken away and could not open the identity."),
        Err(_) => {}
    }
    done.map_err(|error| pin_desk::refused(&error))
}
