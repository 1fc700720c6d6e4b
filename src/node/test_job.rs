//! The test job: this node bought from by a stranger, who happens to be us.
//!
//! The request goes out to a relay and the answer comes back from it, under keys made for this one job. What it proves
//! is therefore what a buyer will find: relay, intake, model, signature and delivery, all of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::event::{Failure, NodeEvent, TestStep, sentence};
use super::outlet::Answer;
use super::provider::{ProviderCommand, ProviderHandle};
use super::robot::{BuyError, Heard, Purchase, Robot};
use super::services::Services;
use super::status::NodeState;
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::domain::ids::Pubkey;
use crate::domain::relay::RelayState;
use crate::domain::request::Scheme;

/// Starts test jobs, one at a time.
pub struct TestDesk(Arc<Semaphore>);

/// A test job about to be asked for.
struct TestJob {
    prompt: String,
    relay: String,
    provider: Pubkey,
    /// Told whose request is not to be charged: nobody pays themselves.
    seller: ProviderHandle,
    patience: Duration,
    clock: Clock,
    /// Held while it is under way.
    _turn: OwnedSemaphorePermit,
}

impl TestDesk {
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Asks for a job beside everything else, or says at once why not.
    pub async fn begin(&self, prompt: String, state: NodeState, services: Option<&Services>, clock: &Clock, aside: &Tasks, answer: Answer) {
        let (job, node) = match self.prepare(prompt, state, services, clock) {
            Ok(prepared) => prepared,
            Err(failure) => return answer.give(NodeEvent::Failed { failure }).await,
        };
        aside.spawn("test job", async move {
            let stopped = || Failure::user("The node stopped before the answer came.").hint("Start it and try again.");
            let tested = node.run_until_cancelled(job.run(&answer)).await.unwrap_or_else(|| Err(stopped()));
            answer.give(tested.map_or_else(|failure| NodeEvent::Failed { failure }, |step| NodeEvent::Testing { step })).await;
        });
    }

    fn prepare(
        &self,
        prompt: String,
        state: NodeState,
        services: Option<&Services>,
        clock: &Clock,
    ) -> Result<(TestJob, tokio_util::sync::CancellationToken), Failure> {
        let offline = || Failure::user("The node takes no jobs now, so it would not answer.").hint("Go online first.");
        let taking = matches!(state, NodeState::Connecting | NodeState::Online | NodeState::Degraded);
        let services = services.filter(|_| taking).ok_or_else(offline)?;
        let turn = Arc::clone(&self.0).try_acquire_owned();
        let turn = turn.map_err(|_| Failure::user("A test job is already under way.").hint("Wait for its answer."))?;
        let relay = services.relays.health().into_iter().find(|relay| relay.state == RelayState::Connected);
        let relay =
            relay.ok_or_else(|| Failure::network("No relay is connected.").hint("Check the network, or relays.urls in the config."))?;
        let job = TestJob {
            prompt,
            relay: relay.url,
            provider: services.identity.pubkey(),
            seller: services.provider.clone(),
            patience: Duration::from_secs(services.config.provider.job_timeout_secs),
            clock: clock.clone(),
            _turn: turn,
        };
        Ok((job, services.token().clone()))
    }
}

impl TestJob {
    /// Buys, telling each step but the last, which is returned.
    async fn run(self, answer: &Answer) -> Result<TestStep, Failure> {
        let robot = Robot::connect(&self.relay, self.provider).await;
        let mut robot = robot.map_err(|error| Failure::network(sentence(&error)).hint(BuyError::Closed.hint()))?.at_length();
        let (seller, guest) = (self.seller.clone(), robot.pubkey());
        seller.ask(ProviderCommand::Welcome(guest)).await;
        let bought = self.buy(&mut robot, answer).await;
        seller.ask(ProviderCommand::Farewell(guest)).await;
        robot.close().await;
        let Purchase { id, text, took, .. } = bought.map_err(|error| failure(&error))?;
        Ok(TestStep::Answered { job: id, text, took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) })
    }

    async fn buy(&self, robot: &mut Robot, answer: &Answer) -> Result<Purchase, BuyError> {
        let (steps, mut told) = mpsc::unbounded_channel();
        let buying = async move {
            let mut hear = |heard: Heard<'_>| drop(steps.send(self.step(heard)));
            robot.buy_hearing(&self.prompt, Scheme::Plain, self.clock.now(), self.patience, &mut hear).await
        };
        // Ends when buying ends, which lets go of the other end.
        let telling = async {
            while let Some(step) = told.recv().await {
                answer.give(NodeEvent::Testing { step }).await;
            }
        };
        tokio::join!(buying, telling).0
    }

    fn step(&self, heard: Heard<'_>) -> TestStep {
        match heard {
            Heard::Taken(job) => TestStep::Asked { job, relay: self.relay.clone() },
            Heard::Partial(text) => TestStep::Partial { text: text.to_owned() },
        }
    }
}

fn failure(error: &BuyError) -> Failure {
    let failure = match error {
        BuyError::NotSent(_) | BuyError::TimedOut(_) | BuyError::Closed => Failure::network(sentence(error)),
        BuyError::Refused(_) | BuyError::NotPaid(_) => Failure::user(sentence(error)),
        BuyError::Write(_) | BuyError::Unreadable(_) => Failure::internal(sentence(error)),
    };
    failure.hint(error.hint())
}
