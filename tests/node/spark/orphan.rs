//! A node that dies takes its helper along.

use rustix::process::Signal;

use super::library;
use crate::daemon::{Home, ended, signal};

#[test]
fn a_helper_does_not_outlive_a_node_that_was_killed_or_stopped() {
    let Some(library) = library() else { return };
    let home = Home::new();
    for (key, value) in [("wallet.kind", "spark"), ("wallet.spark_library", library.to_str().unwrap())] {
        assert_eq!(home.pylon(&["config", "set", key, value]).code, 0);
    }
    let helper = || {
        let told = home.pylon(&["wallet", "status", "--json"]);
        assert_eq!(told.code, 0, "{}", told.err);
        let health: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(health["version"], "0.27.2", "{health}");
        u32::try_from(health["helper"]["pid"].as_u64().unwrap()).unwrap()
    };
    let node = home.start();
    let killed = helper();
    assert_ne!(killed, node);
    signal(node, Signal::KILL);
    ended(node);
    ended(killed);
    home.start();
    let stopped = helper();
    assert_eq!(home.pylon(&["stop"]).code, 0);
    ended(stopped);
    home.is_quiet();
    // The words are in no log.
    let words = std::fs::read_to_string(home.data().join("identity.mnemonic")).unwrap();
    let logs = home.pylon(&["logs"]);
    assert!(!logs.out.contains(words.trim()), "{}", logs.out);
}
