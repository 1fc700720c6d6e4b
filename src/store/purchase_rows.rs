//! Reading requests of our own.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde::{Deserialize, Serialize};

use super::rows::{PageKey, word};
use super::{Offer, StoreError, offers};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::purchase::{AutoPay, PurchaseFact, PurchaseState};
use crate::domain::time::UnixMs;

/// A request in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseRow {
    pub id: JobId,
    pub state: PurchaseState,
    pub kind: u16,
    pub target: Option<Pubkey>,
    /// Who is paid, or has answered.
    pub provider: Option<Pubkey>,
    pub model: Option<String>,
    pub prompt: String,
    pub bid: Option<MilliSats>,
    pub auto_pay: AutoPay,
    /// Paid, without fees; 0 while nothing is settled.
    pub paid: MilliSats,
    /// A payment has begun and its end is not known.
    pub is_being_paid: bool,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
    pub answered_at: Option<UnixMs>,
    pub ended_at: Option<UnixMs>,
    pub reason_code: Option<String>,
    pub reason: Option<String>,
}

/// Some requests, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchasePage {
    pub rows: Vec<PurchaseRow>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<PageKey>,
}

/// A request with its offers and its timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseDetail {
    #[serde(flatten)]
    pub row: PurchaseRow,
    /// The cheapest that could be paid first.
    pub offers: Vec<Offer>,
    pub answer: Option<String>,
    pub journal: Vec<PurchaseJournalRow>,
}

/// One change of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseJournalRow {
    pub at: UnixMs,
    /// `None` is the draft.
    pub fact: Option<PurchaseFact>,
    pub from: Option<PurchaseState>,
    pub to: PurchaseState,
}

pub(super) const COLUMNS: &str = "id, state, kind, target, provider, model, prompt, bid_msats, auto_pay, created_at, expires_at, answered_at, ended_at, \
     reason_code, reason, coalesce((SELECT sum(amount_msats) FROM payments p WHERE p.request = id AND p.state = 'settled'), 0) AS paid, \
     EXISTS (SELECT 1 FROM payments p WHERE p.request = id AND p.state = 'pending') AS paying";

pub(super) fn row(connection: &Connection, id: JobId) -> Result<PurchaseRow, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM requests WHERE id = ?1"))?;
    let mut found = statement.query(params![id.0])?;
    found.next()?.map_or_else(|| Err(StoreError::UnknownRequest(id.to_string())), read)
}

/// Reads [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<PurchaseRow, StoreError> {
    let time = |name: &str| -> Result<Option<UnixMs>, rusqlite::Error> { Ok(row.get::<_, Option<i64>>(name)?.map(UnixMs)) };
    let key = |name: &str| -> Result<Option<Pubkey>, rusqlite::Error> { Ok(row.get::<_, Option<[u8; 32]>>(name)?.map(Pubkey)) };
    Ok(PurchaseRow {
        id: JobId(row.get("id")?),
        state: word(&row.get::<_, String>("state")?)?,
        kind: row.get("kind")?,
        target: key("target")?,
        provider: key("provider")?,
        model: row.get("model")?,
        prompt: row.get("prompt")?,
        bid: row.get::<_, Option<u64>>("bid_msats")?.map(MilliSats),
        auto_pay: word(&row.get::<_, String>("auto_pay")?)?,
        paid: MilliSats(row.get("paid")?),
        is_being_paid: row.get("paying")?,
        created_at: UnixMs(row.get("created_at")?),
        expires_at: UnixMs(row.get("expires_at")?),
        answered_at: time("answered_at")?,
        ended_at: time("ended_at")?,
        reason_code: row.get("reason_code")?,
        reason: row.get("reason")?,
    })
}

/// One page, newest first.
pub(super) fn page(connection: &Connection, before: Option<PageKey>, limit: u32) -> Result<PurchasePage, StoreError> {
    let mut values: Vec<Value> = Vec::new();
    let filter = match before {
        Some((at, id)) => {
            values.extend([at.0.into(), id.0.to_vec().into()]);
            "WHERE (created_at, id) < (?, ?)"
        }
        None => "",
    };
    // One more than asked for tells whether there is another page.
    values.push(i64::from(limit + 1).into());
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM requests {filter} ORDER BY created_at DESC, id DESC LIMIT ?"))?;
    let mut found = statement.query(params_from_iter(values))?;
    let mut page = PurchasePage::default();
    while let Some(row) = found.next()? {
        page.rows.push(read(row)?);
    }
    if page.rows.len() > limit as usize {
        page.rows.truncate(limit as usize);
        page.next = page.rows.last().map(|row| (row.created_at, row.id));
    }
    Ok(page)
}

/// Everything there is about a request.
pub(super) fn detail(connection: &Connection, id: JobId) -> Result<PurchaseDetail, StoreError> {
    let answer = connection.query_row("SELECT answer FROM requests WHERE id = ?1", params![id.0], |row| row.get(0)).optional()?;
    let row = row(connection, id)?;
    Ok(PurchaseDetail { row, offers: offers::list(connection, id)?, answer: answer.flatten(), journal: timeline(connection, id)? })
}

fn timeline(connection: &Connection, id: JobId) -> Result<Vec<PurchaseJournalRow>, StoreError> {
    let sql = "SELECT at, fact, from_state, to_state FROM request_journal WHERE request = ?1 ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![id.0])?;
    let mut journal = Vec::new();
    while let Some(row) = found.next()? {
        let fact: Option<String> = row.get("fact")?;
        let from: Option<String> = row.get("from_state")?;
        journal.push(PurchaseJournalRow {
            at: UnixMs(row.get("at")?),
            fact: fact.map(|fact| word(&fact)).transpose()?,
            from: from.map(|from| word(&from)).transpose()?,
            to: word(&row.get::<_, String>("to_state")?)?,
        });
    }
    Ok(journal)
}

/// Requests whose journal does not lead to where they stand.
pub(super) fn unexplained(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut problems = Vec::new();
    let mut statement = connection.prepare("SELECT id, state FROM requests")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let (id, state) = (JobId(row.get("id")?), word::<PurchaseState>(&row.get::<_, String>("state")?)?);
        let mut facts = timeline(connection, id)?.into_iter();
        let begun = facts.next().is_some_and(|row| row.fact.is_none());
        let replayed = facts.filter_map(|row| row.fact).try_fold(PurchaseState::Drafted, |state, fact| state.apply(fact));
        if !begun || replayed != Ok(state) {
            problems.push(format!("the request {id} is {state} and its journal does not say how"));
        }
    }
    Ok(problems)
}
