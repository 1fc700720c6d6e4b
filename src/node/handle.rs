//! The node's thread and the handle to it.

use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use tokio::sync::mpsc;

use super::command::{Leaving, NodeCommand, Request};
use super::event::Report;
use super::options::NodeOptions;
use super::outlet::{Answer, Outlet};
use super::supervisor::Supervisor;
use crate::domain::ids::RequestId;

/// Commands that may wait. A full channel is answered with "node busy" by whoever sends, never by dropping.
pub(super) const COMMANDS: usize = 64;
/// How long dropping a handle waits for the node to leave cleanly.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes nodes.
pub struct Node;

/// A launched node. Dropping it stops the node: running jobs stay in the ledger and are resumed at the next start.
#[derive(Debug)]
pub struct NodeHandle {
    pub commands: Sender<Request>,
    pub events: Receiver<Report>,
    /// Closing this ends the node, however many copies of `commands` are about.
    quit: Option<Sender<()>>,
    /// Closed by the thread's end.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    #[error("the node's thread could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

impl Node {
    /// Starts the node's thread, in state stopped. Touches no file and no network.
    pub fn launch(options: NodeOptions) -> Result<NodeHandle, LaunchError> {
        let (commands, inbox) = crossbeam_channel::bounded::<Request>(COMMANDS);
        let (outbox, events) = crossbeam_channel::unbounded();
        let (quit, quitting) = crossbeam_channel::bounded::<()>(0);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().thread_name("pylon-worker").enable_all().build().map_err(LaunchError::Thread)?;
        let (alive, ended) = crossbeam_channel::bounded::<()>(0);
        let body = move || {
            let _alive = alive;
            runtime.block_on(async move {
                let outlet = Outlet::new(outbox, options.wake.clone());
                let asked = forward(inbox, quitting, outlet.clone());
                Supervisor::new(options, outlet).run(asked).await;
            });
            // Whatever still runs has had its chance; a blocking task must not keep the program alive.
            runtime.shutdown_timeout(Duration::from_secs(1));
        };
        let thread = std::thread::Builder::new().name("pylon-node".into()).spawn(body).map_err(LaunchError::Thread)?;
        Ok(NodeHandle { commands, events, quit: Some(quit), ended, thread: Some(thread) })
    }
}

/// Moves commands from the blocking channel to the runtime's, until the handle lets go.
fn forward(inbox: Receiver<Request>, quitting: Receiver<()>, outlet: Outlet) -> mpsc::Receiver<(NodeCommand, Answer)> {
    let (asked, receiver) = mpsc::channel(COMMANDS);
    tokio::task::spawn_blocking(move || {
        loop {
            let Request { id, command } = crossbeam_channel::select_biased! {
                recv(inbox) -> request => match request {
                    Ok(request) => request,
                    Err(_) => return,
                },
                recv(quitting) -> _ => return,
            };
            if asked.blocking_send((command, Answer::in_process(id, outlet.clone()))).is_err() {
                return;
            }
        }
    });
    receiver
}

impl NodeHandle {
    /// Stops the node and waits for its thread, at most `limit`. Returns whether it has left.
    pub fn stop(mut self, how: Leaving, limit: Duration) -> bool {
        self.leave(how, limit)
    }

    fn leave(&mut self, how: Leaving, limit: Duration) -> bool {
        let Some(thread) = self.thread.take() else { return true };
        // A full channel means a busy node; closing `quit` stops it just as well, only less patiently.
        let _ = self.commands.try_send(Request { id: RequestId(u64::MAX), command: NodeCommand::Stop { how } });
        self.quit = None;
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(limit) {
            tracing::error!("The node did not stop within {} s.", limit.as_secs());
            return false;
        }
        thread.join().is_ok()
    }
}

impl Drop for NodeHandle {
    fn drop(&mut self) {
        self.leave(Leaving::Now, PATIENCE);
    }
}
