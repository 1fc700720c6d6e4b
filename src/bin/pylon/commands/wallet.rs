//! `pylon wallet`.

use pylon_hud::config::Config;
use pylon_hud::domain::money::{MilliSats, Sats};
use pylon_hud::node::{Failure, NodeCommand, NodeEvent, sentence};
use pylon_hud::wallet::bolt11;

use crate::args::{Output, Wallet, WalletVerb};
use crate::money;
use crate::talk::{ANSWER, PATIENT, Place, unexpected};

/// Asks the running node's wallet.
pub fn run(place: &Place, wallet: &Wallet) -> Result<(), Failure> {
    match &wallet.verb {
        None | Some(WalletVerb::Balance) => match place.ask_running(NodeCommand::Wallet, ANSWER)? {
            NodeEvent::Wallet { wallet: view } => money::wallet(view.as_ref(), wallet.output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Receive { sats, description }) => {
            let command = NodeCommand::Receive { sats: Sats(*sats), description: description.clone() };
            match place.ask_running(command, ANSWER)? {
                NodeEvent::Invoice { invoice } => money::invoice(&invoice, wallet.output),
                event => Err(unexpected(&event)),
            }
        }
        Some(WalletVerb::Send { invoice, sats }) => send(place, invoice, *sats, wallet.output),
        Some(WalletVerb::Payments { limit }) => match place.ask_running(NodeCommand::Payments { before: None, limit: *limit }, ANSWER)? {
            NodeEvent::Payments { page } => money::payments(&page, wallet.output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Limits) => {
            let loaded = Config::load(&place.paths, &place.environment, &place.overrides);
            money::limits(&loaded.map_err(|error| Failure::usage(sentence(&error)))?.config.limits, wallet.output)
        }
    }
}

/// Pays what the caller has named. Without the amount the invoice is only shown: nobody pays what they have not seen.
fn send(place: &Place, text: &str, named: Option<u64>, output: Output) -> Result<(), Failure> {
    let decoded = bolt11::decode(text).map_err(|error| Failure::user(sentence(&error)))?;
    let Some(sats) = named else {
        money::invoice(&decoded, output)?;
        let amount = decoded.amount.unwrap_or(MilliSats(0)).ceil_sats().0;
        return Err(Failure::user("Nothing was paid.").hint(format!("To pay it, name the amount: add `--sats {amount}`.")));
    };
    let command = NodeCommand::Pay { bolt11: decoded.bolt11, sats: Sats(sats) };
    match place.ask_running(command, PATIENT)? {
        NodeEvent::Payment { payment } => money::payment(&payment, output),
        event => Err(unexpected(&event)),
    }
}
