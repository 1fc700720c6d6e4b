//! Where the connection to somebody's own wallet is kept: under the identity's passphrase (`nwc.age`), or, like an identity
//! without one, in the open and closed to everybody else (`nwc`).
//!
//! At every moment one whole file is on the disk: the new one is written and read back before the old one goes. Whoever is
//! interrupted in between finds both, and the next opening finishes it.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{Paths, SecretFile, SecretFileError};
use crate::identity::{self, SealError, WorkFactor};
use crate::wallet::nwc::{Connection, StoredError};

/// The files of a connection, of which one is there.
#[derive(Debug, Clone)]
pub struct Kept {
    plain: SecretFile,
    sealed: SecretFile,
    work: WorkFactor,
}

/// Why a connection cannot be kept or used. Never contains it.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(transparent)]
    Stored(#[from] StoredError),
    #[error("{} is encrypted, and there is no passphrase to open it with", path.display())]
    Encrypted { path: PathBuf },
    #[error("{} cannot be opened: {source}", path.display())]
    Sealed {
        path: PathBuf,
        #[source]
        source: SealError,
    },
    #[error("{} and {} hold different connections; both stay. Move the one you do not want elsewhere", plain.display(), sealed.display())]
    Different { plain: PathBuf, sealed: PathBuf },
}

impl From<SecretFileError> for KeptError {
    fn from(error: SecretFileError) -> Self {
        Self::Stored(StoredError::File(error))
    }
}

impl Kept {
    pub fn at(paths: &Paths) -> Self {
        let (plain, sealed) = (SecretFile::at(&paths.nwc), SecretFile::at(&paths.nwc_age));
        Self { plain, sealed, work: WorkFactor::default() }
    }

    /// Whether it takes a passphrase to open it.
    pub fn is_sealed(&self) -> bool {
        self.sealed.path().symlink_metadata().is_ok()
    }

    /// Stores a connection, under this passphrase if there is one. An earlier one stays, and is an error.
    pub fn store(&self, connection: &Connection, passphrase: Option<&SecretString>) -> Result<(), KeptError> {
        let path = self.plain.path();
        match passphrase {
            None if self.is_sealed() => Err(SecretFileError::Exists { path: self.sealed.path().to_owned() }.into()),
            None => Ok(connection.store(&self.plain)?),
            Some(_) if path.symlink_metadata().is_ok() => Err(SecretFileError::Exists { path: path.to_owned() }.into()),
            Some(passphrase) => self.write_sealed(connection, passphrase),
        }
    }

    /// Reads it; `None`: there is none. One that lies in the open is put under the passphrase on the way.
    pub fn open(&self, passphrase: Option<&SecretString>) -> Result<Option<Connection>, KeptError> {
        let (sealed, plain) = (self.sealed.read()?, Connection::load(&self.plain));
        match (sealed, passphrase) {
            (None, None) => Ok(plain?),
            (Some(_), None) => Err(KeptError::Encrypted { path: self.sealed.path().to_owned() }),
            (None, Some(passphrase)) => {
                let Some(connection) = plain? else { return Ok(None) };
                if let Err(error) = self.seal(passphrase) {
                    tracing::warn!("The wallet's connection is not encrypted yet: {error}.");
                }
                Ok(Some(connection))
            }
            (Some(text), Some(passphrase)) => {
                let connection = self.unlocked(&text, passphrase)?;
                if let Some(plain) = plain? {
                    self.same(&plain, &connection)?;
                    self.plain.remove()?;
                }
                Ok(Some(connection))
            }
        }
    }

    /// Puts one that lies in the open under this passphrase.
    pub fn seal(&self, passphrase: &SecretString) -> Result<(), KeptError> {
        let Some(connection) = Connection::load(&self.plain)? else { return Ok(()) };
        if !self.is_sealed() {
            self.write_sealed(&connection, passphrase)?;
        }
        if let Some(written) = self.sealed.read()? {
            self.same(&connection, &self.unlocked(&written, passphrase)?)?;
            self.plain.remove()?;
        }
        Ok(())
    }

    /// Takes one out from under this passphrase.
    pub fn unseal(&self, passphrase: &SecretString) -> Result<(), KeptError> {
        let Some(text) = self.sealed.read()? else { return Ok(()) };
        let connection = self.unlocked(&text, passphrase)?;
        if self.plain.read()?.is_none() {
            connection.store(&self.plain)?;
        }
        if let Some(written) = Connection::load(&self.plain)? {
            self.same(&written, &connection)?;
            self.sealed.remove()?;
        }
        Ok(())
    }

    /// Forgets it. Returns whether there was one.
    pub fn remove(&self) -> Result<bool, KeptError> {
        let (plain, sealed) = (self.plain.remove()?, self.sealed.remove()?);
        Ok(plain || sealed)
    }

    fn write_sealed(&self, connection: &Connection, passphrase: &SecretString) -> Result<(), KeptError> {
        let text = identity::seal(connection.text(), passphrase, self.work).map_err(|source| self.unopened(source))?;
        Ok(self.sealed.write(&text)?)
    }

    fn unlocked(&self, text: &SecretString, passphrase: &SecretString) -> Result<Connection, KeptError> {
        let opened = identity::open(text, passphrase).map_err(|source| self.unopened(source))?;
        let wrong = |source| StoredError::NotOne { path: self.sealed.path().to_owned(), source };
        Ok(Connection::parse(&opened).map_err(wrong)?)
    }

    fn unopened(&self, source: SealError) -> KeptError {
        KeptError::Sealed { path: self.sealed.path().to_owned(), source }
    }

    /// Two files of one connection, or two connections, of which neither is anybody's to delete.
    fn same(&self, one: &Connection, other: &Connection) -> Result<(), KeptError> {
        if one.text().expose_secret() == other.text().expose_secret() {
            return Ok(());
        }
        Err(KeptError::Different { plain: self.plain.path().to_owned(), sealed: self.sealed.path().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const WALLET: &str = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
    const SECRET: &str = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";

    struct Home {
        dir: tempfile::TempDir,
        kept: Kept,
    }

    impl Home {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let kept = Kept { work: WorkFactor::new(1).unwrap(), ..Kept::at(&Paths::at(dir.path())) };
            Self { dir, kept }
        }

        /// The files there are.
        fn files(&self) -> Vec<String> {
            let names = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }

        fn tells(&self, secret: &str) -> bool {
            self.files().iter().any(|name| fs::read_to_string(self.dir.path().join(name)).unwrap().contains(secret))
        }
    }

    fn connection(relay: &str) -> Connection {
        Connection::parse(&format!("nostr+walletconnect://{WALLET}?relay=wss://{relay}&secret={SECRET}").into()).unwrap()
    }

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn under_a_passphrase_no_file_tells_the_connection_and_nothing_else_opens_it() {
        let home = Home::new();
        home.kept.store(&connection("a.example"), Some(&secret("open sesame"))).unwrap();
        assert_eq!((home.files(), home.tells(SECRET)), (vec!["nwc.age".to_owned()], false));
        assert_eq!(fs::metadata(home.dir.path().join("nwc.age")).unwrap().permissions().mode() & 0o777, 0o600);
        let opened = home.kept.open(Some(&secret("open sesame"))).unwrap().unwrap();
        assert_eq!(opened.text().expose_secret(), connection("a.example").text().expose_secret());
        let wrong = home.kept.open(Some(&secret("open barley"))).unwrap_err().to_string();
        assert!(wrong.ends_with("nwc.age cannot be opened: the passphrase does not open it"), "{wrong}");
        let none = home.kept.open(None).unwrap_err().to_string();
        assert!(none.ends_with("nwc.age is encrypted, and there is no passphrase to open it with"), "{none}");
        for passphrase in [None, Some(&secret("open sesame"))] {
            let again = home.kept.store(&connection("b.example"), passphrase);
            assert!(matches!(again, Err(KeptError::Stored(StoredError::File(SecretFileError::Exists { .. })))), "{again:?}");
        }
        assert!(home.kept.remove().unwrap() && home.files().is_empty() && !home.kept.remove().unwrap());
        assert!(home.kept.open(None).unwrap().is_none() && home.kept.open(Some(&secret("open sesame"))).unwrap().is_none());
    }

    #[test]
    fn what_lies_in_the_open_stays_so_without_a_passphrase_and_is_sealed_by_the_first_opening_with_one() {
        let home = Home::new();
        home.kept.store(&connection("a.example"), None).unwrap();
        assert!(home.kept.open(None).unwrap().is_some() && home.files() == ["nwc"]);
        assert!(home.kept.open(Some(&secret("open sesame"))).unwrap().is_some());
        assert_eq!((home.files(), home.tells(SECRET)), (vec!["nwc.age".to_owned()], false));
        home.kept.unseal(&secret("open sesame")).unwrap();
        assert!(home.files() == ["nwc"] && home.tells(SECRET));
    }

    #[test]
    fn whoever_was_interrupted_finishes_it_and_two_connections_both_stay() {
        for finish in [
            |kept: &Kept| drop(kept.open(Some(&secret("open sesame"))).unwrap()),
            |kept: &Kept| {
                kept.seal(&secret("open sesame")).unwrap();
            },
        ] {
            // Killed when the new file was written and before the old one went.
            let home = Home::new();
            home.kept.write_sealed(&connection("a.example"), &secret("open sesame")).unwrap();
            connection("a.example").store(&home.kept.plain).unwrap();
            finish(&home.kept);
            assert_eq!(home.files(), ["nwc.age"]);
        }
        let home = Home::new();
        home.kept.write_sealed(&connection("a.example"), &secret("open sesame")).unwrap();
        connection("b.example").store(&home.kept.plain).unwrap();
        let different = home.kept.open(Some(&secret("open sesame")));
        assert!(matches!(different, Err(KeptError::Different { .. })), "{different:?}");
        assert!(home.kept.seal(&secret("open sesame")).is_err() && home.kept.unseal(&secret("open sesame")).is_err());
        assert_eq!(home.files(), ["nwc", "nwc.age"]);
    }
}
