//! How a wallet is, beside what it holds.

use serde::{Deserialize, Serialize};

use crate::domain::payment::Network;

/// How a wallet that is more than one program is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub helper: Helper,
    /// How often the helper was started again since the node was.
    pub restarts: u64,
    /// The wallet library's version.
    pub version: Option<String>,
    /// The wallet's public key.
    pub identity: Option<String>,
    pub network: Network,
    /// Whether its network can be reached. Only then a balance means anything.
    pub is_online: bool,
    /// Why not.
    pub trouble: Option<String>,
    /// What the network says of itself, where it does.
    pub service: Option<String>,
}

/// The process that has the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Helper {
    Starting,
    Running {
        pid: u32,
    },
    Restarting {
        why: String,
    },
    /// It runs and does not open the wallet.
    Refused {
        why: String,
    },
}
