//! Who we are: a mnemonic on disk, the Nostr key derived from it (NIP-06).
//!
//! Made only when somebody asks, never overwritten, 0600 from its first moment. The file is plain, or encrypted with a
//! passphrase (`identity.age`) once its owner has asked for that. Two files are refused, because nobody can tell which of
//! them is meant.

mod conversion;
mod file;
mod sealed;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use nostr::nips::nip19::ToBech32 as _;
use secrecy::SecretString;

pub use conversion::{decrypt, encrypt};
pub use sealed::{SealError, WorkFactor, open, seal};
pub use words::{WordCount, WordsError};

use crate::config::{PathError, Paths, SecretFileError};
use crate::domain::ids::Pubkey;

/// Our keys. Debug shows the public one.
#[derive(Clone)]
pub struct Identity {
    keys: nostr::Keys,
}

/// What making or importing gave.
#[derive(Debug)]
pub struct Created {
    pub identity: Identity,
    /// To be shown once.
    pub mnemonic: SecretString,
    /// Where the identity that stood there before is kept.
    pub backup: Option<PathBuf>,
}

/// What happens to an identity that is already there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Replace {
    /// It stays and nothing is made.
    #[default]
    Never,
    /// It is moved aside and kept.
    MoveAside,
}

#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("there is no identity at {}; make one with `pylon init`", path.display())]
    Missing { path: PathBuf },
    #[error("there is an identity at {} already; it stays. `pylon init --replace` moves it aside first", path.display())]
    Exists { path: PathBuf },
    #[error("{} can be read by others (mode {mode:o}); close it with `chmod 600 {}`", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{} is encrypted, and there is no passphrase to unlock it with", path.display())]
    Encrypted { path: PathBuf },
    #[error("{} cannot be unlocked: {source}", path.display())]
    Sealed {
        path: PathBuf,
        #[source]
        source: SealError,
    },
    #[error("{} is encrypted already", path.display())]
    AlreadyEncrypted { path: PathBuf },
    #[error("{} is not encrypted", path.display())]
    NotEncrypted { path: PathBuf },
    #[error("{} and {} are both there: encrypting or decrypting was interrupted. Nothing is lost; `pylon identity encrypt` or `pylon identity decrypt` compares them and finishes it", plain.display(), encrypted.display())]
    Both { plain: PathBuf, encrypted: PathBuf },
    #[error("{} and {} hold different identities; both stay. Move the one you do not want elsewhere", plain.display(), encrypted.display())]
    Different { plain: PathBuf, encrypted: PathBuf },
    #[error("{} holds no identity: {source}", path.display())]
    NotAMnemonic {
        path: PathBuf,
        #[source]
        source: WordsError,
    },
    #[error(transparent)]
    Words(#[from] WordsError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl From<SecretFileError> for IdentityError {
    fn from(error: SecretFileError) -> Self {
        match error {
            SecretFileError::Exists { path } => Self::Exists { path },
            SecretFileError::TooOpen { path, mode } => Self::TooOpen { path, mode },
            SecretFileError::Io { path, source } => Self::Io { path, source },
        }
    }
}

impl Identity {
    /// Makes an identity of new words.
    pub fn create(paths: &Paths, count: WordCount, replace: Replace) -> Result<Created, IdentityError> {
        Self::store(paths, words::generate(count)?, replace)
    }

    /// Makes an identity of existing words.
    pub fn import(paths: &Paths, phrase: SecretString, replace: Replace) -> Result<Created, IdentityError> {
        Self::store(paths, words::normalise(&phrase)?, replace)
    }

    fn store(paths: &Paths, mnemonic: SecretString, replace: Replace) -> Result<Created, IdentityError> {
        let identity = Self::of_words(&mnemonic)?;
        let backup = file::write(paths, &mnemonic, replace)?;
        Ok(Created { identity, mnemonic, backup })
    }

    /// Reads an identity that is not encrypted. Refuses a file that others could have read.
    pub fn load(paths: &Paths) -> Result<Self, IdentityError> {
        Self::unlock(paths, None)
    }

    /// Reads the identity, encrypted or not.
    pub fn unlock(paths: &Paths, passphrase: Option<&SecretString>) -> Result<Self, IdentityError> {
        let phrase = file::read(paths, passphrase)?;
        Self::of_words(&phrase).map_err(|source| IdentityError::NotAMnemonic { path: paths.identity_mnemonic.clone(), source })
    }

    /// The words themselves, for the wallet that is made of them, and the key that names them.
    pub fn words(paths: &Paths, passphrase: Option<&SecretString>) -> Result<(Pubkey, SecretString), IdentityError> {
        let phrase = words::normalise(&file::read(paths, passphrase)?)?;
        let identity = Self::of_words(&phrase)?;
        Ok((identity.pubkey(), phrase))
    }

    fn of_words(phrase: &SecretString) -> Result<Self, WordsError> {
        Ok(Self { keys: words::derive(phrase)? })
    }

    /// Whether it is made of these words.
    pub fn is_of(&self, phrase: &SecretString) -> bool {
        words::normalise(phrase).and_then(|phrase| Self::of_words(&phrase)).is_ok_and(|other| other.pubkey() == self.pubkey())
    }

    /// The public key.
    pub fn pubkey(&self) -> Pubkey {
        Pubkey(self.keys.public_key().to_bytes())
    }

    /// The public key as people exchange it (NIP-19).
    pub fn npub(&self) -> String {
        match self.keys.public_key().to_bech32() {
            Ok(npub) => npub,
            Err(never) => match never {},
        }
    }

    /// The keys, for signing and decrypting.
    pub fn nostr_keys(&self) -> &nostr::Keys {
        &self.keys
    }
}

/// Where the words of the Spark wallet are, if they are not the identity's: beside it, and kept in the same way.
pub fn wallet_paths(paths: &Paths) -> Paths {
    Paths { identity_mnemonic: paths.wallet_mnemonic.clone(), identity_age: paths.wallet_age.clone(), ..paths.clone() }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.npub())
    }
}
