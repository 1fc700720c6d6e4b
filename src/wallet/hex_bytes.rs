//! Bytes as hexadecimal digits, in JSON.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// Writes the digits.
pub fn serialize<const N: usize, S: Serializer>(bytes: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

/// Reads exactly as many digits as there have to be.
pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    let mut bytes = [0; N];
    // Without the library's words, which repeat what they could not read.
    hex::decode_to_slice(text, &mut bytes).map_err(|_| D::Error::custom(format!("expected {} hexadecimal digits", 2 * N)))?;
    Ok(bytes)
}
