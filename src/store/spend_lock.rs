//! The lock on spending: one row, changed by the thread that reserves money, so that what is shut is shut for whoever asks
//! next.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::jobs::clamp;
use super::{Pending, Reader, Store, StoreError};
use crate::domain::spend_lock::{Moment, SpendLock};
use crate::domain::time::UnixMs;

/// A PIN that is about to be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinTry {
    /// It has been counted as a miss. This is what it is held against.
    Begun { verifier: String },
    /// Not yet: so many milliseconds from now.
    Wait { ms: u64 },
    /// There is none.
    NoPin,
}

impl Store {
    /// How the lock stands.
    pub fn spend_lock(&self) -> Pending<SpendLock> {
        self.submit(|connection, _| read(connection))
    }

    /// Shuts it.
    pub fn shut_spending(&self) -> Pending<SpendLock> {
        self.change_lock(|lock| (lock.is_shut, lock.open_until) = (true, None))
    }

    /// Opens it: until it is shut, or until then.
    pub fn open_spending(&self, until: Option<UnixMs>) -> Pending<SpendLock> {
        self.change_lock(move |lock| (lock.is_shut, lock.open_until) = (until.is_some(), until))
    }

    /// The time is over until which it was opened, if it is still open for that.
    pub fn end_opening(&self, until: UnixMs) -> Pending<SpendLock> {
        self.change_lock(move |lock| lock.open_until = lock.open_until.filter(|there| *there != until))
    }

    /// A node begins: what was open for a while is shut again.
    pub fn begin_spending(&self) -> Pending<SpendLock> {
        self.change_lock(|lock| lock.open_until = None)
    }

    /// Counts a try, unless it is too soon for one.
    pub fn begin_pin_try(&self, at: impl Into<Moment>) -> Pending<PinTry> {
        let at = at.into();
        self.submit(move |connection, _| {
            let Some(verifier) = verifier(connection)? else { return Ok(PinTry::NoPin) };
            let mut lock = read(connection)?;
            let begun = lock.begin_try(at);
            write(connection, &lock)?;
            Ok(match begun {
                Ok(()) => PinTry::Begun { verifier },
                Err(ms) => PinTry::Wait { ms },
            })
        })
    }

    /// It was the right one.
    pub fn pin_was_right(&self) -> Pending<SpendLock> {
        self.change_lock(SpendLock::forget_misses)
    }

    /// Puts a verifier in the place of this one, or of none. False: meanwhile it has become another.
    pub fn replace_pin(&self, old: Option<String>, new: String) -> Pending<bool> {
        self.submit(move |connection, _| {
            let sql = "UPDATE spend_lock SET verifier = ?1, misses = 0, tried_at = NULL, tried_up = NULL WHERE verifier IS ?2";
            Ok(connection.prepare_cached(sql)?.execute(params![new, old])? == 1)
        })
    }

    /// Takes the verifier away, and what it guarded stands open. False: it is shut, or has become another.
    pub fn remove_pin(&self, old: String, at: UnixMs) -> Pending<bool> {
        self.submit(move |connection, _| {
            if !read(connection)?.is_open(at) {
                return Ok(false);
            }
            let sql =
                "UPDATE spend_lock SET verifier = NULL, is_shut = 0, open_until = NULL, misses = 0, tried_at = NULL, tried_up = NULL WHERE verifier = ?1";
            Ok(connection.prepare_cached(sql)?.execute(params![old])? == 1)
        })
    }

    /// Takes the verifier away and opens nothing. False: it has become another.
    pub fn clear_pin(&self, old: String) -> Pending<bool> {
        self.submit(move |connection, _| {
            let sql = "UPDATE spend_lock SET verifier = NULL, open_until = NULL, misses = 0, tried_at = NULL, tried_up = NULL WHERE verifier = ?1";
            Ok(connection.prepare_cached(sql)?.execute(params![old])? == 1)
        })
    }

    /// What a PIN is held against; `None`: there is none.
    pub fn pin_verifier(&self) -> Pending<Option<String>> {
        self.submit(|connection, _| verifier(connection))
    }

    fn change_lock(&self, change: impl FnOnce(&mut SpendLock) + Send + 'static) -> Pending<SpendLock> {
        self.submit(move |connection, _| {
            let mut lock = read(connection)?;
            let before = lock;
            change(&mut lock);
            if lock != before {
                write(connection, &lock)?;
            }
            Ok(lock)
        })
    }
}

impl Reader {
    /// How the lock stands. A ledger from before there was one has none.
    pub fn spend_lock(&self) -> Result<SpendLock, StoreError> {
        let sql = "SELECT count(*), total(name = 'tried_up') > 0 FROM pragma_table_info('spend_lock')";
        match self.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))? {
            (0_i64, _) => Ok(SpendLock::default()),
            (_, true) => read(&self.connection),
            (_, false) => {
                read_from(&self.connection, "SELECT verifier IS NOT NULL, is_shut, open_until, misses, tried_at, NULL FROM spend_lock")
            }
        }
    }
}

/// The lock as it stands for the write that is about to be made.
pub(super) fn read(connection: &Connection) -> Result<SpendLock, StoreError> {
    read_from(connection, "SELECT verifier IS NOT NULL, is_shut, open_until, misses, tried_at, tried_up FROM spend_lock")
}

fn read_from(connection: &Connection, sql: &'static str) -> Result<SpendLock, StoreError> {
    let lock = |row: &Row<'_>| {
        Ok(SpendLock {
            has_pin: row.get(0)?,
            is_shut: row.get(1)?,
            open_until: row.get::<_, Option<_>>(2)?.map(UnixMs),
            misses: row.get(3)?,
            tried_at: row.get::<_, Option<_>>(4)?.map(UnixMs),
            tried_up: row.get::<_, Option<_>>(5)?.unwrap_or_default(),
        })
    };
    let found = connection.prepare_cached(sql)?.query_row([], lock).optional()?;
    // Without its row nobody knows whether it is shut.
    found.ok_or_else(|| StoreError::Damaged("the row of the spending lock is missing".into()))
}

fn verifier(connection: &Connection) -> Result<Option<String>, StoreError> {
    Ok(connection.prepare_cached("SELECT verifier FROM spend_lock")?.query_row([], |row| row.get(0)).optional()?.flatten())
}

fn write(connection: &Connection, lock: &SpendLock) -> Result<(), StoreError> {
    let sql = "UPDATE spend_lock SET is_shut = ?1, open_until = ?2, misses = ?3, tried_at = ?4, tried_up = ?5";
    let values = params![lock.is_shut, lock.open_until.map(|at| at.0), lock.misses, lock.tried_at.map(|at| at.0), clamp(lock.tried_up)];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

#[cfg(test)]
#[path = "spend_lock_tests.rs"]
mod tests;
