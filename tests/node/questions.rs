//! What a window asks before the node has started, and the settings it changes.

use pylon_hud::domain::model::BackendState;
use pylon_hud::domain::time::UnixMs;
use pylon_hud::node::{FailureKind, NodeCommand, NodeEvent, NodeState, Preflight, Report, Verdict};

use crate::common::{Market, Running, Scripted};

async fn preflight(node: &Running) -> Preflight {
    match node.call(NodeCommand::Preflight).await {
        NodeEvent::Preflight { preflight } => *preflight,
        event => panic!("{event:?}"),
    }
}

/// A preflight nobody asked for.
fn told(report: &Report) -> Option<Preflight> {
    match &report.event {
        NodeEvent::Preflight { preflight } if report.id.is_none() => Some((**preflight).clone()),
        _ => None,
    }
}

fn set(key: &str, value: &str) -> NodeCommand {
    NodeCommand::SetSetting { key: key.into(), value: value.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preflight_shows_what_a_start_would_meet_and_touches_nothing() {
    let market = Market::new().await;
    let node =
        Running::launch(market.real_options(Scripted::quick(&[]), &["provider.policy=\"pay-first\"", "provider.default_model=\"parrot\""]));
    let found = preflight(&node).await;
    assert_eq!((found.config.verdict, found.payment.verdict), (Verdict::Good, Verdict::Bad));
    assert_eq!((found.identity.verdict, found.identity.message), (Verdict::Good, market.identity.npub()));
    assert_eq!((found.relays.as_slice(), found.default_model.as_str()), ([market.relay.url().to_owned()].as_slice(), "parrot"));
    let scripted = found.backends.iter().find(|backend| backend.name == "scripted").unwrap();
    assert!(matches!(scripted.state, BackendState::Ready { .. }) && scripted.models.len() == 1, "{scripted:?}");
    assert!(!market.paths.lock.exists() && !market.paths.ledger.exists(), "a preflight changes nothing");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_cannot_be_read_leaves_payment_open_and_is_no_obstacle_to_asking() {
    let market = Market::new().await;
    std::fs::write(&market.paths.config_toml, "[provider]\nmax_queue = \"many\"\n").unwrap();
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    let found = preflight(&node).await;
    assert_eq!((found.config.verdict, found.payment.verdict), (Verdict::Bad, Verdict::Warning));
    assert!(found.backends.is_empty() && found.relays.is_empty());
    assert!(found.config.message.contains("provider.max_queue"), "{}", found.config.message);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_while_stopped_is_told_and_what_does_not_is_not() {
    let market = Market::new().await;
    let file = &market.paths.identity_mnemonic;
    let away = file.with_extension("away");
    std::fs::rename(file, &away).unwrap();
    let mut options = market.options(Scripted::quick(&[]), &["backends.probe_secs=2"]);
    // A clock that never shows the same time twice: being asked later is no news.
    let ticks = std::sync::atomic::AtomicI64::new(0);
    options.clock = pylon_hud::clock::Clock::new(move || UnixMs(ticks.fetch_add(1000, std::sync::atomic::Ordering::SeqCst)));
    let node = Running::launch(options);
    assert_eq!(preflight(&node).await.identity.verdict, Verdict::Bad);
    assert_eq!(preflight(&node).await.identity.verdict, Verdict::Bad);
    std::fs::rename(&away, file).unwrap();
    // The first thing told is the first difference, and it is told once however often was asked.
    let now = node.wait("a changed preflight", told).await;
    assert_eq!(now.identity.verdict, Verdict::Good);
    std::fs::rename(file, &away).unwrap();
    assert_eq!(node.wait("another change", told).await.identity.verdict, Verdict::Bad);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_answers_a_preflight_from_what_it_knows() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let known = match node.call(NodeCommand::Models).await {
        NodeEvent::Models { backends } => backends,
        event => panic!("{event:?}"),
    };
    let names =
        |backends: &[pylon_hud::domain::model::BackendHealth]| backends.iter().map(|backend| backend.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&preflight(&node).await.backends), names(&known));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_is_changed_while_stopped_and_taken_over_while_running() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    node.done(set("provider.max_queue", "3")).await;
    assert!(std::fs::read_to_string(&market.paths.config_toml).unwrap().contains("max_queue = 3"));
    assert_eq!(node.status().await.state, NodeState::Stopped);
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.models == ["parrot"]).await;
    node.done(set("provider.models", "{ parrot = { enabled = false } }")).await;
    node.status_where(|status| status.models.is_empty()).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_is_none_or_not_so_is_refused_in_words_and_the_file_stays() {
    let market = Market::new().await;
    let text = "# mine\n[provider]\nmax_queue = 4\n";
    std::fs::write(&market.paths.config_toml, text).unwrap();
    let node = Running::launch(market.options(Scripted::quick(&[]), &[]));
    for (key, value, words) in [("provider.max_que", "3", "provider.max_queue"), ("provider.max_queue", "lots", "lots")] {
        match node.call(set(key, value)).await {
            NodeEvent::Failed { failure } => {
                assert_eq!(failure.kind, FailureKind::Usage);
                assert!(failure.message.contains(words) && failure.message.ends_with(['.', '?']), "{}", failure.message);
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(std::fs::read_to_string(&market.paths.config_toml).unwrap(), text);
    node.stop();
}
