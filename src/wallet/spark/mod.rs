//! The real wallet: bitcoin over Lightning, Spark and the chain, with keys that nobody else has. It is the Breez SDK's
//! Spark library, which is loaded at run time and only by a process of its own.
//!
//! ```text
//! SparkWallet ─ desk ─ keeper ══ lines of JSON ══ helper ─ session ─ ffi ─ the library ─ the network
//!               records          protocol         another process
//! ```
//!
//! What can go wrong, and what holds all the same:
//! - The library ends its process when it panics, or is killed. The keeper starts another helper; every call has an
//!   answer (`keeper`).
//! - A payment's answer is lost. The library pays once for each key; the payment is looked up and, where nobody knows of
//!   it, sent again with the same key (`paying`).
//! - Nobody can be reached. The library does not say so, and shows an empty wallet; so it is not believed until those who
//!   run the network have answered (`reach`).
//! - The file is another library. It is compared before it is loaded, all of it (`library`).

mod deposits;
mod desk;
#[expect(unsafe_code, reason = "a library that is opened at run time speaks C")]
pub mod ffi;
pub mod helper;
pub mod install;
mod journal;
mod keeper;
mod keeping;
mod launch;
pub mod library;
mod lines;
mod listing;
mod paying;
mod port;
mod preparing;
pub mod protocol;
mod reach;
mod receiving;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use keeper::Backoff;
pub use launch::{Launcher, Stand};

use crate::clock::Clock;
use crate::domain::time::Pace;
use crate::wallet::log::LogError;
use desk::Desk;
use protocol::{Hidden, OpenFault, Servers, SparkNetwork};

/// What a Spark wallet is made of.
#[derive(Debug, Clone)]
pub struct SparkOptions {
    pub launcher: Launcher,
    /// The library's file.
    pub library: PathBuf,
    pub network: SparkNetwork,
    /// Where this wallet's records are kept, ours and the library's. Made when it is missing.
    pub dir: PathBuf,
    pub words: Hidden,
    pub api_key: Option<Hidden>,
    pub servers: Servers,
    pub clock: Clock,
    /// How long opening waits for the network to answer.
    pub hello: Duration,
    /// How long [`crate::wallet::Wallet::send`] waits for an end before it returns a pending payment.
    pub patience: Duration,
    /// The first pause before asking again what became of a payment; it grows.
    pub poll: Duration,
    /// The longest of these pauses.
    pub longest_poll: Duration,
    /// Between two looks at the network.
    pub pace: Pace,
    /// Between two helpers.
    pub backoff: Backoff,
    pub limits: TimeLimits,
}

impl SparkOptions {
    /// The usual patience.
    pub fn new(launcher: Launcher, library: impl Into<PathBuf>, dir: impl Into<PathBuf>, words: Hidden) -> Self {
        Self {
            launcher,
            library: library.into(),
            network: SparkNetwork::Regtest,
            dir: dir.into(),
            words,
            api_key: None,
            servers: Servers::Hosted,
            clock: Clock::default(),
            hello: Duration::from_secs(8),
            patience: Duration::from_secs(60),
            poll: Duration::from_secs(2),
            longest_poll: Duration::from_secs(60),
            pace: Pace::secs(60, 10),
            backoff: Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(30) },
            limits: TimeLimits::default(),
        }
    }
}

/// How long something may take.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// What the helper answers by itself.
    pub local: Duration,
    /// What one question to the network takes.
    pub remote: Duration,
    pub probe: Duration,
    pub sync: Duration,
    pub send: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self { local: secs(10), remote: secs(30), probe: secs(20), sync: secs(60), send: secs(60) }
    }
}

/// Why a wallet cannot be opened. A network that does not answer is no reason.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the wallet's records: {0}")]
    Records(#[from] LogError),
    #[error(transparent)]
    Refused(#[from] OpenFault),
    #[error("the wallet was interrupted: {0}")]
    Interrupted(String),
}

/// A Spark wallet. Ends, as if it were closed, when it is dropped.
pub struct SparkWallet {
    desk: Arc<Desk>,
}

impl SparkWallet {
    /// Opens the wallet of these words and goes on with what was pending. Waits a moment for its network, and opens without it.
    pub async fn open(options: SparkOptions) -> Result<Self, OpenError> {
        Ok(Self { desk: Desk::open(options).await? })
    }
}

impl fmt::Debug for SparkWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SparkWallet").finish_non_exhaustive()
    }
}

impl Drop for SparkWallet {
    /// Its tasks end by themselves, and the helper with them.
    fn drop(&mut self) {
        self.desk.token.cancel();
    }
}
