//! Money that goes out. The limits are checked in the transaction that reserves it, by the one thread that writes: however
//! many ask at once, together they cannot pass a limit.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::jobs::{advance, clamp, row};
use super::money::has_refund;
use super::purchase_rows::PurchaseRow;
use super::purchases;
use super::rows::JobRow;
use super::{Pending, Store, StoreError, outflow, spend_lock};
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::job::{Fact, JobState};
use crate::domain::limits::{Limits, OverLimit};
use crate::domain::money::MilliSats;
use crate::domain::purchase::PurchaseFact;
use crate::domain::spend_lock::{Held, Permit};
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

/// A deposit that goes out on the chain again. The wallet knows no payment of it, only what has become of the deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentBack {
    /// TRANSACTION:OUTPUT.
    pub deposit: String,
    /// The transaction that sent it back already: one that pays more may take its place.
    pub before: Option<String>,
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
    /// `None`: the wallet knows it by its hash.
    pub sent_back: Option<SentBack>,
}

/// Whether it may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Written down as pending: send it now, with this key.
    New,
    /// Nothing was written: it would pass a limit.
    OverLimit(OverLimit),
    /// Nothing was written: spending is locked, or the PIN is wanted.
    Held(Held),
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
    /// Gone for nothing: the wallet had called this payment failed, and another was made in its place.
    pub doubled: Option<MilliSats>,
}

/// A payment that was begun and of whose end nobody has heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSpend {
    pub hash: PaymentHash,
    pub bolt11: String,
    pub idempotency: [u8; 16],
    /// At most.
    pub fee: MilliSats,
    pub begun_at: UnixMs,
    pub sent_back: Option<SentBack>,
}

impl Store {
    /// As [`Store::reserve_with`] the PIN, for tests of everything else.
    #[cfg(test)]
    pub fn reserve(&self, spend: Spend, limits: Limits, at: UnixMs) -> Pending<Reserved> {
        self.reserve_with(spend, limits, Permit::Pin, at)
    }

    /// Writes a payment down before it is sent, if lock and limits allow it.
    pub fn reserve_with(&self, spend: Spend, limits: Limits, permit: Permit, at: UnixMs) -> Pending<Reserved> {
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
            if let Err(held) = spend_lock::read(connection)?.check(spend.amount, permit, at) {
                return Ok(Reserved::Held(held));
            }
            let spent = outflow::spent(connection, spend.payee, at)?;
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

    /// The wallet's record says that it has arrived; a payment it had called failed may have, after all.
    pub fn settle_spend(&self, hash: PaymentHash, fee: MilliSats, at: UnixMs) -> Pending<Ended> {
        self.submit(move |connection, steps| {
            let Some(open) = unsettled(connection, hash)? else { return Ok(Ended::default()) };
            if is_paid_otherwise(connection, &open)? {
                return settle_doubled(connection, hash, &open, fee, at);
            }
            let sql =
                "UPDATE payments SET state = 'settled', fee_msats = ?2, reason = NULL, ended_at = ?3 WHERE hash = ?1 AND direction = 'out'";
            connection.prepare_cached(sql)?.execute(params![hash.0, clamp(fee.0), at.0])?;
            outflow::add(connection, hash)?;
            let job = open.job.map(|job| advance(connection, steps, job, Fact::Refunded, at)).transpose()?;
            if let Some(request) = open.request {
                purchases::choose(connection, request, open.payee)?;
            }
            let settled = |id| purchases::advance_if_legal(connection, steps, id, PurchaseFact::PaymentSettled, at);
            let request = open.request.map(settled).transpose()?;
            Ok(Ended { job, request, doubled: None })
        })
    }

    /// The wallet's record says that no money has moved and none will. An invoice may be tried again: of the try with this
    /// key, so that late news of one try does not end the next.
    pub fn fail_spend(&self, hash: PaymentHash, key: [u8; 16], reason: String, at: UnixMs) -> Pending<Ended> {
        self.submit(move |connection, steps| {
            let sql = "UPDATE payments SET state = 'failed', reason = ?2, ended_at = ?3 \
                       WHERE hash = ?1 AND direction = 'out' AND state = 'pending' AND idempotency = ?4 RETURNING request";
            let request = |row: &Row<'_>| row.get::<_, Option<[u8; 32]>>(0);
            let ended = connection.prepare_cached(sql)?.query_row(params![hash.0, reason, at.0, key], request).optional()?;
            let Some(id) = ended.flatten().map(JobId) else { return Ok(Ended::default()) };
            purchases::choose(connection, id, None)?;
            let request = purchases::advance_if_legal(connection, steps, id, PurchaseFact::PaymentFailed, at)?;
            Ok(Ended { request: Some(request), ..Ended::default() })
        })
    }

    /// What the wallet has called failed since then.
    pub fn failed_spends(&self, since: UnixMs) -> Pending<Vec<PaymentHash>> {
        self.submit(move |connection, _| {
            let sql = "SELECT hash FROM payments INDEXED BY payments_failed WHERE direction = 'out' AND state = 'failed' AND ended_at >= ?1 ORDER BY ended_at";
            let mut statement = connection.prepare_cached(sql)?;
            let hashes = statement.query_map(params![since.0], |row| Ok(PaymentHash(row.get(0)?)))?;
            Ok(hashes.collect::<Result<_, _>>()?)
        })
    }

    /// Everything that was begun and not ended.
    pub fn pending_spends(&self) -> Pending<Vec<PendingSpend>> {
        self.submit(|connection, _| {
            let sql = "SELECT hash, bolt11, idempotency, fee_msats, created_at, deposit, refund_before \
                       FROM payments INDEXED BY payments_pending WHERE direction = 'out' AND state = 'pending' ORDER BY created_at";
            let mut statement = connection.prepare_cached(sql)?;
            let spends = statement.query_map([], pending)?;
            Ok(spends.collect::<Result<_, _>>()?)
        })
    }
}

fn pending(row: &Row<'_>) -> rusqlite::Result<PendingSpend> {
    let before = row.get(6)?;
    Ok(PendingSpend {
        hash: PaymentHash(row.get(0)?),
        bolt11: row.get(1)?,
        idempotency: row.get(2)?,
        fee: MilliSats(row.get(3)?),
        begun_at: UnixMs(row.get(4)?),
        sent_back: row.get::<_, Option<_>>(5)?.map(|deposit| SentBack { deposit, before }),
    })
}

/// A payment that has not arrived, as far as the ledger knows.
struct Unsettled {
    job: Option<JobId>,
    request: Option<JobId>,
    payee: Option<Pubkey>,
    amount: MilliSats,
    /// The wallet has called it failed.
    has_failed: bool,
}

fn unsettled(connection: &Connection, hash: PaymentHash) -> Result<Option<Unsettled>, StoreError> {
    let sql = "SELECT job, request, payee, amount_msats, state = 'failed' FROM payments \
               WHERE hash = ?1 AND direction = 'out' AND state <> 'settled'";
    let read = |row: &Row<'_>| {
        Ok(Unsettled {
            job: row.get::<_, Option<_>>(0)?.map(JobId),
            request: row.get::<_, Option<_>>(1)?.map(JobId),
            payee: row.get::<_, Option<_>>(2)?.map(Pubkey),
            amount: MilliSats(row.get(3)?),
            has_failed: row.get(4)?,
        })
    };
    Ok(connection.prepare_cached(sql)?.query_row(params![hash.0], read).optional()?)
}

/// Whether, since this payment failed, another was begun in its place.
fn is_paid_otherwise(connection: &Connection, open: &Unsettled) -> Result<bool, StoreError> {
    if !open.has_failed {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM payments WHERE direction = 'out' AND state <> 'failed' AND job = ?1 \
               UNION ALL SELECT 1 FROM payments WHERE direction = 'out' AND state <> 'failed' AND request = ?2";
    let values = params![open.job.map(|id| id.0), open.request.map(|id| id.0)];
    Ok(connection.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?.is_some())
}

/// The wallet said that this payment had failed, another was made in its place, and now it has arrived all the same: the
/// money is gone and belongs to nothing any more. The ledger says so rather than hide it.
fn settle_doubled(connection: &Connection, hash: PaymentHash, open: &Unsettled, fee: MilliSats, at: UnixMs) -> Result<Ended, StoreError> {
    let whose = open.job.or(open.request).map(|id| id.to_string()).unwrap_or_default();
    let reason = format!("It arrived after the wallet had called it failed, and {whose} was paid for by another payment.");
    let sql = "UPDATE payments SET state = 'settled', purpose = 'manual', job = NULL, request = NULL, fee_msats = ?2, reason = ?3, \
                                   ended_at = ?4 WHERE hash = ?1 AND direction = 'out'";
    connection.prepare_cached(sql)?.execute(params![hash.0, clamp(fee.0), reason, at.0])?;
    outflow::add(connection, hash)?;
    Ok(Ended { doubled: Some(open.amount), ..Ended::default() })
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
    let sql = "SELECT 1 FROM payments WHERE direction = 'out' AND state <> 'failed' AND hash = ?1 \
               UNION ALL SELECT 1 FROM payments WHERE direction = 'out' AND state <> 'failed' AND request = ?2";
    Ok(connection.prepare_cached(sql)?.query_row(params![spend.hash.0, request], |_| Ok(())).optional()?.is_some())
}

fn insert(connection: &Connection, spend: &Spend, at: UnixMs) -> Result<(), StoreError> {
    let (purpose, job, request) = match spend.purpose {
        Purpose::Refund(job) => ("refund", Some(job.0), None),
        Purpose::Request(request) => ("request", None, Some(request.0)),
        Purpose::Manual => ("manual", None, None),
    };
    // An invoice whose payment has failed may be tried again. A key that was used for another invoice is an error.
    let sql = "INSERT INTO payments (hash, direction, purpose, job, request, payee, idempotency, amount_msats, fee_msats, bolt11, \
                                                state, created_at, deposit, refund_before) \
               VALUES (:hash, 'out', :purpose, :job, :request, :payee, :key, :amount, :fee, :bolt11, 'pending', :at, :deposit, :before) \
               ON CONFLICT (hash, direction) DO UPDATE SET purpose = excluded.purpose, job = excluded.job, request = excluded.request, \
                   payee = excluded.payee, idempotency = excluded.idempotency, amount_msats = excluded.amount_msats, \
                   fee_msats = excluded.fee_msats, bolt11 = excluded.bolt11, state = 'pending', reason = NULL, \
                   created_at = excluded.created_at, ended_at = NULL, deposit = excluded.deposit, refund_before = excluded.refund_before \
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
        ":deposit": spend.sent_back.as_ref().map(|back| &back.deposit),
        ":before": spend.sent_back.as_ref().and_then(|back| back.before.as_ref()),
    })?;
    Ok(())
}
