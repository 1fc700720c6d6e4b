//! The selling side: requests in, answers out, each exactly once.
//!
//! One task (the [`Provider`]) decides, in the order things happen; nothing else changes the queue or starts a run.
//! What takes time (a commit, a model, a relay) runs beside it and reports back. The ledger comes first each time:
//!
//! ```text
//! intake ─▶ claim (commit) ─▶ queue ─▶ run: start (commit) ─▶ model ─▶ answer (commit) ─▶ delivery ─▶ relay OK ─▶ done (commit)
//! ```
//!
//! A job holds a slot from its start until its answer is stored. Delivery needs no slot: a relay that is away must not
//! stop the model.

mod ad;
mod buyers;
mod delivery;
mod finished;
mod handle;
mod intake;
mod menu;
mod offer;
mod queue;
mod reconciling;
mod resume;
mod runner;
mod settings;
mod slot;
mod subscriptions;
mod till;
mod upkeep;
mod voice;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use nostr::{Event, EventBuilder};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub use self::handle::{Left, ProviderCommand, ProviderHandle};

use self::ad::Ad;
use self::buyers::Buyers;
use self::finished::Finished;
use self::queue::Accepted;
use self::settings::Settings;
use self::slot::{Running, Slot};
use self::subscriptions::Asked;
use self::till::Till;
use self::upkeep::Standing;
use self::voice::Voice;
use super::command::Leaving;
use super::event::{Failure, NodeEvent};
use super::ledger_watch::LedgerAlarm;
use super::options::Housing;
use super::outlet::Outlet;
use super::status::{Board, NodeState};
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::Policy;
use crate::domain::time::UnixMs;
use crate::identity::Identity;
use crate::inference::registry::Registry;
use crate::nip90::envelope::EnvelopeError;
use crate::relay::{RelayLink, SubscriptionName};
use crate::store::{JobRow, Store, StoreError};
use crate::wallet::Wallet;

/// Requests of the kinds we serve.
const REQUESTS: SubscriptionName = SubscriptionName("requests");
/// Deletions that may call a request off.
const CANCELLATIONS: SubscriptionName = SubscriptionName("cancellations");
/// How far before the last request seen we ask again after a pause: relays pass events on late.
const OVERLAP_SECS: u64 = 120;
/// How often the ad, the cursor and the counters are looked after.
const UPKEEP: Duration = Duration::from_secs(30);

/// What everything on the selling side needs.
pub struct Context {
    pub identity: Identity,
    pub me: Pubkey,
    pub store: Store,
    pub registry: Arc<Registry>,
    pub relays: Arc<dyn RelayLink>,
    /// `None`: only free jobs are taken.
    pub wallet: Option<Arc<dyn Wallet>>,
    /// Rung when the wallet has failed us: it is looked at.
    pub doubt: Arc<Notify>,
    pub outlet: Outlet,
    pub board: Board,
    pub clock: Clock,
    pub tasks: Tasks,
    /// Rung when the ledger has failed.
    pub alarm: LedgerAlarm,
    pub housing: Housing,
}

impl Context {
    /// Signs an event with our identity.
    fn sign(&self, builder: EventBuilder) -> Result<Event, WriteError> {
        Ok(builder.sign_with_keys(self.identity.nostr_keys())?)
    }

    /// The time by the relays' clocks, where they say that ours is off.
    fn relays_time(&self) -> UnixMs {
        let now = self.clock.now();
        self.board.now().trouble.clock.map_or(now, |skew| skew.right(now))
    }

    fn is_skewed(&self) -> bool {
        self.board.now().trouble.clock.is_some()
    }

    /// Reports a ledger that failed. From then on nothing new is begun.
    fn ledger_fault(&self, doing: &str, error: &StoreError) {
        self.alarm.ring(doing, error);
    }

    /// Tells everybody how a job stands now, as the ledger has it.
    fn tell_job(&self, job: JobRow) {
        self.outlet.tell(NodeEvent::JobChanged { job: Box::new(job) });
    }
}

/// An event of ours that could not be made.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("it could not be signed: {0}")]
    Sign(#[from] nostr::event::builder::Error),
}

/// The deciding task's state.
struct Provider {
    context: Arc<Context>,
    settings: Settings,
    voice: Voice,
    ad: Ad,
    buyers: Buyers,
    /// Served for free: our own test jobs.
    guests: HashSet<Pubkey>,
    till: Till,
    /// Taking new requests.
    open: bool,
    /// When the relays were last asked for them.
    asked: Option<Asked>,
    waiting: queue::Queue,
    /// Commits of claims under way: they count as waiting.
    claiming: usize,
    running: HashMap<JobId, Running>,
    /// Dropped by a hurried Go Offline; taken up at the next Go Online.
    parked: Vec<Accepted>,
    work: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// Slots given back.
    slots: (mpsc::UnboundedSender<JobId>, mpsc::UnboundedReceiver<JobId>),
    /// Answered when the last job has left.
    leaving: Vec<oneshot::Sender<Left>>,
}

/// Starts the provider's task, resuming what an earlier run left. It takes no new jobs until asked to go online.
pub fn spawn(context: Arc<Context>, config: Arc<Config>) -> ProviderHandle {
    let (commands, asked) = mpsc::channel(16);
    let (events, arriving) = mpsc::channel(256);
    let tasks = context.tasks.clone();
    let voice = Voice::spawn(&context);
    let ad = Ad::spawn(&context);
    let provider = Provider {
        settings: Settings::new(config),
        voice,
        ad,
        buyers: Buyers::default(),
        guests: HashSet::new(),
        till: Till::default(),
        open: false,
        asked: None,
        waiting: queue::Queue::default(),
        claiming: 0,
        running: HashMap::new(),
        parked: Vec::new(),
        work: FuturesUnordered::new(),
        slots: mpsc::unbounded_channel(),
        leaving: Vec::new(),
        context,
    };
    tasks.spawn("provider", provider.run(asked, arriving));
    ProviderHandle::new(commands, events)
}

impl Provider {
    async fn run(mut self, mut asked: mpsc::Receiver<ProviderCommand>, mut arriving: mpsc::Receiver<Box<Event>>) {
        // A node that is there for one command leaves jobs to the next one: it would drop them in a moment.
        let sells = self.context.housing.may_sell();
        if sells {
            self.resume().await;
        }
        let token = self.context.tasks.token().clone();
        let mut models = self.context.registry.watch();
        let mut upkeep = tokio::time::interval(UPKEEP);
        let mut standing = Standing::new(&self.context.board);
        let mut money = self.context.wallet.as_ref().filter(|_| sells).map(|wallet| wallet.events());
        loop {
            let due = self.till.next_due(self.context.clock.now());
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                Some(command) = asked.recv() => self.obey(command).await,
                Some(id) = self.slots.1.recv() => self.finished(Finished::Ran(id)).await,
                Some(finished) = self.work.next() => self.finished(finished).await,
                Ok(()) = models.changed() => self.models_changed(),
                () = standing.changed() => {
                    self.show_models();
                    self.ask_by_the_right_clock().await;
                }
                said = till::next(&mut money) => self.wallet_said(said),
                () = till::wait(due) => self.sweep(),
                _ = upkeep.tick(), if sells => self.upkeep().await,
                Some(event) = arriving.recv() => self.arrived(*event),
            }
            self.fill();
            self.show_load();
        }
        // Runs are dropped: their streams close, the backend stops, and the ledger resumes them at the next start.
        self.running.values().for_each(|run| run.cancel.cancel());
    }

    async fn obey(&mut self, command: ProviderCommand) {
        match command {
            ProviderCommand::GoOnline(reply) => {
                let result = self.go_online().await;
                let _ = reply.send(result);
            }
            ProviderCommand::GoOffline(how, reply) => {
                self.go_offline(how).await;
                self.leaving.push(reply);
                self.leave_if_done();
            }
            ProviderCommand::Cancel(id, reply) => {
                let _ = reply.send(self.cancel(id, "The operator called the job off.").await);
            }
            ProviderCommand::Welcome(guest) => drop(self.guests.insert(guest)),
            ProviderCommand::Farewell(guest) => drop(self.guests.remove(&guest)),
            ProviderCommand::Reload(config) => {
                self.settings.reload(config);
                self.upkeep().await;
            }
        }
    }

    async fn go_online(&mut self) -> Result<(), Failure> {
        if !self.context.housing.may_sell() {
            let failure = Failure::user("This node is there for one command, such as `pylon wallet`, and takes no jobs.");
            return Err(failure.hint("Start one when that is done: `pylon start --online`."));
        }
        self.settings.check_pending(self.context.wallet.as_deref())?;
        self.settings.apply_pending();
        let policy = self.settings.policy();
        self.context.board.update(|status| status.policy = policy);
        self.stay();
        // Requests that wait on the relays would be refused for want of a model that is only not known yet.
        self.context.registry.first_round().await;
        if !self.open {
            self.open = true;
            self.parked.drain(..).for_each(|job| self.waiting.push(job));
            let now = self.context.clock.now();
            self.context.board.update(|status| {
                status.state = NodeState::Connecting;
                status.online_since = Some(now);
            });
        }
        self.ask().await?;
        self.upkeep().await;
        Ok(())
    }

    async fn go_offline(&mut self, how: Leaving) {
        if self.open {
            self.open = false;
            self.context.relays.unsubscribe(REQUESTS).await;
            self.context.relays.unsubscribe(CANCELLATIONS).await;
            self.ad.withdraw().await;
            self.context.board.update(|status| {
                status.state = NodeState::Draining;
                status.online_since = None;
            });
        }
        if how == Leaving::Now {
            // The ledger keeps them as they are; whoever comes first, the next Go Online or the next start, takes them up.
            self.parked.extend(self.running.values().map(|run| run.job.clone()));
            self.running.values().for_each(|run| run.cancel.cancel());
            self.parked.extend(std::iter::from_fn(|| self.waiting.pop()));
        }
    }

    /// Answers whoever waits for the last job, once there is none.
    fn leave_if_done(&mut self) {
        // What waits for a ledger that cannot be written is taken up by the next start.
        let waits = !self.waiting.is_empty() && self.can_begin();
        if self.open || !self.running.is_empty() || self.claiming > 0 || waits {
            return;
        }
        self.context.board.update(|status| {
            if status.state == NodeState::Draining {
                status.state = NodeState::Offline;
            }
        });
        self.tell_leaving(Left::Over);
    }

    /// Whoever waits for the last job waits for nothing: more of them come.
    fn stay(&mut self) {
        self.tell_leaving(Left::CalledOff);
    }

    fn tell_leaving(&mut self, left: Left) {
        for reply in self.leaving.drain(..) {
            let _ = reply.send(left);
        }
    }

    async fn finished(&mut self, finished: Finished) {
        match finished {
            Finished::Claimed(claimed) => {
                self.claiming = self.claiming.saturating_sub(1);
                match claimed {
                    Some(accepted) if accepted.deal.policy == Policy::PayFirst => self.quote(*accepted),
                    Some(accepted) => self.waiting.push(*accepted),
                    None => {}
                }
            }
            Finished::Ran(id) => {
                self.running.remove(&id);
            }
            Finished::CalledOff(id) => {
                if let Err(failure) = self.cancel(id, "The buyer deleted the request.").await {
                    tracing::info!("{}", failure.message);
                }
            }
            Finished::Quoted(job, quote) => self.till.quoted(job, quote),
            Finished::Paid(row) => self.paid(*row),
            Finished::Heard(paid) => self.heard(paid),
            Finished::Unheard => self.till.look_again(),
            Finished::Reconciled { paid, complete } => self.reconciled(paid, complete),
            Finished::ToRun(accepted) => self.waiting.push(*accepted),
            Finished::Nothing => {}
        }
        self.leave_if_done();
    }

    fn models_changed(&self) {
        let backends = self.context.registry.health();
        self.context.outlet.tell(NodeEvent::Models { backends });
        self.show_models();
    }

    /// Starts as many waiting jobs as there are free slots.
    fn fill(&mut self) {
        while self.running.len() < self.settings.max_in_flight() && self.can_begin() {
            let Some(accepted) = self.waiting.pop() else { return };
            let id = accepted.request.id;
            let cancel = CancellationToken::new();
            self.running.insert(id, Running { cancel: cancel.clone(), job: accepted.clone() });
            let run = runner::Run::new(Arc::clone(&self.context), self.voice.clone(), self.settings.limits(), accepted, cancel);
            let slot = Slot { id, done: self.slots.0.clone() };
            self.context.tasks.spawn("job", async move {
                run.run().await;
                drop(slot);
            });
        }
    }

    /// Calls a job off, unless its answer is stored already.
    async fn cancel(&mut self, id: JobId, reason: &str) -> Result<(), Failure> {
        let now = self.context.clock.now();
        let row = self.context.store.cancel(id, reason.to_owned(), now).await;
        let row = row.map_err(|error| Failure::user(format!("The job {} cannot be called off: {error}.", id.short())))?;
        self.waiting.remove(id);
        self.till.forget(id);
        self.parked.retain(|job| job.request.id != id);
        if let Some(run) = self.running.get(&id) {
            run.cancel.cancel();
        }
        self.context.tell_job(row);
        self.leave_if_done();
        Ok(())
    }
}
