//! The file the words are kept in.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use secrecy::SecretString;

use super::{IdentityError, Replace, conversion};
use crate::config::{Paths, SecretFile};

/// Writes the words, whole or not at all, over nothing. Returns where an earlier identity was moved.
pub fn write(paths: &Paths, mnemonic: &SecretString, replace: Replace) -> Result<Option<PathBuf>, IdentityError> {
    paths.ensure()?;
    let path = &paths.identity_mnemonic;
    let mut backup = None;
    for standing in [path, &paths.identity_age].into_iter().filter(|path| path.symlink_metadata().is_ok()) {
        match replace {
            Replace::Never => return Err(IdentityError::Exists { path: standing.clone() }),
            Replace::MoveAside => backup = Some(move_aside(standing)?),
        }
    }
    SecretFile::at(path).write(mnemonic)?;
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
pub fn read(paths: &Paths, passphrase: Option<&SecretString>) -> Result<SecretString, IdentityError> {
    let (plain, encrypted) = (&paths.identity_mnemonic, &paths.identity_age);
    let is_encrypted = encrypted.symlink_metadata().is_ok();
    match (SecretFile::at(plain).read()?, passphrase) {
        (Some(_), _) if is_encrypted => Err(IdentityError::Both { plain: plain.clone(), encrypted: encrypted.clone() }),
        (Some(words), _) => Ok(words),
        (None, _) if !is_encrypted => Err(IdentityError::Missing { path: plain.clone() }),
        (None, None) => Err(IdentityError::Encrypted { path: encrypted.clone() }),
        (None, Some(passphrase)) => conversion::unlock(paths, &SecretFile::at(encrypted), passphrase),
    }
}
