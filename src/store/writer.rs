//! The thread that writes, and the handle to it.

use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Ailment, StoreError, open};
use crate::domain::ids::JobId;
use crate::domain::job::Fact;
use crate::domain::purchase::PurchaseFact;

/// Writes that share one commit at most.
const BATCH: usize = 256;

/// Told of each journal step around its commit. It exists so that a test can kill the process at every one of them.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;

/// A journal row about to be, or just, committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// A job, or a request of our own.
    pub job: JobId,
    pub line: Line,
    pub time: StepTime,
}

/// What a journal row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A job is ours.
    Claimed,
    Job(Fact),
    /// A request of our own is stored.
    Drafted,
    Request(PurchaseFact),
}

/// On which side of the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepTime {
    BeforeCommit,
    AfterCommit,
}

/// Asked before each commit of something new whether the disk takes it. It exists so that a test can have a disk that
/// is full, or broken, whenever it likes.
pub type FaultPoint = Arc<dyn Fn() -> Result<(), StoreError> + Send + Sync>;

/// How a ledger is opened.
#[derive(Clone, Default)]
pub struct StoreOptions {
    pub observer: Option<Observer>,
    pub fault: Option<FaultPoint>,
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions").field("observed", &self.observer.is_some()).finish()
    }
}

/// The journal rows a write has made.
pub(super) type Steps = Vec<(JobId, Line)>;
/// Answers the caller once it is known whether the commit held.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Runs inside a transaction, or hears why there is none.
type Work = Box<dyn FnOnce(Result<&Connection, StoreError>, &mut Steps) -> Answer + Send>;

enum Message {
    Write(Work),
    Close,
}

/// The open ledger. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub struct Store {
    queue: Sender<Message>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the ledger, making or updating it. Call only while holding the node's lock: there is one writer.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        Self::over(open::writable(path)?, path, options)
    }

    /// The ledger over an open file.
    pub(super) fn over(connection: Connection, path: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let (queue, work) = crossbeam_channel::unbounded();
        let writer = Writer { connection, options };
        let thread = std::thread::Builder::new().name("pylon-ledger".into()).spawn(move || writer.run(&work));
        let thread = thread.map_err(|error| StoreError::CannotOpen { path: path.to_owned(), detail: error.to_string() })?;
        Ok(Self { queue, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Queues a write. It is rolled back alone if it fails.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        write: impl FnOnce(&Connection, &mut Steps) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection, steps| {
            let done = connection.and_then(|connection| in_savepoint(connection, steps, write));
            Box::new(move |committed| {
                // A caller that no longer waits has its write all the same.
                let _ = sender.send(outcome(done, committed));
            })
        });
        // A writer that is gone drops the work and with it the sender: the caller sees `Closed`.
        let _ = self.queue.send(Message::Write(work));
        Pending(receiver)
    }

    /// Writes what is queued and closes the file. Other clones answer `Closed` from then on.
    pub async fn close(self) -> Result<(), StoreError> {
        let _ = self.queue.send(Message::Close);
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        match joined {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(StoreError::Closed),
        }
    }
}

/// A write that succeeded stands or falls with its commit. One that the disk failed says so itself; any other no was judged
/// by what is not there any more.
fn outcome<T>(done: Result<T, StoreError>, committed: Result<(), StoreError>) -> Result<T, StoreError> {
    match (done, committed) {
        (Err(error), Err(_)) if error.ailment() != Ailment::None => Err(error),
        (_, Err(error)) => Err(error),
        (done, Ok(())) => done,
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    steps: &mut Steps,
    write: impl FnOnce(&Connection, &mut Steps) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let before = steps.len();
    connection.execute_batch("SAVEPOINT write_one")?;
    match write(connection, steps) {
        Ok(value) => {
            connection.execute_batch("RELEASE write_one")?;
            Ok(value)
        }
        Err(error) => {
            steps.truncate(before);
            // With the whole transaction the savepoint is gone as well.
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK TO write_one; RELEASE write_one")?;
            }
            Err(error)
        }
    }
}

/// The outcome of a queued write: await it, or [`Pending::wait`] for it.
#[derive(Debug)]
#[must_use = "a write is only known to have happened once its outcome is"]
pub struct Pending<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Pending<T> {
    /// Blocks until the outcome is known. Not for async code.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Closed))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|outcome| outcome.unwrap_or(Err(StoreError::Closed)))
    }
}

struct Writer {
    connection: Connection,
    options: StoreOptions,
}

impl Writer {
    fn run(self, queue: &Receiver<Message>) {
        let mut open = true;
        while open {
            let Ok(first) = queue.recv() else { break };
            let mut batch = Vec::new();
            for message in std::iter::once(first).chain(queue.try_iter()).take(BATCH) {
                match message {
                    Message::Write(work) => batch.push(work),
                    Message::Close => open = false,
                }
            }
            self.write(batch);
        }
        // The last one out folds the log into the file, so that a copy of it alone is whole.
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!("The ledger's log stays beside it: {error}.");
        }
    }

    fn write(&self, batch: Vec<Work>) {
        let mut steps = Steps::new();
        let before = self.connection.total_changes();
        let mut standing = self.connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
        let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
        for work in batch {
            answers.push(work(standing.as_ref().map(|()| &self.connection).map_err(Clone::clone), &mut steps));
            // When the disk fails, SQLite may take the whole transaction back. What is written after that would be kept
            // although its caller is told that it failed.
            if standing.is_ok() && self.connection.is_autocommit() {
                standing = Err(StoreError::TakenBack);
            }
        }
        let committed = standing.and_then(|()| {
            self.tell(&steps, StepTime::BeforeCommit);
            self.commit(before)
        });
        match &committed {
            Ok(()) => self.tell(&steps, StepTime::AfterCommit),
            Err(_) => {
                // Nothing of the batch may stay behind half done. Without a transaction there is nothing to roll back.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        for answer in answers {
            answer(committed.clone());
        }
    }

    /// Commits. `before` is how much had been changed when the transaction began: a full disk takes what changes nothing.
    fn commit(&self, before: u64) -> Result<(), StoreError> {
        if let Some(fault) = self.options.fault.as_ref().filter(|_| self.connection.total_changes() > before) {
            fault()?;
        }
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn tell(&self, steps: &Steps, time: StepTime) {
        let Some(observer) = &self.options.observer else { return };
        for (job, line) in steps {
            observer(Step { job: *job, line: *line, time });
        }
    }
}
