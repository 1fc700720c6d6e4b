//! What the facts add up to. Pure: the same facts make the same book, live and when it is opened again.

use std::collections::{BTreeMap, HashMap};

use super::fact::{Attempt, Fact, Key, Preimage, VERSION};
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::{PaymentsPage, PaymentsQuery, records};

/// A wallet's state. It holds every payment there ever was, so each is kept small: of an invoice only what is still asked
/// about, and no text that the file has.
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
    order: BTreeMap<(UnixMs, Line), Place>,
    /// Facts so far: the number of the last line.
    lines: Line,
}

/// A payment's name: the number of the line it began with.
type Line = u64;

/// An invoice of ours.
#[derive(Debug)]
pub struct Issued {
    pub amount: MilliSats,
    pub expires_at: UnixMs,
    pub preimage: Preimage,
    pub credit: Option<Credit>,
    /// Came too late once.
    pub lapsed: bool,
    refused: Vec<Attempt>,
    description: Box<str>,
}

/// How it was paid.
#[derive(Debug)]
pub struct Credit {
    pub attempt: Attempt,
    pub late: bool,
    at: UnixMs,
    line: Line,
}

/// A payment of ours to somebody else.
#[derive(Debug)]
pub struct Outgoing {
    pub hash: PaymentHash,
    pub amount: MilliSats,
    /// The node that is paid.
    pub payee: Pubkey,
    pub state: PaymentState,
    preimage: Option<Preimage>,
    created_at: UnixMs,
    line: Line,
    description: Box<str>,
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
            id: id(credit.line),
            direction: Direction::In,
            state: PaymentState::Settled { at: credit.at },
            amount: self.amount,
            fee: MilliSats(0),
            hash: Some(credit.attempt.hash),
            preimage: Some(self.preimage.0),
            created_at: credit.at,
            description: self.description.to_string(),
        })
    }
}

impl Outgoing {
    pub fn payment(&self) -> Payment {
        Payment {
            id: id(self.line),
            direction: Direction::Out,
            state: self.state.clone(),
            amount: self.amount,
            fee: MilliSats(0),
            hash: Some(self.hash),
            preimage: self.preimage.map(|preimage| preimage.0),
            created_at: self.created_at,
            description: self.description.to_string(),
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
                outgoing if outgoing.hash == preimage.hash() => Ok(()),
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
                let (amount, expires_at, description) = (amount(&invoice), invoice.expires_at, invoice.description.into());
                let issued = Issued { amount, expires_at, preimage, credit: None, lapsed: false, refused: Vec::new(), description };
                self.issued.insert(invoice.hash, issued);
                None
            }
            Fact::Credited { attempt, late, at } => {
                let issued = self.issued.get_mut(&attempt.hash)?;
                self.balance = self.balance.saturating_add(issued.amount.0);
                self.order.insert((at, self.lines), Place::In(attempt.hash));
                issued.credit = Some(Credit { attempt, late, at, line: self.lines });
                issued.payment()
            }
            Fact::Lapsed { hash, .. } => {
                self.issued.get_mut(&hash)?.lapsed = true;
                None
            }
            Fact::Refused { attempt, .. } => {
                self.issued.get_mut(&attempt.hash)?.refused.push(attempt);
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
        // A name that is none of ours stands before all of its time.
        let before = query.before.as_ref().map_or((UnixMs(i64::MAX), Line::MAX), |(at, id)| (*at, id.parse().unwrap_or_default()));
        let mut older = self.order.range(..before).rev().peekable();
        let mut page = PaymentsPage::default();
        let mut last = None;
        while page.payments.len() < limit
            && let Some(((at, line), place)) = older.next()
        {
            page.payments.extend(self.at(*place));
            last = Some((*at, id(*line)));
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
        if self.has_room(issued.amount) { Ok(()) } else { Err("the balance would be too large to count") }
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
        let (amount, line) = (amount(&invoice), self.lines);
        self.balance = self.balance.saturating_sub(amount.0);
        self.aside = self.aside.saturating_add(amount.0);
        self.order.insert((at, line), Place::Out(key));
        // Nearly all are tried once.
        self.tries.entry(invoice.hash).or_insert_with(|| Vec::with_capacity(1)).push(key);
        let (payee, description) = (Pubkey(invoice.payee), invoice.description.into());
        let state = PaymentState::Pending;
        let outgoing = Outgoing { hash: invoice.hash, amount, payee, state, preimage: None, created_at: at, line, description };
        let payment = outgoing.payment();
        self.outgoing.insert(key, outgoing);
        payment
    }

    fn end(&mut self, key: Key, state: PaymentState, preimage: Option<Preimage>) -> Option<Payment> {
        let outgoing = self.outgoing.get_mut(&key)?;
        (outgoing.state, outgoing.preimage) = (state, preimage);
        self.aside = self.aside.saturating_sub(outgoing.amount.0);
        if outgoing.has_failed() {
            self.balance = self.balance.saturating_add(outgoing.amount.0);
        }
        Some(outgoing.payment())
    }
}

/// A payment's name in digits that sort as the numbers do.
fn id(line: Line) -> String {
    format!("{line:012}")
}
