//! A data directory, or a screen, that takes nothing.

use std::fs::{self, OpenOptions};
use std::process::Stdio;

use crate::daemon::Home;

#[test]
fn a_directory_of_somebody_else_is_refused_with_what_to_do_and_left_as_it_is() {
    let home = Home::new();
    let data = home.data();
    // Only root can give something away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    std::os::unix::fs::chown(&data, Some(12_345), None).unwrap();
    let before = names(&data);
    for words in [&["start"][..], &["run"], &["init", "--replace"]] {
        let refused = home.pylon(words);
        assert_eq!(refused.code, 1, "{words:?}");
        assert!(refused.err.contains("another user") && refused.err.contains("chown -R"), "{words:?}: {}", refused.err);
    }
    let doctor = home.pylon(&["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("BAD  directory") && doctor.out.contains("chown -R"), "{}", doctor.out);
    assert_eq!(names(&data), before);
    home.is_quiet();
}

#[test]
fn a_directory_that_others_can_look_into_is_closed_and_that_is_said() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut node = home.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while !home.pylon(&["status", "--json"]).out.contains("\"running\":true") {
        assert_eq!(node.try_wait().unwrap(), None, "it has ended");
    }
    assert_eq!(home.pylon(&["stop"]).code, 0);
    let said = String::from_utf8(node.wait_with_output().unwrap().stderr).unwrap();
    assert!(said.contains("was open to other users"), "{said}");
    assert_eq!(fs::metadata(home.data()).unwrap().permissions().mode() & 0o777, 0o700);
}

fn names(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A file on a full disk is what `pylon run >log` may come to write to.
#[cfg(target_os = "linux")]
#[test]
fn a_node_whose_output_lands_on_a_full_disk_runs_on() {
    let home = Home::new();
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let mut node = home.command(&["run"]).stdout(full()).stderr(full()).spawn().unwrap();
    // The first words are about the relay it looks for in vain.
    while !home.pylon(&["status", "--json"]).out.contains("\"running\":true") {
        assert_eq!(node.try_wait().unwrap(), None, "it has ended");
    }
    let stopped = home.pylon(&["stop"]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    assert!(node.wait().unwrap().success(), "it ended by itself");
}
