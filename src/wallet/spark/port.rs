//! The port, answered by the desk.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::SparkWallet;
use crate::domain::ids::PaymentHash;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::payment::{Invoice, Network, Payment};
use crate::wallet::{
    AddressKind, Claimed, Deposit, DepositId, Destination, Health, IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared,
    Snapshot, Transfer, Wallet, WalletError, WalletEvent,
};

impl SparkWallet {
    fn open_still(&self) -> Result<(), WalletError> {
        if self.desk.token.is_cancelled() { Err(WalletError::Closed) } else { Ok(()) }
    }
}

/// A method of the port: while the wallet is open, the desk's.
macro_rules! while_open {
    ($self:ident, $answer:expr) => {
        async move {
            $self.open_still()?;
            $answer
        }
        .boxed()
    };
}

impl Wallet for SparkWallet {
    fn kind(&self) -> &'static str {
        "spark"
    }

    fn network(&self) -> Network {
        self.desk.network
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        while_open!(self, self.desk.snapshot().await)
    }

    fn invoice(&self, request: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        while_open!(self, self.desk.make_invoice(request).await)
    }

    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        while_open!(self, self.desk.prepare(&bolt11).await)
    }

    fn send(&self, prepared: Prepared, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        while_open!(self, self.desk.send(prepared, key).await)
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        while_open!(self, self.desk.payment(hash).await)
    }

    fn payments(&self, query: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        while_open!(self, self.desk.list(query).await)
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.desk.records.events()
    }

    fn address(&self, kind: AddressKind) -> BoxFuture<'_, Result<String, WalletError>> {
        while_open!(self, self.desk.address(kind).await)
    }

    fn inspect(&self, text: String) -> BoxFuture<'_, Result<Destination, WalletError>> {
        while_open!(self, self.desk.inspect(&text).await)
    }

    fn prepare_transfer(&self, to: String, amount: MilliSats) -> BoxFuture<'_, Result<Transfer, WalletError>> {
        while_open!(self, self.desk.prepare_transfer(&to, amount).await)
    }

    fn transfer(&self, transfer: Transfer, key: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        while_open!(self, self.desk.transfer(transfer, key).await)
    }

    fn transfer_hash(&self, key: IdempotencyKey) -> PaymentHash {
        super::record::transfer_hash(key)
    }

    fn deposits(&self) -> BoxFuture<'_, Result<Vec<Deposit>, WalletError>> {
        while_open!(self, self.desk.deposits().await)
    }

    fn claim(&self, deposit: DepositId, most_fee: Sats) -> BoxFuture<'_, Result<Claimed, WalletError>> {
        while_open!(self, self.desk.claim(deposit, most_fee).await)
    }

    fn refund_deposit(&self, deposit: DepositId, to: String, fee: Sats) -> BoxFuture<'_, Result<String, WalletError>> {
        while_open!(self, self.desk.refund(deposit, to, fee).await)
    }

    fn lightning_address(&self) -> BoxFuture<'_, Result<Option<String>, WalletError>> {
        while_open!(self, self.desk.name().await)
    }

    fn register_lightning_address(&self, name: String) -> BoxFuture<'_, Result<String, WalletError>> {
        while_open!(self, self.desk.register(name).await)
    }

    fn release_lightning_address(&self) -> BoxFuture<'_, Result<(), WalletError>> {
        while_open!(self, self.desk.release().await)
    }

    fn health(&self) -> Option<Health> {
        Some(self.desk.health())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.desk.close().boxed()
    }
}
