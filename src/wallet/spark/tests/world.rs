//! A Spark network in memory, and helpers that speak the protocol for it. What a payment and a deposit look like was
//! recorded from the real library (`recorded.json`); only names, sums and times are put in.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr::hashes::{Hash as _, sha256};
use nostr::{Keys, SECP256K1};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::Clock;
use crate::domain::payment::Direction;
use crate::wallet::bolt11;
use crate::wallet::spark::Stand;
use crate::wallet::spark::helper::{Opener, Session, serve};
use crate::wallet::spark::protocol::{
    Answer, Call, Claim, Deposit, Entry, EntryState, Fault, FromHelper, Inspected, Kind, News, OpenFault, Opened, Opening, Probe, Quote,
    Reading, Service,
};

/// What a Lightning payment costs, in sats.
pub const FEE: u64 = 3;

/// Answers of the real library's.
#[derive(Deserialize)]
pub struct Recorded {
    pub payments: Vec<Entry>,
    pub deposits: Vec<Deposit>,
    pub inspected: Vec<(String, Inspected)>,
}

pub fn recorded() -> Recorded {
    serde_json::from_str(include_str!("recorded.json")).unwrap()
}

/// How an account's next payments go.
#[derive(Debug, Clone, PartialEq)]
pub enum Manner {
    Good,
    /// Pays, and the helper dies before it says so.
    DiesPaid,
    /// The helper dies before anything is paid.
    DiesUnpaid,
    /// Pays, and cannot say whether it has.
    Unsure,
    /// Is pending until it is settled by hand.
    Holds,
    /// Pays nothing and says why.
    Refuses(Fault),
    /// Says that it has paid something else.
    Lies,
    /// Never answers.
    Silent,
}

pub struct Account {
    pub sats: u64,
    pub entries: Vec<Entry>,
    pub deposits: Vec<Deposit>,
    pub manner: Manner,
    pub fee: u64,
    /// Whether the network can be reached from there.
    pub is_reached: bool,
    /// Invoices that were made there.
    made: HashMap<String, [u8; 32]>,
    /// Keys that have paid.
    paid: HashSet<String>,
    listeners: Vec<UnboundedSender<FromHelper>>,
    /// Calls that were heard, by their kind.
    pub heard: Vec<Call>,
    pub helpers: u64,
    pub refunds: Vec<(String, String, u64)>,
    name: Option<String>,
}

pub struct World {
    keys: Keys,
    accounts: Mutex<Vec<Account>>,
    deaths: Vec<Notify>,
    at: Mutex<u64>,
}

impl World {
    pub fn new(sats: [u64; 2]) -> Arc<Self> {
        let account = |sats| Account {
            sats,
            entries: Vec::new(),
            deposits: Vec::new(),
            manner: Manner::Good,
            fee: FEE,
            is_reached: true,
            made: HashMap::new(),
            paid: HashSet::new(),
            listeners: Vec::new(),
            heard: Vec::new(),
            helpers: 0,
            refunds: Vec::new(),
            name: None,
        };
        let at = Clock::default().now().as_secs();
        let deaths = vec![Notify::new(), Notify::new()];
        Arc::new(Self { keys: Keys::generate(), accounts: Mutex::new(sats.map(account).into()), deaths, at: Mutex::new(at) })
    }

    pub fn account<T>(&self, at: usize, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.accounts()[at])
    }

    fn accounts(&self) -> MutexGuard<'_, Vec<Account>> {
        self.accounts.lock().unwrap()
    }

    /// How often this was asked there.
    pub fn count(&self, at: usize, is_meant: impl Fn(&Call) -> bool) -> usize {
        self.account(at, |account| account.heard.iter().filter(|call| is_meant(call)).count())
    }

    /// The helper of this account dies.
    pub fn kill(&self, at: usize) {
        self.deaths[at].notify_waiters();
    }

    /// A helper for this account.
    pub fn stand(self: &Arc<Self>, at: usize) -> Stand {
        let world = Arc::clone(self);
        Arc::new(move |stream| {
            let world = Arc::clone(&world);
            async move {
                let (input, output) = tokio::io::split(stream);
                let theirs = Theirs { world: Arc::clone(&world), at };
                tokio::select! {
                    () = serve(input, output, theirs) => {}
                    () = world.deaths[at].notified() => {}
                }
            }
            .boxed()
        })
    }

    pub fn tell(&self, at: usize, news: &News) {
        self.account(at, |account| account.listeners.retain(|listener| listener.send(FromHelper::News(news.clone())).is_ok()));
    }

    /// Each payment has a second of its own, as in life most have.
    fn second(&self) -> u64 {
        let mut at = self.at.lock().unwrap();
        *at += 1;
        *at
    }

    fn make(&self, at: usize, sats: u64, description: String, expiry_secs: u32) -> String {
        let mut preimage = [0; 32];
        getrandom::fill(&mut preimage).unwrap();
        let hash: [u8; 32] = Sha256::digest(preimage).into();
        let text = InvoiceBuilder::new(Currency::Regtest)
            .amount_milli_satoshis(sats * 1_000)
            .description(description)
            .payment_hash(sha256::Hash::from_byte_array(hash))
            .payment_secret(PaymentSecret([1; 32]))
            .duration_since_epoch(Duration::from_secs(Clock::default().now().as_secs()))
            .expiry_time(Duration::from_secs(expiry_secs.into()))
            .min_final_cltv_expiry_delta(18)
            .build_signed(|message| SECP256K1.sign_ecdsa_recoverable(message, self.keys.secret_key()))
            .unwrap()
            .to_string();
        self.account(at, |account| account.made.insert(hex::encode(hash), preimage));
        text
    }

    /// Moves the money, once for each key.
    fn pay(&self, from: usize, to: &str, sats: u64, fee: u64, key: &str, state: EntryState) -> Entry {
        let invoice = bolt11::decode(to).ok();
        let hash = invoice.as_ref().map(|invoice| invoice.hash.to_string());
        let mut accounts = self.accounts();
        if !accounts[from].paid.insert(key.to_owned()) {
            return accounts[from].entries.iter().find(|entry| entry.id == key).unwrap().clone();
        }
        let second = self.second();
        let payee = hash.as_ref().and_then(|hash| accounts.iter().position(|account| account.made.contains_key(hash)));
        let preimage = payee.map(|payee| hex::encode(accounts[payee].made[hash.as_ref().unwrap()]));
        let recorded = recorded().payments;
        let like = |direction: Direction, is_lightning: bool| {
            recorded.iter().find(|entry| entry.direction == direction && entry.hash.is_some() == is_lightning).unwrap().clone()
        };
        let description = invoice.map(|invoice| invoice.description).unwrap_or_default();
        let out = Entry {
            id: key.to_owned(),
            state,
            sats,
            fee,
            at_secs: second,
            hash: hash.clone(),
            preimage: preimage.clone().filter(|_| state == EntryState::Completed),
            description: description.clone(),
            ..like(Direction::Out, hash.is_some())
        };
        accounts[from].sats -= sats + fee;
        accounts[from].entries.push(out.clone());
        if let Some(payee) = payee.filter(|_| state == EntryState::Completed) {
            let into = Entry {
                id: format!("{key}-in"),
                state,
                sats,
                fee: 0,
                at_secs: second,
                hash,
                preimage,
                description,
                ..like(Direction::In, true)
            };
            accounts[payee].sats += sats;
            accounts[payee].entries.push(into.clone());
            accounts[payee].listeners.iter().for_each(|listener| {
                let _ = listener.send(FromHelper::News(News::Payment(Box::new(into.clone()))));
            });
        }
        out
    }

    /// Ends a payment that was held, one way or the other, and says so.
    pub fn settle(&self, from: usize, state: EntryState) {
        let entry = self.account(from, |account| {
            let entry = account.entries.iter_mut().find(|entry| entry.state == EntryState::Pending).unwrap();
            entry.state = state;
            let (back, entry) = (entry.sats + entry.fee, entry.clone());
            if state == EntryState::Failed {
                account.sats += back;
            }
            entry
        });
        self.tell(from, &News::Payment(Box::new(entry)));
    }
}

/// One account's helper.
struct Theirs {
    world: Arc<World>,
    at: usize,
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
