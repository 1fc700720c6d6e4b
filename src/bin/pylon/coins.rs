//! Printing of what only some wallets have: quotes, addresses, deposits, how they are.

use pylon_hud::node::{Failure, Quote};
use pylon_hud::wallet::{AddressKind, Claimed, Deposit, DestinationKind, Health, Helper};

use crate::args::Output;
use crate::money::sats;
use crate::report::{json, line, utc};

type Printed = Result<(), Failure>;

/// What is about to be paid.
pub fn quote(quote: &Quote) -> Printed {
    let kind = match quote.kind {
        DestinationKind::Invoice => "invoice",
        DestinationKind::Spark => "Spark address",
        DestinationKind::OnChain => "bitcoin address",
    };
    line(&format!("to       {kind} on {}: {}", quote.network.as_str(), quote.to))?;
    if !quote.description.is_empty() {
        line(&format!("for      {}", quote.description))?;
    }
    line(&format!("amount   {} sats", quote.sats.0))?;
    line(&format!("fee      up to {} sats", quote.fee.0))?;
    if let Some(at) = quote.expires_at {
        line(&format!("until    {}", utc(at)))?;
    }
    quote.warnings.iter().try_for_each(|warning| line(&format!("! {warning}")))
}

/// `pylon wallet receive --spark` and `--onchain`.
pub fn address(kind: AddressKind, address: &str, output: Output) -> Printed {
    if output.json {
        return json(&serde_json::json!({ "kind": kind, "address": address }));
    }
    line(address)?;
    match kind {
        AddressKind::Spark => Ok(()),
        AddressKind::OnChain => line("What arrives there has to be claimed: `pylon wallet deposits`."),
    }
}

/// `pylon wallet address`.
pub fn lightning_address(address: Option<&str>, output: Output) -> Printed {
    if output.json {
        return json(&serde_json::json!({ "address": address }));
    }
    line(address.unwrap_or("no Lightning address"))
}

/// `pylon wallet deposits`.
pub fn deposits(deposits: &[Deposit], output: Output) -> Printed {
    if output.json {
        return json(&deposits);
    }
    if deposits.is_empty() {
        return line("no deposits");
    }
    deposits.iter().try_for_each(|deposit| {
        let state = match (&deposit.refund, deposit.is_mature) {
            (Some(txid), _) => format!("sent back in {txid}"),
            (None, true) => "can be claimed".to_owned(),
            (None, false) => "waits for confirmations".to_owned(),
        };
        let problem = deposit.problem.as_deref().map(|problem| format!(" ({problem})")).unwrap_or_default();
        line(&format!("{}  {}  {state}{problem}", deposit.id, sats(deposit.amount)))
    })
}

/// `pylon wallet deposits claim`.
pub fn claimed(claimed: &Claimed, output: Output) -> Printed {
    if output.json {
        return json(claimed);
    }
    match claimed {
        Claimed::Settled { amount } => line(&format!("{} are part of the balance.", sats(*amount))),
        Claimed::UnderWay => line("It is being claimed; the balance will show it."),
        Claimed::Deferred { why } => line(&format!("It is not claimed yet: {why}.")),
    }
}

/// `pylon wallet deposits refund`.
pub fn refunded(txid: &str, output: Output) -> Printed {
    if output.json { json(&serde_json::json!({ "txid": txid })) } else { line(&format!("It is sent back in {txid}.")) }
}

/// `pylon wallet status`.
pub fn health(health: Option<&Health>, output: Output) -> Printed {
    if output.json {
        return json(&health);
    }
    let Some(health) = health else { return line("The wallet is one program with nothing more to tell; see `pylon wallet`.") };
    let helper = match &health.helper {
        Helper::Starting => "starting".to_owned(),
        Helper::Running { pid } => format!("running as process {pid}"),
        Helper::Restarting { why } => format!("restarting: {why}"),
        Helper::Refused { why } => format!("does not open the wallet: {why}"),
    };
    line(&format!("helper   {helper}, started again {} times", health.restarts))?;
    if let Some(version) = &health.version {
        line(&format!("library  Spark {version}"))?;
    }
    if let Some(identity) = &health.identity {
        line(&format!("wallet   {identity}"))?;
    }
    let reach = match (&health.trouble, health.is_online) {
        (_, true) => "reached".to_owned(),
        (Some(trouble), false) => format!("not reached: {trouble}"),
        (None, false) => "not reached yet".to_owned(),
    };
    let service = health.service.as_deref().map(|service| format!("; the service says it is {service}")).unwrap_or_default();
    line(&format!("network  {}, {reach}{service}", health.network.as_str()))
}
