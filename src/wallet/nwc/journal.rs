//! What we write down ourselves: which key pays which invoice, how that ended, and which invoices are ours. NIP-47 has no
//! idempotency keys, so this is what keeps one intention one payment.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::transaction;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::{IdempotencyKey, records};

/// The form of the lines below. A file with another one is left alone.
pub const VERSION: u32 = 1;
/// An invoice is looked after for so long after it has expired: clocks differ, and a payment may have been on its way.
const GRACE_MS: u64 = 60_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "lowercase")]
pub enum Fact {
    /// Which connection the lines below are about. The first line, and again when something of it changes.
    Opened { version: u32, client: Pubkey, wallet: Pubkey, network: Option<Network>, at: UnixMs },
    /// An invoice of ours. Written before anybody sees it.
    Made { hash: PaymentHash, expires_at: UnixMs },
    /// It was paid.
    Received { hash: PaymentHash, at: UnixMs },
    /// An invoice that we pay. Written before the request is sent.
    Paying { key: IdempotencyKey, invoice: Invoice, at: UnixMs },
    /// Surely nothing was paid, and the key may be used again: the request never left, or the wallet would not try.
    Withdrawn { key: IdempotencyKey, at: UnixMs },
    /// It has ended, for good.
    Ended { key: IdempotencyKey, payment: Payment },
}

/// A payment of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    pub key: IdempotencyKey,
    pub invoice: Invoice,
    /// The connection that was asked to pay; another one may not know of it.
    pub client: Pubkey,
    pub at: UnixMs,
    /// The invoice was tried before under another key, or under this one and withdrawn.
    pub tried_before: bool,
    end: Option<End>,
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    Withdrawn,
    Payment(Payment),
}

impl Outgoing {
    pub fn is_pending(&self) -> bool {
        self.end.is_none()
    }

    pub fn is_withdrawn(&self) -> bool {
        self.end == Some(End::Withdrawn)
    }

    /// Whether this can be its end. What is settled stays so; what was thought to have failed may turn out to be settled.
    pub fn may_end_as(&self, payment: &Payment) -> bool {
        match &self.end {
            None => !payment.is_pending(),
            Some(_) => payment.is_settled() && !self.is_settled(),
        }
    }

    /// Its record; `None`: it was withdrawn.
    pub fn payment(&self) -> Option<Payment> {
        match &self.end {
            Some(End::Withdrawn) => None,
            Some(End::Payment(payment)) => Some(payment.clone()),
            None => Some(self.ended(PaymentState::Pending, MilliSats(0), None)),
        }
    }

    /// What its record is when the wallet has none.
    pub fn ended(&self, state: PaymentState, fee: MilliSats, preimage: Option<[u8; 32]>) -> Payment {
        let hash = self.invoice.hash;
        Payment {
            id: transaction::id(Direction::Out, hash),
            direction: Direction::Out,
            state,
            amount: self.invoice.amount.unwrap_or_default(),
            fee,
            hash: Some(hash),
            preimage,
            // In whole seconds, as the wallet's own records are.
            created_at: UnixMs::from_secs(self.at.as_secs()),
            description: self.invoice.description.clone(),
        }
    }

    /// Whether money has gone.
    pub fn is_settled(&self) -> bool {
        matches!(&self.end, Some(End::Payment(payment)) if payment.is_settled())
    }
}

#[derive(Debug, Clone, Copy)]
struct Made {
    expires_at: UnixMs,
    paid: bool,
}

/// The lines added up.
#[derive(Debug, Default)]
pub struct Journal {
    opened: Option<(Pubkey, Option<Network>)>,
    outgoing: BTreeMap<IdempotencyKey, Outgoing>,
    /// Keys that were used for an invoice, oldest first.
    tries: HashMap<PaymentHash, Vec<IdempotencyKey>>,
    made: HashMap<PaymentHash, Made>,
}

impl Journal {
    /// The last connection, and the network its wallet has named.
    pub fn opened(&self) -> Option<(Pubkey, Option<Network>)> {
        self.opened
    }

    /// What this key was used for.
    pub fn outgoing(&self, key: &IdempotencyKey) -> Option<&Outgoing> {
        self.outgoing.get(key)
    }

    /// The payment of this invoice: the one that has ended well or may yet, else the last.
    pub fn of_hash(&self, hash: &PaymentHash) -> Option<&Outgoing> {
        let tries = || self.tries.get(hash).into_iter().flatten().filter_map(|key| self.outgoing.get(key));
        tries().find(|outgoing| outgoing.is_settled() || outgoing.is_pending()).or(tries().rfind(|outgoing| !outgoing.is_withdrawn()))
    }

    /// Whether paying this invoice was ever begun.
    pub fn was_tried(&self, hash: &PaymentHash) -> bool {
        self.tries.contains_key(hash)
    }

    /// Whether this invoice is our own.
    pub fn is_ours(&self, hash: &PaymentHash) -> bool {
        self.made.contains_key(hash)
    }

    /// Whether this invoice of ours was paid, as far as we have heard.
    pub fn is_received(&self, hash: &PaymentHash) -> bool {
        self.made.get(hash).is_some_and(|made| made.paid)
    }

    /// Our invoices that may still be paid.
    pub fn unpaid(&self, now: UnixMs) -> Vec<PaymentHash> {
        let open = |made: &Made| !made.paid && made.expires_at.plus_ms(GRACE_MS) > now;
        self.made.iter().filter(|(_, made)| open(made)).map(|(hash, _)| *hash).collect()
    }

    /// Payments without an end.
    pub fn pending(&self) -> Vec<Outgoing> {
        self.outgoing.values().filter(|outgoing| outgoing.is_pending()).cloned().collect()
    }

    /// Payments that the wallet may not list: pending and failed ones.
    pub fn unlisted(&self) -> Vec<Payment> {
        self.tries.keys().filter_map(|hash| self.of_hash(hash)?.payment()).filter(|payment| !payment.is_settled()).collect()
    }
}

impl records::Book for Journal {
    type Fact = Fact;

    fn check(&self, fact: &Fact) -> Result<(), &'static str> {
        let pending = |key| match self.outgoing.get(key) {
            Some(outgoing) if outgoing.is_pending() => Ok(outgoing),
            _ => Err("there is no such payment on its way"),
        };
        match fact {
            Fact::Opened { version: VERSION, .. } => Ok(()),
            Fact::Opened { .. } => Err("it was written by another version of this program"),
            _ if self.opened.is_none() => Err("the records do not begin with whose they are"),
            Fact::Made { hash, .. } if self.is_ours(hash) => Err("an invoice was made twice"),
            Fact::Made { .. } => Ok(()),
            Fact::Received { hash, .. } => {
                if self.is_ours(hash) {
                    Ok(())
                } else {
                    Err("somebody else's invoice was paid to us")
                }
            }
            Fact::Paying { key, invoice, .. } => {
                let again = self.outgoing.get(key).is_some_and(|outgoing| !outgoing.is_withdrawn());
                let other = self.of_hash(&invoice.hash).is_some_and(|outgoing| outgoing.is_pending() || outgoing.is_settled());
                if again || other { Err("a payment was begun twice") } else { Ok(()) }
            }
            Fact::Withdrawn { key, .. } => pending(key).map(drop),
            Fact::Ended { key, payment } => match self.outgoing.get(key) {
                Some(outgoing) if payment.hash != Some(outgoing.invoice.hash) => Err("a payment ended as another one"),
                Some(outgoing) if outgoing.may_end_as(payment) => Ok(()),
                _ => Err("a payment ended twice"),
            },
        }
    }

    fn apply(&mut self, fact: Fact) -> Option<Payment> {
        match fact {
            Fact::Opened { client, network, .. } => self.opened = Some((client, network)),
            Fact::Made { hash, expires_at } => {
                self.made.insert(hash, Made { expires_at, paid: false });
            }
            Fact::Received { hash, .. } => {
                if let Some(made) = self.made.get_mut(&hash) {
                    made.paid = true;
                }
            }
            Fact::Paying { key, invoice, at } => {
                let client = self.opened?.0;
                let tries = self.tries.entry(invoice.hash).or_default();
                let tried_before = !tries.is_empty();
                tries.retain(|other| *other != key);
                tries.push(key);
                self.outgoing.insert(key, Outgoing { key, invoice, client, at, tried_before, end: None });
            }
            Fact::Withdrawn { key, .. } => {
                self.outgoing.get_mut(&key)?.end = Some(End::Withdrawn);
            }
            Fact::Ended { key, payment } => {
                self.outgoing.get_mut(&key)?.end = Some(End::Payment(payment.clone()));
                return Some(payment);
            }
        }
        None
    }
}
