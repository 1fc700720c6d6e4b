//! Commands that need a node where none runs: each is one itself until it is done, and leaves nothing behind.

use std::process::Stdio;

use pylon_hud::domain::job::JobState;
use pylon_hud::node::{Housing, NodeCommand, NodeEvent, NodeOptions};
use rustix::process::Signal;

use crate::common::{Buyer, Market, Running, Scripted};
use crate::daemon::{Home, Run, signal};

const FREE: &[&str] = &["provider.policy=\"free\""];

/// A home that buys on this market's relay.
fn buyer_on(market: &Market) -> Home {
    let home = Home::new();
    let set = home.pylon(&["config", "set", "relays.urls", market.relay.url()]);
    assert_eq!(set.code, 0, "{}", set.err);
    home
}

/// Nothing runs, and nothing says that something does.
fn left_nothing(home: &Home) {
    home.is_quiet();
    assert_eq!(std::fs::read_to_string(home.data().join("pylon.lock")).unwrap_or_default(), "", "the lock names somebody");
    assert_eq!(home.status()["state"], "stopped");
}

/// On a thread that may wait, since the market lives in this process.
async fn run(home: &Home, words: &[&str]) -> Run {
    let mut command = home.command(words);
    Run::of(tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

fn id_in(run: &Run) -> String {
    let row: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    row["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_bought_and_answered_without_a_node() {
    let market = Market::new().await;
    let seller = market.online(Scripted::quick(&["Because."]), FREE).await;
    let home = buyer_on(&market);
    let bought = run(&home, &["job", "submit", "Why is the sky blue?", "--wait"]).await;
    assert_eq!(bought.code, 0, "{}{}", bought.out, bought.err);
    assert!(bought.out.contains("Because.") && bought.out.contains("done"), "{}", bought.out);
    left_nothing(&home);
    let listed = run(&home, &["job", "list"]).await;
    assert!(listed.out.contains("Why is the sky blue?") && listed.out.contains("done"), "{}", listed.out);
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_waited_for_is_sent_and_says_who_will_hear_the_answer() {
    let market = Market::new().await;
    let home = buyer_on(&market);
    let sent = run(&home, &["job", "submit", "Why?", "--json"]).await;
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert!(sent.out.contains(r#""state":"published""#) && sent.err.contains("pylon job pay"), "{}{}", sent.out, sent.err);
    left_nothing(&home);
    // Somebody answers while nobody listens; the relay keeps it.
    let seller = market.online(Scripted::quick(&["Therefore."]), FREE).await;
    let answered = run(&home, &["job", "pay", &id_in(&sent)]).await;
    assert_eq!(answered.code, 0, "{}{}", answered.out, answered.err);
    assert!(answered.out.contains("Therefore."), "{}", answered.out);
    left_nothing(&home);
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_called_off_without_a_node_and_the_relay_knows() {
    use nostr_sdk::prelude::*;
    let market = Market::new().await;
    let home = buyer_on(&market);
    let sent = run(&home, &["job", "submit", "Why?", "--json"]).await;
    let off = run(&home, &["job", "cancel", &id_in(&sent)]).await;
    assert_eq!(off.code, 0, "{}", off.err);
    assert!(off.out.contains("cancelled"), "{}", off.out);
    left_nothing(&home);
    let reader = Buyer::connect(&market.relay).await;
    let filter = Filter::new().kind(Kind::EventDeletion);
    assert_eq!(crate::common::stored(&reader, filter).await.len(), 1);
}

#[test]
fn a_practice_wallet_is_read_and_receives_without_a_node() {
    let home = Home::new();
    for (words, shown) in [(&["balance"][..], "10000 sats"), (&["receive", "21"], "lnsb"), (&["payments"], "no payments")] {
        let told = home.pylon(&[&["--practice", "wallet"], words].concat());
        assert_eq!(told.code, 0, "{words:?}: {}", told.err);
        assert!(told.out.contains(shown), "{words:?}: {}", told.out);
    }
    home.is_quiet();
    assert!(!home.data().join("practice").join("control.sock").exists());
}

#[test]
fn a_sealed_identity_is_unlocked_for_a_command_and_stays_sealed_without_the_passphrase() {
    let (home, _) = crate::sealed::encrypted();
    let refused = home.pylon(&["wallet"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--passphrase-fd"), "{}", refused.err);
    left_nothing(&home);
    let read = crate::sealed::with(&home, crate::sealed::PASSPHRASE, &["wallet", "balance", "--passphrase-fd", "0"]);
    assert_eq!(read.code, 1, "{}", read.out);
    assert!(read.err.contains("no wallet"), "{}", read.err);
    left_nothing(&home);
}

#[test]
fn without_an_identity_a_command_says_how_to_make_one_and_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let refused = crate::cli::pylon(dir.path(), &["wallet", "balance"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("pylon init"), "{}", refused.err);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_interrupted_ends_in_order_and_nobody_makes_a_provider_of_it() {
    let market = Market::new().await;
    let home = buyer_on(&market);
    let mut command = home.command(&["job", "submit", "Nobody answers this.", "--wait"]);
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = waiting.id();
    // While it starts nobody answers yet, which is no status.
    while !home.pylon(&["status", "--json"]).out.contains(r#""running":true"#) {}
    assert_eq!(home.status()["housing"], "errand");
    let online = home.pylon(&["online"]);
    assert!(online.code == 1 && online.err.contains("takes no jobs"), "{}", online.err);
    signal(pid, Signal::INT);
    let ended = Run::of(tokio::task::spawn_blocking(move || waiting.wait_with_output().unwrap()).await.unwrap());
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("stopped before it was done"), "{}", ended.err);
    left_nothing(&home);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_wait_for_the_next_start_are_not_touched_by_a_command() {
    let market = Market::new().await;
    let slow = Scripted::slow(&["Slow."]);
    let node = market.online(slow.clone(), FREE).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Take your time.", "text"]], "").await;
    slow.is_asked().await;
    node.stop();

    let model = Scripted::quick(&["Done."]);
    let errand = Running::launch(NodeOptions { housing: Housing::Errand, ..market.options(model.clone(), FREE) });
    errand.done(NodeCommand::Start).await;
    assert!(matches!(errand.call(NodeCommand::GoOnline).await, NodeEvent::Failed { .. }));
    // By now it would have taken the job up.
    errand.status_where(|status| !status.models.is_empty()).await;
    errand.job_in(job, JobState::Running).await;
    assert_eq!(model.runs(), 0);
    errand.stop();

    let node = market.online(model, FREE).await;
    node.job_in(job, JobState::Done).await;
    assert_eq!(buyer.result(job).await.0.content, "Done.");
    node.stop();
}
