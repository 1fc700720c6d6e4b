//! What the wallet has told: payments, an invoice that was made, how the last payment went.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::payment::{Invoice, Payment};
use crate::domain::time::UnixMs;
use crate::hud::bridge::FromNode;
use crate::node::{FailureKind, NodeCommand, NodeEvent};
use crate::wallet::PaymentKey;

/// Payments kept; the wallet has the rest.
const KEPT: usize = 500;

#[derive(Resource, Debug, Clone, Default)]
pub struct Money {
    /// Newest first.
    pub payments: Vec<Payment>,
    pub next: Option<PaymentKey>,
    /// The invoice that was asked for last.
    pub invoice: Option<Invoice>,
    /// The invoice has been paid, by the wallet's own record.
    pub is_invoice_paid: bool,
    /// What was sent last, as far as it is.
    pub sent: Option<Payment>,
    /// Why something about money was not done.
    pub trouble: Option<String>,
}

impl Money {
    fn put(&mut self, payment: &Payment) {
        match self.payments.iter_mut().find(|known| known.id == payment.id && known.direction == payment.direction) {
            Some(known) => known.clone_from(payment),
            None => self.payments.insert(0, payment.clone()),
        }
        self.payments.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        self.payments.truncate(KEPT);
        self.look_at(payment);
    }

    fn look_at(&mut self, payment: &Payment) {
        if let Some(invoice) = &self.invoice
            && payment.hash == Some(invoice.hash)
        {
            self.is_invoice_paid |= payment.is_settled();
        }
        if let Some(sent) = &mut self.sent
            && sent.hash == payment.hash
        {
            sent.clone_from(payment);
        }
    }
}

impl Reduce for Money {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match (&said.answers, &said.event) {
            (Some(NodeCommand::Payments { before, .. }), NodeEvent::Payments { page }) => {
                if before.is_none() {
                    self.payments.clear();
                }
                for payment in &page.payments {
                    self.put(payment);
                }
                self.next.clone_from(&page.next);
                self.trouble = None;
            }
            (Some(NodeCommand::Receive { .. }), NodeEvent::Invoice { invoice }) => {
                self.invoice = Some(invoice.as_ref().clone());
                self.is_invoice_paid = false;
                self.trouble = None;
            }
            (Some(NodeCommand::Pay { .. } | NodeCommand::Refund { .. }), NodeEvent::Payment { payment }) => {
                self.sent = Some(payment.as_ref().clone());
                self.put(payment);
                self.trouble = None;
            }
            (_, NodeEvent::Payment { payment }) => self.put(payment),
            // The PIN is asked for.
            (Some(NodeCommand::Pay { .. }), NodeEvent::Failed { failure }) if failure.kind == FailureKind::Pin => {}
            (Some(NodeCommand::Payments { .. } | NodeCommand::Receive { .. } | NodeCommand::Pay { .. }), NodeEvent::Failed { failure }) => {
                self.trouble = Some(std::iter::once(&failure.message).chain(&failure.hints).cloned().collect::<Vec<_>>().join(" "));
            }
            _ => {}
        }
    }
}
