//! Where events leave the node: to whoever drives it in this process, and to every watcher on the socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::event::{Fault, NodeEvent, Report, Scope};
use super::wake::Wake;
use crate::domain::ids::RequestId;

/// Events a slow watcher on the socket may lag behind before it loses some (and is told so).
const WATCHER_BACKLOG: usize = 1024;
/// How long a full connection gets to read something.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Hands out events. Cheap to clone; never blocks.
///
/// The channel to the window is unbounded because a worker that blocked on a sleeping window would stop the market;
/// what could flood it is limited at its source.
#[derive(Clone)]
pub struct Outlet {
    events: crossbeam_channel::Sender<Report>,
    watchers: broadcast::Sender<Report>,
    wake: Arc<dyn Wake>,
}

impl Outlet {
    /// An outlet onto `events`, waking `wake` after each.
    pub fn new(events: crossbeam_channel::Sender<Report>, wake: Arc<dyn Wake>) -> Self {
        Self { events, watchers: broadcast::channel(WATCHER_BACKLOG).0, wake }
    }

    /// Tells everybody.
    pub fn tell(&self, event: NodeEvent) {
        let report = Report { id: None, event };
        // No watcher is no error.
        let _ = self.watchers.send(report.clone());
        self.give(report);
    }

    /// Tells everybody that something is wrong, and the log.
    pub fn fault(&self, scope: Scope, message: impl Into<String>, hint: impl Into<String>) {
        let fault = Fault { scope, message: message.into(), hint: hint.into() };
        tracing::warn!(scope = ?fault.scope, hint = %fault.hint, "{}", fault.message);
        self.tell(NodeEvent::Fault { fault });
    }

    /// Every event from now on, for a watcher on the socket.
    pub fn watch(&self) -> broadcast::Receiver<Report> {
        self.watchers.subscribe()
    }

    fn give(&self, report: Report) {
        // The receiver is gone when the window has closed and the node is on its way down; nobody is left to tell.
        if self.events.send(report).is_ok() {
            self.wake.wake();
        }
    }
}

/// Where the answers to one command go.
#[derive(Clone)]
pub struct Answer {
    id: RequestId,
    to: AnswerTo,
}

#[derive(Clone)]
enum AnswerTo {
    InProcess(Outlet),
    Socket(Line),
}

/// The way to one connection of the control socket.
#[derive(Debug, Clone)]
pub struct Line {
    pub reports: mpsc::Sender<Report>,
    /// Ends the connection.
    pub hang_up: CancellationToken,
}

impl Line {
    /// Sends a report, unless the other end reads nothing: then it is hung up on, as the node must not wait for it.
    async fn send(&self, report: Report) {
        if let Err(SendTimeoutError::Timeout(_)) = self.reports.send_timeout(report, READ_WITHIN).await {
            tracing::warn!("A program on the control socket asks and does not read the answers; it is hung up on.");
            self.hang_up.cancel();
        }
    }
}

impl Answer {
    /// Answers through the in-process channel.
    pub fn in_process(id: RequestId, outlet: Outlet) -> Self {
        Self { id, to: AnswerTo::InProcess(outlet) }
    }

    /// Answers to one connection of the control socket.
    pub const fn socket(id: RequestId, line: Line) -> Self {
        Self { id, to: AnswerTo::Socket(line) }
    }

    /// Sends one answering event. A connection that is gone loses it.
    pub async fn give(&self, event: NodeEvent) {
        let report = Report { id: Some(self.id), event };
        match &self.to {
            AnswerTo::InProcess(outlet) => outlet.give(report),
            AnswerTo::Socket(line) => line.send(report).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::wake::NoWake;

    #[tokio::test]
    async fn an_answer_goes_to_whoever_asked_and_an_event_to_everybody() {
        let (events, inbox) = crossbeam_channel::unbounded();
        let outlet = Outlet::new(events, Arc::new(NoWake));
        let mut watcher = outlet.watch();
        let (connection, mut socket) = mpsc::channel(4);
        let line = Line { reports: connection, hang_up: CancellationToken::new() };
        Answer::socket(RequestId(5), line).give(NodeEvent::Done).await;
        Answer::in_process(RequestId(6), outlet.clone()).give(NodeEvent::Done).await;
        outlet.tell(NodeEvent::Refused { code: "busy".into() });
        assert_eq!(socket.recv().await.map(|report| report.id), Some(Some(RequestId(5))));
        let ids: Vec<_> = inbox.try_iter().map(|report| report.id).collect();
        assert_eq!(ids, [Some(RequestId(6)), None]);
        assert_eq!(watcher.recv().await.map(|report| report.id), Ok(None));
        assert!(watcher.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_and_does_not_read_is_hung_up_on_and_holds_nobody_up() {
        let (reports, _unread) = mpsc::channel(1);
        let line = Line { reports, hang_up: CancellationToken::new() };
        for _ in 0..2 {
            Answer::socket(RequestId(5), line.clone()).give(NodeEvent::Done).await;
        }
        assert!(line.hang_up.is_cancelled());
    }
}
