//! One node per data directory: the lock that says so, and who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::holder::LockHolder;
use crate::domain::time::UnixMs;

/// Who holds the lock, as written into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub pid: u32,
    pub version: String,
    pub started_at: UnixMs,
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("a node is already running on {}{}; stop it with `pylon stop`, or give this one its own --data-dir", dir.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held { dir: PathBuf, pid: Option<u32> },
    #[error("the lock file {} cannot be written: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// The lock, held until dropped. The operating system lets go of it when the process ends, however it ends, so a crash
/// leaves nothing to clean up and a process number is only ever information.
#[derive(Debug)]
pub struct NodeLock {
    file: File,
}

impl NodeLock {
    /// Takes the lock or says who has it.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self, LockError> {
        let failed = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let dir = path.parent().unwrap_or(path).to_owned();
                // The system's word before the file's: whoever has just won may not have written it yet.
                let pid = LockHolder::find(path).map(|holder| holder.pid());
                return Err(LockError::Held { dir, pid: pid.or_else(|| Some(read_holder(&mut file)?.pid)) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = serde_json::to_string(holder).unwrap_or_default();
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes())).map_err(failed)?;
        Ok(Self { file })
    }
}

impl Drop for NodeLock {
    fn drop(&mut self) {
        // Emptied before it is let go, so that nobody reads a holder that is gone. Failing changes nothing: the lock decides.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32) -> Holder {
        Holder { pid, version: "0.1.0".into(), started_at: UnixMs(1) }
    }

    #[test]
    fn the_second_node_is_told_who_holds_the_directory_and_not_what_stands_in_the_file() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("pylon.lock");
        let first = NodeLock::take(&path, &holder(41)).expect("free");
        let refused = NodeLock::take(&path, &holder(42)).expect_err("held").to_string();
        let pid = if cfg!(target_os = "linux") { std::process::id() } else { 41 };
        assert!(refused.contains(&format!("process {pid}")) && refused.contains("pylon stop"), "{refused}");
        drop(first);
        NodeLock::take(&path, &holder(42)).expect("free again");
    }

    #[test]
    fn a_lock_left_by_a_crash_is_free() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("pylon.lock");
        std::fs::write(&path, serde_json::to_string(&holder(1)).expect("json")).expect("write");
        NodeLock::take(&path, &holder(2)).expect("nobody holds it");
    }
}
