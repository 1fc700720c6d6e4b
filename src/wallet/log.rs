//! A file of facts, one JSON object a line, that only grows. A fact is on the disk before anybody is told of it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::records::Book;

/// The file, held under a lock that the operating system lets go of when the process ends, however it ends.
#[derive(Debug)]
pub struct Log {
    file: File,
    /// Bytes that are surely facts.
    len: u64,
    /// A write failed and could not be undone: what is on the disk is not known, so nothing more is added.
    broken: bool,
}

/// A fact that could not be written.
#[derive(Debug)]
pub struct WriteError {
    pub source: io::Error,
    /// Whether the records are surely as they were.
    pub undone: bool,
}

/// Why a file of facts cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{} is in use already, perhaps by another process; end that one, or use another directory", path.display())]
    InUse { path: PathBuf },
    #[error("{} can be read by others (mode {mode:03o}); close it with: chmod 600 {}", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("line {number} of {} is wrong: {why}; move the file aside to begin anew", path.display())]
    Line { path: PathBuf, number: u64, why: String },
}

/// Facts as they were found.
pub struct Found<B> {
    pub log: Log,
    pub book: B,
    /// Bytes of a last line that was never finished, and is gone now. Nobody was told of it before it was.
    pub cut: usize,
}

/// Makes the directory, for its owner alone.
pub fn ensure_dir(dir: &Path) -> Result<(), LogError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|source| LogError::Io { path: dir.to_owned(), source })
}

impl Log {
    /// Locks the file, reads it and cuts off a torn last line. Anything else that is wrong changes nothing.
    pub fn open<B: Book>(path: &Path) -> Result<Found<B>, LogError> {
        let failed = |source| LogError::Io { path: path.to_owned(), source };
        let mut file = private(path, OpenOptions::new().read(true).append(true).create(true))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let book = replay(path, bytes.get(..whole).unwrap_or_default())?;
        let cut = bytes.len() - whole;
        let len = whole as u64;
        if cut > 0 {
            file.set_len(len).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        sync_dir(path).map_err(failed)?;
        Ok(Found { log: Self { file, len, broken: false }, book, cut })
    }

    /// Whether nothing more is added until the file is opened anew.
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Writes a fact. When this returns it is on the disk.
    pub fn append(&mut self, fact: &impl Serialize) -> Result<(), WriteError> {
        if self.broken {
            return Err(WriteError { source: io::Error::other("an earlier write failed"), undone: true });
        }
        let mut line = serde_json::to_vec(fact).map_err(|error| WriteError { source: error.into(), undone: true })?;
        line.push(b'\n');
        match self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.len += line.len() as u64;
                Ok(())
            }
            Err(source) => {
                let undone = self.file.set_len(self.len).and_then(|()| self.file.sync_all()).is_ok();
                // After a failed sync the kernel may call later ones good that are not. Whoever opens the file reads it anew.
                self.broken = true;
                Err(WriteError { source, undone })
            }
        }
    }
}

/// The book of these lines, or which of them is wrong.
fn replay<B: Book>(path: &Path, bytes: &[u8]) -> Result<B, LogError> {
    let mut book = B::default();
    let lines = bytes.strip_suffix(b"\n").map(|lines| lines.split(|byte| *byte == b'\n')).into_iter().flatten();
    for (number, line) in (1..).zip(lines) {
        let wrong = |why: String| LogError::Line { path: path.to_owned(), number, why };
        // Only where it is wrong: the words of the parser may repeat what it could not read.
        let place = |error: serde_json::Error| wrong(format!("it is no fact (column {})", error.column()));
        let fact: B::Fact = serde_json::from_slice(line).map_err(place)?;
        book.check(&fact).map_err(|why| wrong(why.to_owned()))?;
        book.apply(fact);
    }
    Ok(book)
}

/// Opens a file that is ours alone, or says that it is not.
pub fn private(path: &Path, options: &mut OpenOptions) -> Result<File, LogError> {
    let failed = |source| LogError::Io { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path).map_err(failed)?;
    match crate::config::open_to_others(&file.metadata().map_err(failed)?) {
        Some(mode) => Err(LogError::TooOpen { path: path.to_owned(), mode }),
        None => Ok(file),
    }
}

/// A new file is only there for good once its directory is on the disk as well.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payment::Payment;
    use crate::wallet::WalletError;
    use crate::wallet::records::Records;

    #[derive(Default)]
    struct Anything;

    impl Book for Anything {
        type Fact = String;

        fn check(&self, _: &String) -> Result<(), &'static str> {
            Ok(())
        }

        fn apply(&mut self, _: String) -> Option<Payment> {
            None
        }
    }

    #[test]
    fn after_a_write_that_failed_nothing_is_added_and_everybody_is_told() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("facts.jsonl");
        let Found { mut log, book, .. } = Log::open::<Anything>(&path).expect("opened");
        assert!(log.append(&"a fact").is_ok() && !log.is_broken());
        // Only good for reading, as a disk is that has failed.
        log.file = File::open(&path).expect("reopened");
        assert!(log.append(&"another").is_err() && log.is_broken());
        assert_eq!(fs::read_to_string(&path).expect("text"), "\"a fact\"\n");
        let records = Records::new(log, book, || false);
        assert!(matches!(records.still_writes(), Err(WalletError::Records(_))));
        records.close();
        assert_eq!(records.still_writes(), Err(WalletError::Closed));
    }
}
