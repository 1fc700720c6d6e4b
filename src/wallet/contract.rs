//! What holds for every wallet, as tests. A wallet's own tests give a pair of connected wallets and write
//! `wallet_contract!(pair)`, where `pair` is an `async fn() -> impl Pair`; each rule becomes a test of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod crafted;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::sync::broadcast;

use super::bolt11::InvoiceError;
use super::*;
use crate::domain::payment::{Direction, PaymentState};

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
            // What is told; what is lost is found by asking.
            let _ = events.recv().await;
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
            let _ = events.recv().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

async fn balance(wallet: &dyn Wallet) -> u64 {
    wallet.snapshot().await.unwrap().balance.0
}

async fn everything(wallet: &dyn Wallet) -> Vec<Payment> {
    wallet.payments(PaymentsQuery { before: None, limit: 1000 }).await.unwrap().payments
}

/// The decoded invoice has the asked amount, expiry and description, and the wallet's network.
pub async fn an_invoice_is_what_was_asked_for(pair: impl Pair) {
    let payee = pair.payee();
    let request = InvoiceRequest { amount: PRICE, description: "a job, Größe ✓".into(), expiry_secs: 600 };
    let invoice = payee.invoice(request).await.unwrap();
    assert_eq!(bolt11::decode(&invoice.bolt11).unwrap(), invoice);
    assert_eq!(invoice.amount, Some(PRICE));
    assert_eq!(invoice.network, payee.network());
    assert_eq!(invoice.description, "a job, Größe ✓");
    assert_eq!(invoice.expires_at, invoice.created_at.plus_ms(600_000));
    let another = ask(&*payee, PRICE, "a job").await;
    assert_ne!(another.hash, invoice.hash, "each has a secret of its own");
}

/// Nothing is made over nothing, and a description that does not fit is not cut in secret.
pub async fn an_invoice_that_cannot_be_is_refused(pair: impl Pair) {
    let payee = pair.payee();
    let nothing = InvoiceRequest { amount: MilliSats(0), description: String::new(), expiry_secs: 600 };
    assert!(matches!(payee.invoice(nothing).await, Err(WalletError::Amount { .. })));
    let long = InvoiceRequest { amount: PRICE, description: "x".repeat(5000), expiry_secs: 600 };
    assert!(payee.invoice(long).await.is_err());
}

/// Every reason not to pay has its name, and looking costs nothing.
pub async fn prepare_names_each_reason_and_moves_nothing(pair: impl Pair) {
    use InvoiceError as Bad;
    let (payee, payer) = (pair.payee(), pair.payer());
    let before = payer.snapshot().await.unwrap();
    let refusal = async |text: String| payer.prepare(text).await.expect_err("refused");
    for text in ["", "lnbc1", "not an invoice", &"x".repeat(100_000)] {
        assert!(matches!(refusal(text.to_owned()).await, WalletError::Invoice(Bad::Malformed(_))), "{text:.20}");
    }
    let good = ask(&*payee, PRICE, "good").await;
    let mut broken = good.bolt11.clone();
    let last = broken.pop().unwrap();
    broken.push(if last == 'q' { 'p' } else { 'q' });
    assert!(matches!(refusal(broken).await, WalletError::Invoice(Bad::Malformed(_))));
    let network = payer.network();
    for other in [Network::Practice, Network::Regtest, Network::Testnet, Network::Mainnet] {
        if other != network {
            let wrong = refusal(crafted::invoice(other, Some(PRICE), 0)).await;
            assert_eq!(wrong, WalletError::Invoice(Bad::WrongNetwork { found: other, wanted: network }));
        }
    }
    assert_eq!(refusal(crafted::invoice(network, None, 0)).await, WalletError::Invoice(Bad::NoAmount));
    assert_eq!(refusal(crafted::invoice(network, Some(MilliSats(0)), 0)).await, WalletError::Invoice(Bad::ZeroAmount));
    assert!(matches!(refusal(crafted::invoice(network, Some(PRICE), 7200)).await, WalletError::Invoice(Bad::Expired(_))));
    let own = ask(&*payer, PRICE, "own").await;
    assert_eq!(refusal(own.bolt11).await, WalletError::OwnInvoice);
    let much = ask(&*payee, MilliSats(before.balance.0 + 1_000), "too much").await;
    assert!(matches!(refusal(much.bolt11).await, WalletError::Insufficient { .. }));
    let prepared = payer.prepare(format!("lightning:{}", good.bolt11)).await.unwrap();
    assert_eq!((prepared.amount, prepared.invoice.hash), (PRICE, good.hash));
    let after = payer.snapshot().await.unwrap();
    assert_eq!((after.balance, after.pending_out), (before.balance, before.pending_out));
    assert!(everything(&*payer).await.is_empty());
}

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
        Err(WalletError::AlreadyPaid | WalletError::Refused(_)) => {}
        Ok(Payment { state: PaymentState::Failed { .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(balance(&*payer).await, had);
}

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
