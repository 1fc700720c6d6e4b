//! Offers: what providers ask for our requests, and what is wrong about it.

use rusqlite::{Connection, OptionalExtension as _, named_params, params};
use serde::{Deserialize, Serialize};

use super::jobs::clamp;
use super::rows::word;
use super::{Pending, Store, StoreError};
use crate::domain::ids::{JobId, PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::offer::Flaw;
use crate::domain::time::UnixMs;

/// Offers one request keeps. Whoever floods it with more is not heard.
const MOST: u32 = 64;

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
            if is_known(connection, &offer)? || count(connection, offer.request)? >= MOST {
                return Ok(None);
            }
            if offer.flaw.is_none() {
                offer.flaw = ledger_flaw(connection, &offer)?;
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

fn count(connection: &Connection, request: JobId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM offers WHERE request = ?1";
    Ok(connection.prepare_cached(sql)?.query_row(params![request.0], |row| row.get(0))?)
}

/// What is wrong with an offer by what else the ledger holds.
fn ledger_flaw(connection: &Connection, offer: &Offer) -> Result<Option<Flaw>, StoreError> {
    let exists = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<bool, StoreError> {
        Ok(connection.prepare_cached(sql)?.query_row(values, |_| Ok(())).optional()?.is_some())
    };
    let (request, provider) = (offer.request.0, offer.provider.0);
    if exists("SELECT 1 FROM offers WHERE request = ?1 AND provider = ?2", &[&request, &provider])? {
        return Ok(Some(Flaw::SecondOffer));
    }
    if let Some(hash) = offer.hash
        && exists(
            "SELECT 1 FROM offers WHERE hash = ?1 UNION ALL SELECT 1 FROM payments WHERE hash = ?1 AND direction = 'out'",
            &[&hash.0],
        )?
    {
        return Ok(Some(Flaw::ReusedInvoice));
    }
    let lied = "SELECT 1 FROM offers WHERE provider = ?1 AND flaw = 'other-amount'";
    Ok(exists(lied, &[&provider])?.then_some(Flaw::LiedBefore))
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
