//! Opening the file: whose it is, how new it is, and bringing it up to date.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// Marks the file as ours ("PYLN").
const APPLICATION_ID: i64 = 0x5059_4C4E;
/// How long to wait for somebody else's lock on the file. Readers never block the writer in WAL mode; a backup may.
const BUSY: Duration = Duration::from_secs(5);

/// Each brings the file from version n to n + 1, in one transaction.
pub const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_ledger.sql"),
    include_str!("migrations/0002_invoices.sql"),
    include_str!("migrations/0003_requests.sql"),
    include_str!("migrations/0004_indexes.sql"),
    include_str!("migrations/0005_spend_lock.sql"),
    include_str!("migrations/0006_deposits_and_tries.sql"),
    include_str!("migrations/0007_keeping.sql"),
];

/// Opens for writing, making or updating the file.
pub fn writable(path: &Path) -> Result<Connection, StoreError> {
    create_private(path)?;
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| cannot_open(path, &error))?;
    connection.busy_timeout(BUSY)?;
    let version = check(&connection, path)?;
    // From here on the file is ours or empty.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    migrate(&mut connection, version)?;
    Ok(connection)
}

/// Opens for reading. Works beside a running writer and without one.
///
/// SQLite may leave an empty `-wal` and `-shm` beside a file that was read while nobody wrote: a reader may make them
/// and may not remove them. They are harmless and the next writer cleans up. In a directory where they cannot even be
/// made, nobody can be writing either, and the file is read as it is. The same goes for a disk without room for them,
/// unless a log is there that says more than the file.
pub fn readable(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::NoLedger { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = |uri: &str| -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(uri, flags).map_err(|error| cannot_open(path, &error))?;
        connection.busy_timeout(BUSY)?;
        let version = check(&connection, path)?;
        if version == 0 {
            return Err(StoreError::NoLedger { path: path.to_owned() });
        }
        Ok(connection)
    };
    let uri = file_uri(path);
    match open(&uri) {
        Err(StoreError::CannotOpen { .. } | StoreError::ReadOnly) => open(&format!("{uri}?immutable=1")),
        Err(StoreError::Disk(_) | StoreError::DiskFull) if !has_log(path) => open(&format!("{uri}?immutable=1")),
        opened => opened,
    }
}

/// Whether something is written in the log beside the file that may not be in the file.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// The path as SQLite's URI, with what a URI reserves escaped.
fn file_uri(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.push_str(&format!("%{byte:02x}")),
            byte if byte.is_ascii() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri
}

/// Makes the file with nobody else's permissions from its first moment.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(drop).map_err(|error| StoreError::CannotOpen { path: path.to_owned(), detail: error.to_string() })
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::CannotOpen { path: path.to_owned(), detail: error.to_string() }
}

/// The file's version; 0 when it is empty. Refuses what is not ours or too new, having changed nothing.
fn check(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let foreign = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            StoreError::NotALedger { path: path.to_owned(), detail: "it is not an SQLite file".into() }
        }
        Some(rusqlite::ErrorCode::CannotOpen) => cannot_open(path, &error),
        _ => error.into(),
    };
    let application = number("PRAGMA application_id").map_err(foreign)?;
    let version = number("PRAGMA user_version").map_err(foreign)?;
    let known = MIGRATIONS.len() as i64;
    if application == APPLICATION_ID {
        return if version > known { Err(StoreError::Newer { path: path.to_owned(), found: version, known }) } else { Ok(version) };
    }
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
    if number(tables).map_err(foreign)? == 0 {
        return Ok(0);
    }
    let earlier = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('jobs', 'earnings', 'invoices', 'migrations')";
    if number(earlier).map_err(foreign)? > 0 {
        return Err(StoreError::Predecessor { path: path.to_owned() });
    }
    Err(StoreError::NotALedger { path: path.to_owned(), detail: "it is another program's database".into() })
}

fn migrate(connection: &mut Connection, version: i64) -> Result<(), StoreError> {
    for (number, sql) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
