//! Writing a request of our own: its draft, each step after it, its answer.

use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params};

use super::jobs::clamp;
use super::purchase_rows::{COLUMNS, PurchaseRow, read, row};
use super::rows::{spell, word};
use super::writer::{Line, Steps};
use super::{Pending, Store, StoreError, offers};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::purchase::{AutoPay, PurchaseFact, PurchaseState};
use crate::domain::request::Scheme;
use crate::domain::time::UnixMs;

/// For so long after its end a paid request still takes its answer, in milliseconds.
const LATE_MS: u64 = 86_400_000;

/// A request to be stored before it is published.
#[derive(Debug, Clone)]
pub struct NewPurchase {
    pub id: JobId,
    pub kind: u16,
    pub scheme: Scheme,
    pub target: Option<Pubkey>,
    pub model: Option<String>,
    pub prompt: String,
    pub bid: Option<MilliSats>,
    pub auto_pay: AutoPay,
    /// The key this request alone is signed with; `None`: our own.
    pub secret: Option<Secret>,
    /// The signed event, as it is published.
    pub event_json: String,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
}

/// The key of one request. It signs and decrypts that request and nothing else; still it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is needed to take a request up again after a restart.
#[derive(Debug, Clone)]
pub struct OpenPurchase {
    pub row: PurchaseRow,
    pub secret: Option<Secret>,
    pub event_json: String,
}

/// An answer to a request of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenAnswer {
    pub provider: Pubkey,
    pub event_id: [u8; 32],
    pub text: String,
    /// Whether an invoice came with it that is not paid.
    pub has_bill: bool,
}

/// A step and why, where there is a why.
#[derive(Debug, Clone)]
pub struct PurchaseStep {
    pub fact: PurchaseFact,
    /// A code that never changes, and a sentence.
    pub reason: Option<(&'static str, String)>,
}

impl From<PurchaseFact> for PurchaseStep {
    fn from(fact: PurchaseFact) -> Self {
        Self { fact, reason: None }
    }
}

impl Store {
    /// Stores a request. From here on it is published until a relay has it.
    pub fn draft(&self, new: NewPurchase) -> Pending<PurchaseRow> {
        self.submit(move |connection, steps| {
            insert(connection, &new)?;
            journal(connection, new.id, new.created_at, None, None, PurchaseState::Drafted)?;
            steps.push((new.id, Line::Drafted));
            row(connection, new.id)
        })
    }

    /// A step of a request. `None`: it stands where this step does not apply, and nothing was changed.
    pub fn step(&self, id: JobId, step: PurchaseStep, at: UnixMs) -> Pending<Option<PurchaseRow>> {
        self.submit(move |connection, steps| {
            let closes_while_paying = step.fact == PurchaseFact::BillClosed && is_being_paid(connection, id)?;
            if closes_while_paying || state(connection, id)?.apply(step.fact).is_err() {
                return Ok(None);
            }
            if let Some((code, words)) = step.reason {
                note(connection, id, code, &words)?;
            }
            advance(connection, steps, id, step.fact, at).map(Some)
        })
    }

    /// Stores an answer, once. `None`: there is one already, or the request stands where none is taken.
    pub fn take_answer(&self, id: JobId, answer: TakenAnswer, at: UnixMs) -> Pending<Option<PurchaseRow>> {
        self.submit(move |connection, steps| {
            let fact = if answer.has_bill { PurchaseFact::AnsweredWithBill } else { PurchaseFact::Answered };
            if state(connection, id)?.apply(fact).is_err() || is_awaited_from_another(connection, id, answer.provider)? {
                return Ok(None);
            }
            let sql = "UPDATE requests SET answer = ?2, answer_id = ?3, answered_at = ?4, provider = ?5 WHERE id = ?1 AND answer IS NULL";
            let values = params![id.0, answer.text, answer.event_id, at.0, answer.provider.0];
            if connection.prepare_cached(sql)?.execute(values)? == 0 {
                return Ok(None);
            }
            advance(connection, steps, id, fact, at).map(Some)
        })
    }

    /// Says why a request stands as it does, while it still waits for something: how it ended was said when it ended.
    pub fn note_purchase(&self, id: JobId, code: &'static str, words: String) -> Pending<PurchaseRow> {
        self.submit(move |connection, _| {
            if !state(connection, id)?.is_final() {
                note(connection, id, code, &words)?;
            }
            row(connection, id)
        })
    }

    /// A request as it stands.
    pub fn purchase(&self, id: JobId) -> Pending<Option<PurchaseRow>> {
        self.submit(move |connection, _| match row(connection, id) {
            Ok(row) => Ok(Some(row)),
            Err(StoreError::UnknownRequest(_)) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Every request that still waits for something, oldest first; also what was paid and not answered, for a day.
    pub fn open_purchases(&self, now: UnixMs) -> Pending<Vec<OpenPurchase>> {
        self.submit(move |connection, _| {
            let sql = format!(
                "SELECT {COLUMNS}, secret, event FROM requests r INDEXED BY requests_open WHERE state NOT IN ('done', 'expired', 'cancelled') \
                 AND (state <> 'failed' OR (answer IS NULL AND updated_at > ?1 AND EXISTS \
                     (SELECT 1 FROM payments p WHERE p.request = r.id AND p.state = 'settled'))) ORDER BY created_at, id"
            );
            let mut statement = connection.prepare(&sql)?;
            let mut found = statement.query(params![now.minus_ms(LATE_MS).0])?;
            let mut open = Vec::new();
            while let Some(row) = found.next()? {
                open.push(read_open(row)?);
            }
            Ok(open)
        })
    }

    /// What is needed to take this request up again, wherever it stands.
    pub fn open_purchase(&self, id: JobId) -> Pending<Option<OpenPurchase>> {
        self.submit(move |connection, _| {
            let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS}, secret, event FROM requests WHERE id = ?1"))?;
            let mut found = statement.query(params![id.0])?;
            found.next()?.map(read_open).transpose()
        })
    }
}

fn read_open(row: &Row<'_>) -> Result<OpenPurchase, StoreError> {
    let secret = row.get::<_, Option<[u8; 32]>>("secret")?.map(Secret);
    Ok(OpenPurchase { row: read(row)?, secret, event_json: row.get("event")? })
}

fn insert(connection: &Connection, new: &NewPurchase) -> Result<(), StoreError> {
    let sql = "INSERT INTO requests (id, created_at, updated_at, expires_at, state, kind, scheme, target, model, prompt, bid_msats, auto_pay, \
                                     secret, event) \
               VALUES (:id, :at, :at, :expires, 'drafted', :kind, :scheme, :target, :model, :prompt, :bid, :auto_pay, :secret, :event)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": new.id.0,
        ":at": new.created_at.0,
        ":expires": new.expires_at.0,
        ":kind": new.kind,
        ":scheme": spell(&new.scheme)?,
        ":target": new.target.map(|target| target.0),
        ":model": new.model,
        ":prompt": new.prompt,
        ":bid": new.bid.map(|bid| clamp(bid.0)),
        ":auto_pay": spell(&new.auto_pay)?,
        ":secret": new.secret.as_ref().map(|secret| secret.0),
        ":event": new.event_json,
    })?;
    Ok(())
}

/// One step: the rule, the journal line and the update, together.
pub(super) fn advance(
    connection: &Connection,
    steps: &mut Steps,
    id: JobId,
    fact: PurchaseFact,
    at: UnixMs,
) -> Result<PurchaseRow, StoreError> {
    let before = state(connection, id)?;
    let after = before.apply(fact)?;
    let sql = "UPDATE requests SET state = ?2, updated_at = ?3, ended_at = ?4 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.0, after.as_str(), at.0, after.is_final().then_some(at.0)])?;
    journal(connection, id, at, Some(fact), Some(before), after)?;
    steps.push((id, Line::Request(fact)));
    row(connection, id)
}

/// As [`advance`]; where the fact does not apply the request stays as it is. What the wallet says about money is written
/// down whatever has become of the request.
pub(super) fn advance_if_legal(
    connection: &Connection,
    steps: &mut Steps,
    id: JobId,
    fact: PurchaseFact,
    at: UnixMs,
) -> Result<PurchaseRow, StoreError> {
    if state(connection, id)?.apply(fact).is_ok() { advance(connection, steps, id, fact, at) } else { row(connection, id) }
}

/// Who is paid for it, or would be.
pub(super) fn choose(connection: &Connection, id: JobId, provider: Option<Pubkey>) -> Result<(), StoreError> {
    let sql = "UPDATE requests SET provider = ?2 WHERE id = ?1 AND answer IS NULL";
    connection.prepare_cached(sql)?.execute(params![id.0, provider.map(|provider| provider.0)])?;
    Ok(())
}

fn is_being_paid(connection: &Connection, id: JobId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM payments WHERE request = ?1 AND state = 'pending'";
    Ok(connection.prepare_cached(sql)?.query_row(params![id.0], |_| Ok(())).optional()?.is_some())
}

fn note(connection: &Connection, id: JobId, code: &str, words: &str) -> Result<(), StoreError> {
    let sql = "UPDATE requests SET reason_code = ?2, reason = ?3 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![id.0, code, words])?;
    Ok(())
}

fn journal(
    connection: &Connection,
    id: JobId,
    at: UnixMs,
    fact: Option<PurchaseFact>,
    from: Option<PurchaseState>,
    to: PurchaseState,
) -> Result<(), StoreError> {
    let fact = fact.map(|fact| spell(&fact)).transpose()?;
    let sql = "INSERT INTO request_journal (request, seq, at, fact, from_state, to_state) \
               VALUES (?1, (SELECT coalesce(max(seq) + 1, 0) FROM request_journal WHERE request = ?1), ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![id.0, at.0, fact, from.map(PurchaseState::as_str), to.as_str()])?;
    Ok(())
}

fn state(connection: &Connection, id: JobId) -> Result<PurchaseState, StoreError> {
    let mut statement = connection.prepare_cached("SELECT state FROM requests WHERE id = ?1")?;
    let found = statement.query_row(params![id.0], |row| row.get::<_, String>(0)).optional()?;
    found.ok_or_else(|| StoreError::UnknownRequest(id.to_string())).and_then(|text| word(&text))
}

/// Whether somebody else is paid, or being paid, for this request: then nobody but that one answers it.
fn is_awaited_from_another(connection: &Connection, id: JobId, provider: Pubkey) -> Result<bool, StoreError> {
    let sql = "SELECT coalesce(provider, (SELECT payee FROM payments p WHERE p.request = r.id AND p.state <> 'failed')) FROM requests r WHERE id = ?1";
    let awaited: Option<[u8; 32]> = connection.prepare_cached(sql)?.query_row(params![id.0], |row| row.get(0))?;
    Ok(awaited.is_some_and(|awaited| awaited != provider.0) && !offers::shares_payment(connection, id, provider)?)
}
