//! What the relays are asked for.
//!
//! Kept here and not in the pool: the pool decides by whole seconds whether a subscription belongs to an earlier
//! connection, and forgets one that a relay closes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use nostr::filter::MatchEventOptions;
use nostr::{Event, Filter, Timestamp};

use super::SubscriptionName;

/// The filters in force, by name.
#[derive(Debug, Default)]
pub struct Subscriptions(Mutex<BTreeMap<&'static str, Filter>>);

impl Subscriptions {
    pub fn put(&self, name: SubscriptionName, filter: Filter) {
        self.lock().insert(name.0, filter);
    }

    /// True when there was one.
    pub fn remove(&self, name: SubscriptionName) -> bool {
        self.lock().remove(name.0).is_some()
    }

    pub fn has(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }

    /// Whether we asked for this event under this name. Its age does not count: `since` moves, and what was asked for
    /// earlier may still be on its way.
    pub fn wants(&self, name: &str, event: &Event) -> bool {
        let filter = self.lock().get(name).cloned();
        filter.is_some_and(|filter| Filter { since: None, ..filter }.match_event(event, MatchEventOptions::new()))
    }

    /// The name as we know it, if it is one of ours.
    pub fn name(&self, name: &str) -> Option<SubscriptionName> {
        self.lock().get_key_value(name).map(|(name, _)| SubscriptionName(name))
    }

    /// Asks for less of the past from the next connection on. Never for more.
    pub fn move_since(&self, name: SubscriptionName, since_secs: u64) {
        if let Some(filter) = self.lock().get_mut(name.0) {
            let since = Timestamp::from(since_secs);
            if filter.since.is_none_or(|old| old < since) {
                filter.since = Some(since);
            }
        }
    }

    pub fn all(&self) -> Vec<(&'static str, Filter)> {
        self.lock().iter().map(|(name, filter)| (*name, filter.clone())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Filter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_only_moves_forward() {
        let name = SubscriptionName("s");
        let subscriptions = Subscriptions::default();
        subscriptions.put(name, Filter::new().since(Timestamp::from(50)));
        let since =
            |subscriptions: &Subscriptions| subscriptions.all().first().and_then(|(_, filter)| filter.since).map(|since| since.as_secs());
        subscriptions.move_since(name, 40);
        assert_eq!(since(&subscriptions), Some(50));
        subscriptions.move_since(name, 60);
        assert_eq!(since(&subscriptions), Some(60));
        assert!(subscriptions.remove(name) && !subscriptions.remove(name) && !subscriptions.has("s"));
    }
}
