//! Paying over a wire that loses things, with wallets that misbehave.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::*;
use crate::domain::payment::PaymentState;
use crate::wallet::{IdempotencyKey, Prepared};

/// Somebody who does not wait long.
fn impatient(options: NwcOptions) -> NwcOptions {
    NwcOptions { patience: Duration::from_millis(300), ..options }
}

/// The payer's wallet answers nothing within the payer's patience.
async fn impatient_payer(traits: Traits) -> Nwc {
    Nwc::open(traits, impatient).await
}

const QUIET: Traits = Traits { ciphers: &[Cipher::Nip44], refuses: None, has_info: true, notifies: false, copies: 1, network: "regtest" };

impl Nwc {
    async fn prepared(&self, description: &str) -> Prepared {
        let invoice = self.ask(description).await;
        self.payer.prepare(invoice.bolt11).await.unwrap()
    }

    async fn send(&self, prepared: &Prepared, key: IdempotencyKey) -> Result<Payment, WalletError> {
        self.payer.send(prepared.clone(), key).await
    }

    fn requests(&self) -> usize {
        self.their_payer().count("pay_invoice")
    }

    /// Sends, and waits for the end that is told if there is none yet.
    async fn ended(&self, prepared: &Prepared) -> Payment {
        let mut events = self.payer.events();
        let payment = self.send(prepared, fresh_key()).await.unwrap();
        if payment.is_pending() { told(&mut events, &prepared.invoice).await } else { payment }
    }
}

#[tokio::test]
async fn a_payment_without_an_answer_stays_pending_and_is_not_asked_for_again() {
    let nwc = impatient_payer(Traits::default()).await;
    nwc.their_payer().set("pay_invoice", Manner::Silent);
    let (prepared, key) = (nwc.prepared("lost on the way").await, fresh_key());
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending());
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending(), "the same intention");
    assert_eq!(nwc.send(&prepared, fresh_key()).await.unwrap_err(), WalletError::UnderWay, "another one has to wait");
    assert!(nwc.payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_pending());
    let listed = nwc.payer.payments(Default::default()).await.unwrap().payments;
    assert!(listed.len() == 1 && listed[0].is_pending(), "{listed:?}");
    let nwc = nwc.restart().await;
    nwc.their_payer().set("pay_invoice", Manner::Good);
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending(), "also after a restart");
    assert_eq!(nwc.requests(), 1);
    assert_eq!(nwc.payer.snapshot().await.unwrap().balance, FUNDS);
}

#[tokio::test]
async fn an_unanswered_payment_has_failed_when_the_invoice_is_over_and_the_wallet_knows_of_none() {
    static AHEAD: AtomicU64 = AtomicU64::new(0);
    let clock = || Clock::new(|| Clock::default().now().plus_ms(AHEAD.load(Ordering::SeqCst)));
    let nwc = Nwc::open(QUIET, impatient).await;
    nwc.payer.close().await;
    let options = NwcOptions { clock: clock(), ..impatient(options(nwc.their_payer(), nwc.dirs.1.path())) };
    let payer = NwcWallet::open(options).await.unwrap();
    nwc.their_payer().set("pay_invoice", Manner::Silent);
    let invoice = nwc.ask("too late").await;
    let mut events = payer.events();
    let prepared = payer.prepare(invoice.bolt11.clone()).await.unwrap();
    assert!(payer.send(prepared, fresh_key()).await.unwrap().is_pending());
    AHEAD.store(2 * 3600 * 1000, Ordering::SeqCst);
    let payment = told(&mut events, &invoice).await;
    assert!(matches!(&payment.state, PaymentState::Failed { reason } if reason.contains("expired")), "{payment:?}");
    assert_eq!(payer.payment(invoice.hash).await.unwrap(), Some(payment));
}

#[tokio::test]
async fn a_payment_the_wallet_gave_up_on_is_pending_for_as_long_as_its_record_is() {
    let nwc = impatient_payer(QUIET).await;
    nwc.their_payer().set("pay_invoice", Manner::GivesUp);
    let (prepared, key) = (nwc.prepared("held by the payee").await, fresh_key());
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending());
    let looked = nwc.their_payer().count("lookup_invoice");
    nwc.their_payer().heard("lookup_invoice", looked + 2).await;
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending(), "it is looked at, and not called failed");
    let mut events = nwc.payer.events();
    nwc.bank.pay(1, &prepared.invoice.bolt11).unwrap();
    assert!(told(&mut events, &prepared.invoice).await.is_settled());
    assert_eq!(nwc.requests(), 1);
}

#[tokio::test]
async fn a_wallet_without_records_that_says_failed_is_taken_by_its_word() {
    let nwc = wallets().await;
    nwc.their_payer().set("pay_invoice", Manner::No("PAYMENT_FAILED"));
    let prepared = nwc.prepared("no way").await;
    nwc.their_payer().set("lookup_invoice", Manner::No("NOT_IMPLEMENTED"));
    let failed = nwc.ended(&prepared).await;
    assert!(matches!(&failed.state, PaymentState::Failed { reason } if reason == "because"), "{failed:?}");
}

#[tokio::test]
async fn an_unanswered_payment_stays_pending_when_the_wallet_has_no_records_of_payments() {
    static AHEAD: AtomicU64 = AtomicU64::new(0);
    let nwc = Nwc::open(QUIET, impatient).await;
    nwc.payer.close().await;
    let clock = Clock::new(|| Clock::default().now().plus_ms(AHEAD.load(Ordering::SeqCst)));
    let payer = NwcWallet::open(NwcOptions { clock, ..impatient(options(nwc.their_payer(), nwc.dirs.1.path())) }).await.unwrap();
    nwc.their_payer().set("pay_invoice", Manner::Silent);
    nwc.their_payer().set("list_transactions", Manner::No("NOT_IMPLEMENTED"));
    let (prepared, key) = (payer.prepare(nwc.ask("held by the payee").await.bolt11).await.unwrap(), fresh_key());
    assert!(payer.send(prepared.clone(), key).await.unwrap().is_pending());
    AHEAD.store(2 * 3600 * 1000, Ordering::SeqCst);
    let asked = nwc.their_payer().count("list_transactions");
    nwc.their_payer().heard("list_transactions", asked + 2).await;
    assert!(payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_pending(), "nobody knows, so nobody says");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_made_up_for_by_the_wallets_record() {
    let nwc = impatient_payer(QUIET).await;
    for manner in [Manner::Lost, Manner::Garbage, Manner::Unclear] {
        nwc.their_payer().set("pay_invoice", manner);
        let before = nwc.requests();
        let prepared = nwc.prepared("paid, and nobody said so").await;
        let payment = nwc.ended(&prepared).await;
        assert!(payment.is_settled() && payment.preimage.is_some(), "{manner:?}: {payment:?}");
        assert_eq!(payment.fee.0, bank::FEE);
        assert_eq!(nwc.requests(), before + 1, "{manner:?}");
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_is_made_up_for_by_a_notification() {
    let nwc = Nwc::open(Traits::default(), |options| options).await;
    nwc.their_payer().set("pay_invoice", Manner::Lost);
    nwc.their_payer().set("lookup_invoice", Manner::No("NOT_IMPLEMENTED"));
    let prepared = nwc.prepared("told by itself").await;
    assert!(nwc.send(&prepared, fresh_key()).await.unwrap().is_settled());
}

#[tokio::test]
async fn a_payment_that_was_answered_while_we_were_closed_is_found_settled() {
    let nwc = impatient_payer(QUIET).await;
    nwc.their_payer().set("pay_invoice", Manner::Lost);
    let (prepared, key) = (nwc.prepared("meanwhile").await, fresh_key());
    nwc.their_payer().set("lookup_invoice", Manner::Silent);
    assert!(nwc.send(&prepared, key).await.unwrap().is_pending());
    nwc.payer.close().await;
    nwc.their_payer().set("lookup_invoice", Manner::Good);
    let nwc = nwc.restart().await;
    let mut events = nwc.payer.events();
    let payment = match nwc.send(&prepared, key).await.unwrap() {
        payment if payment.is_pending() => told(&mut events, &prepared.invoice).await,
        payment => payment,
    };
    assert!(payment.is_settled(), "{payment:?}");
    assert_eq!(nwc.requests(), 1);
}

#[tokio::test]
async fn a_wallet_with_no_records_is_taken_by_its_word() {
    let nwc = wallets().await;
    nwc.their_payer().set("lookup_invoice", Manner::No("NOT_IMPLEMENTED"));
    let payment = nwc.ended(&nwc.prepared("no records").await).await;
    assert!(payment.is_settled() && payment.preimage.is_some() && payment.description == "no records", "{payment:?}");
}

#[tokio::test]
async fn each_no_has_its_name_and_leaves_the_key_free() {
    let nwc = Nwc::open(QUIET, |options| options).await;
    let (prepared, key) = (nwc.prepared("refused first").await, fresh_key());
    for (code, is_named) in [
        ("QUOTA_EXCEEDED", (|error| matches!(error, WalletError::Budget(_))) as fn(&WalletError) -> bool),
        ("INSUFFICIENT_BALANCE", |error| matches!(error, WalletError::Insufficient { needed: 31_000, available: 1_000_000 })),
        ("RESTRICTED", |error| matches!(error, WalletError::NotAllowed(words) if words.contains("allow it"))),
        ("UNAUTHORIZED", |error| matches!(error, WalletError::Refused(words) if words.contains("pylon wallet connect"))),
        ("RATE_LIMITED", |error| matches!(error, WalletError::Refused(words) if words.contains("too often"))),
        ("NOT_IMPLEMENTED", |error| matches!(error, WalletError::Unsupported(_))),
    ] {
        nwc.their_payer().set("pay_invoice", Manner::No(code));
        let error = nwc.send(&prepared, key).await.unwrap_err();
        assert!(is_named(&error), "{code}: {error:?}");
        assert_eq!(nwc.payer.payment(prepared.invoice.hash).await.unwrap(), None);
    }
    nwc.their_payer().set("pay_invoice", Manner::Good);
    assert!(nwc.send(&prepared, key).await.unwrap().is_settled(), "the same intention, once the wallet is willing");
    let methods = nwc.their_payer().methods();
    let again = methods.iter().rposition(|method| method == "pay_invoice").unwrap();
    assert_eq!(methods[again - 1], "lookup_invoice", "what was tried before is looked up before it is tried again");
}

#[tokio::test]
async fn a_failed_payment_is_a_record_and_another_intention_may_try_again() {
    let nwc = impatient_payer(QUIET).await;
    nwc.their_payer().set("pay_invoice", Manner::Fails);
    let (prepared, key) = (nwc.prepared("no way").await, fresh_key());
    let failed = nwc.send(&prepared, key).await.unwrap();
    assert!(matches!(&failed.state, PaymentState::Failed { reason } if reason == "no route"), "{failed:?}");
    nwc.their_payer().set("pay_invoice", Manner::Silent);
    assert_eq!(nwc.send(&prepared, key).await.unwrap(), failed, "this one has ended");
    // The wallet's record of the first try is no news of the second.
    let second = fresh_key();
    assert!(nwc.send(&prepared, second).await.unwrap().is_pending());
    let looked = nwc.their_payer().count("lookup_invoice");
    nwc.their_payer().heard("lookup_invoice", looked + 3).await;
    assert!(nwc.send(&prepared, second).await.unwrap().is_pending());
    assert_eq!(nwc.requests(), 2);
}

#[tokio::test]
async fn a_payment_that_was_called_failed_is_settled_when_the_money_has_gone_after_all() {
    let nwc = Nwc::open(Traits::default(), impatient).await;
    nwc.their_payer().set("pay_invoice", Manner::Fails);
    let (prepared, key) = (nwc.prepared("not so sure").await, fresh_key());
    let mut events = nwc.payer.events();
    assert!(matches!(nwc.send(&prepared, key).await.unwrap().state, PaymentState::Failed { .. }));
    assert!(!told(&mut events, &prepared.invoice).await.is_settled());
    nwc.bank.pay(1, &prepared.invoice.bolt11).unwrap();
    assert!(told(&mut events, &prepared.invoice).await.is_settled());
    let nwc = nwc.restart().await;
    assert!(nwc.payer.payment(prepared.invoice.hash).await.unwrap().unwrap().is_settled());
    assert!(nwc.send(&prepared, key).await.unwrap().is_settled());
    assert_eq!(nwc.requests(), 1);
}

#[tokio::test]
async fn an_invoice_that_others_have_paid_is_settled_by_the_record_and_not_paid_again() {
    let nwc = Nwc::open(QUIET, |options| options).await;
    let prepared = nwc.prepared("paid by another program").await;
    nwc.bank.pay(1, &prepared.invoice.bolt11).unwrap();
    let left = nwc.bank.balance(1);
    assert!(nwc.send(&prepared, fresh_key()).await.unwrap().is_settled());
    assert_eq!(nwc.bank.balance(1), left);
    assert_eq!(nwc.payer.prepare(prepared.invoice.bolt11).await.unwrap_err(), WalletError::AlreadyPaid);
}

#[tokio::test]
async fn what_a_stranger_answers_is_nothing() {
    let nwc = wallets().await;
    nwc.their_payer().set("pay_invoice", Manner::Forged);
    let payment = nwc.ended(&nwc.prepared("forged").await).await;
    assert!(payment.is_settled(), "{payment:?}");
}

#[tokio::test]
async fn what_never_left_was_not_paid_and_the_key_is_free() {
    let nwc = impatient_payer(Traits::default()).await;
    let (prepared, key) = (nwc.prepared("nobody there").await, fresh_key());
    nwc.payer.close().await;
    let nowhere = options(nwc.their_payer(), nwc.dirs.1.path());
    let text = format!("nostr+walletconnect://{}?relay=ws://127.0.0.1:9&secret={}", nowhere.connection.wallet(), "1".repeat(64));
    let nowhere = NwcOptions { connection: Connection::parse(&text.into()).unwrap(), network: Network::Regtest, ..impatient(nowhere) };
    let payer = NwcWallet::open(NwcOptions { hello: Duration::ZERO, answer: Duration::from_millis(500), patience: PATIENCE, ..nowhere })
        .await
        .unwrap();
    let error = payer.send(prepared.clone(), key).await.unwrap_err();
    assert!(matches!(&error, WalletError::Unreachable(why) if why.contains("127.0.0.1:9")), "{error:?}");
    payer.close().await;
    let payer = NwcWallet::open(options(nwc.their_payer(), nwc.dirs.1.path())).await.unwrap();
    assert!(payer.send(prepared, key).await.unwrap().is_settled());
}

#[tokio::test]
async fn a_guess_at_the_fee_says_that_it_is_one() {
    let nwc = wallets().await;
    let prepared = nwc.prepared("what will it cost?").await;
    assert_eq!(prepared.fee.0, 10_000);
    assert!(prepared.warnings[0].contains("10 sats") && prepared.warnings[0].contains("guess"), "{:?}", prepared.warnings);
}

#[tokio::test]
async fn the_records_are_one_wallets_at_a_time_and_closed_to_others() {
    let nwc = wallets().await;
    let path = nwc.dirs.1.path().join("nwc.jsonl");
    let second = NwcWallet::open(options(nwc.their_payer(), nwc.dirs.1.path())).await.unwrap_err();
    assert!(second.to_string().contains("in use already"), "{second}");
    let records = std::fs::read_to_string(&path).unwrap();
    assert!(records.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    #[cfg(unix)]
    assert_eq!(crate::config::open_to_others(&std::fs::metadata(&path).unwrap()), None);
}
