//! Starting, stopping, and what stands in the way.

use pylon_hud::domain::job::JobState;
use pylon_hud::node::{FailureKind, Leaving, NodeCommand, NodeEvent, NodeState, Scope};

use crate::common::{Buyer, Market, Running, Scripted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launched_node_is_stopped_and_touches_nothing() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    let status = node.status().await;
    assert_eq!((status.running, status.state), (false, NodeState::Stopped));
    assert!(!market.paths.lock.exists() && !market.paths.ledger.exists() && !market.paths.control_sock.exists());
    assert!(matches!(node.call(NodeCommand::Jobs { query: Default::default() }).await, NodeEvent::Jobs { page } if page.rows.is_empty()));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_node_on_the_same_directory_is_refused_with_who_holds_it() {
    let market = Market::new().await;
    let first = market.online(Scripted::quick(&[]), &[]).await;
    let second = Running::launch(market.options(Scripted::quick(&[]), &[]));
    match second.call(NodeCommand::Start).await {
        NodeEvent::Failed { failure } => {
            assert_eq!(failure.kind, FailureKind::User);
            assert!(failure.message.contains(&std::process::id().to_string()), "{}", failure.message);
        }
        event => panic!("{event:?}"),
    }
    assert_eq!(second.status().await.state, NodeState::Stopped);
    first.done(NodeCommand::Stop { how: Leaving::Finish }).await;
    second.done(NodeCommand::Start).await;
    second.stop();
    first.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_an_identity_says_how_to_make_one() {
    let market = Market::new().await;
    std::fs::remove_file(&market.paths.identity_mnemonic).unwrap();
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    match node.call(NodeCommand::GoOnline).await {
        NodeEvent::Failed { failure } => assert!(format!("{failure:?}").contains("pylon init"), "{failure:?}"),
        event => panic!("{event:?}"),
    }
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_payment_without_a_wallet_is_refused_and_nothing_becomes_free() {
    let market = Market::new().await;
    let node = Running::launch(market.real_options(Scripted::quick(&[]), &["provider.policy=\"pay-first\""]));
    match node.call(NodeCommand::GoOnline).await {
        NodeEvent::Failed { failure } => {
            assert!(failure.message.contains("wallet"), "{failure:?}");
            assert!(failure.hints.iter().any(|hint| hint.contains("provider.policy free")), "{failure:?}");
        }
        event => panic!("{event:?}"),
    }
    assert_eq!(node.status().await.state, NodeState::Offline);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_model_the_node_is_degraded_and_says_so() {
    let market = Market::new().await;
    let mut options = market.options(Scripted::quick(&[]), &[]);
    options.extra_backends.clear();
    let node = Running::launch(options);
    node.done(NodeCommand::GoOnline).await;
    let status = node.status_where(|status| status.state == NodeState::Degraded).await;
    assert_eq!(status.blockers.iter().map(|blocker| blocker.code.as_str()).collect::<Vec<_>>(), ["no-model"]);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patient_stop_waits_for_the_job_and_a_hurried_one_does_not_wait_for_it() {
    let market = Market::new().await;
    let model = Scripted::slow(&["slow"]);
    let node = market.online(model.clone(), &[]).await;
    let buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Take your time.", "text"]], "").await;
    node.job_in(job, JobState::Running).await;
    let patient = node.ask(NodeCommand::Stop { how: Leaving::Finish });
    // The node still answers, and still works.
    assert_eq!(node.status_where(|status| status.state == NodeState::Draining).await.in_flight, 1);
    node.done(NodeCommand::Stop { how: Leaving::Now }).await;
    node.wait("the patient stop's answer", |report| (report.id == Some(patient)).then_some(())).await;
    assert_eq!(node.status().await.state, NodeState::Stopped);
    // What was dropped is finished by the next start.
    model.leave.add_permits(9);
    node.done(NodeCommand::Start).await;
    node.job_in(job, JobState::Done).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_setting_is_kept_and_named() {
    let market = Market::new().await;
    let text = "[provider]\nmin_prise = 3\npolicy = \"free\"\n";
    std::fs::write(&market.paths.config_toml, text).unwrap();
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    node.ask(NodeCommand::Start);
    let fault = node
        .wait("a notice", |report| match &report.event {
            NodeEvent::Fault { fault } if fault.scope == Scope::Config => Some(fault.clone()),
            _ => None,
        })
        .await;
    assert!(fault.message.contains("min_prise"), "{}", fault.message);
    assert_eq!(std::fs::read_to_string(&market.paths.config_toml).unwrap(), text);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_model_that_is_not_there_is_told_and_no_job_waits_for_it() {
    let market = Market::new().await;
    let settings = ["provider.policy=\"free\"", "provider.default_model=\"llama9\"", "provider.models={\"gone\"={in_rate=1}}"];
    let node = market.online(Scripted::quick(&["Hi."]), &settings).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Hello.", "text"]], "").await;
    assert_eq!(buyer.result(job).await.0.content, "Hi.");
    let findings = match node.call(NodeCommand::Doctor).await {
        NodeEvent::Doctor { findings } => findings,
        event => panic!("{event:?}"),
    };
    let told: Vec<_> = findings.iter().filter(|finding| finding.check == "models").collect();
    assert!(told.len() == 2 && told.iter().all(|finding| finding.hint.is_some()), "{told:?}");
    assert!(told[0].message.contains("provider.default_model") && told[0].message.contains("llama9"), "{told:?}");
    assert!(told[1].message.contains("provider.models") && told[1].message.contains("gone"), "{told:?}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_is_missing_while_stopped() {
    let market = Market::new().await;
    let node = Running::launch(market.real_options(Scripted::quick(&[]), &["provider.policy=\"pay-first\""]));
    let findings = match node.call(NodeCommand::Doctor).await {
        NodeEvent::Doctor { findings } => findings,
        event => panic!("{event:?}"),
    };
    let of = |check: &str| findings.iter().find(|finding| finding.check.starts_with(check)).unwrap_or_else(|| panic!("no {check}")).clone();
    use pylon_hud::node::doctor::Verdict;
    assert_eq!(of("identity").verdict, Verdict::Good);
    assert_eq!(of("payment").verdict, Verdict::Bad);
    assert_eq!(of("backend ollama").verdict, Verdict::Warning);
    assert_eq!(of("relay").verdict, Verdict::Good);
    assert!(!market.paths.lock.exists(), "the doctor changes nothing");
    node.stop();
}
