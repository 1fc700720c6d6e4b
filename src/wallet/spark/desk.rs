//! The wallet at work: what it knows, and the tasks that keep it so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::journal::{Fact, Journal, VERSION};
use super::keeper::{AskError, HelperState, Keeper, Told};
use super::paying::Outcome;
use super::protocol::{Answer, Call, Entry, EntryState, Fault, News, OpenFault, Opening};
use super::reach::Reach;
use super::record::{self, msats};
use super::{OpenError, SparkOptions, TimeLimits};
use crate::clock::Clock;
use crate::domain::ids::PaymentHash;
use crate::domain::payment::{Direction, Network};
use crate::domain::time::Pace;
use crate::wallet::log::{Found, Log, LogError, ensure_dir};
use crate::wallet::records::{Decision, Records};
use crate::wallet::{IdempotencyKey, Snapshot, SyncState, WalletError, WalletEvent};

/// Our own records' name in a wallet's directory, and the library's.
const RECORDS: &str = "journal.jsonl";
const STORAGE: &str = "sdk";
/// Payments asked for at a time.
const AT_A_TIME: u32 = 500;

/// Everything a wallet is.
pub struct Desk {
    pub keeper: Keeper,
    pub records: Records<Journal>,
    pub clock: Clock,
    pub network: Network,
    pub limits: TimeLimits,
    pub patience: Duration,
    pub poll: Duration,
    pub longest_poll: Duration,
    pub pace: Pace,
    pub tracker: TaskTracker,
    pub token: CancellationToken,
    /// Payments on their way, each with where its end will be told.
    pub underway: Mutex<HashMap<IdempotencyKey, watch::Sender<Option<Outcome>>>>,
    /// One payment is begun at a time.
    pub beginning: tokio::sync::Mutex<()>,
    pub reach: watch::Sender<Reach>,
    /// Somebody has a reason to doubt what is known of the network.
    pub doubt: Notify,
    /// Something may have been missed.
    pub missed: Notify,
    known: Mutex<Known>,
}

/// What of the library's records is remembered here.
#[derive(Debug, Default)]
struct Known {
    states: HashMap<String, EntryState>,
    /// The payments that came in, by their hash.
    incoming: HashMap<PaymentHash, String>,
    /// Whether the whole list was read once.
    is_complete: bool,
}

impl Desk {
    /// Starts the helper and goes on with what was pending. Waits a moment for the wallet, and opens without its network.
    pub async fn open(options: SparkOptions) -> Result<Arc<Self>, OpenError> {
        let (dir, storage) = (options.dir.clone(), options.dir.join(STORAGE));
        let made = storage.clone();
        let files = tokio::task::spawn_blocking(move || {
            ensure_dir(&dir)?;
            ensure_dir(&made)?;
            Log::open::<Journal>(&dir.join(RECORDS))
        });
        let Found { mut log, mut book, cut } = files.await.map_err(|error| OpenError::Interrupted(error.to_string()))??;
        if cut > 0 {
            tracing::warn!("The wallet's last record was torn ({cut} bytes) and is cut off.");
        }
        let network = options.network.network();
        if book.opened().is_none() {
            use crate::wallet::records::Book as _;
            let opened = Fact::Opened { version: VERSION, network, at: options.clock.now() };
            log.append(&opened).map_err(|error| LogError::Io { path: options.dir.join(RECORDS), source: error.source })?;
            book.apply(opened);
        }
        let token = CancellationToken::new();
        let opening = Opening {
            library: options.library,
            network: options.network,
            storage,
            words: options.words,
            api_key: options.api_key,
            servers: options.servers,
        };
        let (told, inbox) = mpsc::unbounded_channel();
        let (keeper, keeping) = Keeper::start(options.launcher, Arc::new(opening), options.backoff, told, token.clone());
        let desk = Arc::new(Self {
            keeper,
            records: Records::new(log, book, || false),
            clock: options.clock,
            network,
            limits: options.limits,
            patience: options.patience,
            poll: options.poll,
            longest_poll: options.longest_poll,
            pace: options.pace,
            tracker: TaskTracker::new(),
            token,
            underway: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            reach: watch::Sender::new(Reach::Unknown),
            doubt: Notify::new(),
            missed: Notify::new(),
            known: Mutex::default(),
        });
        desk.tracker.spawn(async move { drop(keeping.await) });
        desk.tracker.spawn(Arc::clone(&desk).heed(inbox));
        desk.tracker.spawn(Arc::clone(&desk).watch_reach());
        desk.tracker.spawn(Arc::clone(&desk).watch_list());
        if let Err(error) = desk.wait_for_helper(options.hello).await {
            desk.close().await;
            return Err(error);
        }
        desk.resume();
        Ok(desk)
    }

    /// A helper that says why it cannot open this wallet ends the opening; one that has died is tried again.
    async fn wait_for_helper(&self, limit: Duration) -> Result<(), OpenError> {
        let mut state = self.keeper.watch();
        let waiting = async {
            let is_up = |state: &HelperState| matches!(state, HelperState::Running { .. } | HelperState::Refused { .. });
            let settled = state.wait_for(is_up).await.map(|state| state.clone());
            match settled {
                // A later try may be better.
                Ok(HelperState::Refused { fault: OpenFault::Other(_) }) => return Ok(()),
                // Somebody has to mend these.
                Ok(HelperState::Refused { fault }) => return Err(OpenError::Refused(fault)),
                _ => {}
            }
            let mut reach = self.reach.subscribe();
            let _ = reach.wait_for(|reach| *reach != Reach::Unknown).await.map(drop);
            Ok(())
        };
        tokio::time::timeout(limit, waiting).await.unwrap_or(Ok(()))
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

    /// Says goodbye. Facts that are being written are written.
    pub async fn close(&self) {
        self.token.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.records.close();
    }

    /// Asks the helper, and takes note when the network is away.
    pub async fn ask(&self, call: Call, limit: Duration) -> Result<Answer, AskError> {
        let answered = self.keeper.ask(call, limit).await;
        if let Err(AskError::Fault(Fault::Network(_)) | AskError::Late(_)) = &answered {
            self.doubt.notify_one();
        }
        answered
    }

    /// Takes in what the helper tells by itself.
    async fn heed(self: Arc<Self>, mut inbox: mpsc::UnboundedReceiver<Told>) {
        loop {
            let told = tokio::select! {
                () = self.token.cancelled() => return,
                told = inbox.recv() => told,
            };
            match told {
                Some(Told::Opened) => {
                    self.doubt.notify_one();
                    self.missed.notify_one();
                }
                Some(Told::Away) => self.lose_reach("its helper is restarting"),
                Some(Told::News(News::Payment(entry))) => self.note(&entry).await,
                Some(Told::News(News::Synced)) => {
                    self.missed.notify_one();
                    self.records.tell(WalletEvent::Changed);
                }
                Some(Told::News(News::Deposits)) => self.records.tell(WalletEvent::Changed),
                None => return,
            }
        }
    }

    /// Reads the newest of the library's records whenever something may have been missed.
    async fn watch_list(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.token.cancelled() => return,
                () = self.missed.notified() => {}
            }
            tokio::select! {
                () = self.token.cancelled() => return,
                () = self.catch_up() => {}
            }
        }
    }

    /// Goes down the list until everything on a page is known.
    async fn catch_up(self: &Arc<Self>) {
        let mut offset = 0;
        loop {
            let call = Call::Payments { before_secs: None, offset, limit: AT_A_TIME };
            let Ok(Answer::Payments(entries)) = self.ask(call, self.limits.local).await else { return };
            let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            let mut is_new = false;
            for entry in &entries {
                is_new |= self.known().states.get(&entry.id) != Some(&entry.state);
                self.note(entry).await;
            }
            let is_complete = self.known().is_complete;
            if count < AT_A_TIME || (is_complete && !is_new) {
                break;
            }
            offset += count;
        }
        self.known().is_complete = true;
    }

    /// Takes a record in. What is new is told: all of it, once the whole list was read, and before that what an invoice of
    /// ours is paid with.
    async fn note(self: &Arc<Self>, entry: &Entry) {
        let ours = self.records.read(|book| book.of_id(&entry.id).cloned());
        let payment = record::payment(entry, ours.as_ref());
        let (is_new, is_complete) = {
            let mut known = self.known();
            if let (Direction::In, Some(hash)) = (payment.direction, payment.hash) {
                known.incoming.insert(hash, entry.id.clone());
            }
            (known.states.insert(entry.id.clone(), entry.state) != Some(entry.state), known.is_complete)
        };
        if let Some(outgoing) = ours {
            if record::is_about(entry, &outgoing) && outgoing.may_end_as(&payment) {
                self.conclude(&outgoing, payment).await;
            }
            return;
        }
        let received = payment.hash.filter(|_| payment.direction == Direction::In && payment.is_settled());
        let is_awaited = match received {
            Some(hash) => self.receive(hash).await,
            None => false,
        };
        if is_awaited || (is_new && is_complete) {
            self.records.tell(WalletEvent::Payment(Box::new(payment)));
            self.records.tell(WalletEvent::Changed);
        }
    }

    /// One reading, or the last one and why there is no newer.
    pub async fn snapshot(self: &Arc<Self>) -> Result<Snapshot, WalletError> {
        self.records.still_writes()?;
        let reach = self.reach.borrow().clone();
        let read = match self.ask(Call::Read, self.limits.local).await {
            Ok(Answer::Reading(reading)) => Ok(reading),
            Ok(_) => Err(WalletError::Refused("its answer is about something else".to_owned())),
            Err(error) => Err(error.into_error()),
        };
        let seen = self.records.read(Journal::seen);
        let of = |balance, as_of, sync| Snapshot {
            balance,
            pending_in: msats(0),
            pending_out: msats(0),
            network: self.network,
            source: format!("Spark on {}", self.network.as_str()),
            as_of,
            sync,
        };
        // What the library holds is only true while the network can be reached: without it, an empty wallet and one that
        // was never read look the same.
        match (read, reach, seen) {
            (Ok(reading), Reach::Online { .. }, _) => {
                let (balance, now) = (msats(reading.sats), self.clock.now());
                if seen.map(|(balance, _)| balance) != Some(balance) {
                    self.transact(move |_| Ok(Decision { fact: Some(Fact::Seen { balance, at: now }), answer: () })).await?;
                }
                let (pending_in, pending_out) = (msats(reading.pending_in), msats(reading.pending_out));
                Ok(Snapshot { pending_in, pending_out, ..of(balance, now, SyncState::Synced) })
            }
            (Ok(_), Reach::Offline { reason }, Some((balance, at))) => Ok(of(balance, at, SyncState::Unreachable { reason })),
            (Ok(_), Reach::Offline { reason }, None) => Err(WalletError::Unreachable(reason)),
            (Ok(_), Reach::Unknown, Some((balance, at))) => Ok(of(balance, at, SyncState::Syncing)),
            (Ok(_), Reach::Unknown, None) => Err(WalletError::Unreachable("it has not been reached yet".to_owned())),
            (Err(WalletError::Unreachable(reason)), _, Some((balance, at))) => Ok(of(balance, at, SyncState::Unreachable { reason })),
            (Err(error), ..) => Err(error),
        }
    }

    /// The library's name of a payment that came in; an error while the whole list was not read yet.
    pub fn incoming(&self, hash: &PaymentHash) -> Result<Option<String>, WalletError> {
        let known = self.known();
        match known.incoming.get(hash) {
            None if !known.is_complete => Err(WalletError::Unreachable("its payments are still being read".to_owned())),
            found => Ok(found.cloned()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn underway(&self) -> MutexGuard<'_, HashMap<IdempotencyKey, watch::Sender<Option<Outcome>>>> {
        self.underway.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
