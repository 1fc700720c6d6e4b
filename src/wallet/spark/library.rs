//! The library's file: which one it has to be, where it is looked for, and how it gets there.
//!
//! Nothing else is loaded. The file is opened once, and what was opened is what is compared and loaded: exchanging the
//! file in between changes nothing.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The one place that says which library it is. `scripts/setup` reads it as well.
const PINNED: &str = include_str!("pinned.txt");
/// Files that are larger are not even looked at.
const MOST_BYTES: u64 = 200_000_000;

/// The library for this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pinned {
    /// The package on PyPI.
    pub package: &'static str,
    pub version: &'static str,
    /// In hexadecimal.
    pub sha256: &'static str,
    /// What the file is called.
    pub file: &'static str,
}

/// Why a file is not the library.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    #[error("there is no Spark library for this system ({})", .0)]
    Platform(String),
    #[error("the Spark library is not there; it was looked for at {}", list(.0))]
    Missing(Vec<PathBuf>),
    #[error("{} is not the Spark library this program was made for ({version}): its SHA-256 is {found} instead of {wanted}", path.display())]
    Wrong { path: PathBuf, version: &'static str, found: String, wanted: &'static str },
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

/// The library for the system this program was built for.
pub fn pinned() -> Result<Pinned, LibraryError> {
    let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
    find(PINNED, system, processor).ok_or_else(|| LibraryError::Platform(format!("{system} on {processor}")))
}

fn find(text: &'static str, system: &str, processor: &str) -> Option<Pinned> {
    let lines = || text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (package, version) = lines().find_map(|words| match words.as_slice() {
        ["package", package, version] => Some((*package, *version)),
        _ => None,
    })?;
    lines().find_map(|words| match words.as_slice() {
        [found, kind, sha256, file] if *found == system && (*kind == processor || *kind == "any") => {
            Some(Pinned { package, version, sha256, file })
        }
        _ => None,
    })
}

/// Where the library may be, in the order in which it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `wallet.spark_library`: then nowhere else.
    pub named: Option<PathBuf>,
    pub data_dir: PathBuf,
    /// Where `scripts/setup` and `pylon wallet install` put it.
    pub shared: Option<PathBuf>,
}

impl Places {
    /// The first of them that has a file. Whether that is the library is not known yet.
    pub fn find(&self) -> Result<PathBuf, LibraryError> {
        let pinned = pinned()?;
        let places = match &self.named {
            Some(named) => vec![named.clone()],
            None => std::iter::once(&self.data_dir).chain(&self.shared).map(|dir| dir.join(pinned.file)).collect(),
        };
        places.iter().find(|path| path.is_file()).cloned().ok_or(LibraryError::Missing(places))
    }
}

/// A file that is the library, as it was when it was opened.
#[derive(Debug)]
pub struct Verified {
    file: File,
    path: PathBuf,
}

impl Verified {
    /// Opens a file and compares it.
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        let pinned = pinned()?;
        let failed = |source| LibraryError::Io { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let found = digest(&mut file).map_err(failed)?;
        if found != pinned.sha256 {
            return Err(LibraryError::Wrong { path: path.to_owned(), version: pinned.version, found, wanted: pinned.sha256 });
        }
        Ok(Self { file, path: path.to_owned() })
    }

    /// A path that leads to this very file, whatever stands at the old one by now. On systems that have none, the old one.
    pub fn path(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd as _;
            PathBuf::from(format!("/proc/self/fd/{}", self.file.as_raw_fd()))
        }
        #[cfg(not(target_os = "linux"))]
        self.path.clone()
    }

    /// Copies it into this directory, closed to others, whole or not at all. Returns where it is now.
    pub fn install(mut self, dir: &Path) -> Result<PathBuf, LibraryError> {
        use std::io::Seek as _;
        let pinned = pinned()?;
        let target = dir.join(pinned.file);
        let failed = |source| LibraryError::Io { path: target.clone(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let mut copy = tempfile::NamedTempFile::new_in(dir).map_err(failed)?;
        self.file.rewind().and_then(|()| io::copy(&mut self.file, &mut copy)).map_err(failed)?;
        // What was read now has to be what was compared.
        let copied = digest(&mut File::open(copy.path()).map_err(failed)?).map_err(failed)?;
        if copied != pinned.sha256 {
            return Err(LibraryError::Wrong { path: self.path, version: pinned.version, found: copied, wanted: pinned.sha256 });
        }
        copy.as_file().sync_all().map_err(failed)?;
        copy.persist(&target).map_err(|error| failed(error.error))?;
        Ok(target)
    }
}

/// A file's SHA-256, in hexadecimal.
fn digest(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut part = vec![0; 1 << 16];
    let mut file = file.take(MOST_BYTES);
    loop {
        let count = file.read(&mut part)?;
        let Some(bytes) = part.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    #[test]
    fn there_is_a_library_for_each_system_it_is_made_for_and_none_for_others() {
        for (system, processor) in
            [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("macos", "x86_64"), ("windows", "x86_64")]
        {
            let pinned = find(PINNED, system, processor).unwrap();
            assert_eq!((pinned.package, pinned.version, pinned.sha256.len()), ("breez-sdk-spark", "0.27.2", 64), "{system}");
        }
        assert_eq!(find(PINNED, "linux", "riscv64"), None);
        assert_eq!(find(PINNED, "freebsd", "x86_64"), None);
    }

    #[test]
    fn a_file_that_is_not_the_library_is_neither_loaded_nor_installed() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { named: None, data_dir: dir.path().join("lib"), shared: Some(dir.path().join("shared")) };
        let missing = places.find().unwrap_err().to_string();
        assert!(missing.contains("/lib/") && missing.contains("/shared/"), "{missing}");
        let file = dir.path().join("shared").join(pinned().unwrap().file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "not the library").unwrap();
        assert_eq!(places.find().unwrap(), file);
        let wrong = Verified::open(&file).unwrap_err().to_string();
        assert!(wrong.contains(&hex::encode(Sha256::digest("not the library"))) && wrong.contains("0.27.2"), "{wrong}");
    }

    #[test]
    fn a_library_that_is_named_is_looked_for_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let (named, other) = (dir.path().join("named.so"), dir.path().join(pinned().unwrap().file));
        fs::write(&other, "another").unwrap();
        let places = Places { named: Some(named.clone()), data_dir: dir.path().to_owned(), shared: None };
        assert!(matches!(places.find(), Err(LibraryError::Missing(looked)) if looked == [named]));
    }
}
