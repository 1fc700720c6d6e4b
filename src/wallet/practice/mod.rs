//! Play money: a whole wallet on this machine, with real invoices, real preimages and a real network between it and the
//! next one. Nothing it holds is worth anything, and its invoices (`lnsb`) can be paid on no other network.
//!
//! Two practice wallets share nothing but a relay. The payer asks the payee, found by the key that signed the invoice, to
//! take the payment; the payee records it and answers with the preimage. Nobody checks that the payer has the money, as
//! everybody could make some anyway.
//!
//! Money is neither made nor lost on the way, whatever ends when:
//! - Every step is on the disk before anybody is told of it (`fact`), and a wallet is what its facts add up to
//!   (`book`). There is no state of its own to save, so closing and being killed are the same to it.
//! - The payer puts the amount aside, then asks until it is answered, also after a restart (`post`). Only the proof of
//!   payment settles it, and only the payee's signed refusal fails it.
//! - The payee takes the first try to pay an invoice. The same try is answered the same for ever, be it yes or no: the
//!   payer may have believed the first answer.

mod behaviour;
mod book;
mod fact;
mod invoice;
mod key;
mod message;
mod port;
mod post;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use behaviour::Behaviour;
pub use message::KIND;

use crate::clock::Clock;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::relay::RelayError;
use crate::wallet::log::{Found, Log, LogError, ensure_dir};
use crate::wallet::records::{Book as _, Records};
use behaviour::{Chaos, Roll};
use book::Book;
use fact::{Fact, VERSION};
use post::Post;

/// The records' name in a wallet's directory.
const RECORDS: &str = "records.jsonl";
/// The key's.
const KEY: &str = "node.key";

/// What a practice wallet is made of.
#[derive(Debug, Clone)]
pub struct PracticeOptions {
    /// Where its records and its key are kept. Made when it is missing.
    pub dir: PathBuf,
    /// The practice relay's address.
    pub relay: String,
    pub clock: Clock,
    /// What a new wallet begins with. One that has records has what they say.
    pub opening_balance: MilliSats,
    pub behaviour: Behaviour,
    /// How long [`crate::wallet::Wallet::send`] waits for an end before it returns a pending payment.
    pub patience: Duration,
    /// The first pause before a payee is asked again; it grows.
    pub retry: Duration,
}

impl PracticeOptions {
    /// A well-behaved wallet with nothing in it.
    pub fn new(dir: impl Into<PathBuf>, relay: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            relay: relay.into(),
            clock: Clock::default(),
            opening_balance: MilliSats(0),
            behaviour: Behaviour::default(),
            patience: Duration::from_secs(15),
            retry: Duration::from_millis(500),
        }
    }
}

/// Why a practice wallet cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the practice wallet {} is open already, perhaps in another process; close that one, or use another directory", path.display())]
    InUse { path: PathBuf },
    #[error("{} can be read by others (mode {mode:03o}); close it with: chmod 600 {}", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("line {number} of {} is wrong: {why}; move the directory aside to begin anew", path.display())]
    Line { path: PathBuf, number: u64, why: String },
    #[error("the key {} cannot be used: {why}; move the directory aside to begin anew", path.display())]
    Key { path: PathBuf, why: &'static str },
    #[error("the practice wallet cannot reach a relay: {0}")]
    Relay(#[from] RelayError),
    #[error("the practice wallet was interrupted: {0}")]
    Interrupted(String),
}

impl From<LogError> for OpenError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::InUse { path } => Self::InUse { path },
            LogError::TooOpen { path, mode } => Self::TooOpen { path, mode },
            LogError::Io { path, source } => Self::Io { path, source },
            LogError::Line { path, number, why } => Self::Line { path, number, why },
        }
    }
}

/// A wallet of play money. Ends, as if it were closed, when it is dropped.
pub struct PracticeWallet {
    post: Arc<Post>,
    cut: usize,
}

impl PracticeWallet {
    /// Opens the wallet of this directory, or makes one, and goes on with what was pending. Does not wait for the relay.
    pub async fn open(options: PracticeOptions) -> Result<Self, OpenError> {
        let chaos = Arc::new(Chaos::new(options.behaviour.clone()));
        let opening = (options.dir.clone(), options.opening_balance, options.clock.clone());
        let files = tokio::task::spawn_blocking(move || open_files(&opening.0, opening.1, &opening.2));
        let (found, keys) = files.await.map_err(|error| OpenError::Interrupted(error.to_string()))??;
        if found.cut > 0 {
            tracing::warn!(dir = %options.dir.display(), "The practice wallet's last record was torn ({} bytes) and is cut off.", found.cut);
        }
        let twice = Arc::clone(&chaos);
        let records = Records::new(found.log, found.book, move || twice.falls(Roll::DuplicateEvent));
        let post = Post::open(records, keys, chaos, &options).await?;
        Ok(Self { post, cut: found.cut })
    }

    /// The key that signs its invoices, which is also its name on the relay.
    pub fn owner(&self) -> Pubkey {
        self.post.me()
    }

    /// Bytes of a torn last record that were cut off when it was opened: what was being written when it was killed.
    pub fn cut_off(&self) -> usize {
        self.cut
    }

    /// Misbehaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.post.chaos.set(behaviour);
    }

    /// Whether this invoice of ours was paid after it had expired.
    pub fn was_late(&self, hash: PaymentHash) -> bool {
        let late = |book: &Book| Some(book.issued(&hash)?.credit.as_ref()?.late);
        self.post.records.read(late).unwrap_or(false)
    }
}

impl fmt::Debug for PracticeWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PracticeWallet").field("owner", &self.owner()).finish_non_exhaustive()
    }
}

impl Drop for PracticeWallet {
    /// Its tasks end by themselves and let go of the files.
    fn drop(&mut self) {
        self.post.token.cancel();
    }
}

/// Records and key, as they are or new.
fn open_files(dir: &std::path::Path, balance: MilliSats, clock: &Clock) -> Result<(Found<Book>, nostr::Keys), OpenError> {
    ensure_dir(dir)?;
    let path = dir.join(RECORDS);
    let mut found = Log::open::<Book>(&path)?;
    let keys = key::open(&dir.join(KEY), &found.book)?;
    if found.book.owner().is_none() {
        let owner = Pubkey(keys.public_key().to_bytes());
        let network = crate::domain::payment::Network::Practice;
        let opened = Fact::Opened { version: VERSION, network, owner, balance, at: clock.now() };
        found.log.append(&opened).map_err(|error| OpenError::Io { path, source: error.source })?;
        found.book.apply(opened);
    }
    Ok((found, keys))
}
