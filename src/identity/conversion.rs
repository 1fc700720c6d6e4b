//! From a plain identity file to an encrypted one and back. At every moment one whole file is on the disk: the new one is
//! written and read back before the old one goes. Whoever is interrupted in between finds both, and doing the same again
//! finishes it.

use secrecy::{ExposeSecret as _, SecretString};

use super::sealed::{self, SealError, WorkFactor};
use super::{Identity, IdentityError, words};
use crate::config::{Paths, SecretFile};

/// Puts the words under a passphrase and deletes the plain file. With both files there, the passphrase has to be the one
/// of the encrypted file.
pub fn encrypt(paths: &Paths, passphrase: &SecretString, work: WorkFactor) -> Result<Identity, IdentityError> {
    let (plain, encrypted) = files(paths);
    let Some(found) = plain.read()? else {
        let path = paths.identity_age.clone();
        return Err(if path.exists() { IdentityError::AlreadyEncrypted { path } } else { missing(paths) });
    };
    let invalid = |source| IdentityError::NotAMnemonic { path: paths.identity_mnemonic.clone(), source };
    let found = words::normalise(&found).map_err(invalid)?;
    if encrypted.read()?.is_none() {
        encrypted.write(&sealed::seal(&found, passphrase, work).map_err(|error| unopened(paths, error))?)?;
    }
    same(paths, &found, &unlock(paths, &encrypted, passphrase)?)?;
    plain.remove()?;
    Identity::of_words(&found).map_err(invalid)
}

/// Writes the words in the open and deletes the encrypted file.
pub fn decrypt(paths: &Paths, passphrase: &SecretString) -> Result<Identity, IdentityError> {
    let (plain, encrypted) = files(paths);
    if encrypted.read()?.is_none() {
        let path = paths.identity_mnemonic.clone();
        return Err(if path.exists() { IdentityError::NotEncrypted { path } } else { missing(paths) });
    }
    let found = unlock(paths, &encrypted, passphrase)?;
    let invalid = |source| IdentityError::NotAMnemonic { path: paths.identity_age.clone(), source };
    let found = words::normalise(&found).map_err(invalid)?;
    if plain.read()?.is_none() {
        plain.write(&found)?;
    }
    let written = plain.read()?.ok_or_else(|| missing(paths))?;
    same(paths, &words::normalise(&written).map_err(invalid)?, &found)?;
    encrypted.remove()?;
    Identity::of_words(&found).map_err(invalid)
}

/// The words in the encrypted file.
pub fn unlock(paths: &Paths, encrypted: &SecretFile, passphrase: &SecretString) -> Result<SecretString, IdentityError> {
    let text = encrypted.read()?.ok_or_else(|| missing(paths))?;
    sealed::open(&text, passphrase).map_err(|error| unopened(paths, error))
}

fn files(paths: &Paths) -> (SecretFile, SecretFile) {
    (SecretFile::at(&paths.identity_mnemonic), SecretFile::at(&paths.identity_age))
}

fn missing(paths: &Paths) -> IdentityError {
    IdentityError::Missing { path: paths.identity_mnemonic.clone() }
}

fn unopened(paths: &Paths, source: SealError) -> IdentityError {
    IdentityError::Sealed { path: paths.identity_age.clone(), source }
}

/// Two files of one identity, or two identities, of which neither is anybody's to delete.
fn same(paths: &Paths, one: &SecretString, other: &SecretString) -> Result<(), IdentityError> {
    if one.expose_secret() == other.expose_secret() {
        return Ok(());
    }
    Err(IdentityError::Different { plain: paths.identity_mnemonic.clone(), encrypted: paths.identity_age.clone() })
}
