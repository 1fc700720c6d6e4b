//! Getting the library, and what is said when something is in the way.

use std::fs;
use std::process::Command;

use super::library;
use crate::common::{Market, Running, Scripted, soon};
use crate::daemon::{Home, Run};
use pylon_hud::node::{NodeCommand, NodeEvent, Report};

#[test]
fn the_library_is_installed_from_a_file_that_is_the_right_one_and_from_no_other() {
    let home = Home::new();
    let shared = home.data().parent().unwrap().join("share");
    let install = |file: &str| {
        let mut command = home.command(&["wallet", "install", "--json", file]);
        Run::of(command.env("XDG_DATA_HOME", &shared).env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap())
    };
    let wrong = home.data().join("wrong.so");
    fs::write(&wrong, "something else").unwrap();
    let refused = install(wrong.to_str().unwrap());
    assert_eq!(refused.code, 1);
    for part in ["not the Spark library", "SHA-256", "pylon wallet install"] {
        assert!(refused.err.contains(part), "{:?} lacks {part}", refused.err);
    }
    let missing = install("/nowhere/at/all.so");
    assert!(missing.code == 1 && missing.err.contains("/nowhere/at/all.so"), "{}", missing.err);
    let wheel = home.data().join("some.whl");
    fs::write(&wheel, "no archive").unwrap();
    let refused = install(wheel.to_str().unwrap());
    assert!(refused.code == 1 && (refused.err.contains("no wheel") || refused.err.contains("python3")), "{}", refused.err);
    assert!(!shared.join("pylon-hud").exists(), "something was installed");
    let Some(library) = library() else { return };
    let done = install(library.to_str().unwrap());
    assert_eq!(done.code, 0, "{}", done.err);
    let told: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let installed = told["installed"].as_str().unwrap();
    assert!(installed.starts_with(shared.to_str().unwrap()), "{installed}");
    assert_eq!(fs::read(installed).unwrap(), fs::read(library).unwrap());
    fs::remove_file(installed).unwrap();
    // In the wheel it comes in. Whoever has the library has had Python, most likely.
    let inside = home.data().join("breez_sdk_spark");
    fs::create_dir(&inside).unwrap();
    fs::copy(library, inside.join(library.file_name().unwrap())).unwrap();
    let zipped = Command::new("python3").args(["-m", "zipfile", "-c"]).arg(&wheel).arg(&inside).status();
    if zipped.is_ok_and(|status| status.success()) {
        let done = install(wheel.to_str().unwrap());
        assert_eq!(done.code, 0, "{}", done.err);
        assert_eq!(fs::read(installed).unwrap(), fs::read(library).unwrap());
    }
}

#[test]
fn without_python_the_way_out_is_named() {
    let home = Home::new();
    let mut command = home.command(&["wallet", "install"]);
    let refused = Run::of(command.env("PATH", "/nowhere").output().unwrap());
    assert_eq!(refused.code, 1);
    for part in ["python3", "apt install", "pylon wallet install FILE"] {
        assert!(refused.err.contains(part), "{:?} lacks {part}", refused.err);
    }
}

#[test]
fn real_bitcoin_is_chosen_by_somebody_who_says_so() {
    let home = Home::new();
    let asked = home.pylon(&["wallet", "use", "mainnet"]);
    assert!(asked.code == 1 && asked.err.contains("--yes"), "{}", asked.err);
    assert_eq!(home.pylon(&["config", "get", "wallet.network"]).out.trim(), "regtest");
    let library = home.data().join("some.so");
    fs::write(&library, "whatever").unwrap();
    for (key, value) in [
        ("wallet.kind", "spark"),
        ("wallet.spark_library", library.to_str().unwrap()),
        ("wallet.network", "mainnet"),
        ("provider.policy", "pay-first"),
    ] {
        assert_eq!(home.pylon(&["config", "set", key, value]).code, 0);
    }
    // A line in a file is not somebody who says so.
    let doctor = home.pylon(&["doctor"]);
    assert!(doctor.out.contains("pylon wallet use mainnet"), "{}", doctor.out);
    let chosen = home.pylon(&["wallet", "use", "mainnet", "--yes"]);
    assert_eq!(chosen.code, 0, "{}", chosen.err);
    let doctor = home.pylon(&["doctor"]);
    assert!(doctor.out.contains("API key") && doctor.out.contains("BREEZ_API_KEY"), "{}", doctor.out);
    assert_eq!(home.pylon(&["wallet", "use", "regtest"]).code, 0);
    assert_eq!(home.pylon(&["config", "get", "wallet.network"]).out.trim(), "regtest");
    // Nor is having said so once.
    assert_eq!(home.pylon(&["config", "set", "wallet.network", "mainnet"]).code, 0);
    assert!(home.pylon(&["doctor"]).out.contains("pylon wallet use mainnet"));
}

#[test]
fn words_of_the_wallets_own_are_made_once_and_wrong_ones_are_refused_by_their_place() {
    let home = Home::new();
    let import = |words: &str| {
        use std::io::Write as _;
        let mut command = home.command(&["wallet", "words", "--import"]);
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
        Run::of(child.wait_with_output().unwrap())
    };
    for (words, part) in
        [("abandon about", "12 or 24"), (&super::WORDS.replace("about", "abuot"), "Word 12"), (&["abandon"; 12].join(" "), "checksum")]
    {
        let refused = import(words);
        assert!(refused.code == 1 && refused.err.contains(part) && !refused.err.contains("abandon"), "{}", refused.err);
    }
    let made = home.pylon(&["wallet", "words", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let told: serde_json::Value = serde_json::from_str(&made.out).unwrap();
    assert_eq!(fs::read_to_string(home.data().join("wallet.mnemonic")).unwrap().trim(), told["words"]);
    assert_eq!(home.pylon(&["config", "get", "wallet.mnemonic"]).out.trim(), "separate");
    let again = import(super::WORDS);
    assert!(again.code == 1 && again.err.contains("they stay"), "{}", again.err);
}

#[test]
fn words_of_the_wallets_own_are_put_under_the_identitys_passphrase() {
    use std::io::Write as _;
    let home = Home::new();
    let with = |passphrase: &str, words: &[&str]| {
        let mut command = home.command(words);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(passphrase.as_bytes()).unwrap();
        Run::of(child.wait_with_output().unwrap())
    };
    let encrypted = with("open sesame", &["identity", "encrypt", "--passphrase-fd", "0", "--work-factor", "1"]);
    assert_eq!(encrypted.code, 0, "{}", encrypted.err);
    let (plain, age) = (home.data().join("wallet.mnemonic"), home.data().join("wallet.age"));
    let wrong = with("open barley", &["wallet", "words", "--passphrase-fd", "0"]);
    assert!(wrong.code == 1 && !plain.exists() && !age.exists(), "{}", wrong.err);
    let made = with("open sesame", &["wallet", "words", "--passphrase-fd", "0"]);
    assert_eq!((made.code, plain.exists(), age.exists()), (0, false, true), "{}", made.err);
    assert_eq!(made.out.split_whitespace().count(), 12, "{}", made.out);
}

/// What a node says when its wallet cannot be opened, and that it runs all the same.
async fn fault(library: &str) -> (String, String) {
    let market = Market::new().await;
    let file = market.dir.path().join("library.so");
    if !library.is_empty() {
        fs::write(&file, library).unwrap();
    }
    let named = format!("wallet.spark_library=\"{}\"", file.display());
    let mut options = market.real_options(Scripted::quick(&[]), &["wallet.kind=\"spark\"", &named, "provider.policy=\"free\""]);
    options.spark = Some(super::process());
    let node = Running::launch(options);
    let started = node.ask(NodeCommand::Start);
    let told = node.wait("a fault", |report: &Report| match &report.event {
        NodeEvent::Fault { fault } => Some((fault.message.clone(), fault.hint.clone())),
        _ => None,
    });
    let told = soon("the fault", told).await;
    soon("the start", node.wait("the start", |report| (report.id == Some(started)).then_some(()))).await;
    assert!(node.status().await.running, "the node runs");
    match node.call(NodeCommand::Wallet).await {
        NodeEvent::Failed { failure } => assert!(!failure.message.contains("has no wallet"), "{failure:?}"),
        event => panic!("{event:?}"),
    }
    node.stop();
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_runs_without_a_library_and_with_another_ones_file_and_says_what_to_do() {
    for (library, part) in [("", "it was looked for at"), ("another library", "not the Spark library")] {
        let (message, hint) = fault(library).await;
        assert!(message.contains(part) && message.starts_with("The node runs without its wallet."), "{message}");
        assert!(hint.contains("pylon wallet install"), "{hint}");
    }
}
