//! The wallet as the operator uses it: what it holds, receiving, sending, refunds. Every payment goes through the guard.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;

use super::command::NodeCommand;
use super::consumer::Bell;
use super::directory::Directory;
use super::event::{Failure, NodeEvent, Scope, sentence};
use super::ledger_watch::LedgerAlarm;
use super::outlet::Outlet;
use super::pin_desk;
use super::queries;
use super::status::{Board, OpenWallet, WalletView};
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::LimitsConfig;
use crate::domain::ids::JobId;
use crate::domain::job::JobState;
use crate::domain::limits::Limits;
use crate::domain::money::Sats;
use crate::domain::payment::{Direction, Payment};
use crate::domain::time::{Pace, UnixMs};
use crate::store::{Ended, JobRow, Purpose, Store, StoreError};
use crate::wallet::guard::{Guard, Order, Paid, PayError, refund};
use crate::wallet::pin::Warrant;
use crate::wallet::{InvoiceRequest, PaymentsQuery, SyncState, Wallet, WalletError, WalletEvent};

/// How long an invoice made by hand can be paid.
const EXPIRY_SECS: u64 = 3_600;
/// What the wallet has called failed is looked at again for so long after that, and at the start a day back, in
/// milliseconds: a wallet that gave up too soon may have paid all the same.
const RECHECK_MS: u64 = 600_000;
const RECHECK_AT_START_MS: u64 = 86_400_000;
/// Between two looks at payments whose end is not known.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Looks in a row that fail before the wallet counts as away.
const MISSES: u32 = 2;

/// The wallet of a started node.
#[derive(Clone)]
pub struct Cashier {
    pub wallet: Arc<dyn Wallet>,
    /// The way out for money.
    pub guard: Guard,
    pub store: Store,
    /// Where buyers take money back.
    pub directory: Arc<Directory>,
    pub outlet: Outlet,
    pub board: Board,
    pub clock: Clock,
    /// Rings when a payment has changed a request of ours.
    pub bell: mpsc::Sender<Bell>,
    pub alarm: LedgerAlarm,
    /// Rung by whoever has a reason to look at the wallet now.
    pub doubt: Arc<Notify>,
    pub pace: Pace,
}

/// The config's limits as the rule takes them.
pub fn limits(config: &LimitsConfig) -> Limits {
    Limits {
        per_payment: config.per_payment_sats,
        per_request: config.per_request_sats,
        per_day: config.per_day_sats,
        per_payee_day: config.per_provider_day_sats,
        fee_percent: config.fee_percent,
        fee_floor: config.fee_floor_sats,
    }
}

impl Cashier {
    /// Keeps the balance everybody sees up to date, and takes up payments an earlier run began.
    pub fn open(&self, tasks: &Tasks) {
        self.board.update(|status| status.open_wallet = Some(self.opened(false)));
        let (cashier, token) = (self.clone(), tasks.token().clone());
        tasks.spawn("wallet", async move {
            token.run_until_cancelled(cashier.follow()).await;
        });
        let (cashier, token) = (self.clone(), tasks.token().clone());
        tasks.spawn("wallet watch", async move {
            token.run_until_cancelled(cashier.watch()).await;
        });
    }

    /// Looks at the wallet again and again. It counts as away when it could not be read twice in a row: once is a hiccup.
    async fn watch(self) {
        let mut misses = 0_u32;
        loop {
            let missed = self.look().await;
            misses = if missed.is_some() { misses.saturating_add(1) } else { 0 };
            if misses == 0 || misses >= MISSES {
                self.found(missed);
            }
            let pause = if misses == 0 { self.pace.calm } else { self.pace.doubt };
            tokio::select! {
                () = self.doubt.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Whether the wallet can be used. What is new is told.
    fn found(&self, trouble: Option<String>) {
        let before = self.board.now().trouble.wallet;
        match (&before, &trouble) {
            (None, Some(why)) => {
                self.outlet.fault(Scope::Wallet, why.clone(), "It is asked again every few seconds; what is under way stays pending.");
            }
            (Some(_), None) => tracing::info!("The wallet can be used again."),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.board.update(|status| status.trouble.wallet = trouble);
    }

    async fn follow(self) {
        let mut events = self.wallet.events();
        let mut failed_since = self.clock.now().minus_ms(RECHECK_AT_START_MS);
        let mut again = tokio::time::interval(LOOK_AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                _ = again.tick() => None,
                event = events.recv() => Some(event),
            };
            match event {
                None | Some(Err(RecvError::Lagged(_))) => {
                    self.take_up(failed_since).await;
                    failed_since = self.clock.now().minus_ms(RECHECK_MS);
                }
                Some(Ok(WalletEvent::Payment(payment))) => self.heard(*payment).await,
                Some(Ok(WalletEvent::Changed)) => {}
                Some(Err(RecvError::Closed)) => return,
            }
            self.doubt.notify_one();
        }
    }

    /// Looks at every payment whose end is not known and that nobody waits for: begun by an earlier run, or left open when
    /// the wallet could not be reached.
    async fn take_up(&self, failed_since: UnixMs) {
        let taken_up = async {
            let mut ends = self.guard.resume().await?;
            ends.extend(self.guard.recheck(failed_since).await?);
            Ok::<_, PayError>(ends)
        };
        match taken_up.await {
            Ok(ends) => {
                for ended in ends {
                    self.tell(ended).await;
                }
            }
            Err(PayError::Ledger(error) | PayError::Unrecorded(error)) => self.alarm.ring("what is being paid", &error),
            Err(error) => self.outlet.fault(Scope::Wallet, sentence(&error), "What is being paid is looked at again in a minute."),
        }
    }

    /// A payment of ours whose end was not known may have one now.
    async fn heard(&self, payment: Payment) {
        self.outlet.tell(NodeEvent::Payment { payment: Box::new(payment.clone()) });
        if payment.direction == Direction::Out && !payment.is_pending() {
            match self.guard.heard(payment).await {
                Ok(ended) => self.tell(ended).await,
                Err(PayError::Ledger(error) | PayError::Unrecorded(error)) => self.alarm.ring("a payment", &error),
                Err(error) => self.outlet.fault(Scope::Wallet, sentence(&error), "It is looked at again in a minute."),
            }
        }
    }

    async fn tell(&self, ended: Ended) {
        if let Some(job) = ended.job {
            self.outlet.tell(NodeEvent::JobChanged { job: Box::new(job) });
        }
        if let Some(request) = ended.request {
            let _ = self.bell.send(Bell::Moved(request.id)).await;
        }
        if let Some(amount) = ended.doubled {
            let words = format!("A payment of {} msats that the wallet had called failed has arrived after all.", amount.0);
            self.outlet.fault(
                Scope::Wallet,
                words,
                "Another was made in its place, so it was paid twice: ask whoever was paid to give it back.",
            );
        }
    }

    /// Reads the wallet once. When it cannot be read, what was known keeps standing, with its age and the reason, which is
    /// returned.
    async fn look(&self) -> Option<String> {
        let error = match self.wallet.snapshot().await {
            Ok(snapshot) => {
                let why = match &snapshot.sync {
                    SyncState::Unreachable { reason } => Some(sentence(&WalletError::Unreachable(reason.clone()))),
                    SyncState::Synced | SyncState::Syncing => None,
                };
                self.board.update(|status| {
                    status.wallet = Some(WalletView { kind: self.wallet.kind().to_owned(), snapshot });
                    status.open_wallet = Some(self.opened(false));
                });
                return why;
            }
            Err(error) => error,
        };
        tracing::debug!("The wallet could not be read: {error}.");
        // A connection may be allowed to take money and not to know how much there is.
        if matches!(error, WalletError::Unsupported(_) | WalletError::NotAllowed(_)) {
            self.board.update(|status| status.open_wallet = Some(self.opened(true)));
            return None;
        }
        if let WalletError::Records(_) = &error {
            self.alarm.records_failed(sentence(&error));
        }
        let reason = error.to_string();
        self.board.update(|status| {
            if let Some(view) = &mut status.wallet {
                view.snapshot.sync = SyncState::Unreachable { reason };
            }
        });
        Some(sentence(&error))
    }

    /// The wallet there is, as whoever watches sees it.
    fn opened(&self, hides_balance: bool) -> OpenWallet {
        OpenWallet { kind: self.wallet.kind().to_owned(), network: self.wallet.network(), hides_balance }
    }

    /// Answers a command about money.
    pub async fn answer(self, command: NodeCommand) -> NodeEvent {
        self.answer_with(command, None).await
    }

    /// The same for somebody who has shown the spending PIN, if anybody has.
    pub async fn answer_with(self, command: NodeCommand, warrant: Option<Warrant>) -> NodeEvent {
        let answered = match command {
            NodeCommand::Wallet => match (self.look().await, self.board.now().wallet) {
                // One whose balance was never known is there all the same.
                (Some(why), None) => {
                    Err(Failure::network(why).hint("What it holds is not known yet; it is asked again every few seconds."))
                }
                (None, None) => Err(Failure::user("The wallet does not tell us what it holds.")
                    .hint("Its connection may not read the balance. Receiving and sending go on all the same.")),
                (_, wallet) => Ok(NodeEvent::Wallet { wallet }),
            },
            NodeCommand::Payments { before, limit } => self.payments(PaymentsQuery { before, limit }).await,
            NodeCommand::Receive { sats, description } => self.receive(sats, description).await,
            NodeCommand::Pay { bolt11, sats } => self.pay(bolt11, sats, warrant).await,
            NodeCommand::Refund { job, to } => self.refund(&job, to, warrant).await,
            NodeCommand::WriteOff { job } => self.write_off(&job).await,
            command @ (NodeCommand::Address { .. }
            | NodeCommand::Quote { .. }
            | NodeCommand::Transfer { .. }
            | NodeCommand::Deposits
            | NodeCommand::ClaimDeposit { .. }
            | NodeCommand::RefundDeposit { .. }
            | NodeCommand::LightningAddress { .. }
            | NodeCommand::WalletHealth) => self.serve_at_counter(command, warrant).await,
            _ => Err(Failure::internal("This is no command about money.")),
        };
        answered.unwrap_or_else(|failure| NodeEvent::Failed { failure })
    }

    async fn payments(&self, query: PaymentsQuery) -> Result<NodeEvent, Failure> {
        let page = self.wallet.payments(query).await.map_err(|error| failure(&error))?;
        Ok(NodeEvent::Payments { page })
    }

    async fn receive(&self, sats: Sats, description: String) -> Result<NodeEvent, Failure> {
        let amount = sats.to_msats().filter(|amount| amount.0 > 0).ok_or_else(|| Failure::usage("The amount has to be at least 1 sat."))?;
        let request = InvoiceRequest { amount, description, expiry_secs: EXPIRY_SECS };
        let invoice = self.wallet.invoice(request).await.map_err(|error| failure(&error))?;
        Ok(NodeEvent::Invoice { invoice: Box::new(invoice) })
    }

    /// Pays an invoice of which the caller says what it costs: nobody pays what they have not seen.
    async fn pay(&self, bolt11: String, sats: Sats, warrant: Option<Warrant>) -> Result<NodeEvent, Failure> {
        let amount = sats.to_msats().ok_or_else(|| Failure::usage("No such amount exists."))?;
        self.spend(Order { purpose: Purpose::Manual, bolt11, amount, payee: None }, warrant).await
    }

    async fn refund(&self, job: &str, to: Option<String>, warrant: Option<Warrant>) -> Result<NodeEvent, Failure> {
        let row = self.owed(job).await?;
        // Before anybody is asked for an invoice.
        self.guard.would_let(row.price, warrant.as_ref()).await.map_err(|error| refused(&error))?;
        let bolt11 = self.directory.invoice(to.as_deref(), row.buyer, row.price).await?;
        self.spend(refund(row.id, bolt11, row.price), warrant).await
    }

    async fn spend(&self, order: Order, warrant: Option<Warrant>) -> Result<NodeEvent, Failure> {
        let paid = self.guard.pay_with(order, warrant).await.map_err(|error| self.not_paid(&error))?;
        Ok(self.paid(paid).await)
    }

    /// Why it was not paid, or why nobody knows.
    pub(super) fn not_paid(&self, error: &PayError) -> Failure {
        if let PayError::Unrecorded(error) = error {
            self.alarm.ring("a payment", error);
        }
        refused(error)
    }

    /// Tells what a payment has changed.
    pub(super) async fn paid(&self, paid: Paid) -> NodeEvent {
        self.tell(paid.ended).await;
        self.look().await;
        NodeEvent::Payment { payment: Box::new(paid.payment) }
    }

    async fn write_off(&self, job: &str) -> Result<NodeEvent, Failure> {
        let job = self.owed(job).await?;
        let row = self.store.write_off(job.id, self.clock.now()).await.map_err(|error| queries::failure(&error))?;
        self.tell(Ended { job: Some(row), ..Ended::default() }).await;
        Ok(NodeEvent::Done)
    }

    /// The job whose money has to go back: its price.
    async fn owed(&self, job: &str) -> Result<JobRow, Failure> {
        let id: JobId = job.parse().map_err(|_| Failure::usage(format!("{job:?} is no whole job id.")))?;
        let row = self.store.row(id).await.map_err(|error| queries::failure(&error))?;
        let row = row.ok_or_else(|| queries::failure(&StoreError::Unknown(job.to_owned())))?;
        match row.state {
            JobState::RefundDue => Ok(row),
            state => Err(queries::failure(&StoreError::NothingOwed { job: id, state })),
        }
    }
}

/// There is nothing to ask.
pub fn no_wallet(is_started: bool) -> Failure {
    if is_started {
        Failure::user("This node has no wallet.")
            .hint("Connect one: `pylon wallet connect`, then `pylon config set wallet.kind nwc`, and start the node anew.")
    } else {
        Failure::user("The node is stopped, and its wallet is closed with it.").hint("Start it with `pylon run`.")
    }
}

fn refused(error: &PayError) -> Failure {
    match error {
        PayError::Wallet(error) => failure(error),
        PayError::OverLimit(over) => Failure::user(sentence(over)).hint("The limits are in limits.* in the config."),
        PayError::Held(held) => pin_desk::held(held),
        PayError::DearClaim(_) => {
            Failure::pin(sentence(error)).hint("The highest fee is set by limits.fee_percent and limits.fee_floor_sats.")
        }
        PayError::OtherAmount { .. } | PayError::Taken => Failure::user(sentence(error)),
        PayError::Dearer { .. } => Failure::user(sentence(error)).hint("Nothing was paid. Look at it again, and decide anew."),
        PayError::Ledger(error) => queries::failure(error),
        PayError::Unrecorded(_) => {
            Failure::user(sentence(error)).hint("It is looked at again until the ledger takes it; do not pay again by hand.")
        }
        PayError::Random(_) => Failure::internal(sentence(error)),
    }
}

pub(super) fn failure(error: &WalletError) -> Failure {
    let message = sentence(error);
    match error {
        WalletError::Unreachable(_) => Failure::network(message).hint("Check the network and the wallet; nothing was paid."),
        WalletError::Unknown(_) => {
            Failure::network(message).hint("It is looked at again until the wallet knows; do not pay again by hand.")
        }
        WalletError::Locked => Failure::user(message).hint("Unlock it first."),
        WalletError::Records(_) => Failure::internal(message),
        WalletError::Invoice(_)
        | WalletError::Insufficient { .. }
        | WalletError::AlreadyPaid
        | WalletError::UnderWay
        | WalletError::OwnInvoice
        | WalletError::Amount { .. }
        | WalletError::Refused(_)
        | WalletError::NotAllowed(_)
        | WalletError::Budget(_)
        | WalletError::Unsupported(_)
        | WalletError::Closed => Failure::user(message),
    }
}
