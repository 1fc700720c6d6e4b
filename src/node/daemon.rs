//! Starting a node as a process of its own: what `pylon start` and a window in daemon mode have in common.
//!
//! The daemon is `pylon` executed anew and not a fork that goes on: it begins with one thread and with nothing of its
//! caller's but the environment, whatever has run here before. Its first act is a session of its own, so that no
//! terminal's Ctrl-C or end reaches it; a second fork, which some daemons do, would only keep it from getting a terminal
//! by opening one, and it opens none.
//!
//! Its standard output is a pipe to the caller. Into it goes one line, when the node is up or will not be; then all
//! three standard streams become `/dev/null`. A caller that has gone before the line never learns of a node, so there
//! will be none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::command::RobotKind;
use super::event::Failure;
use super::holder::LockHolder;
use super::options::Market;
use crate::config::{Environment, Override};

/// How long a start may take: a ledger to be mended, a wallet far away.
const LIMIT: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };

/// The name of the program, as it lies in a directory.
const PROGRAM: &str = "pylon";

/// What a daemon tells its caller, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    Started,
    Failed(Failure),
}

/// Whether the daemon takes jobs as soon as it is up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Arrival {
    /// As its config says.
    #[default]
    AsSet,
    /// It does.
    Online,
}

/// A daemon that is to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `pylon` to execute.
    pub program: PathBuf,
    /// What --data-dir is: in practice the real market's.
    pub root: PathBuf,
    pub market: Market,
    pub settings: Vec<Override>,
    pub arrival: Arrival,
    pub robots: Vec<RobotKind>,
}

/// Starts it, and returns when its node is up. Its failure is this one's.
pub fn begin(plan: &Plan, passphrase: Option<&SecretString>) -> Result<Child, Failure> {
    let failed = |error: std::io::Error| Failure::user(format!("{} cannot be started: {error}.", plan.program.display()));
    let mut daemon = spawn(plan, passphrase.is_some()).map_err(failed)?;
    if let (Some(passphrase), Some(mut stream)) = (passphrase, daemon.stdin.take()) {
        // A daemon that has ended already says why in its own way.
        let _ = stream.write_all(passphrase.expose_secret().as_bytes());
    }
    match listen(&mut daemon)? {
        Told::Started => Ok(daemon),
        Told::Failed(failure) => {
            // It has said its last words; when this returns it is gone.
            let _ = daemon.wait();
            Err(failure)
        }
    }
}

/// A start that would be the second on this data directory.
pub fn held(dir: &Path, holder: &LockHolder) -> Failure {
    Failure::user(format!("A node is already running on {} (process {}).", dir.display(), holder.pid()))
        .hint("See it with `pylon status`; stop it with `pylon stop`, or give this one its own --data-dir.")
}

/// The `pylon` beside this program, else on the PATH.
pub fn find_program(environment: &Environment) -> Result<PathBuf, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let on_path = environment.get("PATH").map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    let places = beside.into_iter().chain(on_path.into_iter().flatten()).map(|dir| dir.join(&name));
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        Failure::user(format!("There is no program {name} beside this one or on the PATH, so no node can be started in the background."))
            .hint("Install it beside this program, or let the window run the node itself: `node.mode = \"in-process\"` in the config.")
    })
}

fn spawn(plan: &Plan, unlocks: bool) -> std::io::Result<Child> {
    let mut command = Command::new(&plan.program);
    command.arg("--data-dir").arg(&plan.root);
    if plan.market == Market::Practice {
        command.arg("--practice");
    }
    for setting in &plan.settings {
        command.arg("--set").arg(setting.to_string());
    }
    command.arg("daemon");
    if plan.arrival == Arrival::Online {
        command.arg("--online");
    }
    for robot in &plan.robots {
        command.arg("--robot").arg(robot.word());
    }
    if unlocks {
        command.arg("--passphrase-fd").arg("0");
    }
    // Whatever else the caller has open, a lock or a pipe, is not for a process that stays.
    close_fds::set_fds_cloexec(3, &[]);
    // No directory is kept from being unmounted.
    command
        .current_dir("/")
        .stdin(if unlocks { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the daemon's one line.
fn listen(daemon: &mut Child) -> Result<Told, Failure> {
    let Some(mut told) = daemon.stdout.take() else { return Err(Failure::internal("The daemon cannot be heard.")) };
    let mut line = String::new();
    if !matches!(poll(&mut [PollFd::new(&told, PollFlags::IN)], Some(&LIMIT)), Ok(1..)) {
        // It is our child and has not been waited for, so the number is its own.
        let _ = daemon.kill();
        let _ = daemon.wait();
        let hint = "See what it did with `pylon logs`.";
        return Err(Failure::network(format!("The node did not start within {} s and was ended.", LIMIT.tv_sec)).hint(hint));
    }
    let read = BufReader::new(&mut told).read_line(&mut line);
    match serde_json::from_str(&line) {
        Ok(told) if read.is_ok() => Ok(told),
        _ => {
            let ended = daemon.wait();
            Err(died(daemon, ended))
        }
    }
}

/// A daemon that ended without its line.
fn died(daemon: &mut Child, ended: std::io::Result<ExitStatus>) -> Failure {
    let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
    let mut words = String::new();
    if let Some(last) = daemon.stderr.take() {
        let _ = last.take(4096).read_to_string(&mut words);
    }
    let failure = Failure::internal(format!("The node ended before it was up ({how})."));
    if words.trim().is_empty() { failure } else { failure.hint(format!("Its last words: {}", words.trim())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_on_the_path_is_found_and_a_missing_one_is_a_sentence_with_a_cure() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().to_str().expect("text");
        let missing = find_program(&Environment::of([("PATH", path)])).expect_err("there is none");
        assert!(missing.message.contains("PATH") && missing.hints.iter().any(|hint| hint.contains("in-process")), "{missing:?}");
        let program = dir.path().join(format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX));
        std::fs::write(&program, "").expect("written");
        assert_eq!(find_program(&Environment::of([("PATH", path)])).expect("found"), program);
    }
}
