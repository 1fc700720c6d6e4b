//! Getting an invoice to its buyer.

use std::sync::Arc;

use super::Context;
use super::voice::{Voice, Words};
use crate::domain::request::JobRequest;
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;
use crate::node::sending::until_taken;

/// Sends an invoice until a relay has taken it or it has run out: a buyer who never sees it cannot pay it.
pub fn offer(context: &Arc<Context>, voice: &Voice, request: &JobRequest, amount: &Amount, expires_at: UnixMs) {
    let event = match voice.write(request, Words::PaymentRequired { amount }) {
        Ok(event) => event,
        Err(error) => return tracing::warn!(job = %request.id.short(), "An invoice could not be sent: {error}."),
    };
    let (context, token) = (Arc::clone(context), context.tasks.token().clone());
    context.tasks.clone().spawn("offer", async move {
        token.run_until_cancelled(until_taken(context.relays.as_ref(), &event, (&context.clock, expires_at), &context.tasks, |_| {})).await;
    });
}
