//! What can be wrong with a ledger, in sentences.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::domain::ids::JobId;
use crate::domain::job::{IllegalStep, JobState};
use crate::domain::purchase::IllegalPurchase;

/// Why the ledger did not do what was asked. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("there is no ledger at {} yet", path.display())]
    NoLedger { path: PathBuf },
    #[error("{} was written by a newer version of this program (ledger version {found}, this one knows {known}); update the program", path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{} is the ledger of an earlier program and is left as it is; move the file aside", path.display())]
    Predecessor { path: PathBuf },
    #[error("{} is not a ledger: {detail}; move the file aside", path.display())]
    NotALedger { path: PathBuf, detail: String },
    #[error("the ledger {} cannot be opened: {detail}; the directory must exist, be yours and be writable", path.display())]
    CannotOpen { path: PathBuf, detail: String },
    #[error("the disk is full; free some space")]
    DiskFull,
    #[error("the ledger is read-only; check the file's and the directory's permissions")]
    ReadOnly,
    /// A write that shared its transaction met an error so grave that all of it was undone.
    #[error("the ledger took it back, as another write beside it failed")]
    TakenBack,
    #[error(transparent)]
    Illegal(#[from] IllegalStep),
    #[error(transparent)]
    IllegalPurchase(#[from] IllegalPurchase),
    #[error("the ledger has no request {0}")]
    UnknownRequest(String),
    #[error("the ledger has no job {0}")]
    Unknown(String),
    #[error("the job {0} has a refund under way already; wait for it")]
    RefundUnderWay(JobId),
    #[error("nothing is owed for the job {job}: it is {state}")]
    NothingOwed { job: JobId, state: JobState },
    #[error("{prefix} stands for {} jobs: {}", candidates.len(), list(candidates))]
    Ambiguous { prefix: String, candidates: Vec<JobId> },
    #[error("{0:?} is no job id: give at least 4 of its hexadecimal digits")]
    BadId(String),
    /// A value in the file that this program never wrote.
    #[error("the ledger is damaged: {0}; run `pylon doctor`")]
    Damaged(String),
    #[error("the disk failed ({0}); look at its free space and its health")]
    Disk(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the ledger is closed")]
    Closed,
    #[error("the ledger failed: {0}")]
    Sqlite(#[source] Arc<rusqlite::Error>),
}

/// Whether the ledger itself is to blame, and what has to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// None: what was asked does not fit what is written.
    None,
    /// The disk or the file cannot be used for now.
    Passing,
    /// A person has to look at it.
    Lasting,
}

impl StoreError {
    pub const fn ailment(&self) -> Ailment {
        match self {
            Self::CannotOpen { .. }
            | Self::DiskFull
            | Self::ReadOnly
            | Self::TakenBack
            | Self::Closed
            | Self::Disk(_)
            | Self::Sqlite(_) => Ailment::Passing,
            Self::NoLedger { .. } | Self::Newer { .. } | Self::Predecessor { .. } | Self::NotALedger { .. } | Self::Damaged(_) => {
                Ailment::Lasting
            }
            Self::Illegal(_)
            | Self::IllegalPurchase(_)
            | Self::UnknownRequest(_)
            | Self::Unknown(_)
            | Self::RefundUnderWay(_)
            | Self::NothingOwed { .. }
            | Self::Ambiguous { .. }
            | Self::BadId(_) => Ailment::None,
        }
    }
}

fn list(ids: &[JobId]) -> String {
    ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", ")
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::SystemIoFailure) => Self::Disk(Arc::new(error)),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(Arc::new(error)),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly,
            _ => Self::Disk(Arc::new(error)),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}
