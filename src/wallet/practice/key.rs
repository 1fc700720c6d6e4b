//! The key of a practice wallet, in a file beside its records.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use nostr::{Keys, SecretKey};
use zeroize::Zeroizing;

use super::OpenError;
use super::book::Book;
use crate::wallet::log::{private, sync_dir};

/// The wallet's key, made when there is none. Records that have one and have lost it are not given another.
pub fn open(path: &Path, book: &Book) -> Result<Keys, OpenError> {
    let wrong = |why: &'static str| OpenError::Key { path: path.to_owned(), why };
    let keys = match fs::symlink_metadata(path) {
        Ok(_) => read_key(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound && book.owner().is_none() => make_key(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(wrong("it is gone, and the records cannot be used without it"));
        }
        Err(source) => return Err(OpenError::Io { path: path.to_owned(), source }),
    };
    if book.owner().is_some_and(|owner| owner.0 != keys.public_key().to_bytes()) {
        return Err(wrong("it is not the key of these records"));
    }
    Ok(keys)
}

fn read_key(path: &Path) -> Result<Keys, OpenError> {
    let mut text = Zeroizing::new(String::new());
    let mut file = private(path, OpenOptions::new().read(true))?;
    file.read_to_string(&mut text).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let secret = SecretKey::from_hex(text.trim()).map_err(|_| OpenError::Key { path: path.to_owned(), why: "it holds no key" })?;
    Ok(Keys::new(secret))
}

fn make_key(path: &Path) -> Result<Keys, OpenError> {
    let failed = |source| OpenError::Io { path: path.to_owned(), source };
    let keys = Keys::generate();
    let text = Zeroizing::new(keys.secret_key().to_secret_hex());
    // A temporary file is 0600 from the start.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    sync_dir(path).map_err(failed)?;
    Ok(keys)
}
