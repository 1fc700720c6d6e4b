//! What the facts add up to. Pure: the same facts make the same book, live and when it is opened again.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fact::{Attempt, Fact, Key, Preimage, VERSION};
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::{PaymentKey, PaymentsPage, PaymentsQuery, records};

/// A wallet's state.
#[derive(Debug, Default)]
pub struct Book {
    owner: Option<Pubkey>,
    /// What could be spent.
    balance: u64,
    /// What is put aside for payments that are pending.
    aside: u64,
    issued: HashMap<PaymentHash, Issued>,
    outgoing: HashMap<Key, Outgoing>,
    /// Every try to pay a hash, oldest first.
    tries: HashMap<PaymentHash, Vec<Key>>,
    /// Payments in the order of the list.
    order: BTreeMap<PaymentKey, Place>,
    /// Facts so far: the number of the last line.
    lines: u64,
}

/// An invoice of ours.
#[derive(Debug)]
pub struct Issued {
    pub invoice: Invoice,
    pub preimage: Preimage,
    pub credit: Option<Credit>,
    /// Came too late once.
    pub lapsed: bool,
    refused: HashSet<Attempt>,
}

/// How it was paid.
#[derive(Debug)]
pub struct Credit {
    pub attempt: Attempt,
    pub late: bool,
    at: UnixMs,
    id: String,
}

/// A payment of ours to somebody else.
#[derive(Debug)]
pub struct Outgoing {
    pub invoice: Invoice,
    pub state: PaymentState,
    preimage: Option<Preimage>,
    created_at: UnixMs,
    id: String,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    In(PaymentHash),
    Out(Key),
}

impl Issued {
    /// Whether this try was refused before.
    pub fn refused(&self, attempt: &Attempt) -> bool {
        self.refused.contains(attempt)
    }

    fn payment(&self) -> Option<Payment> {
        let credit = self.credit.as_ref()?;
        Some(Payment {
            id: credit.id.clone(),
            direction: Direction::In,
            state: PaymentState::Settled { at: credit.at },
            amount: amount(&self.invoice),
            fee: MilliSats(0),
            hash: Some(self.invoice.hash),
            preimage: Some(self.preimage.0),
            created_at: credit.at,
            description: self.invoice.description.clone(),
        })
    }
}

impl Outgoing {
    pub fn payment(&self) -> Payment {
        Payment {
            id: self.id.clone(),
            direction: Direction::Out,
            state: self.state.clone(),
            amount: amount(&self.invoice),
            fee: MilliSats(0),
            hash: Some(self.invoice.hash),
            preimage: self.preimage.map(|preimage| preimage.0),
            created_at: self.created_at,
            description: self.invoice.description.clone(),
        }
    }

    pub fn is_pending(&self) -> bool {
        self.state == PaymentState::Pending
    }

    fn has_failed(&self) -> bool {
        matches!(self.state, PaymentState::Failed { .. })
    }
}

/// The amount of an invoice that is in the book; only those with one get in.
fn amount(invoice: &Invoice) -> MilliSats {
    invoice.amount.unwrap_or_default()
}

impl records::Book for Book {
    type Fact = Fact;

    /// Whether this fact can follow the others. One that cannot is never written.
    fn check(&self, fact: &Fact) -> Result<(), &'static str> {
        let first = matches!(fact, Fact::Opened { .. });
        match (self.owner, first) {
            (None, false) => return Err("the records do not begin with whose they are"),
            (Some(_), true) => return Err("the records begin twice"),
            (None, true) | (Some(_), false) => {}
        }
        match fact {
            Fact::Opened { version, network, .. } => match (*version, *network) {
                (VERSION, Network::Practice) => Ok(()),
                (VERSION, _) => Err("they are of another network"),
                _ => Err("they were written by another version of this program"),
            },
            Fact::Issued { invoice, preimage, .. } => self.check_issued(invoice, preimage),
            Fact::Credited { attempt, .. } => self.check_credited(attempt),
            Fact::Lapsed { hash, .. } => self.unpaid(hash).map(|_| ()),
            Fact::Refused { attempt, .. } => self.unpaid(&attempt.hash).map(|_| ()),
            Fact::Paying { key, invoice, .. } => self.check_paying(key, invoice),
            Fact::Debited { key, preimage, .. } => match self.open(key)? {
                outgoing if outgoing.invoice.hash == preimage.hash() => Ok(()),
                _ => Err("the preimage belongs to another payment"),
            },
            Fact::Failed { key, .. } => self.open(key).map(|_| ()),
        }
    }

    /// Takes in a fact that was checked. Returns the payment it changed.
    fn apply(&mut self, fact: Fact) -> Option<Payment> {
        self.lines += 1;
        match fact {
            Fact::Opened { owner, balance, .. } => {
                self.owner = Some(owner);
                self.balance = balance.0;
                None
            }
            Fact::Issued { invoice, preimage, .. } => {
                let issued = Issued { preimage, credit: None, lapsed: false, refused: HashSet::new(), invoice };
                self.issued.insert(issued.invoice.hash, issued);
                None
            }
            Fact::Credited { attempt, late, at } => {
                let issued = self.issued.get_mut(&attempt.hash)?;
                self.balance = self.balance.saturating_add(amount(&issued.invoice).0);
                let id = id(self.lines);
                self.order.insert((at, id.clone()), Place::In(attempt.hash));
                issued.credit = Some(Credit { attempt, late, at, id });
                issued.payment()
            }
            Fact::Lapsed { hash, .. } => {
                self.issued.get_mut(&hash)?.lapsed = true;
                None
            }
            Fact::Refused { attempt, .. } => {
                self.issued.get_mut(&attempt.hash)?.refused.insert(attempt);
                None
            }
            Fact::Paying { key, invoice, at } => Some(self.begin(key, invoice, at)),
            Fact::Debited { key, preimage, at } => self.end(key, PaymentState::Settled { at }, Some(preimage)),
            Fact::Failed { key, reason, .. } => self.end(key, PaymentState::Failed { reason }, None),
        }
    }
}

impl Book {
    pub fn owner(&self) -> Option<Pubkey> {
        self.owner
    }

    pub fn balance(&self) -> MilliSats {
        MilliSats(self.balance)
    }

    pub fn aside(&self) -> MilliSats {
        MilliSats(self.aside)
    }

    pub fn issued(&self, hash: &PaymentHash) -> Option<&Issued> {
        self.issued.get(hash)
    }

    pub fn outgoing(&self, key: &Key) -> Option<&Outgoing> {
        self.outgoing.get(key)
    }

    /// Whether this much more still fits. What is put aside may come back.
    pub fn has_room(&self, more: MilliSats) -> bool {
        self.balance.checked_add(self.aside).and_then(|sum| sum.checked_add(more.0)).is_some()
    }

    /// Whether a payment of this hash is settled or on its way.
    pub fn is_paid_or_pending(&self, hash: &PaymentHash) -> bool {
        let tries = self.tries.get(hash).into_iter().flatten();
        tries.filter_map(|key| self.outgoing.get(key)).any(|outgoing| !outgoing.has_failed())
    }

    /// Payments whose end is open.
    pub fn pending(&self) -> Vec<Key> {
        self.outgoing.iter().filter(|(_, outgoing)| outgoing.is_pending()).map(|(key, _)| *key).collect()
    }

    /// The payment of this hash: the one that counts, or the latest that failed.
    pub fn payment(&self, hash: &PaymentHash) -> Option<Payment> {
        if let Some(payment) = self.issued.get(hash).and_then(Issued::payment) {
            return Some(payment);
        }
        let tries: Vec<_> = self.tries.get(hash)?.iter().filter_map(|key| self.outgoing.get(key)).collect();
        let counts = tries.iter().find(|outgoing| !outgoing.has_failed()).or(tries.last());
        counts.map(|outgoing| outgoing.payment())
    }

    /// One page of the list.
    pub fn page(&self, query: &PaymentsQuery) -> PaymentsPage {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX).max(1);
        let older: Box<dyn Iterator<Item = (&PaymentKey, &Place)>> = match &query.before {
            Some(before) => Box::new(self.order.range(..before.clone()).rev()),
            None => Box::new(self.order.iter().rev()),
        };
        let mut older = older.peekable();
        let mut page = PaymentsPage::default();
        let mut last = None;
        while page.payments.len() < limit
            && let Some((key, place)) = older.next()
        {
            page.payments.extend(self.at(*place));
            last = Some(key.clone());
        }
        page.next = older.peek().and(last);
        page
    }

    fn at(&self, place: Place) -> Option<Payment> {
        match place {
            Place::In(hash) => self.issued.get(&hash).and_then(Issued::payment),
            Place::Out(key) => self.outgoing.get(&key).map(Outgoing::payment),
        }
    }

    fn check_issued(&self, invoice: &Invoice, preimage: &Preimage) -> Result<(), &'static str> {
        if invoice.amount.is_none_or(|amount| amount.0 == 0) {
            return Err("an invoice without an amount");
        }
        if preimage.hash() != invoice.hash {
            return Err("the preimage belongs to another invoice");
        }
        if self.issued.contains_key(&invoice.hash) { Err("an invoice made twice") } else { Ok(()) }
    }

    fn check_credited(&self, attempt: &Attempt) -> Result<(), &'static str> {
        let issued = self.unpaid(&attempt.hash)?;
        if issued.lapsed || issued.refused(attempt) {
            return Err("a payment that was refused before");
        }
        if self.has_room(amount(&issued.invoice)) { Ok(()) } else { Err("the balance would be too large to count") }
    }

    fn check_paying(&self, key: &Key, invoice: &Invoice) -> Result<(), &'static str> {
        let Some(amount) = invoice.amount.filter(|amount| amount.0 > 0) else { return Err("a payment without an amount") };
        if self.outgoing.contains_key(key) {
            return Err("a key used twice");
        }
        if self.is_paid_or_pending(&invoice.hash) {
            return Err("an invoice paid twice");
        }
        if amount.0 > self.balance { Err("more is spent than there is") } else { Ok(()) }
    }

    fn unpaid(&self, hash: &PaymentHash) -> Result<&Issued, &'static str> {
        let issued = self.issued.get(hash).ok_or("an invoice that was never made")?;
        if issued.credit.is_some() { Err("an invoice that was paid before") } else { Ok(issued) }
    }

    fn open(&self, key: &Key) -> Result<&Outgoing, &'static str> {
        let outgoing = self.outgoing.get(key).ok_or("a payment that was never begun")?;
        if outgoing.is_pending() { Ok(outgoing) } else { Err("a payment that has ended before") }
    }

    fn begin(&mut self, key: Key, invoice: Invoice, at: UnixMs) -> Payment {
        let amount = amount(&invoice).0;
        self.balance = self.balance.saturating_sub(amount);
        self.aside = self.aside.saturating_add(amount);
        let id = id(self.lines);
        self.order.insert((at, id.clone()), Place::Out(key));
        self.tries.entry(invoice.hash).or_default().push(key);
        let outgoing = Outgoing { invoice, state: PaymentState::Pending, preimage: None, created_at: at, id };
        let payment = outgoing.payment();
        self.outgoing.insert(key, outgoing);
        payment
    }

    fn end(&mut self, key: Key, state: PaymentState, preimage: Option<Preimage>) -> Option<Payment> {
        let outgoing = self.outgoing.get_mut(&key)?;
        let amount = amount(&outgoing.invoice).0;
        (outgoing.state, outgoing.preimage) = (state, preimage);
        self.aside = self.aside.saturating_sub(amount);
        if outgoing.has_failed() {
            self.balance = self.balance.saturating_add(amount);
        }
        Some(outgoing.payment())
    }
}

/// A payment's name: the line it began with, in digits that sort as the numbers do.
fn id(line: u64) -> String {
    format!("{line:012}")
}
