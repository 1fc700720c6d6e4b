//! The money invariant: what the ledger says has moved is what the wallet says has moved, payment by payment.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use super::doctor::Finding;
use super::event::sentence;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Payment};
use crate::store::{BookedPayment, Booking, Reader};
use crate::wallet::{PaymentsQuery, Wallet, WalletError};

/// Payments asked for at once, and how many pages are read: more is told as not looked at.
const PAGE: u32 = 200;
const MOST_PAGES: usize = 500;
/// Between the two looks.
const AGAIN: Duration = Duration::from_secs(2);
const CHECK: &str = "money";
const HINT: &str = "Copy pylon.db aside before anything else, and compare it with the wallet's own list.";

/// Holds the ledger against the wallet's own list. What differs is looked at twice: a payment may settle between reading
/// the one and the other.
pub async fn audit(ledger: &Path, wallet: &dyn Wallet) -> Finding {
    let looked = match look(ledger, wallet).await {
        Ok((settled, problems)) if !problems.is_empty() => {
            tokio::time::sleep(AGAIN).await;
            look(ledger, wallet).await.map(|(_, again)| (settled, again.into_iter().filter(|problem| problems.contains(problem)).collect()))
        }
        looked => looked,
    };
    match looked {
        Ok((settled, problems)) => finding(settled, &problems),
        Err(finding) => finding,
    }
}

fn finding(settled: usize, problems: &[String]) -> Finding {
    if problems.is_empty() {
        return Finding::good(CHECK, format!("The ledger's {settled} settled payments are the wallet's, to the millisat."));
    }
    let shown = problems.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    let rest = if problems.len() > 3 { format!(" And {} more.", problems.len() - 3) } else { String::new() };
    Finding::bad(CHECK, format!("{shown}{rest}"), HINT)
}

/// How many payments are settled, and what differs.
async fn look(ledger: &Path, wallet: &dyn Wallet) -> Result<(usize, Vec<String>), Finding> {
    let unchecked = |detail: String| Finding::bad(CHECK, detail, "The payments could not be checked.");
    let path = ledger.to_owned();
    let booked = tokio::task::spawn_blocking(move || Reader::open(&path).and_then(|reader| reader.booked())).await;
    let booked = booked.map_err(|error| unchecked(format!("The check stopped: {error}.")))?;
    let booked = booked.map_err(|error| unchecked(sentence(&error)))?;
    let unread = |error| Finding::warning(CHECK, format!("The wallet's list could not be read: {error}."), "Try again when it answers.");
    let payments = list(wallet).await.map_err(unread)?;
    let settled = booked.iter().filter(|payment| payment.booking == Booking::Settled).count();
    Ok((settled, compare(&booked, &payments)))
}

async fn list(wallet: &dyn Wallet) -> Result<Vec<Payment>, WalletError> {
    let mut payments = Vec::new();
    let mut query = PaymentsQuery { before: None, limit: PAGE };
    for _ in 0..MOST_PAGES {
        let page = wallet.payments(query.clone()).await?;
        payments.extend(page.payments);
        match page.next {
            Some(next) => query.before = Some(next),
            None => return Ok(payments),
        }
    }
    Err(WalletError::Refused(format!("it has more than {} payments", MOST_PAGES * PAGE as usize)))
}

/// Everything that differs, a sentence each. What only the wallet knows is the operator's own business, unless it pays an
/// invoice of a job.
fn compare(booked: &[BookedPayment], wallet: &[Payment]) -> Vec<String> {
    let mut known: HashMap<(PaymentHash, Direction), &Payment> = HashMap::new();
    for payment in wallet.iter().filter(|payment| payment.is_settled()) {
        if let Some(hash) = payment.hash {
            known.insert((hash, payment.direction), payment);
        }
    }
    booked.iter().filter_map(|booked| differs(booked, known.get(&(booked.hash, booked.direction)).copied())).collect()
}

fn differs(booked: &BookedPayment, settled: Option<&Payment>) -> Option<String> {
    let name = &booked.hash.short();
    let sats = |msats: MilliSats| format!("{} msats", msats.0);
    match (booked.booking, settled) {
        (Booking::Settled, None) => Some(format!("The ledger has {name} as settled and the wallet does not.")),
        (Booking::Settled, Some(payment)) if payment.amount != booked.amount => {
            Some(format!("{name} is {} in the ledger and {} in the wallet.", sats(booked.amount), sats(payment.amount)))
        }
        (Booking::Settled, Some(payment)) if booked.direction == Direction::Out && payment.fee != booked.fee => {
            Some(format!("The fee of {name} is {} in the ledger and {} in the wallet.", sats(booked.fee), sats(payment.fee)))
        }
        (Booking::Open, Some(_)) => Some(format!("The wallet has {name} as settled and the ledger does not.")),
        (Booking::Failed, Some(_)) => Some(format!("The wallet has {name} as settled and the ledger as failed.")),
        (Booking::Settled, Some(_)) | (Booking::Open | Booking::Failed, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payment::PaymentState;
    use crate::domain::time::UnixMs;

    fn booked(direction: Direction, booking: Booking) -> BookedPayment {
        BookedPayment { hash: PaymentHash([1; 32]), direction, amount: MilliSats(3_000), fee: MilliSats(7), booking }
    }

    fn settled(direction: Direction, amount: u64, fee: u64) -> Payment {
        Payment {
            id: "1".into(),
            direction,
            state: PaymentState::Settled { at: UnixMs(0) },
            amount: MilliSats(amount),
            fee: MilliSats(fee),
            hash: Some(PaymentHash([1; 32])),
            preimage: None,
            created_at: UnixMs(0),
            description: String::new(),
        }
    }

    #[test]
    fn what_agrees_is_no_problem() {
        let (ins, outs) = (booked(Direction::In, Booking::Settled), booked(Direction::Out, Booking::Settled));
        let wallet = [settled(Direction::In, 3_000, 0), settled(Direction::Out, 3_000, 7)];
        assert_eq!(compare(&[ins, outs], &wallet), Vec::<String>::new());
        assert_eq!(compare(&[booked(Direction::In, Booking::Open), booked(Direction::Out, Booking::Failed)], &[]), Vec::<String>::new());
    }

    #[test]
    fn every_seeded_fault_is_found() {
        let one = |direction, booking, wallet: &[Payment]| compare(&[booked(direction, booking)], wallet).len();
        assert_eq!(one(Direction::In, Booking::Settled, &[]), 1, "booked and never paid");
        assert_eq!(one(Direction::In, Booking::Open, &[settled(Direction::In, 3_000, 0)]), 1, "paid and never booked");
        assert_eq!(one(Direction::In, Booking::Settled, &[settled(Direction::In, 2_999, 0)]), 1, "a millisat is missing");
        assert_eq!(one(Direction::Out, Booking::Settled, &[settled(Direction::Out, 3_000, 8)]), 1, "another fee");
        assert_eq!(one(Direction::Out, Booking::Failed, &[settled(Direction::Out, 3_000, 7)]), 1, "failed and paid all the same");
        assert_eq!(one(Direction::Out, Booking::Settled, &[settled(Direction::In, 3_000, 7)]), 1, "the wrong way");
    }
}
