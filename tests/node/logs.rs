//! `pylon logs`.

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::daemon::{Home, signal};

/// A log of three days with two lines each, and a file that is none.
fn home() -> Home {
    let home = Home::new();
    let logs = home.data().join("logs");
    fs::create_dir(&logs).unwrap();
    for day in [2, 1, 3] {
        fs::write(logs.join(format!("pylon.2026-01-0{day}.log")), format!("{day} first\n{day} second\n")).unwrap();
    }
    fs::write(logs.join("notes.txt"), "not a log\n").unwrap();
    home
}

#[test]
fn the_last_lines_are_printed_across_files_in_order() {
    let home = home();
    for (lines, expected) in [
        ("0", ""),
        ("1", "3 second\n"),
        ("3", "2 second\n3 first\n3 second\n"),
        ("4", "2 first\n2 second\n3 first\n3 second\n"),
        ("99", "1 first\n1 second\n2 first\n2 second\n3 first\n3 second\n"),
    ] {
        let printed = home.pylon(&["logs", "-n", lines]);
        assert_eq!((printed.code, printed.out.as_str()), (0, expected), "-n {lines}: {}", printed.err);
    }
    // More than is read at once.
    let long = home.data().join("logs/pylon.2026-01-04.log");
    fs::write(&long, (0..20_000).map(|number| format!("line {number}\n")).collect::<String>()).unwrap();
    let printed = home.pylon(&["logs", "-n", "15000"]);
    assert_eq!((printed.out.lines().count(), printed.out.lines().next()), (15_000, Some("line 5000")));
}

#[test]
fn a_node_that_never_ran_has_no_log() {
    let printed = Home::new().pylon(&["logs"]);
    assert_eq!(printed.code, 1);
    assert!(printed.err.contains("no log"), "{}", printed.err);
}

#[test]
fn a_followed_log_goes_on_across_midnight_until_interrupted() {
    let home = home();
    let mut logs = home.command(&["logs", "-n", "1", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(logs.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "3 second");
    let file = |day: u32| home.data().join(format!("logs/pylon.2026-01-0{day}.log"));
    let append = |day: u32, text: &str| {
        OpenOptions::new().append(true).create(true).open(file(day)).unwrap().write_all(text.as_bytes()).unwrap();
    };
    append(3, "3 third\n");
    assert_eq!(lines.next().unwrap(), "3 third");
    append(3, "3 fourth\n");
    append(4, "4 first\n");
    assert_eq!(lines.next().unwrap(), "3 fourth");
    assert_eq!(lines.next().unwrap(), "4 first");
    // Deleted for space while it is followed.
    fs::remove_file(file(1)).unwrap();
    append(4, "4 second\n");
    assert_eq!(lines.next().unwrap(), "4 second");
    signal(logs.id(), Signal::INT);
    assert_eq!(lines.next(), None);
    logs.wait().unwrap();
}

#[test]
fn a_followed_log_ends_when_nobody_reads_it() {
    let home = home();
    let mut logs = home.command(&["logs", "-n", "1", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut reader = BufReader::new(logs.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    drop(reader);
    // Nothing is written any more: it has to notice by itself.
    assert!(logs.wait().unwrap().success());
}

#[test]
fn a_running_daemon_logs_as_much_as_is_set_now() {
    let home = Home::new();
    home.start();
    let logs = || home.pylon(&["logs"]).out;
    assert_eq!(home.pylon(&["config", "set", "log.level", "error"]).code, 0);
    let end = Instant::now() + Duration::from_secs(60);
    while !logs().contains("log.level is now error") {
        assert!(Instant::now() < end, "{}", logs());
    }
    assert_eq!(home.pylon(&["stop"]).code, 0);
    assert!(!logs().contains("has stopped"), "it still says what is no error: {}", logs());
}

#[test]
fn a_daemon_writes_what_logs_prints() {
    let home = Home::new();
    let pid = home.start();
    assert_eq!(home.pylon(&["stop"]).code, 0);
    let printed = home.pylon(&["logs"]);
    assert!(printed.out.contains(&format!("process {pid}")) && printed.out.contains("stopped"), "{}", printed.out);
}
