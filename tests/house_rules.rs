//! The house rules a machine can check, as greps over `src/`. Each failure names file, line, rule and what to do instead.
//!
//! A rule is a row of [`RULES`]. A check that cannot fail is worthless, so each row must flag its own bad samples and
//! leave its good ones alone; `every_rule_flags_its_bad_samples` sees to it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "house_rules/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use source::{Source, find_words, test_modules};

/// A rule of the house.
struct Rule {
    /// What it is called.
    name: &'static str,
    /// What is wrong, and what to do instead.
    instead: &'static str,
    /// Whether the file at this path, relative to `src/`, is bound by it.
    binds: fn(&str) -> bool,
    /// The byte offsets at which the file breaks it.
    broken_at: fn(&Source) -> Vec<usize>,
    /// A path and a text that break it, and one that looks alike and does not.
    bad: &'static [(&'static str, &'static str)],
    good: &'static [(&'static str, &'static str)],
}

const LINES: usize = 400;
/// Names of rules that something below is particular about.
const LENGTH: &str = "400 lines a file";
const UNFINISHED: &str = "nothing unfinished";

const RULES: &[Rule] = &[
    Rule {
        name: "`domain` is pure",
        instead: "`domain` is pure: hand the value in as an argument, or move this to the room that does it.",
        binds: |path| path.starts_with("domain/"),
        broken_at: |source| {
            let mut found = source.crates(&["bevy", "bevy_egui", "egui", "tokio", "nostr", "nostr_sdk", "rusqlite", "reqwest"]);
            found.extend(source.paths(&["std::fs", "std::env", "std::net", "std::time::SystemTime"]));
            found.extend(find_words(&source.code, "SystemTime"));
            found
        },
        bad: &[
            ("domain/job.rs", "use tokio::sync::mpsc;"),
            ("domain/job.rs", "use std::{collections::HashMap, time::{Duration, SystemTime}};"),
            ("domain/job.rs", "fn f() { let _ = std::fs::read(\"x\"); }"),
            ("domain/job.rs", "use std::{env, fmt};"),
        ],
        good: &[
            (
                "domain/job.rs",
                "//! Not tokio::spawn, nor nostr::Event.\nuse std::time::Duration; // std::fs\nconst NAME: &str = \"tokio::x\";",
            ),
            ("node/mod.rs", "use tokio::sync::mpsc;"),
        ],
    },
    Rule {
        name: "only the window knows Bevy",
        instead: "only `hud` and `main.rs` know Bevy and egui: send a `NodeEvent` and let the window draw it.",
        binds: |path| !path.starts_with("hud/") && path != "main.rs",
        broken_at: |source| source.crates(&["bevy", "bevy_egui", "egui", "egui_extras", "egui_plot"]),
        bad: &[("node/mod.rs", "use bevy::prelude::*;"), ("wallet/mod.rs", "fn f(_: egui::Color32) {}")],
        good: &[("hud/mod.rs", "use bevy::prelude::*;"), ("main.rs", "use bevy::prelude::*;"), ("node/mod.rs", "// bevy::App")],
    },
    Rule {
        name: "`nip90` only translates",
        instead: "`nip90` only translates events: the caller does the reading, writing and sending.",
        binds: |path| path.starts_with("nip90/"),
        broken_at: |source| {
            let mut found = source.crates(&["tokio", "nostr_sdk", "reqwest", "rusqlite", "async_wsocket"]);
            found.extend(source.paths(&["std::fs", "std::net", "std::env", "std::process"]));
            found
        },
        bad: &[("nip90/ad.rs", "async fn f(c: nostr_sdk::Client) {}"), ("nip90/ad.rs", "use std::net::TcpStream;")],
        good: &[("nip90/ad.rs", "use nostr::{Event, Kind};")],
    },
    Rule {
        name: "only `store` knows SQL",
        instead: "only `store` knows SQL: add a function with a domain type there.",
        binds: |path| !path.starts_with("store/"),
        broken_at: |source| {
            let mut found = source.crates(&["rusqlite"]);
            let sql = ["SELECT ", "INSERT INTO ", "INSERT OR ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "];
            found.extend(
                source.strings.iter().filter(|(_, text)| sql.iter().any(|word| text.trim_start().starts_with(word))).map(|(at, _)| *at),
            );
            found
        },
        bad: &[("node/mod.rs", "let q = \"SELECT id FROM jobs\";"), ("bin/pylon/main.rs", "use rusqlite::Connection;")],
        good: &[
            ("store/jobs.rs", "use rusqlite::Connection; const Q: &str = \"SELECT 1\";"),
            ("node/mod.rs", "let s = \"Select a model\";"),
        ],
    },
    Rule {
        name: "one reader of the environment",
        instead: "only `config/paths.rs` reads the environment and the home directory: take the value from `Config`.",
        binds: |path| path != "config/paths.rs",
        broken_at: |source| {
            let reads = ["env::var", "env::var_os", "env::vars", "env::vars_os", "env::set_var", "env::remove_var", "env::home_dir"];
            let mut found = reads.iter().flat_map(|call| find_words(&source.code, call)).collect::<Vec<_>>();
            found.extend(source.paths(&["std::env::var", "std::env::var_os", "std::env::vars", "std::env::home_dir"]));
            found.extend(source.crates(&["dirs", "directories", "home"]));
            found
        },
        bad: &[
            ("logging.rs", "let x = std::env::var(\"RUST_LOG\");"),
            ("main.rs", "use std::env; fn f() { env::var_os(\"HOME\"); }"),
            ("main.rs", "use std::env::{self, home_dir};"),
        ],
        good: &[("config/paths.rs", "std::env::var(\"HOME\")"), ("wallet/mod.rs", "std::env::current_exe(); env!(\"CARGO_PKG_VERSION\");")],
    },
    Rule {
        name: "`unsafe` in one place",
        instead: "`unsafe` lives in `wallet/spark/ffi` alone: use a safe crate, such as rustix.",
        binds: |path| !path.starts_with("wallet/spark/ffi/"),
        broken_at: |source| find_words(&source.code, "unsafe"),
        bad: &[("node/mod.rs", "fn f() { unsafe { g() } }")],
        good: &[("wallet/spark/ffi/runtime.rs", "unsafe { g() }"), ("node/mod.rs", "#![deny(unsafe_code)] // unsafe")],
    },
    Rule {
        name: "one door to the node",
        instead: "the window talks to the node through `hud/bridge` only: write a `UserAction`, read a `FromNode`.",
        // The tests' own node has to have the other end.
        binds: |path| path.starts_with("hud/") && !path.starts_with("hud/bridge/") && path != "hud/testing.rs",
        broken_at: |source| {
            let mut found = source.crates(&["crossbeam_channel", "tokio"]);
            found.extend(source.paths(&["std::sync::mpsc", "std::sync::Mutex"]));
            found.extend(find_words(&source.code, "Arc<Mutex"));
            found
        },
        bad: &[("hud/panes/wallet.rs", "use crossbeam_channel::Sender;"), ("hud/hotbar.rs", "struct A(Arc<Mutex<u8>>);")],
        good: &[("hud/bridge/mod.rs", "use crossbeam_channel::Sender;"), ("hud/hotbar.rs", "use std::sync::Arc;")],
    },
    Rule {
        name: "no delayed repaints",
        instead: "bevy_egui turns any delayed repaint into a busy loop: write `RequestRedraw` while something moves.",
        binds: |path| path.starts_with("hud/"),
        broken_at: |source| find_words(&source.code, "request_repaint_after"),
        bad: &[("hud/notices.rs", "ctx.request_repaint_after(wait);")],
        good: &[("hud/power.rs", "// never request_repaint_after")],
    },
    Rule {
        name: LENGTH,
        instead: "a file has 400 lines at most: split it by noun, or move its tests to a `tests.rs` beside it.",
        binds: |_| true,
        broken_at: |source| source.raw.match_indices('\n').nth(LINES).map(|(at, _)| at).into_iter().collect(),
        bad: &[],
        good: &[("node/mod.rs", "fn f() {}\n")],
    },
    Rule {
        name: "colours and fonts from the theme",
        instead: "colours and fonts come from `hud::theme`: add a token there, or use the one there is.",
        binds: |path| !path.starts_with("hud/theme/"),
        broken_at: |source| {
            let fonts = ["FontId::new", "FontId::proportional", "FontId::monospace", "hex_color!"];
            let mut found = fonts.iter().flat_map(|call| find_words(&source.code, call)).collect::<Vec<_>>();
            found.extend(source.code.match_indices("Color32::from_").map(|(at, _)| at));
            found.extend(source.code.match_indices("Color32::").map(|(at, _)| at).filter(|at| source.names_a_colour(*at)));
            found
        },
        bad: &[
            ("hud/hotbar.rs", "let c = Color32::from_rgb(1, 2, 3);"),
            ("hud/hotbar.rs", "let c = egui::Color32::RED;"),
            ("hud/hotbar.rs", "let f = FontId::new(12.0, family);"),
        ],
        good: &[("hud/theme/tokens.rs", "Color32::from_gray(3)"), ("hud/hotbar.rs", "let c = Color32::TRANSPARENT; f(c as Color32);")],
    },
    Rule {
        name: "no panics",
        instead: "no panic outside tests: return the error, or handle it and say what happens next.",
        binds: |path| path != "main.rs" && path != "bin/pylon/main.rs",
        broken_at: |source| [".unwrap()", ".expect("].iter().flat_map(|call| source.code.match_indices(call)).map(|(at, _)| at).collect(),
        bad: &[("node/mod.rs", "fn f() { g().unwrap(); }"), ("node/mod.rs", "#[cfg(test)]\nuse x::y;\nfn f() { g()\n.expect(\"set\"); }")],
        good: &[
            ("node/mod.rs", "fn f() { g().unwrap_or_default(); }\n#[cfg(test)]\nmod tests { fn t() { g().unwrap(); } }"),
            ("node/tests.rs", "fn t() { g().unwrap(); }"),
            ("node/mod.rs", "#[expect(unused, reason = \"x\")] fn f() {} // .unwrap()"),
        ],
    },
    Rule {
        name: "every task has an owner",
        instead: "a task has an owner who joins it: keep the handle, or spawn on a `TaskTracker` or `JoinSet`.",
        binds: |_| true,
        broken_at: Source::detached_tasks,
        bad: &[("node/mod.rs", "fn f() { tokio::spawn(async { g(1) }); }"), ("node/mod.rs", "fn f() { let _ = tokio::spawn(g()); }")],
        good: &[
            ("node/mod.rs", "fn f() { let task = tokio::spawn(g()); }"),
            ("node/mod.rs", "fn f() -> JoinHandle<()> { tokio::spawn(g()) }"),
            ("node/mod.rs", "fn f() { tracker.spawn(g()); }"),
        ],
    },
    Rule {
        name: UNFINISHED,
        instead: "finish it, or write it down where work is planned: the code says what is, not what might be.",
        binds: |_| true,
        broken_at: |source| ["TODO", "FIXME", "XXX"].iter().flat_map(|mark| find_words(&source.raw, mark)).collect(),
        bad: &[("node/mod.rs", "// TODO: later"), ("node/mod.rs", "let s = \"FIXME\";")],
        good: &[("node/mod.rs", "let name = \"XXXXXX\"; // MASTODON")],
    },
    Rule {
        name: "lints",
        instead: "a lint is switched off with a reason: `#[expect(lint, reason = \"...\")]`, or `allow` in test modules.",
        binds: |_| true,
        broken_at: Source::bare_allows,
        bad: &[("node/mod.rs", "#[allow(dead_code)]\nfn f() {}"), ("node/mod.rs", "#![allow(clippy::all)]")],
        good: &[("node/mod.rs", "#[expect(dead_code, reason = \"the table is shared\")]\nfn f() {}")],
    },
];

/// What a file breaks, as lines to print.
fn check(path: &str, text: &str, test_files: &BTreeSet<String>) -> Vec<(&'static str, String)> {
    let source = Source::new(path, text, test_files);
    let bound = RULES.iter().filter(|rule| (rule.binds)(path)).filter(|rule| !source.generated || rule.name == UNFINISHED);
    let mut broken = Vec::new();
    for rule in bound {
        let mut lines = (rule.broken_at)(&source).into_iter().map(|at| source.line(at)).collect::<Vec<_>>();
        lines.sort_unstable();
        lines.dedup();
        broken.extend(lines.iter().map(|line| (rule.name, format!("src/{path}:{line}: {}: {}", rule.name, rule.instead))));
    }
    broken
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn the_house_rules_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.sort();
    let texts = files.iter().map(|file| (file.strip_prefix(&root).unwrap().to_str().unwrap(), fs::read_to_string(file).unwrap()));
    let texts = texts.collect::<Vec<_>>();
    assert!(texts.len() > 5, "the files were not found in {}", root.display());
    let test_files = texts.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let broken = texts.iter().flat_map(|(path, text)| check(path, text, &test_files)).map(|(_, line)| line).collect::<Vec<_>>();
    assert!(broken.is_empty(), "{} house rules are broken:\n{}\n", broken.len(), broken.join("\n"));
}

#[test]
fn every_rule_flags_its_bad_samples() {
    for rule in RULES {
        assert!(rule.name == LENGTH || !rule.bad.is_empty(), "{} ({}) has no bad sample", rule.name, rule.instead);
        for (path, text) in rule.bad {
            let found = check(path, text, &BTreeSet::new());
            assert!(found.iter().any(|(_, line)| line.ends_with(rule.instead)), "{} lets this pass: {text}", rule.name);
        }
        for (path, text) in rule.good {
            let found = check(path, text, &BTreeSet::new());
            assert!(!found.iter().any(|(_, line)| line.ends_with(rule.instead)), "{} forbids this: {text}", rule.name);
        }
    }
}

#[test]
fn a_file_may_have_four_hundred_lines_and_not_one_more() {
    let flagged = |lines: usize| check("node/mod.rs", &"\n".repeat(lines), &BTreeSet::new()).iter().any(|(name, _)| *name == LENGTH);
    assert!(!flagged(LINES));
    assert!(flagged(LINES + 1));
}

#[test]
fn a_failure_names_the_line() {
    let found = check("node/mod.rs", "fn f() {\n    g();\n    h().unwrap();\n}\n", &BTreeSet::new());
    assert_eq!(found.len(), 1);
    assert!(found[0].1.starts_with("src/node/mod.rs:3: no panics: "), "{}", found[0].1);
}

#[test]
fn a_module_that_only_tests_compile_is_a_test_file() {
    let files = test_modules("node/mod.rs", "#[cfg(test)]\nmod fake;\nmod real;\n").into_iter().collect::<BTreeSet<_>>();
    assert!(check("node/fake.rs", "fn f() { g().unwrap(); }", &files).is_empty());
    assert!(!check("node/real.rs", "fn f() { g().unwrap(); }", &files).is_empty());
    let named = test_modules("domain/job.rs", "#[cfg(test)]\n#[path = \"job_tests.rs\"]\nmod tests;\n");
    assert_eq!(named, ["domain/job_tests"]);
}
