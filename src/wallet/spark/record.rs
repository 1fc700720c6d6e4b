//! The library's record of a payment as the port has it.

use sha2::{Digest as _, Sha256};

use super::journal::Outgoing;
use super::protocol::{Entry, EntryState};
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::IdempotencyKey;

/// What the library calls a payment of this key: a UUID, of the kind that is random.
pub fn id(key: IdempotencyKey) -> String {
    let mut bytes = key.0;
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// What a transfer that is no Lightning payment is known by, where a payment has its hash.
pub fn transfer_hash(key: IdempotencyKey) -> PaymentHash {
    let mut hasher = Sha256::new();
    hasher.update(b"a transfer of the spark wallet");
    hasher.update(key.0);
    PaymentHash(hasher.finalize().into())
}

/// Sats as the port counts them.
pub const fn msats(sats: u64) -> MilliSats {
    MilliSats(sats.saturating_mul(1_000))
}

/// Whether this record is about this payment of ours. One under our key that is about another amount proves nothing.
pub fn is_about(entry: &Entry, outgoing: &Outgoing) -> bool {
    entry.id == id(outgoing.key) && entry.direction == Direction::Out && entry.sats == outgoing.amount.ceil_sats().0
}

/// A payment of ours or of somebody who has the same words.
pub fn payment(entry: &Entry, ours: Option<&Outgoing>) -> Payment {
    let at = UnixMs::from_secs(entry.at_secs);
    let hash = ours.map(Outgoing::hash).or_else(|| entry.hash.as_deref()?.parse().ok());
    let total = msats(entry.sats.saturating_add(entry.fee));
    // Whole sats go out where an invoice asks for less: the rest is a cost.
    let amount = ours.map_or(msats(entry.sats), |outgoing| outgoing.amount);
    let words = ours.map(Outgoing::description).filter(|words| !words.is_empty());
    Payment {
        id: entry.id.clone(),
        direction: entry.direction,
        state: match entry.state {
            EntryState::Pending => PaymentState::Pending,
            EntryState::Completed => PaymentState::Settled { at },
            EntryState::Failed => PaymentState::Failed { reason: "the wallet says that it did not arrive".to_owned() },
        },
        amount,
        fee: match entry.direction {
            Direction::Out => MilliSats(total.0.saturating_sub(amount.0)),
            // What arrives is told without what it cost to get it here.
            Direction::In => MilliSats(0),
        },
        hash,
        preimage: hash.and_then(|hash| preimage(entry.preimage.as_deref()?, hash)),
        created_at: at,
        description: words.map_or_else(|| entry.description.clone(), str::to_owned),
    }
}

/// A preimage, if it is the one of this hash.
fn preimage(text: &str, hash: PaymentHash) -> Option<[u8; 32]> {
    let mut preimage = [0; 32];
    hex::decode_to_slice(text, &mut preimage).ok()?;
    (Sha256::digest(preimage).as_slice() == hash.0).then_some(preimage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_random_uuid_and_always_the_same() {
        let key = IdempotencyKey([0xff; 16]);
        assert_eq!(id(key), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(id(IdempotencyKey([0; 16])), "00000000-0000-4000-8000-000000000000");
        assert_ne!(transfer_hash(key), transfer_hash(IdempotencyKey([0; 16])));
    }
}
