//! `pylon wallet deposits` and `pylon wallet use`.

use pylon_hud::config::edit::Editor;
use pylon_hud::domain::money::Sats;
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, sentence, spark};
use pylon_hud::wallet::{Claimed, DepositId};

use super::Teller;
use super::send::{Consent, NETWORK};
use crate::args::{DepositsVerb, Money, Output, PinFrom};
use crate::talk::{Place, unexpected};
use crate::{coins as print, pin, report};

/// Lists, claims or sends back what came over the chain.
pub fn deposits(teller: &mut Teller<'_>, verb: Option<&DepositsVerb>, output: Output) -> Result<(), Failure> {
    match verb {
        None | Some(DepositsVerb::List) => match teller.ask(NodeCommand::Deposits, NETWORK)? {
            NodeEvent::Deposits { deposits } => print::deposits(&deposits, output),
            event => Err(unexpected(&event)),
        },
        Some(DepositsVerb::Claim { deposit, max_fee, pin }) => {
            let command = NodeCommand::ClaimDeposit { deposit: deposit.clone(), most_fee: Sats(*max_fee) };
            match pin::pay(|command, limit| teller.ask(command, limit), command, NETWORK * 2, *pin)? {
                NodeEvent::DepositClaimed { claimed: Claimed::Deferred { why } } => {
                    Err(Failure::user(format!("It is not claimed yet: {why}.")).hint("Try again later; it is not lost."))
                }
                NodeEvent::DepositClaimed { claimed } => print::claimed(&claimed, output),
                event => Err(unexpected(&event)),
            }
        }
        Some(DepositsVerb::Refund { deposit, to, fee, yes, pin }) => refund(teller, deposit, (to, *fee), Consent::of(*yes), *pin, output),
    }
}

fn refund(
    teller: &mut Teller<'_>,
    deposit: &DepositId,
    (to, fee): (&str, u64),
    consent: Consent,
    pin: PinFrom,
    output: Output,
) -> Result<(), Failure> {
    consent.get(&format!("Send the deposit {deposit} to {to}, for a fee of {fee} sats?"))?;
    let command = NodeCommand::RefundDeposit { deposit: deposit.clone(), to: to.to_owned(), fee: Sats(fee) };
    match pin::pay(|command, limit| teller.ask(command, limit), command, NETWORK * 2, pin)? {
        NodeEvent::DepositRefunded { txid } => print::refunded(&txid, output),
        event => Err(unexpected(&event)),
    }
}

/// Chooses the money. Bitcoin is chosen by somebody who has said so, and not by a line in a file.
pub fn choose(place: &Place, network: Money, consent: Consent, output: Output) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::user(format!("That could not be written down: {error}."));
    let word = match network {
        Money::Regtest => {
            spark::retract(&place.paths).map_err(failed)?;
            "regtest"
        }
        Money::Mainnet => {
            consent.get("Use real bitcoin from the next start on? What is lost then is lost: there is nobody to ask for it.")?;
            place.paths.ensure().map_err(|error| Failure::user(sentence(&error)))?;
            spark::confirm(&place.paths).map_err(failed)?;
            "mainnet"
        }
    };
    let editor = Editor::new(&place.paths, &place.environment, &place.overrides);
    editor.set("wallet.network", word).map_err(|error| Failure::usage(sentence(&error)))?;
    report::done(&format!("wallet.network is {word} from the next start on."), output)
}
