//! How requests and answers are encrypted.

use nostr::nips::{nip04, nip44};
use nostr::{Keys, PublicKey};

/// One of the two ciphers wallets know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    Nip44,
    /// The old one; every wallet from before 2025 knows only this.
    Nip04,
}

impl Cipher {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Nip44 => Self::Nip04,
            Self::Nip04 => Self::Nip44,
        }
    }

    /// As the `encryption` tag names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nip44 => "nip44_v2",
            Self::Nip04 => "nip04",
        }
    }

    /// Encrypts; `None`: their key is none.
    pub fn encrypt(self, keys: &Keys, to: &PublicKey, text: &str) -> Option<String> {
        match self {
            Self::Nip44 => nip44::encrypt(keys.secret_key(), to, text, nip44::Version::V2).ok(),
            Self::Nip04 => nip04::encrypt(keys.secret_key(), to, text).ok(),
        }
    }

    /// Decrypts whatever it was encrypted with, and says what that was. `None`: neither.
    pub fn decrypt(keys: &Keys, from: &PublicKey, text: &str) -> Option<(Self, String)> {
        // What NIP-04 encrypts has its nonce behind these letters, which no NIP-44 text contains.
        if text.contains("?iv=") {
            nip04::decrypt(keys.secret_key(), from, text).ok().map(|text| (Self::Nip04, text))
        } else {
            nip44::decrypt(keys.secret_key(), from, text).ok().map(|text| (Self::Nip44, text))
        }
    }
}
