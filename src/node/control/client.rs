//! The command line's end of the control socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{MAX_LINE, VERSION};
use crate::domain::ids::RequestId;
use crate::node::command::{NodeCommand, Request};
use crate::node::event::{NodeEvent, Report};

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No socket, or nobody behind it: the node does not run.
    #[error("no node is running on this data directory; start one with `pylon start`, or in the foreground with `pylon run`")]
    NotRunning,
    #[error("the node's control socket failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the node closed the connection before it answered; see `pylon status`")]
    Closed,
    #[error("the node did not answer within {0} s; it may be busy, see its log")]
    Silent(u64),
    /// It speaks another version.
    #[error("{0}")]
    Refused(String),
    #[error("the node answered with something that is no event ({0}); are both of the same version?")]
    Garbled(#[from] serde_json::Error),
}

/// A blocking connection to a running node: command lines have nothing else to do meanwhile.
#[derive(Debug)]
pub struct ControlClient {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
    next: u64,
}

/// An answer's lines are as long as a ledger page is.
const MAX_ANSWER: u64 = 64 * MAX_LINE as u64;

/// The number of our greeting.
pub(super) const HELLO: RequestId = RequestId(0);

/// Connects to whoever listens there, and says which version we speak. Nobody waits for the answer: only a no matters.
pub(super) fn connect(path: &Path) -> Result<UnixStream, ControlError> {
    use std::io::ErrorKind;
    let stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => ControlError::NotRunning,
        _ => ControlError::from(error),
    })?;
    send(&stream, &Request { id: HELLO, command: NodeCommand::Hello { version: VERSION } })?;
    Ok(stream)
}

/// What the answer to our greeting means. `None`: go on.
pub(super) fn refused(report: &Report) -> Option<ControlError> {
    match &report.event {
        NodeEvent::Failed { failure } if report.id == Some(HELLO) => {
            Some(ControlError::Refused(format!("{} {}", failure.message, failure.hints.join(" "))))
        }
        _ => None,
    }
}

/// Sends a command as a line.
pub(super) fn send(mut stream: &UnixStream, request: &Request) -> Result<(), ControlError> {
    // It may hold a PIN. As large as it can become: growing would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE + 1));
    serde_json::to_writer(&mut *line, request)?;
    line.push(b'\n');
    Ok(stream.write_all(&line)?)
}

/// The next line, without looking into it.
pub(super) fn line(reader: &mut BufReader<UnixStream>) -> Result<Vec<u8>, ControlError> {
    let mut line = Vec::new();
    match reader.take(MAX_ANSWER).read_until(b'\n', &mut line) {
        Ok(0) => Err(ControlError::Closed),
        Ok(_) => Ok(line),
        // It has left without reading what we said.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Err(ControlError::Closed),
        Err(error) => Err(error.into()),
    }
}

impl ControlClient {
    /// Connects, or says that no node runs.
    pub fn connect(path: &Path) -> Result<Self, ControlError> {
        let stream = connect(path)?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader, next: 1 })
    }

    /// Sends a command and returns the number its answers carry.
    pub fn ask(&mut self, command: NodeCommand) -> Result<RequestId, ControlError> {
        let id = RequestId(self.next);
        self.next += 1;
        send(&self.stream, &Request { id, command })?;
        Ok(id)
    }

    /// The next event, waiting at most `limit` for it (`None` = as long as it takes).
    pub fn next(&mut self, limit: Option<Duration>) -> Result<Report, ControlError> {
        self.stream.set_read_timeout(limit)?;
        loop {
            let report: Report = serde_json::from_slice(&self.line(limit)?)?;
            match refused(&report) {
                Some(refused) => return Err(refused),
                None if report.id == Some(HELLO) => {}
                None => return Ok(report),
            }
        }
    }

    fn line(&mut self, limit: Option<Duration>) -> Result<Vec<u8>, ControlError> {
        match line(&mut self.reader) {
            Err(ControlError::Io(error)) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                Err(ControlError::Silent(limit.unwrap_or_default().as_secs()))
            }
            read => read,
        }
    }

    /// Sends a command and waits for the first event that answers it.
    pub fn call(&mut self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, ControlError> {
        let id = self.ask(command)?;
        loop {
            let report = self.next(Some(limit))?;
            if report.id == Some(id) {
                return Ok(report.event);
            }
        }
    }
}
