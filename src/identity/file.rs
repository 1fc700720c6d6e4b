//! The file the words are kept in.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{IdentityError, Replace};
use crate::config::Paths;

/// Writes the words, whole or not at all, over nothing. Returns where an earlier identity was moved.
pub fn write(paths: &Paths, mnemonic: &SecretString, replace: Replace) -> Result<Option<PathBuf>, IdentityError> {
    paths.ensure()?;
    let path = &paths.identity_mnemonic;
    let failed = |source| IdentityError::Io { path: path.clone(), source };
    let standing = [path, &paths.identity_age].into_iter().find(|path| path.symlink_metadata().is_ok());
    let backup = match (standing, replace) {
        (None, _) => None,
        (Some(standing), Replace::Never) => return Err(IdentityError::Exists { path: standing.clone() }),
        (Some(standing), Replace::MoveAside) => Some(move_aside(standing)?),
    };
    let dir = path.parent().unwrap_or(Path::new("."));
    // A temporary file is 0600 from the start.
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
    file.write_all(mnemonic.expose_secret().as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    // Refuses to replace a file that appeared in the meantime.
    file.persist_noclobber(path).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => IdentityError::Exists { path: path.clone() },
        _ => failed(error.error),
    })?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
    Ok(backup)
}

/// Gives an identity another name beside its own, closed to others.
fn move_aside(path: &Path) -> Result<PathBuf, IdentityError> {
    let failed = |source| IdentityError::Io { path: path.to_owned(), source };
    let secs = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{secs}"));
    let mut aside = path.with_file_name(&name);
    let mut number = 1;
    while aside.symlink_metadata().is_ok() {
        let mut numbered = name.clone();
        numbered.push(format!("-{number}"));
        aside = path.with_file_name(numbered);
        number += 1;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    fs::rename(path, &aside).map_err(failed)?;
    Ok(aside)
}

/// Reads the words.
pub fn read(paths: &Paths) -> Result<SecretString, IdentityError> {
    let path = &paths.identity_mnemonic;
    let failed = |source| IdentityError::Io { path: path.clone(), source };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let encrypted = &paths.identity_age;
            return Err(if encrypted.exists() {
                IdentityError::Encrypted { path: encrypted.clone() }
            } else {
                IdentityError::Missing { path: path.clone() }
            });
        }
        Err(error) => return Err(failed(error)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(IdentityError::TooOpen { path: path.clone(), mode });
        }
    }
    #[cfg(not(unix))]
    let _ = metadata;
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    Ok(SecretString::from(text.as_str()))
}
