//! What is checked in is what the library says of itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The library; `None`, and loudly, where it cannot be had at all.
fn library() -> Option<PathBuf> {
    let setup = Command::new(Path::new(ROOT).join("scripts/setup")).arg("spark").output().unwrap();
    let (out, words) = (String::from_utf8_lossy(&setup.stdout), String::from_utf8_lossy(&setup.stderr));
    match setup.status.code() {
        Some(0) => Some(PathBuf::from(out.trim())),
        Some(75) => {
            // Not by a macro: what those print is only shown when a test fails.
            std::io::stderr()
                .write_all(format!("\nNOT RUN: the bindings were not compared with the library. {words}\n").as_bytes())
                .unwrap();
            None
        }
        _ => panic!("scripts/setup spark: {words}"),
    }
}

fn generate(library: &Path, calls: &Path, out: &Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_spark-bindgen")).arg(library).arg(calls).arg(out).output().unwrap()
}

#[test]
fn the_bindings_are_what_the_library_says_of_itself() {
    let Some(library) = library() else { return };
    let out = std::env::temp_dir().join(format!("bindings-{}.rs", std::process::id()));
    let made = generate(&library, &Path::new(env!("CARGO_MANIFEST_DIR")).join("calls.txt"), &out);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let generated = std::fs::read_to_string(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    let kept = std::fs::read_to_string(Path::new(ROOT).join("src/wallet/spark/ffi/bindings.rs")).unwrap();
    let differs = generated.lines().zip(kept.lines()).position(|(new, old)| new != old);
    assert!(
        generated == kept,
        "they differ from line {:?} on: generate them again, see tools/spark-bindgen/src/main.rs",
        differs.map(|at| at + 1)
    );
}

#[test]
fn a_call_or_a_secret_that_the_library_does_not_have_is_an_error() {
    let Some(library) = library() else { return };
    let dir = std::env::temp_dir().join(format!("calls-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let calls = dir.join("calls.txt");
    for (text, words) in [
        ("func default_config\nBreezSdk.give_me_money", "has no BreezSdk.give_me_money"),
        ("func default_config\nsecret Config.api_kee", "has no Config.api_kee"),
        ("default_config", "names no call"),
    ] {
        std::fs::write(&calls, text).unwrap();
        let made = generate(&library, &calls, &dir.join("out.rs"));
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(!made.status.success() && said.contains(words), "{said}");
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
