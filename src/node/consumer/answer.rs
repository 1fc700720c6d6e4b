//! Answers: whose is taken, and what it costs.

use nostr::Event;

use super::Consumer;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::purchase::PurchaseState;
use crate::nip90::amount::Amount;
use crate::nip90::result::{self, JobResult};
use crate::store::{StoreError, TakenAnswer};

impl Consumer {
    pub(super) async fn result(&mut self, id: JobId, event: &Event) -> Result<(), StoreError> {
        let author = Pubkey(event.pubkey.to_bytes());
        if !self.is_awaited_from(id, author).await? {
            tracing::debug!(request = %id.short(), "An answer of somebody else is not taken.");
            return Ok(());
        }
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        let answer = match result::parse(event, Some(&open.keys)) {
            Ok(answer) => answer,
            Err(error) => return self.note_unreadable(id, &error.to_string()).await,
        };
        self.take_answer(id, event, answer).await
    }

    /// An answer that is awaited and cannot be read. Of an open request that could be anybody's nonsense.
    async fn note_unreadable(&mut self, id: JobId, error: &str) -> Result<(), StoreError> {
        let Some(open) = self.open.get(&id) else { return Ok(()) };
        if open.row.provider.or(open.row.target).is_none() {
            tracing::debug!(request = %id.short(), "An answer cannot be read: {error}.");
            return Ok(());
        }
        tracing::warn!(request = %id.short(), "The provider's answer cannot be read: {error}.");
        let words = format!("The provider's answer cannot be read: {error}. A readable one is still taken.");
        let row = self.context.store.note_purchase(id, "unreadable-answer", words).await?;
        self.moved(row).await;
        Ok(())
    }

    /// Whoever is paid, or has offered the invoice that is, or was asked; of an open request, anybody but ourselves.
    async fn is_awaited_from(&self, id: JobId, author: Pubkey) -> Result<bool, StoreError> {
        let Some(open) = self.open.get(&id) else { return Ok(false) };
        Ok(match (open.row.provider, open.row.target) {
            (Some(paid), _) => paid == author || self.context.store.shares_payment(id, author).await?,
            (None, Some(target)) => target == author,
            (None, None) => author != self.context.me,
        })
    }

    async fn take_answer(&mut self, id: JobId, event: &Event, answer: JobResult) -> Result<(), StoreError> {
        let owes = |open: &super::Open| matches!(open.row.state, PurchaseState::Drafted | PurchaseState::Published) && !open.is_paying;
        let bill = answer.amount.filter(|amount| amount.invoice.is_some() && self.open.get(&id).is_some_and(owes));
        let has_bill = match &bill {
            Some(bill) => self.is_good(id, answer.author, bill).await?,
            None => false,
        };
        let Some(text) = answer.text else { return Ok(()) };
        let taken = TakenAnswer { provider: answer.author, event_id: event.id.to_bytes(), text, has_bill };
        if let Some(row) = self.context.store.take_answer(id, taken, self.context.clock.now()).await? {
            self.moved(row).await;
            self.choose(id, false).await?;
        }
        Ok(())
    }

    /// Whether the invoice that came with an answer is one that could be paid.
    async fn is_good(&mut self, id: JobId, provider: Pubkey, bill: &Amount) -> Result<bool, StoreError> {
        self.offered(id, provider, bill).await?;
        let bolt11 = bill.invoice.as_deref().unwrap_or_default();
        let offers = self.context.store.offers(id).await?;
        Ok(offers.iter().any(|offer| offer.provider == provider && offer.bolt11 == bolt11 && offer.flaw.is_none()))
    }
}
