//! A directory of ours that takes what is written, or a sentence that says why not and what to do.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What a disk has to have room for, in bytes, before anything is begun on it.
const ROOM: usize = 64 * 1024;

/// A place that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    #[error("there is no home directory to put the data in; say where with --data-dir or PYLON_DATA_DIR")]
    NoHome,
    #[error("the disk under the data directory {} is full; free some space, or use another directory with --data-dir", path.display())]
    Full { path: PathBuf },
    #[error("the data directory {} is on a disk that can only be read; mount it for writing, or use another directory with --data-dir", path.display())]
    ReadOnly { path: PathBuf },
    #[error("the data directory {} belongs to another user; take it with `sudo chown -R {us} {}`, or use another directory with --data-dir", path.display(), path.display())]
    NotOurs { path: PathBuf, us: u32 },
    #[error("the data directory {} cannot be used: {source}; it must be a directory of yours that you can write to", path.display())]
    Unusable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PathError {
    fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Unusable { path, source },
        }
    }
}

/// Makes a directory that nobody else can look into, or makes it so.
pub fn make(path: &Path) -> Result<(), PathError> {
    let failed = |source| PathError::new(path, source);
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(path).map_err(failed)?;
        is_ours(path)?;
        // A directory of an earlier program may be open to others; secrets are about to be kept in it.
        if is_open(path) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
    }
    #[cfg(not(unix))]
    builder.create(path).map_err(failed)?;
    Ok(())
}

/// Whether others may look into it.
pub fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Whether it is ours and takes what is written. Asking the file system beats reading permission bits: mounts, owners and
/// room count as well. What is written has no name and is gone afterwards.
pub fn check(path: &Path) -> Result<(), PathError> {
    is_ours(path)?;
    let write = || tempfile::tempfile_in(path)?.write_all(&vec![0; ROOM]);
    write().map_err(|source| PathError::new(path, source))
}

#[cfg(unix)]
fn is_ours(path: &Path) -> Result<(), PathError> {
    use std::os::unix::fs::MetadataExt as _;
    let us = rustix::process::geteuid().as_raw();
    let owner = fs::metadata(path).map_err(|source| PathError::new(path, source))?.uid();
    if owner == us { Ok(()) } else { Err(PathError::NotOurs { path: path.to_owned(), us }) }
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> Result<(), PathError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Paths;

    #[cfg(unix)]
    #[test]
    fn the_directory_is_made_private_and_closed_if_it_was_open() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("dir");
        let paths = Paths::at(&dir.path().join("a/b"));
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        paths.ensure().expect("made");
        assert_eq!(mode(&paths.data_dir), 0o700);
        fs::set_permissions(&paths.data_dir, fs::Permissions::from_mode(0o755)).expect("opened");
        paths.ensure().expect("closed");
        assert_eq!(mode(&paths.data_dir), 0o700);
    }

    #[test]
    fn each_way_in_which_a_directory_fails_names_its_cure() {
        let path = Path::new("/somewhere");
        let said = |kind: io::ErrorKind| PathError::new(path, kind.into()).to_string();
        for (kind, cure) in [
            (io::ErrorKind::StorageFull, "free some space"),
            (io::ErrorKind::QuotaExceeded, "free some space"),
            (io::ErrorKind::ReadOnlyFilesystem, "mount it for writing"),
            (io::ErrorKind::PermissionDenied, "a directory of yours"),
        ] {
            assert!(said(kind).contains(cure) && said(kind).contains("/somewhere"), "{}", said(kind));
        }
    }

    /// The root of the file system is root's; root has to give a directory away to see this.
    #[cfg(unix)]
    #[test]
    fn a_directory_of_somebody_else_is_refused_and_left_as_it_is() {
        let dir = tempfile::tempdir().expect("dir");
        let place = if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(dir.path(), Some(12_345), None).expect("given away");
            dir.path()
        } else {
            Path::new("/")
        };
        let error = Paths::at(place).ensure().expect_err("refused").to_string();
        assert!(error.contains("another user") && error.contains("chown"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 0);
    }

    #[test]
    fn a_file_in_the_directorys_place_is_named() {
        let dir = tempfile::tempdir().expect("dir");
        let place = dir.path().join("taken");
        fs::write(&place, "x").expect("written");
        let error = Paths::at(&place).ensure().expect_err("refused").to_string();
        assert!(error.contains("taken"), "{error}");
    }
}
