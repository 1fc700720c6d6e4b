//! A daemon of our own: its start, on a thread that may wait for it, and its end.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, SendError};
use secrecy::SecretString;

use crate::config::Paths;
use crate::domain::ids::RequestId;
use crate::node::command::{Leaving, NodeCommand};
use crate::node::control::{Heard, Wire};
use crate::node::daemon::{self, Plan};
use crate::node::event::{Failure, NodeEvent};
use crate::node::holder::LockHolder;

/// How long a daemon may take to say that it stops, and then to end.
const LEAVE: Duration = Duration::from_secs(5);

const HELLO: RequestId = RequestId(1);
const STOP: RequestId = RequestId(2);
const HEARD: RequestId = RequestId(3);

/// A start under way.
pub struct Birth {
    pub born: Receiver<Result<Child, Failure>>,
}

impl Birth {
    /// Begins it. A daemon that comes up when nobody waits for it any more is stopped again.
    pub fn begin(plan: Plan, passphrase: Option<Arc<SecretString>>, paths: Paths) -> std::io::Result<Self> {
        let (tell, born) = crossbeam_channel::bounded(0);
        std::thread::Builder::new().name("daemon-start".into()).spawn(move || {
            if let Err(SendError(Ok(mut daemon))) = tell.send(daemon::begin(&plan, passphrase.as_deref())) {
                farewell(&paths, &mut daemon);
            }
        })?;
        Ok(Self { born })
    }

    /// The daemon, if it comes up in the time a window that closes has.
    pub fn await_end(self) -> Option<Child> {
        self.born.recv_timeout(LEAVE).ok()?.ok()
    }
}

/// Stops a daemon as `pylon stop` does: its jobs are finished first. Returns when its process has ended; or, when jobs are
/// being finished, as soon as that is sure, because it then ends by itself.
pub fn farewell(paths: &Paths, daemon: &mut Child) {
    if let Ok(Some(_)) = daemon.try_wait() {
        return;
    }
    let process = LockHolder::find(&paths.lock).filter(|holder| holder.pid() == daemon.id());
    match stop(&paths.control_sock, daemon.id()) {
        Parting::Stopped => {
            if let Some(process) = process {
                process.wait(LEAVE);
            }
            // Its number is free again only when somebody has asked how it ended.
            let _ = daemon.try_wait();
        }
        Parting::OnItsWay => tracing::info!("The node in process {} finishes its jobs and then stops by itself.", daemon.id()),
        Parting::Mute => tracing::warn!("The node in process {} does not answer and was left; `pylon stop` ends it.", daemon.id()),
    }
}

enum Parting {
    Stopped,
    /// It has heard that it is to stop.
    OnItsWay,
    Mute,
}

fn stop(socket: &Path, pid: u32) -> Parting {
    let Ok(wire) = Wire::connect(socket) else { return Parting::Mute };
    let until = Instant::now() + LEAVE;
    let next = || wire.heard.recv_deadline(until).ok();
    // Whoever answers there might be another one by now.
    let is_ours = |event: &NodeEvent| matches!(event, NodeEvent::Status { status } if status.pid == Some(pid));
    if wire.ask(HELLO, NodeCommand::Status).is_err() || !matches!(next(), Some(Heard::Report(told)) if is_ours(&told.event)) {
        return Parting::Mute;
    }
    // Commands of one connection are obeyed in order: the answer to the second means that the first was heard.
    let asked = wire.ask(STOP, NodeCommand::Stop { how: Leaving::Finish }).and_then(|()| wire.ask(HEARD, NodeCommand::Status));
    if asked.is_err() {
        return Parting::Mute;
    }
    let mut parting = Parting::Mute;
    while let Some(heard) = next() {
        match heard {
            Heard::Report(told) if told.id == Some(STOP) => return Parting::Stopped,
            Heard::Report(told) => match told.event {
                NodeEvent::Status { status } if status.in_flight + status.queued > 0 => return Parting::OnItsWay,
                _ => parting = Parting::OnItsWay,
            },
            Heard::Gone(_) => return Parting::Stopped,
            Heard::Unreadable => {}
        }
    }
    parting
}

/// The daemon that would be started.
pub fn plan(options: &super::ExchangeOptions) -> Result<Plan, Failure> {
    let program: Result<PathBuf, Failure> =
        options.daemon.program.clone().map_or_else(|| daemon::find_program(&options.node.environment), Ok);
    Ok(Plan {
        program: program?,
        root: options.daemon.root.clone(),
        market: options.node.market,
        settings: options.daemon.settings.clone(),
        arrival: daemon::Arrival::AsSet,
        robots: Vec::new(),
    })
}
