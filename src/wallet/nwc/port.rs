//! The port, answered by the desk.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::NwcWallet;
use super::desk::Desk;
use super::paying::{fee_at_most, payable};
use super::transaction;
use super::wire::AskError;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Invoice, Network, Payment};
use crate::wallet::{
    IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, Wallet, WalletError, WalletEvent, bolt11,
};

impl AskError {
    /// As the port says it. `what` names what was asked for.
    pub fn into_error(self, what: &'static str) -> WalletError {
        match self {
            Self::NotSent(why) | Self::Silent(why) => WalletError::Unreachable(why),
            Self::Refused(refusal) => refusal.into_error(what, MilliSats(0), MilliSats(0)),
            Self::Closed => WalletError::Closed,
        }
    }
}

impl NwcWallet {
    fn open_still(&self) -> Result<(), WalletError> {
        if self.desk.token.is_cancelled() { Err(WalletError::Closed) } else { Ok(()) }
    }
}

impl Desk {
    async fn prepare(&self, text: &str) -> Result<Prepared, WalletError> {
        let invoice = bolt11::decode(text)?;
        let now = self.clock.now();
        let amount = self.records.read(|book| payable(book, &invoice, self.network(), now))?;
        let (record, balance) = tokio::join!(self.lookup(invoice.hash), self.balance());
        match record {
            Ok(Some(value)) if transaction::is_incoming(&value) => return Err(WalletError::OwnInvoice),
            Ok(Some(value)) => match transaction::read(&value, Direction::Out) {
                Some(payment) if payment.is_settled() => return Err(WalletError::AlreadyPaid),
                Some(payment) if payment.is_pending() => return Err(WalletError::UnderWay),
                _ => {}
            },
            // What it cannot look up, it may still pay.
            Ok(None) | Err(AskError::Refused(_)) => {}
            Err(error) => return Err(error.into_error("looking up a payment")),
        }
        let fee = fee_at_most(amount);
        let guess = fee.ceil_sats();
        let mut warnings = vec![format!("The wallet names its fee only after paying; {guess} sats at most is a guess, not a limit.")];
        match balance {
            Ok(available) if amount > available => {
                return Err(WalletError::Insufficient { needed: amount.0.saturating_add(fee.0), available: available.0 });
            }
            Ok(available) if MilliSats(amount.0.saturating_add(fee.0)) > available => {
                warnings.push("The balance may not cover the fee.".to_owned());
            }
            Ok(_) => {}
            // A connection may be allowed to pay and not to know the balance.
            Err(WalletError::Unsupported(_) | WalletError::Refused(_) | WalletError::NotAllowed(_)) => {
                warnings.push("The wallet does not tell its balance.".to_owned());
            }
            Err(error) => return Err(error),
        }
        Ok(Prepared { invoice, amount, fee, warnings })
    }
}

impl Wallet for NwcWallet {
    fn kind(&self) -> &'static str {
        "nwc"
    }

    fn network(&self) -> Network {
        self.desk.network()
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        async {
            self.open_still()?;
            self.desk.snapshot().await
        }
        .boxed()
    }

    fn invoice(&self, request: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        async {
            self.open_still()?;
            self.desk.make_invoice(request).await
        }
        .boxed()
    }

    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        async move {
            self.open_still()?;
            self.desk.prepare(&bolt11).await
        }
        .boxed()
    }

    fn send(&self, prepared: Prepared, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        async move {
            self.open_still()?;
            self.desk.send(prepared, key).await
        }
        .boxed()
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        async move {
            self.open_still()?;
            self.desk.payment(hash).await
        }
        .boxed()
    }

    fn payments(&self, query: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        async move {
            self.open_still()?;
            self.desk.list(query).await
        }
        .boxed()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.desk.records.events()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.desk.close().boxed()
    }
}
