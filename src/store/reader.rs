//! Reading the ledger, beside a running node or without one.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::purchase_rows::{self, PurchaseDetail, PurchasePage};
use super::rows::{self, JobDetail, JobsQuery, JournalRow, Page, Publication, ROW};
use super::stats::{self, Stats};
use super::{StoreError, open, outflow};
use crate::domain::ids::JobId;
use crate::domain::job::{Payment, Standing};
use crate::domain::time::UnixMs;

/// Rows a page may have.
const MAX_PAGE: u32 = 1000;
/// Digits a shortened id must have, so that one does not stand for everything.
const MIN_PREFIX: usize = 4;
/// Jobs named when a shortened id stands for several.
const MAX_CANDIDATES: usize = 5;

/// A read-only view of the ledger.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
}

impl Reader {
    /// Opens the ledger for reading. [`StoreError::NoLedger`] when there is none.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: open::readable(path)? })
    }

    /// One page, newest first.
    pub fn jobs(&self, query: &JobsQuery) -> Result<Page, StoreError> {
        let limit = query.limit.clamp(1, MAX_PAGE);
        let mut conditions = Vec::new();
        let mut values: Vec<Value> = Vec::new();
        if let Some(state) = query.state {
            conditions.push("state = ?");
            values.push(state.as_str().to_owned().into());
        }
        if let Some((at, id)) = query.before {
            conditions.push("(seen_at, id) < (?, ?)");
            values.extend([at.0.into(), id.0.to_vec().into()]);
        }
        let filter = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        // One more than asked for tells whether there is another page.
        values.push(i64::from(limit + 1).into());
        let sql = format!("SELECT {ROW} FROM jobs {filter} ORDER BY seen_at DESC, id DESC LIMIT ?");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(params_from_iter(values))?;
        let mut page = Page::default();
        while let Some(row) = found.next()? {
            page.rows.push(rows::job_row(row)?);
        }
        if page.rows.len() > limit as usize {
            page.rows.truncate(limit as usize);
            page.next = page.rows.last().map(|row| (row.seen_at, row.id));
        }
        Ok(page)
    }

    /// One job by its id, whole or shortened, with its timeline.
    pub fn job(&self, id: &str) -> Result<JobDetail, StoreError> {
        // One moment for all of it: a job that moves meanwhile must not have the state of one and the answer of another.
        let _moment = self.connection.unchecked_transaction()?;
        let id = self.find("jobs", id)?;
        let mut statement = self.connection.prepare_cached("SELECT * FROM jobs WHERE id = ?1")?;
        let mut found = statement.query(params![id.0])?;
        let Some(row) = found.next()? else { return Err(StoreError::Unknown(id.to_string())) };
        let record = rows::job_record(row)?;
        let (answer, truncated) = self.answer(id)?;
        Ok(JobDetail { record, journal: self.journal(id)?, publications: self.publications(id)?, answer, truncated })
    }

    /// One page of our own requests, newest first.
    pub fn purchases(&self, before: Option<rows::PageKey>, limit: u32) -> Result<PurchasePage, StoreError> {
        purchase_rows::page(&self.connection, before, limit.clamp(1, MAX_PAGE))
    }

    /// One request of our own by its id, whole or shortened, with its offers and its timeline.
    pub fn purchase(&self, id: &str) -> Result<PurchaseDetail, StoreError> {
        let _moment = self.connection.unchecked_transaction()?;
        let id = self.find("requests", id)?;
        purchase_rows::detail(&self.connection, id)
    }

    /// How many requests there are, and how many of them are not at their end.
    pub fn purchase_counts(&self) -> Result<(u64, u64), StoreError> {
        super::totals::counts(&self.connection)
    }

    /// When each request was made, paid and answered, of those that were.
    pub fn purchase_times(&self) -> Result<Vec<super::PurchaseTimes>, StoreError> {
        super::totals::times(&self.connection)
    }

    /// What has become of our own requests.
    pub fn purchase_totals(&self) -> Result<super::PurchaseTotals, StoreError> {
        super::totals::purchases(&self.connection)
    }

    /// Totals as of `now`.
    pub fn stats(&self, now: UnixMs) -> Result<Stats, StoreError> {
        stats::read(&self.connection, now)
    }

    /// What has moved and what is owed, added up from the rows.
    pub fn money(&self) -> Result<super::MoneySums, StoreError> {
        super::money::sums(&self.connection)
    }

    /// Every payment, for whoever holds them against a wallet.
    pub fn booked(&self) -> Result<Vec<super::BookedPayment>, StoreError> {
        super::money::booked(&self.connection)
    }

    /// What is wrong with the file or with what it says; empty when nothing is.
    pub fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        let mut statement = self.connection.prepare("PRAGMA integrity_check")?;
        for line in statement.query_map([], |row| row.get::<_, String>(0))? {
            problems.extend(Some(line?).filter(|line| line != "ok"));
        }
        let mut statement = self.connection.prepare("PRAGMA foreign_key_check")?;
        for table in statement.query_map([], |row| row.get::<_, String>(0))? {
            problems.push(format!("a row of {} belongs to no job", table?));
        }
        problems.extend(self.unexplained()?);
        problems.extend(purchase_rows::unexplained(&self.connection)?);
        problems.extend(outflow::unexplained(&self.connection)?);
        Ok(problems)
    }

    fn find(&self, table: &'static str, text: &str) -> Result<JobId, StoreError> {
        let text = text.trim().to_ascii_lowercase();
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        if text.len() < MIN_PREFIX || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(StoreError::BadId(text));
        }
        let bound = |fill: &str| hex::decode(format!("{text}{}", fill.repeat(64 - text.len()))).unwrap_or_default();
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT id FROM {table} WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3"))?;
        let found = statement.query_map(params![bound("0"), bound("f"), MAX_CANDIDATES as i64], |row| Ok(JobId(row.get(0)?)))?;
        let candidates: Vec<JobId> = found.collect::<Result<_, _>>()?;
        match candidates.as_slice() {
            [] if table == "requests" => Err(StoreError::UnknownRequest(text)),
            [] => Err(StoreError::Unknown(text)),
            [id] => Ok(*id),
            _ => Err(StoreError::Ambiguous { prefix: text, candidates }),
        }
    }

    fn answer(&self, id: JobId) -> Result<(Option<String>, bool), StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT text, truncated FROM results WHERE job = ?1")?;
        let mut found = statement.query(params![id.0])?;
        match found.next()? {
            Some(row) => Ok((row.get(0)?, row.get(1)?)),
            None => Ok((None, false)),
        }
    }

    fn journal(&self, id: JobId) -> Result<Vec<JournalRow>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT at, fact, from_state, to_state FROM journal WHERE job = ?1 ORDER BY seq")?;
        let mut found = statement.query(params![id.0])?;
        let mut journal = Vec::new();
        while let Some(row) = found.next()? {
            journal.push(JournalRow {
                at: UnixMs(row.get(0)?),
                fact: row.get::<_, Option<String>>(1)?.map(|fact| rows::word(&fact)).transpose()?,
                from: row.get::<_, Option<String>>(2)?.map(|state| rows::state(&state)).transpose()?,
                to: rows::state(&row.get::<_, String>(3)?)?,
            });
        }
        Ok(journal)
    }

    fn publications(&self, id: JobId) -> Result<Vec<Publication>, StoreError> {
        let sql = "SELECT event_id, what, relay, refusal, at FROM publications WHERE job = ?1 ORDER BY at, rowid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut found = statement.query(params![id.0])?;
        let mut publications = Vec::new();
        while let Some(row) = found.next()? {
            publications.push(Publication {
                job: id,
                event_id: row.get(0)?,
                what: rows::word(&row.get::<_, String>(1)?)?,
                relay: row.get(2)?,
                outcome: row.get::<_, Option<String>>(3)?.map_or(Ok(()), Err),
                at: UnixMs(row.get(4)?),
            });
        }
        Ok(publications)
    }

    /// Jobs whose state their journal does not lead to.
    fn unexplained(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = Vec::new();
        let mut statement = self.connection.prepare("SELECT id, state, policy, payment FROM jobs")?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let id = JobId(row.get("id")?);
            let standing = rows::standing(row)?;
            let claimed = Standing { payment: Payment::None, ..Standing::claimed(standing.policy) };
            let mut facts = self.journal(id)?.into_iter();
            let begun = facts.next().is_some_and(|row| row.fact.is_none());
            let replayed = facts.filter_map(|row| row.fact).try_fold(claimed, |standing, fact| standing.apply(fact));
            if !begun || replayed != Ok(standing) {
                problems.push(format!("the job {id} is {} and its journal does not say how", standing.state));
            }
        }
        Ok(problems)
    }
}
