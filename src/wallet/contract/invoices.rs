//! The rules about asking for money.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use super::*;
use crate::wallet::bolt11::InvoiceError;

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
