//! The test job, the robot buyer, and the practice market's host.

use std::collections::HashMap;

use nostr_sdk::EventId;
use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::{JobId, RequestId};
use pylon_hud::domain::job::JobState;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Ask, Leaving, Market as Where, NodeCommand, NodeEvent, NodeOptions, NodeState, Report, RobotKind, Scope, TestStep};
use pylon_hud::practice::Host;

use crate::common::{Market, PATIENCE, Running, Scripted, soon};

const START: NodeCommand = NodeCommand::StartRobot { robot: RobotKind::Buyer };
const STOP: NodeCommand = NodeCommand::StopRobot { robot: RobotKind::Buyer };

fn test(prompt: &str) -> NodeCommand {
    NodeCommand::TestJob { prompt: prompt.into() }
}

fn step(report: &Report, id: RequestId) -> Option<TestStep> {
    match &report.event {
        NodeEvent::Testing { step } if report.id == Some(id) => Some(step.clone()),
        NodeEvent::Failed { failure } if report.id == Some(id) => panic!("{failure:?}"),
        _ => None,
    }
}

fn failure(event: NodeEvent) -> pylon_hud::node::Failure {
    match event {
        NodeEvent::Failed { failure } => failure,
        event => panic!("{event:?}"),
    }
}

/// The next job that is done.
async fn next_done(node: &Running) -> JobId {
    node.wait("a job that is done", |report| match &report.event {
        NodeEvent::JobChanged { job } if job.state == JobState::Done => Some(job.id),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_job_goes_out_through_the_relay_and_its_answer_comes_back() {
    let market = Market::new().await;
    let model = Scripted::slow(&["One", " two", " three"]);
    let node = market.online(model.clone(), &[]).await;
    let id = node.ask(test("Count."));
    let asked = node.wait("the request to be taken", |report| step(report, id)).await;
    let TestStep::Asked { job, relay } = asked else { panic!("{asked:?}") };
    assert_eq!(relay, market.relay.url());
    // A second one would only wait behind the first.
    assert_eq!(failure(node.call(test("Me too.")).await).message, "A test job is already under way.");
    model.leave.add_permits(1);
    let partial = node.wait("a piece", |report| step(report, id)).await;
    assert_eq!(partial, TestStep::Partial { text: "One".into() });
    model.leave.add_permits(2);
    let answered = node.wait("the answer", |report| step(report, id).filter(|step| !matches!(step, TestStep::Partial { .. }))).await;
    assert!(matches!(&answered, TestStep::Answered { job: same, text, .. } if *same == job && text == "One two three"), "{answered:?}");
    let kept = node.job_in(EventId::from_byte_array(job.0), JobState::Done).await;
    assert_eq!(kept.record.prompt.as_deref(), Some("Count."));
    assert_ne!(kept.record.buyer.to_string(), market.provider().to_hex(), "a stranger asks");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_socket_hears_every_step_of_its_test_job() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Hello", " there."]), &[]).await;
    let path = market.paths.control_sock.clone();
    let steps = tokio::task::spawn_blocking(move || {
        let mut client = ControlClient::connect(&path).unwrap();
        let id = client.ask(test("Hello?")).unwrap();
        let mut steps = Vec::new();
        while !matches!(steps.last(), Some(TestStep::Answered { .. })) {
            steps.extend(step(&client.next(Some(PATIENCE)).unwrap(), id));
        }
        steps
    });
    let steps = steps.await.unwrap();
    assert!(matches!(steps.first(), Some(TestStep::Asked { .. })), "{steps:?}");
    assert!(steps.iter().any(|step| matches!(step, TestStep::Partial { .. })), "{steps:?}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_takes_no_jobs_refuses_to_test_itself() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&["Hi."]), &[]));
    let refused = |event| assert_eq!(failure(event).hints, ["Go online first."]);
    refused(node.call(test("Hello?")).await);
    node.done(NodeCommand::Start).await;
    refused(node.call(test("Hello?")).await);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_job_ends_in_words_when_the_node_cannot_answer_or_stops() {
    let market = Market::new().await;
    let model = Scripted::slow(&["never"]);
    let node = market.online(model, &["provider.models={ other = { enabled = false } }"]).await;
    let id = node.ask(test("Hello?"));
    node.wait("the request to be taken", |report| step(report, id)).await;
    node.done(NodeCommand::Stop { how: Leaving::Now }).await;
    node.done(NodeCommand::Start).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_robot_buys_plain_and_encrypted_in_turn_until_told_to_stop() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&["Bought."]), &[]));
    assert!(!failure(node.call(START).await).hints.is_empty(), "nobody to buy from");
    node.done(NodeCommand::Start).await;
    // It waits until there is somebody to buy from.
    node.done(START).await;
    node.done(START).await;
    assert!(node.status().await.robot_buyer);
    node.done(NodeCommand::GoOnline).await;
    let mut schemes = HashMap::new();
    for _ in 0..2 {
        let id = EventId::from_byte_array(next_done(&node).await.0);
        *schemes.entry(node.job_in(id, JobState::Done).await.record.scheme).or_insert(0) += 1;
    }
    assert_eq!(schemes, [("plain".to_owned(), 1), ("nip44".to_owned(), 1)].into());
    node.done(STOP).await;
    node.done(STOP).await;
    assert!(!node.status().await.robot_buyer);
    node.done(START).await;
    next_done(&node).await;
    node.done(NodeCommand::Stop { how: Leaving::Now }).await;
    assert!(!node.status().await.robot_buyer);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_robot_tells_why_it_got_no_answer() {
    let market = Market::new().await;
    let error = pylon_hud::inference::InferenceError::Protocol { backend: "scripted".into(), detail: "nonsense".into() };
    let node = market.online(Scripted::broken(error), &[]).await;
    node.done(START).await;
    let fault = node
        .wait("a fault", |report| match &report.event {
            NodeEvent::Fault { fault } if fault.scope == Scope::Provider => Some(fault.clone()),
            _ => None,
        })
        .await;
    assert!(fault.message.starts_with("The robot buyer got no answer: the provider refused"), "{}", fault.message);
    assert!(!fault.hint.is_empty());
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_robot_seller_answers_a_request_that_is_paid_for() {
    let market = Market::new().await;
    let options = market.options(Scripted::quick(&["Mine."]), &[]);
    let node = Running::launch(NodeOptions { play_money: MilliSats(5_000), ..options });
    node.done(NodeCommand::Start).await;
    let seller = RobotKind::Seller;
    node.done(NodeCommand::StartRobot { robot: seller }).await;
    node.done(NodeCommand::StartRobot { robot: seller }).await;
    assert!(node.status().await.robot_seller);
    let ask = Ask { prompt: "Sell me a word.".into(), auto_pay: Some(AutoPay::First), ..Ask::default() };
    node.call(NodeCommand::Submit { ask: Box::new(ask) }).await;
    let bought = node
        .wait("an answer that is paid for", |report| match &report.event {
            NodeEvent::PurchaseChanged { purchase } if purchase.state == PurchaseState::Done => Some(purchase.clone()),
            _ => None,
        })
        .await;
    assert_eq!(bought.paid, MilliSats(2_000));
    assert_ne!(bought.provider.map(|provider| provider.0), Some(market.provider().to_bytes()));
    node.done(NodeCommand::StopRobot { robot: seller }).await;
    assert!(!node.status().await.robot_seller);
    // At once: the first one may not have left yet.
    node.done(NodeCommand::StartRobot { robot: seller }).await;
    let ask = Ask { prompt: "And another.".into(), auto_pay: Some(AutoPay::First), ..Ask::default() };
    node.call(NodeCommand::Submit { ask: Box::new(ask) }).await;
    node.wait("another answer", |report| match &report.event {
        NodeEvent::PurchaseChanged { purchase } if purchase.state == PurchaseState::Done && purchase.id != bought.id => Some(()),
        NodeEvent::Fault { fault } => panic!("{fault:?}"),
        _ => None,
    })
    .await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_robot_in_the_real_market() {
    let market = Market::new().await;
    let node = Running::launch(NodeOptions { market: Where::Real, ..market.options(Scripted::quick(&[]), &[]) });
    node.done(NodeCommand::Start).await;
    for command in [START, STOP] {
        assert_eq!(failure(node.call(command).await).message, "Robots exist in practice mode only.");
    }
    node.stop();
}

#[test]
fn a_host_opens_a_market_for_whoever_has_no_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path()).for_practice();
    let (host, mut options) = Host::open(NodeOptions::new(paths, Environment::default())).unwrap();
    options.overrides.push("backends.ollama.url=\"http://127.0.0.1:9\"".parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let node = Running::launch(options);
        node.done(NodeCommand::GoOnline).await;
        let status = node.status_where(|status| status.state == NodeState::Online).await;
        assert_eq!(status.npub, Some(host.identity().npub()));
        node.done(START).await;
        next_done(&node).await;
        node.stop();
    });
    let address = host.relay().url().trim_start_matches("ws://").to_owned();
    drop(host);
    // Its listener goes a moment after it.
    runtime.block_on(soon("the relay to be gone", async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }));
}

#[tokio::test]
async fn a_host_may_be_opened_and_dropped_inside_another_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let options = NodeOptions::new(Paths::at(dir.path()).for_practice(), Environment::default());
    let (host, options) = Host::open(options).unwrap();
    assert_eq!(options.market, Where::Practice);
    drop(host);
}
