//! Sending a request, and calling it off.

use std::sync::Arc;

use super::open::Open;
use super::{Bell, Consumer};
use crate::domain::ids::JobId;
use crate::domain::purchase::{PurchaseFact, PurchaseState};
use crate::nip90::cancel;
use crate::node::event::Failure;
use crate::node::queries;
use crate::node::sending::until_taken;
use crate::store::{PurchaseRow, PurchaseStep, StoreError};

impl Consumer {
    /// Publishes a request until a relay has it, or it is over.
    pub(super) fn send(&mut self, id: JobId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let token = self.context.tasks.token().child_token();
        open.sending = token.clone();
        let (event, until, context, bell) = (open.event.clone(), open.row.expires_at, Arc::clone(&self.context), self.bell.clone());
        self.context.tasks.spawn("request", async move {
            let mut words = String::new();
            let sending = until_taken(context.relays.as_ref(), &event, (&context.clock, until), &context.tasks, |refused| words = refused);
            let Some(taken) = token.run_until_cancelled(sending).await else { return };
            let stored = if taken {
                context.store.step(id, PurchaseFact::Published.into(), context.clock.now()).await.map(drop)
            } else {
                context.store.note_purchase(id, "not-sent", format!("No relay took the request: {words}.")).await.map(drop)
            };
            if let Err(error) = stored {
                tracing::warn!(request = %id.short(), "What became of sending it was not written down: {error}.");
            }
            let _ = bell.send(Bell::Moved(id)).await;
        });
    }

    /// Calls a request off, as far as nothing is paid yet.
    pub(super) async fn cancel(&mut self, id: JobId) -> Result<PurchaseRow, Failure> {
        let failed = |error: StoreError| queries::failure(&error);
        let now = self.context.clock.now();
        let state = self.context.store.purchase(id).await.map_err(failed)?.map(|row| row.state);
        let state = state.ok_or_else(|| queries::failure(&StoreError::UnknownRequest(id.to_string())))?;
        let fact = if state == PurchaseState::Answered { PurchaseFact::BillClosed } else { PurchaseFact::Cancelled };
        let step = PurchaseStep { fact, reason: Some(("cancelled", "Called off by you.".to_owned())) };
        let row = self.context.store.step(id, step, now).await.map_err(failed)?;
        let row = row.ok_or_else(|| Failure::user(format!("The request is {state}, so it cannot be called off any more.")))?;
        if let Some(open) = self.open.get(&id)
            && row.state == PurchaseState::Cancelled
        {
            // First it is sent no more; a relay may have taken it in this very moment, so it is withdrawn in any case.
            open.sending.cancel();
            self.withdraw(open);
        }
        self.moved(row.clone()).await;
        Ok(row)
    }

    /// Tells providers that the request is called off. Best effort: an offer that comes all the same is not paid.
    fn withdraw(&self, open: &Open) {
        let now = self.context.clock.now();
        let builder = cancel::write(&open.row.id, open.row.kind, "", now);
        let Ok(event) = builder.sign_with_keys(&open.keys) else { return };
        let (context, token) = (Arc::clone(&self.context), self.context.tasks.token().clone());
        self.context.tasks.spawn("withdrawal", async move {
            let sending = until_taken(context.relays.as_ref(), &event, (&context.clock, now.plus_ms(10_000)), &context.tasks, |_| {});
            token.run_until_cancelled(sending).await;
        });
    }
}
