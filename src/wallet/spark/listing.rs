//! Payments, one by one and page by page.
//!
//! The library counts pages in seconds and offsets; the port's pages end at one payment exactly. So the library is asked
//! from that payment's second on, until a whole second lies behind the page's last one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::desk::Desk;
use super::journal::Outgoing;
use super::protocol::{Answer, Call, Entry};
use super::receiving::astray;
use super::record;
use crate::domain::ids::PaymentHash;
use crate::domain::payment::Payment;
use crate::domain::time::UnixMs;
use crate::wallet::{PaymentKey, PaymentsPage, PaymentsQuery, WalletError};

/// Payments asked for at a time.
const AT_A_TIME: u32 = 200;

impl Desk {
    /// The record of a payment; ours where the library has none.
    pub async fn payment(self: &Arc<Self>, hash: PaymentHash) -> Result<Option<Payment>, WalletError> {
        let ours = self.records.read(|book| book.of_hash(&hash).cloned());
        let recorded = ours.as_ref().and_then(Outgoing::payment);
        if recorded.as_ref().is_some_and(Payment::is_settled) {
            return Ok(recorded);
        }
        let id = match &ours {
            Some(outgoing) => Some(record::id(outgoing.key)),
            None => self.incoming(&hash)?,
        };
        let Some(id) = id else { return Ok(None) };
        let entry = match self.ask(Call::Payment { id }, self.limits.local).await {
            Ok(Answer::Payment(entry)) => entry,
            // What we have begun is on its way until the library says otherwise.
            Ok(_) | Err(_) if recorded.is_some() => return Ok(recorded),
            Ok(_) => return Err(astray()),
            Err(error) => return Err(error.into_error()),
        };
        match (ours, entry) {
            (Some(outgoing), Some(entry)) => {
                let payment = record::payment(&entry, Some(&outgoing));
                let may_end = record::is_about(&entry, &outgoing) && outgoing.may_end_as(&payment);
                Ok(if may_end { Some(self.conclude(&outgoing, payment).await) } else { recorded })
            }
            (None, Some(entry)) => Ok(Some(record::payment(&entry, None))),
            (_, None) => Ok(recorded),
        }
    }

    /// Payments, newest first. What the library does not list and we know of is among them.
    pub async fn list(&self, query: PaymentsQuery) -> Result<PaymentsPage, WalletError> {
        let limit = query.limit as usize;
        if limit == 0 {
            return Ok(PaymentsPage::default());
        }
        let is_older = |payment: &Payment| query.before.as_ref().is_none_or(|before| order(payment) > order_of(before));
        // Its own second is in it: the library's "before" leaves that out.
        let before_secs = query.before.as_ref().map(|(at, _)| at.as_secs().saturating_add(1));
        let mut found: HashMap<String, Payment> = HashMap::new();
        // Everything after this point has been seen.
        let mut seen_until: Option<UnixMs> = None;
        let mut offset = 0;
        loop {
            let entries = self.ask_for_list(before_secs, offset).await?;
            let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            seen_until = entries.iter().map(|entry| UnixMs::from_secs(entry.at_secs)).min().or(seen_until);
            for entry in &entries {
                let payment = self.records.read(|book| match book.of_id(&entry.id) {
                    // A record under our key that is about something else is none.
                    Some(outgoing) if !record::is_about(entry, outgoing) => outgoing.payment(),
                    ours => Some(record::payment(entry, ours)),
                });
                let Some(payment) = payment else { continue };
                found.insert(payment.id.clone(), payment);
            }
            if count < AT_A_TIME {
                seen_until = None;
                break;
            }
            let complete = found.values().filter(|payment| is_older(payment) && Some(payment.created_at) > seen_until).count();
            if complete > limit {
                break;
            }
            offset += count;
        }
        for payment in self.records.read(|book| book.unlisted()) {
            found.entry(payment.id.clone()).or_insert(payment);
        }
        let is_seen = |payment: &Payment| seen_until.is_none_or(|until| payment.created_at > until);
        let mut payments: Vec<Payment> = found.into_values().filter(|payment| is_older(payment) && is_seen(payment)).collect();
        payments.sort_by_key(order);
        let is_more = payments.len() > limit || seen_until.is_some();
        payments.truncate(limit);
        let next = payments.last().filter(|_| is_more).map(|last| (last.created_at, last.id.clone()));
        Ok(PaymentsPage { payments, next })
    }

    async fn ask_for_list(&self, before_secs: Option<u64>, offset: u32) -> Result<Vec<Entry>, WalletError> {
        match self.ask(Call::Payments { before_secs, offset, limit: AT_A_TIME }, self.limits.local).await {
            Ok(Answer::Payments(entries)) => Ok(entries),
            Ok(_) => Err(astray()),
            Err(error) => Err(error.into_error()),
        }
    }
}

/// Newest first, then by name.
fn order(payment: &Payment) -> (Reverse<UnixMs>, String) {
    (Reverse(payment.created_at), payment.id.clone())
}

fn order_of((at, id): &PaymentKey) -> (Reverse<UnixMs>, String) {
    (Reverse(*at), id.clone())
}
