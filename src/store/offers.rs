//! Offers: what providers ask for our requests, and what is wrong about it.
//!
//! An invoice may be copied by anybody who sees it, and nothing in it says which provider made it. So a copy hurts nobody:
//! - Two providers with the same invoice for one request: both offers stand. It is paid once, the money reaches whoever
//!   made it, and the answer is taken from either ([`Store::shares_payment`]).
//! - The same invoice for two requests: the first offer counts, except that whoever was asked by name comes before a
//!   stranger who offers it elsewhere.
//! - An offer that has a flaw of its own proves nothing about another.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use serde::{Deserialize, Serialize};

use super::jobs::clamp;
use super::rows::word;
use super::{Pending, Store, StoreError};
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::offer::Flaw;
use crate::domain::time::UnixMs;

/// Offers one request keeps that could be paid, and as many that could not: neither crowds the other out.
const MOST: u32 = 64;
/// Offers one provider may have for a request: the first one, and one that takes its place.
const MOST_OF_ONE: u32 = 2;

/// An invoice with so little time left may be replaced by its provider, in milliseconds.
const NEARLY_OVER_MS: u64 = 15_000;

/// What a provider asks for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub request: JobId,
    pub provider: Pubkey,
    /// As it came; empty where there was none.
    pub bolt11: String,
    pub hash: Option<PaymentHash>,
    /// What the offer says.
    pub claimed: MilliSats,
    /// What its invoice says; `None`: nothing that could be read.
    pub asked: Option<MilliSats>,
    pub expires_at: Option<UnixMs>,
    /// `None`: it could be paid.
    pub flaw: Option<Flaw>,
    /// More about the flaw, for people.
    pub detail: Option<String>,
    pub at: UnixMs,
}

impl Store {
    /// Stores an offer and judges what only the ledger knows about it. `None`: it was here before, or there are too many.
    pub fn offer(&self, offer: Offer) -> Pending<Option<Offer>> {
        self.submit(move |connection, _| {
            let mut offer = offer;
            if is_known(connection, &offer)? || count_of(connection, offer.request, offer.provider)? >= MOST_OF_ONE {
                return Ok(None);
            }
            if offer.flaw.is_none() {
                offer.flaw = ledger_flaw(connection, &offer)?;
            }
            if count(connection, offer.request, offer.flaw.is_some())? >= MOST {
                return Ok(None);
            }
            if offer.flaw.is_none() {
                flaw_copies(connection, &offer)?;
                close_first(connection, &offer)?;
            }
            insert(connection, &offer)?;
            Ok(Some(offer))
        })
    }

    /// An offer that could be paid cannot any more.
    pub fn flaw_offer(&self, request: JobId, provider: Pubkey, bolt11: String, flaw: Flaw, detail: String) -> Pending<()> {
        self.submit(move |connection, _| {
            let sql = "UPDATE offers SET flaw = ?4, detail = ?5 WHERE request = ?1 AND provider = ?2 AND bolt11 = ?3";
            connection.prepare_cached(sql)?.execute(params![request.0, provider.0, bolt11, flaw.as_str(), detail])?;
            Ok(())
        })
    }

    /// Whether this provider has offered the very invoice that was paid for the request, or is being.
    pub fn shares_payment(&self, request: JobId, provider: Pubkey) -> Pending<bool> {
        self.submit(move |connection, _| shares_payment(connection, request, provider))
    }

    /// A request's offers, the cheapest that could be paid first.
    pub fn offers(&self, request: JobId) -> Pending<Vec<Offer>> {
        self.submit(move |connection, _| list(connection, request))
    }
}

fn is_known(connection: &Connection, offer: &Offer) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM offers WHERE request = ?1 AND provider = ?2 AND bolt11 = ?3";
    let values = params![offer.request.0, offer.provider.0, offer.bolt11];
    Ok(connection.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?.is_some())
}

fn count_of(connection: &Connection, request: JobId, provider: Pubkey) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM offers WHERE request = ?1 AND provider = ?2";
    Ok(connection.prepare_cached(sql)?.query_row(params![request.0, provider.0], |row| row.get(0))?)
}

fn count(connection: &Connection, request: JobId, is_flawed: bool) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM offers WHERE request = ?1 AND (flaw IS NOT NULL) = ?2";
    Ok(connection.prepare_cached(sql)?.query_row(params![request.0, is_flawed], |row| row.get(0))?)
}

fn exists(connection: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?.is_some())
}

/// What is wrong with an offer by what else the ledger holds.
fn ledger_flaw(connection: &Connection, offer: &Offer) -> Result<Option<Flaw>, StoreError> {
    if count_of(connection, offer.request, offer.provider)? > 0 && !replaces_first(connection, offer)? {
        return Ok(Some(Flaw::SecondOffer));
    }
    if offer.hash.map(|hash| is_reused(connection, offer, hash)).transpose()?.unwrap_or_default() {
        return Ok(Some(Flaw::ReusedInvoice));
    }
    let lied = "SELECT 1 FROM offers WHERE provider = ?1 AND flaw = 'other-amount'";
    Ok(exists(connection, lied, &[&offer.provider.0])?.then_some(Flaw::LiedBefore))
}

/// Whether the provider's first offer had nothing wrong but its time, which is over or nearly, and is not being paid: then
/// one offer may take its place, and may not cost more.
fn replaces_first(connection: &Connection, offer: &Offer) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM offers o WHERE o.request = ?1 AND o.provider = ?2 AND coalesce(o.flaw, 'expired') = 'expired' \
                   AND o.expires_at <= ?3 AND o.asked_msats >= ?4 AND o.hash IS NOT ?5 \
                   AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.request = o.request AND p.direction = 'out' AND p.state <> 'failed')";
    let (until, asked) = (offer.at.plus_ms(NEARLY_OVER_MS).0, offer.asked.map(|asked| clamp(asked.0)));
    exists(connection, sql, &[&offer.request.0, &offer.provider.0, &until, &asked, &offer.hash.map(|hash| hash.0)])
}

/// The provider's first offer, if there is one, gives way to this one.
fn close_first(connection: &Connection, offer: &Offer) -> Result<(), StoreError> {
    let sql = "UPDATE offers SET flaw = ?3 WHERE request = ?1 AND provider = ?2 AND flaw IS NULL";
    connection.prepare_cached(sql)?.execute(params![offer.request.0, offer.provider.0, Flaw::Expired.as_str()])?;
    Ok(())
}

/// Whether its invoice was paid for anything else, or could have been: see the head of this file.
fn is_reused(connection: &Connection, offer: &Offer, hash: PaymentHash) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM payments WHERE hash = ?1 AND direction = 'out' AND request IS NOT ?2 \
               UNION ALL SELECT 1 FROM offers WHERE hash = ?1 AND request <> ?2 AND flaw IS NULL AND (provider = ?3 OR NOT ?4)";
    let was_asked = was_asked(connection, offer)?;
    exists(connection, sql, &[&hash.0, &offer.request.0, &offer.provider.0, &was_asked])
}

fn was_asked(connection: &Connection, offer: &Offer) -> Result<bool, StoreError> {
    exists(connection, "SELECT 1 FROM requests WHERE id = ?1 AND target = ?2", &[&offer.request.0, &offer.provider.0])
}

/// Whoever was asked by name offers an invoice: what strangers have made of it elsewhere cannot be paid any more.
fn flaw_copies(connection: &Connection, offer: &Offer) -> Result<(), StoreError> {
    let Some(hash) = offer.hash else { return Ok(()) };
    if was_asked(connection, offer)? {
        let sql = "UPDATE offers SET flaw = ?3 WHERE hash = ?1 AND request <> ?2 AND flaw IS NULL";
        connection.prepare_cached(sql)?.execute(params![hash.0, offer.request.0, Flaw::ReusedInvoice.as_str()])?;
    }
    Ok(())
}

pub(super) fn shares_payment(connection: &Connection, request: JobId, provider: Pubkey) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM payments p JOIN offers o ON o.request = p.request AND o.hash = p.hash \
               WHERE p.request = ?1 AND p.direction = 'out' AND p.state <> 'failed' AND o.provider = ?2 AND o.flaw IS NULL";
    exists(connection, sql, &[&request.0, &provider.0])
}

fn insert(connection: &Connection, offer: &Offer) -> Result<(), StoreError> {
    let sql = "INSERT INTO offers (request, provider, bolt11, hash, claimed_msats, asked_msats, expires_at, flaw, detail, at) \
               VALUES (:request, :provider, :bolt11, :hash, :claimed, :asked, :expires, :flaw, :detail, :at)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":request": offer.request.0,
        ":provider": offer.provider.0,
        ":bolt11": offer.bolt11,
        ":hash": offer.hash.map(|hash| hash.0),
        ":claimed": clamp(offer.claimed.0),
        ":asked": offer.asked.map(|asked| clamp(asked.0)),
        ":expires": offer.expires_at.map(|at| at.0),
        ":flaw": offer.flaw.map(Flaw::as_str),
        ":detail": offer.detail,
        ":at": offer.at.0,
    })?;
    Ok(())
}

pub(super) fn list(connection: &Connection, request: JobId) -> Result<Vec<Offer>, StoreError> {
    let sql = "SELECT * FROM offers WHERE request = ?1 ORDER BY flaw IS NOT NULL, asked_msats, at, provider";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![request.0])?;
    let mut offers = Vec::new();
    while let Some(row) = found.next()? {
        offers.push(Offer {
            request,
            provider: Pubkey(row.get("provider")?),
            bolt11: row.get("bolt11")?,
            hash: row.get::<_, Option<[u8; 32]>>("hash")?.map(PaymentHash),
            claimed: MilliSats(row.get("claimed_msats")?),
            asked: row.get::<_, Option<u64>>("asked_msats")?.map(MilliSats),
            expires_at: row.get::<_, Option<i64>>("expires_at")?.map(UnixMs),
            flaw: row.get::<_, Option<String>>("flaw")?.map(|flaw| word(&flaw)).transpose()?,
            detail: row.get("detail")?,
            at: UnixMs(row.get("at")?),
        });
    }
    Ok(offers)
}
