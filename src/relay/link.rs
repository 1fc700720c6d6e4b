//! The adapter: [`RelayLink`] on a nostr-sdk client.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt as _, StreamExt as _};
use nostr::message::MachineReadablePrefix;
use nostr::{ClientMessage, Event, Filter, Keys, SubscriptionId};
use nostr_sdk::pool::relay::Error as PoolError;
use nostr_sdk::{Client, ClientOptions, Relay, RelayOptions};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health::HealthBoard;
use super::screen::Screen;
use super::subscriptions::Subscriptions;
use super::transport::ScreeningTransport;
use super::watcher::Watcher;
use super::{RelayError, RelayLink, RelayNews, SubscriptionName, nip11, targets};
use crate::clock::Clock;
use crate::domain::relay::{Published, RelayHealth, RelayState};
use crate::domain::time::Pace;

/// News that may wait before the sockets wait with them.
const BACKLOG: usize = 1024;
/// Connections at a time to relays that buyers named.
const MAX_DOORS: usize = 8;
/// How long a relay named by a buyer gets to connect.
const CONNECT_EXTRA: Duration = Duration::from_secs(5);

/// What a link is made of.
pub struct LinkOptions {
    pub urls: Vec<String>,
    pub max_event_bytes: usize,
    /// Answers relays that ask who we are (NIP-42).
    pub keys: Keys,
    /// Reads the relays' own documents.
    pub client: reqwest::Client,
    /// The first pause before connecting again; it grows, and no two relays pause alike.
    pub retry: Duration,
    pub clock: Clock,
    /// How often the relays' clocks are held against ours; in doubt when they disagree.
    pub look: Pace,
}

/// Often enough for a clock that drifts, and for one that somebody sets.
pub const LOOK_AT_CLOCKS: Pace = Pace::secs(600, 30);

impl LinkOptions {
    /// With the usual pauses and clock.
    pub fn new(urls: Vec<String>, max_event_bytes: usize, keys: Keys, client: reqwest::Client) -> Self {
        let (retry, clock) = (Duration::from_secs(2), Clock::default());
        Self { urls, max_event_bytes, keys, client, retry, clock, look: LOOK_AT_CLOCKS }
    }
}

/// The relays over nostr-sdk.
pub struct NostrRelays {
    client: Client,
    /// Connections to relays that buyers named.
    doors: Arc<Semaphore>,
    http: reqwest::Client,
    retry: Duration,
    clock: Clock,
    look: Pace,
    health: Arc<HealthBoard>,
    subscriptions: Arc<Subscriptions>,
    screen: Arc<Screen>,
    news: mpsc::Sender<RelayNews>,
    tracker: TaskTracker,
    /// Ends every relay's task; one below ends one relay's.
    token: CancellationToken,
    relays: Mutex<Vec<Connected>>,
}

/// A relay in use.
struct Connected {
    name: String,
    relay: Relay,
    token: CancellationToken,
}

impl NostrRelays {
    /// A link that is not connected yet, and the channel its news arrive on.
    pub fn new(options: LinkOptions) -> Result<(Self, mpsc::Receiver<RelayNews>), RelayError> {
        let names = names(&options.urls)?;
        let (news, receiver) = mpsc::channel(BACKLOG);
        let health = Arc::new(HealthBoard::new(news.clone(), options.clock.clone()));
        health.set(&names);
        let subscriptions = Arc::new(Subscriptions::default());
        let screen = Arc::new(Screen::new(options.max_event_bytes));
        let transport = ScreeningTransport {
            screen: Arc::clone(&screen),
            health: Arc::clone(&health),
            subscriptions: Arc::clone(&subscriptions),
            news: news.clone(),
        };
        let client = Client::builder().signer(options.keys).websocket_transport(transport).opts(ClientOptions::new()).build();
        let link = Self {
            client,
            doors: Arc::new(Semaphore::new(MAX_DOORS)),
            http: options.client,
            retry: options.retry,
            clock: options.clock,
            look: options.look,
            health,
            subscriptions,
            screen,
            news,
            tracker: TaskTracker::new(),
            token: CancellationToken::new(),
            relays: Mutex::default(),
        };
        Ok((link, receiver))
    }

    /// Adds what is new, lets go of what is gone.
    async fn use_relays(&self, names: &[String]) -> Result<(), RelayError> {
        self.health.set(names);
        let gone: Vec<Connected> = self.lock().extract_if(.., |connected| !names.contains(&connected.name)).collect();
        for connected in gone {
            connected.token.cancel();
            connected.relay.disconnect();
            let _ = self.client.force_remove_relay(connected.relay.url()).await;
        }
        for name in names {
            if self.lock().iter().any(|connected| connected.name == *name) {
                continue;
            }
            let relay = self.add(name).await?;
            let token = self.token.child_token();
            let watcher = Watcher {
                name: name.clone(),
                relay: relay.clone(),
                health: Arc::clone(&self.health),
                subscriptions: Arc::clone(&self.subscriptions),
                news: self.news.clone(),
                http: self.http.clone(),
                clock: self.clock.clone(),
                look: self.look,
            };
            // Listening first: a change of state that nobody hears is lost.
            let notifications = relay.notifications();
            let ended = token.clone();
            self.tracker.spawn(async move {
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = watcher.run(notifications) => {}
                }
            });
            self.health.state(name, RelayState::Connecting);
            relay.connect();
            self.lock().push(Connected { name: name.clone(), relay, token });
        }
        Ok(())
    }

    async fn add(&self, name: &str) -> Result<Relay, RelayError> {
        let failed = |error: String| RelayError::Pool(error);
        let options = RelayOptions::new().retry_interval(self.retry);
        self.client.pool().add_relay(name, options).await.map_err(|error| failed(error.to_string()))?;
        self.client.relay(name).await.map_err(|error| failed(error.to_string()))
    }

    fn in_use(&self) -> Vec<(String, Relay)> {
        self.lock().iter().map(|connected| (connected.name.clone(), connected.relay.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connected>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NostrRelays {
    /// A link that is let go without [`RelayLink::close`], by a task that was cancelled, leaves no task behind either.
    fn drop(&mut self) {
        self.token.cancel();
    }
}

/// The addresses as names, or which one is none.
fn names(urls: &[String]) -> Result<Vec<String>, RelayError> {
    urls.iter().map(|url| super::address(url)).collect()
}

impl RelayLink for NostrRelays {
    fn connect(&self) -> BoxFuture<'_, ()> {
        async {
            let names: Vec<String> = self.health.all().into_iter().map(|relay| relay.url).collect();
            // The addresses were checked when the link was made.
            if let Err(error) = self.use_relays(&names).await {
                tracing::error!("A relay could not be added: {error}.");
            }
        }
        .boxed()
    }

    fn set_relays(&self, urls: Vec<String>) -> BoxFuture<'_, Result<(), RelayError>> {
        async move { self.use_relays(&names(&urls)?).await }.boxed()
    }

    fn publish(&self, event: Event, extra: Vec<String>) -> BoxStream<'static, Published> {
        let outcomes: FuturesUnordered<BoxFuture<'static, Published>> = FuturesUnordered::new();
        let relays = self.in_use();
        let extra = targets::allowed(&extra).into_iter().filter(|url| !relays.iter().any(|(name, _)| name == url));
        for url in extra.collect::<Vec<_>>() {
            outcomes.push(send_once(url, Arc::clone(&self.doors), event.clone()).boxed());
        }
        for (name, relay) in relays {
            outcomes.push(send(name, relay, Arc::clone(&self.health), event.clone()).boxed());
        }
        outcomes.boxed()
    }

    fn subscribe(&self, name: SubscriptionName, filter: Filter) -> BoxFuture<'_, Result<(), RelayError>> {
        async move {
            self.subscriptions.put(name, filter.clone());
            for (_, relay) in self.in_use().into_iter().filter(|(_, relay)| relay.is_connected()) {
                // One that is lost in this moment is asked when it is back.
                let _ = relay.send_msg(ClientMessage::req(SubscriptionId::new(name.0), vec![filter.clone()]));
            }
            Ok(())
        }
        .boxed()
    }

    fn unsubscribe(&self, name: SubscriptionName) -> BoxFuture<'_, ()> {
        async move {
            if !self.subscriptions.remove(name) {
                return;
            }
            for (_, relay) in self.in_use().into_iter().filter(|(_, relay)| relay.is_connected()) {
                let _ = relay.send_msg(ClientMessage::close(SubscriptionId::new(name.0)));
            }
        }
        .boxed()
    }

    fn move_since(&self, name: SubscriptionName, since_secs: u64) -> BoxFuture<'_, ()> {
        self.subscriptions.move_since(name, since_secs);
        std::future::ready(()).boxed()
    }

    fn forget(&self, event: &Event) {
        self.screen.forget(event);
    }

    fn set_max_event_bytes(&self, bytes: usize) {
        self.screen.set_max_event_bytes(bytes);
    }

    fn health(&self) -> Vec<RelayHealth> {
        // Nothing sent, nothing measured: then the pool's pings tell.
        let pinged = |name: &str| self.lock().iter().find(|one| one.name == name).and_then(|one| one.relay.stats().latency());
        let ms = |time: Duration| u64::try_from(time.as_millis()).ok();
        let measured = |relay: RelayHealth| RelayHealth { latency_ms: relay.latency_ms.or_else(|| ms(pinged(&relay.url)?)), ..relay };
        self.health.all().into_iter().map(measured).collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            self.token.cancel();
            self.client.shutdown().await;
            self.tracker.close();
            self.tracker.wait().await;
        }
        .boxed()
    }
}

/// Sends to one of our relays and says how it was taken.
async fn send(name: String, relay: Relay, health: Arc<HealthBoard>, event: Event) -> Published {
    if !relay.is_connected() {
        return Published { relay: name, outcome: Err("not connected".to_owned()) };
    }
    if let Some(words) = health.of(&name).and_then(|health| nip11::objection(health.limits.as_ref()?, &event)) {
        health.withheld(&name, &words);
        return Published { relay: name, outcome: Err(words) };
    }
    let begun = Instant::now();
    let outcome = hand_over(&relay, &event).await;
    let latency = u64::try_from(begun.elapsed().as_millis()).ok();
    let published = Published { relay: name, outcome };
    health.published(&published, latency);
    published
}

async fn hand_over(relay: &Relay, event: &Event) -> Result<(), String> {
    if event.kind.is_ephemeral() {
        // Some relays never answer these.
        return relay.send_msg(ClientMessage::event(event.clone())).map_err(|error| words(&error));
    }
    match relay.send_event(event).await {
        Ok(_) => Ok(()),
        Err(error) => match &error {
            // It has the event: that is what we wanted.
            PoolError::RelayMessage(said) if MachineReadablePrefix::parse(said) == Some(MachineReadablePrefix::Duplicate) => Ok(()),
            _ => Err(words(&error)),
        },
    }
}

/// The relay's own words, or ours when it said nothing.
fn words(error: &PoolError) -> String {
    match error {
        PoolError::RelayMessage(said) => super::health::clean(said),
        PoolError::Timeout => "no answer within 10 s".to_owned(),
        PoolError::NotConnected => "not connected".to_owned(),
        error => super::health::clean(&error.to_string()),
    }
}

/// Sends to a relay a buyer named, over a connection of its own that ends with it. A relay a stranger chose does not
/// learn who we are: without keys there is no login.
async fn send_once(url: String, doors: Arc<Semaphore>, event: Event) -> Published {
    let Ok(_door) = doors.try_acquire() else {
        return Published { relay: url, outcome: Err("not sent: too many relays of buyers at once".to_owned()) };
    };
    let client = Client::builder().build();
    let attempt = async {
        let options = RelayOptions::new().reconnect(false);
        client.pool().add_relay(url.as_str(), options).await.map_err(|error| error.to_string())?;
        let relay = client.relay(url.as_str()).await.map_err(|error| error.to_string())?;
        relay.try_connect(CONNECT_EXTRA).await.map_err(|error| words(&error))?;
        hand_over(&relay, &event).await
    };
    let outcome = attempt.await;
    client.shutdown().await;
    Published { relay: url, outcome }
}
