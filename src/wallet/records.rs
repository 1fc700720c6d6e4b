//! Facts while a wallet is open: judged, written, taken in and told, in this order and one at a time.

use std::sync::{Mutex, PoisonError, RwLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{broadcast, watch};

use super::log::Log;
use super::{WalletError, WalletEvent};
use crate::domain::payment::Payment;

/// Events a listener may be behind.
const BACKLOG: usize = 256;

/// What the facts of a wallet add up to.
pub trait Book: Default {
    /// One line of the file.
    type Fact: Serialize + DeserializeOwned;

    /// Whether this fact can follow the others, or why not. One that cannot is never written.
    fn check(&self, fact: &Self::Fact) -> Result<(), &'static str>;

    /// Takes a fact in. Returns the payment whose record it changed.
    fn apply(&mut self, fact: Self::Fact) -> Option<Payment>;
}

/// What is to be done: perhaps a fact to write, and what to say once it is written.
pub struct Decision<F, T> {
    pub fact: Option<F>,
    pub answer: T,
}

/// Book and log together.
pub struct Records<B> {
    /// Held from judging to telling, so that nobody decides on a book that is about to change. `None`: closed.
    log: Mutex<Option<Log>>,
    /// Held for moments only, so that reading never waits for the disk.
    book: RwLock<B>,
    /// Whether an event is told twice this time. Only a wallet that misbehaves says so.
    twice: Box<dyn Fn() -> bool + Send + Sync>,
    events: Mutex<Option<broadcast::Sender<WalletEvent>>>,
    /// Counts changes, for whoever waits for one.
    changes: watch::Sender<u64>,
}

impl<B: Book> Records<B> {
    /// Records that tell each event once, or twice when `twice` says so.
    pub fn new(log: Log, book: B, twice: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            log: Mutex::new(Some(log)),
            book: RwLock::new(book),
            twice: Box::new(twice),
            events: Mutex::new(Some(broadcast::channel(BACKLOG).0)),
            changes: watch::Sender::new(0),
        }
    }

    /// Looks at the book as it is now.
    pub fn read<T>(&self, look: impl FnOnce(&B) -> T) -> T {
        look(&self.book.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a fact could still be written. Somebody who is writing one will say so himself.
    pub fn still_writes(&self) -> Result<(), WalletError> {
        let Ok(log) = self.log.try_lock() else { return Ok(()) };
        match log.as_ref() {
            None => Err(WalletError::Closed),
            Some(log) if log.is_broken() => Err(WalletError::Records("an earlier write failed".to_owned())),
            Some(_) => Ok(()),
        }
    }

    /// Decides by the book and writes what was decided. Waits for the disk: not for an async task.
    pub fn transact<T>(&self, decide: impl FnOnce(&B) -> Result<Decision<B::Fact, T>, WalletError>) -> Result<T, WalletError> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = log.as_mut() else { return Err(WalletError::Closed) };
        let decision = self.read(|book| {
            let decision = decide(book)?;
            if let Some(fact) = &decision.fact {
                book.check(fact).map_err(|why| WalletError::Records(why.to_owned()))?;
            }
            Ok::<_, WalletError>(decision)
        })?;
        let Some(fact) = decision.fact else { return Ok(decision.answer) };
        log.append(&fact).map_err(|error| match error.undone {
            true => WalletError::Records(error.source.to_string()),
            false => WalletError::Unknown(format!("the records could not be written: {}", error.source)),
        })?;
        let changed = self.book.write().unwrap_or_else(PoisonError::into_inner).apply(fact);
        if let Some(payment) = changed {
            self.tell(WalletEvent::Payment(Box::new(payment)));
            self.tell(WalletEvent::Changed);
        }
        self.changes.send_modify(|count| *count += 1);
        Ok(decision.answer)
    }

    /// Tells whoever listens, perhaps twice.
    pub fn tell(&self, event: WalletEvent) {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(events) = events.as_ref() else { return };
        // Nobody listening is no error.
        if (self.twice)() {
            let _ = events.send(event.clone());
        }
        let _ = events.send(event);
    }

    /// What happens from now on; already ended when the wallet is closed.
    pub fn events(&self) -> broadcast::Receiver<WalletEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.as_ref().map_or_else(|| broadcast::channel(1).1, broadcast::Sender::subscribe)
    }

    /// Counts changes; a receiver made before a reading misses none after it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Lets go of the file and of every listener.
    pub fn close(&self) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
