//! The node as a process of its own, started and stopped as a person does it, and as it goes wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// What is not about the background is kept away: no relay, no model server.
const CONFIG: &str = "relays.urls = [\"ws://127.0.0.1:9\"]\nprovider.policy = \"free\"\nbackends.ollama.url = \"http://127.0.0.1:9\"\n";

pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A data directory with an identity and a config, in which nothing survives the test.
pub struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        assert_eq!(home.pylon(&["init"]).code, 0);
        fs::write(home.data().join("config.toml"), CONFIG).unwrap();
        home
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pylon"));
        command.env_clear().env("HOME", self.dir.path()).arg("--data-dir").arg(self.data()).args(words).stdin(Stdio::null());
        command
    }

    pub fn pylon(&self, words: &[&str]) -> Run {
        // Returns only when nobody has the output open any more: a daemon that kept it would hang the test here.
        Run::of(self.command(words).output().unwrap())
    }

    /// Starts a daemon and says which process it is.
    pub fn start(&self) -> u32 {
        let started = self.pylon(&["start", "--json"]);
        assert_eq!(started.code, 0, "{}", started.err);
        let status: serde_json::Value = serde_json::from_str(&started.out).unwrap();
        assert_eq!((status["running"].as_bool(), status["housing"].as_str()), (Some(true), Some("daemon")));
        status["pid"].as_u64().unwrap().try_into().unwrap()
    }

    pub fn status(&self) -> serde_json::Value {
        let told = self.pylon(&["status", "--json"]);
        assert_eq!(told.code, 0, "{}", told.err);
        serde_json::from_str(&told.out).unwrap()
    }

    fn socket(&self) -> PathBuf {
        self.data().join("control.sock")
    }

    /// Processes that work in this directory.
    pub fn processes(&self) -> Vec<u32> {
        let here = self.dir.path().to_str().unwrap().as_bytes();
        let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let ours = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.windows(here.len()).any(|part| part == here));
        numbers.filter(ours).collect()
    }

    /// Nothing runs here and nothing says so.
    pub fn is_quiet(&self) {
        assert_eq!(self.processes(), [0; 0], "processes are left");
        assert!(!self.socket().exists(), "the socket is left");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.processes().into_iter().for_each(|pid| signal(pid, Signal::KILL));
    }
}

pub fn signal(pid: u32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal);
}

/// Waits for a process that is not our child to end.
pub fn ended(pid: u32) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    // One that cannot be opened has ended already.
    let Ok(process) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return };
    let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)), Ok(1), "it has not ended");
}

#[test]
fn a_node_is_started_once_answers_and_is_gone_when_it_has_been_stopped() {
    let home = Home::new();
    let pid = home.start();
    assert_eq!(home.processes(), [pid]);
    let status = home.status();
    assert_eq!((status["state"].as_str(), status["pid"].as_u64()), (Some("offline"), Some(pid.into())));

    let again = home.pylon(&["start"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains(&format!("process {pid}")) && again.err.contains("pylon stop"), "{}", again.err);

    let stopped = home.pylon(&["stop"]);
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    home.is_quiet();
    assert_eq!(home.status()["state"], "stopped");
    let nobody = home.pylon(&["stop"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("pylon start"), "{}", nobody.err);
}

#[test]
fn a_node_that_is_to_be_online_is_so_or_does_not_start() {
    let home = Home::new();
    assert_eq!(home.pylon(&["start", "--online"]).code, 0);
    assert_eq!(home.status()["state"], "connecting");
    assert_eq!(home.pylon(&["stop"]).code, 0);
    let refused = home.pylon(&["--set", "provider.policy=pay-first", "start", "--online"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("wallet") && refused.err.contains("provider.policy free"), "{}", refused.err);
    home.is_quiet();
}

#[test]
fn a_practice_market_runs_in_the_background_as_well() {
    let home = Home::new();
    let started = home.pylon(&["--practice", "start", "--online", "--robot", "buyer"]);
    assert_eq!(started.code, 0, "{}", started.err);
    let told = home.pylon(&["--practice", "status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((status["practice"].as_bool(), status["robot_buyer"].as_bool()), (Some(true), Some(true)));
    assert_eq!(home.status()["state"], "stopped", "the real node is another one");
    assert_eq!(home.pylon(&["--practice", "stop", "--now"]).code, 0);
    home.is_quiet();
}

#[test]
fn a_killed_node_leaves_nothing_that_keeps_the_next_from_starting() {
    let home = Home::new();
    let first = home.start();
    signal(first, Signal::KILL);
    ended(first);
    assert!(home.socket().exists(), "the dead node's socket is what this is about");
    assert_eq!(home.status()["state"], "stopped");
    assert_eq!(home.pylon(&["stop"]).code, 1);
    let second = home.start();
    assert_ne!(first, second);
    assert_eq!(home.status()["pid"], second);
    assert_eq!(home.pylon(&["stop"]).code, 0);
    home.is_quiet();
}

#[test]
fn a_node_that_was_killed_comes_up_offline_unless_it_is_set_to_take_jobs() {
    let home = Home::new();
    let first = Run::of(home.command(&["start", "--online", "--json"]).output().unwrap());
    assert_eq!(first.code, 0, "{}", first.err);
    let pid = home.status()["pid"].as_u64().unwrap().try_into().unwrap();
    signal(pid, Signal::KILL);
    ended(pid);
    home.start();
    assert_eq!(home.status()["state"], "offline", "nobody has told it to take jobs again");
    assert_eq!(home.pylon(&["stop"]).code, 0);
    assert_eq!(home.pylon(&["config", "set", "node.auto_online", "true"]).code, 0);
    home.start();
    assert_eq!(home.status()["state"], "connecting", "there is no relay here");
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn of_two_starts_at_once_one_wins_and_the_other_names_it() {
    let home = Home::new();
    for _ in 0..5 {
        let race = || home.command(&["start"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let both = [race(), race()].map(|child| Run::of(child.wait_with_output().unwrap()));
        let mut codes = [both[0].code, both[1].code];
        codes.sort_unstable();
        assert_eq!(codes, [0, 1], "{} {}", both[0].err, both[1].err);
        let loser = both.iter().find(|run| run.code == 1).unwrap();
        let winner = home.status()["pid"].as_u64().unwrap();
        assert!(loser.err.contains(&format!("process {winner}")), "{winner}: {}", loser.err);
        assert_eq!(home.processes(), [u32::try_from(winner).unwrap()]);
        assert_eq!(home.pylon(&["stop"]).code, 0);
        home.is_quiet();
    }
}

#[test]
fn a_lock_file_that_names_another_program_keeps_nobody_out_and_gets_nobody_killed() {
    let home = Home::new();
    let lock = home.data().join("pylon.lock");
    let mut bystander = Command::new("sleep").arg("600").spawn().unwrap();
    let text = format!(r#"{{"pid":{},"version":"0.1.0","started_at":1}}"#, bystander.id());
    fs::write(&lock, &text).unwrap();
    assert_eq!(home.pylon(&["stop"]).code, 1);
    assert_eq!(home.status()["state"], "stopped");
    home.start();
    assert_eq!(home.pylon(&["stop"]).code, 0);

    // Somebody holds it who is not the one it names: the one who does is named.
    fs::write(&lock, &text).unwrap();
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    for words in [&["start"], &["stop"], &["status"]] {
        let refused = home.pylon(words);
        assert_ne!(refused.code, 0);
        assert!(refused.err.to_lowercase().contains(&format!("process {}", std::process::id())), "{words:?}: {}", refused.err);
    }
    assert_eq!(bystander.try_wait().unwrap(), None, "the bystander was ended");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing_behind() {
    let home = Home::new();
    let config = home.data().join("config.toml");
    fs::write(&config, "[provider]\nmax_in_flight = \"many\"\n").unwrap();
    let broken = home.pylon(&["start"]);
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("provider.max_in_flight") && broken.err.contains("hint:"), "{}", broken.err);
    home.is_quiet();

    fs::write(&config, CONFIG).unwrap();
    fs::rename(home.data().join("identity.mnemonic"), home.dir.path().join("aside")).unwrap();
    let nobody = home.pylon(&["start"]);
    assert_eq!(nobody.code, 1);
    assert!(nobody.err.contains("pylon init"), "{}", nobody.err);
    home.is_quiet();
}

#[test]
fn a_data_directory_that_cannot_be_written_to_is_named() {
    let home = Home::new();
    let data = home.data();
    let mut places = vec![PathBuf::from("/sys/pylon")];
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap();
        places.push(data.clone());
    }
    for place in places {
        let mut start = Command::new(env!("CARGO_BIN_EXE_pylon"));
        start.env_clear().arg("--data-dir").arg(&place).arg("start");
        let refused = Run::of(start.output().unwrap());
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(place.to_str().unwrap()), "{}", refused.err);
    }
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    home.is_quiet();
}

#[test]
fn a_daemon_has_nothing_of_its_callers_open() {
    let home = Home::new();
    let mark = home.dir.path().join("callers");
    fs::write(&mark, "").unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(r#"exec 7<"$0"; shift 0; "$@""#).arg(&mark);
    shell.arg(env!("CARGO_BIN_EXE_pylon")).arg("--data-dir").arg(home.data()).arg("start");
    let started = Run::of(shell.env_clear().current_dir(home.dir.path()).output().unwrap());
    assert_eq!(started.code, 0, "{}", started.err);
    let [pid] = home.processes()[..] else { panic!("one process was expected: {:?}", home.processes()) };
    let open = |link: &str| fs::read_link(format!("/proc/{pid}/{link}")).unwrap();
    for stream in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(open(stream), Path::new("/dev/null"));
    }
    assert_eq!(open("cwd"), Path::new("/"));
    let files: Vec<_> = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| fs::read_link(entry.unwrap().path())).collect();
    assert!(!files.iter().flatten().any(|file| *file == mark), "{files:?}");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    assert_eq!((session[3], session[4]), (pid.to_string().as_str(), "0"), "a session of its own and no terminal");
}

#[test]
fn a_node_ends_cleanly_on_sigterm() {
    let home = Home::new();
    let pid = home.start();
    signal(pid, Signal::TERM);
    ended(pid);
    home.is_quiet();
    assert_eq!(fs::read_to_string(home.data().join("pylon.lock")).unwrap(), "");
}

#[test]
fn twenty_starts_and_stops_leave_nothing_behind() {
    let home = Home::new();
    let mut files = Vec::new();
    for _ in 0..20 {
        let pid = home.start();
        files.push(fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count());
        assert_eq!(home.pylon(&["stop"]).code, 0);
        home.is_quiet();
    }
    let (least, most) = (files.iter().min().unwrap(), files.iter().max().unwrap());
    assert!(most - least < 20, "the daemon's open files grow: {files:?}");
    let mut left: Vec<_> = fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["config.toml", "identity.mnemonic", "logs", "pylon.db", "pylon.lock"]);
}

#[test]
fn a_node_that_does_not_answer_is_named_and_ended_only_by_force() {
    let home = Home::new();
    let pid = home.start();
    signal(pid, Signal::STOP);
    let mute = home.pylon(&["stop"]);
    assert_eq!(mute.code, 3);
    assert!(mute.err.contains(&format!("Process {pid}")) && mute.err.contains("stop --force"), "{}", mute.err);
    let command = mute.err.split('`').nth(1).unwrap();
    assert_eq!(command, format!("pylon --data-dir {} stop --force", home.data().display()));
    assert_eq!(home.processes(), [pid]);
    let forced = home.pylon(&["stop", "--force"]);
    assert_eq!(forced.code, 0, "{}", forced.err);
    assert!(forced.out.contains("killed"), "{}", forced.out);
    assert_eq!(home.processes(), [0; 0]);
    home.start();
    let polite = home.pylon(&["stop", "--force"]);
    assert_eq!((polite.code, polite.out.trim()), (0, "The node has stopped."));
    home.is_quiet();
}

#[test]
fn a_restarted_node_is_another_process_and_online_if_it_was() {
    let home = Home::new();
    let mut pid = home.start();
    for (words, state) in [(&["restart"][..], "offline"), (&["restart", "--online"], "connecting"), (&["restart", "--now"], "connecting")] {
        let restarted = home.pylon(words);
        assert_eq!(restarted.code, 0, "{}", restarted.err);
        let status = home.status();
        assert_eq!(status["state"], state, "{words:?}");
        let now = status["pid"].as_u64().unwrap().try_into().unwrap();
        assert_ne!(now, pid);
        assert_eq!(home.processes(), [now]);
        pid = now;
    }
    assert_eq!(home.pylon(&["stop"]).code, 0);
    let started = home.pylon(&["restart"]);
    assert_eq!(started.code, 0, "{}", started.err);
    assert_eq!(home.status()["state"], "offline", "it was stopped, and nobody said otherwise");
    assert_eq!(home.pylon(&["stop"]).code, 0);
}

#[test]
fn a_node_in_the_foreground_is_not_restarted_behind_somebodys_back() {
    use std::io::{BufRead as _, BufReader};
    let home = Home::new();
    let mut run = home.command(&["run"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("node offline")), "it did not come up");
    let refused = home.pylon(&["restart"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&run.id().to_string()) && refused.err.contains("foreground"), "{}", refused.err);
    assert_eq!(home.pylon(&["stop"]).code, 0);
    assert!(lines.all(|line| !line.is_empty()) && run.wait().unwrap().success());
    home.is_quiet();
}
