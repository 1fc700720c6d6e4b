//! Getting the library: from a file somebody has, or from the Python package index, by the name of its package.
//!
//! pip fetches it, so that no address of any index stands in this program; a wheel is a zip archive, which Python opens.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::library::{LibraryError, Pinned, Verified, pinned};

/// The oldest glibc the library works with.
const GLIBC: (u32, u32) = (2, 34);

/// Why the library was not installed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error("the Spark library needs glibc 2.34 or newer, and this system has {0}")]
    OldSystem(String),
    #[error("python3 does not start ({0})")]
    NoPython(std::io::Error),
    #[error("python3 is there, and its pip is not")]
    NoPip,
    #[error("pip has not found the package {package} {version}: {words}")]
    NotFetched { package: &'static str, version: &'static str, words: String },
    #[error("{} is no wheel that can be opened: {words}", path.display())]
    Wheel { path: PathBuf, words: String },
    #[error("{} holds no {file}", path.display())]
    Empty { path: PathBuf, file: &'static str },
    #[error("no place to work in: {0}")]
    Temporary(std::io::Error),
}

/// Installs a library or a wheel that somebody has. Returns where it is now.
pub fn from_file(file: &Path, dir: &Path) -> Result<PathBuf, InstallError> {
    let pinned = pinned()?;
    check_system()?;
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("whl")) {
        let scratch = tempfile::tempdir().map_err(InstallError::Temporary)?;
        return from_wheel(file, dir, scratch.path(), pinned);
    }
    Ok(Verified::open(file)?.install(dir)?)
}

/// Fetches the package with pip and installs the library in it. Returns where it is now.
pub fn from_index(dir: &Path) -> Result<PathBuf, InstallError> {
    let pinned = pinned()?;
    check_system()?;
    let scratch = tempfile::tempdir().map_err(InstallError::Temporary)?;
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output().map_err(InstallError::NoPython)?;
    if !pip.status.success() {
        return Err(InstallError::NoPip);
    }
    let Pinned { package, version, .. } = pinned;
    let fetched = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest"])
        .arg(scratch.path())
        .arg(format!("{package}=={version}"))
        .output()
        .map_err(InstallError::NoPython)?;
    let wheel = std::fs::read_dir(scratch.path()).map_err(InstallError::Temporary)?;
    let wheel = wheel.filter_map(Result::ok).map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "whl"));
    match wheel.filter(|_| fetched.status.success()) {
        Some(wheel) => from_wheel(&wheel, dir, scratch.path(), pinned),
        None => Err(InstallError::NotFetched { package, version, words: last_words(&fetched) }),
    }
}

fn from_wheel(wheel: &Path, dir: &Path, scratch: &Path, pinned: Pinned) -> Result<PathBuf, InstallError> {
    let inside = scratch.join("inside");
    let opened = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(&inside).output().map_err(InstallError::NoPython)?;
    if !opened.status.success() {
        return Err(InstallError::Wheel { path: wheel.to_owned(), words: last_words(&opened) });
    }
    let entries = std::fs::read_dir(&inside).map_err(InstallError::Temporary)?;
    let library = entries.filter_map(Result::ok).map(|entry| entry.path().join(pinned.file)).find(|path| path.is_file());
    let library = library.ok_or(InstallError::Empty { path: wheel.to_owned(), file: pinned.file })?;
    Ok(Verified::open(&library)?.install(dir)?)
}

/// What a program has said last, as one line.
fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it does not say why");
    crate::nip90::text::line(line, 300)
}

/// Says when the system is known to be too old. One that does not tell is not refused: loading will show it.
fn check_system() -> Result<(), InstallError> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(());
    }
    let Ok(told) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else { return Ok(()) };
    let told = String::from_utf8_lossy(&told.stdout).trim().to_owned();
    if is_old(&told) { Err(InstallError::OldSystem(told)) } else { Ok(()) }
}

/// Whether this, such as `glibc 2.31`, is too old.
fn is_old(told: &str) -> bool {
    let numbers = told.rsplit(' ').next().and_then(|version| version.split_once('.'));
    let version = numbers.and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    version.is_some_and(|version| version < GLIBC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_that_is_too_old_is_known_by_its_glibc() {
        for (told, old) in
            [("glibc 2.31", true), ("glibc 2.34", false), ("glibc 2.36", false), ("glibc 3.0", false), ("", false), ("musl", false)]
        {
            assert_eq!(is_old(told), old, "{told}");
        }
    }
}
