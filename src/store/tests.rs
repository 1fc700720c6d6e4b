#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::{Fact, JobState, Policy};
use crate::domain::model::{FinishReason, Usage};
use crate::domain::money::MilliSats;
use crate::domain::request::{Address, JobRequest, Sampling, Scheme};
use crate::domain::time::UnixMs;

const DAY: i64 = 86_400_000;
pub(super) const NOON: UnixMs = UnixMs(20_000 * DAY + DAY / 2);

pub(super) fn id(number: u8) -> JobId {
    JobId([number; 32])
}

pub(super) fn new_job(number: u8, seen_at: UnixMs) -> NewJob {
    let request = JobRequest {
        id: id(number),
        buyer: Pubkey([7; 32]),
        kind: 5050,
        created_at: seen_at,
        inputs: Vec::new(),
        sampling: Sampling::default(),
        model: None,
        output: None,
        bid: None,
        relays: Vec::new(),
        address: Address::Open,
        scheme: Scheme::Plain,
        expires_at: None,
    };
    NewJob {
        request,
        policy: Policy::Free,
        prompt: Some("a prompt in the clear".into()),
        prompt_sha256: [0; 32],
        prompt_chars: 21,
        request_json: Some("{}".into()),
        price: MilliSats(0),
        seen_at,
    }
}

pub(super) fn run() -> StartedRun {
    StartedRun { backend: "ollama".into(), model: "tiny".into() }
}

pub(super) fn answer(number: u8) -> StoredAnswer {
    StoredAnswer {
        event_json: Some(format!("{{\"answer\":{number}}}")),
        event_id: [number; 32],
        text: Some("an answer in the clear".into()),
        sha256: [1; 32],
        truncated: false,
        usage: Some(Usage { prompt_tokens: Some(3), answer_tokens: Some(5), answer_ns: Some(1_000), finish: FinishReason::Stop }),
        infer_ms: 12,
    }
}

pub(super) struct Ledger {
    dir: tempfile::TempDir,
    pub(super) store: Store,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self::observed(StoreOptions::default())
    }

    fn observed(options: StoreOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("pylon.db"), options).unwrap();
        Self { dir, store }
    }

    pub(super) fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("pylon.db")
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    fn claim(&self, number: u8, at: UnixMs) {
        assert!(matches!(self.store.claim(new_job(number, at)).wait().unwrap(), Claim::New(_)));
    }

    pub(super) fn finish(&self, number: u8, at: UnixMs) {
        self.claim(number, at);
        self.store.start(id(number), run(), at).wait().unwrap();
        self.store.answer(id(number), answer(number), at).wait().unwrap();
        self.store.deliver(id(number), at.plus_ms(9)).wait().unwrap();
    }
}

#[test]
fn a_job_is_claimed_once_by_however_many() {
    let ledger = Ledger::new();
    let claimed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                if matches!(ledger.store.claim(new_job(1, NOON)).wait().unwrap(), Claim::New(_)) {
                    claimed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(claimed.into_inner(), 1);
    assert_eq!(ledger.reader().job(&id(1).to_string()).unwrap().journal.len(), 1);
}

#[test]
fn a_finished_job_tells_its_whole_story() {
    let ledger = Ledger::new();
    ledger.finish(1, NOON);
    let job = ledger.reader().job("0101").unwrap();
    assert_eq!(job.record.state, JobState::Done);
    assert_eq!((job.record.prompt_tokens, job.record.answer_tokens, job.record.answer_ns), (Some(3), Some(5), Some(1_000)));
    assert_eq!(
        (job.record.started_at, job.record.delivered_at, job.record.ended_at),
        (Some(NOON), Some(NOON.plus_ms(9)), Some(NOON.plus_ms(9)))
    );
    assert_eq!(job.answer.as_deref(), Some("an answer in the clear"));
    let facts: Vec<_> = job.journal.iter().map(|row| row.fact).collect();
    assert_eq!(facts, [None, Some(Fact::Started), Some(Fact::AnswerStored), Some(Fact::Delivered)]);
}

#[test]
fn a_step_that_may_not_be_changes_nothing() {
    let ledger = Ledger::new();
    ledger.claim(1, NOON);
    assert!(matches!(ledger.store.deliver(id(1), NOON).wait(), Err(StoreError::Illegal(_))));
    assert!(matches!(ledger.store.start(id(2), run(), NOON).wait(), Err(StoreError::Unknown(_))));
    let job = ledger.reader().job("0101").unwrap();
    assert_eq!((job.record.state, job.journal.len(), job.record.delivered_at), (JobState::Seen, 1, None));
}

#[test]
fn what_was_turned_away_is_never_claimed_and_counted_once() {
    let ledger = Ledger::new();
    assert!(ledger.store.turn_away(id(1), "busy", NOON).wait().unwrap());
    assert!(!ledger.store.turn_away(id(1), "busy", NOON).wait().unwrap());
    assert_eq!(ledger.store.claim(new_job(1, NOON)).wait().unwrap(), Claim::Known);
    ledger.store.refuse(new_job(2, NOON), "too-old", "Too old.".into()).wait().unwrap();
    assert_eq!(ledger.store.refuse(new_job(2, NOON), "too-old", "Too old.".into()).wait().unwrap(), Claim::Known);
    let stats = ledger.reader().stats(NOON).unwrap();
    assert_eq!(stats.refusals, [("busy".to_owned(), 1), ("too-old".to_owned(), 1)].into());
    assert_eq!((stats.today.refused, stats.today.jobs), (2, 1));
    ledger.store.prune_seen(NOON.plus_ms(1)).wait().unwrap();
    assert!(matches!(ledger.store.claim(new_job(1, NOON)).wait().unwrap(), Claim::New(_)));
}

#[test]
fn the_last_seven_days_are_told_one_by_one_with_the_quiet_ones() {
    let ledger = Ledger::new();
    ledger.finish(1, NOON);
    ledger.finish(2, UnixMs(NOON.0 + 2 * DAY));
    ledger.finish(3, UnixMs(NOON.0 + 2 * DAY));
    let done = |now: UnixMs| ledger.reader().stats(now).unwrap().days.iter().map(|day| day.done).collect::<Vec<_>>();
    assert_eq!(done(UnixMs(NOON.0 + 2 * DAY)), [0, 0, 0, 0, 1, 0, 2]);
    assert_eq!(done(UnixMs(NOON.0 + 8 * DAY)), [2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Stats::default().days, [Span::default(); 7]);
}

#[test]
fn what_is_unfinished_comes_back_oldest_first_with_what_it_takes_to_go_on() {
    let ledger = Ledger::new();
    ledger.finish(1, NOON);
    ledger.claim(3, NOON.plus_ms(2));
    ledger.claim(2, NOON.plus_ms(1));
    ledger.store.start(id(2), run(), NOON).wait().unwrap();
    ledger.store.answer(id(2), answer(2), NOON).wait().unwrap();
    ledger.claim(4, NOON.plus_ms(3));
    ledger.store.fail(id(4), "stalled", "It stalled.".into(), NOON).wait().unwrap();
    let found: Vec<_> = ledger.store.unfinished().wait().unwrap().into_iter().map(|job| (job.id, job.state, job.answer_event)).collect();
    assert_eq!(found, [(id(2), JobState::Answered, Some("{\"answer\":2}".into())), (id(3), JobState::Seen, None)]);
}

#[test]
fn pages_neither_skip_nor_repeat_while_jobs_arrive() {
    let ledger = Ledger::new();
    // Two jobs a millisecond: the id decides between them.
    (0..10).for_each(|number| ledger.claim(number, NOON.plus_ms(u64::from(number) / 2)));
    let reader = ledger.reader();
    let mut query = JobsQuery { limit: 4, ..JobsQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = reader.jobs(&query).unwrap();
        seen.extend(page.rows.iter().map(|row| row.id));
        ledger.claim(100 + seen.len() as u8, NOON.plus_ms(50));
        match page.next {
            Some(next) => query.before = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..10).rev().map(id).collect::<Vec<_>>());
    assert_eq!(reader.jobs(&JobsQuery { state: Some(JobState::Done), ..JobsQuery::default() }).unwrap(), Page::default());
}

#[test]
fn a_shortened_id_must_stand_for_one_job() {
    let ledger = Ledger::new();
    let mut twin = new_job(1, NOON);
    twin.request.id.0[31] = 9;
    ledger.claim(1, NOON);
    ledger.store.claim(twin).wait().unwrap();
    let reader = ledger.reader();
    assert!(matches!(reader.job("0101"), Err(StoreError::Ambiguous { candidates, .. }) if candidates.len() == 2));
    assert!(matches!(reader.job("01"), Err(StoreError::BadId(_))));
    assert!(matches!(reader.job("zzzz"), Err(StoreError::BadId(_))));
    assert!(matches!(reader.job("ffff"), Err(StoreError::Unknown(_))));
    assert_eq!(reader.job(&id(1).to_string()).unwrap().record.id, id(1));
}

#[test]
fn queued_writes_share_a_commit() {
    let commits = Arc::new(AtomicUsize::new(0));
    let (counter, gate) = (Arc::clone(&commits), Arc::new(std::sync::Barrier::new(2)));
    let held = Arc::clone(&gate);
    let before = AtomicUsize::new(0);
    let observer: Observer = Arc::new(move |step: Step| match step.time {
        // Holds the first commit until the others are queued.
        StepTime::BeforeCommit if step.job == id(0) => drop(held.wait()),
        StepTime::BeforeCommit => drop(before.fetch_add(1, Ordering::SeqCst)),
        // The first word after a commit closes it; what came before it shared it.
        StepTime::AfterCommit => {
            if before.swap(0, Ordering::SeqCst) > 0 {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let ledger = Ledger::observed(StoreOptions { observer: Some(observer), ..StoreOptions::default() });
    let opening = ledger.store.claim(new_job(0, NOON));
    let pending: Vec<_> = (1..=100).map(|number| ledger.store.claim(new_job(number, NOON))).collect();
    gate.wait();
    opening.wait().unwrap();
    pending.into_iter().for_each(|claim| drop(claim.wait().unwrap()));
    assert!(commits.load(Ordering::SeqCst) <= 2, "100 queued writes took {} commits", commits.load(Ordering::SeqCst));
}

#[test]
fn an_acknowledged_write_is_in_a_copy_taken_the_next_moment() {
    let ledger = Ledger::new();
    for number in 0..20 {
        ledger.claim(number, NOON);
        // As a power cut would leave it: nothing closed, nothing flushed on the way out.
        let copy = tempfile::tempdir().unwrap();
        for suffix in ["", "-wal"] {
            let name = format!("pylon.db{suffix}");
            std::fs::copy(ledger.dir.path().join(&name), copy.path().join(&name)).unwrap();
        }
        let store = Store::open(&copy.path().join("pylon.db"), StoreOptions::default()).unwrap();
        assert!(store.row(id(number)).wait().unwrap().is_some(), "write {number} was acknowledged and lost");
    }
}

#[test]
fn files_that_are_not_ours_are_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pylon.db");
    let refused = |make: &dyn Fn(&Connection)| {
        let _ = std::fs::remove_file(&path);
        make(&Connection::open(&path).unwrap());
        let before = std::fs::read(&path).unwrap();
        let error = Store::open(&path, StoreOptions::default()).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(Reader::open(&path).unwrap_err().to_string(), error.to_string());
        error
    };
    let predecessor = refused(&|db| {
        db.execute_batch(
            "CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT); CREATE TABLE earnings (id TEXT); CREATE TABLE migrations (id, name)",
        )
        .unwrap();
    });
    assert!(matches!(predecessor, StoreError::Predecessor { .. }) && predecessor.to_string().contains("move the file aside"));
    let newer =
        refused(&|db| db.execute_batch("PRAGMA application_id = 1348029518; PRAGMA user_version = 99; CREATE TABLE jobs (id)").unwrap());
    assert!(matches!(newer, StoreError::Newer { found: 99, .. }), "{newer}");
    assert!(matches!(refused(&|db| db.execute_batch("CREATE TABLE photos (id)").unwrap()), StoreError::NotALedger { .. }));
    std::fs::write(&path, "this is a letter to a friend, and it is long enough to be no database at all").unwrap();
    assert!(matches!(Store::open(&path, StoreOptions::default()).unwrap_err(), StoreError::NotALedger { .. }));
    assert!(matches!(Reader::open(&dir.path().join("none.db")), Err(StoreError::NoLedger { .. })));
    assert!(matches!(Store::open(&dir.path().join("no/such/dir/pylon.db"), StoreOptions::default()), Err(StoreError::CannotOpen { .. })));
}

#[test]
fn the_file_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let ledger = Ledger::new();
    assert_eq!(std::fs::metadata(ledger.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_closed_ledger_says_so_and_does_not_hang() {
    let ledger = Ledger::new();
    let other = ledger.store.clone();
    ledger.store.claim(new_job(1, NOON)).await.unwrap();
    ledger.store.clone().close().await.unwrap();
    assert!(matches!(other.claim(new_job(2, NOON)).await, Err(StoreError::Closed)));
    assert!(!ledger.dir.path().join("pylon.db-wal").exists(), "the log outlives a clean close");
    assert!(ledger.reader().job("0101").is_ok());
}

#[test]
fn old_texts_go_and_totals_stay() {
    let ledger = Ledger::new();
    ledger.finish(1, NOON);
    assert_eq!(ledger.store.forget_text(NOON).wait().unwrap(), 0);
    assert_eq!(ledger.store.forget_text(NOON.plus_ms(DAY as u64)).wait().unwrap(), 1);
    let job = ledger.reader().job("0101").unwrap();
    assert_eq!((job.record.prompt, job.answer, job.record.answer_tokens), (None, None, Some(5)));
    let file = Connection::open(ledger.path()).unwrap();
    let event: Option<String> = file.query_row("SELECT event FROM results", [], |row| row.get(0)).unwrap();
    assert_eq!(event, None, "the signed answer holds the text as well");
}

#[test]
fn a_cursor_never_moves_back() {
    let ledger = Ledger::new();
    assert_eq!(ledger.store.cursor("requests").wait().unwrap(), None);
    for (set, expected) in [(50, 50), (40, 50), (60, 60)] {
        ledger.store.set_cursor("requests", set).wait().unwrap();
        assert_eq!(ledger.store.cursor("requests").wait().unwrap(), Some(expected));
    }
}

/// Something that can be asked of the ledger, whether or not it may be.
fn operation(ledger: &Ledger, choice: u8, number: u8, at: UnixMs) {
    let store = &ledger.store;
    match choice {
        0 => drop(store.claim(new_job(number, at)).wait()),
        1 => drop(store.start(id(number), run(), at).wait()),
        2 => drop(store.answer(id(number), answer(number), at).wait()),
        3 => drop(store.deliver(id(number), at).wait()),
        4 => drop(store.fail(id(number), "code", "Why.".into(), at).wait()),
        5 => drop(store.cancel(id(number), "Why.".into(), at).wait()),
        6 => drop(store.refuse(new_job(number, at), "code", "Why.".into()).wait()),
        _ => drop(store.turn_away(id(number), "code", at).wait()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is asked in whatever order, the file stays whole, each journal explains its job, and the totals are
    /// what counting the jobs gives.
    #[test]
    fn the_ledger_is_right_after_any_sequence(steps in prop::collection::vec((0..8u8, 0..5u8, 0..3i64), 0..60)) {
        let ledger = Ledger::new();
        for (choice, number, day) in steps {
            operation(&ledger, choice, number, UnixMs(NOON.0 + day * DAY));
        }
        let reader = ledger.reader();
        prop_assert_eq!(reader.integrity().unwrap(), Vec::<String>::new());
        let rows = reader.jobs(&JobsQuery { limit: 1000, ..JobsQuery::default() }).unwrap().rows;
        let count = |state: JobState| rows.iter().filter(|row| row.state == state).count() as u64;
        let all = reader.stats(UnixMs(NOON.0 + 2 * DAY)).unwrap().all;
        let tokens: u64 = rows.iter().filter_map(|row| row.answer_tokens).map(u64::from).sum();
        prop_assert_eq!((all.jobs, all.done, all.failed, all.cancelled, all.answer_tokens),
                        (rows.len() as u64, count(JobState::Done), count(JobState::Failed), count(JobState::Cancelled), tokens));
        let turned_away = all.refused - count(JobState::Refused);
        prop_assert!(turned_away <= 5);
    }
}
