//! The port, answered from the records.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::PracticeWallet;
use super::book::{Book, Outgoing};
use super::fact::{Fact, Key};
use super::invoice::{self, Expiry};
use super::post::{Decision, Post};
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network, Payment};
use crate::wallet::{
    IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, Wallet, WalletError, WalletEvent, bolt11,
};

impl PracticeWallet {
    fn open_still(&self) -> Result<(), WalletError> {
        if self.post.token.is_cancelled() { Err(WalletError::Closed) } else { Ok(()) }
    }
}

impl Post {
    fn expiry(&self) -> Expiry {
        if self.chaos.takes_late() { Expiry::Ignored } else { Expiry::Heeded }
    }

    /// Begins a payment, or finds that it was begun before under this key.
    async fn begin(self: Arc<Self>, prepared: Prepared, key: Key) -> Result<(), WalletError> {
        // What is paid is what the invoice says, whatever was made of it in between.
        let invoice = bolt11::decode(&prepared.invoice.bolt11)?;
        if invoice.amount != Some(prepared.amount) || invoice.hash != prepared.invoice.hash {
            return Err(WalletError::Refused("what was prepared is not what the invoice says".to_owned()));
        }
        let (clock, expiry) = (self.clock.clone(), self.expiry());
        let begun = self.transact(move |book| match book.outgoing(&key) {
            Some(outgoing) if outgoing.hash == invoice.hash => Ok(Decision { fact: None, answer: Begun::Before }),
            Some(_) => Err(WalletError::Refused("this idempotency key belongs to another invoice".to_owned())),
            None => {
                let now = clock.now();
                invoice::payable(book, &invoice, now, expiry)?;
                Ok(Decision { fact: Some(Fact::Paying { key, invoice, at: now }), answer: Begun::Now })
            }
        });
        if begun.await? == Begun::Now {
            self.tracker.spawn(Arc::clone(&self).deliver(key));
        }
        Ok(())
    }

    async fn send(self: &Arc<Self>, prepared: Prepared, key: Key) -> Result<Payment, WalletError> {
        // On a task of its own: whoever stops waiting in the middle must not stop what has begun.
        let begun = self.tracker.spawn(Arc::clone(self).begin(prepared, key));
        begun.await.unwrap_or_else(|error| Err(WalletError::Unknown(error.to_string())))?;
        tokio::select! {
            () = self.ended(key) => {}
            () = tokio::time::sleep(self.patience) => {}
            () = self.token.cancelled() => {}
        }
        let payment = self.records.read(|book| book.outgoing(&key).map(Outgoing::payment));
        payment.ok_or_else(|| WalletError::Unknown("its record is gone".to_owned()))
    }

    async fn invoice(self: &Arc<Self>, request: InvoiceRequest) -> Result<Invoice, WalletError> {
        let now = self.clock.now();
        let (invoice, preimage) = invoice::make(&self.keys, request, now)?;
        let fact = Fact::Issued { invoice: invoice.clone(), preimage, at: now };
        self.transact(|_| Ok(Decision { fact: Some(fact), answer: invoice })).await
    }

    fn prepare(&self, text: &str) -> Result<Prepared, WalletError> {
        let invoice = bolt11::decode(text)?;
        let now = self.clock.now();
        let amount = self.records.read(|book| invoice::payable(book, &invoice, now, self.expiry()))?;
        let late = invoice.expires_at <= now;
        let warnings = late.then(|| "The invoice has expired; the payee may refuse it.".to_owned());
        Ok(Prepared { invoice, amount, fee: MilliSats(0), warnings: warnings.into_iter().collect() })
    }

    fn snapshot(&self) -> Snapshot {
        let (balance, pending_in, pending_out) = self.records.read(|book: &Book| (book.balance(), self.held(book), book.aside()));
        Snapshot {
            balance,
            pending_in,
            pending_out,
            network: Network::Practice,
            source: "practice wallet".to_owned(),
            as_of: self.clock.now(),
            sync: self.sync(),
        }
    }
}

/// Whether a payment is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Now,
    Before,
}

impl Wallet for PracticeWallet {
    fn kind(&self) -> &'static str {
        "practice"
    }

    fn network(&self) -> Network {
        Network::Practice
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        async {
            self.open_still()?;
            self.post.records.still_writes()?;
            Ok(self.post.snapshot())
        }
        .boxed()
    }

    fn invoice(&self, request: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        async {
            self.open_still()?;
            self.post.invoice(request).await
        }
        .boxed()
    }

    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        async move {
            self.open_still()?;
            self.post.prepare(&bolt11)
        }
        .boxed()
    }

    fn send(&self, prepared: Prepared, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        async move {
            self.open_still()?;
            self.post.send(prepared, Key::from(key)).await
        }
        .boxed()
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        async move { self.open_still().map(|()| self.post.records.read(|book| book.payment(&hash))) }.boxed()
    }

    fn payments(&self, query: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        async move { self.open_still().map(|()| self.post.records.read(|book| book.page(&query))) }.boxed()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.post.records.events()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.post.close().boxed()
    }
}
