//! The node as a process of its own: `pylon start`, and what it starts. How it is started is in
//! [`pylon_hud::node::daemon`], because a window does it as well.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::Child;
use std::sync::Arc;

use pylon_hud::logging;
use pylon_hud::node::daemon::{self, Arrival, Plan, Told};
use pylon_hud::node::{Failure, Housing, LockHolder, NodeCommand, NodeEvent, Report};
use secrecy::SecretString;

use super::serve::{self, Audience, Wishes};
use crate::args::{Daemon, Start};
use crate::passphrase;
use crate::report;
use crate::talk::{ANSWER, Place};

/// `pylon start`: returns when the node is up. The daemon's failure is this one's.
pub fn start(place: &Place, start: &Start) -> Result<(), Failure> {
    // Only saves the daemon the trouble: if two are started at once, the lock decides.
    if let Some(holder) = LockHolder::find(&place.paths.lock) {
        return Err(daemon::held(&place.paths.data_dir, &holder));
    }
    let passphrase = passphrase::to_start(place, &start.unlock)?;
    begin(place, start, passphrase.as_ref())
}

/// Starts a node whose passphrase is at hand.
pub fn begin(place: &Place, start: &Start, passphrase: Option<&SecretString>) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::user(format!("This program does not find itself: {error}.")))?;
    let plan = Plan {
        program,
        root: place.root.clone(),
        market: place.market,
        settings: place.overrides.clone(),
        arrival: if start.online { Arrival::Online } else { Arrival::AsSet },
        robots: start.robot.iter().map(|robot| robot.kind()).collect(),
    };
    started(place, &daemon::begin(&plan, passphrase)?, start)
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
