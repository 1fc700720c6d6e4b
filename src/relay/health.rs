//! How each relay is, kept by whoever notices.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::RelayNews;
use super::screen::Cause;
use crate::clock::Clock;
use crate::domain::relay::{Published, RelayHealth, RelayState};

/// Characters kept of a relay's own words.
const MAX_WORDS: usize = 200;

/// Every relay's state, in configured order.
pub struct HealthBoard {
    relays: Mutex<Vec<RelayHealth>>,
    news: mpsc::Sender<RelayNews>,
    clock: Clock,
}

impl HealthBoard {
    pub fn new(news: mpsc::Sender<RelayNews>, clock: Clock) -> Self {
        Self { relays: Mutex::default(), news, clock }
    }

    /// The relays there are, in order. Known ones keep what is known of them.
    pub fn set(&self, names: &[String]) {
        let mut relays = self.lock();
        let known = std::mem::take(&mut *relays);
        let of = |name: &String| {
            let found = known.iter().find(|relay| relay.url == *name).cloned();
            found.unwrap_or_else(|| RelayHealth { url: name.clone(), ..RelayHealth::default() })
        };
        *relays = names.iter().map(of).collect();
    }

    pub fn all(&self) -> Vec<RelayHealth> {
        self.lock().clone()
    }

    pub fn of(&self, relay: &str) -> Option<RelayHealth> {
        self.lock().iter().find(|health| health.url == relay).cloned()
    }

    /// A connection attempt failed, or a connection ended.
    pub fn failed(&self, relay: &str, words: &str) {
        self.change(relay, |health| {
            health.state = RelayState::Retrying;
            health.last_error = Some(clean(words));
        });
    }

    pub fn state(&self, relay: &str, state: RelayState) {
        self.change(relay, |health| {
            health.state = state;
            match state {
                RelayState::Connected => health.last_error = None,
                RelayState::Off | RelayState::Connecting | RelayState::Retrying => health.authenticated = false,
            }
        });
    }

    /// The relay said something that is no event: a notice, or why it ended a subscription.
    pub fn said(&self, relay: &str, words: &str) {
        self.change(relay, |health| health.last_error = Some(clean(words)));
    }

    pub fn authenticated(&self, relay: &str) {
        self.change(relay, |health| health.authenticated = true);
    }

    /// What the relay says of itself.
    pub fn described(&self, relay: &str, document: super::nip11::Document) {
        self.change(relay, |health| {
            health.name = document.name.map(|name| clean(&name));
            health.software = document.software.map(|software| clean(&software));
            health.limits = Some(document.limits);
        });
    }

    /// Counters: seen by whoever asks, told to nobody.
    pub fn received(&self, relay: &str) {
        let now = self.clock.now();
        self.count(relay, |health| {
            health.received += 1;
            health.last_event_at = Some(now);
        });
    }

    pub fn dropped(&self, relay: &str, cause: Cause) {
        self.count(relay, |health| {
            health.received += 1;
            let drops = &mut health.dropped;
            match cause {
                Cause::Malformed => drops.malformed += 1,
                Cause::Oversized => drops.oversized += 1,
                Cause::Unverified => drops.unverified += 1,
                Cause::Duplicate => drops.duplicate += 1,
            }
        });
    }

    pub fn published(&self, published: &Published, latency_ms: Option<u64>) {
        self.count(&published.relay, |health| {
            health.sent += 1;
            match &published.outcome {
                Ok(()) => {
                    health.accepted += 1;
                    health.latency_ms = latency_ms.or(health.latency_ms);
                }
                Err(words) => {
                    health.refused += 1;
                    health.last_error = Some(clean(words));
                }
            }
        });
    }

    fn count(&self, relay: &str, change: impl FnOnce(&mut RelayHealth)) {
        if let Some(health) = self.lock().iter_mut().find(|health| health.url == relay) {
            change(health);
        }
    }

    fn change(&self, relay: &str, change: impl FnOnce(&mut RelayHealth)) {
        let changed = {
            let mut relays = self.lock();
            let Some(health) = relays.iter_mut().find(|health| health.url == relay) else { return };
            let before = health.clone();
            change(health);
            (*health != before).then(|| health.clone())
        };
        // A full channel means a busy node; it asks for the whole board whenever it hears of one change.
        if let Some(health) = changed {
            let _ = self.news.try_send(RelayNews::Health(Box::new(health)));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<RelayHealth>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stranger's words, fit to be shown: one line, of bounded length.
pub fn clean(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(MAX_WORDS).collect::<String>().trim().to_owned()
}
