//! The node's end of the control socket.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::lines::Lines;
use super::{MAX_LINE, VERSION};
use crate::domain::ids::RequestId;
use crate::node::command::{NodeCommand, Request};
use crate::node::event::{Failure, Fault, NodeEvent, Report, Scope};
use crate::node::outlet::{Answer, Line, Outlet};
use crate::node::tasks::Tasks;

/// Answers that may wait for a slow reader before the node waits with them.
const CONNECTION_BACKLOG: usize = 64;

/// How long a client gets to hear the last answers when the node goes down.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Before the next connection is accepted when one could not be.
const PAUSE: Duration = Duration::from_millis(200);

/// A command and where its answers go.
pub struct Asked {
    pub command: NodeCommand,
    pub answer: Answer,
}

/// Binds the socket and listens until `listening` is asked to end. Call only while holding the node's lock: an old
/// socket file is then nobody's and is replaced. Connections belong to `connections`, which outlives the listening: who
/// asked the node to stop hears that it has.
pub fn serve(path: &Path, asked: mpsc::Sender<Asked>, outlet: Outlet, listening: &Tasks, connections: &Tasks) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    restrict(path)?;
    let socket = Socket { path: path.to_owned() };
    let (token, connections) = (listening.token().clone(), connections.clone());
    listening.spawn("control socket", async move {
        token.run_until_cancelled(accept(listener, asked, outlet, connections)).await;
        drop(socket);
    });
    Ok(())
}

fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// The socket's file, removed with it.
struct Socket {
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, asked: mpsc::Sender<Asked>, outlet: Outlet, connections: Tasks) {
    let mut is_failing = false;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => {
                is_failing = false;
                stream
            }
            Err(error) => {
                // Out of file handles, most likely; the next accept may do better, and the node works without.
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!("A control connection could not be accepted: {error}. It is tried again.");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if !is_same_user(&stream) {
            tracing::warn!("A control connection of another user was refused.");
            continue;
        }
        let (token, hang_up) = (connections.token().clone(), CancellationToken::new());
        let connection = Connection { asked: asked.clone(), outlet: outlet.clone(), token, hang_up };
        connections.spawn("control connection", connection.run(stream));
    }
}

fn is_same_user(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::getuid().as_raw())
}

struct Connection {
    asked: mpsc::Sender<Asked>,
    outlet: Outlet,
    /// The node goes down.
    token: CancellationToken,
    /// This connection ends.
    hang_up: CancellationToken,
}

impl Connection {
    async fn run(self, stream: UnixStream) {
        let (reader, writer) = stream.into_split();
        let (reports, outbox) = mpsc::channel(CONNECTION_BACKLOG);
        let (watch, watching) = mpsc::channel(1);
        let mut writing = pin!(write(writer, outbox, watching));
        {
            let line = Line { reports, hang_up: self.hang_up.clone() };
            let mut reading = pin!(self.read(reader, line, watch));
            let mut asking = true;
            loop {
                tokio::select! {
                    () = self.token.cancelled() => break,
                    () = self.hang_up.cancelled() => return,
                    () = &mut writing => return,
                    // The client has no more to ask; what it asked is still answered.
                    () = &mut reading, if asking => asking = false,
                }
            }
        }
        // With nobody left to ask, writing ends by itself once what is known has been said.
        let _ = tokio::time::timeout(LAST_WORDS, writing).await;
    }

    async fn read(&self, reader: OwnedReadHalf, to: Line, watch: mpsc::Sender<broadcast::Receiver<Report>>) {
        let mut lines = Lines::new(reader, MAX_LINE + 1);
        while let Some(line) = lines.next().await {
            if line.len() > MAX_LINE {
                let failure = Failure::usage(format!("A line may have {MAX_LINE} bytes; the connection is closed."));
                let _ = to.reports.send(Report { id: None, event: NodeEvent::Failed { failure } }).await;
                return;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match serde_json::from_slice::<Request>(line) {
                Ok(Request { id, command: NodeCommand::Hello { version } }) => {
                    let (event, is_ours) = hello(version);
                    let _ = to.reports.send(Report { id: Some(id), event }).await;
                    if !is_ours {
                        return;
                    }
                }
                Ok(request) => self.ask(request, &to, &watch).await,
                Err(error) => {
                    let failure = Failure::usage(format!("Not a command: {error}."))
                        .hint("Send one JSON object a line: {\"id\":1,\"do\":\"status\"}.");
                    let _ = to.reports.send(Report { id: id_of(line), event: NodeEvent::Failed { failure } }).await;
                }
            }
        }
    }

    async fn ask(&self, request: Request, to: &Line, watch: &mpsc::Sender<broadcast::Receiver<Report>>) {
        if request.command == NodeCommand::Watch {
            // A second `watch` changes nothing.
            let _ = watch.try_send(self.outlet.watch());
        }
        let answer = Answer::socket(request.id, to.clone());
        let asked = Asked { command: request.command, answer: answer.clone() };
        if self.asked.send(asked).await.is_err() {
            answer.give(NodeEvent::Failed { failure: Failure::user("The node is going down.") }).await;
        }
    }
}

/// What a program is told that speaks this version, and whether it is ours.
pub fn hello(version: u32) -> (NodeEvent, bool) {
    if version == VERSION {
        return (NodeEvent::Hello { version, program: env!("CARGO_PKG_VERSION").to_owned() }, true);
    }
    let failure = Failure::usage(format!("This node speaks version {VERSION} of the control protocol, and not {version}."))
        .hint("The node and this program are of different versions: restart the node with `pylon restart`.");
    (NodeEvent::Failed { failure }, false)
}

/// The id of a line that is JSON and yet no command, so that whoever waits for that id hears of it.
pub(super) fn id_of(line: &[u8]) -> Option<RequestId> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("id").and_then(serde_json::Value::as_u64).map(RequestId)
}

/// Writes answers, and events once the connection watches. Ends when nobody can send any more or the client is gone.
async fn write(mut writer: OwnedWriteHalf, mut outbox: mpsc::Receiver<Report>, mut watching: mpsc::Receiver<broadcast::Receiver<Report>>) {
    let mut events: Option<broadcast::Receiver<Report>> = None;
    let mut asking = true;
    while asking || events.is_some() {
        let report = tokio::select! {
            report = outbox.recv(), if asking => match report {
                Some(report) => report,
                None => {
                    // No more questions; a watcher goes on watching.
                    asking = false;
                    events = events.or_else(|| watching.try_recv().ok());
                    continue;
                }
            },
            Some(receiver) = watching.recv(), if asking && events.is_none() => {
                events = Some(receiver);
                continue;
            }
            event = next_event(&mut events), if events.is_some() => match event {
                Some(report) => report,
                None => return,
            },
        };
        let Ok(mut line) = serde_json::to_vec(&report) else { continue };
        line.push(b'\n');
        if writer.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn next_event(events: &mut Option<broadcast::Receiver<Report>>) -> Option<Report> {
    match events.as_mut()?.recv().await {
        Ok(report) => Some(report),
        Err(broadcast::error::RecvError::Closed) => None,
        Err(broadcast::error::RecvError::Lagged(lost)) => {
            let fault = Fault {
                scope: Scope::Control,
                message: format!("This watcher was too slow and missed {lost} events."),
                hint: "Ask for `status` and `jobs` to catch up.".into(),
            };
            Some(Report { id: None, event: NodeEvent::Fault { fault } })
        }
    }
}
