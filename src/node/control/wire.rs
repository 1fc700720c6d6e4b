//! A connection for whoever has other things to do: a thread of its own listens.

use std::io::BufReader;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::client::{self, ControlError};
use super::server::id_of;
use crate::domain::ids::RequestId;
use crate::node::command::{NodeCommand, Request};
use crate::node::event::{Failure, NodeEvent, Report};

/// How long a command may take to get into the socket: a node that reads nothing is not waited for.
const PUSH: Duration = Duration::from_secs(5);

/// What comes over the wire.
#[derive(Debug)]
pub enum Heard {
    Report(Box<Report>),
    /// A line that is no event of this version.
    Unreadable,
    /// Nothing more comes, and why.
    Gone(ControlError),
}

/// A connection to a running node. Dropping it hangs up.
#[derive(Debug)]
pub struct Wire {
    stream: UnixStream,
    pub heard: Receiver<Heard>,
    listener: Option<JoinHandle<()>>,
}

impl Wire {
    /// Connects, or says that no node runs.
    pub fn connect(path: &Path) -> Result<Self, ControlError> {
        let stream = client::connect(path)?;
        stream.set_write_timeout(Some(PUSH))?;
        let reader = BufReader::new(stream.try_clone()?);
        let (tell, heard) = crossbeam_channel::unbounded();
        let listener = std::thread::Builder::new().name("control-wire".into()).spawn(move || listen(reader, &tell))?;
        Ok(Self { stream, heard, listener: Some(listener) })
    }

    /// Sends a command under this number.
    pub fn ask(&self, id: RequestId, command: NodeCommand) -> Result<(), ControlError> {
        client::send(&self.stream, &Request { id, command })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The thread waits for a line; there will be none. One that has hung up already is as good.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(listener) = self.listener.take() {
            // It cannot have panicked, and if it has, there is nobody left who wants to hear.
            let _ = listener.join();
        }
    }
}

fn listen(mut reader: BufReader<UnixStream>, tell: &Sender<Heard>) {
    loop {
        let heard = match client::line(&mut reader) {
            Ok(line) => read(&line),
            Err(error) => Heard::Gone(error),
        };
        if matches!(&heard, Heard::Report(report) if report.id == Some(client::HELLO)) {
            // Our greeting was answered, and we are welcome.
            continue;
        }
        let is_over = matches!(heard, Heard::Gone(_));
        if tell.send(heard).is_err() || is_over {
            return;
        }
    }
}

/// A line as an event. Whoever waits for an answer that cannot be read hears at least that.
fn read(line: &[u8]) -> Heard {
    match (serde_json::from_slice(line), id_of(line)) {
        (Ok(report), _) => match client::refused(&report) {
            Some(refused) => Heard::Gone(refused),
            None => Heard::Report(Box::new(report)),
        },
        (Err(error), Some(id)) => {
            let failure = Failure::internal(format!("The node's answer cannot be read: {error}."))
                .hint("The node and this window are of different versions: restart it with `pylon restart`.");
            Heard::Report(Box::new(Report { id: Some(id), event: NodeEvent::Failed { failure } }))
        }
        (Err(_), None) => Heard::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn an_answer_of_another_version_fails_its_command_and_an_event_of_another_version_is_passed_over() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let wire = Wire::connect(&path).expect("connected");
        let (mut node, _) = listener.accept().expect("a caller");
        node.write_all(b"{\"id\":7,\"event\":\"sang\"}\n{\"event\":\"danced\"}\n{\"id\":8,\"event\":\"done\"}\n").expect("said");
        let next = || wire.heard.recv_timeout(PATIENCE).expect("a line");
        let Heard::Report(failed) = next() else { panic!("no answer") };
        assert!(failed.id == Some(RequestId(7)) && matches!(failed.event, NodeEvent::Failed { .. }), "{failed:?}");
        assert!(matches!(next(), Heard::Unreadable));
        assert!(matches!(next(), Heard::Report(report) if report.event == NodeEvent::Done));
        drop(node);
        assert!(matches!(next(), Heard::Gone(ControlError::Closed)));
        drop(listener);
        assert!(matches!(Wire::connect(&path), Err(ControlError::NotRunning)), "a socket with nobody behind it");
    }
}
