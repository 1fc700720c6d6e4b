//! The wallet at work: what it knows, and the tasks that keep it so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::info::Details;
use super::journal::{Fact, Journal, VERSION};
use super::paying::Outcome;
use super::wire::{AskError, Notice, Wire};
use super::{NwcOptions, OpenError, transaction};
use crate::clock::Clock;
use crate::domain::ids::{PaymentHash, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::payment::{Direction, Network, Payment, PaymentState};
use crate::domain::time::UnixMs;
use crate::wallet::log::{Found, Log, ensure_dir};
use crate::wallet::records::{Decision, Records};
use crate::wallet::{IdempotencyKey, Snapshot, SyncState, WalletError, WalletEvent};

/// News that may wait.
const BACKLOG: usize = 256;

/// Everything a wallet is.
pub struct Desk {
    pub wire: Arc<Wire>,
    pub records: Records<Journal>,
    pub clock: Clock,
    pub client: Pubkey,
    pub patience: Duration,
    pub poll: Duration,
    pub longest_poll: Duration,
    pub tracker: TaskTracker,
    pub token: CancellationToken,
    /// Payments on their way, each with where its end will be told.
    pub underway: Mutex<HashMap<IdempotencyKey, watch::Sender<Option<Outcome>>>>,
    /// One payment is begun at a time.
    pub beginning: tokio::sync::Mutex<()>,
    /// An invoice was made.
    pub made: Notify,
    /// Something may have been missed.
    pub missed: Notify,
    /// Whether the wallet has ever shown a record of a payment that went out; some have none.
    pub finds_payments: AtomicBool,
    wallet: Pubkey,
    known: Mutex<Knowledge>,
    greeted: watch::Sender<bool>,
}

/// What the wallet has said.
struct Knowledge {
    network: Network,
    /// Whether the wallet has named its network, and not we.
    is_sure: bool,
    details: Details,
    /// The last balance it told, and when.
    balance: Option<(MilliSats, UnixMs)>,
}

impl Desk {
    /// Connects and goes on with what was pending. Waits a moment for the wallet, and not longer.
    pub async fn open(options: NwcOptions) -> Result<Arc<Self>, OpenError> {
        let (client, wallet) = (options.connection.client(), options.connection.wallet());
        let path = options.records.clone();
        let files = tokio::task::spawn_blocking(move || {
            ensure_dir(path.parent().unwrap_or(Path::new(".")))?;
            Log::open::<Journal>(&path)
        });
        let Found { log, book, cut } = files.await.map_err(|error| OpenError::Interrupted(error.to_string()))??;
        if cut > 0 {
            tracing::warn!("The wallet's last record was torn ({cut} bytes) and is cut off.");
        }
        let before = book.opened().filter(|(last, _)| *last == client);
        let named = before.and_then(|(_, network)| network);
        let token = CancellationToken::new();
        let (wire, news) = Wire::new(&options.connection, options.clock.clone(), options.answer, options.reconnect, token.clone())?;
        let desk = Arc::new(Self {
            wire,
            records: Records::new(log, book, || false),
            clock: options.clock,
            client,
            patience: options.patience,
            poll: options.poll,
            longest_poll: options.longest_poll,
            tracker: TaskTracker::new(),
            token,
            underway: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            made: Notify::new(),
            missed: Notify::new(),
            finds_payments: AtomicBool::new(false),
            wallet,
            known: Mutex::new(Knowledge {
                network: named.unwrap_or(options.network),
                is_sure: named.is_some(),
                details: Details::default(),
                balance: None,
            }),
            greeted: watch::Sender::new(false),
        });
        if before.is_none() {
            desk.write_opened(None).await.map_err(|error| OpenError::Interrupted(error.to_string()))?;
        }
        let (sender, notices) = mpsc::channel(BACKLOG);
        desk.tracker.spawn(Arc::clone(&desk.wire).listen(news, sender));
        desk.tracker.spawn(Arc::clone(&desk).heed(notices));
        desk.tracker.spawn(Arc::clone(&desk).watch_invoices());
        desk.wire.connect().await?;
        desk.resume();
        let mut greeted = desk.greeted.subscribe();
        // A wallet that does not answer now may do so later.
        let _ = tokio::time::timeout(options.hello, greeted.wait_for(|greeted| *greeted)).await.map(drop);
        Ok(desk)
    }

    /// Decides and writes, off the async threads. Once begun it runs to its end, whoever stops waiting for it.
    pub async fn transact<T: Send + 'static>(
        self: &Arc<Self>,
        decide: impl FnOnce(&Journal) -> Result<Decision<Fact, T>, WalletError> + Send + 'static,
    ) -> Result<T, WalletError> {
        let desk = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || desk.records.transact(decide)).await;
        written.unwrap_or_else(|error| Err(WalletError::Unknown(error.to_string())))
    }

    async fn write_opened(self: &Arc<Self>, network: Option<Network>) -> Result<(), WalletError> {
        let opened = Fact::Opened { version: VERSION, client: self.client, wallet: self.wallet, network, at: self.clock.now() };
        self.transact(|_| Ok(Decision { fact: Some(opened), answer: () })).await
    }

    /// Says goodbye. Facts that are being written are written.
    pub async fn close(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.wire.close().await;
        self.records.close();
    }

    /// Takes in what the wallet and the relays tell by themselves.
    async fn heed(self: Arc<Self>, mut notices: mpsc::Receiver<Notice>) {
        loop {
            let notice = tokio::select! {
                () = self.token.cancelled() => return,
                notice = notices.recv() => notice,
            };
            match notice {
                Some(Notice::Told(told)) => self.hear(told).await,
                Some(Notice::Listening) => {
                    if !*self.greeted.borrow() {
                        self.tracker.spawn(Arc::clone(&self).greet());
                    }
                    self.missed.notify_one();
                    self.records.tell(WalletEvent::Changed);
                }
                Some(Notice::Relays) => self.records.tell(WalletEvent::Changed),
                None => return,
            }
        }
    }

    /// Asks the wallet what it is. One that does not say is used all the same.
    async fn greet(self: Arc<Self>) {
        match self.wire.ask("get_info", json!({})).await {
            Ok(value) => {
                let details = Details::read(&value);
                if let Some(network) = details.network {
                    self.learn_network(network).await;
                }
                self.known().details = details;
            }
            Err(AskError::Refused(_)) => {}
            Err(AskError::NotSent(_) | AskError::Silent(_) | AskError::Closed) => return,
        }
        self.greeted.send_replace(true);
    }

    /// Takes the wallet's word for its network, and remembers it for a start without the wallet.
    pub async fn learn_network(self: &Arc<Self>, network: Network) {
        let is_new = {
            let mut known = self.known();
            let was_sure = std::mem::replace(&mut known.is_sure, true);
            std::mem::replace(&mut known.network, network) != network || !was_sure
        };
        if is_new && let Err(error) = self.write_opened(Some(network)).await {
            tracing::warn!("The wallet's network could not be written down: {error}.");
        }
    }

    async fn hear(self: &Arc<Self>, told: Value) {
        let (direction, event) = match told.get("notification_type").and_then(Value::as_str) {
            Some("payment_received") => (Direction::In, told.get("notification")),
            Some("payment_sent") => (Direction::Out, told.get("notification")),
            _ => return,
        };
        let Some(mut event) = event.cloned() else { return };
        if let Some(object) = event.as_object_mut() {
            // Both mean that money has arrived, even where the state is left out.
            object.entry("state").or_insert_with(|| json!("settled"));
        }
        let Some(payment) = transaction::read(&event, direction).filter(|payment| payment.direction == direction) else { return };
        // It says itself that this is no end yet.
        if payment.is_pending() {
            return;
        }
        match direction {
            Direction::In => self.received(payment).await,
            Direction::Out => self.sent(payment).await,
        }
    }

    /// The wallet's record of this hash; `None`: it has none.
    pub async fn lookup(&self, hash: PaymentHash) -> Result<Option<Value>, AskError> {
        match self.wire.ask("lookup_invoice", json!({ "payment_hash": hash })).await {
            // One that names another payment is no record of this one; one that names none answers what was asked.
            Ok(mut value) => match value.get("payment_hash").and_then(Value::as_str) {
                Some(named) if named.eq_ignore_ascii_case(&hash.to_string()) => Ok(Some(value)),
                Some(_) => Err(AskError::Silent("its answer is about another payment".to_owned())),
                None => {
                    if let Some(object) = value.as_object_mut() {
                        object.insert("payment_hash".to_owned(), json!(hash));
                    }
                    Ok(Some(value))
                }
            },
            Err(AskError::Refused(refusal)) if refusal.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The wallet's balance, now.
    pub async fn balance(&self) -> Result<MilliSats, WalletError> {
        let value = self.wire.ask("get_balance", json!({})).await.map_err(|error| error.into_error("telling its balance"))?;
        let words = || WalletError::Unreachable("its answer names no balance".to_owned());
        let balance = transaction::msats(&value, "balance").ok_or_else(words)?;
        self.known().balance = Some((balance, self.clock.now()));
        Ok(balance)
    }

    /// The last balance the wallet told.
    pub fn last_balance(&self) -> Option<(MilliSats, UnixMs)> {
        self.known().balance
    }

    /// One reading, or the last one and why there is no newer.
    pub async fn snapshot(&self) -> Result<Snapshot, WalletError> {
        self.records.still_writes()?;
        let (balance, as_of, sync) = match (self.balance().await, self.last_balance()) {
            (Ok(balance), _) => (balance, self.clock.now(), SyncState::Synced),
            (Err(WalletError::Unreachable(reason)), Some((balance, at))) => (balance, at, SyncState::Unreachable { reason }),
            (Err(error), _) => return Err(error),
        };
        // NIP-47 does not say what is on its way, nor whether the balance counts it: adding what we know of ourselves
        // could count it twice.
        let (pending_in, pending_out) = (MilliSats(0), MilliSats(0));
        Ok(Snapshot { balance, pending_in, pending_out, network: self.network(), source: self.source(), as_of, sync })
    }

    /// The record of a payment; ours where the wallet has none.
    pub async fn payment(self: &Arc<Self>, hash: PaymentHash) -> Result<Option<Payment>, WalletError> {
        let ours = self.records.read(|book| book.of_hash(&hash).cloned());
        let recorded = ours.as_ref().and_then(|outgoing| outgoing.payment());
        if recorded.as_ref().is_some_and(Payment::is_settled) {
            return Ok(recorded);
        }
        let guess = if ours.is_some() { Direction::Out } else { Direction::In };
        let theirs = match self.lookup(hash).await {
            Ok(value) => value.and_then(|value| transaction::read(&value, guess)),
            Err(AskError::Closed) => return Err(WalletError::Closed),
            Err(error) if recorded.is_none() => return Err(error.into_error("looking up a payment")),
            Err(_) => None,
        };
        match (ours, theirs) {
            (Some(outgoing), Some(payment)) if payment.direction == Direction::Out && payment.is_settled() => {
                Ok(Some(self.conclude(&outgoing, payment).await))
            }
            // What we have begun ends only where its end is sure.
            (Some(_), Some(payment)) if payment.direction == Direction::Out => Ok(recorded.or(Some(payment))),
            (Some(_), None) => Ok(recorded),
            (_, theirs) => Ok(theirs.or(recorded)),
        }
    }

    /// Whose invoices it pays, as far as is known.
    pub fn network(&self) -> Network {
        self.known().network
    }

    /// Whether the wallet has named its network.
    pub fn is_network_sure(&self) -> bool {
        self.known().is_sure
    }

    /// Whether the wallet has said that it tells of payments.
    pub fn notifies(&self) -> bool {
        self.wire.notifies() || self.known().details.notifies
    }

    fn source(&self) -> String {
        let known = self.known();
        match known.details.alias.as_str() {
            "" => format!("NWC wallet {}", self.wallet.short()),
            alias => format!("{alias} (NWC wallet {})", self.wallet.short()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Knowledge> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn underway(&self) -> MutexGuard<'_, HashMap<IdempotencyKey, watch::Sender<Option<Outcome>>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failed payment, where the wallet's record does not tell.
pub fn failure(reason: &str) -> PaymentState {
    PaymentState::Failed { reason: reason.to_owned() }
}
