//! The spending PIN and the lock, as window, command line and socket meet them, in a node that runs, stops and is killed.

use std::io::Write as _;
use std::process::Stdio;

use pylon_hud::domain::money::{MilliSats, Sats};
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::domain::spend_lock::{SpendState, Spending};
use pylon_hud::node::{Ask, Failure, FailureKind, NodeCommand, NodeEvent, Secret};
use pylon_hud::wallet::practice::PracticeWallet;
use pylon_hud::wallet::{InvoiceRequest, Wallet as _};
use rustix::process::Signal;

use crate::buying::{Customer, ask, shop, wallet};
use crate::common::{Market, Running, Scripted};
use crate::daemon::{Home, Run, ended, signal};

fn secret(pin: &str) -> Secret {
    Secret::new(pin.into())
}

fn set(pin: &str) -> NodeCommand {
    NodeCommand::SetPin { old: None, new: Some(secret(pin)) }
}

async fn spending(node: &Running, command: NodeCommand) -> Spending {
    match node.call(command).await {
        NodeEvent::Spending { spending } => spending,
        event => panic!("{event:?}"),
    }
}

async fn refused(node: &Running, command: NodeCommand) -> Failure {
    match node.call(command).await {
        NodeEvent::Failed { failure } => failure,
        event => panic!("{event:?}"),
    }
}

async fn invoice(payee: &PracticeWallet, sats: u64) -> NodeCommand {
    let request = InvoiceRequest { amount: MilliSats(sats * 1000), description: String::new(), expiry_secs: 600 };
    NodeCommand::Pay { bolt11: payee.invoice(request).await.unwrap().bolt11, sats: Sats(sats) }
}

fn with(pin: &str, command: &NodeCommand) -> NodeCommand {
    NodeCommand::WithPin { pin: secret(pin), command: Box::new(command.clone()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn above_the_threshold_the_pin_is_asked_for_and_while_locked_nothing_is_paid() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &["limits.pin_above_sats=10"]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let payee = wallet(elsewhere.path(), market.relay.url(), MilliSats(0)).await;
    let node = &customer.node;
    node.call(invoice(&payee, 11).await).await;
    assert_eq!(customer.spent().await, 11_000, "without a PIN the limits alone decide");
    assert_eq!(spending(node, set("271828")).await.state, SpendState::Open);
    let (small, large) = (invoice(&payee, 10).await, invoice(&payee, 11).await);
    assert!(matches!(node.call(small).await, NodeEvent::Payment { .. }));
    let wanted = refused(node, large.clone()).await;
    assert!(wanted.kind == FailureKind::Pin && wanted.message.contains("above 10 sats"), "{wanted:?}");
    let wrong = refused(node, with("111111", &large)).await;
    assert!(wrong.kind == FailureKind::Pin && wrong.message.contains("2 more tries"), "{wrong:?}");
    assert_eq!(customer.spent().await, 21_000);
    assert!(matches!(node.call(with("271828", &large)).await, NodeEvent::Payment { .. }));
    assert_eq!(customer.spent().await, 32_000);

    assert_eq!(spending(node, NodeCommand::LockSpending).await.state, SpendState::Locked);
    let small = invoice(&payee, 1).await;
    for command in [small.clone(), with("271828", &small)] {
        let locked = refused(node, command).await;
        assert!(locked.message.contains("locked") && locked.hints.join(" ").contains("pylon wallet pin unlock"), "{locked:?}");
    }
    assert!(matches!(node.call(NodeCommand::Receive { sats: Sats(3), description: String::new() }).await, NodeEvent::Invoice { .. }));
    assert_eq!(customer.spent().await, 32_000);
    let unlock = NodeCommand::UnlockSpending { pin: secret("271828"), secs: Some(600) };
    assert!(spending(node, unlock).await.open_until.is_some());
    assert!(matches!(node.call(small).await, NodeEvent::Payment { .. }));
    let status = node.status().await;
    assert_eq!(status.spending.map(|spending| spending.state), Some(SpendState::Open));
    customer.node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_is_not_paid_by_itself_while_locked_and_is_paid_by_hand_afterwards() {
    let market = Market::new().await;
    let seller = shop(&market, Scripted::quick(&["Hello."]), "pay-first", 3_000).await;
    let customer = Customer::new(&market, &["limits.pin_above_sats=2"]).await;
    spending(&customer.node, set("271828")).await;
    spending(&customer.node, NodeCommand::LockSpending).await;
    let id = customer.ask(Ask { ..ask(AutoPay::First) }).await;
    let noted = |code: &'static str| move |detail: &pylon_hud::store::PurchaseDetail| detail.row.reason_code.as_deref() == Some(code);
    customer.request_where(id, "the lock to hold it back", noted("spending-locked")).await;
    let by_hand = NodeCommand::PayOffer { request: id.to_string(), provider: None };
    assert!(refused(&customer.node, by_hand.clone()).await.message.contains("locked"));
    spending(&customer.node, NodeCommand::UnlockSpending { pin: secret("271828"), secs: None }).await;
    assert_eq!(refused(&customer.node, by_hand.clone()).await.kind, FailureKind::Pin);
    assert_eq!(customer.spent().await, 0);
    let paying = customer.node.call(with("271828", &by_hand)).await;
    assert!(matches!(paying, NodeEvent::PurchaseChanged { .. }), "{paying:?}");
    customer.request_in(id, PurchaseState::Done).await;
    assert_eq!(customer.spent().await, 3_000);
    customer.node.stop();
    seller.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_knows_the_pin_and_a_kiosks_node_begins_locked() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&[]), &["limits.lock_at_start=true"]));
    assert_eq!(spending(&node, NodeCommand::Spending).await.state, SpendState::NoPin);
    assert!(!market.paths.ledger.exists(), "looking makes no ledger");
    assert!(refused(&node, NodeCommand::CheckPin { pin: secret("271828") }).await.message.contains("no spending PIN"));
    assert!(spending(&node, set("271828")).await.has_pin);
    assert_eq!(refused(&node, NodeCommand::CheckPin { pin: secret("111111") }).await.kind, FailureKind::Pin);
    node.done(NodeCommand::CheckPin { pin: secret("271828") }).await;
    assert!(!market.paths.control_sock.exists(), "it was not started for that");
    let limits = NodeCommand::SetSetting { key: "limits.per_day_sats".into(), value: "9".into() };
    assert_eq!(refused(&node, limits.clone()).await.kind, FailureKind::Pin, "whoever may change the limits may spend");
    node.done(with("271828", &limits)).await;
    node.done(NodeCommand::Start).await;
    assert_eq!(node.status().await.spending.map(|spending| spending.state), Some(SpendState::Locked));
    let unlock = NodeCommand::UnlockSpending { pin: secret("271828"), secs: None };
    assert_eq!(spending(&node, unlock).await.state, SpendState::Open);
    node.stop();
}

/// Runs `pylon` with PINs on its standard input, and makes sure that they are told to nobody.
fn typed(home: &Home, pins: &str, words: &[&str]) -> Run {
    let mut child = home.command(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(pins.as_bytes()).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert!(!run.out.contains("271828") && !run.err.contains("271828"), "{}{}", run.out, run.err);
    run
}

#[test]
fn lock_and_count_of_tries_survive_a_kill_and_the_pin_is_in_no_file() {
    let home = Home::new();
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let pid = home.start();
    assert_eq!(home.pylon(&["wallet", "pin", "lock"]).code, 0);
    let wrong = |home: &Home| typed(home, "111111\n", &["wallet", "pin", "unlock", "--pin-fd", "0"]);
    for left in ["2 more tries", "one more try", "30 seconds"] {
        let missed = wrong(&home);
        assert!(missed.code == 1 && missed.err.contains(left), "{}", missed.err);
    }
    signal(pid, Signal::KILL);
    ended(pid);
    let pid = home.start();
    let told = home.pylon(&["wallet", "pin", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told["state"].as_str(), told["tries_left"].as_u64()), (Some("locked"), Some(0)));
    assert!(told["wait_until"].is_i64());
    let right = typed(&home, "271828\n", &["wallet", "pin", "unlock", "--pin-fd", "0", "--minutes", "5"]);
    assert!(right.code == 1 && right.err.contains("the next try is possible in"), "{}", right.err);
    assert!(home.pylon(&["status"]).out.contains("spending locked"));
    signal(pid, Signal::KILL);
    ended(pid);
    for file in walk(&home.data()) {
        let text = std::fs::read(&file).unwrap_or_default();
        assert!(!text.windows(6).any(|part| part == b"271828"), "{} holds the PIN", file.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn what_was_open_for_a_while_is_locked_once_the_node_is_gone() {
    let home = Home::new();
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let pid = home.start();
    let state = || {
        let told: serde_json::Value = serde_json::from_str(&home.pylon(&["wallet", "pin", "--json"]).out).unwrap();
        told["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(home.pylon(&["wallet", "pin", "lock"]).code, 0);
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "unlock", "--pin-fd", "0", "--minutes", "5"]).code, 0);
    assert_eq!(state(), "open");
    signal(pid, Signal::KILL);
    ended(pid);
    assert_eq!(state(), "locked", "nobody is there to pay, and the next start begins locked");
    home.start();
    assert_eq!(state(), "locked");
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn a_pin_is_changed_and_removed_at_the_prompt_and_nobody_is_asked_where_nobody_sits() {
    let home = Home::new();
    let nobody = home.pylon(&["wallet", "pin", "set"]);
    assert!(nobody.code == 1 && nobody.err.contains("--pin-fd"), "{}", nobody.err);
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let unfit = typed(&home, "271828\n12\n", &["wallet", "pin", "set", "--pin-fd", "0"]);
    assert!(unfit.code == 2 && unfit.err.contains("4 to 12 digits"), "{}", unfit.err);
    assert_eq!(typed(&home, "271828\n314159\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "remove", "--pin-fd", "0"]).code, 1);
    assert_eq!(typed(&home, "314159\n", &["wallet", "pin", "remove", "--pin-fd", "0"]).code, 0);
    assert!(home.pylon(&["wallet", "pin"]).out.contains("PIN      none"));
}

#[test]
fn a_forgotten_pin_is_taken_away_with_the_words_and_what_is_locked_stays_locked() {
    let home = Home::new();
    let reset = |words: &str| typed(&home, words, &["wallet", "pin", "reset", "--words-fd", "0"]);
    let words = std::fs::read_to_string(home.data().join("identity.mnemonic")).unwrap();
    let none = home.pylon(&["wallet", "pin", "reset"]);
    assert!(none.code == 1 && none.err.contains("no spending PIN"), "{}", none.err);
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    // Else somebody else's words would do.
    let replaced = home.pylon(&["init", "--replace"]);
    assert!(replaced.code == 1 && replaced.err.contains("There is a spending PIN"), "{}", replaced.err);
    let pid = home.start();
    assert_eq!(home.pylon(&["wallet", "pin", "lock"]).code, 0);
    let running = reset(&words);
    assert!(running.code == 1 && running.err.contains(&pid.to_string()) && running.err.contains("pylon stop"), "{}", running.err);
    assert_eq!(home.pylon(&["stop"]).code, 0);

    let nobody = home.pylon(&["wallet", "pin", "reset"]);
    assert!(nobody.code == 1 && nobody.err.contains("--words-fd"), "{}", nobody.err);
    let others = "leader monkey parrot ring guide accident before fence cannon height naive bean\n";
    let wrong = reset(others);
    assert!(wrong.code == 1 && wrong.err.contains("the spending PIN stays: 2 more tries"), "{}", wrong.err);
    let done = reset(&words);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("stays locked") && !format!("{}{}", done.out, done.err).contains(words.trim()), "{}", done.err);
    let told = home.pylon(&["wallet", "pin", "--json"]);
    assert!(told.out.contains(r#""state":"locked""#) && told.out.contains(r#""has_pin":false"#), "{}", told.out);
    assert!(home.pylon(&["logs"]).out.contains("The spending PIN was taken away"));
    assert_eq!(typed(&home, "314159\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let timed = typed(&home, "314159\n", &["wallet", "pin", "unlock", "--pin-fd", "0", "--minutes", "5"]);
    assert!(timed.code == 1 && timed.err.contains("would unlock nothing") && timed.err.contains("pylon start"), "{}", timed.err);
    assert_eq!(typed(&home, "314159\n", &["wallet", "pin", "unlock", "--pin-fd", "0"]).code, 0);
}

#[test]
fn of_an_encrypted_identity_the_passphrase_takes_a_forgotten_pin_away_and_wrong_ones_have_to_wait() {
    let (home, _) = crate::sealed::encrypted();
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let reset = |passphrase: &str| crate::sealed::with(&home, passphrase, &["wallet", "pin", "reset", "--passphrase-fd", "0"]);
    let nobody = home.pylon(&["wallet", "pin", "reset", "--words-fd", "0"]);
    assert!(nobody.code == 1 && nobody.err.contains("--passphrase-fd"), "the words alone do not do it: {}", nobody.err);
    assert_eq!(reset(crate::sealed::PASSPHRASE).code, 0);
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    for left in ["2 more tries", "one more try", "30 seconds"] {
        let wrong = reset("another horse");
        assert!(wrong.code == 1 && wrong.err.contains(left), "{}", wrong.err);
    }
    let waits = reset(crate::sealed::PASSPHRASE);
    assert!(waits.code == 1 && waits.err.contains("the next try is possible in"), "{}", waits.err);
}

#[test]
fn limits_are_changed_at_the_prompt_with_the_pin_whether_the_node_runs_or_not() {
    let home = Home::new();
    assert_eq!(home.pylon(&["config", "set", "limits.per_day_sats", "11"]).code, 0, "no PIN, nobody asks");
    assert_eq!(typed(&home, "271828\n", &["wallet", "pin", "set", "--pin-fd", "0"]).code, 0);
    let set = |pin: &str, value: &str| typed(&home, pin, &["config", "set", "limits.per_day_sats", value, "--pin-fd", "0"]);
    let limit = || home.pylon(&["config", "get", "limits.per_day_sats"]).out;
    let check = |right: &str| {
        let nobody = home.pylon(&["config", "set", "limits.per_day_sats", "12"]);
        assert!(nobody.code == 1 && nobody.err.contains("--pin-fd"), "{}", nobody.err);
        let wrong = set("111111\n", "12");
        assert!(wrong.code == 1 && wrong.err.contains("not the spending PIN"), "{}", wrong.err);
        let done = set("271828\n", right);
        assert!(done.code == 0 && done.out.contains(&format!("limits.per_day_sats = {right}")), "{}{}", done.out, done.err);
        assert_eq!(limit().trim(), right);
    };
    check("13");
    home.start();
    check("14");
    assert_eq!(home.pylon(&["config", "set", "node.name", "Mine"]).code, 0, "nothing else takes it");
    assert_eq!(home.pylon(&["stop"]).code, 0);
}
