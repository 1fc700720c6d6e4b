//! Taking up what an earlier run left open.

use nostr::{Event, JsonUtil as _, Keys, SecretKey};

use super::open::Open;
use super::{Consumer, JobId};
use crate::domain::purchase::PurchaseState;
use crate::domain::time::UnixMs;
use crate::node::options::Housing;
use crate::store::{OpenPurchase, StoreError};

impl Consumer {
    /// Gives up what ran out meanwhile, listens for every other open request again, sends what may not have been sent, and
    /// chooses where offers wait. A payment that was under way is the guard's to take up, which rings when it knows.
    pub(super) async fn resume(&mut self) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        for found in self.context.store.open_purchases(now).await? {
            let id = found.row.id;
            if let Some(open) = self.rebuild(found, now) {
                self.open.insert(id, open);
            }
        }
        // First of all: nobody waits for them any more, so nothing is paid.
        self.give_up_late().await?;
        if self.open.is_empty() {
            return Ok(());
        }
        self.listen().await;
        let waiting: Vec<(JobId, PurchaseState)> = self.open.iter().map(|(id, open)| (*id, open.row.state)).collect();
        for (id, state) in waiting {
            if state == PurchaseState::Drafted {
                self.send(id);
            }
            self.choose(id, false).await?;
        }
        Ok(())
    }

    /// A request that had ended waits for something after all: its payment has arrived late, and its answer is owed.
    pub(super) async fn take_up(&mut self, id: JobId) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let found = self.context.store.open_purchase(id).await?;
        let Some(open) = found.and_then(|found| self.rebuild(found, now)).filter(|open| !open.is_over()) else { return Ok(()) };
        self.tell(open.row.clone());
        self.open.insert(id, open);
        self.listen().await;
        Ok(())
    }

    fn rebuild(&self, found: OpenPurchase, now: UnixMs) -> Option<Open> {
        let id = found.row.id;
        match self.read(found) {
            Ok(mut open) => {
                let row = open.row.clone();
                open.is_wanted = self.context.housing != Housing::Errand;
                open.deadline = None;
                open.take(row, self.config.buyer.timeout_secs, now);
                Some(open)
            }
            Err(words) => {
                tracing::error!(request = %id.short(), "A request cannot be taken up: {words}.");
                None
            }
        }
    }

    fn read(&self, found: OpenPurchase) -> Result<Open, String> {
        let event = Event::from_json(&found.event_json).map_err(|error| error.to_string())?;
        let keys = match &found.secret {
            Some(secret) => Keys::new(SecretKey::from_slice(&secret.0).map_err(|error| error.to_string())?),
            None => self.context.identity.nostr_keys().clone(),
        };
        Ok(Open::new(found.row, keys, event))
    }
}
