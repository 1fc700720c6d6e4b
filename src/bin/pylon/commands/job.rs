//! `pylon job`: buying.
//!
//! Where no node runs, the command is a node itself until it ends. Nobody listens after that, so it waits for what a
//! running node would hear: until a relay has the request, and for the answer once money is on its way.

use std::time::{Duration, Instant};

use pylon_hud::domain::ids::Pubkey;
use pylon_hud::domain::money::Sats;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::{Ask, Failure, Market, NodeCommand, NodeEvent, RobotKind};
use pylon_hud::store::{Offer, PurchaseDetail, PurchaseRow};

use crate::args::{Job, JobVerb, Output, Pay, PinFrom, Submit, Unlock};
use crate::errand::Errand;
use crate::talk::{ANSWER, Place, unexpected};
use crate::{pin, purchases, report};

/// Between two looks at a request that is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// How long a request may take to reach a relay, and a relay to bring an offer.
const REACH: Duration = Duration::from_secs(30);
/// How long a withdrawal may take to reach a relay before its node leaves.
const WITHDRAW: Duration = Duration::from_secs(5);

/// Does what the verb says. Questions are answered by the ledger, also while the node is stopped.
pub fn run(place: &Place, job: Job) -> Result<(), Failure> {
    match job.verb {
        JobVerb::Submit(submit) => ask(place, &submit, &job.unlock),
        JobVerb::Pay { id, provider, pin, output } => pay(place, id, provider, pin, output, &job.unlock),
        JobVerb::Status { id, output } => match place.ask(NodeCommand::Purchase { request: id }, ANSWER)? {
            NodeEvent::Purchase { purchase } => purchases::detail(&purchase, output),
            event => Err(unexpected(&event)),
        },
        JobVerb::Cancel { id, output } => cancel(place, id, output, &job.unlock),
        JobVerb::List { limit, output } => match place.ask(NodeCommand::Purchases { before: None, limit }, ANSWER)? {
            NodeEvent::Purchases { page } => purchases::page(&page, output),
            event => Err(unexpected(&event)),
        },
    }
}

fn ask(place: &Place, submit: &Submit, unlock: &Unlock) -> Result<(), Failure> {
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
    let mut errand = Errand::begin(place, unlock)?;
    if errand.is_own() && place.market == Market::Practice {
        // There is nobody else in a market of our own.
        errand.ask(NodeCommand::StartRobot { robot: RobotKind::Seller }, ANSWER)?;
    }
    let row = row(&mut errand, NodeCommand::Submit { ask: Box::new(ask) })?;
    if submit.wait {
        return ended(&wait(&mut errand, &row)?, submit.output);
    }
    if !errand.is_own() {
        return purchases::row(&row, submit.output);
    }
    if row.auto_pay != AutoPay::Ask {
        report::aside("No node runs, so this waits for the answer that is going to be paid for. Ctrl-C leaves it to the next start.");
        return ended(&wait(&mut errand, &row)?, submit.output);
    }
    let sent = until(&mut errand, &row, REACH, |request| request.row.state != PurchaseState::Drafted)?;
    purchases::row(&sent.row, submit.output)?;
    let id = sent.row.id.short();
    report::aside(&match sent.row.state {
        PurchaseState::Drafted => {
            format!("No relay has taken it yet; a node that runs goes on trying: `pylon start`, or `pylon job pay {id}`.")
        }
        _ => format!("No node runs, so nobody hears the offers. `pylon job pay {id}` listens for one and pays it; so does `pylon start`."),
    });
    Ok(())
}

const fn policy(pay: Pay) -> AutoPay {
    match pay {
        Pay::Ask => AutoPay::Ask,
        Pay::Cheapest => AutoPay::Cheapest,
        Pay::First => AutoPay::First,
    }
}

fn pay(place: &Place, id: String, provider: Option<Pubkey>, pin: PinFrom, output: Output, unlock: &Unlock) -> Result<(), Failure> {
    let mut errand = Errand::begin(place, unlock)?;
    if !errand.is_own() {
        return purchases::paying(&take(&mut errand, id, provider, pin)?, output);
    }
    let request = detail(&mut errand, id)?.row;
    let is_wanted = |offer: &Offer| offer.flaw.is_none() && provider.is_none_or(|wanted| wanted == offer.provider);
    // It was sent by another process, and the relays have kept what was said since.
    let found = until(&mut errand, &request, REACH, |request| is_over(request) || request.offers.iter().any(is_wanted))?;
    if is_over(&found) {
        return ended(&found, output);
    }
    take(&mut errand, request.id.to_string(), provider, pin)?;
    report::aside("No node runs, so this waits for the answer. Ctrl-C leaves it to the next start.");
    let begun = until(&mut errand, &request, REACH, |request| has_begun(request) || request.row.state.is_final())?;
    if !has_begun(&begun) && !begun.row.state.is_final() {
        return Err(unpaid(&begun.row));
    }
    let paid = until(&mut errand, &request, Duration::MAX, |request| is_over(request) || !has_begun(request))?;
    if is_over(&paid) { ended(&paid, output) } else { Err(unpaid(&paid.row)) }
}

/// Money is on its way, or has arrived.
const fn has_begun(request: &PurchaseDetail) -> bool {
    matches!(request.row.state, PurchaseState::Paying | PurchaseState::Paid | PurchaseState::Answered)
}

fn unpaid(row: &PurchaseRow) -> Failure {
    let why = row.reason.clone().unwrap_or_else(|| "The payment has not begun.".to_owned());
    Failure::user(format!("Nothing was paid. {why}")).hint(format!("See the offers with `pylon job status {}`.", row.id.short()))
}

fn cancel(place: &Place, id: String, output: Output, unlock: &Unlock) -> Result<(), Failure> {
    let mut errand = Errand::begin(place, unlock)?;
    let row = row(&mut errand, NodeCommand::CancelRequest { request: id })?;
    if errand.is_own() && row.state == PurchaseState::Cancelled {
        withdrawn(&mut errand)?;
    }
    purchases::row(&row, output)
}

/// Waits until a relay has taken the withdrawal, the one thing this node has to say; not for long, as it is a courtesy.
fn withdrawn(errand: &mut Errand) -> Result<(), Failure> {
    let end = Instant::now() + WITHDRAW;
    while Instant::now() < end {
        match errand.ask(NodeCommand::Relays, ANSWER)? {
            NodeEvent::Relays { relays } if relays.iter().any(|relay| relay.accepted > 0) => return Ok(()),
            _ => std::thread::sleep(LOOK),
        }
    }
    Ok(())
}

/// Looks until the request has its answer, has ended, or needs somebody to decide. The node gives it up in its own time.
fn wait(errand: &mut Errand, row: &PurchaseRow) -> Result<PurchaseDetail, Failure> {
    let asks = row.auto_pay == AutoPay::Ask;
    until(errand, row, Duration::MAX, |request| is_over(request) || (asks && decides(request)))
}

fn is_over(request: &PurchaseDetail) -> bool {
    request.answer.is_some() || request.row.state.is_final()
}

fn decides(request: &PurchaseDetail) -> bool {
    request.row.state == PurchaseState::Published && request.offers.iter().any(|offer| offer.flaw.is_none())
}

/// Looks until it is so, or so much time is over.
fn until(
    errand: &mut Errand,
    row: &PurchaseRow,
    limit: Duration,
    is_so: impl Fn(&PurchaseDetail) -> bool,
) -> Result<PurchaseDetail, Failure> {
    let begun = Instant::now();
    loop {
        let request = detail(errand, row.id.to_string())?;
        if is_so(&request) || begun.elapsed() >= limit {
            return Ok(request);
        }
        std::thread::sleep(LOOK);
    }
}

/// What has come of a request that was waited for.
fn ended(ended: &PurchaseDetail, output: Output) -> Result<(), Failure> {
    purchases::detail(ended, output)?;
    match (ended.row.state, ended.answer.is_some()) {
        (_, true) => Ok(()),
        (PurchaseState::Published, _) => {
            let hint = format!("Pay the cheapest with `pylon job pay {}`.", ended.row.id.short());
            Err(Failure::user("An offer waits for your decision.").hint(hint))
        }
        (state, false) => Err(Failure::user(format!("The request is {state} and has no answer."))),
    }
}

fn detail(errand: &mut Errand, id: String) -> Result<PurchaseDetail, Failure> {
    match errand.ask(NodeCommand::Purchase { request: id }, ANSWER)? {
        NodeEvent::Purchase { purchase } => Ok(*purchase),
        event => Err(unexpected(&event)),
    }
}

/// Takes an offer, with the PIN where that is wanted.
fn take(errand: &mut Errand, request: String, provider: Option<Pubkey>, pin: PinFrom) -> Result<PurchaseRow, Failure> {
    let command = NodeCommand::PayOffer { request, provider };
    match pin::pay(|command, limit| errand.ask(command, limit), command, ANSWER, pin)? {
        NodeEvent::PurchaseChanged { purchase } => Ok(*purchase),
        event => Err(unexpected(&event)),
    }
}

fn row(errand: &mut Errand, command: NodeCommand) -> Result<PurchaseRow, Failure> {
    match errand.ask(command, ANSWER)? {
        NodeEvent::PurchaseChanged { purchase } => Ok(*purchase),
        event => Err(unexpected(&event)),
    }
}
