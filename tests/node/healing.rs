//! What goes wrong under a running node: it says so, takes nothing new, and comes back by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use nostr_sdk::prelude::*;
use pylon_hud::clock::Clock;
use pylon_hud::domain::job::{JobState, Payment};
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::payment::Network;
use pylon_hud::domain::time::{Pace, UnixMs};
use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Finding, Leaving, NodeCommand, NodeEvent, NodeOptions, NodeState, NodeStatus, Paces, Verdict};
use pylon_hud::store::{FaultPoint, Reader, StoreError};
use pylon_hud::wallet::WalletError;

use crate::common::{Buyer, Market, PATIENCE, Running, Scripted, soon, stored, tag};
use crate::front::Front;
use crate::purse::Purse;

const PAY_FIRST: &[&str] = &["provider.policy=\"pay-first\"", "provider.min_price=3000", "provider.in_rate=0", "provider.out_rate=0"];
/// As long as all is well, nothing is looked at without a reason; in doubt, at once.
const SOON: Duration = Duration::from_millis(5);
const PACES: Paces = Paces { wallet: Pace { calm: Duration::from_secs(3_600), doubt: SOON }, clock: CLOCK, ledger: SOON };
/// A clock that is set by somebody says nothing: it has to be looked at while all is well.
const CLOCK: Pace = Pace::always(Duration::from_millis(50));

fn selling(market: &Market, model: Arc<Scripted>, purse: &Arc<Purse>) -> NodeOptions {
    let options = market.options(model, PAY_FIRST);
    NodeOptions { wallet: Some(purse.clone()), paces: PACES, ..options }
}

/// A disk under the ledger that is full when the test says so.
#[derive(Clone, Default)]
struct Disk(Arc<AtomicBool>);

impl Disk {
    fn fill(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn free(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn fault(&self) -> Option<FaultPoint> {
        let full = Arc::clone(&self.0);
        Some(Arc::new(move || if full.load(Ordering::SeqCst) { Err(StoreError::DiskFull) } else { Ok(()) }))
    }
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
    let paces = Paces { wallet: Pace::always(SOON), ..PACES };
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
    let paces = Paces { wallet: Pace::always(SOON), ..PACES };
    let node = online(NodeOptions { paces, ..selling(&market, Scripted::quick(&["Hello."]), &purse) }).await;
    soon("some looks", purse.is_asked(4)).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let (job, invoice) = quoted(&mut buyer, "Say hello.").await;
    purse.pay(&invoice, 1);
    buyer.result(job).await;
    well(&node).await;
    // Nobody is told that there is no wallet.
    let open = node.status().await.open_wallet.unwrap();
    assert_eq!((open.kind.as_str(), open.network, open.hides_balance), ("test", Network::Practice, true));
    let NodeEvent::Failed { failure } = node.call(NodeCommand::Wallet).await else { panic!("it has no balance to tell") };
    assert!(failure.message.contains("does not tell"), "{failure:?}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_a_full_disk_has_room_again_everything_goes_on_from_the_ledger() {
    let market = Market::new().await;
    let (model, purse, disk) = (Scripted::slow(&["Hello."]), Purse::new(), Disk::default());
    let options = NodeOptions { disk: disk.fault(), ..selling(&market, model.clone(), &purse) };
    let node = online(options).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    ads(&buyer, &market, 1).await;
    let (running, invoice) = quoted(&mut buyer, "Say hello.").await;
    let (waiting, other) = quoted(&mut buyer, "Say it again.").await;
    node.job_in(waiting, JobState::Quoted).await;
    purse.pay(&invoice, 1);
    model.is_asked().await;
    let before = node.status().await;

    disk.fill();
    // Its answer cannot be kept, so nobody gets it.
    model.leave.add_permits(1);
    let status = degraded(&node, "ledger").await;
    assert!(status.running && status.blockers[0].message.contains("The disk is full"), "{:?}", status.blockers);
    ads(&buyer, &market, 0).await;
    purse.pay(&other, 1);
    let unheard = buyer.request(&[&["i", "Does anybody listen?", "text"]], "").await;
    assert_eq!(node.status().await.state, NodeState::Degraded);

    disk.free();
    model.leave.add_permits(10);
    let status = well(&node).await;
    assert_eq!(status.started_at, before.started_at, "it is the same node");
    for job in [running, waiting] {
        let (result, _) = buyer.result(job).await;
        assert_eq!(result.content, "Hello.");
        assert_eq!(node.job_in(job, JobState::Done).await.record.payment, Payment::Received);
    }
    node.job_in(unheard, JobState::Quoted).await;
    ads(&buyer, &market, 1).await;
    assert_eq!(model.runs(), 3, "one answer was lost with the disk");
    let sums = Reader::open(&market.paths.ledger).unwrap().money().unwrap();
    assert_eq!((sums.received, sums.owed), (MilliSats(6_000), MilliSats(0)));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_taken_offline_while_its_disk_is_full_stays_offline() {
    let market = Market::new().await;
    let (model, purse, disk) = (Scripted::slow(&["Hello."]), Purse::new(), Disk::default());
    let options = NodeOptions { disk: disk.fault(), ..selling(&market, model.clone(), &purse) };
    let node = online(options).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let (_, invoice) = quoted(&mut buyer, "Say hello.").await;
    purse.pay(&invoice, 1);
    model.is_asked().await;
    let (waits, invoice) = quoted(&mut buyer, "Say it again.").await;
    purse.pay(&invoice, 1);
    node.job_in(waits, JobState::Paid).await;
    disk.fill();
    model.leave.add_permits(1);
    degraded(&node, "ledger").await;
    // One waits for its turn, which does not come: going offline does not wait for it.
    node.done(NodeCommand::GoOffline { how: Leaving::Finish }).await;
    let status = node.status().await;
    assert_eq!((status.state, codes(&status)), (NodeState::Offline, vec!["ledger"]), "the reason is still there");
    disk.free();
    node.status_where(|status| status.blockers.is_empty() && status.state == NodeState::Offline).await;
    model.leave.add_permits(10);
    // Paid work is done all the same.
    node.status_where(|status| status.done == 2).await;
    assert_eq!(node.status().await.state, NodeState::Offline);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_cannot_be_begun_anew_still_answers_and_tries_again() {
    let market = Market::new().await;
    let (purse, disk) = (Purse::new(), Disk::default());
    let options = market.options_with_file(Scripted::quick(&["Hello."]), PAY_FIRST);
    let node = online(NodeOptions { wallet: Some(purse.clone()), disk: disk.fault(), paces: PACES, ..options }).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let good = std::fs::read_to_string(&market.paths.config_toml).unwrap();
    disk.fill();
    buyer.request(&[&["i", "Say hello.", "text"]], "").await;
    degraded(&node, "ledger").await;
    std::fs::write(&market.paths.config_toml, "relays.urls = 7\n").unwrap();
    disk.free();
    let says = |status: &NodeStatus| status.blockers.first().is_some_and(|blocker| blocker.message.contains("relays.urls"));
    node.status_where(says).await;
    let socket = market.paths.control_sock.clone();
    let told = tokio::task::spawn_blocking(move || ControlClient::connect(&socket).unwrap().call(NodeCommand::Status, PATIENCE).unwrap());
    match told.await.unwrap() {
        NodeEvent::Status { status } => assert!(status.running && says(&status), "{status:?}"),
        event => panic!("{event:?}"),
    }
    std::fs::write(&market.paths.config_toml, good).unwrap();
    well(&node).await;
    quoted(&mut buyer, "Say hello.").await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_off_by_most_relays_keeps_requests_out_until_it_is_set() {
    let market = Market::new().await;
    let fronts = [Front::of(market.relay.url()).await, Front::of(market.relay.url()).await, Front::of(market.relay.url()).await];
    let urls = fronts.each_ref().map(|front| format!("\"{}\"", front.url)).join(",");
    let options = market.options(Scripted::quick(&["Hello."]), &["provider.policy=\"free\"", &format!("relays.urls=[{urls}]")]);
    fronts[0].set_ahead(-9_000);
    let behind_ms = Arc::new(AtomicI64::new(0));
    let (right, hands) = (Clock::default(), Arc::clone(&behind_ms));
    let clock = Clock::new(move || UnixMs(right.now().0 - hands.load(Ordering::SeqCst)));
    let node = online(NodeOptions { paces: PACES, clock, ..options }).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    ads(&buyer, &market, 1).await;
    soon("every clock to be known", async { while !clocks(&node).await.iter().all(Option::is_some) {} }).await;
    assert_eq!(well(&node).await.trouble.clock, None, "one relay alone may be wrong itself");
    assert_eq!(clock_finding(&node).await.verdict, Verdict::Good);

    behind_ms.store(300_000, Ordering::SeqCst);
    let status = degraded(&node, "clock").await;
    let message = &status.blockers[0].message;
    assert!(message.contains("s behind 2 of 3 relays"), "{message}");
    assert!((299..=301).contains(&status.trouble.clock.unwrap().behind_secs), "{message}");
    assert_eq!(clock_finding(&node).await.verdict, Verdict::Bad);
    ads(&buyer, &market, 0).await;
    let provider = market.provider().to_hex();
    let job = buyer.request(&[&["i", "What time is it?", "text"], &["p", &provider]], "").await;
    let refusal = buyer.next(job).await;
    assert!(refusal.as_json().contains("This provider's clock is wrong"), "{}", refusal.as_json());
    assert_eq!(node.job_in(job, JobState::Refused).await.record.reason_code.as_deref(), Some("clock-off"));

    behind_ms.store(0, Ordering::SeqCst);
    well(&node).await;
    ads(&buyer, &market, 1).await;
    let job = buyer.request(&[&["i", "And now?", "text"]], "").await;
    buyer.result(job).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_clock_is_ahead_when_it_begins_hears_what_is_asked_now_and_when_the_clock_is_set() {
    let market = Market::new().await;
    let front = Front::of(market.relay.url()).await;
    let options = market.options(Scripted::quick(&["Hello."]), &["provider.policy=\"free\"", &format!("relays.urls=[\"{}\"]", front.url)]);
    let ahead_ms = Arc::new(AtomicI64::new(86_400_000));
    let (right, hands) = (Clock::default(), Arc::clone(&ahead_ms));
    let clock = Clock::new(move || UnixMs(right.now().0 + hands.load(Ordering::SeqCst)));
    let node = Running::launch(NodeOptions { paces: PACES, clock, ..options });
    node.done(NodeCommand::Start).await;
    node.done(NodeCommand::GoOnline).await;
    degraded(&node, "clock").await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let provider = market.provider().to_hex();
    let job = buyer.request(&[&["i", "What time is it?", "text"], &["p", &provider]], "").await;
    let refusal = soon("a refusal", buyer.next(job)).await;
    assert!(refusal.as_json().contains("This provider's clock is wrong"), "{}", refusal.as_json());

    ahead_ms.store(0, Ordering::SeqCst);
    well(&node).await;
    let job = buyer.request(&[&["i", "And now?", "text"]], "").await;
    soon("an answer", buyer.result(job)).await;
    node.stop();
}

async fn clocks(node: &Running) -> Vec<Option<i64>> {
    match node.call(NodeCommand::Relays).await {
        NodeEvent::Relays { relays } => relays.iter().map(|relay| relay.clock_ahead_secs).collect(),
        event => panic!("{event:?}"),
    }
}

async fn clock_finding(node: &Running) -> Finding {
    match node.call(NodeCommand::Doctor).await {
        NodeEvent::Doctor { findings } => findings.into_iter().find(|finding| finding.check == "clock").unwrap(),
        event => panic!("{event:?}"),
    }
}
