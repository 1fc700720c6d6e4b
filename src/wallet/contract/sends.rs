//! The rules about paying.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use sha2::{Digest as _, Sha256};

use super::*;
use crate::domain::payment::{Direction, PaymentState};

/// Both records say the same, and the preimage proves it.
pub async fn a_payment_settles_on_both_sides(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let (had_in, had_out) = (balance(&*payee).await, balance(&*payer).await);
    let invoice = ask(&*payee, PRICE, "a job").await;
    let out = pay(&*payer, &invoice, fresh_key()).await;
    let into = arrived(&*payee, invoice.hash).await;
    assert_eq!((out.direction, into.direction), (Direction::Out, Direction::In));
    for payment in [&out, &into] {
        assert_eq!((payment.amount, payment.hash), (PRICE, Some(invoice.hash)), "{payment:?}");
        assert!(payment.description == "a job" && payment.is_settled(), "{payment:?}");
        if let Some(preimage) = payment.preimage {
            assert_eq!(Sha256::digest(preimage).as_slice(), invoice.hash.0);
        }
    }
    assert_eq!(into.fee, MilliSats(0));
    assert_eq!(balance(&*payee).await, had_in + PRICE.0);
    assert_eq!(balance(&*payer).await, had_out - PRICE.0 - out.fee.0);
    assert_eq!(payer.snapshot().await.unwrap().pending_out, MilliSats(0));
}

/// While payments go out, every reading shows each of them either not gone, or put aside, or gone: never two of these.
pub async fn a_snapshot_counts_the_money_once(pair: impl Pair) {
    const COUNT: u64 = 8;
    let (payee, payer) = (pair.payee(), pair.payer());
    let had = balance(&*payer).await;
    let mut paying = tokio::task::JoinSet::new();
    for number in 0..COUNT {
        let invoice = ask(&*payee, PRICE, &format!("job {number}")).await;
        let payer = Arc::clone(&payer);
        paying.spawn(async move { pay(&*payer, &invoice, fresh_key()).await });
    }
    let (mut total, mut fees, mut readings) = (had, 0, 0);
    while !paying.is_empty() {
        let reading = payer.snapshot().await.unwrap();
        let now = reading.balance.0 + reading.pending_out.0;
        let aside_at_least = reading.pending_out.0 == 0 || reading.pending_out.0 >= PRICE.0;
        assert!(now <= total && aside_at_least, "{reading:?} after a total of {total}");
        assert!(now >= had - COUNT * PRICE.0 - had / 10, "{reading:?} of {had}");
        (total, readings) = (now, readings + 1);
        while let Some(paid) = paying.try_join_next() {
            fees += paid.unwrap().fee.0;
        }
        tokio::task::yield_now().await;
    }
    let last = payer.snapshot().await.unwrap();
    assert_eq!((last.balance.0, last.pending_out.0), (had - COUNT * PRICE.0 - fees, 0), "after {readings} readings");
}

/// The second send returns the first one's payment.
pub async fn one_key_pays_once(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let invoice = ask(&*payee, PRICE, "once").await;
    let (key, prepared) = (fresh_key(), payer.prepare(invoice.bolt11.clone()).await.unwrap());
    let first = payer.send(prepared.clone(), key).await.unwrap();
    let first = settled(&*payer, invoice.hash, first).await;
    let had = balance(&*payer).await;
    let second = payer.send(prepared, key).await.unwrap();
    assert_eq!(second, first);
    assert_eq!(balance(&*payer).await, had);
    assert_eq!(everything(&*payer).await, [first]);
}

/// Ten at a time are one.
pub async fn one_key_pays_once_when_sent_at_the_same_time(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let had = balance(&*payer).await;
    let invoice = ask(&*payee, PRICE, "once").await;
    let (key, prepared) = (fresh_key(), payer.prepare(invoice.bolt11.clone()).await.unwrap());
    let sends = (0..10).map(|_| payer.send(prepared.clone(), key));
    for sent in futures_util::future::join_all(sends).await {
        assert_eq!(sent.unwrap().hash, Some(invoice.hash));
    }
    let payment = settled(&*payer, invoice.hash, payer.payment(invoice.hash).await.unwrap().unwrap()).await;
    assert_eq!(everything(&*payer).await, std::slice::from_ref(&payment));
    assert_eq!(balance(&*payer).await, had - PRICE.0 - payment.fee.0);
    arrived(&*payee, invoice.hash).await;
    assert_eq!(everything(&*payee).await.len(), 1);
}

/// Whoever was interrupted sends again with the same key.
pub async fn one_key_pays_once_across_a_restart(pair: impl Pair) {
    let invoice = ask(&*pair.payee(), PRICE, "once").await;
    let (key, prepared) = (fresh_key(), pair.payer().prepare(invoice.bolt11.clone()).await.unwrap());
    let first = pair.payer().send(prepared.clone(), key).await.unwrap();
    let pair = pair.restart().await;
    let (payee, payer) = (pair.payee(), pair.payer());
    let second = payer.send(prepared, key).await.unwrap();
    let second = settled(&*payer, invoice.hash, second).await;
    assert_eq!((&second.id, second.created_at), (&first.id, first.created_at));
    assert_eq!(everything(&*payer).await, [second]);
    arrived(&*payee, invoice.hash).await;
    assert_eq!(everything(&*payee).await.len(), 1);
}

/// A key that was used for one invoice pays no other.
pub async fn a_key_belongs_to_its_invoice(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let (one, other) = (ask(&*payee, PRICE, "one").await, ask(&*payee, PRICE, "other").await);
    let key = fresh_key();
    pay(&*payer, &one, key).await;
    let had = balance(&*payer).await;
    let prepared = payer.prepare(other.bolt11.clone()).await.unwrap();
    assert!(matches!(payer.send(prepared, key).await, Err(WalletError::Refused(_))));
    assert_eq!(payer.payment(other.hash).await.unwrap(), None);
    assert_eq!(balance(&*payer).await, had);
}

/// A second intention to pay the same invoice comes too late.
pub async fn an_invoice_is_paid_once(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let invoice = ask(&*payee, PRICE, "once").await;
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    pay(&*payer, &invoice, fresh_key()).await;
    let had = balance(&*payer).await;
    match payer.send(prepared, fresh_key()).await {
        Err(WalletError::AlreadyPaid | WalletError::UnderWay | WalletError::Refused(_)) => {}
        Ok(Payment { state: PaymentState::Failed { .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(balance(&*payer).await, had);
}
