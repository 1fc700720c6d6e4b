//! Making invoices, and noticing that they were paid.

use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Desk;
use super::journal::Fact;
use super::transaction;
use super::wire::AskError;
use crate::domain::payment::{Direction, Invoice, Payment};
use crate::wallet::records::Decision;
use crate::wallet::{InvoiceRequest, WalletError, WalletEvent, bolt11};

/// Bytes of a BOLT11 description.
const MAX_DESCRIPTION: usize = 639;
/// How much more seldom a wallet that tells of payments is asked for them.
const TOLD_BY_ITSELF: u32 = 8;
/// All the bitcoin there will ever be, in msats.
const MOST: u64 = 2_100_000_000_000_000_000;

impl Desk {
    /// Has an invoice made and checks that it is what was asked for.
    pub async fn make_invoice(self: &Arc<Self>, request: InvoiceRequest) -> Result<Invoice, WalletError> {
        if request.amount.0 == 0 || request.amount.0 > MOST {
            return Err(WalletError::Amount { least: 1, most: MOST });
        }
        if request.description.len() > MAX_DESCRIPTION {
            let bytes = request.description.len();
            return Err(WalletError::Refused(format!("a description of {bytes} bytes does not fit; {MAX_DESCRIPTION} do")));
        }
        let params = json!({ "amount": request.amount, "description": request.description, "expiry": request.expiry_secs });
        let value = self.wire.ask("make_invoice", params).await.map_err(|error| error.into_error("making invoices"))?;
        let text = value.get("invoice").and_then(Value::as_str).unwrap_or_default();
        let wrong = |why: String| WalletError::Refused(format!("it made an invoice that cannot be used: {why}"));
        let invoice = bolt11::decode(text).map_err(|error| wrong(error.to_string()))?;
        if invoice.amount != Some(request.amount) {
            return Err(wrong("its amount is not what was asked for".to_owned()));
        }
        if !self.is_network_sure() {
            self.learn_network(invoice.network).await;
        }
        if invoice.network != self.network() {
            let (found, wanted) = (invoice.network.as_str(), self.network().as_str());
            return Err(wrong(format!("it is for {found}, and the wallet says that it is on {wanted}")));
        }
        let fact = Fact::Made { hash: invoice.hash, expires_at: invoice.expires_at };
        self.transact(|_| Ok(Decision { fact: Some(fact), answer: () })).await?;
        self.made.notify_one();
        Ok(invoice)
    }

    /// Asks after unpaid invoices, again and again: less often when the wallet tells by itself, as what it tells may be
    /// lost on the way.
    pub async fn watch_invoices(self: Arc<Self>) {
        let mut pause = self.poll;
        loop {
            let asks = !self.records.read(|book| book.unpaid(self.clock.now())).is_empty();
            let rest = if self.notifies() { pause.saturating_mul(TOLD_BY_ITSELF) } else { pause };
            tokio::select! {
                () = self.token.cancelled() => return,
                () = self.made.notified() => {
                    pause = self.poll;
                    continue;
                }
                () = self.missed.notified() => {}
                () = tokio::time::sleep(rest), if asks => pause = (pause * 2).min(self.longest_poll),
            }
            tokio::select! {
                () = self.token.cancelled() => return,
                () = self.ask_after_invoices() => {}
            }
        }
    }

    async fn ask_after_invoices(self: &Arc<Self>) {
        for hash in self.records.read(|book| book.unpaid(self.clock.now())) {
            match self.lookup(hash).await {
                Ok(Some(value)) => match transaction::read(&value, Direction::In) {
                    Some(payment) if payment.direction == Direction::In && payment.is_settled() => self.received(payment).await,
                    _ => {}
                },
                Ok(None) | Err(AskError::Refused(_)) => {}
                Err(AskError::NotSent(_) | AskError::Silent(_) | AskError::Closed) => return,
            }
        }
    }

    /// An invoice was paid. One of ours is told once; what other programs of the same wallet receive, whenever it is told.
    pub async fn received(self: &Arc<Self>, payment: Payment) {
        let Some(hash) = payment.hash else { return };
        let at = self.clock.now();
        let noted = self.transact(move |book| match (book.is_ours(&hash), book.is_received(&hash)) {
            (true, true) => Ok(Decision { fact: None, answer: false }),
            (true, false) => Ok(Decision { fact: Some(Fact::Received { hash, at }), answer: true }),
            (false, _) => Ok(Decision { fact: None, answer: true }),
        });
        match noted.await {
            Ok(false) | Err(WalletError::Closed) => return,
            Ok(true) => {}
            // It was received all the same; at the next start it is told once more.
            Err(error) => tracing::warn!("A payment that was received could not be written down: {error}."),
        }
        self.records.tell(WalletEvent::Payment(Box::new(payment)));
        self.records.tell(WalletEvent::Changed);
    }
}
