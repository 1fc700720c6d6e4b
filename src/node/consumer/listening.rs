//! What the relays are asked for, and who hears what they send.

use nostr::{Event, EventId, Filter, Kind, Timestamp};

use super::Consumer;
use crate::nip90::{FEEDBACK, RESULTS, about, result_kind};
use crate::relay::SubscriptionName;
use crate::store::StoreError;

/// Offers and answers to our requests.
const ANSWERS: SubscriptionName = SubscriptionName("answers");
/// How far before the oldest request we ask: relays and providers have clocks of their own.
const OVERLAP_SECS: u64 = 60;
/// Requests that have ended and are still asked for. Asking anew costs every relay a search.
const MOST_ENDED: usize = 50;
/// Events that wait until the ledger can take them in.
const MOST_UNSTORED: usize = 256;

impl Consumer {
    /// Asks the relays for everything about our open requests, now and after each reconnect.
    pub(super) async fn listen(&mut self) {
        self.asked_at = self.context.clock.now();
        self.asked_for = self.open.keys().copied().collect();
        let Some(oldest) = self.open.values().map(|open| open.row.created_at).min() else {
            return self.context.relays.unsubscribe(ANSWERS).await;
        };
        let mut kinds: Vec<Kind> = self.open.values().map(|open| Kind::from(result_kind(open.row.kind))).collect();
        kinds.push(Kind::from(FEEDBACK));
        let ids = self.open.keys().map(|id| EventId::from_byte_array(id.0));
        let since = Timestamp::from(oldest.as_secs().saturating_sub(OVERLAP_SECS));
        let filter = Filter::new().kinds(kinds).events(ids).since(since);
        if let Err(error) = self.context.relays.subscribe(ANSWERS, filter).await {
            tracing::warn!("The relays could not be asked for answers: {error}.");
        }
    }

    /// A request has ended. The relays are told when it was the last one, or when many have ended.
    pub(super) async fn hush(&mut self) {
        let ended = self.asked_for.iter().filter(|id| !self.open.contains_key(*id)).count();
        if self.open.is_empty() || ended > MOST_ENDED {
            self.listen().await;
        }
    }

    /// Hears what has come. What the ledger cannot take in now is kept until it can: it may have been paid for, and the
    /// relays do not give it again. A restart asks them for everything.
    pub(super) async fn take_in(&mut self, event: Event) -> Result<(), StoreError> {
        let heard = self.hear(&event).await;
        if heard.is_err() {
            self.keep(event);
        }
        heard
    }

    fn keep(&mut self, event: Event) {
        if self.unstored.len() < MOST_UNSTORED {
            self.unstored.push(event);
        } else {
            // No room: the next time the relays are asked it comes again.
            self.context.relays.forget(&event);
        }
    }

    /// Takes up what the ledger could not do before, in order. Where it fails again the rest waits as well.
    pub(super) async fn try_again(&mut self) {
        let mut is_well = true;
        for id in std::mem::take(&mut self.unread) {
            is_well = is_well && self.look_at(id).await.inspect_err(still_failing).is_ok();
            if !is_well {
                self.unread.insert(id);
            }
        }
        for event in std::mem::take(&mut self.unstored) {
            is_well = is_well && self.hear_again(&event).await.inspect_err(still_failing).is_ok();
            if !is_well {
                self.keep(event);
            }
        }
    }

    /// Part of it may have been done the first time, so what follows from it is looked at in any case.
    async fn hear_again(&mut self, event: &Event) -> Result<(), StoreError> {
        self.hear(event).await?;
        match about(event) {
            Some(id) => self.look_at(id).await,
            None => Ok(()),
        }
    }

    async fn hear(&mut self, event: &Event) -> Result<(), StoreError> {
        let Some(id) = about(event) else { return Ok(()) };
        if !self.open.contains_key(&id) {
            // Should the request be taken up again, the relays are asked anew and this has to come through.
            self.context.relays.forget(event);
            return Ok(());
        }
        match event.kind.as_u16() {
            FEEDBACK => self.feedback(id, event).await,
            kind if RESULTS.contains(&kind) => self.result(id, event).await,
            _ => Ok(()),
        }
    }
}

fn still_failing(error: &StoreError) {
    tracing::debug!("What has come still cannot be written down: {error}.");
}
