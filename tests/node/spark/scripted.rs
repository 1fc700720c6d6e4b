//! A network that answers as it is told: the helper's side of the protocol, for what the real one needs the internet for.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use pylon_hud::domain::payment::Direction;
use pylon_hud::wallet::bolt11;
use pylon_hud::wallet::spark::Launcher;
use pylon_hud::wallet::spark::helper::{Opener, Session, serve};
use pylon_hud::wallet::spark::protocol::{
    Answer, Call, Claim, Deposit, Entry, EntryState, Fault, FromHelper, Inspected, OpenFault, Opened, Opening, Probe, Quote, Reading,
    Service,
};
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;

/// What a payment costs, in sats.
pub const FEE: u64 = 3;

/// As the real library makes them, see `recorded`.
#[derive(Deserialize)]
struct Recorded {
    payments: Vec<Entry>,
    deposits: Vec<Deposit>,
    inspected: Vec<(String, Inspected)>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../src/wallet/spark/tests/recorded.json")).unwrap()
}

/// What the network knows of one wallet.
pub struct Network {
    pub sats: u64,
    pub fee: u64,
    pub sent: Vec<Entry>,
    pub deposits: Vec<Deposit>,
    pub refunded: Vec<String>,
    pub invoice: String,
}

#[derive(Clone)]
pub struct Theirs(pub Arc<Mutex<Network>>);

impl Theirs {
    pub fn new(sats: u64) -> Self {
        let deposits = recorded().deposits;
        Self(Arc::new(Mutex::new(Network { sats, fee: FEE, sent: Vec::new(), deposits, refunded: Vec::new(), invoice: String::new() })))
    }

    pub fn launcher(&self) -> Launcher {
        let theirs = self.clone();
        Launcher::Task(Arc::new(move |stream| {
            let theirs = theirs.clone();
            async move {
                let (input, output) = tokio::io::split(stream);
                serve(input, output, theirs).await;
            }
            .boxed()
        }))
    }

    pub fn now<T>(&self, look: impl FnOnce(&mut Network) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn answer(&self, call: Call) -> Result<Answer, Fault> {
        self.now(|network| match call {
            Call::Ping | Call::Sync | Call::Release => Ok(Answer::Done),
            Call::Read => Ok(Answer::Reading(Reading { sats: network.sats, pending_in: 0, pending_out: 0 })),
            Call::Probe => Ok(Answer::Probe(Probe { operators: Ok(()), service: Some(Service::Operational) })),
            Call::SparkAddress => Ok(Answer::Text(super::ADDRESS.into())),
            Call::OnChainAddress => Ok(Answer::Text("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".into())),
            Call::Invoice { .. } => Ok(Answer::Text(network.invoice.clone())),
            Call::Inspect { text } => {
                let found = recorded().inspected.into_iter().find(|(asked, _)| *asked == text);
                found.map(|(_, found)| Answer::Inspected(found)).ok_or_else(|| Fault::Invalid("invalid input".into()))
            }
            Call::Prepare { to, sats } => Ok(Answer::Prepared(Quote { sats: amount(&to, sats), fee: network.fee })),
            Call::Send { to, sats, most_fee, key } => {
                if let Some(known) = network.sent.iter().find(|entry| entry.id == key) {
                    return Ok(Answer::Sent(Box::new(known.clone())));
                }
                let (sats, fee) = (amount(&to, sats), network.fee);
                if fee > most_fee {
                    return Err(Fault::Fee { needed: fee, allowed: most_fee });
                }
                let hash = bolt11::decode(&to).ok().map(|invoice| invoice.hash.to_string());
                let like = recorded().payments.into_iter().find(|entry| {
                    entry.direction == Direction::Out && entry.state == EntryState::Completed && entry.hash.is_some() == hash.is_some()
                });
                let entry = Entry { id: key, sats, fee, hash, preimage: None, ..like.unwrap() };
                network.sats -= sats + fee;
                network.sent.push(entry.clone());
                Ok(Answer::Sent(Box::new(entry)))
            }
            Call::Payment { id } => Ok(Answer::Payment(network.sent.iter().find(|entry| entry.id == id).cloned().map(Box::new))),
            Call::Payments { offset, .. } => Ok(Answer::Payments(network.sent.iter().rev().skip(offset as usize).cloned().collect())),
            Call::Deposits => Ok(Answer::Deposits(network.deposits.clone())),
            Call::Claim { txid, vout, most_fee } => {
                let at =
                    network.deposits.iter().position(|deposit| (&deposit.txid, deposit.vout) == (&txid, vout)).ok_or(Fault::NoDeposit)?;
                if network.fee > most_fee {
                    return Err(Fault::Fee { needed: network.fee, allowed: most_fee });
                }
                let sats = network.deposits.remove(at).sats - network.fee;
                let like = recorded().payments.into_iter().find(|entry| entry.description.starts_with("a deposit")).unwrap();
                Ok(Answer::Claimed(Claim::Settled(Box::new(Entry { sats, ..like }))))
            }
            Call::Refund { to, .. } => {
                network.refunded.push(to);
                Ok(Answer::Text("ab".repeat(32)))
            }
            Call::LightningAddress => Ok(Answer::Name(None)),
            Call::Register { name } => Ok(Answer::Name(Some(format!("{name}@wallet.example")))),
        })
    }
}

fn amount(to: &str, sats: Option<u64>) -> u64 {
    sats.unwrap_or_else(|| bolt11::decode(to).unwrap().amount.unwrap().ceil_sats().0)
}

impl Opener for Theirs {
    fn open(self, _: Opening, _: UnboundedSender<FromHelper>) -> BoxFuture<'static, Result<(Opened, Arc<dyn Session>), OpenFault>> {
        let opened = Opened { version: "scripted".into(), contract: 29, identity: format!("02{}", "ab".repeat(32)) };
        async move { Ok((opened, Arc::new(self) as Arc<dyn Session>)) }.boxed()
    }
}

impl Session for Theirs {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, Fault>> {
        let answer = self.answer(call);
        async { answer }.boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}
