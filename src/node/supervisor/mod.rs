//! The one task that obeys commands.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};

use super::cashier;
use super::command::{Leaving, NodeCommand, RobotKind};
use super::control::Asked;
use super::doctor::{self, CONFIG_HINT, Examination};
use super::event::{Failure, NodeEvent, Scope, sentence};
use super::options::{Market, NodeOptions};
use super::outlet::{Answer, Outlet};
use super::preflight::Lookout;
use super::provider::ProviderCommand;
use super::queries;
use super::robot_buyer;
use super::services::{Services, blank_status};
use super::status::{Board, NodeState, NodeStatus};
use super::tasks::Tasks;
use super::test_job::TestDesk;
use crate::config::edit::Editor;
use crate::config::{Config, ConfigError, Loaded};

/// Commands from the socket that may wait.
const SOCKET_BACKLOG: usize = 64;

/// How long what runs beside gets to end with the node.
const LEAVE: Duration = Duration::from_secs(1);

/// Obeys commands one after the other. What takes long (a download, a drain) runs beside it, so that a status is always
/// answered at once.
pub struct Supervisor {
    options: NodeOptions,
    outlet: Outlet,
    board: Board,
    services: Option<Services>,
    /// Handed to the control socket when it is bound.
    socket: mpsc::Sender<Asked>,
    from_socket: mpsc::Receiver<Asked>,
    /// What runs beside the commands.
    aside: Tasks,
    /// Watches what a start would meet.
    lookout: Lookout,
    tests: TestDesk,
    /// A patient stop is under way.
    draining: bool,
    /// Rings when the last job has left a node that is to stop.
    left: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
}

impl Supervisor {
    pub fn new(options: NodeOptions, outlet: Outlet) -> Self {
        let (socket, from_socket) = mpsc::channel(SOCKET_BACKLOG);
        let board = Board::new(blank_status(&options));
        let aside = Tasks::new(outlet.clone());
        let lookout = Lookout::new(options.clone(), outlet.clone());
        let left = mpsc::channel(SOCKET_BACKLOG);
        Self { options, outlet, board, services: None, socket, from_socket, aside, lookout, tests: TestDesk::new(), draining: false, left }
    }

    /// Obeys until nobody can command any more, then stops the node.
    pub async fn run(mut self, mut asked: mpsc::Receiver<(NodeCommand, Answer)>) {
        loop {
            let (command, answer) = tokio::select! {
                command = asked.recv() => match command {
                    Some(command) => command,
                    None => break,
                },
                Some(Asked { command, answer }) = self.from_socket.recv() => (command, answer),
                Some(answer) = self.left.1.recv() => {
                    self.drained(answer).await;
                    continue;
                }
            };
            self.obey(command, answer).await;
        }
        // Whoever asked for patience and left still gets it.
        if self.draining
            && let Some(answer) = self.left.1.recv().await
        {
            self.drained(answer).await;
        }
        self.stop().await;
        self.aside.end(LEAVE).await;
    }

    async fn obey(&mut self, command: NodeCommand, answer: Answer) {
        let done = |result: Result<(), Failure>| match result {
            Ok(()) => NodeEvent::Done,
            Err(failure) => NodeEvent::Failed { failure },
        };
        let event = match command {
            NodeCommand::Start => done(self.start().await),
            NodeCommand::Stop { how: Leaving::Finish } if self.services.is_some() => return self.drain(answer).await,
            NodeCommand::Stop { .. } => {
                self.stop().await;
                NodeEvent::Done
            }
            NodeCommand::GoOnline => done(self.go_online().await),
            NodeCommand::GoOffline { how } => return self.go_offline(how, answer).await,
            NodeCommand::Status | NodeCommand::Watch => NodeEvent::Status { status: Box::new(self.status()) },
            NodeCommand::Models | NodeCommand::ProbeBackends => return self.models(command, answer).await,
            NodeCommand::PullModel { model } => return self.pull(model, answer).await,
            NodeCommand::Relays => NodeEvent::Relays { relays: self.services.as_ref().map(|on| on.relays.health()).unwrap_or_default() },
            NodeCommand::Jobs { .. }
            | NodeCommand::Job { .. }
            | NodeCommand::Stats
            | NodeCommand::Purchases { .. }
            | NodeCommand::Purchase { .. } => return self.query(command, answer),
            NodeCommand::Submit { .. } | NodeCommand::PayOffer { .. } | NodeCommand::CancelRequest { .. } => {
                return self.buy(command, answer);
            }
            NodeCommand::CancelJob { job } => done(self.cancel(&job).await),
            NodeCommand::Reload => done(self.reload().await),
            NodeCommand::SetSetting { key, value } => done(self.set(key, value).await),
            NodeCommand::Doctor => return self.doctor(answer),
            NodeCommand::Preflight => {
                let running = self.services.as_ref().map(|on| Arc::clone(&on.registry));
                return self.lookout.asked(running, answer, &self.aside);
            }
            NodeCommand::TestJob { prompt } => return self.test(prompt, answer).await,
            NodeCommand::StartRobot { robot } => done(self.start_robot(robot)),
            NodeCommand::StopRobot { robot } => done(self.stop_robot(robot)),
            NodeCommand::Wallet
            | NodeCommand::Payments { .. }
            | NodeCommand::Receive { .. }
            | NodeCommand::Pay { .. }
            | NodeCommand::Refund { .. }
            | NodeCommand::WriteOff { .. } => return self.money(command, answer).await,
        };
        answer.give(event).await;
    }

    /// The status now, with the identity even while stopped.
    fn status(&self) -> NodeStatus {
        self.board.now()
    }

    async fn start(&mut self) -> Result<(), Failure> {
        if self.services.is_some() {
            return Ok(());
        }
        let config = Arc::new(self.load_config()?);
        self.board.update(|status| status.state = NodeState::Starting);
        match Services::start(&self.options, Arc::clone(&config), &self.outlet, &self.board, self.socket.clone(), &self.aside).await {
            Ok(services) => {
                let (npub, pubkey) = (services.identity.npub(), services.identity.pubkey().to_string());
                let (now, relays) = (self.options.clock.now(), config.relays.urls.len());
                self.board.update(|status| {
                    status.running = true;
                    status.state = NodeState::Offline;
                    status.pid = Some(std::process::id());
                    status.npub = Some(npub);
                    status.pubkey = Some(pubkey);
                    status.policy = config.provider.policy;
                    status.min_price = config.provider.min_price.ceil_sats();
                    status.started_at = Some(now);
                    status.relays_configured = u32::try_from(relays).unwrap_or(u32::MAX);
                });
                self.services = Some(services);
                self.lookout.end();
                Ok(())
            }
            Err(failure) => {
                self.board.update(|status| status.state = NodeState::Stopped);
                Err(failure)
            }
        }
    }

    /// Reads the config; what it has to say that is no error becomes a notice.
    fn load_config(&self) -> Result<Config, Failure> {
        let Loaded { config, notices } = Config::load(&self.options.paths, &self.options.environment, &self.options.overrides)
            .map_err(|error| Failure::usage(sentence(&error)).hint(CONFIG_HINT))?;
        for notice in notices {
            self.outlet.fault(Scope::Config, notice.message, notice.hint);
        }
        Ok(config)
    }

    /// Goes offline and stops when the last job has left. Until then commands are obeyed, a second, hurried stop among
    /// them.
    async fn drain(&mut self, answer: Answer) {
        let Some(services) = &self.services else { return };
        self.draining = true;
        let left = services.go_offline(Leaving::Finish).await;
        let limit = Duration::from_secs(services.config.provider.job_timeout_secs);
        let done = self.left.0.clone();
        self.aside.spawn("stopping", async move {
            let _ = tokio::time::timeout(limit, left).await;
            let _ = done.send(answer).await;
        });
    }

    async fn drained(&mut self, answer: Answer) {
        self.draining = false;
        self.stop().await;
        answer.give(NodeEvent::Done).await;
    }

    async fn stop(&mut self) {
        let Some(services) = self.services.take() else { return };
        self.board.update(|status| status.state = NodeState::Stopping);
        services.stop().await;
        let blank = blank_status(&self.options);
        self.board.update(|status| *status = blank);
        self.outlet.tell(NodeEvent::Status { status: Box::new(self.board.now()) });
    }

    async fn go_online(&mut self) -> Result<(), Failure> {
        self.start().await?;
        let Some(services) = &self.services else { return Err(Failure::internal("The node started and is not there.")) };
        let (reply, done) = oneshot::channel();
        services.provider.ask(ProviderCommand::GoOnline(reply)).await;
        done.await.unwrap_or_else(|_| Err(Failure::internal("The provider has stopped; restart the node.")))
    }

    /// Answers when the last job has left; meanwhile other commands are obeyed.
    async fn go_offline(&self, how: Leaving, answer: Answer) {
        let Some(services) = &self.services else { return answer.give(NodeEvent::Done).await };
        let left = services.go_offline(how).await;
        self.aside.spawn("going offline", async move {
            let _ = left.await;
            answer.give(NodeEvent::Done).await;
        });
    }

    async fn models(&self, command: NodeCommand, answer: Answer) {
        let Some(services) = &self.services else {
            // A stopped node probes once, for whoever wants to know before starting it.
            return match self.load_config().and_then(|config| doctor::probe_once(&config, &self.options)) {
                Ok(probing) => answer.give(NodeEvent::Models { backends: probing.await }).await,
                Err(failure) => answer.give(NodeEvent::Failed { failure }).await,
            };
        };
        let registry = services.registry.clone();
        self.aside.spawn("models", async move {
            if command == NodeCommand::ProbeBackends || !registry.has_probed() {
                registry.refresh().await;
            }
            answer.give(NodeEvent::Models { backends: registry.health() }).await;
        });
    }

    async fn pull(&self, model: String, answer: Answer) {
        let Some(services) = &self.services else {
            let failure = Failure::user("The node is stopped.").hint("Start it with `pylon run`, or run `ollama pull` yourself.");
            return answer.give(NodeEvent::Failed { failure }).await;
        };
        let (registry, outlet) = (services.registry.clone(), self.outlet.clone());
        self.aside.spawn("model download", async move {
            let failed = |error: crate::inference::InferenceError| NodeEvent::Failed {
                failure: Failure::network(format!("{error}.")).hint(error.hint()),
            };
            let mut progress = match registry.pull(&model).await {
                Ok(progress) => progress,
                Err(error) => return answer.give(failed(error)).await,
            };
            while let Some(step) = progress.next().await {
                match step {
                    Ok(progress) => answer.give(NodeEvent::Pulling { model: model.clone(), progress }).await,
                    Err(error) => return answer.give(failed(error)).await,
                }
            }
            registry.refresh().await;
            outlet.tell(NodeEvent::Models { backends: registry.health() });
            answer.give(NodeEvent::Done).await;
        });
    }

    async fn cancel(&self, id: &str) -> Result<(), Failure> {
        let Some(services) = &self.services else {
            return Err(Failure::user("The node is stopped, so nothing runs that could be called off."));
        };
        let job = queries::find(&self.options, id)?;
        let (reply, done) = oneshot::channel();
        services.provider.ask(ProviderCommand::Cancel(job, reply)).await;
        done.await.unwrap_or_else(|_| Err(Failure::internal("The provider has stopped; restart the node.")))
    }

    async fn reload(&mut self) -> Result<(), Failure> {
        let config = self.load_config()?;
        match &mut self.services {
            Some(services) => services.reload(config, &self.options).await,
            None => Ok(()),
        }
    }

    /// Changes one setting in the file. Nothing is written unless the whole file would still be taken.
    async fn set(&mut self, key: String, value: String) -> Result<(), Failure> {
        let options = self.options.clone();
        let refused = |error: ConfigError| Failure::usage(sentence(&error)).hint(CONFIG_HINT);
        let set = move || Editor::new(&options.paths, &options.environment, &options.overrides).set(&key, &value).map(drop);
        match tokio::task::spawn_blocking(set).await {
            Ok(written) => written.map_err(refused)?,
            Err(error) => return Err(Failure::internal(format!("The setting was not changed: {error}."))),
        }
        if self.services.is_some() { self.reload().await } else { Ok(()) }
    }

    async fn test(&self, prompt: String, answer: Answer) {
        let (state, services) = (self.board.now().state, self.services.as_ref());
        self.tests.begin(prompt, state, services, &self.options.clock, &self.aside, answer).await;
    }

    fn start_robot(&mut self, robot: RobotKind) -> Result<(), Failure> {
        let (clock, board, outlet) = (self.options.clock.clone(), self.board.clone(), self.outlet.clone());
        let services = self.robots_node()?;
        match robot {
            RobotKind::Buyer => services.start_robot_buyer(&clock, &board, &outlet),
            RobotKind::Seller => services.start_robot_seller(&clock, &board, &outlet)?,
        }
        Ok(())
    }

    fn stop_robot(&mut self, robot: RobotKind) -> Result<(), Failure> {
        let board = self.board.clone();
        let services = self.robots_node()?;
        match robot {
            RobotKind::Buyer => services.stop_robot_buyer(&board),
            RobotKind::Seller => services.stop_robot_seller(&board),
        }
        Ok(())
    }

    /// The node a robot can trade with: one of the practice market, and started.
    fn robots_node(&mut self) -> Result<&mut Services, Failure> {
        match self.options.market {
            Market::Practice => self.services.as_mut().ok_or_else(robot_buyer::not_started),
            Market::Real => Err(robot_buyer::not_here()),
        }
    }

    fn query(&self, command: NodeCommand, answer: Answer) {
        let options = self.options.clone();
        self.aside.spawn("ledger query", async move {
            let looked = tokio::task::spawn_blocking(move || queries::answer(&options, &command)).await;
            let event = looked
                .unwrap_or_else(|error| NodeEvent::Failed { failure: Failure::internal(format!("The ledger query stopped: {error}.")) });
            answer.give(event).await;
        });
    }

    async fn money(&self, command: NodeCommand, answer: Answer) {
        match self.services.as_ref().and_then(|on| on.cashier.clone()) {
            Some(cashier) => self.aside.spawn("money", async move { answer.give(cashier.answer(command).await).await }),
            None => answer.give(NodeEvent::Failed { failure: cashier::no_wallet(self.services.is_some()) }).await,
        }
    }

    fn buy(&self, command: NodeCommand, answer: Answer) {
        let (consumer, options) = (self.services.as_ref().map(|on| on.consumer.clone()), self.options.clone());
        self.aside.spawn("buying", async move {
            let bought = match consumer {
                Some(consumer) => queries::buy(&consumer, &options, command).await,
                None => Err(Failure::user("The node is stopped.").hint("Start it with `pylon run`.")),
            };
            answer.give(bought.unwrap_or_else(|failure| NodeEvent::Failed { failure })).await;
        });
    }

    fn doctor(&self, answer: Answer) {
        let examination = Examination::new(
            &self.options,
            self.services.as_ref().map(|on| on.relays.health()),
            self.services.as_ref().and_then(|on| on.cashier.as_ref()).map(|cashier| Arc::clone(&cashier.wallet)),
        );
        self.aside.spawn("doctor", async move {
            let findings = examination.run().await;
            answer.give(NodeEvent::Doctor { findings }).await;
        });
    }
}
