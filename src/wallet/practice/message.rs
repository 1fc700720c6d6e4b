//! What two practice wallets say to each other: one JSON object in a NIP-44 encrypted event, signed by the wallet's key.
//!
//! The kind is ephemeral (NIP-01, 20000 to 29999), so the relay hands it on and keeps nothing: whoever is not there is
//! asked again. It lies outside NIP-90's 5000 to 7000 and is none that a NIP gives a meaning to. Nothing but practice
//! wallets reads it.

use nostr::nips::nip44;
use nostr::{Event, EventBuilder, Filter, Keys, Kind, PublicKey, Tag, Timestamp};
use serde::{Deserialize, Serialize};

use super::fact::{Key, Preimage};
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::time::UnixMs;

/// The kind of these events.
pub const KIND: u16 = 28_713;

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Message {
    /// Payer to payee: I pay this invoice of yours. Said again until it is answered.
    Pay { hash: PaymentHash, key: Key, amount: MilliSats },
    /// Payee to payer: it is on my records; here is the proof.
    Paid { hash: PaymentHash, key: Key, preimage: Preimage },
    /// Payee to payer: I have not taken it, and under this key never will.
    Refused { hash: PaymentHash, key: Key, reason: Refusal },
}

/// Why a payee refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    Paid,
    Expired,
    Unknown,
    Amount,
    Unwilling,
}

impl Refusal {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "the invoice has been paid before",
            Self::Expired => "the invoice has expired",
            Self::Unknown => "the payee knows no such invoice",
            Self::Amount => "the amount is not the invoice's",
            Self::Unwilling => "the payee did not take it",
        }
    }
}

/// Everything that is said to this wallet.
pub fn filter(me: PublicKey) -> Filter {
    Filter::new().kind(Kind::from(KIND)).pubkey(me)
}

/// A message as an event. Every copy is encrypted anew and so is an event of its own. `None`: there is no such key.
pub fn write(keys: &Keys, to: Pubkey, message: &Message, at: UnixMs) -> Option<Event> {
    let to = PublicKey::from_byte_array(to.0);
    let text = serde_json::to_string(message).ok()?;
    let content = nip44::encrypt(keys.secret_key(), &to, text, nip44::Version::V2).ok()?;
    let event = EventBuilder::new(Kind::from(KIND), content).tag(Tag::public_key(to));
    event.custom_created_at(Timestamp::from(at.as_secs())).sign_with_keys(keys).ok()
}

/// What an event says, and who says so. `None`: it is not for us, or nothing a wallet says.
pub fn read(keys: &Keys, event: &Event) -> Option<(Pubkey, Message)> {
    if event.kind != Kind::from(KIND) || event.pubkey == keys.public_key() {
        return None;
    }
    let text = nip44::decrypt(keys.secret_key(), &event.pubkey, &event.content).ok()?;
    let message = serde_json::from_str(&text).ok()?;
    Some((Pubkey(event.pubkey.to_bytes()), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whom_it_is_for_can_read_it() {
        let (alice, bob, eve) = (Keys::generate(), Keys::generate(), Keys::generate());
        let message = Message::Pay { hash: PaymentHash([1; 32]), key: Key([2; 16]), amount: MilliSats(3) };
        let event = write(&alice, Pubkey(bob.public_key().to_bytes()), &message, UnixMs(1000)).expect("event");
        assert!(event.kind.is_ephemeral() && event.verify().is_ok() && !event.content.contains("pay"));
        let from = Pubkey(alice.public_key().to_bytes());
        assert_eq!(read(&bob, &event), Some((from, message)));
        assert_eq!(read(&eve, &event), None);
        assert_eq!(read(&alice, &event), None, "our own words are no news");
    }

    #[test]
    fn a_key_that_is_none_cannot_be_written_to() {
        let message = Message::Refused { hash: PaymentHash([1; 32]), key: Key([2; 16]), reason: Refusal::Paid };
        assert_eq!(write(&Keys::generate(), Pubkey([0; 32]), &message, UnixMs(0)), None);
    }
}
