//! How `pylon` ends, for scripts: 0 done, 1 mend it, 2 wrong words or config, 3 somebody does not answer, 70 a bug.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use crate::cli::{Run, pylon};

/// Asserts the code, and that an ending that is not good says why, on standard error alone.
fn ends(run: &Run, code: i32) {
    assert_eq!(run.code, code, "{}{}", run.out, run.err);
    assert_eq!(code == 0, !run.err.contains("error: "), "{}", run.err);
    assert!(!run.out.contains("error: "), "{}", run.out);
}

/// Somebody who sits on the control socket and answers one question like this. `ID` becomes the question's number.
fn impostor(dir: &Path, answer: &'static str) -> JoinHandle<()> {
    std::fs::create_dir_all(dir.join("data")).unwrap();
    let listener = UnixListener::bind(dir.join("data/control.sock")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let mut said = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
        let question = said.find(|said| said["do"] != "hello").unwrap();
        stream.write_all(answer.replace("ID", &question["id"].to_string()).as_bytes()).unwrap();
    })
}

#[test]
fn zero_when_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    for words in [&["--version"][..], &["--help"], &["status"], &["jobs"], &["config", "path"], &["relays", "list"]] {
        ends(&pylon(dir.path(), words), 0);
    }
}

#[test]
fn one_when_the_user_can_mend_it() {
    let dir = tempfile::tempdir().unwrap();
    for words in [&["online"][..], &["stop"], &["run"], &["jobs", "show", "abcd"], &["wallet"], &["wallet", "send", "nonsense"]] {
        ends(&pylon(dir.path(), words), 1);
    }
}

#[test]
fn two_when_the_words_or_the_config_are_wrong() {
    let dir = tempfile::tempdir().unwrap();
    for words in [
        &["dance"][..],
        &[],
        &["jobs", "show"],
        &["jobs", "--limit", "0"],
        &["status", "--set", "nonsense"],
        &["config", "get", "no.such.key"],
        &["relays", "add", "https://relay.example"],
    ] {
        let run = pylon(dir.path(), words);
        assert_eq!(run.code, 2, "{words:?}: {}{}", run.out, run.err);
        assert!(run.out.is_empty() && !run.err.is_empty(), "{words:?}: {}", run.out);
    }
    std::fs::create_dir_all(dir.path().join("data")).unwrap();
    std::fs::write(dir.path().join("data/config.toml"), "[relays\n").unwrap();
    for words in [&["run"][..], &["relays", "list"], &["config", "list"]] {
        ends(&pylon(dir.path(), words), 2);
    }
}

#[test]
fn three_when_somebody_does_not_answer() {
    let dir = tempfile::tempdir().unwrap();
    ends(&pylon(dir.path(), &["relays", "test", "ws://127.0.0.1:9"]), 3);
    let node = impostor(dir.path(), "what did you say?\n");
    ends(&pylon(dir.path(), &["status"]), 3);
    node.join().unwrap();
}

#[test]
fn seventy_when_it_is_a_bug_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    let node = impostor(dir.path(), "{\"id\":ID,\"event\":\"done\"}\n");
    let run = pylon(dir.path(), &["status"]);
    ends(&run, 70);
    assert!(run.err.contains("unexpected answer"), "{}", run.err);
    node.join().unwrap();
}
