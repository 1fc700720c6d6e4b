//! The port every wallet implements, and what goes over it.
//!
//! What holds for all of them is a test in the contract suite, `contract`, which runs over every implementation: two of
//! its wallets pay each other, are asked at the same time, twice and after a restart. Above all:
//! - A snapshot is one reading: its balance and its pending sums belong together.
//! - A payment is settled when the wallet's own record says so, and then for ever. A timeout leaves it pending.
//! - The same idempotency key pays once, however often it is sent, also after a restart.
//! - Events may come late, twice or not at all (nobody listened); the record behind [`Wallet::payment`] is the truth.
//!
//! No wallet at all is no implementation: it is an `Option`, and whoever needs one says so.

pub mod bolt11;
#[cfg(test)]
pub mod contract;
mod deposit;
pub mod guard;
mod health;
mod hex_bytes;
pub mod lightning_address;
pub mod log;
pub mod nwc;
pub mod pin;
pub mod practice;
pub mod records;
pub mod spark;
mod transfer;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

pub use deposit::{Claimed, Deposit, DepositId, NotADeposit};
pub use health::{Health, Helper};
pub use transfer::{AddressKind, Destination, DestinationKind, Transfer};

use crate::domain::ids::PaymentHash;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Invoice, Network, Payment};
use crate::domain::time::UnixMs;

/// A wallet.
pub trait Wallet: Send + Sync + 'static {
    /// What kind: `practice`, `nwc`, `spark`.
    fn kind(&self) -> &'static str;

    /// Whose invoices it makes and pays.
    fn network(&self) -> Network;

    /// Balance and all that belongs to it, read at once.
    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>>;

    /// Makes an invoice over exactly this amount.
    fn invoice(&self, request: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>>;

    /// Looks at what is to be paid: amount, fee at most, and what should make one hesitate. Moves nothing.
    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>>;

    /// Pays what was prepared. Returns when it is settled, has failed, or is still pending after a while.
    fn send(&self, prepared: Prepared, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>>;

    /// The record of this payment; `None`: the wallet has never heard of it, or it is an invoice nobody has paid.
    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>>;

    /// Payments, newest first.
    fn payments(&self, query: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>>;

    /// What happens from now on. A listener that lags loses the oldest and should reconcile with [`Wallet::payments`].
    fn events(&self) -> broadcast::Receiver<WalletEvent>;

    /// Ends it. Everything asked afterwards answers [`WalletError::Closed`].
    fn close(&self) -> BoxFuture<'_, ()>;

    /// An address that stays good.
    fn address(&self, kind: AddressKind) -> BoxFuture<'_, Result<String, WalletError>> {
        let _ = kind;
        cannot("receiving without an invoice")
    }

    /// What a text is that somebody wants to pay to. Asks nobody else.
    fn inspect(&self, text: String) -> BoxFuture<'_, Result<Destination, WalletError>> {
        drop(text);
        cannot("paying to anything but an invoice")
    }

    /// Looks at a transfer to an address: fee at most, and what should make one hesitate. Moves nothing.
    fn prepare_transfer(&self, to: String, amount: MilliSats) -> BoxFuture<'_, Result<Transfer, WalletError>> {
        drop((to, amount));
        cannot("paying to anything but an invoice")
    }

    /// Makes the transfer that was prepared. As [`Wallet::send`]; [`Wallet::payment`] knows it by [`Wallet::transfer_hash`].
    fn transfer(&self, transfer: Transfer, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        drop((transfer, key));
        cannot("paying to anything but an invoice")
    }

    /// What a transfer with this key is known by, where an invoice has its hash.
    fn transfer_hash(&self, key: IdempotencyKey) -> PaymentHash {
        let _ = key;
        PaymentHash([0; 32])
    }

    /// Deposits that are not part of the balance yet.
    fn deposits(&self) -> BoxFuture<'_, Result<Vec<Deposit>, WalletError>> {
        cannot("deposits")
    }

    /// Makes a deposit a part of the balance, if that costs no more than this.
    fn claim(&self, deposit: DepositId, most_fee: Sats) -> BoxFuture<'_, Result<Claimed, WalletError>> {
        drop((deposit, most_fee));
        cannot("deposits")
    }

    /// Sends a deposit to an address on the chain instead, for this fee. Returns the transaction.
    fn refund_deposit(&self, deposit: DepositId, to: String, fee: Sats) -> BoxFuture<'_, Result<String, WalletError>> {
        drop((deposit, to, fee));
        cannot("deposits")
    }

    /// The Lightning address that leads to this wallet; `None`: none was registered.
    fn lightning_address(&self) -> BoxFuture<'_, Result<Option<String>, WalletError>> {
        cannot("a Lightning address")
    }

    /// Registers a Lightning address of this name. Returns the whole address.
    fn register_lightning_address(&self, name: String) -> BoxFuture<'_, Result<String, WalletError>> {
        drop(name);
        cannot("a Lightning address")
    }

    /// Gives the Lightning address up.
    fn release_lightning_address(&self) -> BoxFuture<'_, Result<(), WalletError>> {
        cannot("a Lightning address")
    }

    /// How it is, where it is more than one program.
    fn health(&self) -> Option<Health> {
        None
    }
}

fn cannot<T: Send + 'static>(what: &'static str) -> BoxFuture<'static, Result<T, WalletError>> {
    async move { Err(WalletError::Unsupported(what)) }.boxed()
}

/// One reading of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// What could be spent now; what is on its way out has left already.
    pub balance: MilliSats,
    /// On its way in.
    pub pending_in: MilliSats,
    /// On its way out, fees included.
    pub pending_out: MilliSats,
    pub network: Network,
    /// Who says so, for people.
    pub source: String,
    pub as_of: UnixMs,
    pub sync: SyncState,
}

/// Whether a snapshot is the newest there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sync", rename_all = "lowercase")]
pub enum SyncState {
    Synced,
    Syncing,
    /// The balance is an old one.
    Unreachable {
        reason: String,
    },
}

/// What an invoice is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceRequest {
    pub amount: MilliSats,
    pub description: String,
    pub expiry_secs: u64,
}

/// A payment looked at and not yet made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    pub invoice: Invoice,
    pub amount: MilliSats,
    /// At most.
    pub fee: MilliSats,
    pub warnings: Vec<String>,
}

/// Names one intention to pay. Made once, written down before the first send, and used again for every retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(#[serde(with = "hex_bytes")] pub [u8; 16]);

/// Which payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentsQuery {
    /// Continue after the page that ended with this.
    pub before: Option<PaymentKey>,
    pub limit: u32,
}

impl Default for PaymentsQuery {
    fn default() -> Self {
        Self { before: None, limit: 50 }
    }
}

/// A payment's place in the list: newest first, then by id.
pub type PaymentKey = (UnixMs, String);

/// Some payments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsPage {
    pub payments: Vec<Payment>,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<PaymentKey>,
}

/// What a wallet tells by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalletEvent {
    /// A payment's record changed; perhaps told before.
    Payment(Box<Payment>),
    /// Balance or reachability changed.
    Changed,
}

/// Why a wallet did not do it. Says what has not happened: nothing was paid, unless it says [`WalletError::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    #[error("the invoice cannot be paid: {0}")]
    Invoice(#[from] bolt11::InvoiceError),
    #[error("there is not enough: {needed} msats are needed and {available} are there")]
    Insufficient { needed: u64, available: u64 },
    #[error("this invoice has been paid before")]
    AlreadyPaid,
    /// Of another try, whose end is not known: that one may have paid.
    #[error("a payment of this invoice is on its way already; wait for that to end")]
    UnderWay,
    #[error("this invoice is our own")]
    OwnInvoice,
    #[error("the amount has to be from {least} to {most} msats")]
    Amount { least: u64, most: u64 },
    #[error("the wallet is locked")]
    Locked,
    #[error("the wallet refuses: {0}")]
    Refused(String),
    /// It works, and whoever asks may not ask for this.
    #[error("the wallet refuses: {0}")]
    NotAllowed(String),
    #[error("the wallet's own budget is used up: {0}")]
    Budget(String),
    #[error("the wallet does not answer: {0}")]
    Unreachable(String),
    /// The one that may have paid: ask [`Wallet::payment`] until it knows.
    #[error("it is not known whether the payment went out: {0}")]
    Unknown(String),
    #[error("this wallet cannot do that: {0}")]
    Unsupported(&'static str),
    #[error("the wallet's records cannot be used: {0}")]
    Records(String),
    #[error("the wallet is closed")]
    Closed,
}
