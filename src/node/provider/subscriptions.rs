//! What the relays are asked for, and from when on.

use super::settings::{self, Settings};
use super::{CANCELLATIONS, Context, OVERLAP_SECS, REQUESTS};
use crate::node::event::Failure;
use crate::relay::RelayError;

/// Asks the relays for requests, and for deletions that may call one off.
pub(super) async fn subscribe(context: &Context, settings: &Settings, since_secs: u64) -> Result<(), Failure> {
    let refused = |error: RelayError| Failure::network(format!("The relays could not be asked for requests: {error}."));
    context.relays.subscribe(REQUESTS, settings.request_filter(&context.me, since_secs)).await.map_err(refused)?;
    context.relays.subscribe(CANCELLATIONS, settings::cancellation_filter(since_secs)).await.map_err(refused)
}

/// The earliest request worth asking for, in seconds: older ones were seen, or would be refused for their age.
pub(super) async fn since(context: &Context, max_age_secs: u64) -> u64 {
    let now = context.clock.now().as_secs();
    let seen = context.store.cursor(REQUESTS.0).await.ok().flatten().unwrap_or(now).min(now);
    seen.saturating_sub(OVERLAP_SECS).max(now.saturating_sub(max_age_secs))
}
