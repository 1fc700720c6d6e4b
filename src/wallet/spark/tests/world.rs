//! A Spark network in memory, and helpers that speak the protocol for it. What a payment and a deposit look like was
//! recorded from the real library (`recorded.json`); only names, sums and times are put in.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use nostr::hashes::{Hash as _, sha256};
use nostr::{Keys, SECP256K1};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::theirs::Theirs;
use crate::clock::Clock;
use crate::domain::payment::Direction;
use crate::wallet::bolt11;
use crate::wallet::spark::Stand;
use crate::wallet::spark::helper::serve;
use crate::wallet::spark::protocol::{Call, Deposit, Entry, EntryState, Fault, FromHelper, Inspected, News};

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
    pub made: HashMap<String, [u8; 32]>,
    /// Keys that have paid.
    pub paid: HashSet<String>,
    pub listeners: Vec<UnboundedSender<FromHelper>>,
    /// Calls that were heard, by their kind.
    pub heard: Vec<Call>,
    pub helpers: u64,
    pub refunds: Vec<(String, String, u64)>,
    pub name: Option<String>,
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

    pub fn make(&self, at: usize, sats: u64, description: String, expiry_secs: u32) -> String {
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
    pub fn pay(&self, from: usize, to: &str, sats: u64, fee: u64, key: &str, state: EntryState) -> Entry {
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
