//! Going online and offline, and stopping in patience.

use std::time::Duration;

use tokio::sync::oneshot;

use super::Supervisor;
use crate::node::command::Leaving;
use crate::node::event::{Failure, NodeEvent};
use crate::node::outlet::Answer;
use crate::node::provider::{Left, ProviderCommand};

/// How long the last answers get to reach a relay when the node is stopped in patience.
const DELIVERY: Duration = Duration::from_secs(5);

impl Supervisor {
    pub(super) async fn go_online(&mut self) -> Result<(), Failure> {
        if self.draining {
            let failure = Failure::user("The node stops as soon as its last job is done, so it takes no more.");
            return Err(failure.hint("Start it when it has stopped: `pylon start --online`."));
        }
        self.start().await?;
        let Some(services) = &self.services else { return Err(Failure::internal("The node started and is not there.")) };
        let (reply, done) = oneshot::channel();
        services.provider.ask(ProviderCommand::GoOnline(reply)).await;
        done.await.unwrap_or_else(|_| Err(Failure::internal("The provider has stopped; restart the node.")))
    }

    /// Answers when the last job has left; meanwhile other commands are obeyed.
    pub(super) async fn go_offline(&mut self, how: Leaving, answer: Answer) {
        if let Some(before) = &mut self.before {
            before.is_online = false;
        }
        let Some(services) = &self.services else { return answer.give(NodeEvent::Done).await };
        let left = services.go_offline(how).await;
        self.aside.spawn("going offline", async move {
            let event = match left.await {
                Ok(Left::CalledOff) => {
                    let failure = Failure::user("The node was put online again, so it does not go offline.");
                    NodeEvent::Failed { failure }
                }
                // A provider that is gone has no jobs either.
                Ok(Left::Over) | Err(_) => NodeEvent::Done,
            };
            answer.give(event).await;
        });
    }

    /// Goes offline and stops when the last job has left. Until then commands are obeyed, a second, hurried stop among
    /// them.
    pub(super) async fn drain(&mut self, answer: Answer) {
        let Some(services) = &self.services else { return };
        self.draining = true;
        let left = services.go_offline(Leaving::Finish).await;
        let limit = Duration::from_secs(services.config.provider.job_timeout_secs);
        let (done, mut status) = (self.bells.left.0.clone(), self.board.watch());
        self.aside.spawn("stopping", async move {
            let _ = tokio::time::timeout(limit, left).await;
            // The last answers are on their way to a relay. What none takes goes out again at the next start.
            let _ = tokio::time::timeout(DELIVERY, status.wait_for(|status| status.undelivered == 0)).await;
            let _ = done.send(answer).await;
        });
    }

    pub(super) async fn drained(&mut self, answer: Answer) {
        self.draining = false;
        self.stop().await;
        self.options.passphrase = None;
        answer.give(NodeEvent::Done).await;
    }
}
