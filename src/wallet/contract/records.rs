//! The rules about what a wallet tells and remembers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::domain::payment::Direction;

/// Whoever listens hears of the payment, on either side.
pub async fn both_sides_are_told(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let (in_events, out_events) = (payee.events(), payer.events());
    let invoice = ask(&*payee, PRICE, "told").await;
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    payer.send(prepared, fresh_key()).await.unwrap();
    let told = async |mut events: broadcast::Receiver<WalletEvent>| loop {
        if let WalletEvent::Payment(payment) = events.recv().await.unwrap()
            && payment.hash == Some(invoice.hash)
            && payment.is_settled()
        {
            return *payment;
        }
    };
    let both = async { (told(in_events).await, told(out_events).await) };
    let (into, out) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!((into.direction, out.direction), (Direction::In, Direction::Out));
    assert_eq!(payee.payment(invoice.hash).await.unwrap(), Some(into), "what is told is on the record");
    assert_eq!(payer.payment(invoice.hash).await.unwrap(), Some(out));
}

/// Page by page as all at once: newest first, none twice, none missing.
pub async fn the_list_has_every_payment_once_newest_first(pair: impl Pair) {
    const COUNT: usize = 7;
    let (payee, payer) = (pair.payee(), pair.payer());
    let mut hashes = Vec::new();
    for number in 0..COUNT {
        let invoice = ask(&*payee, PRICE, &format!("job {number}")).await;
        pay(&*payer, &invoice, fresh_key()).await;
        arrived(&*payee, invoice.hash).await;
        hashes.push(Some(invoice.hash));
    }
    hashes.reverse();
    for wallet in [payee, payer] {
        let all = everything(&*wallet).await;
        let found = all.iter().map(|payment| payment.hash).collect::<Vec<_>>();
        if all.windows(2).all(|pair| pair[0].created_at > pair[1].created_at) {
            assert_eq!(found, hashes);
        } else {
            // Some wallets know seconds only; then payments of one second may stand in any order.
            assert!(hashes.iter().all(|hash| found.contains(hash)) && found.len() == COUNT);
            assert!(all.windows(2).all(|pair| pair[0].created_at >= pair[1].created_at));
        }
        for limit in [1, 2, 3, 7, 100] {
            let (mut pages, mut before) = (Vec::new(), None);
            loop {
                let page = wallet.payments(PaymentsQuery { before, limit }).await.unwrap();
                assert!(page.payments.len() <= limit as usize);
                pages.extend(page.payments);
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(pages, all, "{limit} a page");
        }
    }
}

/// An invoice is no payment before somebody pays it.
pub async fn a_lookup_knows_payments_and_nothing_else(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let invoice = ask(&*payee, PRICE, "a job").await;
    for wallet in [&payee, &payer] {
        assert_eq!(wallet.payment(PaymentHash([7; 32])).await.unwrap(), None);
        assert_eq!(wallet.payment(invoice.hash).await.unwrap(), None);
    }
    pay(&*payer, &invoice, fresh_key()).await;
    assert_eq!(payer.payment(invoice.hash).await.unwrap().unwrap().direction, Direction::Out);
    assert_eq!(arrived(&*payee, invoice.hash).await.direction, Direction::In);
}

/// What is on the records is there afterwards.
pub async fn balances_survive_a_restart(pair: impl Pair) {
    let invoice = ask(&*pair.payee(), PRICE, "a job").await;
    pay(&*pair.payer(), &invoice, fresh_key()).await;
    arrived(&*pair.payee(), invoice.hash).await;
    let unpaid = ask(&*pair.payee(), PRICE, "later").await;
    let of = async |pair: &_| {
        let (payee, payer) = (Pair::payee(pair), Pair::payer(pair));
        (balance(&*payee).await, balance(&*payer).await, everything(&*payee).await, everything(&*payer).await)
    };
    let before = of(&pair).await;
    let pair = pair.restart().await;
    assert_eq!(of(&pair).await, before);
    pay(&*pair.payer(), &unpaid, fresh_key()).await;
    arrived(&*pair.payee(), unpaid.hash).await;
}

/// After the end every question has the same answer.
pub async fn a_closed_wallet_says_so(pair: impl Pair) {
    let (payee, payer) = (pair.payee(), pair.payer());
    let invoice = ask(&*payee, PRICE, "a job").await;
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    payer.close().await;
    payer.close().await;
    let request = InvoiceRequest { amount: PRICE, description: String::new(), expiry_secs: 60 };
    assert_eq!(payer.snapshot().await.unwrap_err(), WalletError::Closed);
    assert_eq!(payer.invoice(request).await.unwrap_err(), WalletError::Closed);
    assert_eq!(payer.prepare(invoice.bolt11.clone()).await.unwrap_err(), WalletError::Closed);
    assert_eq!(payer.send(prepared, fresh_key()).await.unwrap_err(), WalletError::Closed);
    assert_eq!(payer.payment(invoice.hash).await.unwrap_err(), WalletError::Closed);
    assert_eq!(payer.payments(PaymentsQuery::default()).await.unwrap_err(), WalletError::Closed);
}
