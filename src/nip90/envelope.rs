//! Encrypted messages: NIP-44 version 2 and NIP-04, told apart by their shape.
//!
//! Requests arrive in either, and the answer goes back in the one received, because that is the one the buyer can read.
//! The caller has verified the event's signature; NIP-04 in particular proves nothing by itself.

use std::fmt;

use nostr::nips::{nip04, nip44};
use nostr::{Event, Keys, PublicKey};
use serde_json::Value;

use super::wire;
use crate::domain::ids::Pubkey;
use crate::domain::request::Scheme;

/// The longest text NIP-44 carries here, in bytes. The protocol allows 65,535; the nostr crate stops 127 short of it.
pub const MAX_NIP44_BYTES: usize = 65_408;

/// The private tags of an encrypted request.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    pub tags: Vec<Vec<String>>,
    pub scheme: Scheme,
}

impl fmt::Debug for Opened {
    /// The tags hold what the buyer wanted hidden, so only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("tags", &self.tags.len()).field("scheme", &self.scheme).finish()
    }
}

/// Why a message could not be encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("the message is marked encrypted and is neither NIP-44 nor NIP-04: encrypt it with NIP-44 version 2")]
    NotEncrypted,
    #[error("the message does not decrypt with our key: encrypt it to the key in its `p` tag")]
    Undecryptable,
    #[error("the decrypted message is not a JSON array of tags: encrypt the `i` and `param` tags as one JSON array")]
    NotTags,
    #[error("the text is {bytes} bytes and NIP-44 carries at most {max}: shorten it", max = MAX_NIP44_BYTES)]
    TooLong { bytes: usize },
    #[error("an empty text cannot be encrypted with NIP-44")]
    Empty,
    #[error("an encrypted request needs one provider to encrypt it to: choose a provider")]
    NoRecipient,
    #[error("{0} is not a public key: nothing can be encrypted to it")]
    BadKey(Pubkey),
}

impl EnvelopeError {
    /// The name in counters and in the ledger. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEncrypted => "not-encrypted",
            Self::Undecryptable => "undecryptable",
            Self::NotTags => "not-tags",
            Self::TooLong { .. } => "too-long-to-encrypt",
            Self::Empty => "empty-to-encrypt",
            Self::NoRecipient => "no-recipient",
            Self::BadKey(_) => "bad-key",
        }
    }
}

/// Whether the event says that its content is encrypted.
pub fn is_encrypted(event: &Event) -> bool {
    wire::named(&wire::rows(event), "encrypted").next().is_some()
}

/// What `content` is encrypted with, by its shape alone; `None` when it is no known ciphertext.
pub fn scheme_of(content: &str) -> Option<Scheme> {
    if let Some((ciphertext, iv)) = content.split_once("?iv=") {
        return (is_base64(ciphertext) && is_base64(iv)).then_some(Scheme::Nip04);
    }
    // The first byte of a NIP-44 payload is its version, 2, and the shortest payload is 99 bytes.
    let version_2 = content.starts_with('A') && content.as_bytes().get(1).is_some_and(|c| (b'g'..=b'v').contains(c));
    (version_2 && content.len() >= 132 && is_base64(content)).then_some(Scheme::Nip44)
}

fn is_base64(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(4) && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
}

/// Opens an encrypted request.
pub fn open(event: &Event, keys: &Keys) -> Result<Opened, EnvelopeError> {
    let (text, scheme) = unseal(&event.content, &event.pubkey, keys)?;
    Ok(Opened { tags: private_tags(&text).ok_or(EnvelopeError::NotTags)?, scheme })
}

/// The text of a message between `keys` and `other`, and what it was encrypted with.
pub fn unseal(content: &str, other: &PublicKey, keys: &Keys) -> Result<(String, Scheme), EnvelopeError> {
    let content = content.trim();
    let scheme = scheme_of(content).ok_or(EnvelopeError::NotEncrypted)?;
    let text = match scheme {
        Scheme::Nip04 => nip04::decrypt(keys.secret_key(), other, content).ok(),
        Scheme::Nip44 => nip44::decrypt(keys.secret_key(), other, content).ok(),
        Scheme::Plain => None,
    };
    text.map(|text| (text, scheme)).ok_or(EnvelopeError::Undecryptable)
}

/// Encrypts `text` to `to`. [`Scheme::Plain`] gives the text back as it is.
pub fn seal(text: &str, scheme: Scheme, keys: &Keys, to: &Pubkey) -> Result<String, EnvelopeError> {
    let other = wire::public_key(to);
    match scheme {
        Scheme::Plain => Ok(text.to_owned()),
        Scheme::Nip04 => nip04::encrypt(keys.secret_key(), &other, text).map_err(|_| EnvelopeError::BadKey(*to)),
        Scheme::Nip44 if text.is_empty() => Err(EnvelopeError::Empty),
        Scheme::Nip44 if text.len() > MAX_NIP44_BYTES => Err(EnvelopeError::TooLong { bytes: text.len() }),
        Scheme::Nip44 => nip44::encrypt(keys.secret_key(), &other, text, nip44::Version::V2).map_err(|_| EnvelopeError::BadKey(*to)),
    }
}

/// How many bytes `bytes` of text become once sealed. Padding makes NIP-44 grow in steps of up to 8 KiB.
pub const fn sealed_len(scheme: Scheme, bytes: usize) -> usize {
    match scheme {
        Scheme::Plain => bytes,
        // Whole blocks of 16 bytes, then "?iv=" and 24 more.
        Scheme::Nip04 => base64_len((bytes / 16 + 1) * 16) + 28,
        // Version, nonce, length, padded text, mac.
        Scheme::Nip44 => base64_len(1 + 32 + 2 + padded_len(bytes) + 32),
    }
}

const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// NIP-44's padding: the next multiple of an eighth of the next power of two, 32 at least.
const fn padded_len(bytes: usize) -> usize {
    if bytes <= 32 {
        return 32;
    }
    let next_power = bytes.next_power_of_two();
    let step = if next_power <= 256 { 32 } else { next_power / 8 };
    bytes.div_ceil(step) * step
}

/// What an answer says, decrypted with `keys` where it has to be; `None` for the text when it has to be and there are none.
/// Content that is marked encrypted and plainly is not counts as plain.
pub(super) fn reveal(event: &Event, keys: Option<&Keys>) -> Result<(Option<String>, Scheme), EnvelopeError> {
    match scheme_of(event.content.trim()) {
        Some(scheme) if is_encrypted(event) => match keys {
            Some(keys) => unseal(&event.content, &event.pubkey, keys).map(|(text, scheme)| (Some(text), scheme)),
            None => Ok((None, scheme)),
        },
        _ => Ok((Some(event.content.clone()), Scheme::Plain)),
    }
}

/// The JSON tag array inside an envelope. Numbers count as text: nothing kept their writers from writing them bare.
pub(super) fn private_tags(text: &str) -> Option<Vec<Vec<String>>> {
    let Ok(Value::Array(rows)) = serde_json::from_str(text) else {
        return None;
    };
    rows.into_iter().map(private_row).collect()
}

fn private_row(row: Value) -> Option<Vec<String>> {
    let Value::Array(elements) = row else {
        return None;
    };
    let text = |element| match element {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    };
    elements.into_iter().map(text).collect()
}
