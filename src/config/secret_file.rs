//! A small file with a secret in it, which nobody but its owner can read.

use std::fs::{self, File, Metadata};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// A place for one secret. Holds only the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
}

/// Why a secret cannot be read or written. Never contains it.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    #[error("there is a file at {} already; it stays", path.display())]
    Exists { path: PathBuf },
    #[error("{} can be read by others (mode {mode:o}); close it with `chmod 600 {}`", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl SecretFile {
    /// The secret at this path, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None`: there is none. Refuses a file that others could have read.
    pub fn read(&self) -> Result<Option<SecretString>, SecretFileError> {
        let metadata = match fs::metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        if let Some(mode) = open_to_others(&metadata) {
            return Err(SecretFileError::TooOpen { path: self.path.clone(), mode });
        }
        let text = Zeroizing::new(fs::read_to_string(&self.path).map_err(|error| self.failed(error))?);
        Ok(Some(SecretString::from(text.as_str())))
    }

    /// Writes it over nothing, whole or not at all, 0600 from its first moment.
    pub fn write(&self, secret: &SecretString) -> Result<(), SecretFileError> {
        let failed = |error| self.failed(error);
        let dir = self.path.parent().unwrap_or(Path::new("."));
        // A temporary file is 0600 from the start.
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        file.write_all(secret.expose_secret().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        // Refuses to replace a file that appeared in the meantime.
        file.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => SecretFileError::Exists { path: self.path.clone() },
            _ => failed(error.error),
        })?;
        self.sync_dir()
    }

    /// Deletes it. Returns whether there was one.
    pub fn remove(&self) -> Result<bool, SecretFileError> {
        match fs::remove_file(&self.path) {
            Ok(()) => self.sync_dir().map(|()| true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn sync_dir(&self) -> Result<(), SecretFileError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| self.failed(error))
    }

    fn failed(&self, source: std::io::Error) -> SecretFileError {
        SecretFileError::Io { path: self.path.clone(), source }
    }
}

/// The mode of a file that somebody else could read or write; `None`: nobody could, or the system has no modes.
pub fn open_to_others(metadata: &Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        (mode & 0o077 != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_closed_to_others_never_replaced_and_refused_when_it_was_open() {
        let dir = tempfile::tempdir().unwrap();
        let file = SecretFile::at(dir.path().join("nwc"));
        assert!(file.read().unwrap().is_none() && !file.remove().unwrap());
        file.write(&SecretString::from("one")).unwrap();
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(file.write(&SecretString::from("two")), Err(SecretFileError::Exists { .. })));
        assert_eq!(file.read().unwrap().unwrap().expose_secret().trim(), "one");
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        let refused = file.read().unwrap_err();
        assert!(refused.to_string().contains("chmod 600") && !refused.to_string().contains("one"), "{refused}");
        assert!(file.remove().unwrap() && file.read().unwrap().is_none());
    }
}
