//! The helper's side of the protocol, for one account of the scripted network.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;

use super::world::{Manner, World, recorded};
use crate::wallet::bolt11;
use crate::wallet::spark::helper::{Opener, Session};
use crate::wallet::spark::protocol::{
    Answer, Call, Claim, Entry, EntryState, Fault, FromHelper, Inspected, Kind, News, OpenFault, Opened, Opening, Probe, Quote, Reading,
    Service,
};

/// One account's helper.
pub struct Theirs {
    pub world: Arc<World>,
    pub at: usize,
}

impl Opener for Theirs {
    fn open(self, _: Opening, news: UnboundedSender<FromHelper>) -> BoxFuture<'static, Result<(Opened, Arc<dyn Session>), OpenFault>> {
        async move {
            self.world.account(self.at, |account| {
                account.helpers += 1;
                account.listeners.push(news);
            });
            let opened = Opened { version: "scripted".into(), contract: 29, identity: format!("02{}", "ab".repeat(32)) };
            Ok((opened, Arc::new(self) as Arc<dyn Session>))
        }
        .boxed()
    }
}

impl Theirs {
    fn reached(&self) -> Result<(), Fault> {
        let is_reached = self.world.account(self.at, |account| account.is_reached);
        if is_reached { Ok(()) } else { Err(Fault::Network("nobody is there".into())) }
    }

    async fn send(&self, to: &str, sats: Option<u64>, most_fee: u64, key: &str) -> Result<Answer, Fault> {
        if let Some(known) = self.world.account(self.at, |account| account.entries.iter().find(|entry| entry.id == key).cloned()) {
            return Ok(Answer::Sent(Box::new(known)));
        }
        self.reached()?;
        let (manner, fee, had) = self.world.account(self.at, |account| (account.manner.clone(), account.fee, account.sats));
        let sats = sats.or_else(|| Some(bolt11::decode(to).ok()?.amount?.ceil_sats().0)).unwrap();
        if fee > most_fee {
            return Err(Fault::Fee { needed: fee, allowed: most_fee });
        }
        if sats + fee > had {
            return Err(Fault::Insufficient);
        }
        let pay = |state| self.world.pay(self.at, to, sats, fee, key, state);
        match manner {
            Manner::Good => Ok(Answer::Sent(Box::new(pay(EntryState::Completed)))),
            Manner::Holds => Ok(Answer::Sent(Box::new(pay(EntryState::Pending)))),
            Manner::Unsure => {
                pay(EntryState::Completed);
                Ok(Answer::Unsure("the line broke".into()))
            }
            Manner::Lies => Ok(Answer::Sent(Box::new(Entry { sats: sats + 1, ..pay(EntryState::Completed) }))),
            Manner::Refuses(fault) => Err(fault),
            Manner::Silent => std::future::pending().await,
            Manner::DiesPaid | Manner::DiesUnpaid => {
                if manner == Manner::DiesPaid {
                    pay(EntryState::Completed);
                }
                self.world.account(self.at, |account| account.manner = Manner::Good);
                self.world.kill(self.at);
                std::future::pending().await
            }
        }
    }

    fn prepare(&self, to: &str, sats: Option<u64>) -> Result<Answer, Fault> {
        let fee = self.world.account(self.at, |account| account.fee);
        let invoice = bolt11::decode(to).ok();
        // An address costs nothing to ask for.
        if invoice.is_some() {
            self.reached()?;
        }
        let sats = sats.or_else(|| Some(invoice?.amount?.ceil_sats().0)).unwrap();
        Ok(Answer::Prepared(Quote { sats, fee }))
    }

    fn read(&self) -> Reading {
        self.world.account(self.at, |account| {
            let pending = account.entries.iter().filter(|entry| entry.state == EntryState::Pending);
            Reading { sats: account.sats, pending_in: 0, pending_out: pending.map(|entry| entry.sats + entry.fee).sum() }
        })
    }

    fn list(&self, before_secs: Option<u64>, offset: u32, limit: u32) -> Vec<Entry> {
        let mut entries = self.world.account(self.at, |account| account.entries.clone());
        entries.retain(|entry| before_secs.is_none_or(|before| entry.at_secs < before));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at_secs));
        entries.into_iter().skip(offset as usize).take(limit as usize).collect()
    }

    fn claim(&self, txid: &str, vout: u32, most_fee: u64) -> Result<Answer, Fault> {
        let (fee, entry) = (self.world.account(self.at, |account| account.fee), recorded().payments.remove(0));
        self.world.account(self.at, |account| {
            let found = account.deposits.iter().position(|deposit| (deposit.txid.as_str(), deposit.vout) == (txid, vout));
            let found = found.ok_or(Fault::NoDeposit)?;
            if fee > most_fee {
                return Err(Fault::Fee { needed: fee, allowed: most_fee });
            }
            let sats = account.deposits.remove(found).sats - fee;
            account.sats += sats;
            Ok(Answer::Claimed(Claim::Settled(Box::new(Entry { sats, ..entry }))))
        })
    }

    fn inspect(text: &str) -> Result<Answer, Fault> {
        if let Ok(invoice) = bolt11::decode(text) {
            return Ok(Answer::Inspected(Inspected {
                kind: Kind::Bolt11,
                to: text.to_owned(),
                sats: invoice.amount.map(|amount| amount.ceil_sats().0),
                network: Some(invoice.network),
                description: invoice.description,
            }));
        }
        let known = recorded().inspected.into_iter().find(|(asked, _)| asked == text);
        known.map(|(_, found)| Answer::Inspected(found)).ok_or_else(|| Fault::Invalid("invalid input".into()))
    }
}

impl Session for Theirs {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Answer, Fault>> {
        async move {
            self.world.account(self.at, |account| account.heard.push(call.clone()));
            match call {
                Call::Ping => Ok(Answer::Done),
                // It says so also when nobody could be reached.
                Call::Sync => {
                    self.world.tell(self.at, &News::Synced);
                    Ok(Answer::Done)
                }
                Call::Read => Ok(Answer::Reading(self.read())),
                Call::Probe => Ok(Answer::Probe(Probe { operators: self.reached(), service: Some(Service::Operational) })),
                Call::SparkAddress => Ok(Answer::Text("sparkrt1pgssyours".into())),
                Call::OnChainAddress => self.reached().map(|()| Answer::Text("bcrt1qyours".into())),
                Call::Invoice { sats, description, expiry_secs } => {
                    self.reached()?;
                    Ok(Answer::Text(self.world.make(self.at, sats, description, expiry_secs)))
                }
                Call::Inspect { text } => Self::inspect(&text),
                Call::Prepare { to, sats } => self.prepare(&to, sats),
                Call::Send { to, sats, most_fee, key } => self.send(&to, sats, most_fee, &key).await,
                Call::Payment { id } => {
                    let found = self.world.account(self.at, |account| account.entries.iter().find(|entry| entry.id == id).cloned());
                    Ok(Answer::Payment(found.map(Box::new)))
                }
                Call::Payments { before_secs, offset, limit } => Ok(Answer::Payments(self.list(before_secs, offset, limit))),
                Call::Deposits => Ok(Answer::Deposits(self.world.account(self.at, |account| account.deposits.clone()))),
                Call::Claim { txid, vout, most_fee } => self.claim(&txid, vout, most_fee),
                Call::Refund { txid, vout, to, fee } => {
                    self.reached()?;
                    self.world.account(self.at, |account| account.refunds.push((format!("{txid}:{vout}"), to, fee)));
                    Ok(Answer::Text("cd".repeat(32)))
                }
                Call::LightningAddress => Ok(Answer::Name(self.world.account(self.at, |account| account.name.clone()))),
                Call::Register { name } => {
                    self.reached()?;
                    let address = format!("{name}@wallet.example");
                    self.world.account(self.at, |account| account.name = Some(address.clone()));
                    Ok(Answer::Name(Some(address)))
                }
                Call::Release => {
                    self.world.account(self.at, |account| account.name = None);
                    Ok(Answer::Done)
                }
            }
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}
