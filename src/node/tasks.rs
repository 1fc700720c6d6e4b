//! Tasks with a name, a cancel token and an owner who joins them. A panic becomes a fault the operator sees.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event::Scope;
use super::outlet::Outlet;

/// A set of tasks that end together.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
    outlet: Outlet,
}

impl Tasks {
    /// An empty set.
    pub fn new(outlet: Outlet) -> Self {
        Self { tracker: TaskTracker::new(), token: CancellationToken::new(), outlet }
    }

    /// Cancelled when the set is asked to end. Tasks watch it.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Runs `task` until it ends.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let outlet = self.outlet.clone();
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                let message = format!("The task {name:?} stopped unexpectedly: {}.", panic_text(panic.as_ref()));
                outlet.fault(Scope::Internal, message, "Restart the node; nothing in the ledger is lost. Please report this with the log.");
            }
        });
    }

    /// Asks every task to end and waits for them, at most `limit`. Returns whether all have ended.
    pub async fn end(&self, limit: Duration) -> bool {
        self.token.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::node::event::NodeEvent;
    use crate::node::wake::NoWake;

    #[tokio::test]
    async fn a_panic_in_a_task_is_told_and_the_others_end_on_request() {
        let (events, inbox) = crossbeam_channel::unbounded();
        let tasks = Tasks::new(Outlet::new(events, Arc::new(NoWake)));
        tasks.spawn("broken", async { panic!("out of ideas") });
        let token = tasks.token().clone();
        tasks.spawn("patient", async move { token.cancelled().await });
        assert!(tasks.end(Duration::from_secs(5)).await);
        let told =
            inbox.try_iter().any(|report| matches!(report.event, NodeEvent::Fault { fault } if fault.message.contains("out of ideas")));
        assert!(told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_will_not_end_is_given_up_on() {
        let (events, _inbox) = crossbeam_channel::unbounded();
        let tasks = Tasks::new(Outlet::new(events, Arc::new(NoWake)));
        tasks.spawn("stubborn", std::future::pending());
        assert!(!tasks.end(Duration::from_secs(1)).await);
    }
}
