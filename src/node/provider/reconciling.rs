//! The wallet's list held against the ledger's unpaid invoices: what was paid while nobody listened.
//!
//! Only a list that was read to its end says that something is not in it. Where it is too long for that, the wallet is
//! asked for each invoice by itself.

use std::collections::HashSet;

use super::Context;
use crate::domain::ids::PaymentHash;
use crate::domain::payment::{Direction, Payment};
use crate::domain::time::UnixMs;
use crate::wallet::{PaymentKey, PaymentsQuery, Wallet};

/// Money that comes later than this is found by nobody but the operator.
const LOOKED_FOR_MS: u64 = 30 * 86_400_000;
/// A list is read no further than this: a wallet that never ends must not hold up the provider.
const MOST_PAGES: usize = 200;
/// How far the wallet's clock may be behind ours.
const SLACK_MS: u64 = 600_000;

impl Context {
    /// What of the unpaid invoices is paid by the wallet's list, and whether all of them were looked for.
    pub(super) async fn reconcile(&self, wallet: &dyn Wallet) -> (Vec<PaymentHash>, bool) {
        let since = self.clock.now().minus_ms(LOOKED_FOR_MS);
        let open = match self.store.open_invoices(since).await {
            Ok(open) => open,
            Err(error) => {
                self.ledger_fault("the unpaid invoices", &error);
                return (Vec::new(), false);
            }
        };
        let Some(oldest) = open.iter().map(|invoice| invoice.created_at).min() else { return (Vec::new(), true) };
        let hashes: HashSet<PaymentHash> = open.iter().map(|invoice| invoice.hash).collect();
        let mut paid = Vec::new();
        let mut query = PaymentsQuery::default();
        for _ in 0..MOST_PAGES {
            let page = match wallet.payments(query.clone()).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!("The wallet's list could not be read: {error}. It is tried again.");
                    return (paid, false);
                }
            };
            let received = page.payments.iter().filter(|payment| is_received(payment));
            paid.extend(received.filter_map(|payment| payment.hash).filter(|hash| hashes.contains(hash)));
            match page.next {
                Some(next) if may_hold_more(&next, oldest) => query.before = Some(next),
                _ => return (paid, true),
            }
        }
        tracing::warn!("The wallet's list goes on after {MOST_PAGES} pages: it is asked for each unpaid invoice instead.");
        let missing: Vec<PaymentHash> = hashes.into_iter().filter(|hash| !paid.contains(hash)).collect();
        let (found, complete) = look_up(wallet, &missing).await;
        paid.extend(found);
        (paid, complete)
    }
}

/// Which of these the wallet's own records call paid, and whether it could say so of each.
async fn look_up(wallet: &dyn Wallet, hashes: &[PaymentHash]) -> (Vec<PaymentHash>, bool) {
    let mut paid = Vec::new();
    for hash in hashes {
        match wallet.payment(*hash).await {
            Ok(Some(payment)) if is_received(&payment) => paid.push(*hash),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("An unpaid invoice could not be looked up: {error}. It is tried again.");
                return (paid, false);
            }
        }
    }
    (paid, true)
}

fn is_received(payment: &Payment) -> bool {
    payment.direction == Direction::In && payment.is_settled()
}

/// Whether a payment of an invoice made at `oldest` or later may come after this place in the list. Nobody pays an invoice
/// before it is made, but the wallet may think so by its own clock.
fn may_hold_more(next: &PaymentKey, oldest: UnixMs) -> bool {
    next.0 >= oldest.minus_ms(SLACK_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_whose_clock_is_behind_is_read_far_enough() {
        let at = |secs| (UnixMs::from_secs(secs), String::new());
        let oldest = UnixMs::from_secs(10_000);
        assert!(may_hold_more(&at(10_000), oldest) && may_hold_more(&at(9_990), oldest), "seconds before our record of it");
        assert!(!may_hold_more(&at(9_000), oldest), "not the whole past");
    }
}
