//! Money that came over the chain and is not part of the balance yet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::money::MilliSats;

/// A deposit's name: the output of the transaction it came in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DepositId {
    pub txid: String,
    pub vout: u32,
}

/// A text that names no deposit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a deposit is named TRANSACTION:OUTPUT, such as 3f2a…9c:0")]
pub struct NotADeposit;

impl fmt::Display for DepositId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.txid, self.vout)
    }
}

impl FromStr for DepositId {
    type Err = NotADeposit;

    fn from_str(text: &str) -> Result<Self, NotADeposit> {
        let (txid, vout) = text.trim().split_once(':').ok_or(NotADeposit)?;
        let is_txid = txid.len() == 64 && txid.bytes().all(|byte| byte.is_ascii_hexdigit());
        match vout.parse() {
            Ok(vout) if is_txid => Ok(Self { txid: txid.to_ascii_lowercase(), vout }),
            _ => Err(NotADeposit),
        }
    }
}

/// A deposit: to be claimed, which costs a fee, or sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    pub id: DepositId,
    pub amount: MilliSats,
    /// Whether it has enough confirmations.
    pub is_mature: bool,
    /// Why claiming it has failed the last time.
    pub problem: Option<String>,
    /// The transaction that sends it back, if there is one.
    pub refund: Option<String>,
}

/// How claiming went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "kebab-case")]
pub enum Claimed {
    /// So much is part of the balance.
    Settled {
        amount: MilliSats,
    },
    UnderWay,
    /// Not yet.
    Deferred {
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deposit_is_named_by_its_transaction_and_output() {
        let id: DepositId = format!("{}:1", "AB".repeat(32)).parse().expect("deposit");
        assert_eq!(id.to_string(), format!("{}:1", "ab".repeat(32)));
        for bad in ["", "ab:1", "ab", &"ab".repeat(32), &format!("{}:x", "ab".repeat(32)), &format!("{}:-1", "ab".repeat(32))] {
            assert_eq!(bad.parse::<DepositId>(), Err(NotADeposit), "{bad}");
        }
    }
}
