//! Somebody's own wallet, used from afar: Nostr Wallet Connect (NIP-47). The wallet is another program, at home or in a
//! data centre; between it and us there are only relays, which see encrypted events.
//!
//! What a request lost on the way has done, nobody knows. So:
//! - Before a payment is asked for, its key and invoice are on the disk (`journal`). It is asked for once.
//! - A payment without an answer stays pending until the wallet says how it ended: by a late answer, a notification or
//!   its own record (`paying`). An invoice that was tried before is looked up before it is tried again.
//! - Only the errors that NIP-47 defines as "nothing was paid" are taken for that.
//!
//! What NIP-47 cannot do, and so this wallet cannot: it tells no fee beforehand (what [`Wallet::prepare`] names is a guess
//! and says so), and it does not say what is on its way (a snapshot's pending sums are always 0).
//!
//! Nothing is asked of a wallet before it is used: one that knows fewer methods, other ones, or has no info event is
//! still a wallet.
//!
//! [`Wallet::prepare`]: crate::wallet::Wallet::prepare

mod cipher;
mod connection;
mod desk;
mod info;
mod journal;
mod listing;
mod paying;
mod port;
mod receiving;
mod reply;
#[cfg(test)]
mod tests;
mod transaction;
mod wire;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use connection::{Connection, ConnectionError, StoredError};

use crate::clock::Clock;
use crate::domain::payment::Network;
use crate::relay::RelayError;
use crate::wallet::log::LogError;
use desk::Desk;

/// What a wallet over Nostr Wallet Connect is made of.
#[derive(Debug, Clone)]
pub struct NwcOptions {
    pub connection: Connection,
    /// The file of our own records. Made when it is missing, with its directory.
    pub records: PathBuf,
    pub clock: Clock,
    /// The network until the wallet names its own.
    pub network: Network,
    /// How long opening waits for the wallet to say what it is.
    pub hello: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// How long [`crate::wallet::Wallet::send`] waits for an end before it returns a pending payment.
    pub patience: Duration,
    /// The first pause before asking again what became of something; it grows.
    pub poll: Duration,
    /// The longest of these pauses.
    pub longest_poll: Duration,
    /// The first pause before connecting to a relay again; it grows.
    pub reconnect: Duration,
}

impl NwcOptions {
    /// The usual patience.
    pub fn new(connection: Connection, records: impl Into<PathBuf>) -> Self {
        Self {
            connection,
            records: records.into(),
            clock: Clock::default(),
            network: Network::Mainnet,
            hello: Duration::from_secs(5),
            answer: Duration::from_secs(8),
            patience: Duration::from_secs(60),
            poll: Duration::from_secs(2),
            longest_poll: Duration::from_secs(60),
            reconnect: Duration::from_secs(2),
        }
    }
}

/// Why a wallet cannot be opened. One that does not answer is no reason.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the wallet's records: {0}")]
    Records(#[from] LogError),
    #[error("the wallet's relays: {0}")]
    Relay(#[from] RelayError),
    #[error("the wallet was interrupted: {0}")]
    Interrupted(String),
}

/// A wallet reached over Nostr Wallet Connect. Ends, as if it were closed, when it is dropped.
pub struct NwcWallet {
    desk: Arc<Desk>,
}

impl NwcWallet {
    /// Connects to the wallet and goes on with what was pending. Waits a moment for it, and opens without it.
    pub async fn open(options: NwcOptions) -> Result<Self, OpenError> {
        Ok(Self { desk: Desk::open(options).await? })
    }
}

impl fmt::Debug for NwcWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NwcWallet").finish_non_exhaustive()
    }
}

impl Drop for NwcWallet {
    /// Its tasks end by themselves and let go of the file.
    fn drop(&mut self) {
        self.desk.token.cancel();
    }
}
