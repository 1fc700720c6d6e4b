//! Purchases added up from their rows.

use rusqlite::Connection;

use super::StoreError;
use crate::domain::ids::JobId;

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
