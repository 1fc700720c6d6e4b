//! Purchases added up from their rows.

use rusqlite::Connection;

use super::StoreError;
use crate::domain::ids::JobId;
use crate::domain::time::UnixMs;

/// What has become of our requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurchaseTotals {
    pub requests: u64,
    /// Not at their end.
    pub open: u64,
    /// Paid for, by the wallet's word.
    pub paid: u64,
    pub answered: u64,
    /// Paid for, ended, and without an answer.
    pub unanswered: Vec<JobId>,
    /// Paid for more than once: never, unless the ledger was tampered with.
    pub paid_twice: u64,
}

/// When a request was made, paid and answered. Milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurchaseTimes {
    pub made: UnixMs,
    pub paid: UnixMs,
    pub answered: UnixMs,
}

/// How many requests there are, and how many of them are not at their end. Cheap, however many there are.
pub(super) fn counts(connection: &Connection) -> Result<(u64, u64), StoreError> {
    // Rows are never deleted, so they are numbered without gaps; counting them would read them all.
    let all = connection.query_row("SELECT coalesce(max(rowid), 0) FROM requests", [], |row| row.get(0))?;
    let open =
        "SELECT count(*) FROM requests INDEXED BY requests_open WHERE state NOT IN ('done', 'expired', 'cancelled') AND state <> 'failed'";
    Ok((all, connection.query_row(open, [], |row| row.get(0))?))
}

/// Of every request that was paid and answered.
pub(super) fn times(connection: &Connection) -> Result<Vec<PurchaseTimes>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT created_at, (SELECT min(at) FROM request_journal j WHERE j.request = r.id AND j.to_state = 'paid') AS paid, answered_at \
         FROM requests r WHERE answered_at IS NOT NULL AND paid IS NOT NULL",
    )?;
    let rows = statement
        .query_map([], |row| Ok(PurchaseTimes { made: UnixMs(row.get(0)?), paid: UnixMs(row.get(1)?), answered: UnixMs(row.get(2)?) }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn purchases(connection: &Connection) -> Result<PurchaseTotals, StoreError> {
    const PAID: &str = "(SELECT count(*) FROM payments p WHERE p.request = r.id AND p.state = 'settled')";
    let count = |filter: &str| -> Result<u64, StoreError> {
        Ok(connection.query_row(&format!("SELECT count(*) FROM requests r WHERE {filter}"), [], |row| row.get(0))?)
    };
    let mut statement = connection.prepare(&format!("SELECT id FROM requests r WHERE answer IS NULL AND {PAID} > 0"))?;
    let unanswered = statement.query_map([], |row| Ok(JobId(row.get(0)?)))?;
    Ok(PurchaseTotals {
        requests: count("true")?,
        open: count("state NOT IN ('done', 'expired', 'cancelled', 'failed')")?,
        paid: count(&format!("{PAID} > 0"))?,
        answered: count("answer IS NOT NULL")?,
        unanswered: unanswered.collect::<Result<_, _>>()?,
        paid_twice: count(&format!("{PAID} > 1"))?,
    })
}
