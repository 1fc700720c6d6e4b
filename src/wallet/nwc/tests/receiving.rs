//! Being paid, and what a wallet says of itself.

use serde_json::json;

use super::*;
use crate::domain::money::MilliSats;
use crate::wallet::{InvoiceRequest, PaymentsQuery, SyncState};

#[tokio::test]
async fn a_notification_that_comes_twice_is_told_once() {
    let nwc = Nwc::open(Traits { copies: 3, ..Traits::default() }, |options| options).await;
    let mut events = nwc.payee.events();
    let first = nwc.ask("first").await;
    let second = nwc.ask("second").await;
    nwc.bank.pay(1, &first.bolt11).unwrap();
    nwc.bank.pay(1, &second.bolt11).unwrap();
    let mut told = Vec::new();
    while !told.contains(&Some(second.hash)) {
        if let WalletEvent::Payment(payment) = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap().unwrap() {
            told.push(payment.hash);
        }
    }
    assert_eq!(told, [Some(first.hash), Some(second.hash)]);
}

#[tokio::test]
async fn a_payment_whose_notification_is_lost_is_found_all_the_same() {
    // It promises to tell, and nothing it tells arrives.
    let nwc = Nwc::open(Traits { copies: 0, ..Traits::default() }, |options| options).await;
    let invoice = nwc.ask("nobody told us").await;
    let mut events = nwc.payee.events();
    nwc.bank.pay(1, &invoice.bolt11).unwrap();
    assert!(told(&mut events, &invoice).await.is_settled());
}

#[tokio::test]
async fn what_was_paid_while_nobody_listened_is_told_at_the_next_start() {
    let nwc = wallets().await;
    let invoice = nwc.ask("meanwhile").await;
    nwc.payee.close().await;
    nwc.bank.pay(1, &invoice.bolt11).unwrap();
    nwc.services.0.set("lookup_invoice", Manner::Silent);
    let options = NwcOptions { hello: Duration::ZERO, ..options(&nwc.services.0, nwc.dirs.0.path()) };
    let opening = NwcWallet::open(options);
    nwc.services.0.set("lookup_invoice", Manner::Good);
    let payee = opening.await.unwrap();
    let payment = told(&mut payee.events(), &invoice).await;
    assert!(payment.is_settled(), "{payment:?}");
}

#[tokio::test]
async fn methods_nobody_knows_and_an_unknown_network_are_no_fault() {
    let nwc = Nwc::open(Traits { network: "the moon", ..Traits::default() }, |options| options).await;
    assert_eq!(nwc.payee.network(), Network::Mainnet, "nobody has said otherwise");
    nwc.ask("says it").await;
    assert_eq!(nwc.payee.network(), Network::Regtest, "its own invoices say it");
    assert!(nwc.payee.snapshot().await.unwrap().source.starts_with("Scripted"));
    let nwc = nwc.restart().await;
    assert_eq!(nwc.payee.network(), Network::Regtest, "and so it was");
    assert_eq!(nwc.payer.network(), Network::Mainnet);
    let invoice = ask(&*nwc.payer, MilliSats(1000), "says it, later").await;
    assert_eq!((invoice.network, nwc.payer.network()), (Network::Regtest, Network::Regtest));
}

#[tokio::test]
async fn a_wallet_that_refuses_the_cipher_it_has_named_is_asked_with_the_other() {
    let nwc = Nwc::open(Traits { refuses: Some(Cipher::Nip44), ..Traits::default() }, |options| options).await;
    assert_eq!(nwc.payer.network(), Network::Regtest);
    let invoice = nwc.ask("the other one").await;
    let prepared = nwc.payer.prepare(invoice.bolt11).await.unwrap();
    assert!(nwc.payer.send(prepared, fresh_key()).await.unwrap().is_settled());
}

#[tokio::test]
async fn a_long_history_is_listed_whole_however_it_is_paged() {
    const COUNT: usize = 45;
    let nwc = wallets().await;
    for _ in 0..COUNT {
        let record = nwc.bank.make(0, &json!({ "amount": 1000 }));
        nwc.bank.pay(1, record["invoice"].as_str().unwrap()).unwrap();
    }
    for wallet in [&nwc.payee, &nwc.payer] {
        let all = wallet.payments(PaymentsQuery { before: None, limit: 1000 }).await.unwrap();
        assert_eq!((all.payments.len(), all.next), (COUNT, None));
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = wallet.payments(PaymentsQuery { before, limit: 20 }).await.unwrap();
            paged.extend(page.payments);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(paged, all.payments);
    }
}

#[tokio::test]
async fn a_wallet_without_an_info_event_is_used_whatever_cipher_it_knows() {
    for ciphers in [&[Cipher::Nip04] as &'static [Cipher], &[Cipher::Nip44]] {
        let traits = Traits { has_info: false, notifies: false, ciphers, ..Traits::default() };
        let relay = PracticeRelay::start().await.unwrap();
        let service = Service::start(relay.url(), &Arc::new(Bank::new([FUNDS.0, 0])), 0, traits).await;
        let dir = tempfile::tempdir().unwrap();
        let options = NwcOptions { answer: Duration::from_secs(1), hello: Duration::ZERO, ..options(&service, dir.path()) };
        let wallet = NwcWallet::open(options).await.unwrap();
        let reading = async {
            loop {
                if let Ok(snapshot) = wallet.snapshot().await {
                    return snapshot;
                }
            }
        };
        let snapshot = tokio::time::timeout(PATIENCE, reading).await.unwrap();
        assert_eq!(snapshot.balance, FUNDS, "{ciphers:?}");
    }
}

#[tokio::test]
async fn a_wallet_that_does_not_answer_leaves_its_last_balance_with_the_reason() {
    let nwc = Nwc::open(Traits::default(), |options| NwcOptions { answer: Duration::from_secs(1), ..options }).await;
    let known = nwc.payer.snapshot().await.unwrap();
    assert_eq!(known.sync, SyncState::Synced);
    for manner in [Manner::Silent, Manner::Garbage] {
        nwc.their_payer().set("get_balance", manner);
        let old = nwc.payer.snapshot().await.unwrap();
        assert_eq!((old.balance, old.as_of), (known.balance, known.as_of));
        assert!(matches!(&old.sync, SyncState::Unreachable { reason } if reason.contains("answer")), "{old:?}");
    }
    nwc.their_payer().set("get_balance", Manner::No("RESTRICTED"));
    assert!(matches!(nwc.payer.snapshot().await, Err(WalletError::NotAllowed(_))), "a no is no silence");
}

#[tokio::test]
async fn an_invoice_that_never_came_is_said_to_be_missing() {
    let nwc = Nwc::open(Traits::default(), |options| NwcOptions { answer: Duration::from_secs(1), ..options }).await;
    let request = || InvoiceRequest { amount: MilliSats(1000), description: "x".into(), expiry_secs: 60 };
    for manner in [Manner::Silent, Manner::Garbage] {
        nwc.their_payer().set("make_invoice", manner);
        assert!(matches!(nwc.payer.invoice(request()).await, Err(WalletError::Unreachable(_))), "{manner:?}");
    }
    nwc.their_payer().set("make_invoice", Manner::No("NOT_IMPLEMENTED"));
    assert_eq!(nwc.payer.invoice(request()).await.unwrap_err(), WalletError::Unsupported("making invoices"));
}

#[tokio::test]
async fn what_another_program_of_the_same_wallet_receives_is_told_as_well() {
    let nwc = wallets().await;
    let mut events = nwc.payee.events();
    let record = nwc.bank.make(0, &json!({ "amount": 5000, "description": "elsewhere" }));
    let invoice = crate::wallet::bolt11::decode(record["invoice"].as_str().unwrap()).unwrap();
    nwc.bank.pay(1, &invoice.bolt11).unwrap();
    assert_eq!(told(&mut events, &invoice).await.amount, MilliSats(5000));
    assert_eq!(nwc.payee.prepare(invoice.bolt11).await.unwrap_err(), WalletError::OwnInvoice, "the wallet says whose it is");
}

#[tokio::test]
async fn a_wallet_opens_without_its_relay_and_works_once_it_is_there() {
    let nwc = wallets().await;
    nwc.payer.close().await;
    let Nwc { relay, dirs, services, .. } = nwc;
    let dead = options(&services.1, dirs.1.path());
    relay.shutdown();
    let payer = NwcWallet::open(NwcOptions { hello: Duration::ZERO, answer: Duration::from_millis(200), ..dead }).await.unwrap();
    assert!(matches!(payer.snapshot().await, Err(WalletError::Unreachable(_))));
    assert_eq!(payer.network(), Network::Regtest, "as it was said before");
    payer.close().await;
}
