//! NIP-47's word for a payment, made ours.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::reply::clean;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::bolt11;

/// Characters kept of a description; an invoice's has 639 bytes at most.
const MAX_DESCRIPTION: usize = 640;

/// Reads a transaction. `None`: it is an invoice nobody has paid, or it names no hash. `guess` is its direction when it
/// does not say.
pub fn read(value: &Value, guess: Direction) -> Option<Payment> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let hash: PaymentHash = text("payment_hash").parse().ok()?;
    let direction = match text("type") {
        "incoming" => Direction::In,
        "outgoing" => Direction::Out,
        _ => guess,
    };
    let invoice = bolt11::decode(text("invoice")).ok().filter(|invoice| invoice.hash == hash);
    let settled_at = time(value, "settled_at");
    let created_at = time(value, "created_at").or(settled_at).or(invoice.as_ref().map(|invoice| invoice.created_at)).unwrap_or_default();
    let preimage = preimage(text("preimage"), hash);
    let settled = PaymentState::Settled { at: settled_at.unwrap_or(created_at) };
    // An unpaid invoice of ours may come with its preimage; for what we paid, the preimage is the proof.
    let proven = settled_at.is_some() || (direction == Direction::Out && preimage.is_some());
    let state = match (text("state"), direction) {
        ("settled", _) => settled,
        ("accepted", Direction::In) => PaymentState::Pending,
        ("pending" | "expired" | "failed", Direction::In) => return None,
        ("failed" | "expired", Direction::Out) => PaymentState::Failed { reason: "the wallet says that it failed".to_owned() },
        ("pending" | "accepted", Direction::Out) => PaymentState::Pending,
        (_, _) if proven => settled,
        (_, Direction::In) => return None,
        (_, Direction::Out) => PaymentState::Pending,
    };
    let said = clean(text("description"), MAX_DESCRIPTION);
    let description = if said.is_empty() { invoice.as_ref().map(|invoice| invoice.description.clone()).unwrap_or_default() } else { said };
    let amount = msats(value, "amount").or(invoice.and_then(|invoice| invoice.amount)).unwrap_or_default();
    let fee = match direction {
        Direction::In => MilliSats(0),
        Direction::Out => msats(value, "fees_paid").unwrap_or_default(),
    };
    Some(Payment { id: id(direction, hash), direction, state, amount, fee, hash: Some(hash), preimage, created_at, description })
}

/// Whether this transaction is an invoice of the wallet's own, paid or not.
pub fn is_incoming(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str) == Some("incoming")
}

/// A payment's name. Wallets have none of their own, and paying oneself makes two of one hash.
pub fn id(direction: Direction, hash: PaymentHash) -> String {
    match direction {
        Direction::In => format!("in-{hash}"),
        Direction::Out => format!("out-{hash}"),
    }
}

/// The preimage, if it is this hash's: some wallets write zeros, or nothing.
pub fn preimage(text: &str, hash: PaymentHash) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    (Sha256::digest(bytes).as_slice() == hash.0).then_some(bytes)
}

/// An amount in msats.
pub fn msats(value: &Value, name: &str) -> Option<MilliSats> {
    value.get(name).and_then(Value::as_u64).map(MilliSats)
}

/// A time in seconds; 0 means never.
fn time(value: &Value, name: &str) -> Option<UnixMs> {
    value.get(name).and_then(Value::as_u64).filter(|secs| *secs > 0).map(UnixMs::from_secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_that_is_not_said_is_found_from_what_is() {
        let preimage = [7; 32];
        let hash = PaymentHash(Sha256::digest(preimage).into());
        let with = |more: Value| {
            let mut value = json!({"payment_hash": hash, "amount": 3000, "fees_paid": 5, "created_at": 100});
            for (name, field) in more.as_object().into_iter().flatten() {
                value[name] = field.clone();
            }
            read(&value, Direction::Out)
        };
        let proof = hex::encode(preimage);
        assert_eq!(with(json!({"type": "incoming", "preimage": proof})), None, "an invoice that was made and not paid");
        assert_eq!(with(json!({"type": "incoming", "state": "pending", "settled_at": 0})), None);
        assert!(with(json!({"type": "incoming", "settled_at": 120})).is_some_and(|paid| paid.is_settled() && paid.fee.0 == 0));
        assert!(with(json!({"type": "outgoing"})).is_some_and(|paid| paid.is_pending()));
        assert!(with(json!({"preimage": proof})).is_some_and(|paid| paid.is_settled() && paid.preimage == Some(preimage)));
        assert!(with(json!({"preimage": "00".repeat(32)})).is_some_and(|paid| paid.is_pending() && paid.preimage.is_none()));
        assert!(with(json!({"state": "failed"})).is_some_and(|paid| matches!(paid.state, PaymentState::Failed { .. })));
    }
}
