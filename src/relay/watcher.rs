//! One relay's life: connected, asked, closed, asked again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use nostr::{ClientMessage, RelayMessage, SubscriptionId};
use nostr_sdk::pool::RelayNotification;
use nostr_sdk::{Relay, RelayStatus};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::RelayNews;
use super::health::HealthBoard;
use super::nip11::{self, Answer};
use super::subscriptions::Subscriptions;
use crate::clock::Clock;
use crate::domain::clock_skew::is_off;
use crate::domain::relay::RelayState;
use crate::domain::time::Pace;

/// The first pause before a relay that ended a subscription is asked again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Watches one relay.
pub struct Watcher {
    pub name: String,
    pub relay: Relay,
    pub health: Arc<HealthBoard>,
    pub subscriptions: Arc<Subscriptions>,
    pub news: mpsc::Sender<RelayNews>,
    pub http: reqwest::Client,
    pub clock: Clock,
    /// Between two looks at the relay's clock; in doubt when it disagrees with ours.
    pub look: Pace,
}

impl Watcher {
    /// Until the relay is let go of.
    pub async fn run(self, mut notifications: Receiver<RelayNotification>) {
        let mut pause = FIRST_PAUSE;
        let mut ask_at: Option<Instant> = None;
        // The relay's own document, while it is being read: beside everything else, since it may be slow to come.
        let mut reading: Option<BoxFuture<'_, Answer>> = None;
        let mut look_at: Option<Instant> = None;
        loop {
            let notification = tokio::select! {
                notification = notifications.recv() => notification,
                answer = poll(&mut reading) => {
                    reading = None;
                    look_at = Some(Instant::now() + self.until_next_look(&answer));
                    self.health.described(&self.name, answer);
                    continue;
                }
                () = sleep_until(look_at) => {
                    look_at = None;
                    reading = self.read();
                    continue;
                }
                () = sleep_until(ask_at) => {
                    ask_at = None;
                    self.ask();
                    continue;
                }
            };
            match notification {
                Ok(RelayNotification::RelayStatus { status }) => {
                    if status == RelayStatus::Connected {
                        pause = FIRST_PAUSE;
                        reading = self.connected().or(reading);
                    } else {
                        self.health.state(&self.name, state(status));
                    }
                }
                Ok(RelayNotification::Authenticated) => {
                    self.health.authenticated(&self.name);
                    // Whatever was closed for want of it is asked again.
                    self.ask();
                }
                Ok(RelayNotification::AuthenticationFailed) => self.health.said(&self.name, "it did not accept who we are (NIP-42)"),
                Ok(RelayNotification::Message { message }) => {
                    if self.heard(message).await {
                        ask_at = Some(Instant::now() + pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
                Ok(RelayNotification::Event { .. }) => {}
                // Something was missed; asking again misses nothing.
                Err(RecvError::Lagged(_)) => reading = self.connected().or(reading),
                Ok(RelayNotification::Shutdown) | Err(RecvError::Closed) => return,
            }
        }
    }

    /// Asks for everything, and begins to read the relay's document.
    fn connected(&self) -> Option<BoxFuture<'_, Answer>> {
        if !self.relay.is_connected() {
            return None;
        }
        self.health.state(&self.name, RelayState::Connected);
        self.ask();
        self.read()
    }

    /// Begins to read the document, and the clock with it. A relay that is away is read when it is back.
    fn read(&self) -> Option<BoxFuture<'_, Answer>> {
        self.relay.is_connected().then(|| nip11::fetch(&self.http, &self.name, &self.clock).boxed())
    }

    fn until_next_look(&self, answer: &Answer) -> Duration {
        if answer.clock_ahead_secs.is_some_and(is_off) { self.look.doubt } else { self.look.calm }
    }

    /// Asks for everything we want.
    fn ask(&self) {
        for (name, filter) in self.subscriptions.all() {
            if let Err(error) = self.relay.send_msg(ClientMessage::req(SubscriptionId::new(name), vec![filter])) {
                tracing::debug!(relay = %self.name, "The relay could not be asked: {error}.");
            }
        }
    }

    /// Takes in what the relay says. True when it ended a subscription and is to be asked again later.
    async fn heard(&self, message: RelayMessage<'static>) -> bool {
        match message {
            RelayMessage::Notice(words) => self.health.said(&self.name, &words),
            RelayMessage::EndOfStoredEvents(id) => {
                if let Some(subscription) = self.subscriptions.name(id.as_str()) {
                    let _ = self.news.send(RelayNews::EndOfStored { relay: self.name.clone(), subscription }).await;
                }
            }
            RelayMessage::Closed { subscription_id, message } => {
                if !self.subscriptions.has(subscription_id.as_str()) {
                    return false;
                }
                self.health.said(&self.name, &message);
                // Also when it wants to know who we are: then `Authenticated` asks at once, but may have come before this.
                return true;
            }
            RelayMessage::Event { .. }
            | RelayMessage::Ok { .. }
            | RelayMessage::Auth { .. }
            | RelayMessage::Count { .. }
            | RelayMessage::NegMsg { .. }
            | RelayMessage::NegErr { .. } => {}
        }
        false
    }
}

const fn state(status: RelayStatus) -> RelayState {
    match status {
        RelayStatus::Initialized | RelayStatus::Pending | RelayStatus::Connecting => RelayState::Connecting,
        RelayStatus::Connected => RelayState::Connected,
        RelayStatus::Disconnected | RelayStatus::Sleeping => RelayState::Retrying,
        RelayStatus::Terminated | RelayStatus::Banned => RelayState::Off,
    }
}

async fn poll<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
