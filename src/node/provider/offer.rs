//! Getting an invoice to its buyer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::Event;

use super::Context;
use super::voice::{Voice, Words};
use crate::domain::request::JobRequest;
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;

/// Between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sends an invoice until a relay has taken it or it has run out: after a start, or while relays are away, there may be
/// none that does, and a buyer who never sees the invoice cannot pay it.
pub fn offer(context: &Arc<Context>, voice: &Voice, request: &JobRequest, amount: &Amount, expires_at: UnixMs) {
    let event = match voice.write(request, Words::PaymentRequired { amount }) {
        Ok(event) => event,
        Err(error) => return tracing::warn!(job = %request.id.short(), "An invoice could not be sent: {error}."),
    };
    let (context, token) = (Arc::clone(context), context.tasks.token().clone());
    context.tasks.clone().spawn("offer", async move {
        let sending = async {
            let mut pause = FIRST_PAUSE;
            while context.clock.now() < expires_at && !taken(&context, &event).await {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        };
        token.run_until_cancelled(sending).await;
    });
}

/// Publishes once; says whether any relay took it.
async fn taken(context: &Context, event: &Event) -> bool {
    let outcomes = context.relays.publish(event.clone(), Vec::new());
    outcomes.fold(false, |taken, published| std::future::ready(taken || published.outcome.is_ok())).await
}
