//! The NIP-89 ad: up while we take jobs, true to what would be run, gone the moment we stop.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::Event;
use tokio::sync::{mpsc, oneshot};

use super::Context;
use super::settings::Settings;
use crate::domain::ids::JobId;
use crate::domain::job::Policy;
use crate::domain::relay::RelayState;
use crate::domain::time::UnixMs;
use crate::nip90::ad::{self, AdDraft, AdPrice};
use crate::node::event::Scope;

/// How long an ad is valid. A node that dies without taking its ad down is gone from directories after this.
const VALID_MS: u64 = 3_600_000;
/// An ad is renewed when half of its time is over.
const RENEW_MS: u64 = VALID_MS / 2;

/// Versions of the ad that are named when it is withdrawn.
const VERSIONS: usize = 8;
/// Orders that may wait. One that finds no room is given again at the next look.
const BACKLOG: usize = 4;
/// Before an ad is said again that no relay has taken. Some relays take none in the second in which one was deleted.
const AGAIN: Duration = Duration::from_secs(2);
/// How long going offline waits for a relay to take the deletion.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to the task that keeps the ad. A task of its own, because publishing waits for relays, and the provider must
/// not: the relays may be waiting for the provider.
pub struct Ad {
    orders: mpsc::Sender<Order>,
}

enum Order {
    /// Let this be what the ad says.
    Say(Box<Saying>),
    Withdraw(oneshot::Sender<()>),
}

impl Ad {
    /// Starts the task.
    pub fn spawn(context: &Arc<Context>) -> Self {
        let (orders, ordered) = mpsc::channel(BACKLOG);
        let keeper = Keeper { context: Arc::clone(context), up: None, down_at: UnixMs(0), last: None };
        context.tasks.spawn("ad", keeper.run(ordered));
        Self { orders }
    }

    /// Lets the ad say what is so now. A provider that would run no model now has none: an ad is a promise.
    pub fn keep_up(&self, settings: &Settings, models: &[String]) {
        if models.is_empty() {
            return self.keep_down();
        }
        let _ = self.orders.try_send(Order::Say(Box::new(Saying::new(settings, models))));
    }

    /// No ad is wanted. Relays that have missed its end hear of it when they are back.
    pub fn keep_down(&self) {
        let _ = self.orders.try_send(Order::Withdraw(oneshot::channel().0));
    }

    /// Takes the ad down and waits until a relay knows, for a while.
    pub async fn withdraw(&self) {
        let (reply, done) = oneshot::channel();
        if self.orders.send(Order::Withdraw(reply)).await.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, done).await;
        }
    }
}

struct Keeper {
    context: Arc<Context>,
    up: Option<Up>,
    /// When the last one was taken down. What is not newer than that is deleted as well, by the second.
    down_at: UnixMs,
    /// What was published last, the ad or its end.
    last: Option<Last>,
}

struct Up {
    says: Saying,
    /// The ad's, and before it those of versions that a relay may still have that was away since.
    ids: Vec<JobId>,
    at: UnixMs,
    /// The date it carries.
    dated: UnixMs,
}

struct Last {
    event: Event,
    /// Relays that were not there to hear it.
    missed_by: BTreeSet<String>,
}

/// What the ad says, to tell whether it is still so.
#[derive(Debug, Clone, PartialEq)]
struct Saying {
    name: String,
    about: String,
    kinds: Vec<u16>,
    models: Vec<String>,
    price: AdPrice,
}

impl Saying {
    fn new(settings: &Settings, models: &[String]) -> Self {
        let config = settings.config();
        let price = match settings.policy() {
            Policy::Free => AdPrice::default(),
            Policy::PayFirst | Policy::ResultFirst => {
                AdPrice { min: config.provider.min_price, in_rate: config.provider.in_rate, out_rate: config.provider.out_rate }
            }
        };
        Self {
            name: config.node.name.clone(),
            about: config.node.about.clone(),
            kinds: settings.kinds().to_vec(),
            models: models.to_vec(),
            price,
        }
    }

    fn draft(&self, now: UnixMs) -> AdDraft<'_> {
        AdDraft {
            name: &self.name,
            about: &self.about,
            picture: None,
            kinds: &self.kinds,
            models: &self.models,
            price: self.price,
            created_at: now,
            expires_at: now.plus_ms(VALID_MS),
        }
    }
}

impl Keeper {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let token = self.context.tasks.token().clone();
        let mut untaken: Option<Box<Saying>> = None;
        loop {
            let order = tokio::select! {
                () = token.cancelled() => return,
                order = orders.recv() => order,
                () = tokio::time::sleep(AGAIN), if untaken.is_some() => {
                    // Once more, and then at the next look: a relay that does not want it is not to be pestered.
                    if let Some(says) = untaken.take() {
                        self.say(&says).await;
                    }
                    continue;
                }
            };
            untaken = None;
            match order {
                Some(Order::Say(says)) => {
                    if !self.say(&says).await {
                        untaken = Some(says);
                    }
                }
                Some(Order::Withdraw(reply)) => {
                    self.withdraw().await;
                    let _ = reply.send(());
                }
                None => return,
            }
        }
    }

    /// Publishes the ad if there is none, if what it says is no longer so, or if it is getting old. False when no relay
    /// took it.
    async fn say(&mut self, says: &Saying) -> bool {
        let now = self.context.clock.now();
        if self.up.as_ref().is_some_and(|up| up.says == *says && now.since(up.at) < RENEW_MS) {
            self.repeat().await;
            return true;
        }
        let dated = now.max(self.down_at.plus_ms(1_000));
        let event = match self.context.sign(ad::write(&says.draft(dated))) {
            Ok(event) => event,
            Err(error) => {
                let message = format!("The ad could not be written: {error}.");
                self.context.outlet.fault(Scope::Provider, message, "Check node.name and node.about.");
                return true;
            }
        };
        let id = JobId(event.id.to_bytes());
        let is_taken = self.publish(event).await;
        if is_taken {
            let mut ids = self.up.take().map(|up| up.ids).unwrap_or_default();
            ids.push(id);
            self.up = Some(Up { says: says.clone(), ids, at: now, dated });
            self.forget_versions();
        }
        is_taken
    }

    /// Takes the ad down, if one is up. While no relay hears of it, it is up.
    async fn withdraw(&mut self) {
        let Some(up) = &self.up else { return self.repeat().await };
        // By the relays' clock, as ours may be why it goes; and never before the ad, which would outlive its end.
        let dated = self.context.relays_time().max(up.dated);
        match self.context.sign(ad::delete(&self.context.me, &up.ids, dated)) {
            Ok(event) => {
                if self.publish(event).await {
                    (self.up, self.down_at) = (None, dated);
                }
            }
            Err(error) => tracing::warn!("The ad's deletion could not be written: {error}."),
        }
    }

    /// Sends and waits for the first relay to take it, so that an ad is only "up" once somebody has it. The other
    /// relays' outcomes come in beside.
    async fn publish(&mut self, event: Event) -> bool {
        let missed_by = self.relays_in(RelayState::is_away);
        self.last = Some(Last { event: event.clone(), missed_by });
        let mut outcomes = self.context.relays.publish(event, Vec::new());
        while let Some(published) = outcomes.next().await {
            if published.outcome.is_ok() {
                self.context.tasks.spawn("ad", async move { while outcomes.next().await.is_some() {} });
                return true;
            }
            tracing::debug!(relay = %published.relay, "The ad was not taken.");
        }
        false
    }

    /// Says the last thing again when a relay is back that was away then. Those that have it do not mind; one that did
    /// not want it is not asked on its own account.
    async fn repeat(&mut self) {
        let Some(last) = &self.last else { return };
        let there = self.relays_in(|state| !state.is_away());
        if last.missed_by.is_disjoint(&there) {
            return;
        }
        let event = last.event.clone();
        self.publish(event).await;
        self.forget_versions();
    }

    /// Lets go of earlier versions of the ad that no relay has any more, as far as is known.
    fn forget_versions(&mut self) {
        let most = if self.last.as_ref().is_some_and(|last| last.missed_by.is_empty()) { 1 } else { VERSIONS };
        if let Some(up) = &mut self.up {
            up.ids.drain(..up.ids.len().saturating_sub(most));
        }
    }

    fn relays_in(&self, is_so: impl Fn(RelayState) -> bool) -> BTreeSet<String> {
        self.context.relays.health().into_iter().filter(|relay| is_so(relay.state)).map(|relay| relay.url).collect()
    }
}
