//! A wallet that loses what it was told, and a desk to stand at.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, pending, ready};
use tokio::sync::{Notify, broadcast};

use super::*;
use crate::clock::Clock;
use crate::domain::payment::{Direction, Invoice, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::store::{FaultPoint, MoneySums, Purpose, Reader, Store, StoreError, StoreOptions};
use crate::wallet::contract::crafted;
use crate::wallet::guard::Order;
use crate::wallet::{Claimed, InvoiceRequest, PaymentsPage, PaymentsQuery, Prepared, Snapshot, Wallet, WalletEvent, bolt11};

pub const DEPOSIT: Sats = Sats(20_000);
pub const LIMITS: Limits = Limits {
    per_payment: Sats(1_000_000),
    per_request: Sats(1_000_000),
    per_day: Sats(1_000_000),
    per_payee_day: Sats(1_000_000),
    fee_percent: 1,
    fee_floor: Sats(10),
};

/// What happens to a refund, or to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    Fine,
    /// It is on the chain, and nobody says so.
    LostAfter,
    /// It may still get there.
    LostBefore,
    /// It is on the chain, and the wallet says no.
    RefusedAfter,
    RefusedBefore,
    /// It is on the chain, and the process ends.
    Dies,
    /// It has gone, and then the disk is full.
    FillsDisk,
}

pub struct Held {
    pub deposits: Vec<Deposit>,
    /// On the chain, by deposit: what left.
    pub gone: HashMap<String, MilliSats>,
    pub claimed: Vec<DepositId>,
    pub paid: HashMap<PaymentHash, Payment>,
    pub luck: Luck,
    pub is_away: bool,
    /// Lost on the way, and may arrive until then.
    pub late: Vec<(DepositId, UnixMs)>,
    pub transactions: u32,
}

pub struct Vault {
    pub held: Mutex<Held>,
    pub died: Notify,
    pub is_full: Arc<AtomicBool>,
    pub clock: Clock,
    pub events: broadcast::Sender<WalletEvent>,
}

pub fn name(number: usize) -> DepositId {
    DepositId { txid: format!("{number:064x}"), vout: 0 }
}

impl Held {
    /// The transaction is on the chain. One that pays more takes the place of another.
    pub fn send_back(&mut self, id: &DepositId) {
        self.transactions += 1;
        let txid = format!("refund-{}", self.transactions);
        if let Some(deposit) = self.deposits.iter_mut().find(|deposit| deposit.id == *id) {
            deposit.refund = Some(txid);
            self.gone.insert(id.to_string(), deposit.amount);
        }
    }

    pub fn total_gone(&self) -> u64 {
        self.gone.values().map(|amount| amount.0).sum()
    }
}

fn refuse<T: Send + 'static>() -> BoxFuture<'static, Result<T, WalletError>> {
    ready(Err(WalletError::Unsupported("that"))).boxed()
}

impl Wallet for Vault {
    fn kind(&self) -> &'static str {
        "vault"
    }

    fn network(&self) -> Network {
        Network::Practice
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Snapshot, WalletError>> {
        refuse()
    }

    fn invoice(&self, _: InvoiceRequest) -> BoxFuture<'_, Result<Invoice, WalletError>> {
        refuse()
    }

    /// As a real one: an address on the chain is no invoice.
    fn prepare(&self, bolt11: String) -> BoxFuture<'_, Result<Prepared, WalletError>> {
        let prepared = bolt11::decode(&bolt11).map_err(WalletError::from).map(|invoice| {
            let amount = invoice.amount.unwrap();
            Prepared { invoice, amount, fee: MilliSats(0), warnings: Vec::new() }
        });
        ready(prepared).boxed()
    }

    fn send(&self, prepared: Prepared, _: IdempotencyKey) -> BoxFuture<'_, Result<Payment, WalletError>> {
        let mut held = self.held.lock().unwrap();
        match held.luck {
            Luck::RefusedBefore => return ready(Err(WalletError::Refused("no route".into()))).boxed(),
            Luck::FillsDisk => self.is_full.store(true, Ordering::SeqCst),
            _ => {}
        }
        let payment = Payment {
            id: prepared.invoice.hash.to_string(),
            direction: Direction::Out,
            state: PaymentState::Settled { at: prepared.invoice.created_at },
            amount: prepared.amount,
            fee: MilliSats(0),
            hash: Some(prepared.invoice.hash),
            preimage: None,
            created_at: prepared.invoice.created_at,
            description: String::new(),
        };
        held.paid.insert(prepared.invoice.hash, payment.clone());
        ready(Ok(payment)).boxed()
    }

    fn payment(&self, hash: PaymentHash) -> BoxFuture<'_, Result<Option<Payment>, WalletError>> {
        ready(Ok(self.held.lock().unwrap().paid.get(&hash).cloned())).boxed()
    }

    fn payments(&self, _: PaymentsQuery) -> BoxFuture<'_, Result<PaymentsPage, WalletError>> {
        refuse()
    }

    fn events(&self) -> broadcast::Receiver<WalletEvent> {
        self.events.subscribe()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn deposits(&self) -> BoxFuture<'_, Result<Vec<Deposit>, WalletError>> {
        let held = self.held.lock().unwrap();
        ready(if held.is_away { Err(WalletError::Unreachable("it is away".into())) } else { Ok(held.deposits.clone()) }).boxed()
    }

    fn claim(&self, deposit: DepositId, _: Sats) -> BoxFuture<'_, Result<Claimed, WalletError>> {
        self.held.lock().unwrap().claimed.push(deposit);
        ready(Ok(Claimed::UnderWay)).boxed()
    }

    fn refund_deposit(&self, id: DepositId, _: String, _: Sats) -> BoxFuture<'_, Result<String, WalletError>> {
        let mut held = self.held.lock().unwrap();
        let luck = held.luck;
        match luck {
            Luck::LostBefore => held.late.push((id, self.clock.now().plus_ms(LINGERS_MS / 2))),
            Luck::RefusedBefore => {}
            Luck::Fine | Luck::LostAfter | Luck::RefusedAfter | Luck::Dies | Luck::FillsDisk => held.send_back(&id),
        }
        match luck {
            Luck::Fine => ready(Ok("a transaction".into())).boxed(),
            Luck::LostAfter | Luck::LostBefore => ready(Err(WalletError::Unknown("no answer".into()))).boxed(),
            Luck::RefusedAfter | Luck::RefusedBefore => ready(Err(WalletError::Refused("the relay of blocks says no".into()))).boxed(),
            Luck::Dies => {
                self.died.notify_one();
                pending().boxed()
            }
            Luck::FillsDisk => {
                self.is_full.store(true, Ordering::SeqCst);
                ready(Ok("a transaction".into())).boxed()
            }
        }
    }
}

pub struct Desk {
    pub dir: tempfile::TempDir,
    pub vault: Arc<Vault>,
    pub guard: Guard,
    pub hands: Arc<AtomicI64>,
}

fn open(dir: &tempfile::TempDir, vault: &Arc<Vault>) -> Guard {
    let full = Arc::clone(&vault.is_full);
    let fault: FaultPoint = Arc::new(move || if full.load(Ordering::SeqCst) { Err(StoreError::DiskFull) } else { Ok(()) });
    let options = StoreOptions { fault: Some(fault), ..StoreOptions::default() };
    let store = Store::open(&dir.path().join("pylon.db"), options).unwrap();
    Guard::new(vault.clone(), store, LIMITS, vault.clock.clone())
}

impl Desk {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hands = Arc::new(AtomicI64::new(Clock::default().now().0));
        let seen = Arc::clone(&hands);
        let deposit =
            |number| Deposit { id: name(number), amount: DEPOSIT.to_msats().unwrap(), is_mature: true, problem: None, refund: None };
        let held = Held {
            deposits: (0..3).map(deposit).collect(),
            gone: HashMap::new(),
            claimed: Vec::new(),
            paid: HashMap::new(),
            luck: Luck::Fine,
            is_away: false,
            late: Vec::new(),
            transactions: 0,
        };
        let vault = Arc::new(Vault {
            held: Mutex::new(held),
            died: Notify::new(),
            is_full: Arc::default(),
            clock: Clock::new(move || UnixMs(seen.load(Ordering::SeqCst))),
            events: broadcast::channel(1).0,
        });
        Self { guard: open(&dir, &vault), dir, vault, hands }
    }

    /// Killed and started again.
    pub fn restart(self) -> Self {
        let Self { dir, vault, guard, hands } = self;
        drop(guard);
        Self { guard: open(&dir, &vault), dir, vault, hands }
    }

    pub fn pass(&self, ms: u64) {
        self.hands.fetch_add(i64::try_from(ms).unwrap(), Ordering::SeqCst);
    }

    pub fn luck(&self, luck: Luck) {
        self.vault.held.lock().unwrap().luck = luck;
    }

    pub fn away(&self, is_away: bool) {
        self.vault.held.lock().unwrap().is_away = is_away;
    }

    /// `None`: the process ended meanwhile.
    pub async fn refund(&self, number: usize, fee: u64) -> Option<Result<String, PayError>> {
        tokio::select! {
            biased;
            () = self.vault.died.notified() => None,
            done = self.guard.refund_deposit(name(number), "bcrt1qback".into(), Sats(fee), None) => Some(done),
        }
    }

    pub async fn pay(&self) -> Result<PaymentHash, PayError> {
        let bolt11 = crafted::invoice(Network::Practice, Some(MilliSats(5_000)), 0);
        let hash = bolt11::decode(&bolt11).unwrap().hash;
        let order = Order { purpose: Purpose::Manual, bolt11, amount: MilliSats(5_000), payee: None };
        self.guard.pay(order).await.map(|_| hash)
    }

    pub fn sums(&self) -> MoneySums {
        Reader::open(&self.dir.path().join("pylon.db")).unwrap().money().unwrap()
    }

    /// What `pylon doctor` looks for in the wallet's list.
    pub fn booked(&self) -> usize {
        Reader::open(&self.dir.path().join("pylon.db")).unwrap().booked().unwrap().len()
    }

    /// What the ledger says has gone, or may have.
    pub fn counted(&self) -> u64 {
        let sums = self.sums();
        sums.spent.0 + sums.fees.0 + sums.pending.0
    }
}
