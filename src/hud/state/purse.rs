//! What is known of the wallet: that it is there is one thing, what it holds another.

use super::Session;
use crate::domain::payment::Network;
use crate::node::status::{OpenWallet, WalletView};
use crate::wallet::SyncState;

/// The node's wallet, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purse<'s> {
    /// The node is stopped, and its wallet is closed.
    Closed,
    /// The node has none.
    Missing,
    /// It does not tell us what it holds. Money comes in and goes out all the same.
    Hidden(&'s OpenWallet),
    /// What it holds has not been read yet, and why if that was tried.
    Unread(&'s OpenWallet, Option<&'s str>),
    /// It has been read.
    Read(&'s WalletView),
}

impl Session {
    pub fn purse(&self) -> Purse<'_> {
        let status = &self.status;
        match (&status.wallet, &status.open_wallet) {
            (Some(wallet), _) => Purse::Read(wallet),
            (None, Some(open)) if open.hides_balance => Purse::Hidden(open),
            (None, Some(open)) => Purse::Unread(open, status.trouble.wallet.as_deref()),
            (None, None) if status.running => Purse::Missing,
            (None, None) => Purse::Closed,
        }
    }
}

impl Purse<'_> {
    /// Whose invoices it pays; `None`: there is no wallet.
    pub const fn network(&self) -> Option<Network> {
        match self {
            Self::Closed | Self::Missing => None,
            Self::Hidden(open) | Self::Unread(open, _) => Some(open.network),
            Self::Read(wallet) => Some(wallet.snapshot.network),
        }
    }

    /// Whether it can be asked with a chance of an answer.
    pub const fn answers(&self) -> bool {
        match self {
            Self::Closed | Self::Missing | Self::Unread(..) => false,
            Self::Hidden(_) => true,
            Self::Read(wallet) => matches!(wallet.snapshot.sync, SyncState::Synced),
        }
    }

    /// How it is, in a word or a few.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Closed | Self::Missing => "no wallet",
            Self::Hidden(_) => "balance not shown to us",
            Self::Unread(_, None) => "syncing",
            Self::Unread(_, Some(_)) => "unreachable",
            Self::Read(wallet) => match wallet.snapshot.sync {
                SyncState::Synced => "synced",
                SyncState::Syncing => "syncing",
                SyncState::Unreachable { .. } => "unreachable",
            },
        }
    }

    /// Why there is no balance to show; `None`: there is one.
    pub fn without_balance(&self) -> Option<String> {
        Some(match self {
            Self::Closed => "The node is stopped, and its wallet is closed.".to_owned(),
            Self::Missing => "This node has no wallet. Jobs are free until one is connected.".to_owned(),
            Self::Hidden(open) => {
                format!("The balance is not shown to us: the connection to this {} wallet may not read it. What moves is below.", open.kind)
            }
            Self::Unread(_, None) => "Syncing: what the wallet holds is not known yet.".to_owned(),
            Self::Unread(_, Some(why)) => format!("What the wallet holds is not known yet. {why}"),
            Self::Read(_) => return None,
        })
    }
}
