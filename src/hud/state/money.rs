//! What the wallet has told: payments, an invoice that was made, and what went wrong with either.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::ids::PaymentHash;
use crate::domain::payment::{Direction, Invoice, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{Failure, FailureKind, NodeCommand, NodeEvent};
use crate::wallet::{PaymentKey, PaymentsPage};

/// Payments kept; older ones are in the wallet, one page away.
const KEPT: usize = 2000;

#[derive(Resource, Debug, Clone, Default)]
pub struct Money {
    /// Newest first.
    pub payments: Vec<Payment>,
    /// The wallet has told what has moved.
    pub is_known: bool,
    /// Where the next page begins; `None`: there is none.
    pub next: Option<PaymentKey>,
    /// The invoice that was asked for last.
    pub invoice: Option<Invoice>,
    /// The invoice has been paid, by the wallet's own record.
    pub is_invoice_paid: bool,
    /// Why the payments could not be told, until they are.
    pub list_trouble: Option<String>,
    /// Why there is no invoice, until there is one.
    pub receive_trouble: Option<String>,
    /// The invoice that could not be paid, and why.
    pay_trouble: Option<(String, String)>,
}

impl Money {
    /// What became of paying an invoice; of several tries, the one that went farthest.
    pub fn sent(&self, hash: PaymentHash) -> Option<&Payment> {
        let tries = self.payments.iter().filter(|payment| payment.direction == Direction::Out && payment.hash == Some(hash));
        tries.max_by_key(|payment| match payment.state {
            PaymentState::Failed { .. } => (0, payment.created_at),
            PaymentState::Pending => (1, payment.created_at),
            PaymentState::Settled { .. } => (2, payment.created_at),
        })
    }

    /// Why this invoice could not be paid, if that was tried last.
    pub fn why_not_sent(&self, bolt11: &str) -> Option<&str> {
        self.pay_trouble.as_ref().filter(|(tried, _)| tried == bolt11).map(|(_, why)| why.as_str())
    }

    fn put(&mut self, payment: &Payment) {
        match self.payments.iter_mut().find(|known| known.id == payment.id && known.direction == payment.direction) {
            Some(known) => known.clone_from(payment),
            None => self.payments.insert(0, payment.clone()),
        }
        if let Some(invoice) = &self.invoice
            && payment.hash == Some(invoice.hash)
        {
            self.is_invoice_paid |= payment.is_settled();
        }
    }

    /// In the wallet's order: newest first, then by id.
    fn sort(&mut self) {
        self.payments.sort_by(|one, other| (other.created_at, &one.id).cmp(&(one.created_at, &other.id)));
    }

    fn page(&mut self, page: &PaymentsPage, continues: bool) {
        if !continues {
            self.payments.clear();
        }
        page.payments.iter().for_each(|payment| self.put(payment));
        self.sort();
        self.next.clone_from(&page.next);
        (self.is_known, self.list_trouble) = (true, None);
    }

    /// One that comes by itself. The newest are kept; the rest is a page away again.
    fn hear(&mut self, payment: &Payment) {
        self.put(payment);
        self.sort();
        if self.payments.len() > KEPT {
            self.payments.truncate(KEPT);
            self.next = self.payments.last().map(|payment| (payment.created_at, payment.id.clone()));
        }
    }
}

impl Reduce for Money {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match (&said.answers, &said.event) {
            (Some(NodeCommand::Payments { before, .. }), NodeEvent::Payments { page }) => self.page(page, before.is_some()),
            (Some(NodeCommand::Payments { .. }), NodeEvent::Failed { failure }) => self.list_trouble = Some(words(failure)),
            (Some(NodeCommand::Receive { .. }), NodeEvent::Invoice { invoice }) => {
                self.invoice = Some(invoice.as_ref().clone());
                self.is_invoice_paid = false;
                self.receive_trouble = None;
            }
            (Some(NodeCommand::Receive { .. }), NodeEvent::Failed { failure }) => self.receive_trouble = Some(words(failure)),
            (Some(NodeCommand::Pay { .. }), NodeEvent::Payment { payment }) => {
                self.pay_trouble = None;
                self.hear(payment);
            }
            // The PIN is asked for.
            (Some(NodeCommand::Pay { .. }), NodeEvent::Failed { failure }) if failure.kind == FailureKind::Pin => {}
            (Some(NodeCommand::Pay { bolt11, .. }), NodeEvent::Failed { failure }) => {
                self.pay_trouble = Some((bolt11.clone(), words(failure)));
            }
            (_, NodeEvent::Payment { payment }) => self.hear(payment),
            _ => {}
        }
    }
}

fn words(failure: &Failure) -> String {
    std::iter::once(&failure.message).chain(&failure.hints).cloned().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::MilliSats;

    fn payment(at: i64) -> Payment {
        Payment {
            id: format!("{at:06}"),
            direction: Direction::In,
            state: PaymentState::Settled { at: UnixMs(at) },
            amount: MilliSats(1_000),
            fee: MilliSats(0),
            hash: None,
            preimage: None,
            created_at: UnixMs(at),
            description: String::new(),
        }
    }

    fn reduce(money: &mut Money, answers: Option<NodeCommand>, event: NodeEvent) {
        money.reduce(&FromNode { answers, event }, UnixMs(0));
    }

    #[test]
    fn every_page_of_payments_stays_and_after_one_that_comes_by_itself_the_rest_is_a_page_away_again() {
        let mut money = Money::default();
        let mut before = None;
        for number in (0..60_i64).rev() {
            let payments = (0..50).rev().map(|place| payment(number * 50 + place)).collect();
            let next = (number > 0).then(|| (UnixMs(number * 50), format!("{:06}", number * 50)));
            let asked = NodeCommand::Payments { before: before.clone(), limit: 50 };
            reduce(&mut money, Some(asked), NodeEvent::Payments { page: PaymentsPage { payments, next: next.clone() } });
            before = next;
        }
        assert_eq!((money.payments.len(), money.next.clone()), (3_000, None));
        assert_eq!(money.payments.last(), Some(&payment(0)), "down to the first that ever was");
        reduce(&mut money, None, NodeEvent::Payment { payment: Box::new(payment(3_000)) });
        assert_eq!((money.payments.len(), money.payments.first()), (KEPT, Some(&payment(3_000))));
        assert_eq!(money.next, Some((UnixMs(1_001), "001001".into())), "and the others can be asked for again");
    }
}
