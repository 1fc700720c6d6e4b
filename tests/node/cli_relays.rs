//! `pylon relays`, as somebody at a prompt meets it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use nostr::Event;
use nostr::util::BoxedFuture;
use nostr_relay_builder::LocalRelay;
use nostr_relay_builder::builder::{PolicyResult, RelayBuilder, RelayBuilderNip42, WritePolicy};
use pylon_hud::node::NodeCommand;
use pylon_hud::practice::PracticeRelay;
use serde_json::Value;

use crate::cli::{Run, pylon};
use crate::common::{Market, Running, Scripted, soon};

/// A file somebody keeps with care: two relays, a key of tomorrow, comments everywhere.
const KEPT: &str = "# mine\n[relays]\nurls = [\n    \"wss://a.invalid\", # near\n    # far\n    \"wss://b.invalid\",\n]\n\n[tomorrow]\nkey = 1 # unknown\n";

fn file(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("data/config.toml")).unwrap()
}

fn kept() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/config.toml"), KEPT).unwrap();
    dir
}

fn json(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

fn urls(value: &Value) -> Vec<&str> {
    value["relays"].as_array().unwrap().iter().map(|relay| relay["url"].as_str().or(relay.as_str()).unwrap()).collect()
}

#[test]
fn a_relay_is_added_and_removed_and_the_rest_of_the_file_stays() {
    let dir = kept();
    let added = pylon(dir.path(), &["relays", "add", "WSS://C.invalid/"]);
    assert_eq!((added.code, added.out.trim()), (0, "Added wss://c.invalid."), "{}", added.err);
    assert!(added.err.contains("c.invalid leads nowhere"), "{}", added.err);
    assert_eq!(file(dir.path()), KEPT.replace("b.invalid\",\n", "b.invalid\",\n    \"wss://c.invalid\",\n"));
    assert_eq!(pylon(dir.path(), &["relays", "remove", "wss://C.INVALID"]).code, 0);
    assert_eq!(file(dir.path()), KEPT);
}

#[test]
fn a_relay_that_everybody_can_listen_to_is_added_with_a_warning() {
    let dir = kept();
    let added = pylon(dir.path(), &["relays", "add", "ws://c.invalid"]);
    assert_eq!((added.code, added.out.trim()), (0, "Added ws://c.invalid."), "{}", added.err);
    assert!(added.err.contains("ws://c.invalid is not encrypted") && added.err.contains("wss://"), "{}", added.err);
    let told = json(&pylon(dir.path(), &["relays", "add", "ws://d.invalid", "ws://127.0.0.1:9", "--json"]));
    let warnings = told["warnings"].to_string();
    assert!(warnings.contains("d.invalid is not encrypted"), "{warnings}");
    assert!(!warnings.contains("c.invalid") && !warnings.contains("127.0.0.1"), "the first was told, the last is this machine: {warnings}");
    let set = pylon(dir.path(), &["config", "set", "relays.urls", "ws://e.invalid"]);
    assert!(set.code == 0 && set.err.contains("ws://e.invalid is not encrypted"), "{}", set.err);
    let doctor = pylon(dir.path(), &["doctor"]);
    assert!(doctor.out.contains("ws://e.invalid is not encrypted"), "{}", doctor.out);
}

#[test]
fn a_name_that_leads_nowhere_is_said_when_a_relay_is_tried() {
    let dir = tempfile::tempdir().unwrap();
    let tried = pylon(dir.path(), &["relays", "test", "wss://nowhere.invalid"]);
    assert!(tried.code == 3 && tried.out.contains("the name nowhere.invalid leads nowhere"), "{}{}", tried.out, tried.err);
}

#[test]
fn a_relay_that_would_do_no_good_is_refused_and_nothing_changes() {
    let dir = kept();
    for (words, code, part) in [
        (["add", "wss://A.invalid/"], 1, "already"),
        (["add", "https://a.invalid"], 2, "wss://"),
        (["add", "a.invalid"], 2, "wss://"),
        (["remove", "wss://c.invalid"], 1, "wss://b.invalid"),
    ] {
        let refused = pylon(dir.path(), &["relays", words[0], words[1]]);
        assert_eq!(refused.code, code, "{words:?}: {}", refused.err);
        assert!(refused.err.contains(part), "{words:?}: {}", refused.err);
        assert_eq!(file(dir.path()), KEPT);
    }
}

#[test]
fn the_last_but_one_goes_with_a_warning_and_the_last_stays() {
    let dir = kept();
    let told = json(&pylon(dir.path(), &["relays", "remove", "wss://a.invalid", "--json"]));
    assert_eq!(urls(&told), ["wss://b.invalid"]);
    assert!(told["warnings"][0].as_str().unwrap().contains("Only one"), "{told}");
    let refused = pylon(dir.path(), &["relays", "remove", "wss://b.invalid"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("pylon relays add"), "{}", refused.err);
    assert!(file(dir.path()).contains("b.invalid"));
}

#[test]
fn a_stopped_node_lists_what_is_configured_with_advice() {
    let dir = kept();
    let told = json(&pylon(dir.path(), &["relays", "list", "--json"]));
    assert_eq!(urls(&told), ["wss://a.invalid", "wss://b.invalid"]);
    assert_eq!((told["relays"][0]["state"].as_str(), told["advice"].as_array().map(Vec::len)), (Some("off"), Some(0)));
    let one = pylon(dir.path(), &["relays", "list", "--set", "relays.urls=wss://a.invalid"]);
    assert!(one.out.contains("not connected") && one.out.contains("! There is only one relay"), "{}", one.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_node_takes_an_added_relay_at_once_and_lists_what_it_measured() {
    let market = Market::new().await;
    let other = PracticeRelay::start().await.unwrap();
    let (first, second) = (market.relay.url().trim_end_matches('/').to_owned(), other.url().trim_end_matches('/').to_owned());
    let node = Running::launch(market.options_with_file(Scripted::quick(&[]), &["provider.policy=free"]));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.relays_connected == 1).await;
    let added = at(&market, &["relays", "add", &second]);
    assert_eq!((added.code, added.err.as_str()), (0, ""), "{}", added.out);
    node.status_where(|status| status.relays_connected == 2).await;
    let told = json(&at(&market, &["relays", "list", "--json"]));
    assert_eq!(urls(&told), [first.as_str(), second.as_str()]);
    assert_eq!(told["relays"][1]["state"], "connected");
    assert_eq!(at(&market, &["relays", "remove", &first]).code, 0);
    node.status_where(|status| status.relays_configured == 1 && status.relays_connected == 1).await;
    let text = at(&market, &["relays", "list"]).out;
    assert!(text.contains("connected") && text.contains("taken") && !text.contains(&first), "{text}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_relays_come_from_its_command_line_keeps_them_and_says_so() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let added = at(&market, &["relays", "add", "ws://127.0.0.1:9"]);
    assert_eq!(added.code, 0, "{}", added.err);
    assert!(added.err.contains("keeps those"), "{}", added.err);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_tried_out_without_a_node() {
    let dir = tempfile::tempdir().unwrap();
    let relay = PracticeRelay::start().await.unwrap();
    let told = json(&pylon(dir.path(), &["relays", "test", relay.url(), "--json"]));
    assert_eq!((told[0]["reading"]["answer"].as_str(), told[0]["writing"]["answer"].as_str()), (Some("taken"), Some("taken")), "{told}");
    assert_eq!(told[0]["good"], true);
    assert!(told[0]["connect_ms"].is_u64() && told[0]["error"].is_null(), "{told}");
    let text = pylon(dir.path(), &["relays", "test", "--set", &format!("relays.urls={}", relay.url())]);
    assert!(text.out.contains("it would take our events"), "{}{}", text.out, text.err);
    assert!(!dir.path().join("data").exists(), "a test leaves nothing behind");
}

#[derive(Debug)]
struct Closed;

impl WritePolicy for Closed {
    fn admit_event<'a>(&'a self, _: &'a Event, _: &'a SocketAddr) -> BoxedFuture<'a, PolicyResult> {
        Box::pin(async { PolicyResult::Reject("closed on Sundays".into()) })
    }
}

async fn local(builder: RelayBuilder) -> (LocalRelay, String) {
    let relay = LocalRelay::new(builder.addr(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    relay.run().await.unwrap();
    let url = relay.url().await.to_string();
    (relay, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_is_quoted_and_one_that_asks_who_we_are_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let (_closed, closed) = local(RelayBuilder::default().write_policy(Closed)).await;
    let refused = pylon(dir.path(), &["relays", "test", &closed]);
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.out.contains("closed on Sundays"), "{}", refused.out);
    let (_asking, asking) = local(RelayBuilder::default().nip42(RelayBuilderNip42::default())).await;
    let told = json(&pylon(dir.path(), &["relays", "test", &asking, "--json"]));
    assert_eq!((told[0]["login"]["state"].as_str(), told[0]["writing"]["answer"].as_str()), (Some("accepted"), Some("taken")), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_refuses_what_the_node_sends_is_quoted_and_advised_against() {
    let market = Market::new().await;
    let (_closed, closed) = local(RelayBuilder::default().write_policy(Closed)).await;
    let relays = format!("relays.urls={},{closed}", market.relay.url());
    let node = Running::launch(market.options(Scripted::quick(&[]), &[&relays]));
    node.done(NodeCommand::GoOnline).await;
    // Its ad is the first thing it sends, and every relay's outcome is counted when it is in.
    let told = soon("the refusal", async {
        loop {
            let told = tokio::task::block_in_place(|| json(&at(&market, &["relays", "list", "--json"])));
            if told["relays"][1]["refused"].as_u64() > Some(0) {
                return told;
            }
        }
    })
    .await;
    assert_eq!(told["relays"][1]["last_refusal"].as_str().map(|words| words.contains("closed on Sundays")), Some(true), "{told}");
    let advice = told["advice"].to_string();
    assert!(advice.contains("closed on Sundays") && advice.contains("pylon relays remove"), "{advice}");
    let text = at(&market, &["relays", "list"]).out;
    assert!(text.contains("last refusal") && text.contains("! "), "{text}");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_does_not_answer_ends_the_test_with_its_own_code() {
    let dir = tempfile::tempdir().unwrap();
    let relay = PracticeRelay::start().await.unwrap();
    let half = pylon(dir.path(), &["relays", "test", relay.url(), "ws://127.0.0.1:9"]);
    assert_eq!(half.code, 3, "{}{}", half.out, half.err);
    assert!(half.err.contains("1 of 2") && half.out.contains("it would take our events"), "{}{}", half.out, half.err);
}

/// Runs `pylon` where a market's node is.
fn at(market: &Market, words: &[&str]) -> Run {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pylon"));
    let command = command.env_clear().arg("--data-dir").arg(market.dir.path()).args(words);
    crate::cli::run(command.output().unwrap())
}
