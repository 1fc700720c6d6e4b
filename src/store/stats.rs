//! Totals by day, kept up with every write.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::domain::job::JobState;
use crate::domain::money::MilliSats;
use crate::domain::time::UnixMs;

const DAY_MS: i64 = 86_400_000;
/// Days that are told one by one.
const DAYS: i64 = 7;

/// Totals of some days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Requests that got a row.
    pub jobs: u64,
    pub done: u64,
    pub failed: u64,
    /// With and without a row.
    pub refused: u64,
    pub cancelled: u64,
    pub prompt_tokens: u64,
    pub answer_tokens: u64,
    /// Came in for jobs.
    #[serde(default)]
    pub earned: MilliSats,
}

/// Totals, by days of UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    pub today: Span,
    /// Today and the six days before.
    pub week: Span,
    /// Today and the 29 days before.
    pub month: Span,
    pub all: Span,
    /// Today and the six days before, oldest first; seven entries.
    #[serde(default)]
    pub days: Vec<Span>,
    /// Refusals by reason, ever.
    pub refusals: BTreeMap<String, u64>,
}

impl Default for Stats {
    /// The totals of a ledger in which nothing has happened. The days are there all the same, so that nobody who draws
    /// them has to count.
    fn default() -> Self {
        let none = Span::default();
        Self { today: none, week: none, month: none, all: none, days: vec![none; DAYS as usize], refusals: BTreeMap::new() }
    }
}

/// Something that counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry {
    Claimed,
    Reached(JobState),
    /// Turned away without a row.
    TurnedAway,
    Tokens {
        prompt: u32,
        answer: u32,
    },
}

/// Days since 1970 in UTC.
pub(super) const fn day(at: UnixMs) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Adds to the day's totals.
pub(super) fn add(connection: &Connection, at: UnixMs, entry: Entry) -> Result<(), StoreError> {
    let (column, amount) = match entry {
        Entry::Claimed => ("jobs", 1),
        Entry::TurnedAway | Entry::Reached(JobState::Refused) => ("refused", 1),
        Entry::Reached(JobState::Done | JobState::AwaitingPayment) => ("done", 1),
        Entry::Reached(JobState::Failed) => ("failed", 1),
        Entry::Reached(JobState::Cancelled) => ("cancelled", 1),
        Entry::Reached(_) => return Ok(()),
        Entry::Tokens { prompt, answer } => {
            bump(connection, day(at), "prompt_tokens", prompt)?;
            ("answer_tokens", answer)
        }
    };
    bump(connection, day(at), column, amount)
}

/// Adds what came in for a job to the day's total.
pub(super) fn earn(connection: &Connection, at: UnixMs, msats: i64) -> Result<(), StoreError> {
    bump(connection, day(at), "earned_msats", msats)
}

/// `column` is one of the fixed names above.
fn bump(connection: &Connection, day: i64, column: &'static str, amount: impl Into<i64>) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO daily_stats (day, {column}) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET {column} = {column} + excluded.{column}"
    );
    connection.prepare_cached(&sql)?.execute(params![day, amount.into()])?;
    Ok(())
}

/// Reads the totals.
pub(super) fn read(connection: &Connection, now: UnixMs) -> Result<Stats, StoreError> {
    let today = day(now);
    let since = |first: i64| between(connection, first, i64::MAX);
    let mut statement = connection.prepare("SELECT code, sum(count) FROM refusals GROUP BY code")?;
    let refusals = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let days = (today - (DAYS - 1)..=today).map(|day| between(connection, day, day)).collect::<Result<_, _>>()?;
    Ok(Stats { today: since(today)?, week: since(today - 6)?, month: since(today - 29)?, all: since(i64::MIN)?, days, refusals })
}

/// Totals of the days from `first` to `last`, both counted.
fn between(connection: &Connection, first: i64, last: i64) -> Result<Span, StoreError> {
    let sum = |column: &str| format!("coalesce(sum({column}), 0)");
    let columns = ["jobs", "done", "failed", "refused", "cancelled", "prompt_tokens", "answer_tokens", "earned_msats"].map(sum).join(", ");
    let sql = format!("SELECT {columns} FROM daily_stats WHERE day >= ?1 AND day <= ?2");
    Ok(connection.prepare_cached(&sql)?.query_row(params![first, last], |row| {
        Ok(Span {
            jobs: row.get(0)?,
            done: row.get(1)?,
            failed: row.get(2)?,
            refused: row.get(3)?,
            cancelled: row.get(4)?,
            prompt_tokens: row.get(5)?,
            answer_tokens: row.get(6)?,
            earned: MilliSats(row.get(7)?),
        })
    })?)
}
