//! The command line, as somebody at a prompt meets it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `pylon` on a data directory, with an environment that holds nothing of ours.
pub fn pylon(dir: &Path, words: &[&str]) -> Run {
    run(command(dir).args(words).output().unwrap())
}

pub fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pylon"));
    command.env_clear().env("HOME", dir).arg("--data-dir").arg(dir.join("data")).stdin(Stdio::null());
    command
}

pub fn run(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_identity_is_made_once_and_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let missing = pylon(dir.path(), &["run"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("pylon init"), "{}", missing.err);

    let made = pylon(dir.path(), &["init"]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("npub1"), "{}", made.out);
    let file = dir.path().join("data/identity.mnemonic");
    let words = std::fs::read_to_string(&file).unwrap();
    assert_eq!(words.split_whitespace().count(), 12);

    let again = pylon(dir.path(), &["init"]);
    assert_eq!(again.code, 1);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), words);

    let replaced = pylon(dir.path(), &["init", "--replace", "--json"]);
    assert_eq!(replaced.code, 0, "{}", replaced.err);
    let told: serde_json::Value = serde_json::from_str(&replaced.out).unwrap();
    let kept = told["moved_aside"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), words);
    assert_ne!(std::fs::read_to_string(&file).unwrap(), words);
}

#[test]
fn an_imported_mnemonic_gives_the_published_key_and_is_not_echoed() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let phrase = "leader monkey parrot ring guide accident before fence cannon height naive bean";
    let mut child =
        command(dir.path()).args(["init", "--import"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(phrase.as_bytes()).unwrap();
    let made = run(child.wait_with_output().unwrap());
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu"), "{}", made.out);
    assert!(!made.out.contains("monkey") && !made.err.contains("monkey"));
}

#[test]
fn a_mnemonic_with_a_wrong_word_is_refused_by_name_of_the_place() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let mut child =
        command(dir.path()).args(["init", "--import"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let phrase = "leader monkey parrot ring guide accident before fence cannon height naive beam";
    child.stdin.take().unwrap().write_all(phrase.as_bytes()).unwrap();
    let refused = run(child.wait_with_output().unwrap());
    assert_eq!(refused.code, 1);
    assert!(refused.err.starts_with("error: "), "{}", refused.err);
    assert!(!dir.path().join("data/identity.mnemonic").exists());
}

#[test]
fn a_wallet_is_connected_by_a_string_that_is_never_shown() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let secret = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";
    let wallet = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
    let connect = |text: &str| {
        let mut child = command(dir.path())
            .args(["wallet", "connect"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let ended = run(child.wait_with_output().unwrap());
        assert!(!ended.out.contains(secret) && !ended.err.contains(secret), "{}{}", ended.out, ended.err);
        ended
    };
    let file = dir.path().join("data/nwc");
    let refused = connect(&format!("nostr+walletconnect://{wallet}?secret={secret}"));
    assert_eq!((refused.code, file.exists()), (1, false));
    assert!(refused.err.contains("no relay"), "{}", refused.err);

    let made = connect(&format!("nostr+walletconnect://{wallet}?relay=wss%3A%2F%2Frelay.example&secret={secret}\n"));
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("b889ff5b") && made.out.contains("wss://relay.example"), "{}", made.out);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let another = connect(&format!("nostr+walletconnect://{wallet}?relay=wss://other.example&secret={secret}"));
    assert_eq!(another.code, 1);
    assert!(another.err.contains("pylon wallet disconnect"), "{}", another.err);

    assert_eq!(pylon(dir.path(), &["wallet", "disconnect"]).code, 0);
    assert!(!file.exists());
    assert_eq!(pylon(dir.path(), &["wallet", "disconnect"]).code, 1);
}

#[test]
fn settings_are_read_changed_and_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(pylon(dir.path(), &["config", "get", "provider.min_price"]).out.trim(), "3000");
    assert_eq!(pylon(dir.path(), &["config", "set", "provider.min_price", "5000"]).code, 0);
    assert_eq!(pylon(dir.path(), &["config", "get", "provider.min_price"]).out.trim(), "5000");

    let bad = pylon(dir.path(), &["config", "set", "provider.quote_secs", "soon"]);
    assert_eq!(bad.code, 2);
    assert!(bad.err.contains("provider.quote_secs"), "{}", bad.err);
    assert_eq!(pylon(dir.path(), &["config", "get", "provider.quote_secs"]).out.trim(), "120");

    let unknown = pylon(dir.path(), &["config", "set", "provider.min_prise", "1"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("provider.min_price"), "{}", unknown.err);

    let path = pylon(dir.path(), &["config", "path"]).out;
    assert_eq!(Path::new(path.trim()), dir.path().join("data/config.toml"));
    let listed = pylon(dir.path(), &["config", "list"]);
    assert!(listed.out.contains("provider.min_price = 5000"), "{}", listed.out);
}

#[test]
fn a_config_file_with_a_bad_value_is_refused_with_key_file_and_expectation() {
    let dir = tempfile::tempdir().unwrap();
    pylon(dir.path(), &["init"]);
    let file = dir.path().join("data/config.toml");
    std::fs::write(&file, "[provider]\nmax_in_flight = \"many\"\n").unwrap();
    let refused = pylon(dir.path(), &["run"]);
    assert_eq!(refused.code, 2);
    for part in ["provider.max_in_flight", "config.toml", "1"] {
        assert!(refused.err.contains(part), "{:?} lacks {part:?}", refused.err);
    }
}

#[test]
fn a_stopped_node_still_answers() {
    let dir = tempfile::tempdir().unwrap();
    let status = pylon(dir.path(), &["status", "--json"]);
    assert_eq!(status.code, 0, "{}", status.err);
    let told: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!((told["running"].as_bool(), told["state"].as_str()), (Some(false), Some("stopped")));
    assert_eq!(pylon(dir.path(), &["jobs"]).out.trim(), "No jobs.");
    let online = pylon(dir.path(), &["online"]);
    assert_eq!(online.code, 1);
    assert!(online.err.contains("pylon run"), "{}", online.err);
    let nothing = pylon(dir.path(), &["jobs", "show", "abcd"]);
    assert_eq!(nothing.code, 1);
}

#[test]
fn a_predecessors_ledger_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    pylon(dir.path(), &["init"]);
    let file = dir.path().join("data/pylon.db");
    let old = rusqlite::Connection::open(&file).unwrap();
    old.execute_batch(
        "CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT); CREATE TABLE migrations (id INTEGER PRIMARY KEY, name TEXT UNIQUE);",
    )
    .unwrap();
    drop(old);
    let before = std::fs::read(&file).unwrap();
    let refused = pylon(dir.path(), &["run"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("move the file aside"), "{}", refused.err);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn practice_delivers_every_job_and_the_ledger_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["practice", "--jobs", "4", "--set", "backends.ollama.url=http://127.0.0.1:9"];
    let practice = pylon(dir.path(), &words);
    assert_eq!(practice.code, 0, "{}{}", practice.out, practice.err);
    let lines: Vec<_> = practice.out.lines().filter(|line| line.contains(" done ")).collect();
    assert_eq!(lines.len(), 4, "{}", practice.out);
    assert!(practice.out.contains("4 of 4 jobs done"), "{}", practice.out);
    let id = lines[0].split_whitespace().next().unwrap();
    let shown = pylon(dir.path(), &["jobs", "show", id]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    for part in ["practice", "claimed", "Started", "AnswerStored", "Delivered"] {
        assert!(shown.out.contains(part), "{} lacks {part}", shown.out);
    }
    assert_eq!(pylon(dir.path(), &["jobs"]).out.trim(), "No jobs.", "practice jobs are not real ones");
}

#[test]
fn a_market_in_a_storm_loses_nothing_and_does_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let trial = pylon(dir.path(), &["practice", "--jobs", "60", "--pairs", "2", "--chaos", "--json"]);
    assert_eq!(trial.code, 0, "{}{}", trial.out, trial.err);
    let tally: serde_json::Value = serde_json::from_str(&trial.out).unwrap();
    let count = |name: &str| tally[name].as_u64().unwrap();
    assert_eq!((count("lost"), count("doubled"), &tally["invariant"]), (0, 0, &serde_json::json!(true)), "{tally}");
    assert!(count("jobs") >= 60 && count("paid") == count("delivered") + count("refunded"), "{tally}");
    // Fair weather proves nothing.
    assert!(count("kills") > 0 && count("damage") > 0, "{tally}");
}
