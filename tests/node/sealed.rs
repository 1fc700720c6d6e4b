//! An identity under a passphrase, from the command line.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::daemon::{Home, Run};

pub const PASSPHRASE: &str = "correct horse battery staple";

/// Runs `pylon` with a passphrase on its standard input, and makes sure that it is told to nobody.
pub fn with(home: &Home, passphrase: &str, words: &[&str]) -> Run {
    let mut command = home.command(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{passphrase}\nsecond line").as_bytes()).unwrap();
    let run = Run::of(child.wait_with_output().unwrap());
    assert!(!run.out.contains("horse") && !run.err.contains("horse"), "{}{}", run.out, run.err);
    run
}

/// A home whose identity is encrypted, and the words it had.
pub fn encrypted() -> (Home, String) {
    let home = Home::new();
    let words = fs::read_to_string(home.data().join("identity.mnemonic")).unwrap();
    let done = with(&home, PASSPHRASE, &["identity", "encrypt", "--passphrase-fd", "0", "--work-factor", "1"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("npub1") && !done.out.contains(words.trim()), "{}", done.out);
    (home, words)
}

#[test]
fn an_encrypted_identity_starts_the_node_with_its_passphrase_and_is_decrypted_again() {
    let (home, words) = encrypted();
    let file = |name: &str| home.data().join(name);
    assert!(!file("identity.mnemonic").exists());

    let started = with(&home, PASSPHRASE, &["start", "--passphrase-fd", "0"]);
    assert_eq!(started.code, 0, "{}", started.err);
    let pid = home.status()["pid"].as_u64().unwrap();
    for place in ["cmdline", "environ"] {
        let seen = fs::read(format!("/proc/{pid}/{place}")).unwrap();
        assert!(!seen.windows(5).any(|part| part == b"horse"), "{place} tells the passphrase");
    }
    let restarted = with(&home, PASSPHRASE, &["restart", "--passphrase-fd", "0"]);
    assert_eq!(restarted.code, 0, "{}", restarted.err);
    assert_ne!(home.status()["pid"], pid);
    let unlocked = home.status()["npub"].as_str().unwrap().to_owned();
    assert_eq!(home.pylon(&["stop"]).code, 0);

    let done = with(&home, PASSPHRASE, &["identity", "decrypt", "--passphrase-fd", "0"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains(&unlocked), "{}", done.out);
    assert_eq!(fs::read_to_string(file("identity.mnemonic")).unwrap(), words);
    assert!(!file("identity.age").exists());
    let logs = home.pylon(&["logs"]);
    assert!(!logs.out.contains("horse"), "{}", logs.out);
}

#[test]
fn without_the_right_passphrase_nothing_starts_and_both_ways_in_are_named() {
    let (home, _) = encrypted();
    let nobody = home.pylon(&["start"]);
    assert_eq!(nobody.code, 1);
    for part in ["identity.age", "encrypted", "--passphrase-fd", "pylon-passphrase"] {
        assert!(nobody.err.contains(part), "{:?} lacks {part}", nobody.err);
    }
    for words in
        [&["start", "--passphrase-fd", "0"][..], &["run", "--passphrase-fd", "0"], &["identity", "decrypt", "--passphrase-fd", "0"]]
    {
        let wrong = with(&home, "another horse", words);
        assert_eq!(wrong.code, 1);
        assert!(
            wrong.err.contains("The passphrase does not open it") || wrong.err.contains("the passphrase does not open it"),
            "{}",
            wrong.err
        );
    }
    let empty = with(&home, "", &["start", "--passphrase-fd", "0"]);
    assert!(empty.code == 1 && empty.err.contains("empty"), "{}", empty.err);
    let closed = home.pylon(&["start", "--passphrase-fd", "77"]);
    assert!(closed.code == 1 && closed.err.contains("File descriptor 77"), "{}", closed.err);
    home.is_quiet();
}

#[test]
fn a_node_that_could_not_be_unlocked_again_is_not_stopped_for_a_restart() {
    let (home, _) = encrypted();
    assert_eq!(with(&home, PASSPHRASE, &["start", "--passphrase-fd", "0"]).code, 0);
    let pid = home.status()["pid"].clone();
    assert_eq!(with(&home, "another horse", &["restart", "--passphrase-fd", "0"]).code, 1);
    assert_eq!(home.pylon(&["restart"]).code, 1);
    assert_eq!(home.status()["pid"], pid, "it was stopped and could not come back");
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn a_credential_of_the_service_manager_unlocks_the_node() {
    let (home, _) = encrypted();
    let credentials = home.data().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("pylon-passphrase"), format!("{PASSPHRASE}\n")).unwrap();
    let started = home.command(&["start"]).env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap();
    assert_eq!(started.status.code(), Some(0), "{}", String::from_utf8_lossy(&started.stderr));
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn two_identity_files_start_nothing_and_are_made_one_again() {
    let (home, words) = encrypted();
    let plain = home.data().join("identity.mnemonic");
    fs::write(&plain, &words).unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o600)).unwrap();
    let both = with(&home, PASSPHRASE, &["start", "--passphrase-fd", "0"]);
    assert_eq!(both.code, 1);
    assert!(both.err.contains("interrupted") && both.err.contains("pylon identity encrypt"), "{}", both.err);
    assert_eq!(with(&home, PASSPHRASE, &["identity", "encrypt", "--passphrase-fd", "0"]).code, 0);
    assert!(!plain.exists());
    assert_eq!(with(&home, PASSPHRASE, &["start", "--passphrase-fd", "0"]).code, 0);
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn a_stopped_nodes_doctor_says_that_a_passphrase_will_be_needed() {
    let (home, _) = encrypted();
    let found = home.pylon(&["doctor"]);
    assert!(found.out.contains("warn identity") && found.out.contains("passphrase"), "{}", found.out);
}

#[test]
fn the_connection_of_a_wallet_lies_under_the_same_passphrase_and_in_the_open_only_where_the_identity_does() {
    const SECRET: &str = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";
    let string = format!(
        "nostr+walletconnect://b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4?relay=ws://127.0.0.1:9&secret={SECRET}\n"
    );
    let (home, _) = encrypted();
    let file = |name: &str| home.data().join(name);
    let credentials = tempfile::tempdir().unwrap();
    let connect = |passphrase: &str| {
        fs::write(credentials.path().join("pylon-passphrase"), passphrase).unwrap();
        let mut command = home.command(&["wallet", "connect"]);
        let command = command.env("CREDENTIALS_DIRECTORY", credentials.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // One that refuses does not read it.
        let _ = child.stdin.take().unwrap().write_all(string.as_bytes());
        Run::of(child.wait_with_output().unwrap())
    };
    let nobody = with(&home, "", &["wallet", "connect"]);
    assert!(nobody.code == 1 && nobody.err.contains("--passphrase-fd"), "{}", nobody.err);
    let wrong = connect("another horse");
    assert!(wrong.code == 1 && wrong.err.contains("the passphrase does not open it"), "{}", wrong.err);
    assert!(!file("nwc").exists() && !file("nwc.age").exists());
    let done = connect(PASSPHRASE);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(!file("nwc").exists() && !fs::read_to_string(file("nwc.age")).unwrap().contains(SECRET));
    assert_eq!(fs::metadata(file("nwc.age")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(home.pylon(&["config", "set", "wallet.kind", "nwc"]).code, 0);
    let doctor = home.pylon(&["doctor", "--set", "provider.policy=pay-first"]);
    assert!(doctor.out.contains("Its connection is encrypted"), "{}", doctor.out);
    let started = with(&home, PASSPHRASE, &["start", "--passphrase-fd", "0"]);
    assert_eq!(started.code, 0, "{}", started.err);
    assert_eq!(home.pylon(&["stop"]).code, 0);

    assert_eq!(with(&home, PASSPHRASE, &["identity", "decrypt", "--passphrase-fd", "0"]).code, 0);
    assert!(fs::read_to_string(file("nwc")).unwrap().contains(SECRET) && !file("nwc.age").exists());
    assert_eq!(with(&home, PASSPHRASE, &["identity", "encrypt", "--passphrase-fd", "0", "--work-factor", "1"]).code, 0);
    assert!(!file("nwc").exists() && file("nwc.age").exists());
    assert_eq!(home.pylon(&["wallet", "disconnect"]).code, 0);
    assert!(!file("nwc").exists() && !file("nwc.age").exists());
}
