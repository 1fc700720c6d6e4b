//! One relay's life: connected, asked, closed, asked again.

use std::sync::Arc;
use std::time::Duration;

use nostr::message::MachineReadablePrefix;
use nostr::{ClientMessage, RelayMessage, SubscriptionId};
use nostr_sdk::pool::RelayNotification;
use nostr_sdk::{Relay, RelayStatus};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::health::HealthBoard;
use super::subscriptions::Subscriptions;
use super::{RelayNews, nip11};
use crate::domain::relay::RelayState;

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
}

impl Watcher {
    /// Until the relay is let go of.
    pub async fn run(self, mut notifications: Receiver<RelayNotification>) {
        let mut pause = FIRST_PAUSE;
        let mut ask_at: Option<Instant> = None;
        loop {
            let notification = tokio::select! {
                notification = notifications.recv() => notification,
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
                        self.connected().await;
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
                Err(RecvError::Lagged(_)) => self.connected().await,
                Ok(RelayNotification::Shutdown) | Err(RecvError::Closed) => return,
            }
        }
    }

    async fn connected(&self) {
        if !self.relay.is_connected() {
            return;
        }
        self.health.state(&self.name, RelayState::Connected);
        self.ask();
        if self.health.of(&self.name).is_some_and(|health| health.limits.is_none())
            && let Some(document) = nip11::fetch(&self.http, &self.name).await
        {
            self.health.described(&self.name, document);
        }
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
                // Once we have said who we are, we ask again at once; see `Authenticated`.
                return MachineReadablePrefix::parse(&message) != Some(MachineReadablePrefix::AuthRequired);
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

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
