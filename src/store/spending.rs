//! Money that goes out. The limits are checked in the transaction that reserves it, by the one thread that writes: however
//! many ask at once, together they cannot pass a limit.

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, named_params, params};

use super::jobs::{advance, clamp, row};
use super::money::has_refund;
use super::purchase_rows::PurchaseRow;
use super::purchases;
use super::rows::JobRow;
use super::{Pending, Store, StoreError};
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::job::{Fact, JobState};
use crate::domain::limits::{Limits, OverLimit, Spent};
use crate::domain::money::MilliSats;
use crate::domain::purchase::PurchaseFact;
use crate::domain::time::UnixMs;

/// What money goes out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Back to the buyer of this job.
    Refund(JobId),
    /// For the job this request asks for.
    Request(JobId),
    /// By the operator's own hand.
    Manual,
}

/// A payment about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    pub purpose: Purpose,
    pub hash: PaymentHash,
    pub bolt11: String,
    /// The provider who is paid, where one is.
    pub payee: Option<Pubkey>,
    pub idempotency: [u8; 16],
    pub amount: MilliSats,
    /// At most.
    pub fee: MilliSats,
}

/// Whether it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Written down as pending: send it now, with this key.
    New,
    /// Nothing was written: it would pass a limit.
    OverLimit(OverLimit),
    /// Nothing was written: this was paid for, or is being.
    Taken,
}

/// What the end of a payment has changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ended {
    /// For a refund that has arrived: how its job stands now.
    pub job: Option<JobRow>,
    /// For a request of ours: how it stands now.
    pub request: Option<PurchaseRow>,
}

/// A payment that was begun and of whose end nobody has heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSpend {
    pub hash: PaymentHash,
    pub bolt11: String,
    pub idempotency: [u8; 16],
}

impl Store {
    /// Writes a payment down before it is sent, if the limits allow it.
    pub fn reserve(&self, spend: Spend, limits: Limits, at: UnixMs) -> Pending<Reserved> {
        self.submit(move |connection, steps| {
            if let Purpose::Refund(job) = spend.purpose {
                let state = row(connection, job)?.state;
                if state != JobState::RefundDue {
                    return Err(StoreError::NothingOwed { job, state });
                }
            }
            if is_taken(connection, &spend)? {
                return Ok(Reserved::Taken);
            }
            let spent = spent(connection, &spend, at)?;
            if let Err(over) = limits.check(spend.amount, spend.fee, spent) {
                return Ok(Reserved::OverLimit(over));
            }
            insert(connection, &spend, at)?;
            if let Purpose::Request(request) = spend.purpose {
                purchases::choose(connection, request, spend.payee)?;
                purchases::advance(connection, steps, request, PurchaseFact::PaymentBegun, at)?;
            }
            Ok(Reserved::New)
        })
    }

    /// The wallet's record says that it has arrived.
    pub fn settle_spend(&self, hash: PaymentHash, fee: MilliSats, at: UnixMs) -> Pending<Ended> {
        self.submit(move |connection, steps| {
            let sql = "UPDATE payments SET state = 'settled', fee_msats = ?2, ended_at = ?3 \
                       WHERE hash = ?1 AND direction = 'out' AND state = 'pending' RETURNING job, request";
            let ended = what_for(connection, sql, params![hash.0, clamp(fee.0), at.0])?;
            let job = ended.0.map(|job| advance(connection, steps, job, Fact::Refunded, at)).transpose()?;
            let request =
                ended.1.map(|id| purchases::advance_if_legal(connection, steps, id, PurchaseFact::PaymentSettled, at)).transpose()?;
            Ok(Ended { job, request })
        })
    }

    /// The wallet's record says that no money has moved and none will. An invoice may be tried again: of the try with this
    /// key, so that late news of one try does not end the next.
    pub fn fail_spend(&self, hash: PaymentHash, key: [u8; 16], reason: String, at: UnixMs) -> Pending<Ended> {
        self.submit(move |connection, steps| {
            let sql = "UPDATE payments SET state = 'failed', reason = ?2, ended_at = ?3 \
                       WHERE hash = ?1 AND direction = 'out' AND state = 'pending' AND idempotency = ?4 RETURNING job, request";
            let ended = what_for(connection, sql, params![hash.0, reason, at.0, key])?;
            let Some(id) = ended.1 else { return Ok(Ended::default()) };
            purchases::choose(connection, id, None)?;
            let request = purchases::advance_if_legal(connection, steps, id, PurchaseFact::PaymentFailed, at)?;
            Ok(Ended { job: None, request: Some(request) })
        })
    }

    /// Everything that was begun and not ended.
    pub fn pending_spends(&self) -> Pending<Vec<PendingSpend>> {
        self.submit(|connection, _| {
            let sql = "SELECT hash, bolt11, idempotency FROM payments WHERE direction = 'out' AND state = 'pending' ORDER BY created_at";
            let mut statement = connection.prepare_cached(sql)?;
            let spends = statement
                .query_map([], |row| Ok(PendingSpend { hash: PaymentHash(row.get(0)?), bolt11: row.get(1)?, idempotency: row.get(2)? }))?;
            Ok(spends.collect::<Result<_, _>>()?)
        })
    }
}

/// Ends a payment; which job or request it was for, if it was open until now.
fn what_for(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<(Option<JobId>, Option<JobId>), StoreError> {
    let ids = |row: &Row<'_>| Ok((row.get::<_, Option<[u8; 32]>>(0)?.map(JobId), row.get::<_, Option<[u8; 32]>>(1)?.map(JobId)));
    Ok(connection.prepare_cached(sql)?.query_row(values, ids).optional()?.unwrap_or_default())
}

/// Whether this invoice, refund or purchase was paid or is being.
fn is_taken(connection: &Connection, spend: &Spend) -> Result<bool, StoreError> {
    let (refund, request) = match spend.purpose {
        Purpose::Refund(job) => (Some(job.0), None),
        Purpose::Request(request) => (None, Some(request.0)),
        Purpose::Manual => (None, None),
    };
    if let Some(job) = refund
        && has_refund(connection, JobId(job))?
    {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM payments WHERE direction = 'out' AND state <> 'failed' AND (hash = ?1 OR request = ?2)";
    Ok(connection.prepare_cached(sql)?.query_row(params![spend.hash.0, request], |_| Ok(())).optional()?.is_some())
}

/// What has gone out in the last day, or may still go, however long ago it began: in all, and to this provider.
fn spent(connection: &Connection, spend: &Spend, at: UnixMs) -> Result<Spent, StoreError> {
    let sql = "SELECT coalesce(sum(amount_msats + fee_msats), 0), \
                      coalesce(sum(CASE WHEN payee = ?2 THEN amount_msats + fee_msats ELSE 0 END), 0) \
               FROM payments WHERE direction = 'out' AND (state = 'pending' OR (state = 'settled' AND created_at > ?1))";
    let since = at.minus_ms(Limits::DAY_MS);
    let sums = connection
        .prepare_cached(sql)?
        .query_row(params![since.0, spend.payee.map(|payee| payee.0)], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let msats = |sum: i64| MilliSats(u64::try_from(sum).unwrap_or_default());
    Ok(Spent { day: msats(sums.0), payee_day: spend.payee.map(|_| msats(sums.1)) })
}

fn insert(connection: &Connection, spend: &Spend, at: UnixMs) -> Result<(), StoreError> {
    let (purpose, job, request) = match spend.purpose {
        Purpose::Refund(job) => ("refund", Some(job.0), None),
        Purpose::Request(request) => ("request", None, Some(request.0)),
        Purpose::Manual => ("manual", None, None),
    };
    // An invoice whose payment has failed may be tried again. A key that was used for another invoice is an error.
    let sql = "INSERT INTO payments (hash, direction, purpose, job, request, payee, idempotency, amount_msats, fee_msats, bolt11, \
                                                state, created_at) \
               VALUES (:hash, 'out', :purpose, :job, :request, :payee, :key, :amount, :fee, :bolt11, 'pending', :at) \
               ON CONFLICT (hash, direction) DO UPDATE SET purpose = excluded.purpose, job = excluded.job, request = excluded.request, \
                   payee = excluded.payee, idempotency = excluded.idempotency, amount_msats = excluded.amount_msats, \
                   fee_msats = excluded.fee_msats, state = 'pending', reason = NULL, created_at = excluded.created_at, ended_at = NULL \
               WHERE state = 'failed'";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":hash": spend.hash.0,
        ":purpose": purpose,
        ":job": job,
        ":request": request,
        ":payee": spend.payee.map(|payee| payee.0),
        ":key": spend.idempotency,
        ":amount": clamp(spend.amount.0),
        ":fee": clamp(spend.fee.0),
        ":bolt11": spend.bolt11,
        ":at": at.0,
    })?;
    Ok(())
}
