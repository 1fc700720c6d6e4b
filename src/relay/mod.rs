//! Relays: one port, one adapter on nostr-sdk.
//!
//! Every event is screened at the socket, before the pool sees it: size first, then shape, then a duplicate check by
//! (id, signature), then our own check of id and signature. The pool's cache of verified events is keyed by the id
//! alone, so a second event with a known id and another signature would pass it; and a relay that talks nonsense could
//! fill the log and the memory. What comes out of [`RelayNews::Event`] is therefore verified, once, and new.
//!
//! Delivery is lossless: events wait in a bounded channel and the socket waits with them, where the pool's own
//! broadcast channel would drop them.

mod health;
mod link;
mod nip11;
pub mod probe;
mod screen;
pub(crate) mod socket;
mod subscriptions;
mod targets;
#[cfg(test)]
mod tests;
mod transport;
mod watcher;

pub use link::{LOOK_AT_CLOCKS, LinkOptions, NostrRelays};
pub use screen::{Cause, Screen, Verdict};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use nostr::{Event, Filter, RelayUrl};

use crate::clock::Clock;
use crate::domain::relay::{Published, RelayHealth};

/// What a subscription is called on the wire and in [`RelayNews`]. The same name replaces the earlier filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubscriptionName(pub &'static str);

/// What the relays tell the node.
#[derive(Debug, Clone)]
pub enum RelayNews {
    /// A verified event, given once however many relays have it.
    Event { relay: String, event: Box<Event> },
    /// A relay has sent everything it had stored for this subscription.
    EndOfStored { relay: String, subscription: SubscriptionName },
    /// A relay's state, words or limits changed.
    Health(Box<RelayHealth>),
}

#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("{url} is not a relay address: {reason}")]
    BadUrl { url: String, reason: String },
    #[error("the relay pool refused: {0}")]
    Pool(String),
}

/// A relay's address in the one form it is known by: without a slash at its end.
pub(crate) fn relay_name(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// The form a relay's address is known by, of what somebody has typed: case, slashes and ports that change nothing are
/// gone.
pub fn address(text: &str) -> Result<String, RelayError> {
    match RelayUrl::parse(text.trim()) {
        Ok(parsed) => Ok(relay_name(&parsed.to_string())),
        Err(error) => Err(RelayError::BadUrl { url: text.to_owned(), reason: error.to_string() }),
    }
}

/// By how many seconds a relay's clock is ahead of ours; `None`: it does not say.
pub async fn clock_ahead_secs(client: &reqwest::Client, relay: &str, clock: &Clock) -> Option<i64> {
    nip11::fetch(client, relay, clock).await.clock_ahead_secs
}

/// The node's way to the relays. News arrive on the channel handed over when the link is made.
pub trait RelayLink: Send + Sync + 'static {
    /// Connects to every relay and keeps reconnecting with growing pauses until [`RelayLink::close`].
    fn connect(&self) -> BoxFuture<'_, ()>;

    /// Replaces the set of relays, connecting new ones and letting go of removed ones.
    fn set_relays(&self, urls: Vec<String>) -> BoxFuture<'_, Result<(), RelayError>>;

    /// Sends to every relay (and to `extra` ones, for this event only), giving each one's outcome as it comes in.
    /// A relay that is not connected yields an outcome at once; one that says nothing yields one after ten seconds.
    fn publish(&self, event: Event, extra: Vec<String>) -> BoxStream<'static, Published>;

    /// Asks every relay for this, now and after each reconnect, until replaced or ended.
    fn subscribe(&self, name: SubscriptionName, filter: Filter) -> BoxFuture<'_, Result<(), RelayError>>;

    /// Ends a subscription. Unknown names are no error.
    fn unsubscribe(&self, name: SubscriptionName) -> BoxFuture<'_, ()>;

    /// Moves a subscription's `since` forward for the next reconnect, without asking again now.
    fn move_since(&self, name: SubscriptionName, since_secs: u64) -> BoxFuture<'_, ()>;

    /// Gives this event again when a relay sends it again: it could not be used yet. Else it is given once.
    fn forget(&self, event: &Event);

    /// Changes the size limit of events that come in.
    fn set_max_event_bytes(&self, bytes: usize);

    /// Every relay's state now, in configured order.
    fn health(&self) -> Vec<RelayHealth>;

    /// Says goodbye and stops every task of the link.
    fn close(&self) -> BoxFuture<'_, ()>;
}
