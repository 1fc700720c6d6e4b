//! The Spark wallet with the real library, as far as it can be had without a network, and the node around it.
//!
//! Where the library could have been fetched these tests fail without it. Where it cannot be had at all they say so.

mod cli;
mod kill;
mod line;
mod orphan;
mod real;
mod recorded;
mod scripted;
mod setup;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use pylon_hud::config::Environment;
use pylon_hud::domain::time::Pace;
use pylon_hud::wallet::spark::protocol::{Hidden, Servers};
use pylon_hud::wallet::spark::{Backoff, Launcher, SparkOptions};

/// The public test words: nobody has money there.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// Their Spark address on regtest.
pub const ADDRESS: &str = "sparkrt1pgssy6vty7krpze82ecm8j39gd35v35aqjjmhftc4culawsavkyh564u2uv8v0";

/// The library; `None`, and loudly, where it cannot be had at all.
pub fn library() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/setup");
        let setup = Command::new(setup).arg("spark").output().unwrap();
        let (out, words) = (String::from_utf8_lossy(&setup.stdout), String::from_utf8_lossy(&setup.stderr));
        match setup.status.code() {
            Some(0) => Some(PathBuf::from(out.trim())),
            Some(75) => {
                // Not by a macro: what those print is only shown when a test fails.
                std::io::stderr().write_all(format!("\nNOT RUN: the tests of the real Spark library. {words}\n").as_bytes()).unwrap();
                None
            }
            _ => panic!("scripts/setup spark: {words}"),
        }
    });
    found.as_deref()
}

/// This program as the helper.
pub fn process() -> Launcher {
    Launcher::Process { program: env!("CARGO_BIN_EXE_pylon").into(), environment: Environment::default() }
}

/// A wallet of the test words that is let nobody talk to, in more of a hurry than usual.
pub fn options(launcher: Launcher, library: &Path, dir: &Path) -> SparkOptions {
    SparkOptions {
        servers: Servers::Nobody,
        pace: Pace::always(Duration::from_secs(5)),
        backoff: Backoff { first: Duration::from_millis(50), longest: Duration::from_millis(500) },
        ..SparkOptions::new(launcher, library, dir, Hidden::new(WORDS))
    }
}
