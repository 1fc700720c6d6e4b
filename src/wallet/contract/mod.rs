//! What holds for every wallet, as tests. A wallet's own tests give a pair of connected wallets and write
//! `wallet_contract!(pair)`, where `pair` is an `async fn() -> impl Pair`; each rule becomes a test of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

pub mod crafted;
mod invoices;
mod records;
mod sends;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use invoices::*;
pub use records::*;
pub use sends::*;

use super::*;

/// Amounts are whole sats, since some wallets know nothing smaller. The payer has to have at least this much.
pub const FUNDS: MilliSats = MilliSats(1_000_000);
const PRICE: MilliSats = MilliSats(21_000);
const PATIENCE: Duration = Duration::from_secs(60);

/// Two wallets that can reach each other. The payer has [`FUNDS`] at least; the payee may have anything.
pub trait Pair: Sized + Send {
    fn payee(&self) -> Arc<dyn Wallet>;

    fn payer(&self) -> Arc<dyn Wallet>;

    /// Ends both and opens them again on what they kept.
    fn restart(self) -> BoxFuture<'static, Self>;
}

/// Makes a test of each rule, for a wallet.
macro_rules! wallet_contract {
    ($pair:ident) => {
        $crate::wallet::contract::wallet_contract! { $pair:
            an_invoice_is_what_was_asked_for,
            an_invoice_that_cannot_be_is_refused,
            prepare_names_each_reason_and_moves_nothing,
            a_payment_settles_on_both_sides,
            a_snapshot_counts_the_money_once,
            one_key_pays_once,
            one_key_pays_once_when_sent_at_the_same_time,
            one_key_pays_once_across_a_restart,
            a_key_belongs_to_its_invoice,
            an_invoice_is_paid_once,
            both_sides_are_told,
            the_list_has_every_payment_once_newest_first,
            a_lookup_knows_payments_and_nothing_else,
            balances_survive_a_restart,
            a_closed_wallet_says_so,
        }
    };
    ($pair:ident: $($rule:ident,)*) => {
        mod contract_of_the_port {
            $(
                #[tokio::test]
                async fn $rule() {
                    $crate::wallet::contract::$rule(super::$pair().await).await;
                }
            )*
        }
    };
}
pub(crate) use wallet_contract;

/// A key nobody has used.
pub fn fresh_key() -> IdempotencyKey {
    let mut key = [0; 16];
    getrandom::fill(&mut key).unwrap();
    IdempotencyKey(key)
}

/// An invoice with the usual expiry.
pub async fn ask(payee: &dyn Wallet, amount: MilliSats, description: &str) -> Invoice {
    payee.invoice(InvoiceRequest { amount, description: description.to_owned(), expiry_secs: 3600 }).await.unwrap()
}

/// Pays it and waits for its end.
pub async fn pay(payer: &dyn Wallet, invoice: &Invoice, key: IdempotencyKey) -> Payment {
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    let payment = payer.send(prepared, key).await.unwrap();
    settled(payer, invoice.hash, payment).await
}

/// Waits until a payment that may be pending is settled.
async fn settled(wallet: &dyn Wallet, hash: PaymentHash, mut payment: Payment) -> Payment {
    let mut events = wallet.events();
    let waiting = async {
        while payment.is_pending() {
            if let Some(now) = wallet.payment(hash).await.unwrap()
                && !now.is_pending()
            {
                payment = now;
                break;
            }
            news(&mut events).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    assert!(payment.is_settled(), "{payment:?}");
    payment
}

/// Waits for this hash's record on a side that need not have it yet.
async fn arrived(wallet: &dyn Wallet, hash: PaymentHash) -> Payment {
    let mut events = wallet.events();
    let waiting = async {
        loop {
            if let Some(payment) = wallet.payment(hash).await.unwrap()
                && payment.is_settled()
            {
                return payment;
            }
            news(&mut events).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

/// Waits for an event, and not for ever: what was not told is found by asking.
async fn news(events: &mut broadcast::Receiver<WalletEvent>) {
    match tokio::time::timeout(Duration::from_millis(200), events.recv()).await {
        Ok(Err(broadcast::error::RecvError::Closed)) => panic!("the wallet has ended"),
        Ok(Ok(_) | Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => {}
    }
}

async fn balance(wallet: &dyn Wallet) -> u64 {
    wallet.snapshot().await.unwrap().balance.0
}

async fn everything(wallet: &dyn Wallet) -> Vec<Payment> {
    wallet.payments(PaymentsQuery { before: None, limit: 1000 }).await.unwrap().payments
}
