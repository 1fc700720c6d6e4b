//! Paying with a wallet that says what it is told to.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::sync::Mutex;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use nostr::{Event, Keys};
use tokio::sync::{broadcast, mpsc};

use super::*;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Invoice, Network, Payment};
use crate::domain::purchase::PurchaseState;
use crate::node::consumer::tests::{Bench, said, soon};
use crate::node::consumer::{Ask, ConsumerCommand};
use crate::wallet::contract::crafted;
use crate::wallet::{IdempotencyKey, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, Wallet, WalletEvent};

/// A wallet that refuses everything with the same words.
pub struct Refusing {
    network: Mutex<Network>,
    refusal: WalletError,
    asked: mpsc::UnboundedSender<String>,
    events: broadcast::Sender<WalletEvent>,
}

impl Refusing {
    pub fn new(refusal: WalletError) -> (Arc<Self>, mpsc::UnboundedReceiver<String>) {
        let (asked, all) = mpsc::unbounded_channel();
        (Arc::new(Self { network: Mutex::new(Network::Practice), refusal, asked, events: broadcast::channel(1).0 }), all)
    }

    fn refuse<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, WalletError>> {
        ready(Err(self.refusal.clone())).boxed()
    }
}

impl Wallet for Refusing {
    fn kind(&self) -> &'static str {
        "refusing"
    }

    fn network(&self) -> Network {
        *self.network.lock().unwrap()
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        self.refuse()
    }

    fn invoice(&self, _: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        self.refuse()
    }

    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        self.asked.send(bolt11).unwrap();
        self.refuse()
    }

    fn send(&self, _: Prepared, _: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        self.refuse()
    }

    fn payment(&self, _: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        self.refuse()
    }

    fn payments(&self, _: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        self.refuse()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.events.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

pub fn invoice(sats: u64) -> String {
    crafted::invoice(Network::Practice, Some(MilliSats(sats * 1_000)), 0)
}

fn offer(by: &Keys, id: JobId, sats: u64, invoice: &str) -> Box<Event> {
    said(by, id, 7000, &[&["status", "payment-required"], &["amount", &format!("{}", sats * 1_000), invoice]], "")
}

fn key(keys: &Keys) -> Pubkey {
    Pubkey(keys.public_key().to_bytes())
}

async fn pay(bench: &Bench, id: JobId, provider: Option<Pubkey>) -> Result<PurchaseRow, Failure> {
    bench.consumer.ask(|reply| ConsumerCommand::Pay(id, provider, reply)).await
}

#[tokio::test]
async fn where_the_money_for_one_offer_may_have_gone_no_other_is_paid() {
    let (wallet, mut asked) = Refusing::new(WalletError::UnderWay);
    let mut bench = Bench::with(wallet);
    let (first, second) = (Keys::generate(), Keys::generate());
    let id = bench.ask(Ask { auto_pay: Some(AutoPay::First), ..Ask::default() }).await;
    let paid = invoice(3);
    bench.consumer.take(offer(&first, id, 3, &paid)).await;
    assert_eq!(bench.offered().await.flaw, None);
    let row = bench.noted(id, "maybe-paid").await;
    assert!(row.reason.unwrap().contains("nothing else is paid"));
    bench.consumer.take(offer(&second, id, 1, &invoice(1))).await;
    assert_eq!(bench.offered().await.provider, key(&second));
    let by_hand = pay(&bench, id, Some(key(&second))).await.unwrap_err();
    assert!(by_hand.message.contains("may have gone"), "{by_hand:?}");
    assert_eq!(asked.recv().await, Some(paid), "the wallet was asked for the first");
    assert!(asked.try_recv().is_err(), "and for nothing else");
}

#[tokio::test]
async fn a_payment_by_hand_that_failed_is_not_said_to_be_tried_again() {
    let (wallet, _asked) = Refusing::new(WalletError::Refused("no route".into()));
    let mut bench = Bench::with(wallet);
    let id = bench.ask(Ask { auto_pay: Some(AutoPay::Ask), ..Ask::default() }).await;
    bench.consumer.take(offer(&bench.provider, id, 3, &invoice(3))).await;
    bench.offered().await;
    pay(&bench, id, None).await.unwrap();
    let words = bench.noted(id, "payment-failed").await.reason.unwrap();
    assert!(words.contains("no route") && !words.contains("tried again"), "{words}");
}

#[tokio::test]
async fn whoever_is_named_is_paid_or_nobody_when_another_has_answered() {
    let (wallet, mut asked) = Refusing::new(WalletError::Locked);
    let mut bench = Bench::with(wallet);
    let (named, other) = (Keys::generate(), Keys::generate());
    let id = bench.ask(Ask { auto_pay: Some(AutoPay::Ask), ..Ask::default() }).await;
    bench.consumer.take(offer(&named, id, 3, &invoice(3))).await;
    bench.offered().await;
    let bill = invoice(2);
    bench.consumer.take(said(&other, id, 6050, &[&["amount", "2000", &bill]], "Because.")).await;
    bench.told(id, PurchaseState::Answered).await;
    let refused = pay(&bench, id, Some(key(&named))).await.unwrap_err();
    assert!(refused.message.contains("has answered"), "{refused:?}");
    pay(&bench, id, Some(key(&other))).await.unwrap();
    assert_eq!(soon("the wallet to be asked", asked.recv()).await, Some(bill), "and for no other invoice before");
}

#[tokio::test]
async fn an_offer_is_judged_by_the_network_the_wallet_is_on_now() {
    let (wallet, _asked) = Refusing::new(WalletError::Locked);
    let mut bench = Bench::with(wallet.clone());
    *wallet.network.lock().unwrap() = Network::Regtest;
    let id = bench.ask(Ask { auto_pay: Some(AutoPay::Ask), ..Ask::default() }).await;
    bench.consumer.take(offer(&Keys::generate(), id, 3, &invoice(3))).await;
    assert_eq!(bench.offered().await.flaw, Some(Flaw::WrongNetwork));
    *wallet.network.lock().unwrap() = Network::Practice;
    bench.consumer.take(offer(&Keys::generate(), id, 3, &invoice(3))).await;
    assert_eq!(bench.offered().await.flaw, None);
}
