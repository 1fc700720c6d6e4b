//! Money that goes back to a buyer who only left a Lightning address.

use std::sync::Arc;

use nostr_sdk::prelude::{EventBuilder, Metadata, Timestamp};
use pylon_hud::domain::job::JobState;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::inference::InferenceError;
use pylon_hud::node::{NodeCommand, NodeEvent, NodeState};
use pylon_hud::wallet::practice::{PracticeOptions, PracticeWallet};
use pylon_hud::wallet::{IdempotencyKey, InvoiceRequest, Wallet as _};
use tokio::net::TcpListener;

use crate::common::{Buyer, Market, Running, Scripted, tag};
use crate::ollama::{read_request, respond};

const PAY_FIRST: &[&str] = &["provider.policy=\"pay-first\"", "provider.min_price=3000", "provider.in_rate=0", "provider.out_rate=0"];

/// A Lightning address on this machine, whose money goes to this purse. Asks `too_much` msats more than it is told to.
async fn address(purse: Arc<PracticeWallet>, too_much: u64) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let address = format!("me@{host}");
    let server = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(path) = read_request(&mut stream).await else { continue };
            let body = match path.split_once("amount=") {
                None if path == "/.well-known/lnurlp/me" => serde_json::json!({
                    "tag": "payRequest", "callback": format!("http://{host}/pay?x=1"), "minSendable": 1_000, "maxSendable": 9_000, "metadata": "[]",
                }),
                None => serde_json::json!({ "status": "ERROR", "reason": "nobody has this name" }),
                Some((_, amount)) => {
                    let amount = MilliSats(amount.parse::<u64>().unwrap() + too_much);
                    let invoice = purse.invoice(InvoiceRequest { amount, description: String::new(), expiry_secs: 600 }).await.unwrap();
                    serde_json::json!({ "pr": invoice.bolt11, "routes": [] })
                }
            };
            respond(&mut stream, &body.to_string()).await;
        }
    });
    (address, server)
}

/// A buyer whose job was paid and failed, and its purse.
async fn owed(market: &Market, node: &Running, buyer: &mut Buyer) -> (String, Arc<PracticeWallet>, tempfile::TempDir) {
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    let dir = tempfile::tempdir().unwrap();
    let options = PracticeOptions { opening_balance: MilliSats(50_000), ..PracticeOptions::new(dir.path(), market.relay.url()) };
    let purse = Arc::new(PracticeWallet::open(options).await.unwrap());
    let job = buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    let quote = buyer.next(job).await;
    assert_eq!(tag(&quote, "status").as_deref(), Some("payment-required"));
    let offer = quote.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").unwrap()[2].clone();
    let prepared = purse.prepare(offer).await.unwrap();
    assert!(purse.send(prepared, IdempotencyKey([1; 16])).await.unwrap().is_settled());
    node.job_in(job, JobState::RefundDue).await;
    (job.to_hex(), purse, dir)
}

fn broken() -> Arc<Scripted> {
    Scripted::broken(InferenceError::Protocol { backend: "scripted".into(), detail: "nonsense".into() })
}

async fn refused(node: &Running, job: &str, to: Option<String>) -> String {
    match node.call(NodeCommand::Refund { job: job.to_owned(), to }).await {
        NodeEvent::Failed { failure } => format!("{} {}", failure.message, failure.hints.join(" ")),
        event => panic!("{event:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_finds_the_lightning_address_in_the_buyers_profile() {
    let market = Market::new().await;
    let node = Running::launch(market.options(broken(), PAY_FIRST));
    let mut buyer = Buyer::connect(&market.relay).await;
    let (job, purse, _dir) = owed(&market, &node, &mut buyer).await;
    // No profile yet.
    assert!(refused(&node, &job, None).await.contains("pylon jobs refund"));
    let (liar, _server) = address(Arc::clone(&purse), 1_000).await;
    assert!(refused(&node, &job, Some(liar.clone())).await.contains("4000"));
    assert!(refused(&node, &job, Some(liar.replace("me@", "you@"))).await.contains("nobody has this name"));
    assert_eq!(purse.snapshot().await.unwrap().balance, MilliSats(47_000));

    // The same profile is found as often as it is looked for.
    let wrong = EventBuilder::metadata(&Metadata::new().lud16(liar)).custom_created_at(Timestamp::now() - 10u64);
    buyer.client.send_event_builder(wrong).await.unwrap();
    for look in ["first", "second"] {
        let words = refused(&node, &job, None).await;
        assert!(words.contains("4000"), "the {look} look: {words}");
    }

    let (honest, _server) = address(Arc::clone(&purse), 0).await;
    buyer.client.send_event_builder(EventBuilder::metadata(&Metadata::new().lud16(honest))).await.unwrap();
    match node.call(NodeCommand::Refund { job: job.clone(), to: None }).await {
        NodeEvent::Payment { payment } => assert!(payment.is_settled(), "{payment:?}"),
        event => panic!("{event:?}"),
    }
    assert_eq!(purse.snapshot().await.unwrap().balance, MilliSats(50_000));
    refused(&node, &job, None).await;
    assert_eq!(purse.snapshot().await.unwrap().balance, MilliSats(50_000));
    node.stop();
}
