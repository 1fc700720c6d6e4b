//! Printing of what concerns money.

use pylon_hud::config::LimitsConfig;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::payment::{Direction, Invoice, Payment, PaymentState};
use pylon_hud::domain::spend_lock::{SpendState, Spending};
use pylon_hud::node::Failure;
use pylon_hud::node::status::WalletView;
use pylon_hud::wallet::{PaymentsPage, SyncState};

use crate::args::Output;
use crate::report::{json, line, utc};

type Printed = Result<(), Failure>;

/// An amount in sats, to the millisat where there is a rest.
pub fn sats(amount: MilliSats) -> String {
    match amount.0 % 1_000 {
        0 => format!("{} sats", amount.0 / 1_000),
        rest => format!("{}.{rest:03} sats", amount.0 / 1_000),
    }
}

/// `pylon wallet balance`.
pub fn wallet(wallet: Option<&WalletView>, output: Output) -> Printed {
    if output.json {
        return json(&wallet);
    }
    let Some(WalletView { kind, snapshot }) = wallet else { return line("no wallet") };
    line(&format!("balance  {}", sats(snapshot.balance)))?;
    line(&format!("pending  {} in, {} out", sats(snapshot.pending_in), sats(snapshot.pending_out)))?;
    line(&format!("wallet   {kind} on {}, as of {}", snapshot.network.as_str(), utc(snapshot.as_of)))?;
    match &snapshot.sync {
        SyncState::Synced => Ok(()),
        SyncState::Syncing => line("         syncing: the balance may be an old one"),
        SyncState::Unreachable { reason } => line(&format!("         unreachable, so this is an old balance: {reason}")),
    }
}

/// An invoice, made or decoded.
pub fn invoice(invoice: &Invoice, output: Output) -> Printed {
    if output.json {
        return json(invoice);
    }
    line(&invoice.bolt11)?;
    let amount = invoice.amount.map_or_else(|| "any amount".to_owned(), sats);
    line(&format!("{amount} on {}, until {}", invoice.network.as_str(), utc(invoice.expires_at)))
}

/// `pylon wallet payments`.
pub fn payments(page: &PaymentsPage, output: Output) -> Printed {
    if output.json {
        return json(page);
    }
    if page.payments.is_empty() {
        return line("no payments");
    }
    page.payments.iter().try_for_each(|payment| line(&payment_line(payment)))
}

/// One payment.
pub fn payment(payment: &Payment, output: Output) -> Printed {
    if output.json { json(payment) } else { line(&payment_line(payment)) }
}

pub fn payment_line(payment: &Payment) -> String {
    let sign = match payment.direction {
        Direction::In => "+",
        Direction::Out => "-",
    };
    let state = match &payment.state {
        PaymentState::Pending => "pending".to_owned(),
        PaymentState::Settled { .. } => "settled".to_owned(),
        PaymentState::Failed { reason } => format!("failed: {reason}"),
    };
    let fee = if payment.fee.0 > 0 { format!(", fee {}", sats(payment.fee)) } else { String::new() };
    format!("{}  {sign}{}{fee}  {state}  {}", utc(payment.created_at), sats(payment.amount), payment.description)
}

/// `pylon wallet pin`.
pub fn spending(spending: &Spending, output: Output) -> Printed {
    if output.json {
        return json(spending);
    }
    line(&format!("spending {}", spending_words(spending)))?;
    line(&format!("PIN      {}", if spending.has_pin { "set" } else { "none" }))?;
    match spending.wait_until {
        Some(until) => line(&format!("         too many wrong PINs: none is tried before {}", utc(until))),
        None => Ok(()),
    }
}

/// How the lock on spending stands.
pub fn spending_words(spending: &Spending) -> String {
    match (spending.state, spending.open_until) {
        (SpendState::Locked, _) => "locked: nothing is paid".to_owned(),
        (SpendState::Open, Some(until)) => format!("open until {}", utc(until)),
        (SpendState::Open | SpendState::NoPin, _) => "open, within the limits".to_owned(),
    }
}

/// `pylon wallet limits`.
pub fn limits(limits: &LimitsConfig, output: Output) -> Printed {
    let rows = [
        ("limits.per_payment_sats", limits.per_payment_sats.0),
        ("limits.per_request_sats", limits.per_request_sats.0),
        ("limits.per_day_sats", limits.per_day_sats.0),
        ("limits.per_provider_day_sats", limits.per_provider_day_sats.0),
        ("limits.fee_percent", limits.fee_percent),
        ("limits.fee_floor_sats", limits.fee_floor_sats.0),
        ("limits.pin_above_sats", limits.pin_above_sats.0),
    ];
    if output.json {
        return json(&rows.iter().copied().collect::<std::collections::BTreeMap<_, _>>());
    }
    rows.iter().try_for_each(|(key, value)| line(&format!("{key:<30} {value}")))?;
    line("A day is any 24 hours. Change one with `pylon config set`.")
}
