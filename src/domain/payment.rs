//! Money on its way: what every wallet, the ledger and the screen mean by a payment. Pure values.

use serde::{Deserialize, Serialize};

use super::ids::PaymentHash;
use super::money::MilliSats;
use super::time::UnixMs;

/// Which money it is. Invoices of one network cannot be paid on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Play money of the practice market: BOLT11 prefix `lnsb`, which no real network uses.
    Practice,
    /// Test money: `lnbcrt`.
    Regtest,
    /// Test money: `lntb` and `lntbs`.
    Testnet,
    /// Bitcoin: `lnbc`.
    Mainnet,
}

impl Network {
    /// As it is written on screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Practice => "practice",
            Self::Regtest => "regtest",
            Self::Testnet => "testnet",
            Self::Mainnet => "mainnet",
        }
    }
}

/// A decoded BOLT11 invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub bolt11: String,
    pub hash: PaymentHash,
    /// `None`: whoever pays chooses, which no job may ask for.
    pub amount: Option<MilliSats>,
    pub network: Network,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
    /// The x-only public key of the node that is paid.
    pub payee: [u8; 32],
    pub description: String,
}

/// In or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    In,
    Out,
}

/// How far a payment is, by the wallet's own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum PaymentState {
    /// Nobody knows yet. A timeout leaves it here: it is never called failed before the wallet says so.
    Pending,
    /// Money has changed hands, for good.
    Settled { at: UnixMs },
    /// No money has moved, and none will.
    Failed { reason: String },
}

/// One payment as the wallet's record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The wallet's own name for it, unique within the wallet.
    pub id: String,
    pub direction: Direction,
    #[serde(flatten)]
    pub state: PaymentState,
    /// Without the fee.
    pub amount: MilliSats,
    /// Paid on top; 0 for what comes in.
    pub fee: MilliSats,
    /// `None` for what is no Lightning payment; a transfer of our own has one that is made of its key.
    pub hash: Option<PaymentHash>,
    /// The proof of payment, where the wallet has one: a BOLT11 paid inside one wallet's network may have none.
    #[serde(default, with = "hex_preimage", skip_serializing_if = "Option::is_none")]
    pub preimage: Option<[u8; 32]>,
    pub created_at: UnixMs,
    pub description: String,
}

impl Payment {
    pub fn is_settled(&self) -> bool {
        matches!(self.state, PaymentState::Settled { .. })
    }

    pub fn is_pending(&self) -> bool {
        self.state == PaymentState::Pending
    }
}

mod hex_preimage {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde asks for it in this form")]
    pub fn serialize<S: Serializer>(preimage: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        match preimage {
            Some(preimage) => serializer.serialize_str(&hex::encode(preimage)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 32]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let mut preimage = [0; 32];
        hex::decode_to_slice(text, &mut preimage).map_err(D::Error::custom)?;
        Ok(Some(preimage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_flat_json_and_survives_it() {
        let payment = Payment {
            id: "1".into(),
            direction: Direction::In,
            state: PaymentState::Settled { at: UnixMs(5) },
            amount: MilliSats(3000),
            fee: MilliSats(0),
            hash: Some(PaymentHash([1; 32])),
            preimage: Some([2; 32]),
            created_at: UnixMs(4),
            description: "a job".into(),
        };
        let json = serde_json::to_string(&payment).expect("json");
        assert!(json.contains(r#""state":"settled","at":5"#), "{json}");
        assert_eq!(serde_json::from_str::<Payment>(&json).expect("payment"), payment);
    }
}
