//! What the relays are asked for, and from when on.

use tokio::time::Instant;

use super::settings::{self, Settings};
use super::{CANCELLATIONS, Context, OVERLAP_SECS, Provider, REQUESTS};
use crate::node::event::Failure;
use crate::relay::RelayError;

/// When the relays were asked. Time goes on from there by what passes, not by the clock on the wall: one that is put ahead
/// would have us wait for requests of an hour that has not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    secs: u64,
    at: Instant,
    /// The clock was known to be wrong then.
    is_skewed: bool,
}

impl Asked {
    fn now(context: &Context) -> Self {
        Self { secs: context.relays_time().as_secs(), at: Instant::now(), is_skewed: context.is_skewed() }
    }

    /// What time it is by that, in seconds.
    fn secs(self) -> u64 {
        self.secs + self.at.elapsed().as_secs()
    }
}

impl Provider {
    /// Asks the relays for what is dated from now on, or was not seen yet.
    pub(super) async fn ask(&mut self) -> Result<(), Failure> {
        let asked = Asked::now(&self.context);
        let since_secs = since(&self.context, asked.secs(), self.settings.max_age_secs()).await;
        subscribe(&self.context, &self.settings, since_secs).await?;
        self.asked = Some(asked);
        Ok(())
    }

    /// Asks again if the clock turned out to be wrong since, or was set right.
    pub(super) async fn ask_by_the_right_clock(&mut self) {
        let is_skewed = self.context.is_skewed();
        if self.open
            && self.asked.is_some_and(|asked| asked.is_skewed != is_skewed)
            && let Err(failure) = self.ask().await
        {
            tracing::warn!("{}", failure.message);
        }
    }
}

/// Has the relays asked for no more of the past than is needed when they come back.
pub(super) async fn move_on(context: &Context, asked: Asked, max_age_secs: u64) {
    let since = since(context, asked.secs(), max_age_secs).await;
    context.relays.move_since(REQUESTS, since).await;
    context.relays.move_since(CANCELLATIONS, since).await;
}

/// Asks the relays for requests, and for deletions that may call one off.
async fn subscribe(context: &Context, settings: &Settings, since_secs: u64) -> Result<(), Failure> {
    let refused = |error: RelayError| Failure::network(format!("The relays could not be asked for requests: {error}."));
    context.relays.subscribe(REQUESTS, settings.request_filter(&context.me, since_secs)).await.map_err(refused)?;
    context.relays.subscribe(CANCELLATIONS, settings::cancellation_filter(since_secs)).await.map_err(refused)
}

/// The earliest request worth asking for, in seconds: older ones were seen, or would be refused for their age.
async fn since(context: &Context, now: u64, max_age_secs: u64) -> u64 {
    let seen = context.store.cursor(REQUESTS.0).await.ok().flatten().unwrap_or(now).min(now);
    seen.saturating_sub(OVERLAP_SECS).max(now.saturating_sub(max_age_secs))
}
