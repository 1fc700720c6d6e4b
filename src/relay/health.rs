//! How each relay is, kept by whoever notices.

use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc;

use super::RelayNews;
use super::screen::Cause;
use crate::clock::Clock;
use crate::domain::relay::{Published, RelayHealth, RelayState};
use crate::domain::time::UnixMs;
use crate::nip90::text;

/// Characters kept of a relay's own words.
const MAX_WORDS: usize = 200;

/// Every relay's state, in configured order.
pub struct HealthBoard {
    relays: Mutex<Vec<Tracked>>,
    news: mpsc::Sender<RelayNews>,
    clock: Clock,
}

/// A relay with the times its uptime is computed from, when somebody asks.
#[derive(Clone)]
struct Tracked {
    health: RelayHealth,
    wanted_since: UnixMs,
    /// `None`: it is not connected.
    connected_since: Option<UnixMs>,
}

impl Tracked {
    /// How it is now.
    fn at(&self, now: UnixMs) -> RelayHealth {
        let current = self.connected_since.map_or(0, |since| now.since(since));
        RelayHealth {
            wanted_ms: now.since(self.wanted_since),
            connected_ms: self.health.connected_ms.saturating_add(current),
            ..self.health.clone()
        }
    }

    /// Adds up the time it was connected whenever that ends.
    fn keep_time(&mut self, now: UnixMs) {
        match (self.health.state, self.connected_since) {
            (RelayState::Connected, None) => self.connected_since = Some(now),
            (RelayState::Off | RelayState::Connecting | RelayState::Retrying, Some(since)) => {
                self.health.connected_ms = self.health.connected_ms.saturating_add(now.since(since));
                self.connected_since = None;
            }
            _ => {}
        }
    }
}

impl HealthBoard {
    pub fn new(news: mpsc::Sender<RelayNews>, clock: Clock) -> Self {
        Self { relays: Mutex::default(), news, clock }
    }

    /// The relays there are, in order. Known ones keep what is known of them.
    pub fn set(&self, names: &[String]) {
        let now = self.clock.now();
        let mut relays = self.lock();
        let known = std::mem::take(&mut *relays);
        let of = |name: &String| {
            let found = known.iter().find(|relay| relay.health.url == *name).cloned();
            found.unwrap_or_else(|| Tracked {
                health: RelayHealth { url: name.clone(), ..RelayHealth::default() },
                wanted_since: now,
                connected_since: None,
            })
        };
        *relays = names.iter().map(of).collect();
    }

    pub fn all(&self) -> Vec<RelayHealth> {
        let now = self.clock.now();
        self.lock().iter().map(|relay| relay.at(now)).collect()
    }

    pub fn of(&self, relay: &str) -> Option<RelayHealth> {
        let now = self.clock.now();
        self.lock().iter().find(|known| known.health.url == relay).map(|known| known.at(now))
    }

    /// A connection attempt failed, or a connection ended.
    pub fn failed(&self, relay: &str, words: &str) {
        self.change(relay, |health| {
            health.state = RelayState::Retrying;
            health.last_error = Some(clean(words));
            health.clock_ahead_secs = None;
        });
    }

    pub fn state(&self, relay: &str, state: RelayState) {
        self.change(relay, |health| {
            health.state = state;
            match state {
                RelayState::Connected => health.last_error = None,
                RelayState::Off | RelayState::Connecting | RelayState::Retrying => {
                    health.authenticated = false;
                    health.clock_ahead_secs = None;
                }
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

    /// What the relay says of itself, and by its date of our clock. What it does not say any more stays as it was.
    pub fn described(&self, relay: &str, answer: super::nip11::Answer) {
        self.change(relay, |health| {
            if let Some(document) = answer.document {
                health.name = document.name.map(|name| clean(&name));
                health.software = document.software.map(|software| clean(&software));
                health.limits = Some(document.limits);
            }
            // Whole seconds step back and forth by one; that is no news.
            let is_news = |secs: i64| health.clock_ahead_secs.is_none_or(|known| known.abs_diff(secs) > 1);
            if health.state == RelayState::Connected
                && let Some(secs) = answer.clock_ahead_secs.filter(|secs| is_news(*secs))
            {
                health.clock_ahead_secs = Some(secs);
            }
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
                    health.last_refusal = Some(clean(words));
                }
            }
        });
    }

    /// An event of ours was not sent, because the relay's document says that it would not be taken.
    pub fn withheld(&self, relay: &str, words: &str) {
        self.change(relay, |health| {
            health.withheld += 1;
            health.last_error = Some(clean(words));
            health.last_refusal = Some(clean(words));
        });
    }

    fn count(&self, relay: &str, change: impl FnOnce(&mut RelayHealth)) {
        if let Some(known) = self.lock().iter_mut().find(|known| known.health.url == relay) {
            change(&mut known.health);
        }
    }

    fn change(&self, relay: &str, change: impl FnOnce(&mut RelayHealth)) {
        let changed = {
            let now = self.clock.now();
            let mut relays = self.lock();
            let Some(known) = relays.iter_mut().find(|known| known.health.url == relay) else { return };
            let before = known.health.clone();
            change(&mut known.health);
            let differs = known.health != before;
            known.keep_time(now);
            differs.then(|| known.at(now))
        };
        // A full channel means a busy node; it asks for the whole board whenever it hears of one change.
        if let Some(health) = changed {
            let _ = self.news.try_send(RelayNews::Health(Box::new(health)));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Tracked>> {
        self.relays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stranger's words, fit to be shown: one line, of bounded length.
pub fn clean(words: &str) -> String {
    text::line(words, MAX_WORDS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn time_connected_is_added_up_over_reconnects_and_refusals_are_remembered() {
        let time = Arc::new(AtomicI64::new(1_000));
        let clock = Arc::clone(&time);
        let (news, _heard) = mpsc::channel(16);
        let board = HealthBoard::new(news, Clock::new(move || UnixMs(clock.load(Ordering::SeqCst))));
        board.set(&["wss://a.example".to_owned()]);
        let at = |ms: i64, state: RelayState| {
            time.store(ms, Ordering::SeqCst);
            board.state("wss://a.example", state);
        };
        at(2_000, RelayState::Connected);
        at(5_000, RelayState::Retrying);
        at(6_000, RelayState::Connected);
        at(6_500, RelayState::Connected);
        board.published(&Published { relay: "wss://a.example".into(), outcome: Err("blocked: no".into()) }, None);
        at(7_000, RelayState::Retrying);
        at(8_000, RelayState::Connected);
        time.store(10_000, Ordering::SeqCst);
        let relay = board.of("wss://a.example").expect("known");
        assert_eq!((relay.wanted_ms, relay.connected_ms), (9_000, 3_000 + 1_000 + 2_000));
        assert_eq!((relay.last_error, relay.last_refusal.as_deref()), (None, Some("blocked: no")));
    }
}
