//! What we write down ourselves: which key pays whom and how that ended, which invoices are ours, and what the wallet held
//! when it was last surely known. The library keeps payments; this keeps intentions.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::record::{id, transfer_hash};
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::{IdempotencyKey, records};

/// The form of the lines below. A file with another one is left alone.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "lowercase")]
pub enum Fact {
    /// The first line.
    Opened { version: u32, network: Network, at: UnixMs },
    /// An invoice of ours. Written before anybody sees it.
    Made { hash: PaymentHash, expires_at: UnixMs },
    /// It was paid.
    Received { hash: PaymentHash, at: UnixMs },
    /// A payment of ours. Written before the wallet is asked for it.
    Paying { key: IdempotencyKey, to: Target, amount: MilliSats, most_fee: MilliSats, at: UnixMs },
    /// Surely nothing was paid, and the key may be used again.
    Withdrawn { key: IdempotencyKey, at: UnixMs },
    /// It has ended, for good.
    Ended { key: IdempotencyKey, payment: Payment },
    /// What the wallet held, as the network said.
    Seen { balance: MilliSats, at: UnixMs },
}

/// Who is paid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Invoice(Invoice),
    /// An address of this network's, or on the chain.
    Address(String),
}

/// A payment of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    pub key: IdempotencyKey,
    pub to: Target,
    pub amount: MilliSats,
    pub most_fee: MilliSats,
    pub at: UnixMs,
    /// The same was tried before, and withdrawn or failed.
    pub tried_before: bool,
    end: Option<End>,
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    Withdrawn,
    Payment(Payment),
}

impl Outgoing {
    pub fn hash(&self) -> PaymentHash {
        match &self.to {
            Target::Invoice(invoice) => invoice.hash,
            Target::Address(_) => transfer_hash(self.key),
        }
    }

    /// What is told to the wallet.
    pub fn destination(&self) -> &str {
        match &self.to {
            Target::Invoice(invoice) => &invoice.bolt11,
            Target::Address(to) => to,
        }
    }

    pub fn description(&self) -> &str {
        match &self.to {
            Target::Invoice(invoice) => &invoice.description,
            Target::Address(to) => to,
        }
    }

    pub const fn is_pending(&self) -> bool {
        self.end.is_none()
    }

    pub fn is_withdrawn(&self) -> bool {
        self.end == Some(End::Withdrawn)
    }

    pub fn is_settled(&self) -> bool {
        matches!(&self.end, Some(End::Payment(payment)) if payment.is_settled())
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
            None => Some(self.ended(PaymentState::Pending)),
        }
    }

    /// What its record is where the wallet has none.
    pub fn ended(&self, state: PaymentState) -> Payment {
        Payment {
            id: id(self.key),
            direction: Direction::Out,
            state,
            amount: self.amount,
            fee: MilliSats(0),
            hash: Some(self.hash()),
            preimage: None,
            created_at: UnixMs::from_secs(self.at.as_secs()),
            description: self.description().to_owned(),
        }
    }
}

/// An invoice of ours.
#[derive(Debug, Clone, Copy)]
struct Made {
    paid: bool,
}

/// Everything that was written down.
#[derive(Debug, Default)]
pub struct Journal {
    opened: Option<Network>,
    made: HashMap<PaymentHash, Made>,
    outgoing: BTreeMap<IdempotencyKey, Outgoing>,
    /// The tries of each payment, the last one last.
    tries: HashMap<PaymentHash, Vec<IdempotencyKey>>,
    ids: HashMap<String, IdempotencyKey>,
    seen: Option<(MilliSats, UnixMs)>,
}

impl Journal {
    pub const fn opened(&self) -> Option<Network> {
        self.opened
    }

    pub const fn seen(&self) -> Option<(MilliSats, UnixMs)> {
        self.seen
    }

    pub fn is_ours(&self, hash: &PaymentHash) -> bool {
        self.made.contains_key(hash)
    }

    /// Whether this is an invoice of ours of whose payment nobody has been told.
    pub fn is_news(&self, hash: &PaymentHash) -> bool {
        self.made.get(hash).is_some_and(|made| !made.paid)
    }

    pub fn outgoing(&self, key: &IdempotencyKey) -> Option<&Outgoing> {
        self.outgoing.get(key)
    }

    /// What the library calls by this name.
    pub fn of_id(&self, id: &str) -> Option<&Outgoing> {
        self.outgoing(self.ids.get(id)?)
    }

    /// The payment of this hash: the try that has ended well or may yet, else the last.
    pub fn of_hash(&self, hash: &PaymentHash) -> Option<&Outgoing> {
        let tries = || self.tries.get(hash).into_iter().flatten().filter_map(|key| self.outgoing.get(key));
        tries().find(|outgoing| outgoing.is_settled() || outgoing.is_pending()).or(tries().rfind(|outgoing| !outgoing.is_withdrawn()))
    }

    /// What has no end yet.
    pub fn pending(&self) -> Vec<Outgoing> {
        self.outgoing.values().filter(|outgoing| outgoing.is_pending()).cloned().collect()
    }

    /// Payments that the library may not list: they never got so far as to be in its records.
    pub fn unlisted(&self) -> Vec<Payment> {
        self.outgoing.values().filter_map(Outgoing::payment).filter(|payment| !payment.is_settled()).collect()
    }
}

impl records::Book for Journal {
    type Fact = Fact;

    fn check(&self, fact: &Fact) -> Result<(), &'static str> {
        if self.opened.is_none() && !matches!(fact, Fact::Opened { .. }) {
            return Err("the first line does not say which wallet this is about");
        }
        match fact {
            Fact::Opened { version, .. } if *version != VERSION => Err("another version of this program wrote it"),
            Fact::Opened { network, .. } if self.opened.is_some_and(|opened| opened != *network) => {
                Err("it is about a wallet of another network")
            }
            Fact::Made { hash, .. } if self.made.contains_key(hash) => Err("an invoice was made twice"),
            Fact::Received { hash, .. } if !self.is_ours(hash) => Err("somebody else's invoice was paid to us"),
            Fact::Paying { key, .. } if self.outgoing(key).is_some_and(|outgoing| !outgoing.is_withdrawn()) => {
                Err("a payment was begun twice")
            }
            Fact::Paying { to: Target::Invoice(invoice), .. }
                if self.of_hash(&invoice.hash).is_some_and(|outgoing| outgoing.is_pending() || outgoing.is_settled()) =>
            {
                Err("an invoice was paid twice")
            }
            Fact::Withdrawn { key, .. } if !self.outgoing(key).is_some_and(Outgoing::is_pending) => {
                Err("a payment was withdrawn that was not pending")
            }
            Fact::Ended { key, payment } if !self.outgoing(key).is_some_and(|outgoing| outgoing.may_end_as(payment)) => {
                Err("a payment ended twice")
            }
            Fact::Opened { .. }
            | Fact::Made { .. }
            | Fact::Received { .. }
            | Fact::Paying { .. }
            | Fact::Withdrawn { .. }
            | Fact::Ended { .. }
            | Fact::Seen { .. } => Ok(()),
        }
    }

    fn apply(&mut self, fact: Fact) -> Option<Payment> {
        match fact {
            Fact::Opened { network, .. } => self.opened = Some(network),
            Fact::Made { hash, .. } => {
                self.made.insert(hash, Made { paid: false });
            }
            Fact::Received { hash, .. } => {
                self.made.insert(hash, Made { paid: true });
            }
            Fact::Paying { key, to, amount, most_fee, at } => {
                let mut outgoing = Outgoing { key, to, amount, most_fee, at, tried_before: false, end: None };
                let tries = self.tries.entry(outgoing.hash()).or_default();
                outgoing.tried_before = !tries.is_empty();
                tries.retain(|other| *other != key);
                tries.push(key);
                self.ids.insert(id(key), key);
                self.outgoing.insert(key, outgoing);
            }
            Fact::Withdrawn { key, .. } => self.outgoing.get_mut(&key)?.end = Some(End::Withdrawn),
            Fact::Ended { key, payment } => {
                self.outgoing.get_mut(&key)?.end = Some(End::Payment(payment.clone()));
                return Some(payment);
            }
            Fact::Seen { balance, at } => self.seen = Some((balance, at)),
        }
        None
    }
}
