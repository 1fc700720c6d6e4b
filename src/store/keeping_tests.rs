//! What the ledger lets go of.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use rusqlite::Connection;

use super::open::MIGRATIONS;
use super::tests::{Ledger, NOON, id};
use super::*;

/// The last version that kept everything.
const BEFORE: usize = 5;

#[test]
fn what_relays_said_is_kept_once_for_each_and_not_for_ever() {
    let ledger = Ledger::new();
    let said = |relay: &str, outcome: Result<(), &str>, ms| {
        let outcome = outcome.map_err(str::to_owned);
        let (job, what) = (id(1), PublicationKind::Result);
        let row = Publication { job, event_id: [2; 32], what, relay: relay.into(), outcome, at: NOON.plus_ms(ms) };
        ledger.store.record_publication(row).wait().unwrap();
    };
    ledger.finish(1, NOON);
    for ms in 0..5 {
        said("wss://slow", Err("try later"), ms);
    }
    said("wss://slow", Err("pay first"), 5);
    said("wss://good", Ok(()), 5);
    said("wss://good", Err("duplicate"), 6);
    let kept = || ledger.reader().job("0101").unwrap().publications.into_iter().map(|row| (row.relay, row.outcome)).collect::<Vec<_>>();
    let expected = [("wss://slow".to_owned(), Err("pay first".to_owned())), ("wss://good".to_owned(), Ok(()))];
    assert_eq!(kept(), expected, "what was said last, or that it was taken");
    ledger.store.forget_text(NOON.plus_ms(5)).wait().unwrap();
    assert_eq!(kept().len(), 2);
    ledger.store.forget_text(NOON.plus_ms(6)).wait().unwrap();
    assert_eq!(kept(), []);
}

#[test]
fn a_ledger_that_kept_everything_is_tidied_once_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pylon.db");
    let old = Connection::open(&path).unwrap();
    for sql in &MIGRATIONS[..BEFORE] {
        old.execute_batch(sql).unwrap();
    }
    old.pragma_update(None, "application_id", 0x5059_4C4E).unwrap();
    old.pragma_update(None, "user_version", BEFORE as i64).unwrap();
    let job = "INSERT INTO jobs (id, buyer, kind, created_at, seen_at, updated_at, state, policy, payment, scheme, address, sampling, \
               prompt_sha256, prompt_chars, price_msats, ended_at) SELECT zeroblob(32), zeroblob(32), 5050, 1, 1, 1, 'done', 'free', \
               'none', 'plain', 'open', '{}', zeroblob(32), 1, 0, 1";
    old.execute_batch(job).unwrap();
    old.execute_batch("INSERT INTO results VALUES (zeroblob(32), zeroblob(32), 'the answer', NULL, zeroblob(32), 0, 1)").unwrap();
    for (relay, refusal) in [("slow", "'later'"), ("slow", "'never'"), ("good", "NULL"), ("good", "'duplicate'")] {
        let sql = format!("INSERT INTO publications VALUES (zeroblob(32), zeroblob(32), 'result', '{relay}', {refusal}, 1)");
        old.execute_batch(&sql).unwrap();
    }
    drop(old);
    Store::open(&path, StoreOptions::default()).unwrap();
    let new = Connection::open(&path).unwrap();
    let event: Option<String> = new.query_row("SELECT event FROM results", [], |row| row.get(0)).unwrap();
    assert_eq!(event, None, "its text was forgotten long ago");
    let sql = "SELECT group_concat(relay || ' ' || coalesce(refusal, 'taken'), ', ' ORDER BY relay) FROM publications";
    let kept: String = new.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, "good taken, slow never");
}
