//! The one task that obeys commands.

mod leaving;
mod models;
mod money;
mod renewal;
mod robots;
mod settings;
mod spending;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;

use self::renewal::Before;
use crate::config::Notice;
use crate::config::edit::Setting;
use crate::node::command::{Leaving, NodeCommand};
use crate::node::control::{self, Asked};
use crate::node::doctor::Examination;
use crate::node::door::Door;
use crate::node::event::{Failure, FailureKind, NodeEvent, sentence};
use crate::node::ledger_watch::Patience;
use crate::node::options::NodeOptions;
use crate::node::outlet::{Answer, Outlet};
use crate::node::preflight::Lookout;
use crate::node::provider::ProviderCommand;
use crate::node::queries;
use crate::node::services::{Healing, Services, blank_status};
use crate::node::status::{Board, NodeState, NodeStatus};
use crate::node::tasks::Tasks;
use crate::node::test_job::TestDesk;
use crate::node::trouble::Trouble;
use crate::node::unlock::unlock;

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
    /// The directory is ours and we can be asked. Outlives services that are begun anew.
    door: Option<Door>,
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
    /// What was going on before services that are gone and are to be begun anew.
    before: Option<Before>,
    /// With a ledger that fails.
    patience: Patience,
    /// The settings in force, and what was said about them.
    settings: Vec<Setting>,
    noted: Vec<Notice>,
    /// Looks at the config file until it is dropped.
    watching: Option<DropGuard>,
    bells: Bells,
}

/// What rings from inside.
struct Bells {
    /// The last job has left a node that is to stop.
    left: (mpsc::Sender<Answer>, mpsc::Receiver<Answer>),
    /// The config file has changed.
    settings: (mpsc::Sender<()>, mpsc::Receiver<()>),
    /// A ledger that failed can be written again.
    healed: (mpsc::Sender<()>, mpsc::Receiver<()>),
}

impl Supervisor {
    pub fn new(options: NodeOptions, outlet: Outlet) -> Self {
        let (socket, from_socket) = mpsc::channel(SOCKET_BACKLOG);
        let board = Board::new(blank_status(&options));
        let aside = Tasks::new(outlet.clone());
        let lookout = Lookout::new(options.clone(), outlet.clone());
        let bells = Bells { left: mpsc::channel(SOCKET_BACKLOG), settings: mpsc::channel(1), healed: mpsc::channel(1) };
        let patience = Patience::new(options.paces.ledger);
        Self {
            options,
            outlet,
            board,
            door: None,
            services: None,
            socket,
            from_socket,
            aside,
            lookout,
            tests: TestDesk::new(),
            draining: false,
            before: None,
            patience,
            settings: Vec::new(),
            noted: Vec::new(),
            watching: None,
            bells,
        }
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
                Some(answer) = self.bells.left.1.recv() => {
                    self.drained(answer).await;
                    continue;
                }
                Some(()) = self.bells.settings.1.recv() => {
                    self.settings_changed().await;
                    continue;
                }
                Some(()) = self.bells.healed.1.recv() => {
                    self.renew().await;
                    continue;
                }
            };
            self.obey(command, answer).await;
        }
        // Whoever asked for patience and left still gets it.
        if self.draining
            && let Some(answer) = self.bells.left.1.recv().await
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
            NodeCommand::Hello { version } => control::hello(version).0,
            NodeCommand::Start => done(self.start().await),
            NodeCommand::Stop { how: Leaving::Finish } if self.services.is_some() => return self.drain(answer).await,
            NodeCommand::Stop { .. } => {
                self.stop().await;
                self.options.passphrase = None;
                NodeEvent::Done
            }
            NodeCommand::Unlock { passphrase } => {
                self.options.passphrase = Some(passphrase.share());
                NodeEvent::Done
            }
            NodeCommand::GoOnline => done(self.go_online().await),
            NodeCommand::GoOffline { how } => return self.go_offline(how, answer).await,
            NodeCommand::Status | NodeCommand::Watch => NodeEvent::Status { status: Box::new(self.status()) },
            NodeCommand::Models | NodeCommand::ProbeBackends => return self.models(command, answer).await,
            NodeCommand::PullModel { model } => return self.pull(model, answer).await,
            NodeCommand::Relays => queries::relays(&self.options, self.services.as_ref().map(|on| on.relays.health())),
            NodeCommand::Jobs { .. }
            | NodeCommand::Job { .. }
            | NodeCommand::Stats
            | NodeCommand::Earnings { .. }
            | NodeCommand::Purchases { .. }
            | NodeCommand::Purchase { .. } => return self.query(command, answer),
            NodeCommand::Submit { .. } | NodeCommand::PayOffer { .. } | NodeCommand::CancelRequest { .. } => {
                return self.buy(command, answer);
            }
            NodeCommand::CancelJob { job } => done(self.cancel(&job).await),
            NodeCommand::Reload => done(self.reload().await),
            NodeCommand::SetSetting { key, value } => match self.guards(&key).await {
                Ok(()) => done(self.set(key, value).await),
                Err(failure) => NodeEvent::Failed { failure },
            },
            NodeCommand::WithPin { pin, command } => return self.with_pin(pin, *command, answer).await,
            NodeCommand::Spending
            | NodeCommand::SetPin { .. }
            | NodeCommand::CheckPin { .. }
            | NodeCommand::LockSpending
            | NodeCommand::UnlockSpending { .. } => return self.spending(command, answer).await,
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
            | NodeCommand::WriteOff { .. }
            | NodeCommand::Address { .. }
            | NodeCommand::Quote { .. }
            | NodeCommand::Transfer { .. }
            | NodeCommand::Deposits
            | NodeCommand::ClaimDeposit { .. }
            | NodeCommand::RefundDeposit { .. }
            | NodeCommand::LightningAddress { .. }
            | NodeCommand::WalletHealth => return self.money(command, answer).await,
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
        // A node that is being begun anew is tried again; one that was never up is not.
        let was_up = self.door.is_some();
        let begun = self.begin().await;
        if begun.as_ref().is_err_and(|failure| failure.kind == FailureKind::Locked) {
            // The wrong one is not tried again.
            self.options.passphrase = None;
        }
        if begun.is_err() && !was_up {
            self.close().await;
            let blank = blank_status(&self.options);
            self.board.update(|status| *status = blank);
        }
        begun
    }

    /// Begins the services, in a directory that is ours from then on.
    async fn begin(&mut self) -> Result<(), Failure> {
        let config = Arc::new(self.load_config()?);
        self.board.update(|status| {
            status.state = NodeState::Starting;
            status.trouble = Trouble::default();
        });
        let paths = &self.options.paths;
        let closing = paths.closing();
        paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
        self.note(&closing);
        let identity = unlock(&self.options).await?;
        let door = match &mut self.door {
            Some(door) => door,
            none => none.insert(Door::take(paths, self.options.clock.now())?),
        };
        let healing = Healing { pause: self.patience.pause(), healed: self.bells.healed.0.clone() };
        let services = Services::start(&self.options, identity, Arc::clone(&config), &self.outlet, &self.board, healing).await?;
        let services = self.services.insert(services);
        door.open(paths, self.socket.clone(), &self.outlet, &self.aside)?;
        let (npub, pubkey) = (services.identity.npub(), services.identity.pubkey().to_string());
        let (now, relays) = (self.options.clock.now(), config.relays.urls.len());
        self.before = None;
        self.board.update(|status| {
            status.running = true;
            status.state = NodeState::Offline;
            status.pid = Some(std::process::id());
            status.npub = Some(npub);
            status.pubkey = Some(pubkey);
            status.policy = config.provider.policy;
            status.min_price = config.provider.min_price.ceil_sats();
            status.started_at = status.started_at.or(Some(now));
            status.relays_configured = u32::try_from(relays).unwrap_or(u32::MAX);
        });
        self.lookout.end();
        self.watch_settings();
        self.tell_unknown_models();
        Ok(())
    }

    async fn stop(&mut self) {
        if self.door.is_none() {
            return;
        }
        self.board.update(|status| status.state = NodeState::Stopping);
        self.close().await;
        let blank = blank_status(&self.options);
        self.board.update(|status| *status = blank);
        self.outlet.tell(NodeEvent::Status { status: Box::new(self.board.now()) });
    }

    /// Takes down what there is, the directory last.
    async fn close(&mut self) {
        self.watching = None;
        self.before = None;
        self.noted.clear();
        let services = self.services.take();
        if let Some(services) = &services {
            services.leave().await;
        }
        let mut door = self.door.take();
        if let Some(door) = &mut door {
            door.shut().await;
        }
        if let Some(services) = services {
            services.end().await;
        }
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

    async fn test(&self, prompt: String, answer: Answer) {
        let (state, services) = (self.board.now().state, self.services.as_ref());
        self.tests.begin(prompt, state, services, &self.options.clock, &self.aside, answer).await;
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
