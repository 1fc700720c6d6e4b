//! The help, as a new user reads it: every example in it is run as it stands.

use std::path::Path;
use std::process::{Command, Stdio};

use pylon_hud::node::NodeCommand;

use crate::cli::{Run, run};
use crate::common::{Market, Running, Scripted};
use crate::daemon::Home;

/// A verb and its help.
struct Verb {
    path: Vec<String>,
    help: String,
}

impl Verb {
    /// The lines somebody would copy.
    fn examples(&self) -> impl Iterator<Item = &str> {
        self.help.lines().map(str::trim).filter(|line| line.starts_with("pylon "))
    }
}

/// Every verb there is, found by asking each for help.
fn verbs(path: &[String]) -> Vec<Verb> {
    let asked = Command::new(env!("CARGO_BIN_EXE_pylon")).args(path).arg("--help").env_clear().output().unwrap();
    let asked = run(asked);
    assert_eq!((asked.code, asked.err.as_str()), (0, ""), "{path:?}");
    let listed = asked.out.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A verb's text may go on in further lines, which stand further right.
    let names = listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let below: Vec<Verb> = names.filter(|name| *name != "help").flat_map(|name| verbs(&[path, &[name.to_owned()]].concat())).collect();
    let mut found = vec![Verb { path: path.to_vec(), help: asked.out.clone() }];
    found.extend(below);
    found
}

/// Examples that are only parsed, by a test beside their table: they run until Ctrl-C, read a file of the user's, wait
/// for somebody else, go out to the internet, or need the Spark wallet (which `spark::cli` has).
const NOT_RUN: &[&str] = &[
    "pylon run",
    "pylon --practice run",
    "pylon watch",
    "pylon init --import",
    "pylon wallet connect",
    "pylon wallet pin set",
    "pylon wallet pin unlock",
    "pylon wallet pin reset",
    "pylon wallet receive --spark",
    "pylon wallet send name@",
    "pylon wallet deposits",
    "pylon wallet install",
    "pylon models pull",
    "pylon relays test",
    "pylon practice --jobs 50",
    "pylon job submit \"Why is the sky blue?\" --bid 10 --pay cheapest --wait",
    "pylon logs --follow",
    "pylon stop --force",
    // They ask at a terminal; `tests/node/sealed.rs` does it without one.
    "pylon identity",
];

/// Examples about a node of one's own, run where there is one, in the order in which they stand here.
const OWN_NODE: &[&str] =
    &["pylon start", "pylon restart", "pylon logs", "pylon service install", "pylon service print", "pylon service uninstall"];

/// Runs a line in a shell, with nothing set but where things are.
fn shell(line: &str, home: &Path, data: &Path) -> Run {
    let bin = Path::new(env!("CARGO_BIN_EXE_pylon")).parent().unwrap();
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).env_clear().stdin(Stdio::null()).current_dir(home);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", home).env("PYLON_DATA_DIR", data);
    command.env("PYLON_BACKENDS__OLLAMA__URL", "http://127.0.0.1:9");
    run(command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_in_the_help_does_what_it_says() {
    let market = Market::new().await;
    let node = Running::launch(market.options(Scripted::quick(&["Because."]), &[]));
    let home = tempfile::tempdir().unwrap();
    let verbs = verbs(&[]);
    assert!(verbs.len() > 30, "{} verbs were found", verbs.len());
    let mut examples: Vec<&str> = verbs.iter().flat_map(Verb::examples).collect();
    examples.retain(|line| !NOT_RUN.iter().chain(OWN_NODE).any(|begin| line.starts_with(begin)));
    assert!(examples.len() > 30, "{} examples were found", examples.len());
    for line in examples {
        // Whatever the line before did to it.
        node.done(NodeCommand::GoOnline).await;
        let empty = tempfile::tempdir().unwrap();
        let data = if line.starts_with("pylon init") { empty.path() } else { market.dir.path() };
        let ended = shell(line, home.path(), data);
        // What is about an id finds none: it stands for one the reader puts in.
        let code = i32::from(line.contains("3f2a9c"));
        assert_eq!(ended.code, code, "{line}\n{}{}", ended.out, ended.err);
        assert_eq!(ended.err.starts_with("error: "), code == 1, "{line}\n{}", ended.err);
    }
    node.stop();
}

#[test]
fn every_example_about_a_node_in_the_background_does_what_it_says() {
    let home = Home::new();
    let above = home.data().parent().unwrap().to_owned();
    std::fs::write(above.join("passphrase.txt"), "not needed\n").unwrap();
    let verbs = verbs(&[]);
    let all: Vec<&str> = verbs.iter().flat_map(Verb::examples).collect();
    for begin in OWN_NODE {
        let lines: Vec<_> =
            all.iter().filter(|line| line.starts_with(begin) && !NOT_RUN.iter().any(|begin| line.starts_with(begin))).collect();
        assert!(!lines.is_empty(), "{begin} has no example");
        for line in lines {
            if *begin == "pylon start" {
                home.pylon(&["stop"]);
            }
            let ended = shell(line, &above, &home.data());
            assert_eq!(ended.code, 0, "{line}\n{}{}", ended.out, ended.err);
            assert!(!ended.out.is_empty(), "{line} says nothing");
        }
    }
    assert_eq!(home.pylon(&["stop"]).code, 0);
    home.is_quiet();
}

#[test]
fn a_verb_that_needs_words_shows_an_example_and_every_verb_says_what_it_is_for() {
    for verb in verbs(&[]) {
        let Verb { path, help } = &verb;
        assert!(help.lines().next().is_some_and(|line| line.len() > 10), "{path:?} does not say what it is for:\n{help}");
        let usage = help.lines().find(|line| line.starts_with("Usage:")).unwrap();
        let needs_words = usage.contains('<') && !usage.contains("<COMMAND>");
        assert!(!needs_words || verb.examples().next().is_some(), "{path:?} needs words and shows no example");
    }
}

#[test]
fn help_and_errors_are_plain_where_nobody_sees_colours() {
    for words in [&["--help"][..], &["relays", "add", "--help"], &["relays", "ad"], &["--set"]] {
        let told = run(Command::new(env!("CARGO_BIN_EXE_pylon")).args(words).env_clear().output().unwrap());
        assert!(!told.out.contains('\u{1b}') && !told.err.contains('\u{1b}'), "{words:?}: {}{}", told.out, told.err);
    }
}

#[test]
fn whatever_prints_data_prints_it_as_json_as_well() {
    let dir = tempfile::tempdir().unwrap();
    for words in [
        "status",
        "jobs",
        "jobs stats",
        "models",
        "doctor",
        "wallet limits",
        "wallet pin",
        "job list",
        "relays list",
        "config list",
        "config path",
        "config get node.name",
        "config set node.name Pylon",
    ] {
        let line = format!("pylon {words} --json --set relays.urls=ws://127.0.0.1:9");
        let told = shell(&line, dir.path(), &dir.path().join("data"));
        let json: Result<serde_json::Value, _> = serde_json::from_str(&told.out);
        assert!(json.is_ok(), "{words}: {}{}", told.out, told.err);
    }
}
