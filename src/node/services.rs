//! Everything a started node owns, brought up in order and taken down in reverse.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::cashier::{Cashier, limits};
use super::command::Leaving;
use super::consumer::{self, ConsumerCommand, ConsumerHandle, Purse};
use super::directory::{Directory, PROFILE};
use super::event::{Failure, NodeEvent, sentence};
use super::ledger_watch::LedgerAlarm;
use super::options::{Market, NodeOptions};
use super::outlet::Outlet;
use super::pin_desk::{PinDesk, Running};
use super::provider::{self, Context, Left, ProviderCommand, ProviderHandle};
use super::purse;
use super::relay_list::{Publisher, RelayList};
use super::robot_buyer::RobotBuyer;
use super::robot_seller::{self, RobotSeller};
use super::status::Board;
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::ids::Pubkey;
use crate::domain::spend_lock::Spending;
use crate::identity::Identity;
use crate::inference::Inference;
use crate::inference::ollama::Ollama;
use crate::inference::openai::OpenAi;
use crate::inference::registry::Registry;
use crate::nip90::{FEEDBACK, RESULTS};
use crate::relay::{LinkOptions, NostrRelays, RelayLink, RelayNews};
use crate::store::{Store, StoreOptions};
use crate::wallet::Wallet;
use crate::wallet::guard::Guard;
use crate::wallet::lightning_address::Reach;
use crate::wallet::pin::SpendingPin;

/// How long the provider gets to take its ad down, and then tasks to end, when the node stops.
const LEAVE: Duration = Duration::from_secs(3);
/// Payments whose end the buying side may not have heard of yet.
const BELLS: usize = 64;

/// A started node's parts.
pub struct Services {
    pub store: Store,
    pub registry: Arc<Registry>,
    pub relays: Arc<dyn RelayLink>,
    pub provider: ProviderHandle,
    pub consumer: ConsumerHandle,
    pub config: Arc<Config>,
    /// `None`: there is no wallet.
    pub cashier: Option<Cashier>,
    pub identity: Identity,
    relay_list: RelayList,
    tasks: Tasks,
    /// The robots, while they trade.
    robot_buyer: Option<CancellationToken>,
    robot_seller: Option<RobotSeller>,
    /// Closed once the robot seller that was stopped last has let go of its directory.
    seller_leaving: Option<oneshot::Receiver<()>>,
    /// Where robots keep what is theirs.
    data_dir: PathBuf,
    /// The wallet we opened, to be closed by us.
    wallet: Option<Arc<dyn Wallet>>,
}

/// What a failed ledger means to services: how long it is left alone, and who is told that it works again.
pub struct Healing {
    pub pause: Duration,
    pub healed: mpsc::Sender<()>,
}

impl Services {
    /// Brings a node up, offline, in a directory that is ours. What was begun is undone if a later step fails.
    pub async fn start(
        options: &NodeOptions,
        identity: Identity,
        config: Arc<Config>,
        outlet: &Outlet,
        board: &Board,
        healing: Healing,
    ) -> Result<Self, Failure> {
        crate::net::init();
        let paths = &options.paths;
        let opening = StoreOptions { observer: options.observer.clone(), fault: options.disk.clone() };
        let store = Store::open(&paths.ledger, opening).map_err(|error| Failure::user(sentence(&error)))?;
        let tasks = Tasks::new(outlet.clone());
        let spending = begin_spending(&store, &config, &options.clock).await?;
        board.update(|status| status.spending = Some(spending));
        let (relays, news) = link(&config, &identity, options)?;
        let directory = Arc::new(directory(options, &relays)?);
        // The first that runs by itself.
        let registry = registry(&config, options, &tasks)?;
        let wallet = match purse::open(&config, options, outlet).await {
            Ok(wallet) => wallet,
            Err(failure) => {
                tasks.end(LEAVE).await;
                relays.close().await;
                return Err(failure);
            }
        };
        let (bell, bells) = mpsc::channel(BELLS);
        let doubt = Arc::new(Notify::new());
        let alarm = LedgerAlarm::new(board.clone(), outlet.clone(), tasks.token().clone());
        let cashier = wallet.clone().map(|wallet| Cashier {
            guard: Guard::new(Arc::clone(&wallet), store.clone(), limits(&config.limits), options.clock.clone()),
            wallet,
            store: store.clone(),
            directory: Arc::clone(&directory),
            outlet: outlet.clone(),
            board: board.clone(),
            clock: options.clock.clone(),
            bell: bell.clone(),
            alarm: alarm.clone(),
            doubt: Arc::clone(&doubt),
            pace: options.paces.wallet,
        });
        let buying = consumer::Context {
            identity: identity.clone(),
            me: identity.pubkey(),
            store: store.clone(),
            relays: Arc::clone(&relays),
            purse: cashier.as_ref().map(|cashier| Purse { guard: cashier.guard.clone(), wallet: Arc::clone(&cashier.wallet) }),
            alarm: alarm.clone(),
            outlet: outlet.clone(),
            clock: options.clock.clone(),
            tasks: tasks.clone(),
            housing: options.housing,
        };
        if let Some(cashier) = &cashier {
            cashier.guard.set_pin_above(config.limits.pin_above_sats);
        }
        let context = Context {
            me: Pubkey(identity.nostr_keys().public_key().to_bytes()),
            identity: identity.clone(),
            store: store.clone(),
            registry: Arc::clone(&registry),
            relays: Arc::clone(&relays),
            wallet: wallet.clone(),
            doubt,
            outlet: outlet.clone(),
            board: board.clone(),
            clock: options.clock.clone(),
            tasks: tasks.clone(),
            alarm: alarm.clone(),
            housing: options.housing,
        };
        relays.connect().await;
        let provider = provider::spawn(Arc::new(context), Arc::clone(&config));
        let consumer = consumer::spawn(buying, Arc::clone(&config), (bell, bells));
        let post = Post { provider: provider.clone(), consumer: consumer.clone(), directory, relays: Arc::clone(&relays) };
        let publisher =
            Publisher { identity: identity.clone(), relays: Arc::clone(&relays), board: board.clone(), clock: options.clock.clone() };
        let relay_list = RelayList::spawn(publisher, &config, options.market, &tasks);
        tasks.spawn("relay news", post.pass(news, outlet.clone(), board.clone(), tasks.token().clone()));
        if let Some(cashier) = &cashier {
            cashier.open(&tasks);
        }
        tasks.spawn("status", herald(board.clone(), outlet.clone(), tasks.clone()));
        let (token, watching) = (tasks.token().clone(), alarm.watch(store.clone(), healing.pause, healing.healed));
        tasks.spawn("ledger watch", async move {
            token.run_until_cancelled(watching).await;
        });
        Ok(Self {
            store,
            registry,
            relays,
            provider,
            consumer,
            config,
            identity,
            cashier,
            relay_list,
            tasks,
            robot_buyer: None,
            robot_seller: None,
            seller_leaving: None,
            data_dir: paths.data_dir.clone(),
            wallet: wallet.filter(|_| options.wallet.is_none()),
        })
    }

    /// The lock on spending, for whoever asks.
    pub fn pin_desk(&self, board: &Board, outlet: &Outlet, clock: &Clock) -> PinDesk {
        let running = Some(Running { board: board.clone(), tasks: self.tasks.clone() });
        PinDesk { pin: SpendingPin::new(self.store.clone(), clock.clone()), outlet: outlet.clone(), running }
    }

    /// Cancelled when the node stops.
    pub fn token(&self) -> &CancellationToken {
        self.tasks.token()
    }

    /// Lets the robot buyer buy, if it does not already.
    pub fn start_robot_buyer(&mut self, clock: &Clock, board: &Board, outlet: &Outlet) {
        let buyer = RobotBuyer {
            relays: Arc::clone(&self.relays),
            provider: self.identity.pubkey(),
            patience: Duration::from_secs(self.config.provider.job_timeout_secs),
            purse: self.data_dir.join("robot"),
            clock: clock.clone(),
            board: board.clone(),
            outlet: outlet.clone(),
        };
        self.robot_buyer.get_or_insert_with(|| buyer.begin(&self.tasks));
        board.update(|status| status.robot_buyer = true);
    }

    /// Stops the robot buyer, if it buys.
    pub fn stop_robot_buyer(&mut self, board: &Board) {
        if let Some(robot) = self.robot_buyer.take() {
            robot.cancel();
        }
        board.update(|status| status.robot_buyer = false);
    }

    /// Lets the robot seller sell, if it does not already.
    pub fn start_robot_seller(&mut self, clock: &Clock, board: &Board, outlet: &Outlet) -> Result<(), Failure> {
        if self.robot_seller.is_none() {
            let relay = self.config.relays.urls.first().ok_or_else(|| Failure::user("There is no relay to sell over."))?;
            let (dir, before) = (self.data_dir.join("seller"), self.seller_leaving.take());
            self.robot_seller = Some(robot_seller::begin(&dir, relay, clock, outlet, &self.tasks, before)?);
        }
        board.update(|status| status.robot_seller = true);
        Ok(())
    }

    /// Stops the robot seller, if it sells.
    pub fn stop_robot_seller(&mut self, board: &Board) {
        if let Some(robot) = self.robot_seller.take() {
            self.seller_leaving = Some(robot.stop());
        }
        board.update(|status| status.robot_seller = false);
    }

    /// Ends intake; the receiver hears when the last job has left.
    pub async fn go_offline(&self, how: Leaving) -> oneshot::Receiver<Left> {
        let (reply, left) = oneshot::channel();
        // A provider that is gone drops the reply, which ends the wait as well.
        self.provider.ask(ProviderCommand::GoOffline(how, reply)).await;
        left
    }

    /// Goes offline at once, as far as that is done in a moment. Jobs that are not finished stay in the ledger.
    pub async fn leave(&self) {
        let _ = tokio::time::timeout(LEAVE, self.go_offline(Leaving::Now).await).await;
    }

    /// Takes everything down.
    pub async fn end(self) {
        if !self.tasks.end(LEAVE).await {
            tracing::warn!("Some tasks did not end within {} s and were left.", LEAVE.as_secs());
        }
        if let Some(wallet) = &self.wallet {
            wallet.close().await;
        }
        self.relays.close().await;
        if let Err(error) = self.store.close().await {
            tracing::error!("The ledger did not close cleanly: {error}. Nothing that was acknowledged is lost.");
        }
    }

    /// Applies what of a changed config can apply at once.
    pub async fn reload(&mut self, config: Config, options: &NodeOptions) -> Result<(), Failure> {
        let config = Arc::new(config);
        self.registry.set_backends(backends(&config, options)?);
        self.registry.set_probe_every(Duration::from_secs(config.backends.probe_secs));
        self.relays.set_relays(config.relays.urls.clone()).await.map_err(|error| Failure::usage(sentence(&error)))?;
        self.relays.set_max_event_bytes(config.relays.max_event_bytes);
        self.relay_list.set(&config, options.market);
        if let Some(cashier) = &self.cashier {
            cashier.guard.set_limits(limits(&config.limits));
            cashier.guard.set_pin_above(config.limits.pin_above_sats);
        }
        self.provider.ask(ProviderCommand::Reload(Arc::clone(&config))).await;
        self.consumer.tell(ConsumerCommand::Reload(Arc::clone(&config))).await;
        self.config = config;
        Ok(())
    }
}

/// The lock as it stands when a node begins: never open for a while, and shut where the config wants that.
async fn begin_spending(store: &Store, config: &Config, clock: &Clock) -> Result<Spending, Failure> {
    let pin = SpendingPin::new(store.clone(), clock.clone());
    let begun = if config.limits.lock_at_start { pin.lock().await } else { pin.begin().await };
    begun.map_err(|error| Failure::user(sentence(&error)))
}

fn registry(config: &Config, options: &NodeOptions, tasks: &Tasks) -> Result<Arc<Registry>, Failure> {
    let registry = Registry::new(backends(config, options)?, Duration::from_secs(config.backends.probe_secs), options.clock.clone());
    let probing = registry.start(tasks.token().clone());
    tasks.spawn("backend probes", async move {
        if let Err(error) = probing.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    });
    Ok(registry)
}

/// The configured backends, then the extra ones.
pub fn backends(config: &Config, options: &NodeOptions) -> Result<Vec<Arc<dyn Inference>>, Failure> {
    let client = crate::net::http_client().map_err(|error| Failure::internal(format!("No HTTP client could be made: {error}.")))?;
    let mut backends: Vec<Arc<dyn Inference>> = vec![Arc::new(Ollama::new("ollama", &config.backends.ollama.url, client.clone()))];
    for server in &config.backends.openai {
        let key = server.api_key_env.as_deref().and_then(|name| options.environment.secret(name));
        backends.push(Arc::new(OpenAi::new(&server.name, &server.url, key, client.clone())));
    }
    backends.extend(options.extra_backends.iter().cloned());
    Ok(backends)
}

fn link(config: &Config, identity: &Identity, node: &NodeOptions) -> Result<(Arc<dyn RelayLink>, mpsc::Receiver<RelayNews>), Failure> {
    let client = crate::net::http_client().map_err(|error| Failure::internal(format!("No HTTP client could be made: {error}.")))?;
    let options = LinkOptions::new(config.relays.urls.clone(), config.relays.max_event_bytes, identity.nostr_keys().clone(), client);
    let options = LinkOptions { clock: node.clock.clone(), look: node.paces.clock, ..options };
    let (link, news) =
        NostrRelays::new(options).map_err(|error| Failure::usage(sentence(&error)).hint("Check relays.urls in the config."))?;
    Ok((Arc::new(link), news))
}

/// Finds where buyers take money. In the practice market that may be this machine.
fn directory(options: &NodeOptions, relays: &Arc<dyn RelayLink>) -> Result<Directory, Failure> {
    let client = crate::net::http_client().map_err(|error| Failure::internal(format!("No HTTP client could be made: {error}.")))?;
    let reach = if options.market == Market::Practice { Reach::ThisMachine } else { Reach::Public };
    Ok(Directory::new(Arc::clone(relays), client, reach))
}

/// Who wants the relays' news.
struct Post {
    provider: ProviderHandle,
    consumer: ConsumerHandle,
    directory: Arc<Directory>,
    relays: Arc<dyn RelayLink>,
}

impl Post {
    /// Carries news to whom they concern. Waits when the provider is busy, and the sockets wait with it.
    async fn pass(self, mut news: mpsc::Receiver<RelayNews>, outlet: Outlet, board: Board, token: CancellationToken) {
        while let Some(Some(item)) = token.run_until_cancelled(news.recv()).await {
            match item {
                RelayNews::Event { event, .. } => match event.kind.as_u16() {
                    kind if kind == FEEDBACK || RESULTS.contains(&kind) => self.consumer.take(event).await,
                    0 => self.directory.heard(event),
                    _ => self.provider.take(event).await,
                },
                RelayNews::EndOfStored { relay, subscription: PROFILE } => self.directory.heard_all(relay),
                RelayNews::EndOfStored { .. } => {}
                RelayNews::Health(relay) => {
                    board.count_relays(&self.relays.health());
                    outlet.tell(NodeEvent::Relay { relay });
                }
            }
        }
    }
}

/// Tells everybody when the status changes. Changes that come together are told once.
async fn herald(board: Board, outlet: Outlet, tasks: Tasks) {
    let mut changes = board.watch();
    loop {
        tokio::select! {
            () = tasks.token().cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
        let status = Box::new(changes.borrow_and_update().clone());
        outlet.tell(NodeEvent::Status { status });
    }
}

/// How the status of a node with these options begins.
pub fn blank_status(options: &NodeOptions) -> super::status::NodeStatus {
    super::status::NodeStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        practice: options.market == Market::Practice,
        housing: options.housing,
        data_dir: options.paths.data_dir.display().to_string(),
        socket: options.paths.control_sock.display().to_string(),
        ..super::status::NodeStatus::default()
    }
}
