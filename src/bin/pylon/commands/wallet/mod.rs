//! `pylon wallet`.

mod coins;
mod install;
mod nwc;
mod send;
mod words;

use std::time::Duration;

use pylon_hud::config::Config;
use pylon_hud::domain::money::Sats;
use pylon_hud::node::{Failure, NameChange, NodeCommand, NodeEvent, sentence};
use pylon_hud::wallet::AddressKind;

use super::pin;
use crate::args::{Output, Unlock, Wallet, WalletVerb};
use crate::coins as print;
use crate::errand::Errand;
use crate::money;
use crate::talk::{Place, unexpected};

/// Whom a verb asks: the node that runs, or one that is there until the verb is done. Nobody is found or started before
/// the first question.
pub struct Teller<'a> {
    place: &'a Place,
    unlock: &'a Unlock,
    errand: Option<Errand>,
}

impl Teller<'_> {
    pub fn ask(&mut self, command: NodeCommand, limit: Duration) -> Result<NodeEvent, Failure> {
        let errand = match &mut self.errand {
            Some(errand) => errand,
            none => none.insert(Errand::begin(self.place, self.unlock)?),
        };
        errand.ask(command, limit)
    }
}

/// Asks the wallet, or says which wallet that is.
pub fn run(place: &Place, wallet: &Wallet) -> Result<(), Failure> {
    let output = wallet.output;
    let mut teller = Teller { place, unlock: &wallet.unlock, errand: None };
    let teller = &mut teller;
    match &wallet.verb {
        None | Some(WalletVerb::Balance) => match teller.ask(NodeCommand::Wallet, send::NETWORK)? {
            NodeEvent::Wallet { wallet: view } => money::wallet(view.as_ref(), output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Receive { spark: true, .. }) => address(teller, AddressKind::Spark, output),
        Some(WalletVerb::Receive { onchain: true, .. }) => address(teller, AddressKind::OnChain, output),
        Some(WalletVerb::Receive { sats, description, .. }) => {
            let command = NodeCommand::Receive { sats: Sats(sats.unwrap_or_default()), description: description.clone() };
            match teller.ask(command, send::NETWORK)? {
                NodeEvent::Invoice { invoice } => money::invoice(&invoice, output),
                event => Err(unexpected(&event)),
            }
        }
        Some(WalletVerb::Send { to, sats, yes, pin }) => send::run(teller, to, *sats, send::Consent::of(*yes), *pin, output),
        Some(WalletVerb::Pin(verb)) => pin::run(place, verb, output),
        Some(WalletVerb::Payments { limit }) => match teller.ask(NodeCommand::Payments { before: None, limit: *limit }, send::NETWORK)? {
            NodeEvent::Payments { page } => money::payments(&page, output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Deposits { verb }) => coins::deposits(teller, verb.as_ref(), output),
        Some(WalletVerb::Address { register, release }) => {
            let change = match register {
                Some(name) => NameChange::Register { name: name.clone() },
                None if *release => NameChange::Release,
                None => NameChange::Keep,
            };
            match teller.ask(NodeCommand::LightningAddress { change }, send::NETWORK)? {
                NodeEvent::LightningAddress { address } => print::lightning_address(address.as_deref(), output),
                event => Err(unexpected(&event)),
            }
        }
        Some(WalletVerb::Status) => match teller.ask(NodeCommand::WalletHealth, send::NETWORK)? {
            NodeEvent::WalletHealth { health } => print::health(health.as_deref(), output),
            event => Err(unexpected(&event)),
        },
        Some(WalletVerb::Use { network, yes }) => coins::choose(place, *network, send::Consent::of(*yes), output),
        Some(WalletVerb::Install { file }) => install::run(place, file.as_deref(), output),
        Some(WalletVerb::Words { import, unlock }) => words::run(place, *import, unlock, output),
        Some(WalletVerb::Connect) => nwc::connect(place, &wallet.unlock, output),
        Some(WalletVerb::Disconnect) => nwc::disconnect(place, output),
        Some(WalletVerb::Limits) => {
            let loaded = Config::load(&place.paths, &place.environment, &place.overrides);
            money::limits(&loaded.map_err(|error| Failure::usage(sentence(&error)))?.config.limits, output)
        }
    }
}

fn address(teller: &mut Teller<'_>, kind: AddressKind, output: Output) -> Result<(), Failure> {
    match teller.ask(NodeCommand::Address { kind }, send::NETWORK)? {
        NodeEvent::Address { kind, address } => print::address(kind, &address, output),
        event => Err(unexpected(&event)),
    }
}
