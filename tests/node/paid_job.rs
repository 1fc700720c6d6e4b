//! A job for money, from quote to answer, and everything that can come between.

use std::sync::Arc;

use nostr_sdk::prelude::*;
use pylon_hud::domain::job::{Fact, JobState, Payment};
use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::{NodeCommand, NodeEvent, NodeState, Scope};
use pylon_hud::store::Reader;
use pylon_hud::wallet::practice::{PracticeOptions, PracticeWallet};
use pylon_hud::wallet::{IdempotencyKey, InvoiceRequest, Wallet as _, bolt11};

use crate::common::{Buyer, Market, Running, Scripted, tag};
use crate::purse::Purse;

const PAY_FIRST: &[&str] = &["provider.policy=\"pay-first\"", "provider.min_price=3000", "provider.in_rate=0", "provider.out_rate=0"];

async fn online(market: &Market, model: Arc<Scripted>, purse: &Arc<Purse>, settings: &[&str]) -> Running {
    let mut options = market.options(model, &[PAY_FIRST, settings].concat());
    options.wallet = Some(purse.clone());
    let node = Running::launch(options);
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    node
}

/// The invoice of a `payment-required`.
async fn offer(buyer: &mut Buyer, job: EventId) -> String {
    let event = buyer.next(job).await;
    assert_eq!((event.kind, tag(&event, "status").as_deref()), (Kind::from(7000), Some("payment-required")));
    let amount = event.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").unwrap();
    let invoice = bolt11::decode(&amount[2]).unwrap();
    assert_eq!(invoice.amount.map(|amount| amount.0.to_string()).as_deref(), Some(amount[1].as_str()), "tag and invoice agree");
    amount[2].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_quoted_paid_run_and_delivered_once() {
    let market = Market::new().await;
    let (model, purse) = (Scripted::quick(&["Hello."]), Purse::new());
    let node = online(&market, model.clone(), &purse, &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    node.job_in(job, JobState::Quoted).await;
    assert_eq!(model.runs(), 0, "nothing is done for nothing");
    // Told three times, it still is one payment.
    purse.pay(&invoice, 3);
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "Hello.");
    let detail = node.job_in(job, JobState::Done).await;
    assert_eq!((detail.record.payment, detail.record.price), (Payment::Received, MilliSats(3_000)));
    let facts: Vec<_> = detail.journal.iter().filter_map(|row| row.fact).collect();
    assert_eq!(facts, [Fact::Quoted, Fact::PaymentSettled, Fact::Started, Fact::AnswerStored, Fact::Delivered]);
    assert_eq!(model.runs(), 1);
    let sums = Reader::open(&market.paths.ledger).unwrap().money().unwrap();
    assert_eq!((sums.received, sums.owed), (MilliSats(3_000), MilliSats(0)));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_that_runs_out_is_paid_late_and_served_all_the_same() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Late."]), &purse, &["provider.quote_secs=60"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    node.job_in(job, JobState::Quoted).await;
    // The next start is an hour later: the quote has run out, and then money comes.
    node.stop();
    let mut options = market.options(Scripted::quick(&["Late."]), PAY_FIRST);
    let later = pylon_hud::clock::Clock::default();
    options.clock = pylon_hud::clock::Clock::new(move || later.now().plus_ms(3_600_000));
    options.wallet = Some(purse.clone());
    let node = Running::launch(options);
    node.done(NodeCommand::Start).await;
    node.job_in(job, JobState::Expired).await;
    purse.pay(&invoice, 1);
    node.job_in(job, JobState::Done).await;
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "Late.");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_private_mode_a_job_paid_for_after_a_restart_is_owed_back_because_nobody_kept_its_text() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Gone."]), &purse, &["provider.store_text=false"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "A secret.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    node.job_in(job, JobState::Quoted).await;
    node.stop();
    let node = online(&market, Scripted::quick(&["Gone."]), &purse, &["provider.store_text=false"]).await;
    purse.pay(&invoice, 1);
    let detail = node.job_in(job, JobState::RefundDue).await;
    assert_eq!(detail.record.reason_code.as_deref(), Some("text-not-kept"));
    assert_eq!(detail.record.prompt, None);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_nobody_heard_of_is_found_in_the_wallets_list_after_a_restart() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Found."]), &purse, &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    node.job_in(job, JobState::Quoted).await;
    node.stop();
    purse.settle_silently(&invoice);
    let node = online(&market, Scripted::quick(&["Found."]), &purse, &[]).await;
    node.job_in(job, JobState::Done).await;
    let (result, statuses) = buyer.result(job).await;
    assert_eq!(result.content, "Found.");
    assert!(statuses.iter().filter(|status| *status == "payment-required").count() <= 1, "the same quote again at most: {statuses:?}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_job_that_fails_is_owed_back_and_said_so() {
    let market = Market::new().await;
    let purse = Purse::new();
    let error = pylon_hud::inference::InferenceError::Protocol { backend: "scripted".into(), detail: "nonsense".into() };
    let node = online(&market, Scripted::broken(error), &purse, &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    purse.pay(&invoice, 1);
    node.wait("a fault about money", |report| match &report.event {
        NodeEvent::Fault { fault } if fault.scope == Scope::Wallet => Some(()),
        _ => None,
    })
    .await;
    node.job_in(job, JobState::RefundDue).await;
    assert_eq!(Reader::open(&market.paths.ledger).unwrap().money().unwrap().owed, MilliSats(3_000));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_first_goes_out_with_its_invoice_and_is_settled_afterwards() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["First."]), &purse, &["provider.policy=\"result-first\""]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let (result, _) = buyer.result(job).await;
    assert_eq!(result.content, "First.");
    let amount = result.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").unwrap();
    node.job_in(job, JobState::AwaitingPayment).await;
    purse.pay(&amount[2], 2);
    node.job_in(job, JobState::Settled).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bid_below_the_price_and_a_wallet_that_is_off_are_said_to_the_buyer() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Hello."]), &purse, &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let provider = market.provider().to_hex();
    let job = buyer.request(&[&["i", "Say hello.", "text"], &["p", &provider], &["bid", "1000"]], "").await;
    let refusal = buyer.next(job).await;
    assert_eq!(tag(&refusal, "status").as_deref(), Some("error"));
    assert!(refusal.as_json().contains("the price is 3 sats"), "{}", refusal.as_json());
    purse.break_down(true);
    let job = buyer.request(&[&["i", "While it is off.", "text"]], "").await;
    let refusal = buyer.next(job).await;
    assert_eq!(tag(&refusal, "status").as_deref(), Some("error"));
    let detail = node.job_in(job, JobState::Failed).await;
    assert_eq!(detail.record.reason_code.as_deref(), Some("no-invoice"));
    purse.break_down(false);
    let job = buyer.request(&[&["i", "Now it is on.", "text"]], "").await;
    offer(&mut buyer, job).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_buyer_cannot_fill_the_till_with_unpaid_invoices() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Hello."]), &purse, &["provider.per_buyer_open_quotes=2"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let provider = market.provider().to_hex();
    let mut first = None;
    for number in 0..2 {
        let job = buyer.request(&[&["i", &format!("Number {number}."), "text"], &["p", &provider]], "").await;
        first.get_or_insert((job, offer(&mut buyer, job).await));
    }
    let job = buyer.request(&[&["i", "One more.", "text"], &["p", &provider]], "").await;
    assert_eq!(tag(&buyer.next(job).await, "status").as_deref(), Some("error"));
    // Paid, it makes room for another.
    let (paid, invoice) = first.unwrap();
    purse.pay(&invoice, 1);
    node.job_in(paid, JobState::Done).await;
    let job = buyer.request(&[&["i", "And now.", "text"], &["p", &provider]], "").await;
    offer(&mut buyer, job).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_the_buyer_calls_off_is_owed_back_if_it_is_paid_all_the_same() {
    let market = Market::new().await;
    let purse = Purse::new();
    let node = online(&market, Scripted::quick(&["Hello."]), &purse, &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let invoice = offer(&mut buyer, job).await;
    node.done(NodeCommand::CancelJob { job: job.to_hex() }).await;
    purse.pay(&invoice, 1);
    node.job_in(job, JobState::RefundDue).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_for_a_failed_job_goes_back_once_and_both_wallets_agree() {
    let market = Market::new().await;
    let error = pylon_hud::inference::InferenceError::Protocol { backend: "scripted".into(), detail: "nonsense".into() };
    let node = Running::launch(market.options(Scripted::broken(error), PAY_FIRST));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    let purse = tempfile::tempdir().unwrap();
    let options = PracticeOptions { opening_balance: MilliSats(50_000), ..PracticeOptions::new(purse.path(), market.relay.url()) };
    let purse = PracticeWallet::open(options).await.unwrap();
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let offer = offer(&mut buyer, job).await;
    let prepared = purse.prepare(offer).await.unwrap();
    assert!(purse.send(prepared, IdempotencyKey([1; 16])).await.unwrap().is_settled());
    node.job_in(job, JobState::RefundDue).await;
    assert_eq!(purse.snapshot().await.unwrap().balance, MilliSats(47_000));
    // Not an invoice over another amount.
    let ask = |amount| InvoiceRequest { amount: MilliSats(amount), description: "my money".into(), expiry_secs: 600 };
    let refund = |invoice: String| NodeCommand::Refund { job: job.to_hex(), to: Some(invoice) };
    let wrong = purse.invoice(ask(4_000)).await.unwrap();
    assert!(matches!(node.call(refund(wrong.bolt11)).await, NodeEvent::Failed { .. }));
    let invoice = purse.invoice(ask(3_000)).await.unwrap();
    match node.call(refund(invoice.bolt11.clone())).await {
        NodeEvent::Payment { payment } => assert!(payment.is_settled(), "{payment:?}"),
        event => panic!("{event:?}"),
    }
    node.job_in(job, JobState::Refunded).await;
    // Asked again, with the same invoice or another: nothing more is owed.
    let another = purse.invoice(ask(3_000)).await.unwrap();
    for bolt11 in [invoice.bolt11, another.bolt11] {
        assert!(matches!(node.call(refund(bolt11)).await, NodeEvent::Failed { .. }));
    }
    assert_eq!(purse.snapshot().await.unwrap().balance, MilliSats(50_000));
    let sums = Reader::open(&market.paths.ledger).unwrap().money().unwrap();
    assert_eq!((sums.received, sums.refunded, sums.owed), (MilliSats(3_000), MilliSats(3_000), MilliSats(0)));
    let findings = match node.call(NodeCommand::Doctor).await {
        NodeEvent::Doctor { findings } => findings,
        event => panic!("{event:?}"),
    };
    let money = findings.iter().find(|finding| finding.check == "money").unwrap();
    assert_eq!(money.message, "The ledger's 2 settled payments are the wallet's, to the millisat.");
    let view = node.status_where(|status| status.wallet.as_ref().is_some_and(|wallet| wallet.snapshot.balance == MilliSats(0))).await;
    assert_eq!(view.wallet.unwrap().kind, "practice");
    node.stop();
}
