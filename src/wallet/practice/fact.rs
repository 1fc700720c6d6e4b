//! What a practice wallet writes down: one fact a line, never changed afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network};
use crate::domain::time::UnixMs;
use crate::wallet::{IdempotencyKey, hex_bytes};

/// The form of the lines below. A file with a higher one is left alone.
pub const VERSION: u32 = 1;

/// The secret behind a payment hash: worth the invoice's amount until it is paid, a receipt afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Preimage(#[serde(with = "hex_bytes")] pub [u8; 32]);

impl Preimage {
    /// The hash it is the secret of.
    pub fn hash(&self) -> PaymentHash {
        PaymentHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Preimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preimage(hidden)")
    }
}

/// Names an intention to pay, in the payer's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(#[serde(with = "hex_bytes")] pub [u8; 16]);

impl From<IdempotencyKey> for Key {
    fn from(key: IdempotencyKey) -> Self {
        Self(key.0)
    }
}

/// One try to pay one of our invoices. The same try may be told any number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    pub hash: PaymentHash,
    pub payer: Pubkey,
    pub key: Key,
}

/// One line of the records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "lowercase", deny_unknown_fields)]
pub enum Fact {
    /// Always the first: whose wallet this is, and the play money it was given.
    Opened { version: u32, network: Network, owner: Pubkey, balance: MilliSats, at: UnixMs },
    /// An invoice of ours. Written before anybody sees it.
    Issued { invoice: Invoice, preimage: Preimage, at: UnixMs },
    /// It was paid. Written before the payer is given the preimage.
    Credited { attempt: Attempt, late: bool, at: UnixMs },
    /// It came too late once and is refused from now on, whatever the clock says. Written before the payer is told.
    Lapsed { hash: PaymentHash, at: UnixMs },
    /// This try was refused and stays so: a copy of it that comes later must not be taken. Written before the payer is
    /// told, who takes the money back then.
    Refused { attempt: Attempt, at: UnixMs },
    /// An invoice of somebody else that we pay; its amount is put aside. Written before anything is sent.
    Paying { key: Key, invoice: Invoice, at: UnixMs },
    /// The payee has given the preimage: the amount is gone.
    Debited { key: Key, preimage: Preimage, at: UnixMs },
    /// The payee has refused: the amount is back.
    Failed { key: Key, reason: String, at: UnixMs },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_one_line_and_debug_hides_the_preimage() {
        let fact = Fact::Debited { key: Key([7; 16]), preimage: Preimage([9; 32]), at: UnixMs(3) };
        let line = serde_json::to_string(&fact).expect("json");
        assert!(!line.contains('\n') && line.contains(&"09".repeat(32)), "{line}");
        assert_eq!(serde_json::from_str::<Fact>(&line).expect("fact"), fact);
        assert!(!format!("{fact:?}").contains("9, 9"), "{fact:?}");
        let more = line.replace("\"at\":3", "\"at\":3,\"extra\":1");
        assert!(serde_json::from_str::<Fact>(&more).is_err(), "a field nobody knows may be one that matters");
    }
}
