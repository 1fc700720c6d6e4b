//! Each pane shows what the node says, and the registry, the drawing order and the files agree.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::ids::JobId;
use crate::domain::job::{JobState, Policy};
use crate::domain::money::MilliSats;
use crate::domain::payment::Network;
use crate::domain::relay::{RelayHealth, RelayState};
use crate::hud::action::UserAction;
use crate::hud::pane::{Berth, PANES, SLOTS};
use crate::hud::testing::{Hud, NOW, job, job_event, online, preflight, status, status_event};
use crate::node::NodeStatus;
use crate::node::status::WalletView;
use crate::node::trouble::{LedgerTrouble, Trouble, blockers};
use crate::node::{Fault, Finding, Leaving, NodeCommand, NodeEvent, NodeState, Preflight, RobotKind, Scope, TestStep, Verdict};
use crate::wallet::{Snapshot, SyncState};

#[test]
fn sell_compute_shows_what_a_start_would_meet_and_the_one_switch() {
    let mut hud = Hud::new();
    hud.assert_shows("looking…");
    let mut missing = preflight();
    missing.identity = Finding { verdict: Verdict::Bad, message: "Make one with `pylon init`.".into(), ..missing.identity };
    hud.say(NodeEvent::Preflight { preflight: Box::new(missing) });
    hud.settle();
    hud.assert_shows("pylon init");
    hud.say(NodeEvent::Preflight { preflight: Box::new(preflight()) });
    hud.settle();
    for part in ["npub1zutze…d2x7nu", "ollama 0.9.3 · 1 model", "llama3.2", "38 tok/s", "1 relay, not connected"] {
        hud.assert_shows(part);
    }
    hud.take_asked();
    hud.click("GO ONLINE");
    assert!(hud.take_asked().contains(&NodeCommand::GoOnline));
    hud.say(status_event(NodeState::Online));
    hud.settle();
    hud.click("GO OFFLINE");
    assert!(hud.take_asked().contains(&NodeCommand::GoOffline { how: Leaving::Finish }));
}

#[test]
fn a_pressed_cure_is_looked_at_again_at_once() {
    let mut hud = Hud::new();
    let mut unpaid = preflight();
    unpaid.payment = Finding { verdict: Verdict::Bad, message: "There is no wallet.".into(), ..unpaid.payment };
    hud.say(NodeEvent::Preflight { preflight: Box::new(unpaid) });
    hud.settle();
    hud.take_asked();
    hud.click("Serve for free");
    let cure = NodeCommand::SetSetting { key: "provider.policy".into(), value: "free".into() };
    let asked = hud.asked();
    assert!(asked.contains(&cure), "{asked:?}");
    hud.answer(&cure, NodeEvent::Done);
    hud.settle();
    hud.assert_shows("provider.policy is now free.");
    assert!(hud.take_asked().contains(&NodeCommand::Preflight));
}

#[test]
fn sell_compute_shows_a_job_growing_and_leaving() {
    let mut hud = online();
    hud.say(job_event(1, JobState::Running));
    hud.say(NodeEvent::JobProgress { job: job(1, JobState::Running).id, chars: 60, tokens: 17, max_tokens: 512, tail: "and so on".into() });
    hud.settle();
    hud.assert_shows("17 / 512 tok");
    hud.assert_shows("and so on");
    hud.say(job_event(1, JobState::Done));
    hud.settle();
    assert!(!hud.shows("17 / 512 tok"));
}

#[test]
fn the_test_job_is_shown_step_by_step_and_never_before_it_is_true() {
    let mut hud = online();
    hud.click("Test");
    let asked = hud.take_asked();
    let Some(command) = asked.iter().find(|command| matches!(command, NodeCommand::TestJob { .. })) else { panic!("{asked:?}") };
    assert_eq!(*command, NodeCommand::TestJob { prompt: "Say hello in one sentence.".into() });
    assert!(!hud.shows("came back"));
    let id = JobId([0xab; 32]);
    hud.say(NodeEvent::Testing { step: TestStep::Asked { job: id, relay: "wss://relay.example".into() } });
    hud.say(NodeEvent::Testing { step: TestStep::Partial { text: "Hel".into() } });
    hud.settle();
    hud.assert_shows("abababab went to wss://relay.example.");
    hud.assert_shows("Hel");
    hud.say(NodeEvent::Testing { step: TestStep::Answered { job: id, text: "Hello.".into(), took_ms: 1_913 } });
    hud.settle();
    hud.assert_shows("abababab came back after 1\u{2009}913 ms.");
}

#[test]
fn a_megabyte_of_answer_is_cut_and_the_cut_is_told() {
    let mut hud = online();
    let text = "All work and no play. ".repeat(50_000);
    hud.say(NodeEvent::Testing { step: TestStep::Answered { job: JobId([1; 32]), text, took_ms: 5 } });
    hud.settle();
    hud.app.world_mut().write_message(UserAction::Tidy);
    hud.size.y = 2_000.0;
    hud.settle();
    hud.assert_shows("The first 2\u{2009}000 of 1\u{2009}100\u{2009}000 characters.");
}

#[test]
fn pressing_a_row_asks_for_the_jobs_timeline() {
    let mut hud = online();
    hud.open(2);
    hud.say(job_event(3, JobState::Done));
    hud.settle();
    hud.take_asked();
    hud.click("00000003");
    assert!(hud.take_asked().contains(&NodeCommand::Job { job: job(3, JobState::Done).id.to_string() }));
    hud.assert_shows("Asking the ledger…");
    hud.click("← All jobs");
    assert!(!hud.shows("Asking the ledger…"));
}

#[test]
fn pylon_shows_the_node_and_starts_and_stops_it() {
    let mut hud = Hud::new();
    hud.open(4);
    hud.take_asked();
    hud.click("Start");
    assert!(hud.take_asked().contains(&NodeCommand::Start));
    hud.say(status_event(NodeState::Offline));
    hud.settle();
    hud.assert_shows("4711 · v");
    hud.click("Stop");
    assert!(hud.take_asked().contains(&NodeCommand::Stop { how: Leaving::Finish }));
    hud.click("Examine");
    let findings =
        vec![Finding { check: "ledger".into(), verdict: Verdict::Bad, message: "It is torn.".into(), hint: Some("Mend it.".into()) }];
    hud.answer(&NodeCommand::Doctor, NodeEvent::Doctor { findings });
    hud.settle();
    hud.assert_shows("ledger: It is torn.");
    hud.assert_shows("Mend it.");
}

#[test]
fn relays_shows_each_with_its_own_words() {
    let mut hud = Hud::new();
    hud.open(6);
    hud.assert_shows("Asking…");
    let none = Preflight { relays: Vec::new(), ..preflight() };
    for (preflight, words) in [(none, "No relays are configured."), (preflight(), "wss://relay.example")] {
        hud.say(NodeEvent::Preflight { preflight: Box::new(preflight) });
        hud.settle();
        hud.assert_shows(words);
        assert!(!hud.shows("Asking…"));
    }
    hud.say(status_event(NodeState::Online));
    let relay = RelayHealth {
        url: "wss://relay.example/".into(),
        state: RelayState::Retrying,
        last_error: Some("blocked: pay me".into()),
        received: 12,
        ..RelayHealth::default()
    };
    hud.say(NodeEvent::Relay { relay: Box::new(relay) });
    hud.settle();
    for part in ["wss://relay.example/", "retrying", "blocked: pay me", "in 12"] {
        hud.assert_shows(part);
    }
    assert_eq!(hud.texts().iter().filter(|text| text.contains("wss://relay.example")).count(), 2, "once here, once in Sell Compute");
}

#[test]
fn activity_shows_what_was_said_without_its_secrets() {
    let mut hud = online();
    hud.open(7);
    hud.assert_shows("The node is online.");
    let secret = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
    let fault = Fault { scope: Scope::Relays, message: format!("A relay said {secret}."), hint: "Do not use it.".into() };
    hud.say(NodeEvent::Fault { fault });
    hud.settle();
    hud.assert_shows("A relay said");
    assert!(!hud.shows(secret), "neither here nor in the notice");
}

#[test]
fn what_the_window_itself_has_told_is_in_activity_when_its_notice_is_gone() {
    let mut hud = Hud::new();
    hud.open(0);
    hud.app.world_mut().write_message(UserAction::Maximise);
    hud.settle();
    hud.assert_shows("No pane is open.");
    hud.frame_after(Duration::from_secs(3_600));
    hud.settle();
    assert!(!hud.shows("No pane is open."));
    hud.open(7);
    hud.assert_shows("No pane is open. Open one first");
}

#[test]
fn a_fault_of_money_stays_until_somebody_has_seen_it_and_one_of_a_relay_goes_by_itself() {
    let mut hud = online();
    for (scope, message) in
        [(Scope::Wallet, "It was paid twice."), (Scope::Internal, "A task is gone."), (Scope::Relays, "A relay is gone.")]
    {
        hud.say(NodeEvent::Fault { fault: Fault { scope, message: message.into(), hint: "Look.".into() } });
    }
    hud.settle();
    hud.assert_shows("A relay is gone.");
    hud.frame_after(Duration::from_secs(3_600));
    hud.settle();
    assert!(hud.shows("It was paid twice.") && hud.shows("A task is gone.") && !hud.shows("A relay is gone."), "{:?}", hud.texts());
}

#[test]
fn a_paused_activity_stands_still_and_counts_what_it_misses() {
    let mut hud = online();
    hud.open(7);
    hud.click("pause");
    hud.say(job_event(9, JobState::Failed));
    hud.settle();
    assert!(!hud.shows("00000009 failed"));
    hud.assert_shows("1 line since");
    hud.click("pause");
    hud.assert_shows("00000009 failed");
}

/// A real invoice over 5 sats, signed, on the practice network.
pub fn invoice() -> crate::domain::payment::Invoice {
    invoice_of(b"preimage")
}

/// The same for another payment.
pub fn invoice_of(preimage: &[u8]) -> crate::domain::payment::Invoice {
    use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
    use nostr::hashes::{Hash as _, sha256};
    use nostr::secp256k1::{Secp256k1, SecretKey};
    let key = SecretKey::from_slice(&[7; 32]).unwrap();
    let text = InvoiceBuilder::new(Currency::Simnet)
        .description("a coffee".into())
        .payment_hash(sha256::Hash::hash(preimage))
        .payment_secret(PaymentSecret([1; 32]))
        .duration_since_epoch(Duration::from_millis(u64::try_from(NOW.0).unwrap()))
        .min_final_cltv_expiry_delta(18)
        .expiry_time(Duration::from_secs(3_600))
        .amount_milli_satoshis(5_000)
        .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key))
        .unwrap();
    crate::wallet::bolt11::decode(&text.to_string()).unwrap()
}

/// A window whose node has a wallet with 48 210 sats of play money.
pub fn with_wallet() -> Hud {
    let mut hud = Hud::new();
    hud.say(NodeEvent::Status { status: Box::new(NodeStatus { wallet: Some(wallet(48_210)), ..status(NodeState::Online) }) });
    hud.settle();
    hud.open(1);
    hud
}

pub fn wallet(sats: u64) -> WalletView {
    let snapshot = Snapshot {
        balance: MilliSats(sats * 1_000),
        pending_in: MilliSats(0),
        pending_out: MilliSats(120_000),
        network: Network::Practice,
        source: "test".into(),
        as_of: NOW,
        sync: SyncState::Synced,
    };
    WalletView { kind: "practice".into(), snapshot }
}

#[test]
fn wallet_shows_the_balance_with_its_source_and_no_wallet_is_never_a_zero() {
    let mut hud = Hud::new();
    hud.open(1);
    hud.assert_shows("The node is stopped, and its wallet is closed.");
    hud.say(NodeEvent::Status { status: Box::new(NodeStatus { wallet: Some(wallet(48_210)), ..status(NodeState::Online) }) });
    hud.settle();
    hud.assert_shows("48\u{2009}210");
    hud.assert_shows("practice, as of");
    hud.say(NodeEvent::Status { status: Box::new(NodeStatus { wallet: Some(wallet(48_215)), ..status(NodeState::Online) }) });
    hud.settle();
    hud.assert_shows("48\u{2009}215");
}

#[test]
fn settings_lets_nobody_leave_a_market_whose_node_runs() {
    let mut hud = online();
    hud.open(8);
    hud.assert_shows("Stop the node first.");
    hud.say(status_event(NodeState::Stopped));
    hud.settle();
    assert!(!hud.shows("Stop the node first."));
    hud.click("Choose again");
    hud.assert_shows("Where do you want to begin?");
}

#[test]
fn a_degraded_node_says_what_is_missing_where_the_switch_is() {
    let mut hud = Hud::new();
    let mut degraded = status(NodeState::Degraded);
    degraded.blockers = vec![crate::node::status::Blocker::new("no-model", "No model is ready.", "Get one.")];
    hud.say(NodeEvent::Status { status: Box::new(degraded) });
    hud.settle();
    hud.assert_shows("⚠ No model is ready.");
    hud.assert_shows("Get one.");
}

#[test]
fn each_trouble_is_in_words_in_the_chip_in_both_panes_and_in_the_list() {
    let mut hud = Hud::new();
    let mut degraded = status(NodeState::Degraded);
    degraded.relays_connected = 1;
    let clock = crate::domain::clock_skew::ClockSkew { behind_secs: 300, relays: 2, of: 3 };
    let ledger = LedgerTrouble { why: "The disk is full; free some space.".into(), hint: "It is tried again.".into() };
    degraded.policy = Policy::PayFirst;
    degraded.trouble = Trouble { ledger: Some(ledger), clock: Some(clock), wallet: Some("The wallet does not answer.".into()) };
    degraded.blockers = blockers(&degraded);
    hud.say(NodeEvent::Status { status: Box::new(degraded) });
    hud.open(4);
    hud.open(7);
    hud.settle();
    hud.assert_shows("ledger · clock · wallet");
    hud.assert_shows("The disk is full; free some space.");
    for part in ["Nothing can be written down", "300 s behind 2 of 3 relays.", "Nobody could pay"] {
        assert_eq!(hud.texts().iter().filter(|text| text.contains(part)).count(), 3, "{part}: {:?}", hud.texts());
    }
}

#[test]
fn the_registry_the_drawing_order_and_the_files_agree() {
    let listed: BTreeSet<&str> = PANES.iter().map(|spec| spec.module).collect();
    assert_eq!(listed.len(), PANES.len(), "a module twice");
    let slots = PANES.iter().filter_map(|spec| match spec.berth {
        Berth::Slot(slot) => Some(slot),
        Berth::From(_) => None,
    });
    let count = slots.clone().count();
    let slots: BTreeSet<usize> = slots.collect();
    assert!(slots.len() == count && slots.iter().all(|slot| *slot < SLOTS), "a slot twice, or one that does not exist");
    assert!(PANES.iter().all(|spec| spec.kind.spec().module == spec.module), "a kind twice");

    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hud/panes");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !["mod", "tests"].contains(&name.as_str()))
        .collect();
    assert_eq!(files, listed.iter().map(|module| (*module).to_owned()).collect());

    let source = include_str!("mod.rs").split(|letter: char| !letter.is_alphanumeric() && !"_:".contains(letter));
    let drawn: BTreeSet<&str> = source.filter_map(|path| path.strip_suffix("::draw")).collect();
    assert_eq!(drawn, listed);
}

#[test]
fn the_robot_seller_is_switched_where_the_node_is() {
    let mut hud = online();
    hud.open(4);
    hud.take_asked();
    let robot = RobotKind::Seller;
    let row = "Robot seller";
    hud.assert_shows(row);
    hud.click("Start it");
    assert!(hud.take_asked().contains(&NodeCommand::StartRobot { robot }));
}
