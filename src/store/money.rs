//! Invoices and payments of jobs. A payment and what it does to its job are one transaction.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use super::jobs::{advance, clamp, set_reason};
use super::rows::JobRow;
use super::stats;
use super::{Pending, Store, StoreError};
use crate::domain::ids::{JobId, PaymentHash};
use crate::domain::job::{Fact, JobState};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice};
use crate::domain::time::UnixMs;

/// An invoice that has not been paid, as far as the ledger knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    pub job: JobId,
    pub hash: PaymentHash,
    pub bolt11: String,
    pub amount: MilliSats,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
    /// Where its job stands.
    pub state: JobState,
}

/// What became of word that an invoice is paid.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// The first word of it: the job stands like this now.
    New(Box<JobRow>),
    /// Heard before.
    Known,
    /// No invoice of ours.
    NotOurs,
}

/// How a payment stands in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    /// An invoice nobody has paid, or a payment on its way.
    Open,
    Settled,
    Failed,
}

/// A payment as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookedPayment {
    pub hash: PaymentHash,
    pub direction: Direction,
    pub amount: MilliSats,
    pub fee: MilliSats,
    pub booking: Booking,
}

/// What the ledger says has moved, recomputed from its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneySums {
    /// Came in for jobs.
    pub received: MilliSats,
    /// Went back to buyers, fees not counted.
    pub refunded: MilliSats,
    /// Went out for anything else, fees not counted.
    pub spent: MilliSats,
    /// Of all that went out.
    pub fees: MilliSats,
    /// On its way out, with the highest fees: nobody knows yet.
    pub pending: MilliSats,
    /// Owed to buyers whose jobs were paid and not delivered.
    pub owed: MilliSats,
}

impl Store {
    /// Stores a job's invoice and its price: from here on the invoice may be sent.
    pub fn quote(&self, job: JobId, invoice: Invoice, amount: MilliSats, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            keep_invoice(connection, job, &invoice, amount, at)?;
            advance(connection, steps, job, Fact::Quoted, at)
        })
    }

    /// Stores the invoice that goes out with an answer.
    pub fn attach_invoice(&self, job: JobId, invoice: Invoice, amount: MilliSats, at: UnixMs) -> Pending<()> {
        self.submit(move |connection, _| {
            // One made before a crash was never sent: the answer that would have carried it is not stored.
            let sql = "DELETE FROM invoices WHERE job = ?1 AND settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM results WHERE job = ?1) \
                       AND EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND policy = 'result-first')";
            connection.prepare_cached(sql)?.execute(params![job.0])?;
            keep_invoice(connection, job, &invoice, amount, at)
        })
    }

    /// The wallet's record says that this invoice is paid.
    pub fn settle(&self, hash: PaymentHash, at: UnixMs) -> Pending<Settlement> {
        self.submit(move |connection, steps| {
            let sql = "SELECT job, amount_msats, bolt11, settled_at FROM invoices WHERE hash = ?1";
            let found = connection.prepare_cached(sql)?.query_row(params![hash.0], |row| {
                Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, Option<i64>>(3)?))
            });
            let Some((job, amount, bolt11, settled)) = found.optional()? else { return Ok(Settlement::NotOurs) };
            if settled.is_some() {
                return Ok(Settlement::Known);
            }
            connection.prepare_cached("UPDATE invoices SET settled_at = ?2 WHERE hash = ?1")?.execute(params![hash.0, at.0])?;
            let sql = "INSERT INTO payments (hash, direction, purpose, job, amount_msats, bolt11, state, created_at, ended_at) \
                       VALUES (?1, 'in', 'job', ?2, ?3, ?4, 'settled', ?5, ?5)";
            connection.prepare_cached(sql)?.execute(params![hash.0, job, amount, bolt11, at.0])?;
            stats::earn(connection, at, amount)?;
            let row = advance(connection, steps, JobId(job), Fact::PaymentSettled, at)?;
            Ok(Settlement::New(Box::new(row)))
        })
    }

    /// A quote ran out unpaid.
    pub fn expire_quote(&self, job: JobId, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| advance(connection, steps, job, Fact::QuoteExpired, at))
    }

    /// A delivered answer was not paid for in time.
    pub fn overdue(&self, job: JobId, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| advance(connection, steps, job, Fact::PaymentOverdue, at))
    }

    /// The money for this job has to go back.
    pub fn owe_refund(&self, job: JobId, code: &'static str, reason: String, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            set_reason(connection, job, code, &reason)?;
            advance(connection, steps, job, Fact::RefundOwed, at)
        })
    }

    /// The operator gives a refund up.
    pub fn write_off(&self, job: JobId, at: UnixMs) -> Pending<JobRow> {
        self.submit(move |connection, steps| {
            if has_refund(connection, job)? {
                return Err(StoreError::RefundUnderWay(job));
            }
            advance(connection, steps, job, Fact::WrittenOff, at)
        })
    }

    /// Every invoice nobody has paid that was made since then, whatever became of its job: money may still come.
    pub fn open_invoices(&self, since: UnixMs) -> Pending<Vec<OpenInvoice>> {
        self.submit(move |connection, _| unpaid(connection, "i.created_at >= ?1", since))
    }

    /// Invoices that have run out and whose jobs still wait for them.
    pub fn due_invoices(&self, now: UnixMs) -> Pending<Vec<OpenInvoice>> {
        self.submit(move |connection, _| unpaid(connection, "i.expires_at <= ?1 AND j.state IN ('quoted', 'awaiting_payment')", now))
    }

    /// The signed request of a job as it came; `None`: its text was not kept.
    pub fn request_of(&self, job: JobId) -> Pending<Option<String>> {
        self.submit(move |connection, _| {
            let found = connection.prepare_cached("SELECT request FROM jobs WHERE id = ?1")?.query_row(params![job.0], |row| row.get(0));
            Ok(found.optional()?.flatten())
        })
    }
}

/// Unpaid invoices, the oldest first. `which` is one of the two fixed conditions above.
fn unpaid(connection: &Connection, which: &'static str, at: UnixMs) -> Result<Vec<OpenInvoice>, StoreError> {
    let sql = format!(
        "SELECT i.job, i.hash, i.bolt11, i.amount_msats, i.created_at, i.expires_at, j.state FROM invoices i JOIN jobs j ON j.id = i.job \
         WHERE i.settled_at IS NULL AND {which} ORDER BY i.created_at"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![at.0])?;
    let mut invoices = Vec::new();
    while let Some(row) = found.next()? {
        let amount: i64 = row.get(3)?;
        let state: String = row.get(6)?;
        invoices.push(OpenInvoice {
            job: JobId(row.get(0)?),
            hash: PaymentHash(row.get(1)?),
            bolt11: row.get(2)?,
            amount: MilliSats(u64::try_from(amount).unwrap_or_default()),
            created_at: UnixMs(row.get(4)?),
            expires_at: UnixMs(row.get(5)?),
            state: state.parse().map_err(|error| StoreError::Damaged(format!("{error}")))?,
        });
    }
    Ok(invoices)
}

fn keep_invoice(connection: &Connection, job: JobId, invoice: &Invoice, amount: MilliSats, at: UnixMs) -> Result<(), StoreError> {
    let sql = "INSERT INTO invoices (hash, job, bolt11, amount_msats, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![invoice.hash.0, job.0, invoice.bolt11, clamp(amount.0), at.0, invoice.expires_at.0];
    connection.prepare_cached(sql)?.execute(values)?;
    connection.prepare_cached("UPDATE jobs SET price_msats = ?2 WHERE id = ?1")?.execute(params![job.0, clamp(amount.0)])?;
    Ok(())
}

pub(super) fn has_refund(connection: &Connection, job: JobId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM payments WHERE job = ?1 AND direction = 'out' AND state <> 'failed'";
    Ok(connection.prepare_cached(sql)?.query_row(params![job.0], |_| Ok(())).optional()?.is_some())
}

/// Adds up what moved. Reads rows only: no running total can lie to it.
pub(super) fn sums(connection: &Connection) -> Result<MoneySums, StoreError> {
    let sum = |sql: &str| -> Result<MilliSats, StoreError> {
        let total: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(MilliSats(u64::try_from(total).unwrap_or_default()))
    };
    Ok(MoneySums {
        received: sum("SELECT coalesce(sum(amount_msats), 0) FROM payments WHERE direction = 'in' AND state = 'settled'")?,
        refunded: sum("SELECT coalesce(sum(amount_msats), 0) FROM payments WHERE purpose = 'refund' AND state = 'settled'")?,
        spent: sum("SELECT coalesce(sum(amount_msats), 0) FROM payments WHERE purpose IN ('request', 'manual') AND state = 'settled'")?,
        pending: sum("SELECT coalesce(sum(amount_msats + fee_msats), 0) FROM payments WHERE direction = 'out' AND state = 'pending'")?,
        fees: sum("SELECT coalesce(sum(fee_msats), 0) FROM payments WHERE state = 'settled'")?,
        owed: sum("SELECT coalesce(sum(i.amount_msats), 0) FROM invoices i JOIN jobs j ON j.id = i.job \
                   WHERE j.state = 'refund_due' AND i.settled_at IS NOT NULL")?,
    })
}

/// Every payment, and every invoice that waits for one. Not a deposit that was sent back: that is in no wallet's list.
pub(super) fn booked(connection: &Connection) -> Result<Vec<BookedPayment>, StoreError> {
    let sql = "SELECT hash, direction, amount_msats, fee_msats, state FROM payments WHERE deposit IS NULL \
               UNION ALL SELECT hash, 'in', amount_msats, 0, 'pending' FROM invoices WHERE settled_at IS NULL";
    let mut statement = connection.prepare(sql)?;
    let mut found = statement.query([])?;
    let mut payments = Vec::new();
    while let Some(row) = found.next()? {
        let (direction, state): (String, String) = (row.get(1)?, row.get(4)?);
        payments.push(BookedPayment {
            hash: PaymentHash(row.get(0)?),
            direction: if direction == "in" { Direction::In } else { Direction::Out },
            amount: MilliSats(row.get(2)?),
            fee: MilliSats(row.get(3)?),
            booking: match state.as_str() {
                "settled" => Booking::Settled,
                "failed" => Booking::Failed,
                _ => Booking::Open,
            },
        });
    }
    Ok(payments)
}
