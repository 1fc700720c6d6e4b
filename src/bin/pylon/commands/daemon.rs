//! The node as a process of its own: `pylon start`, and what it starts.
//!
//! The daemon is this program executed anew and not a fork that goes on: it begins with one thread and with nothing of
//! its caller's but the environment, whatever has run here before. Its first act is a session of its own, so that no
//! terminal's Ctrl-C or end reaches it; a second fork, which some daemons do, would only keep it from getting a terminal
//! by opening one, and it opens none.
//!
//! Its standard output is a pipe to the caller. Into it goes one line, when the node is up or will not be; then all
//! three standard streams become `/dev/null`. A caller that has gone before the line never learns of a node, so there
//! will be none.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use pylon_hud::logging;
use pylon_hud::node::{Failure, Housing, LockHolder, Market, NodeCommand, NodeEvent, Report};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::serve::{self, Audience, Wishes};
use crate::args::{Daemon, Start};
use crate::passphrase;
use crate::report;
use crate::talk::{ANSWER, Place};

/// How long a start may take: a ledger to be mended, a wallet far away.
const LIMIT: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };

/// What a daemon tells its caller, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Told {
    Started,
    Failed(Failure),
}

/// `pylon start`: returns when the node is up. The daemon's failure is this one's.
pub fn start(place: &Place, start: &Start) -> Result<(), Failure> {
    // Only saves the daemon the trouble: if two are started at once, the lock decides.
    if let Some(holder) = LockHolder::find(&place.paths.lock) {
        return Err(held(place, &holder));
    }
    let passphrase = passphrase::to_start(place, &start.unlock)?;
    begin(place, start, passphrase.as_ref())
}

/// Starts a node whose passphrase is at hand.
pub fn begin(place: &Place, start: &Start, passphrase: Option<&SecretString>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::user(format!("No process can be started: {error}."));
    let mut daemon = spawn(place, start, passphrase.is_some()).map_err(failed)?;
    if let (Some(passphrase), Some(mut stream)) = (passphrase, daemon.stdin.take()) {
        // A daemon that has ended already says why in its own way.
        let _ = stream.write_all(passphrase.expose_secret().as_bytes());
    }
    match listen(&mut daemon)? {
        Told::Started => started(place, &daemon, start),
        Told::Failed(failure) => {
            // It has said its last words; when this returns it is gone.
            let _ = daemon.wait();
            Err(failure)
        }
    }
}

fn held(place: &Place, holder: &LockHolder) -> Failure {
    let dir = place.paths.data_dir.display();
    Failure::user(format!("A node is already running on {dir} (process {}).", holder.pid()))
        .hint("See it with `pylon status`; stop it with `pylon stop`, or give this one its own --data-dir.")
}

fn spawn(place: &Place, start: &Start, unlocks: bool) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--data-dir").arg(&place.root);
    if place.market == Market::Practice {
        command.arg("--practice");
    }
    for setting in &place.settings {
        command.arg("--set").arg(setting);
    }
    command.arg("daemon");
    if start.online {
        command.arg("--online");
    }
    for robot in &start.robot {
        command.arg("--robot").arg(robot.word());
    }
    if unlocks {
        command.arg("--passphrase-fd").arg("0");
    }
    // Whatever else the caller's shell has open, a lock or a pipe, is not for a process that stays.
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

fn started(place: &Place, daemon: &Child, start: &Start) -> Result<(), Failure> {
    match place.ask_running(NodeCommand::Status, ANSWER) {
        Ok(NodeEvent::Status { status }) if start.output.json => report::json(&status),
        Ok(NodeEvent::Status { status }) => report::line(&format!("Process {}: {}.", daemon.id(), report::state_word(status.state))),
        // It was up when it said so. Somebody may have stopped it since.
        _ => report::done(&format!("The node has started, process {}.", daemon.id()), start.output),
    }
}

/// The daemon itself.
pub fn daemon(place: &Place, daemon: &Daemon) -> Result<(), Failure> {
    // Fails only for the leader of a group, which a child of ours is not; whoever runs this by hand may be one.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let robots = daemon.robot.iter().map(|robot| robot.kind()).collect();
    logging::panics();
    let mut caller = Caller { waits: true };
    let ended = passphrase::to_start(place, &daemon.unlock).and_then(|passphrase| {
        let wishes = Wishes { online: daemon.online, robots, housing: Housing::Daemon, passphrase: passphrase.map(Arc::new) };
        serve::serve(place, &wishes, &mut caller)
    });
    match &ended {
        Ok(()) => tracing::info!("The node has stopped and its process ends."),
        Err(failure) if caller.waits => {
            tracing::error!("The node did not start: {}", failure.message);
            let _ = caller.tell(&Told::Failed(failure.clone()));
        }
        Err(failure) => tracing::error!("The node has ended: {}", failure.message),
    }
    ended
}

/// Whoever called `pylon start`.
struct Caller {
    waits: bool,
}

impl Caller {
    fn tell(&mut self, told: &Told) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        let mut line = serde_json::to_string(told)?;
        line.push('\n');
        out.write_all(line.as_bytes())?;
        out.flush()?;
        self.waits = false;
        Ok(())
    }
}

impl Audience for Caller {
    fn opened(&mut self, relay: &str) {
        tracing::info!("The practice market is open at {relay}.");
    }

    fn started(&mut self) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!("The node has started in the background, process {}, version {version}.", std::process::id());
        self.tell(&Told::Started).map_err(|error| Failure::user(format!("Nobody waits for this node any more: {error}.")))?;
        leave_streams().map_err(|error| Failure::user(format!("/dev/null cannot be used: {error}.")))
    }

    fn event(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// Lets go of the caller's pipes. Whatever is printed from now on goes nowhere; the log is a file of its own.
fn leave_streams() -> std::io::Result<()> {
    let nowhere: File = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok(())
}
