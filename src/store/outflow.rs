//! How much has gone out in a day, without adding up the whole day each time: whole minutes are kept as sums, and only
//! the minute that the day begins in is read payment by payment.

use rusqlite::{Connection, params};

use super::StoreError;
use super::jobs::clamp;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::limits::{Limits, Spent};
use crate::domain::money::MilliSats;
use crate::domain::time::UnixMs;

const MINUTE_MS: i64 = 60_000;

/// What has gone out in the last day, or may still go, however long ago it began: in all, and to this provider.
pub(super) fn spent(connection: &Connection, payee: Option<Pubkey>, at: UnixMs) -> Result<Spent, StoreError> {
    let day = spent_on(connection, None, at)?;
    let payee_day = payee.map(|payee| spent_on(connection, Some(payee), at)).transpose()?;
    Ok(Spent { day, payee_day })
}

fn spent_on(connection: &Connection, payee: Option<Pubkey>, at: UnixMs) -> Result<MilliSats, StoreError> {
    let since = at.minus_ms(Limits::DAY_MS);
    let minute = since.0.div_euclid(MINUTE_MS);
    let key = payee.map_or_else(Vec::new, |payee| payee.0.to_vec());
    let sum = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<u64, StoreError> {
        let total: i64 = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0))?;
        Ok(u64::try_from(total).unwrap_or_default())
    };
    let whole = sum("SELECT coalesce(sum(msats), 0) FROM outflow WHERE payee = ?1 AND minute > ?2", params![key, minute])?;
    let rest = sum(
        "SELECT coalesce(sum(amount_msats + fee_msats), 0) FROM payments WHERE direction = 'out' AND state = 'settled' \
         AND created_at > ?2 AND created_at < ?3 AND (?1 = x'' OR payee = ?1)",
        params![key, since.0, (minute + 1) * MINUTE_MS],
    )?;
    let pending = sum(
        "SELECT coalesce(sum(amount_msats + fee_msats), 0) FROM payments INDEXED BY payments_pending \
         WHERE direction = 'out' AND state = 'pending' \
         AND (?1 = x'' OR payee = ?1)",
        params![key],
    )?;
    Ok(MilliSats(whole.saturating_add(rest).saturating_add(pending)))
}

/// Counts a payment that has just settled.
pub(super) fn add(connection: &Connection, hash: PaymentHash) -> Result<(), StoreError> {
    let sql = "SELECT payee, created_at, amount_msats + fee_msats FROM payments WHERE hash = ?1 AND direction = 'out'";
    let (payee, created_at, msats): (Option<[u8; 32]>, i64, u64) =
        connection.prepare_cached(sql)?.query_row(params![hash.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let sql = "INSERT INTO outflow (payee, minute, msats) VALUES (?1, ?2, ?3) \
               ON CONFLICT (payee, minute) DO UPDATE SET msats = msats + excluded.msats";
    let mut insert = connection.prepare_cached(sql)?;
    for payee in [Some(Vec::new()), payee.map(|payee| payee.to_vec())].into_iter().flatten() {
        insert.execute(params![payee, created_at.div_euclid(MINUTE_MS), clamp(msats)])?;
    }
    Ok(())
}

/// Minutes whose sum is not that of their payments. There is none, unless the file was changed by another hand.
pub(super) fn unexplained(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "WITH settled AS (SELECT created_at / 60000 AS minute, payee, amount_msats + fee_msats AS msats FROM payments \
                                WHERE direction = 'out' AND state = 'settled'), \
                    rows AS (SELECT x'' AS payee, minute, sum(msats) AS msats FROM settled GROUP BY 2 \
                             UNION ALL SELECT payee, minute, sum(msats) FROM settled WHERE payee IS NOT NULL GROUP BY 1, 2) \
               SELECT count(*) FROM (SELECT payee, minute, msats FROM rows EXCEPT SELECT payee, minute, msats FROM outflow \
                                     UNION ALL \
                                     SELECT * FROM (SELECT payee, minute, msats FROM outflow EXCEPT SELECT payee, minute, msats FROM rows))";
    let wrong: u64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(if wrong == 0 { Vec::new() } else { vec![format!("what has gone out is added up wrongly for {wrong} minutes")] })
}
