//! What answers are made of. Amounts are whole sats and times are seconds, as the library has them.

use serde::{Deserialize, Serialize};

use crate::domain::payment::{Direction, Network};

/// Balance and pending sums that belong together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    pub sats: u64,
    pub pending_in: u64,
    /// Fees included.
    pub pending_out: u64,
}

/// Who could be reached just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// A real call to those who run the network.
    pub operators: Result<(), Fault>,
    /// What the network's own page says of it; `None`: that page cannot be reached.
    pub service: Option<Service>,
}

/// How a network says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    Operational,
    Degraded,
    Partial,
    Unknown,
    Major,
}

/// What a text is that somebody wants to pay to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    pub kind: Kind,
    /// What is paid to, without what stood around it.
    pub to: String,
    /// What it asks for; `None`: whoever pays says.
    pub sats: Option<u64>,
    /// `None`: it does not say.
    pub network: Option<Network>,
    pub description: String,
}

/// A way of being paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Bolt11,
    SparkAddress,
    SparkInvoice,
    OnChain,
    /// Something that is known and that this wallet does not pay to, by its name.
    Other(String),
}

/// What a payment would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub sats: u64,
    /// At most.
    pub fee: u64,
}

/// A payment as the library's record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of one we have sent: its key.
    pub id: String,
    pub direction: Direction,
    pub state: EntryState,
    /// Without the fee.
    pub sats: u64,
    pub fee: u64,
    pub at_secs: u64,
    /// In hexadecimal; `None` for what is no Lightning payment.
    pub hash: Option<String>,
    pub preimage: Option<String>,
    pub description: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    Pending,
    Completed,
    Failed,
}

/// Money on the chain that has not been claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    pub txid: String,
    pub vout: u32,
    pub sats: u64,
    /// Whether it has enough confirmations.
    pub is_mature: bool,
    /// Why claiming it has failed the last time.
    pub problem: Option<Fault>,
    /// The transaction that sends it back, if there is one.
    pub refund: Option<String>,
}

/// How claiming went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// It is part of the balance.
    Settled(Box<Entry>),
    /// It is on its way.
    Submitted,
    /// Not yet, and why.
    Deferred(String),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    #[error("the network does not answer: {0}")]
    Network(String),
    #[error("there is not enough")]
    Insufficient,
    #[error("{0}")]
    Invalid(String),
    #[error("the fee would be {needed} sats, and {allowed} are allowed")]
    Fee { needed: u64, allowed: u64 },
    #[error("there is no such deposit")]
    NoDeposit,
    #[error("the deposit is too small to be claimed")]
    SmallDeposit,
    #[error("the deposit is being claimed already")]
    Claiming,
    #[error("the wallet's storage: {0}")]
    Storage(String),
    #[error("{0}")]
    Refused(String),
    /// The library's answer makes no sense to us: a bug, or another library.
    #[error("the Spark library's answer cannot be used: {0}")]
    Garbled(String),
}
