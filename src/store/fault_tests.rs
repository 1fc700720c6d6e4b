#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tests::{NOON, id, new_job, run};
use super::*;
use crate::domain::job::JobState;

/// A ledger whose disk can be broken and mended.
struct Ailing {
    _dir: tempfile::TempDir,
    store: Store,
    full: Arc<AtomicBool>,
}

impl Ailing {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let full = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&full);
        let fault: FaultPoint = Arc::new(move || if switch.load(Ordering::SeqCst) { Err(StoreError::DiskFull) } else { Ok(()) });
        let options = StoreOptions { fault: Some(fault), ..StoreOptions::default() };
        let store = Store::open(&dir.path().join("pylon.db"), options).unwrap();
        Self { _dir: dir, store, full }
    }

    fn full(&self, is_full: bool) {
        self.full.store(is_full, Ordering::SeqCst);
    }
}

#[test]
fn a_full_disk_changes_nothing_and_is_found_out_when_it_has_room_again() {
    let ledger = Ailing::new();
    assert!(matches!(ledger.store.claim(new_job(1, NOON)).wait(), Ok(Claim::New(_))));
    ledger.full(true);
    assert!(matches!(ledger.store.start(id(1), run(), NOON).wait(), Err(StoreError::DiskFull)));
    assert!(matches!(ledger.store.claim(new_job(2, NOON)).wait(), Err(StoreError::DiskFull)));
    assert!(matches!(ledger.store.try_writing().wait(), Err(StoreError::DiskFull)));
    // What is only read needs no room.
    assert_eq!(ledger.store.row(id(1)).wait().unwrap().unwrap().state, JobState::Seen);
    assert!(ledger.store.row(id(2)).wait().unwrap().is_none());
    ledger.full(false);
    ledger.store.try_writing().wait().unwrap();
    assert!(matches!(ledger.store.claim(new_job(2, NOON)).wait(), Ok(Claim::New(_))));
}

#[test]
fn what_shares_a_transaction_that_was_taken_back_is_not_kept_in_secret() {
    let ledger = Ailing::new();
    // The first write holds the thread until the others wait behind it, so that they share one transaction.
    let (begun, begins) = crossbeam_channel::bounded(0);
    let (open, gate) = crossbeam_channel::bounded::<()>(0);
    let first = ledger.store.submit(move |_, _| {
        begun.send(()).unwrap();
        let _ = gate.recv();
        Ok(())
    });
    begins.recv().unwrap();
    let before = ledger.store.claim(new_job(1, NOON));
    // As SQLite does it when the disk fails in the middle.
    let fails: Pending<()> = ledger.store.submit(|connection, _| {
        connection.execute_batch("ROLLBACK").unwrap();
        Err(StoreError::DiskFull)
    });
    let after = ledger.store.claim(new_job(2, NOON));
    drop(open);
    first.wait().unwrap();
    assert!(matches!(before.wait(), Err(StoreError::TakenBack)));
    assert!(matches!(fails.wait(), Err(StoreError::DiskFull)));
    assert!(matches!(after.wait(), Err(StoreError::TakenBack)));
    for number in [1, 2] {
        assert!(ledger.store.row(id(number)).wait().unwrap().is_none(), "job {number}");
    }
}

#[test]
fn only_the_ledgers_own_trouble_is_its_ailment() {
    let unknown = StoreError::Unknown("abcd".into());
    assert_eq!((unknown.ailment(), StoreError::DiskFull.ailment()), (Ailment::None, Ailment::Passing));
    assert_eq!(StoreError::Damaged("a page".into()).ailment(), Ailment::Lasting);
    assert!(matches!(StoreError::from(std::io::Error::from(std::io::ErrorKind::StorageFull)), StoreError::DiskFull));
    assert!(matches!(StoreError::from(std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem)), StoreError::ReadOnly));
}
