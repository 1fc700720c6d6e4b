//! What goes wrong under a running node: it says so, takes nothing new, and comes back by itself.

use std::sync::Arc;
use std::time::Duration;

use nostr_sdk::prelude::*;
use pylon_hud::domain::job::{JobState, Payment};
use pylon_hud::domain::time::Pace;
use pylon_hud::node::{NodeCommand, NodeOptions, NodeState, NodeStatus, Paces};
use pylon_hud::wallet::WalletError;

use crate::common::{Buyer, Market, Running, Scripted, soon, stored, tag};
use crate::purse::Purse;

const PAY_FIRST: &[&str] = &["provider.policy=\"pay-first\"", "provider.min_price=3000", "provider.in_rate=0", "provider.out_rate=0"];
/// As long as all is well, nothing is looked at without a reason; in doubt, at once.
const PACE: Pace = Pace { calm: Duration::from_secs(3_600), doubt: Duration::from_millis(5) };

fn selling(market: &Market, model: Arc<Scripted>, purse: &Arc<Purse>) -> NodeOptions {
    let options = market.options(model, PAY_FIRST);
    NodeOptions { wallet: Some(purse.clone()), paces: Paces { wallet: PACE }, ..options }
}

async fn online(options: NodeOptions) -> Running {
    let node = Running::launch(options);
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    node
}

fn codes(status: &NodeStatus) -> Vec<&str> {
    status.blockers.iter().map(|blocker| blocker.code.as_str()).collect()
}

async fn degraded(node: &Running, code: &str) -> NodeStatus {
    node.status_where(|status| status.state == NodeState::Degraded && codes(status) == [code]).await
}

async fn well(node: &Running) -> NodeStatus {
    node.status_where(|status| status.state == NodeState::Online && status.blockers.is_empty()).await
}

/// Until the relay holds as many ads of this provider.
async fn ads(buyer: &Buyer, market: &Market, count: usize) {
    let filter = Filter::new().kind(Kind::from(31_990)).author(market.provider());
    soon("the ad to come or go", async { while stored(buyer, filter.clone()).await.len() != count {} }).await;
}

/// The invoice for a job that is taken.
async fn quoted(buyer: &mut Buyer, prompt: &str) -> (EventId, String) {
    let job = buyer.request(&[&["i", prompt, "text"]], "").await;
    let offer = buyer.next(job).await;
    assert_eq!(tag(&offer, "status").as_deref(), Some("payment-required"), "{}", offer.as_json());
    let invoice = offer.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").unwrap()[2].clone();
    (job, invoice)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_wallet_is_away_paid_jobs_go_on_and_new_ones_are_refused() {
    let market = Market::new().await;
    let (model, purse) = (Scripted::slow(&["Hello."]), Purse::new());
    let node = online(selling(&market, model.clone(), &purse)).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    ads(&buyer, &market, 1).await;
    let (running, invoice) = quoted(&mut buyer, "Say hello.").await;
    purse.pay(&invoice, 1);
    model.is_asked().await;

    purse.go_away(Some(WalletError::Unreachable("nobody there".into())));
    // The first job that gets no invoice gives it away.
    let job = buyer.request(&[&["i", "Me too.", "text"]], "").await;
    node.job_in(job, JobState::Failed).await;
    let status = degraded(&node, "wallet").await;
    assert!(status.blockers[0].message.contains("nobody there"), "{:?}", status.blockers);
    ads(&buyer, &market, 0).await;
    let provider = market.provider().to_hex();
    let job = buyer.request(&[&["i", "And me.", "text"], &["p", &provider]], "").await;
    assert_eq!(node.job_in(job, JobState::Refused).await.record.reason_code.as_deref(), Some("wallet-away"));
    let refusal = buyer.next(job).await;
    assert!(refusal.as_json().contains("cannot take payments at the moment"), "{}", refusal.as_json());
    model.leave.add_permits(10);
    let (result, _) = buyer.result(running).await;
    assert_eq!(result.content, "Hello.");
    assert_eq!(node.job_in(running, JobState::Done).await.record.payment, Payment::Received);

    purse.go_away(None);
    well(&node).await;
    ads(&buyer, &market, 1).await;
    quoted(&mut buyer, "Once more.").await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_fails_to_answer_once_is_no_trouble() {
    let market = Market::new().await;
    let purse = Purse::new();
    let paces = Paces { wallet: Pace::always(Duration::from_millis(5)) };
    let node = online(NodeOptions { paces, ..selling(&market, Scripted::quick(&[]), &purse) }).await;
    soon("a hiccup", purse.hiccup()).await;
    soon("two more looks", purse.is_asked(2)).await;
    let status = node.status().await;
    assert_eq!((status.state, status.trouble.wallet), (NodeState::Online, None));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_that_may_not_tell_its_balance_takes_money_all_the_same() {
    let market = Market::new().await;
    let purse = Purse::new();
    purse.hide_balance();
    let paces = Paces { wallet: Pace::always(Duration::from_millis(5)) };
    let node = online(NodeOptions { paces, ..selling(&market, Scripted::quick(&["Hello."]), &purse) }).await;
    soon("some looks", purse.is_asked(4)).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let (job, invoice) = quoted(&mut buyer, "Say hello.").await;
    purse.pay(&invoice, 1);
    buyer.result(job).await;
    well(&node).await;
    node.stop();
}
