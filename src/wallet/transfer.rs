//! Paying and being paid without an invoice. Not every wallet can.

use serde::{Deserialize, Serialize};

use crate::domain::money::MilliSats;

/// Where money can be sent to without an invoice, for it to arrive here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressKind {
    /// Of the wallet's own network: at once, and for next to nothing.
    Spark,
    /// On the chain: what arrives there is a deposit, which has to be claimed.
    OnChain,
}

/// What a text means that somebody wants to pay to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    pub kind: DestinationKind,
    /// What is paid to, without what stood around it.
    pub to: String,
    /// What it asks for; `None`: whoever pays says.
    pub amount: Option<MilliSats>,
    pub description: String,
}

/// How a destination is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestinationKind {
    /// As an invoice, by [`super::Wallet::send`].
    Invoice,
    /// By [`super::Wallet::transfer`], as the rest.
    Spark,
    OnChain,
}

/// A transfer looked at and not yet made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    pub kind: DestinationKind,
    pub to: String,
    pub amount: MilliSats,
    /// At most.
    pub fee: MilliSats,
    pub warnings: Vec<String>,
}
