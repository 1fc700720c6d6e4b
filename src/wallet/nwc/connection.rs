//! The string a wallet gives away for being used from afar: whoever has it can spend.

use std::fmt;

use nostr::{Keys, PublicKey, RelayUrl, SecretKey, Url};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::{SecretFile, SecretFileError};
use crate::domain::ids::Pubkey;

/// Relays of one connection that are used.
const MOST_RELAYS: usize = 8;

/// A connection to one wallet, as its `nostr+walletconnect` string says it. Debug shows nothing that can spend.
#[derive(Clone)]
pub struct Connection {
    text: SecretString,
    keys: Keys,
    wallet: PublicKey,
    relays: Vec<String>,
}

/// Why a text is no connection. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    #[error("it is no connection string; a wallet's begins with nostr+walletconnect://, copy it whole from there")]
    NotOne,
    #[error("the connection string names no wallet's public key; copy it whole from the wallet")]
    NoWallet,
    #[error("the connection string has no secret; copy it whole from the wallet")]
    NoSecret,
    #[error("the connection string names no relay (relay=wss://...); copy it whole from the wallet")]
    NoRelay,
}

/// Why a stored connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    #[error(transparent)]
    File(#[from] SecretFileError),
    #[error("{} holds no connection: {source}", path.display())]
    NotOne {
        path: std::path::PathBuf,
        #[source]
        source: ConnectionError,
    },
}

impl Connection {
    /// Reads a connection string. White space around it does not matter.
    pub fn parse(text: &SecretString) -> Result<Self, ConnectionError> {
        let trimmed = text.expose_secret().trim();
        let (scheme, rest) = trimmed.split_once(':').ok_or(ConnectionError::NotOne)?;
        if !["nostr+walletconnect", "nostrwalletconnect"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(ConnectionError::NotOne);
        }
        // Some wallets leave the slashes out.
        let rest = SecretString::from(format!("nwc://{}", rest.trim_start_matches('/')));
        let url = Url::parse(rest.expose_secret()).map_err(|_| ConnectionError::NotOne)?;
        let wallet = url.host_str().and_then(|host| PublicKey::from_hex(host).ok()).ok_or(ConnectionError::NoWallet)?;
        let (mut secret, mut relays) = (None, Vec::new());
        for (name, value) in url.query_pairs() {
            match &*name {
                "secret" => secret = SecretKey::parse(&value).ok(),
                "relay" => relays.extend(RelayUrl::parse(&value).ok().map(|relay| relay.to_string())),
                _ => {}
            }
        }
        relays.dedup();
        relays.truncate(MOST_RELAYS);
        let keys = Keys::new(secret.ok_or(ConnectionError::NoSecret)?);
        if relays.is_empty() {
            return Err(ConnectionError::NoRelay);
        }
        Ok(Self { text: SecretString::from(trimmed), keys, wallet, relays })
    }

    /// Reads the stored one; `None`: there is none.
    pub fn load(file: &SecretFile) -> Result<Option<Self>, StoredError> {
        let Some(text) = file.read()? else { return Ok(None) };
        let wrong = |source| StoredError::NotOne { path: file.path().to_owned(), source };
        Self::parse(&text).map(Some).map_err(wrong)
    }

    /// Stores it. An earlier one stays, and is an error.
    pub fn store(&self, file: &SecretFile) -> Result<(), SecretFileError> {
        file.write(&self.text)
    }

    /// The string itself, for whoever keeps it.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// The wallet's public key.
    pub fn wallet(&self) -> Pubkey {
        Pubkey(self.wallet.to_bytes())
    }

    /// Our public key in this connection: the wallet knows us by it.
    pub fn client(&self) -> Pubkey {
        Pubkey(self.keys.public_key().to_bytes())
    }

    /// Where the wallet listens.
    pub fn relays(&self) -> &[String] {
        &self.relays
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(super) fn wallet_key(&self) -> PublicKey {
        self.wallet
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("wallet", &self.wallet()).field("relays", &self.relays).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    const WALLET: &str = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
    const SECRET: &str = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";

    fn parse(text: &str) -> Result<Connection, ConnectionError> {
        Connection::parse(&SecretString::from(text))
    }

    #[test]
    fn the_string_of_the_specification_is_read_in_all_its_forms() {
        for (text, relays) in [
            (format!("nostr+walletconnect://{WALLET}?relay=wss%3A%2F%2Frelay.damus.io&secret={SECRET}"), 1),
            (format!(" nostr+walletconnect://{WALLET}?secret={SECRET}&relay=wss://a.example/v1&relay=wss://b.example\n"), 2),
            (format!("nostr+walletconnect:{WALLET}?relay=wss://a.example&secret={SECRET}&lud16=me@a.example"), 1),
        ] {
            let connection = parse(&text).unwrap();
            assert_eq!((connection.wallet().to_string().as_str(), connection.relays().len()), (WALLET, relays), "{connection:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_the_secret_is_not() {
        use ConnectionError as Wrong;
        for (text, wrong) in [
            ("hello".to_owned(), Wrong::NotOne),
            (format!("https://{WALLET}?relay=wss://a.example&secret={SECRET}"), Wrong::NotOne),
            (format!("nostr+walletconnect://nobody?relay=wss://a.example&secret={SECRET}"), Wrong::NoWallet),
            (format!("nostr+walletconnect://{WALLET}?relay=wss://a.example"), Wrong::NoSecret),
            (format!("nostr+walletconnect://{WALLET}?relay=wss://a.example&secret=12"), Wrong::NoSecret),
            (format!("nostr+walletconnect://{WALLET}?relay=nonsense&secret={SECRET}"), Wrong::NoRelay),
        ] {
            let found = parse(&text).unwrap_err();
            assert_eq!(found, wrong, "{text}");
            assert!(!found.to_string().contains(SECRET));
        }
        let connection = parse(&format!("nostr+walletconnect://{WALLET}?relay=wss://a.example&secret={SECRET}")).unwrap();
        assert!(!format!("{connection:?}").contains(SECRET));
    }
}
