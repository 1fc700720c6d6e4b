//! Payments, page by page.
//!
//! NIP-47 counts pages in seconds and offsets; the port's pages end at one payment exactly. So the wallet is asked from
//! that payment's second on, until a whole second lies behind the page's last one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Desk;
use super::transaction;
use crate::domain::ids::PaymentHash;
use crate::domain::payment::{Direction, Payment};
use crate::domain::time::UnixMs;
use crate::wallet::{PaymentKey, PaymentsPage, PaymentsQuery, WalletError};

/// Payments asked for at a time: what fits into one event, by NIP-47's own advice.
const AT_A_TIME: u64 = 20;
/// Requests for one page at most.
const MOST_REQUESTS: usize = 500;
/// How far a wallet's clock may be from ours, in milliseconds.
const SLACK_MS: u64 = 600_000;

impl Desk {
    /// Payments, newest first. What the wallet does not list and we know of is among them.
    pub async fn list(self: &Arc<Self>, query: PaymentsQuery) -> Result<PaymentsPage, WalletError> {
        let limit = query.limit as usize;
        if limit == 0 {
            return Ok(PaymentsPage::default());
        }
        let mut found: HashMap<String, Payment> = HashMap::new();
        let mut heard = HashSet::new();
        let is_older = |payment: &Payment| query.before.as_ref().is_none_or(|before| order(payment) > order_of(before));
        // Everything after this point has been seen.
        let mut seen_until = None;
        let mut offset = 0;
        let mut is_read = false;
        for _ in 0..MOST_REQUESTS {
            let listed = self.ask_for_list(query.before.as_ref(), offset).await?;
            let (got, known) = (listed.len() as u64, heard.len());
            let mut oldest: Option<UnixMs> = None;
            for value in &listed {
                let at = value.get("created_at").and_then(Value::as_u64).map(UnixMs::from_secs);
                oldest = match (oldest, at) {
                    (Some(oldest), Some(at)) => Some(oldest.min(at)),
                    (oldest, at) => oldest.or(at),
                };
                heard.insert(format!("{:?} {:?}", value.get("type"), value.get("payment_hash")));
                if let Some(payment) = transaction::read(value, self.guess(value)) {
                    found.insert(payment.id.clone(), payment);
                }
            }
            // The end; or a wallet that begins anew there.
            if heard.len() == known {
                (seen_until, is_read) = (None, true);
                break;
            }
            offset += got;
            seen_until = oldest;
            let complete = found.values().filter(|payment| is_older(payment) && Some(payment.created_at) > seen_until).count();
            if complete > limit {
                is_read = true;
                break;
            }
        }
        if !is_read {
            // What was not read may hold payments, so this is no page.
            let words = format!("its list of payments has no end after {MOST_REQUESTS} requests; look into the wallet itself");
            return Err(WalletError::Refused(words));
        }
        for payment in self.records.read(|book| book.unlisted()) {
            found.entry(payment.id.clone()).or_insert(payment);
        }
        let is_seen = |payment: &Payment| seen_until.is_none_or(|until| payment.created_at > until);
        let mut payments: Vec<Payment> = found.into_values().filter(|payment| is_older(payment) && is_seen(payment)).collect();
        payments.sort_by_key(order);
        let is_more = payments.len() > limit;
        payments.truncate(limit);
        let next = payments.last().filter(|_| is_more).map(|last| (last.created_at, last.id.clone()));
        Ok(PaymentsPage { payments, next })
    }

    /// The hashes of what the wallet lists as sent since then, pending or not; `None`: it does not come to an end.
    pub async fn sent_since(&self, since: UnixMs) -> Result<Option<HashSet<PaymentHash>>, WalletError> {
        // Clocks differ.
        let from = since.minus_ms(SLACK_MS).as_secs();
        let mut hashes = HashSet::new();
        let mut offset = 0;
        for _ in 0..MOST_REQUESTS {
            let params = json!({ "limit": AT_A_TIME, "offset": offset, "from": from, "unpaid": true, "type": "outgoing" });
            let listed = self.ask_for(params).await?;
            let known = hashes.len();
            hashes.extend(listed.iter().filter_map(|value| value.get("payment_hash")?.as_str()?.parse::<PaymentHash>().ok()));
            // The end; or a wallet that begins anew there.
            if (listed.len() as u64) < AT_A_TIME || hashes.len() == known {
                return Ok(Some(hashes));
            }
            offset += listed.len() as u64;
        }
        Ok(None)
    }

    /// Which way a payment went that does not say: out, if we have paid its invoice.
    fn guess(&self, value: &Value) -> Direction {
        let hash = value.get("payment_hash").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let tried = hash.is_some_and(|hash| self.records.read(|book| book.was_tried(&hash)));
        if tried { Direction::Out } else { Direction::In }
    }

    async fn ask_for_list(&self, before: Option<&PaymentKey>, offset: u64) -> Result<Vec<Value>, WalletError> {
        let mut params = json!({ "limit": AT_A_TIME, "offset": offset, "unpaid": false });
        if let Some((at, _)) = before {
            // One more, as some wallets leave the last second out.
            params["until"] = json!(at.as_secs().saturating_add(1));
        }
        self.ask_for(params).await
    }

    async fn ask_for(&self, params: Value) -> Result<Vec<Value>, WalletError> {
        let mut value = self.wire.ask("list_transactions", params).await.map_err(|error| error.into_error("listing payments"))?;
        match value.get_mut("transactions").map(Value::take) {
            Some(Value::Array(listed)) => Ok(listed),
            _ => Err(WalletError::Unreachable("its answer is no list of payments".to_owned())),
        }
    }
}

/// Newest first, then by name.
fn order(payment: &Payment) -> (std::cmp::Reverse<UnixMs>, String) {
    (std::cmp::Reverse(payment.created_at), payment.id.clone())
}

fn order_of((at, id): &PaymentKey) -> (std::cmp::Reverse<UnixMs>, String) {
    (std::cmp::Reverse(*at), id.clone())
}
