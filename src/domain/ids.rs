//! Names of things: jobs, people, commands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is not 64 lower- or upper-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits, found {0} characters that are not that")]
pub struct NotHex(usize);

macro_rules! hex32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The first eight hexadecimal digits, for a line a person reads. Never an identity.
            pub fn short(&self) -> String {
                hex::encode(self.0.get(..4).unwrap_or_default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| NotHex(text.chars().count()))?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex32! {
    /// A job's identity: the full id of its request event (NIP-01). Never shortened, never derived.
    JobId
}

hex32! {
    /// Whose key: an x-only secp256k1 public key (NIP-01).
    Pubkey
}

hex32! {
    /// The SHA-256 of a preimage: which Lightning payment (BOLT11 `p`).
    PaymentHash
}

/// Pairs a command with the event that answers it. Chosen by whoever asks; unique within one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_json() {
        let id = JobId([0xab; 32]);
        assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
        let json = serde_json::to_string(&id).expect("json");
        assert_eq!(serde_json::from_str::<JobId>(&json).expect("id"), id);
        assert_eq!(id.short(), "abababab");
    }

    #[test]
    fn a_shortened_id_is_not_an_id() {
        assert!("abababab".parse::<JobId>().is_err());
        assert!("zz".repeat(32).parse::<Pubkey>().is_err());
    }
}
