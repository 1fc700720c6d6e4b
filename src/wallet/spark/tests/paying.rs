//! Paying through a helper that dies, lies, or does not answer.

use std::sync::atomic::{AtomicU64, Ordering};

use super::world::{FEE, Manner};
use super::*;
use crate::clock::Clock;
use crate::domain::payment::{Payment, PaymentState};
use crate::wallet::contract::fresh_key;
use crate::wallet::spark::protocol::{Call, EntryState, Fault};
use crate::wallet::{IdempotencyKey, Prepared, WalletError, WalletEvent};

/// Somebody who does not wait long.
fn impatient(options: SparkOptions) -> SparkOptions {
    SparkOptions { patience: Duration::from_millis(200), ..options }
}

const fn is_send(call: &Call) -> bool {
    matches!(call, Call::Send { .. })
}

impl Spark {
    async fn prepared(&self, description: &str) -> Prepared {
        let invoice = self.ask(description).await;
        self.payer.prepare(invoice.bolt11).await.unwrap()
    }

    fn behave(&self, manner: Manner) {
        self.world.account(PAYER, |account| account.manner = manner);
    }

    /// Sends, and waits for an end.
    async fn ended(&self, prepared: &Prepared, key: IdempotencyKey) -> Payment {
        let mut events = self.payer.events();
        let payment = self.payer.send(prepared.clone(), key).await.unwrap();
        if !payment.is_pending() {
            return payment;
        }
        let ending = async {
            loop {
                if let WalletEvent::Payment(payment) = events.recv().await.unwrap()
                    && payment.hash == Some(prepared.invoice.hash)
                    && !payment.is_pending()
                {
                    return *payment;
                }
            }
        };
        tokio::time::timeout(PATIENCE, ending).await.unwrap()
    }
}

#[tokio::test]
async fn a_payment_costs_what_was_prepared_and_no_more() {
    let spark = wallets().await;
    let prepared = spark.prepared("a job").await;
    assert_eq!((prepared.amount, prepared.fee), (MilliSats(21_000), MilliSats(FEE * 1_000)));
    let had = spark.sats();
    let payment = spark.ended(&prepared, fresh_key()).await;
    assert_eq!((payment.amount, payment.fee), (prepared.amount, prepared.fee));
    assert_eq!(spark.sats(), had - 21 - FEE);
    // The fee is higher when it is sent than when it was looked at.
    let prepared = spark.prepared("another").await;
    spark.world.account(PAYER, |account| account.fee = FEE + 1);
    let refused = spark.payer.send(prepared, fresh_key()).await.unwrap_err();
    assert!(matches!(&refused, WalletError::Refused(why) if why.contains("fee would be 4 sats")), "{refused}");
    assert_eq!(spark.sats(), had - 21 - FEE);
}

#[tokio::test]
async fn an_answer_that_is_lost_with_the_helper_is_found_in_the_record() {
    let spark = wallets().await;
    let had = spark.sats();
    let prepared = spark.prepared("paid, and lost").await;
    spark.behave(Manner::DiesPaid);
    let payment = spark.ended(&prepared, fresh_key()).await;
    assert!(payment.is_settled(), "{payment:?}");
    assert_eq!(spark.sats(), had - 21 - FEE, "paid once");
    assert_eq!(spark.world.count(PAYER, is_send), 1, "asked for once");
    assert!(spark.payer.health().unwrap().restarts >= 1);
}

#[tokio::test]
async fn a_payment_that_was_lost_with_the_helper_is_sent_again_with_its_key() {
    let spark = wallets().await;
    let had = spark.sats();
    let (prepared, key) = (spark.prepared("lost").await, fresh_key());
    spark.behave(Manner::DiesUnpaid);
    let payment = spark.ended(&prepared, key).await;
    assert!(payment.is_settled(), "{payment:?}");
    assert_eq!(spark.sats(), had - 21 - FEE, "paid once");
    let keys = spark.world.account(PAYER, |account| {
        let keys = account.heard.iter().filter_map(|call| match call {
            Call::Send { key, .. } => Some(key.clone()),
            _ => None,
        });
        keys.collect::<Vec<_>>()
    });
    assert!(keys.len() >= 2 && keys.iter().all(|other| *other == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn what_may_have_gone_out_is_pending_until_the_record_says_how_it_ended() {
    let spark = Spark::open(impatient).await;
    let had = spark.sats();
    let (prepared, key) = (spark.prepared("unsure").await, fresh_key());
    spark.behave(Manner::Unsure);
    assert!(spark.ended(&prepared, key).await.is_settled());
    assert_eq!(spark.world.count(PAYER, is_send), 1);
    let (prepared, key) = (spark.prepared("held").await, fresh_key());
    spark.behave(Manner::Holds);
    assert!(spark.payer.send(prepared.clone(), key).await.unwrap().is_pending());
    assert_eq!(spark.payer.snapshot().await.unwrap().pending_out, MilliSats((21 + FEE) * 1_000));
    assert_eq!(spark.payer.send(prepared.clone(), fresh_key()).await.unwrap_err(), WalletError::UnderWay, "another intention has to wait");
    spark.world.settle(PAYER, EntryState::Failed);
    until("the failure", async || {
        let payment = spark.payer.payment(prepared.invoice.hash).await.unwrap().unwrap();
        matches!(payment.state, PaymentState::Failed { .. })
    })
    .await;
    assert_eq!(spark.sats(), had - 21 - FEE, "the money came back");
}

#[tokio::test]
async fn a_refusal_pays_nothing_and_the_same_intention_may_be_tried_again() {
    let spark = wallets().await;
    let had = spark.sats();
    let (prepared, key) = (spark.prepared("refused").await, fresh_key());
    spark.behave(Manner::Refuses(Fault::Refused("not today".into())));
    assert_eq!(spark.payer.send(prepared.clone(), key).await.unwrap_err(), WalletError::Refused("not today".into()));
    spark.behave(Manner::Refuses(Fault::Insufficient));
    let little = spark.payer.send(prepared.clone(), key).await.unwrap_err();
    assert_eq!(little, WalletError::Insufficient { needed: (21 + FEE) * 1_000, available: had * 1_000 });
    assert_eq!((spark.sats(), spark.payer.payment(prepared.invoice.hash).await.unwrap()), (had, None));
    spark.behave(Manner::Good);
    assert!(spark.payer.send(prepared, key).await.unwrap().is_settled());
    assert_eq!(spark.sats(), had - 21 - FEE);
}

#[tokio::test]
async fn a_record_of_another_amount_proves_nothing() {
    let spark = Spark::open(impatient).await;
    let (prepared, key) = (spark.prepared("a lie").await, fresh_key());
    spark.behave(Manner::Lies);
    // The record itself is true; only the answer was not.
    assert!(spark.ended(&prepared, key).await.is_settled());
    let prepared = spark.prepared("a lasting lie").await;
    spark.behave(Manner::Holds);
    assert!(spark.payer.send(prepared.clone(), key_of(2)).await.unwrap().is_pending());
    spark.world.account(PAYER, |account| account.entries.last_mut().unwrap().sats += 1);
    spark.world.settle(PAYER, EntryState::Completed);
    let looked = spark.world.count(PAYER, |call| matches!(call, Call::Payment { .. }));
    until("more looks", async || spark.world.count(PAYER, |call| matches!(call, Call::Payment { .. })) > looked + 3).await;
    assert!(spark.payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_pending());
}

fn key_of(byte: u8) -> IdempotencyKey {
    IdempotencyKey([byte; 16])
}

#[tokio::test]
async fn a_payment_goes_on_where_it_was_when_the_wallet_is_opened_again() {
    let spark = Spark::open(impatient).await;
    let (prepared, key) = (spark.prepared("interrupted").await, fresh_key());
    spark.behave(Manner::Silent);
    assert!(spark.payer.send(prepared.clone(), key).await.unwrap().is_pending());
    let had = spark.sats();
    let spark = spark.restart().await;
    spark.behave(Manner::Good);
    until("the payment", async || spark.payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_settled()).await;
    assert!(spark.payer.send(prepared, key).await.unwrap().is_settled(), "the same intention");
    assert_eq!(spark.sats(), had - 21 - FEE, "paid once");
}

#[tokio::test]
async fn what_nobody_knows_of_has_failed_when_the_invoice_is_over() {
    static AHEAD: AtomicU64 = AtomicU64::new(0);
    let spark = Spark::open(|options| {
        let clock = Clock::new(|| Clock::default().now().plus_ms(AHEAD.load(Ordering::SeqCst)));
        SparkOptions { clock, ..impatient(options) }
    })
    .await;
    let prepared = spark.prepared("too late").await;
    spark.behave(Manner::Silent);
    assert!(spark.payer.send(prepared.clone(), fresh_key()).await.unwrap().is_pending());
    // As long as nobody can be reached, that proves nothing.
    spark.world.account(PAYER, |account| account.is_reached = false);
    AHEAD.store(2 * 3600 * 1000, Ordering::SeqCst);
    until("the network to be missed", async || !spark.payer.health().unwrap().is_online).await;
    assert!(spark.payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_pending());
    spark.world.kill(PAYER);
    spark.world.account(PAYER, |account| account.is_reached = true);
    until("the end", async || {
        let payment = spark.payer.payment(prepared.invoice.hash).await.unwrap().unwrap();
        matches!(&payment.state, PaymentState::Failed { reason } if reason.contains("expired"))
    })
    .await;
}

#[tokio::test]
async fn invoices_in_parts_of_a_sat_are_paid_in_whole_ones_and_the_rest_is_told_as_a_fee() {
    let spark = wallets().await;
    let text = contract::crafted::invoice(crate::domain::payment::Network::Regtest, Some(MilliSats(1_500)), 0);
    let prepared = spark.payer.prepare(text).await.unwrap();
    assert_eq!((prepared.amount, prepared.fee), (MilliSats(1_500), MilliSats(500 + FEE * 1_000)));
    assert_eq!(prepared.warnings.len(), 1);
    let had = spark.sats();
    let payment = spark.payer.send(prepared, fresh_key()).await.unwrap();
    assert_eq!((payment.amount, payment.fee), (MilliSats(1_500), MilliSats(500 + FEE * 1_000)));
    assert_eq!(spark.sats(), had - 2 - FEE);
}
