//! The practice market's other provider: a node of its own inside this program, so that there is somebody to buy from.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::command::{Leaving, NodeCommand, Request};
use super::event::{Failure, NodeEvent, Report, Scope, sentence};
use super::handle::{Node, NodeHandle};
use super::options::{Market, NodeOptions};
use super::outlet::Outlet;
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::{Environment, Override, Paths};
use crate::domain::ids::RequestId;
use crate::identity::{Identity, IdentityError, Replace, WordCount};
use crate::inference::practice::{Pace, PracticeEngine};

/// Its one command.
const ONLINE: RequestId = RequestId(1);
/// How fast it answers.
const PACE: Pace = Pace::every(Duration::from_millis(10));
/// How long it may take to leave.
const LEAVE: Duration = Duration::from_secs(2);

/// A robot that sells until it is stopped.
pub struct RobotSeller {
    stop: CancellationToken,
    /// Closed once it has let go of its directory.
    left: oneshot::Receiver<()>,
}

impl RobotSeller {
    /// Tells it to leave; it has left when the receiver is closed.
    pub fn stop(self) -> oneshot::Receiver<()> {
        self.stop.cancel();
        self.left
    }
}

/// Opens it on this relay, with keys, ledger and purse in a directory of its own, once the one `before` it has left that.
/// It ends with the node at the latest.
pub fn begin(
    dir: &Path,
    relay: &str,
    clock: &Clock,
    outlet: &Outlet,
    tasks: &Tasks,
    before: Option<oneshot::Receiver<()>>,
) -> Result<RobotSeller, Failure> {
    let options = options(dir, relay, clock)?;
    let (stop, (leave, left)) = (tasks.token().child_token(), oneshot::channel());
    let (token, outlet, news) = (stop.clone(), outlet.clone(), tasks.clone());
    tasks.spawn("robot seller", async move {
        if let Some(before) = before {
            let _ = before.await;
        }
        if !token.is_cancelled() {
            match open(options, &outlet, &news) {
                Ok(handle) => close(handle, token).await,
                Err(failure) => outlet.fault(Scope::Provider, failure.message, failure.hints.join(" ")),
            }
        }
        drop(leave);
    });
    Ok(RobotSeller { stop, left })
}

fn open(options: NodeOptions, outlet: &Outlet, tasks: &Tasks) -> Result<NodeHandle, Failure> {
    let mut handle = Node::launch(options).map_err(|error| Failure::internal(sentence(&error)))?;
    let events = std::mem::replace(&mut handle.events, crossbeam_channel::never());
    let request = Request { id: ONLINE, command: NodeCommand::GoOnline };
    handle.commands.try_send(request).map_err(|_| Failure::internal("The robot seller takes no commands."))?;
    let outlet = outlet.clone();
    // Ends with the robot's node.
    tasks.spawn("robot seller's news", async move {
        let told = tokio::task::spawn_blocking(move || events.iter().for_each(|report| pass(&report, &outlet)));
        drop(told.await);
    });
    Ok(handle)
}

/// What it says is its own business, except why it cannot sell.
fn pass(report: &Report, outlet: &Outlet) {
    let (message, hint) = match &report.event {
        NodeEvent::Fault { fault } => (&fault.message, fault.hint.clone()),
        NodeEvent::Failed { failure } => (&failure.message, failure.hints.join(" ")),
        _ => return,
    };
    outlet.fault(Scope::Provider, format!("The robot seller: {message}"), &hint);
}

async fn close(handle: NodeHandle, token: CancellationToken) {
    token.cancelled().await;
    let left = tokio::task::spawn_blocking(move || handle.stop(Leaving::Now, LEAVE)).await;
    if !left.unwrap_or(false) {
        tracing::warn!("The robot seller did not leave within {} s.", LEAVE.as_secs());
    }
}

fn options(dir: &Path, relay: &str, clock: &Clock) -> Result<NodeOptions, Failure> {
    let paths = Paths::at(dir);
    let failed = |error: IdentityError| Failure::user(format!("The robot seller cannot be opened: {error}."));
    paths.ensure().map_err(|error| failed(error.into()))?;
    match Identity::load(&paths) {
        Err(IdentityError::Missing { .. }) => drop(Identity::create(&paths, WordCount::Twelve, Replace::Never).map_err(failed)?),
        loaded => drop(loaded.map_err(failed)?),
    }
    let engine = Arc::new(PracticeEngine { pace: PACE, ..PracticeEngine::default() });
    let mut options = NodeOptions::new(paths, Environment::default());
    let settings = [
        format!("relays.urls=[\"{relay}\"]"),
        "provider.policy=\"pay-first\"".to_owned(),
        "provider.min_price=2000".to_owned(),
        // It has its own engine and leaves the machine's models to the node the user looks at.
        "backends.ollama.url=\"http://127.0.0.1:9\"".to_owned(),
    ];
    for setting in settings {
        options.overrides.push(setting.parse::<Override>().map_err(|error| Failure::internal(sentence(&error)))?);
    }
    Ok(NodeOptions { market: Market::Practice, extra_backends: vec![engine], clock: clock.clone(), ..options })
}
