//! The two files of a practice wallet: its records, which only grow, and its key.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use nostr::{Keys, SecretKey};
use zeroize::Zeroizing;

use super::OpenError;
use super::book::Book;
use super::fact::Fact;

/// The records, held under a lock that the operating system lets go of when the process ends, however it ends.
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

/// Records as they were found.
pub struct Found {
    pub log: Log,
    pub book: Book,
    /// Bytes of a last line that was never finished, and is gone now. Nobody was told of it before it was.
    pub cut: usize,
}

/// Makes the directory, for its owner alone.
pub fn ensure_dir(dir: &Path) -> Result<(), OpenError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir).map_err(|source| OpenError::Io { path: dir.to_owned(), source })
}

impl Log {
    /// Locks the records, reads them and cuts off a torn last line. Anything else that is wrong changes nothing.
    pub fn open(path: &Path) -> Result<Found, OpenError> {
        let failed = |source| OpenError::Io { path: path.to_owned(), source };
        let mut file = private(path, OpenOptions::new().read(true).append(true).create(true))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: path.to_owned() }),
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

    /// Writes a fact. When this returns it is on the disk.
    pub fn append(&mut self, fact: &Fact) -> Result<(), WriteError> {
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
fn replay(path: &Path, bytes: &[u8]) -> Result<Book, OpenError> {
    let mut book = Book::default();
    let lines = bytes.strip_suffix(b"\n").map(|lines| lines.split(|byte| *byte == b'\n')).into_iter().flatten();
    for (number, line) in (1..).zip(lines) {
        let wrong = |why: String| OpenError::Line { path: path.to_owned(), number, why };
        // Only where it is wrong: the words of the parser may repeat what it could not read.
        let place = |error: serde_json::Error| wrong(format!("it is no fact (column {})", error.column()));
        let fact: Fact = serde_json::from_slice(line).map_err(place)?;
        book.check(&fact).map_err(|why| wrong(why.to_owned()))?;
        book.apply(fact);
    }
    Ok(book)
}

/// The wallet's key, made when there is none. Records that have one and have lost it are not given another.
pub fn key(path: &Path, book: &Book) -> Result<Keys, OpenError> {
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

/// Opens a file that is ours alone, or says that it is not.
fn private(path: &Path, options: &mut OpenOptions) -> Result<File, OpenError> {
    let failed = |source| OpenError::Io { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(OpenError::TooOpen { path: path.to_owned(), mode });
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path).map_err(failed)
}

/// A new file is only there for good once its directory is on the disk as well.
fn sync_dir(path: &Path) -> io::Result<()> {
    let dir: PathBuf = path.parent().unwrap_or(Path::new(".")).to_owned();
    File::open(dir)?.sync_all()
}
