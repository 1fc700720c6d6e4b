//! `pylon job`: buying.

use std::time::Duration;

use pylon_hud::domain::money::Sats;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::{Ask, Failure, NodeCommand, NodeEvent};
use pylon_hud::store::{PurchaseDetail, PurchaseRow};

use crate::args::{JobVerb, Pay, Submit};
use crate::purchases;
use crate::talk::{ANSWER, Place, unexpected};

/// Between two looks at a request that is waited for.
const LOOK: Duration = Duration::from_millis(200);

/// Does what the verb says. Questions are answered by the ledger, also while the node is stopped.
pub fn run(place: &Place, verb: JobVerb) -> Result<(), Failure> {
    match verb {
        JobVerb::Submit(submit) => ask(place, &submit),
        JobVerb::Pay { id, provider, output } => {
            let row = row(place, NodeCommand::PayOffer { request: id, provider })?;
            purchases::paying(&row, output)
        }
        JobVerb::Status { id, output } => purchases::detail(&detail(place, id)?, output),
        JobVerb::Cancel { id, output } => purchases::row(&row(place, NodeCommand::CancelRequest { request: id })?, output),
        JobVerb::List { limit, output } => match place.ask(NodeCommand::Purchases { before: None, limit }, ANSWER)? {
            NodeEvent::Purchases { page } => purchases::page(&page, output),
            event => Err(unexpected(&event)),
        },
    }
}

fn ask(place: &Place, submit: &Submit) -> Result<(), Failure> {
    let ask = Ask {
        prompt: submit.prompt.clone(),
        model: submit.model.clone(),
        provider: submit.provider,
        bid: submit.bid.map(Sats),
        max_tokens: submit.max_tokens,
        encrypted: submit.encrypt,
        auto_pay: submit.pay.map(policy),
        timeout_secs: None,
    };
    let row = row(place, NodeCommand::Submit { ask: Box::new(ask) })?;
    if !submit.wait {
        return purchases::row(&row, submit.output);
    }
    let ended = wait(place, &row)?;
    purchases::detail(&ended, submit.output)?;
    match (ended.row.state, ended.answer.is_some()) {
        (_, true) => Ok(()),
        (PurchaseState::Published, _) => {
            let hint = format!("Pay the cheapest with `pylon job pay {}`.", ended.row.id.short());
            Err(Failure::user("An offer waits for your decision.").hint(hint))
        }
        (state, false) => Err(Failure::user(format!("The request is {state} and has no answer."))),
    }
}

const fn policy(pay: Pay) -> AutoPay {
    match pay {
        Pay::Ask => AutoPay::Ask,
        Pay::Cheapest => AutoPay::Cheapest,
        Pay::First => AutoPay::First,
    }
}

/// Looks until the request has its answer, has ended, or needs somebody to decide. The node gives it up in its own time.
fn wait(place: &Place, row: &PurchaseRow) -> Result<PurchaseDetail, Failure> {
    loop {
        let detail = detail(place, row.id.to_string())?;
        let decides = row.auto_pay == AutoPay::Ask
            && detail.row.state == PurchaseState::Published
            && detail.offers.iter().any(|offer| offer.flaw.is_none());
        if detail.answer.is_some() || detail.row.state.is_final() || decides {
            return Ok(detail);
        }
        std::thread::sleep(LOOK);
    }
}

fn detail(place: &Place, id: String) -> Result<PurchaseDetail, Failure> {
    match place.ask(NodeCommand::Purchase { request: id }, ANSWER)? {
        NodeEvent::Purchase { purchase } => Ok(*purchase),
        event => Err(unexpected(&event)),
    }
}

fn row(place: &Place, command: NodeCommand) -> Result<PurchaseRow, Failure> {
    match place.ask_running(command, ANSWER)? {
        NodeEvent::PurchaseChanged { purchase } => Ok(*purchase),
        event => Err(unexpected(&event)),
    }
}
