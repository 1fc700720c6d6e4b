//! What a wallet says it can do: its info event, and what it answers to `get_info`. Nothing depends on either.

use nostr::Event;
use serde_json::Value;

use super::cipher::Cipher;
use crate::domain::payment::Network;

/// The info event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    pub cipher: Cipher,
    /// Whether it tells of payments by itself.
    pub notifies: bool,
}

impl Info {
    /// What this event says; an old one that says nothing of ciphers means NIP-04.
    pub fn read(event: &Event) -> Self {
        let words = |name: &str| {
            let tags = event.tags.iter().map(|tag| tag.as_slice()).filter(|tag| tag.first().is_some_and(|first| first == name));
            tags.filter_map(|tag| tag.get(1)).flat_map(|text| split(text)).collect::<Vec<_>>()
        };
        let cipher = if words("encryption").contains(&Cipher::Nip44.as_str()) { Cipher::Nip44 } else { Cipher::Nip04 };
        Self { cipher, notifies: words("notifications").contains(&"payment_received") }
    }
}

/// What is known of the info event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// No relay has answered yet.
    NotYet,
    /// A relay has answered, and has none.
    Missing,
    Found(Info),
}

/// The answer to `get_info`, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The wallet's name for itself; empty: it has none.
    pub alias: String,
    pub network: Option<Network>,
    pub notifies: bool,
}

impl Details {
    /// Takes what is there; methods nobody knows are no fault.
    pub fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let network = match text("network") {
            "mainnet" | "bitcoin" | "main" => Some(Network::Mainnet),
            "testnet" | "testnet3" | "testnet4" | "signet" | "mutinynet" => Some(Network::Testnet),
            "regtest" => Some(Network::Regtest),
            _ => None,
        };
        let told = match value.get("notifications") {
            Some(Value::Array(names)) => names.iter().any(|name| name == "payment_received"),
            Some(Value::String(names)) => split(names).any(|name| name == "payment_received"),
            _ => false,
        };
        Self { alias: super::reply::clean(text("alias"), 40), network, notifies: told }
    }
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',']).filter(|word| !word.is_empty())
}
