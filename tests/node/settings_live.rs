//! Settings that change while the node runs, by whatever hand.

use std::process::Command;

use pylon_hud::domain::job::Policy;
use pylon_hud::node::{Leaving, NodeCommand, NodeEvent, NodeState, Scope, SettingChange};

use crate::cli;
use crate::common::{Buyer, Market, Running, Scripted};

const FREE: &[&str] = &["provider.policy=\"free\""];

async fn online(market: &Market, model: &[&'static str]) -> Running {
    let node = Running::launch(market.options_with_file(Scripted::quick(model), FREE));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    node
}

/// What is told about this key next.
async fn change(node: &Running, key: &str) -> SettingChange {
    let pick = |report: &pylon_hud::node::Report| match &report.event {
        NodeEvent::SettingsChanged { changes } => changes.iter().find(|change| change.key == key).cloned(),
        _ => None,
    };
    node.wait(&format!("a word about {key}"), pick).await
}

fn edit(market: &Market, more: &str) {
    let file = &market.paths.config_toml;
    std::fs::write(file, format!("{}{more}", std::fs::read_to_string(file).unwrap())).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_changed_by_the_window_the_command_line_or_an_editor_is_told_and_taken() {
    let market = Market::new().await;
    let node = online(&market, &["Hi."]).await;
    node.ask(NodeCommand::SetSetting { key: "node.name".into(), value: "By the window".into() });
    let told = change(&node, "node.name").await;
    assert_eq!((told.value.as_str(), told.is_applied), ("By the window", true));

    let mut command = Command::new(env!("CARGO_BIN_EXE_pylon"));
    command.env_clear().arg("--data-dir").arg(market.dir.path()).args(["config", "set", "provider.max_queue", "7"]);
    let set = tokio::task::spawn_blocking(move || cli::run(command.output().unwrap())).await.unwrap();
    assert_eq!(set.code, 0, "{}", set.err);
    assert_eq!(change(&node, "provider.max_queue").await.value, "7");

    edit(&market, "\n[costs] # mine\nwatts = 90\n");
    assert_eq!(change(&node, "costs.watts").await.value, "90");
    let text = std::fs::read_to_string(&market.paths.config_toml).unwrap();
    assert!(text.contains("By the window") && text.contains("max_queue = 7") && text.contains("# mine"), "{text}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_next_go_online_says_so_and_waits_for_it() {
    let market = Market::new().await;
    let node = online(&market, &["Hi."]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    edit(&market, "[provider]\naccept = \"targeted\"\n");
    let told = change(&node, "provider.accept").await;
    assert_eq!((told.applies.as_str(), told.is_applied), ("at the next Go Online", false));
    let open = buyer.request(&[&["i", "Anybody?", "text"]], "").await;
    buyer.result(open).await;

    node.done(NodeCommand::GoOffline { how: Leaving::Finish }).await;
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    buyer.request(&[&["i", "Anybody else?", "text"]], "").await;
    let provider = market.provider().to_hex();
    let targeted = buyer.request(&[&["i", "You?", "text"], &["p", &provider]], "").await;
    assert_eq!(buyer.result(targeted).await.0.content, "Hi.", "the open request before it would have been answered first");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_says_for_what_an_online_node_works_now() {
    let market = Market::new().await;
    let mut options = market.options_with_file(Scripted::quick(&["Hi."]), &[]);
    options.overrides.retain(|setting| setting.key() != "provider.policy");
    edit(&market, "[provider]\npolicy = \"free\"\nmin_price = 3000\n");
    let node = Running::launch(options);
    node.done(NodeCommand::GoOnline).await;
    let file = std::fs::read_to_string(&market.paths.config_toml).unwrap();
    let changed = file.replace("\"free\"", "\"pay-first\"").replace("3000", "9000");
    std::fs::write(&market.paths.config_toml, changed).unwrap();
    node.status_where(|status| status.min_price.0 == 9).await;

    // Without a wallet that cannot be, and a Go Online that is refused changes nothing.
    let refused = node.call(NodeCommand::GoOnline).await;
    assert!(matches!(&refused, NodeEvent::Failed { failure } if failure.message.contains("no wallet")), "{refused:?}");
    assert_eq!(node.status().await.policy, Policy::Free);
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "For nothing?", "text"]], "").await;
    assert_eq!(buyer.result(job).await.0.content, "Hi.", "as it says");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_taken_is_told_and_the_node_goes_on_with_what_it_has() {
    let market = Market::new().await;
    let node = online(&market, &["Hi."]).await;
    let good = std::fs::read_to_string(&market.paths.config_toml).unwrap();
    let bad = format!("{good}[provider]\nmax_queue = \"many\"\n");
    std::fs::write(&market.paths.config_toml, &bad).unwrap();
    let fault = node
        .wait("a complaint", |report| match &report.event {
            NodeEvent::Fault { fault } if fault.scope == Scope::Config => Some(fault.clone()),
            _ => None,
        })
        .await;
    for part in ["provider.max_queue", "config.toml", "from 0 to 1000", "goes on with the settings it has"] {
        assert!(fault.message.contains(part), "{} lacks {part}", fault.message);
    }
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Still there?", "text"]], "").await;
    buyer.result(job).await;
    assert_eq!(std::fs::read_to_string(&market.paths.config_toml).unwrap(), bad, "it is the user's to mend");
    std::fs::write(&market.paths.config_toml, format!("{good}[provider]\nmax_queue = 5\n")).unwrap();
    assert_eq!(change(&node, "provider.max_queue").await.value, "5");
    node.stop();
}

/// Counts the complaints about the settings that name this, until this key is told to have changed.
async fn complaints(node: &Running, about: &str, key: &str) -> usize {
    let mut count = 0;
    node.wait(&format!("a word about {key}"), |report| match &report.event {
        NodeEvent::Fault { fault } if fault.scope == Scope::Config && fault.message.contains(about) => {
            count += 1;
            None
        }
        NodeEvent::SettingsChanged { changes } => changes.iter().any(|change| change.key == key).then_some(()),
        _ => None,
    })
    .await;
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_to_say_about_the_settings_is_said_once() {
    let market = Market::new().await;
    let node = online(&market, &["Hi."]).await;
    edit(&market, "[provider]\nmax_queue = 5\n[tomorrow]\nkey = 1\n");
    assert_eq!(complaints(&node, "no setting tomorrow", "provider.max_queue").await, 1);
    let file = std::fs::read_to_string(&market.paths.config_toml).unwrap();
    std::fs::write(&market.paths.config_toml, format!("{file}[log]\nkeep_mb = 9\n")).unwrap();
    assert_eq!(complaints(&node, "no setting tomorrow", "log.keep_mb").await, 0, "and not with every change");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_no_server_has_is_said_at_the_start_and_with_the_change() {
    let market = Market::new().await;
    let mut options = market.options_with_file(Scripted::quick(&["Hi."]), FREE);
    edit(&market, "[provider]\ndefault_model = \"gpt-nine\"\n");
    options.overrides.retain(|setting| setting.key() != "provider.default_model");
    let node = Running::launch(options);
    node.ask(NodeCommand::Start);
    let complaint = |name: &'static str| {
        move |report: &pylon_hud::node::Report| match &report.event {
            NodeEvent::Fault { fault } if fault.message.contains(name) => Some(fault.clone()),
            _ => None,
        }
    };
    let fault = node.wait("a word about the default model", complaint("gpt-nine")).await;
    assert!(fault.message.contains("provider.default_model") && fault.hint.contains("pylon models pull gpt-nine"), "{fault:?}");
    node.ask(NodeCommand::SetSetting { key: "provider.models".into(), value: "{ gpt-ten = { enabled = true } }".into() });
    node.wait("a word about the other model", complaint("gpt-ten")).await;
    node.stop();
}
