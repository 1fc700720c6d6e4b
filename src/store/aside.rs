//! What is kept beside the jobs: requests turned away, relays' outcomes, cursors.

use std::io::Write as _;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::{self, Publication};
use super::stats::{self, Entry};
use super::{Pending, Store, StoreError, jobs};
use crate::domain::ids::JobId;
use crate::domain::time::UnixMs;

/// Jobs that have ended before a time and whose text is still here.
const WITH_TEXT: &str = "jobs INDEXED BY jobs_with_text WHERE ended_at < ?1 AND (prompt IS NOT NULL OR request IS NOT NULL)";
/// Requests of our own that have ended before a time and whose text is still here.
const ASKED: &str = "requests INDEXED BY requests_with_text WHERE ended_at < ?1 AND event <> ''";
/// A disk that takes so many bytes has room to go on with.
const ROOM: usize = 1 << 20;

impl Store {
    /// Counts a request that gets no row, and remembers it. False when it had been met before.
    pub fn turn_away(&self, id: JobId, code: &'static str, at: UnixMs) -> Pending<bool> {
        self.submit(move |connection, _| {
            if jobs::exists(connection, id)? {
                return Ok(false);
            }
            let sql = "INSERT INTO seen (id, at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
            if connection.prepare_cached(sql)?.execute(params![id.0, at.0])? == 0 {
                return Ok(false);
            }
            count(connection, code, at)?;
            stats::add(connection, at, Entry::TurnedAway)?;
            Ok(true)
        })
    }

    /// Forgets requests turned away before then.
    pub fn prune_seen(&self, before: UnixMs) -> Pending<usize> {
        self.submit(move |connection, _| Ok(connection.execute("DELETE FROM seen WHERE at < ?1", params![before.0])?))
    }

    /// Notes how a relay took an event: what it said last, unless it had taken it before.
    pub fn record_publication(&self, publication: Publication) -> Pending<()> {
        self.submit(move |connection, _| {
            let Publication { job, event_id, what, relay, outcome, at } = publication;
            let sql = "INSERT INTO publications (job, event_id, what, relay, refusal, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                       ON CONFLICT (job, event_id, relay) DO UPDATE SET refusal = excluded.refusal, at = excluded.at WHERE refusal IS NOT NULL";
            connection.prepare_cached(sql)?.execute(params![job.0, event_id, rows::spell(&what)?, relay, outcome.err(), at.0])?;
            Ok(())
        })
    }

    /// The newest request seen by a subscription, in seconds.
    pub fn cursor(&self, name: &'static str) -> Pending<Option<u64>> {
        self.submit(move |connection, _| {
            let sql = "SELECT created_at FROM cursors WHERE name = ?1";
            Ok(connection.prepare_cached(sql)?.query_row(params![name], |row| row.get(0)).optional()?)
        })
    }

    /// Moves a cursor forward. It never moves back.
    pub fn set_cursor(&self, name: &'static str, created_secs: u64) -> Pending<()> {
        self.submit(move |connection, _| {
            let sql = "INSERT INTO cursors (name, created_at) VALUES (?1, ?2) \
                       ON CONFLICT (name) DO UPDATE SET created_at = excluded.created_at WHERE excluded.created_at > created_at";
            connection.prepare_cached(sql)?.execute(params![name, created_secs])?;
            Ok(())
        })
    }

    /// Writes something real that means nothing, to find out whether the disk takes it: as much as some jobs need, beside
    /// the file, and a row in it.
    pub fn try_writing(&self) -> Pending<()> {
        self.submit(|connection, _| {
            let dir = connection.path().map(Path::new).and_then(Path::parent);
            let mut file = dir.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
            file.write_all(&vec![1; ROOM])?;
            file.sync_all()?;
            let sql = "INSERT INTO cursors (name, created_at) VALUES ('try', 1) \
                       ON CONFLICT (name) DO UPDATE SET created_at = created_at + 1";
            connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        })
    }

    /// Drops the texts of jobs and of requests of our own that ended before then, with the keys that could read them again,
    /// and what relays said before then; hashes and totals stay. Returns how many jobs and requests lost theirs.
    pub fn forget_text(&self, before: UnixMs) -> Pending<usize> {
        self.submit(move |connection, _| {
            let forget = |sql: &str| -> Result<usize, StoreError> { Ok(connection.prepare_cached(sql)?.execute(params![before.0])?) };
            forget("DELETE FROM publications WHERE at < ?1")?;
            forget(&format!("UPDATE results SET text = NULL, event = NULL WHERE job IN (SELECT id FROM {WITH_TEXT})"))?;
            let jobs = forget(&format!("UPDATE jobs SET prompt = NULL, request = NULL WHERE id IN (SELECT id FROM {WITH_TEXT})"))?;
            let requests = forget(&format!(
                "UPDATE requests SET prompt = '', event = '', answer = NULL, secret = NULL WHERE id IN (SELECT id FROM {ASKED})"
            ))?;
            Ok(jobs + requests)
        })
    }
}

/// Whether a request was turned away without a row.
pub(super) fn was_turned_away(connection: &Connection, id: JobId) -> Result<bool, StoreError> {
    let found = connection.prepare_cached("SELECT 1 FROM seen WHERE id = ?1")?.query_row(params![id.0], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Counts a refusal by reason.
pub(super) fn count(connection: &Connection, code: &str, at: UnixMs) -> Result<(), StoreError> {
    let sql = "INSERT INTO refusals (day, code, count) VALUES (?1, ?2, 1) ON CONFLICT (day, code) DO UPDATE SET count = count + 1";
    connection.prepare_cached(sql)?.execute(params![stats::day(at), code])?;
    Ok(())
}
