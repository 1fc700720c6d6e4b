//! The list of our relays (NIP-65, kind 10002), by which others find out where to reach us.
//!
//! Published when the node goes online and when the list changes. The same list is published once a start, however often
//! the node goes online or a relay comes back: it replaces itself on the relays and does not grow old. A relay that was
//! away in that moment has it from the next change or start on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::event::builder::Error;
use nostr::{Event, EventBuilder, RelayUrl, Timestamp};
use tokio::sync::watch;

use super::options::Market;
use super::status::{Board, NodeState};
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::relay::RelayState;
use crate::identity::Identity;
use crate::net::hosts;
use crate::relay::RelayLink;

/// How long relays that are being connected are waited for, so that the list goes to all at once.
const GATHER: Duration = Duration::from_secs(10);
/// Between two looks at them.
const LOOK: Duration = Duration::from_millis(100);
/// Between two attempts when no relay takes it.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The way to the task that keeps the list published.
pub struct RelayList {
    wanted: watch::Sender<Option<Vec<RelayUrl>>>,
}

impl RelayList {
    /// Starts the task.
    pub fn spawn(publisher: Publisher, config: &Config, market: Market, tasks: &Tasks) -> Self {
        let (wanted, watched) = watch::channel(list(config, market));
        let token = tasks.token().clone();
        tasks.spawn("relay list", async move {
            token.run_until_cancelled(publisher.run(watched)).await;
        });
        Self { wanted }
    }

    /// Takes over a changed config.
    pub fn set(&self, config: &Config, market: Market) {
        self.wanted.send_if_modified(|wanted| {
            let list = list(config, market);
            let changed = *wanted != list;
            *wanted = list;
            changed
        });
    }
}

/// What is to be published; `None`: nothing. In the practice market nobody else is there to find us. Relays on this
/// machine or in its network are of no use to others, and left out if there is another.
fn list(config: &Config, market: Market) -> Option<Vec<RelayUrl>> {
    if market == Market::Practice || !config.relays.publish_list {
        return None;
    }
    let all: Vec<RelayUrl> = config.relays.urls.iter().filter_map(|url| RelayUrl::parse(url).ok()).collect();
    let is_public = |url: &&RelayUrl| url.host().is_some_and(|host| hosts::is_public(&host.to_string()));
    let public: Vec<RelayUrl> = all.iter().filter(is_public).cloned().collect();
    Some(if public.is_empty() { all } else { public })
}

/// Publishes the list.
pub struct Publisher {
    pub identity: Identity,
    pub relays: Arc<dyn RelayLink>,
    pub board: Board,
    pub clock: Clock,
}

impl Publisher {
    async fn run(self, mut wanted: watch::Receiver<Option<Vec<RelayUrl>>>) {
        let mut status = self.board.watch();
        let mut published: Option<Vec<RelayUrl>> = None;
        let mut newest = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let list = wanted.borrow_and_update().clone();
            let online = matches!(status.borrow_and_update().state, NodeState::Connecting | NodeState::Online | NodeState::Degraded);
            let due = list.filter(|list| online && published.as_ref() != Some(list));
            let Some(list) = due else {
                tokio::select! {
                    changed = wanted.changed() => if changed.is_err() { return },
                    changed = status.changed() => if changed.is_err() { return },
                }
                continue;
            };
            // Of two versions in one second a relay would keep either.
            newest = self.clock.now().as_secs().max(newest + 1);
            let event = match self.event(&list, newest) {
                Ok(event) => event,
                Err(error) => {
                    tracing::error!("The list of relays could not be signed, and is not published: {error}.");
                    return;
                }
            };
            if self.publish(event).await {
                published = Some(list);
                pause = FIRST_PAUSE;
            } else {
                // A changed list goes out at once; the same one later.
                let _ = tokio::time::timeout(pause, wanted.changed()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Without a marker a relay is both: where we write, and where others reach us.
    fn event(&self, list: &[RelayUrl], created_at: u64) -> Result<Event, Error> {
        let relays = list.iter().map(|url| (url.clone(), None));
        EventBuilder::relay_list(relays).custom_created_at(Timestamp::from(created_at)).sign_with_keys(self.identity.nostr_keys())
    }

    /// Sends to every relay that is there, or is about to be. Whether one has taken it.
    async fn publish(&self, event: Event) -> bool {
        let _ = tokio::time::timeout(GATHER, self.gathered()).await;
        let mut outcomes = self.relays.publish(event, Vec::new());
        let mut taken = false;
        while let Some(published) = outcomes.next().await {
            match published.outcome {
                Ok(()) => taken = true,
                Err(words) => tracing::debug!(relay = %published.relay, "The list of relays was not taken: {words}."),
            }
        }
        taken
    }

    async fn gathered(&self) {
        while self.relays.health().iter().any(|relay| matches!(relay.state, RelayState::Connecting)) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Paths};

    fn config(settings: &[&str]) -> Config {
        let settings: Vec<_> = settings.iter().map(|setting| setting.parse().expect("setting")).collect();
        Config::load(&Paths::at("/nowhere".as_ref()), &Environment::default(), &settings).expect("config").config
    }

    fn listed(settings: &[&str], market: Market) -> Option<Vec<String>> {
        Some(list(&config(settings), market)?.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_configured_relays_are_listed_unless_that_is_switched_off_or_practice() {
        let urls = "relays.urls=wss://a.example,wss://b.example/path";
        assert_eq!(listed(&[urls], Market::Real), Some(vec!["wss://a.example".into(), "wss://b.example/path".into()]));
        assert_eq!(listed(&[urls], Market::Practice), None);
        assert_eq!(listed(&[urls, "relays.publish_list=false"], Market::Real), None);
    }

    #[test]
    fn relays_nobody_else_can_reach_are_listed_only_if_there_is_no_other() {
        let mixed = "relays.urls=ws://127.0.0.1:7777,wss://a.example,wss://10.0.0.1";
        assert_eq!(listed(&[mixed], Market::Real), Some(vec!["wss://a.example".into()]));
        assert_eq!(listed(&["relays.urls=ws://127.0.0.1:7777"], Market::Real).map(|list| list.len()), Some(1));
    }
}
