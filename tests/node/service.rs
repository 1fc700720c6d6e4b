//! The node under a service manager.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::daemon::{Home, Run, signal};

/// `pylon service`, with a `systemctl` that only writes down what it is told.
fn service(home: &Home, words: &[&str]) -> Run {
    let bin = home.data().join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("systemctl"), "#!/bin/sh\necho \"$@\" >>\"$HOME/systemctl\"\n").unwrap();
    fs::set_permissions(bin.join("systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    Run::of(home.command(&["service"]).args(words).env("PATH", &bin).output().unwrap())
}

#[test]
fn the_unit_is_installed_replaced_and_taken_away_again() {
    let home = Home::new();
    let above = home.data().parent().unwrap().to_owned();
    let unit = above.join(".config/systemd/user/pylon.service");
    let installed = service(&home, &["install", "--online"]);
    assert_eq!(installed.code, 0, "{}", installed.err);
    assert!(installed.out.contains("systemctl --user enable --now pylon"), "{}", installed.out);
    let text = fs::read_to_string(&unit).unwrap();
    for part in ["Type=notify", "\"run\" \"--online\"", "NoNewPrivileges=yes", "TimeoutStopSec=330", "#LoadCredential="] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert!(text.contains(&format!("\"--data-dir\" \"{}\"", home.data().display())), "{text}");
    assert_eq!(service(&home, &["print", "--online"]).out, text);

    let secret = above.join("pass phrase");
    fs::write(&secret, "x").unwrap();
    assert_eq!(service(&home, &["install", "--passphrase-file", secret.to_str().unwrap()]).code, 0);
    let text = fs::read_to_string(&unit).unwrap();
    assert!(text.contains(&format!("\nLoadCredential=pylon-passphrase:{}\n", secret.canonicalize().unwrap().display())), "{text}");

    assert_eq!(service(&home, &["uninstall"]).code, 0);
    assert!(!unit.exists());
    assert_eq!(service(&home, &["uninstall"]).code, 1);
    let told = fs::read_to_string(above.join("systemctl")).unwrap();
    assert_eq!(told, "--user daemon-reload\n--user daemon-reload\n--user disable --now pylon.service\n--user daemon-reload\n");

    fs::write(&unit, "[Service]\nExecStart=/bin/true\n").unwrap();
    for verb in ["install", "uninstall"] {
        let refused = service(&home, &[verb]);
        assert!(refused.code == 1 && refused.err.contains("it stays"), "{}", refused.err);
    }
    assert!(fs::read_to_string(&unit).unwrap().contains("/bin/true"));
}

#[test]
fn systemd_itself_finds_nothing_wrong_with_the_unit() {
    let home = Home::new();
    // Where there is no systemd, nobody reads units.
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        return;
    }
    assert_eq!(service(&home, &["install"]).code, 0);
    let unit = home.data().parent().unwrap().join(".config/systemd/user/pylon.service");
    let said = Command::new("/usr/bin/systemd-analyze").arg("verify").arg("--man=no").arg(&unit).output().unwrap();
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(!words.contains("pylon.service"), "{words}");
}

#[test]
fn a_service_manager_hears_when_the_node_is_up_and_when_it_leaves() {
    let home = Home::new();
    let path = home.data().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let hear = || {
        let mut words = [0; 64];
        let length = manager.recv(&mut words).unwrap();
        String::from_utf8(words[..length].to_vec()).unwrap()
    };
    let mut run = home.command(&["run"]).env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(hear(), "READY=1");
    assert_eq!((home.status()["pid"].as_u64(), home.status()["housing"].as_str()), (Some(run.id().into()), Some("foreground")));
    signal(run.id(), Signal::TERM);
    assert_eq!(hear(), "STOPPING=1");
    assert!(run.wait().unwrap().success());
    home.is_quiet();
}
