//! The buying side: requests of our own out, offers and answers in, each paid once at most.
//!
//! One task (the [`Consumer`]) decides, in the order things happen; what takes time (a relay, a payment) runs beside it
//! and rings when it has ended. The ledger comes first each time:
//!
//! ```text
//! ask ─▶ DRAFT (commit) ─▶ relays ─▶ offer (judged, commit) ─▶ guard: RESERVE (commit) ─▶ wallet ─▶ SETTLED (commit) ─▶ ANSWER (commit)
//! ```
//!
//! Whatever a stranger sends is checked against the request it is about: who was asked, what was bid, whom we have paid.

mod answer;
mod ask;
mod handle;
mod listening;
mod offers;
mod open;
mod outbox;
mod payment;
mod resume;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use nostr::Event;
use tokio::sync::mpsc;

pub use self::ask::Ask;
pub use self::handle::{ConsumerCommand, ConsumerHandle};

use self::ask::Drafted;
use self::open::Open;
use super::event::{Failure, NodeEvent};
use super::ledger_watch::LedgerAlarm;
use super::options::Housing;
use super::outlet::Outlet;
use super::queries;
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::purchase::PurchaseState;
use crate::domain::time::UnixMs;
use crate::identity::Identity;
use crate::relay::RelayLink;
use crate::store::{PurchaseRow, Store, StoreError};
use crate::wallet::Wallet;
use crate::wallet::guard::Guard;

/// What may wait before senders wait with it.
const BACKLOG: usize = 256;
/// After so long without the answer that was paid for, the relays are asked again for all they have, in milliseconds.
const ASK_AGAIN_MS: u64 = 20_000;
/// The longest sleep: the clock may be set meanwhile.
const NAP: Duration = Duration::from_secs(5);

/// What pays.
#[derive(Clone)]
pub struct Purse {
    /// The way out for money.
    pub guard: Guard,
    /// Asked for its network each time an offer is judged: some wallets learn it late.
    pub wallet: Arc<dyn Wallet>,
}

/// What everything on the buying side needs.
pub struct Context {
    pub identity: Identity,
    pub me: Pubkey,
    pub store: Store,
    pub relays: Arc<dyn RelayLink>,
    /// `None`: there is no wallet.
    pub purse: Option<Purse>,
    pub alarm: LedgerAlarm,
    pub outlet: Outlet,
    pub clock: Clock,
    pub tasks: Tasks,
    /// A command's own node pays for nothing but what that command is about.
    pub housing: Housing,
}

/// Something that ran beside the consumer has ended: the request is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// Its row in the ledger has changed, or may have.
    Moved(JobId),
    /// An attempt to pay has ended.
    PaymentEnded(JobId, Then),
}

/// What comes after an attempt to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the wallet has it.
    Wait,
    /// Nothing but this very offer, after a long pause: its money may have gone without the ledger knowing it.
    Hold,
    /// The same offer, after a pause.
    Again,
    /// Whatever is best then, after a long pause: nothing was tried, as spending is locked.
    Later,
    /// The next best offer, if there is one.
    Next,
}

/// Starts the buying side, taking up what an earlier run left open. The sender rings its bell.
pub fn spawn(context: Context, config: Arc<Config>, bells: (mpsc::Sender<Bell>, mpsc::Receiver<Bell>)) -> ConsumerHandle {
    let (commands, asked) = mpsc::channel(BACKLOG);
    let (events, heard) = mpsc::channel(BACKLOG);
    let context = Arc::new(context);
    let consumer = Consumer {
        context: Arc::clone(&context),
        config,
        open: HashMap::new(),
        bell: bells.0,
        asked_at: UnixMs(0),
        asked_for: HashSet::new(),
        unstored: Vec::new(),
        unread: HashSet::new(),
    };
    let token = context.tasks.token().clone();
    context.tasks.spawn("buyer", async move {
        token.run_until_cancelled(consumer.run(asked, heard, bells.1)).await;
    });
    ConsumerHandle::new(commands, events)
}

/// The buying side's one decider.
struct Consumer {
    context: Arc<Context>,
    config: Arc<Config>,
    /// Requests that still wait for something.
    open: HashMap<JobId, Open>,
    bell: mpsc::Sender<Bell>,
    /// When the relays were last asked for everything.
    asked_at: UnixMs,
    /// The requests they were asked about then. Some may have ended since.
    asked_for: HashSet<JobId>,
    /// What came and could not be written down: the relays do not give it a second time.
    unstored: Vec<Event>,
    /// Requests that have changed in the ledger when it could not be read.
    unread: HashSet<JobId>,
}

/// Whether anything may still be awaited of a request: it is not over, or it was paid.
fn may_wait(row: &PurchaseRow) -> bool {
    !row.state.is_final() || (row.state == PurchaseState::Failed && row.paid.0 > 0)
}

impl Consumer {
    async fn run(
        mut self,
        mut asked: mpsc::Receiver<ConsumerCommand>,
        mut heard: mpsc::Receiver<Box<Event>>,
        mut bells: mpsc::Receiver<Bell>,
    ) {
        if let Err(error) = self.resume().await {
            self.context.alarm.ring("requests of ours", &error);
        }
        loop {
            let nap = self.nap();
            let done = tokio::select! {
                command = asked.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                Some(event) = heard.recv() => self.take_in(*event).await,
                Some(bell) = bells.recv() => self.ring(bell).await,
                () = tokio::time::sleep(nap) => self.look_at_the_clock().await,
            };
            if let Err(error) = done {
                self.context.alarm.ring("a request of ours", &error);
            }
        }
    }

    async fn obey(&mut self, command: ConsumerCommand) -> Result<(), StoreError> {
        match command {
            ConsumerCommand::Submit(ask, reply) => {
                let _ = reply.send(self.submit(&ask).await);
            }
            ConsumerCommand::Pay(id, provider, reply) => {
                let _ = reply.send(self.pay_by_hand(id, provider, None).await);
            }
            ConsumerCommand::PayWithPin(id, provider, warrant, reply) => {
                let _ = reply.send(self.pay_by_hand(id, provider, Some(warrant)).await);
            }
            ConsumerCommand::Cancel(id, reply) => {
                let _ = reply.send(self.cancel(id).await);
            }
            ConsumerCommand::Reload(config) => self.config = config,
        }
        Ok(())
    }

    async fn submit(&mut self, ask: &Ask) -> Result<PurchaseRow, Failure> {
        let Drafted { new, event, keys } = ask.draft(&self.context, &self.config.buyer)?;
        let row = self.context.store.draft(new).await.map_err(|error| queries::failure(&error))?;
        self.tell(row.clone());
        let mut open = Open::new(row.clone(), keys, event);
        open.is_wanted = true;
        self.open.insert(row.id, open);
        // Asked for before it is sent: an answer may come at once.
        self.listen().await;
        self.send(row.id);
        Ok(row)
    }

    async fn ring(&mut self, bell: Bell) -> Result<(), StoreError> {
        let (Bell::Moved(id) | Bell::PaymentEnded(id, _)) = bell;
        if let Bell::PaymentEnded(id, then) = bell
            && let Some(open) = self.open.get_mut(&id)
        {
            open.payment_ended(then, self.context.clock.now());
        }
        let looked = self.look_at(id).await;
        if looked.is_err() {
            self.unread.insert(id);
        }
        looked
    }

    /// Looks at how a request stands in the ledger now.
    async fn look_at(&mut self, id: JobId) -> Result<(), StoreError> {
        match self.context.store.purchase(id).await? {
            Some(row) if !self.open.contains_key(&id) && may_wait(&row) => self.take_up(id).await?,
            Some(row) => self.moved(row).await,
            None => {}
        }
        self.choose(id, false).await
    }

    /// Takes in how a request stands now.
    async fn moved(&mut self, row: PurchaseRow) {
        let Some(open) = self.open.get_mut(&row.id) else { return self.tell(row) };
        let changed = open.row != row;
        open.take(row.clone(), self.config.buyer.timeout_secs, self.context.clock.now());
        let is_over = open.is_over();
        if changed {
            self.tell(row.clone());
        }
        if is_over {
            self.open.remove(&row.id);
            self.hush().await;
        }
    }

    fn tell(&self, row: PurchaseRow) {
        self.context.outlet.tell(NodeEvent::PurchaseChanged { purchase: Box::new(row) });
    }

    fn nap(&self) -> Duration {
        let now = self.context.clock.now();
        let next = self.open.values().filter_map(Open::next_look).map(|at| at.since(now)).min();
        next.map_or(NAP, |ms| Duration::from_millis(ms + 1).min(NAP))
    }

    /// Does what is due: writing down what could not be, choosing an offer, giving up, asking again.
    async fn look_at_the_clock(&mut self) -> Result<(), StoreError> {
        self.try_again().await;
        let now = self.context.clock.now();
        let due: Vec<JobId> = self.open.iter().filter(|(_, open)| open.chooses_by(now)).map(|(id, _)| *id).collect();
        for id in due {
            self.choose(id, true).await?;
        }
        self.give_up_late().await?;
        if self.open.values().any(Open::misses_what_it_paid_for) && now.since(self.asked_at) >= ASK_AGAIN_MS {
            self.listen().await;
        }
        Ok(())
    }

    async fn give_up_late(&mut self) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let late: Vec<JobId> = self.open.iter().filter(|(_, open)| open.deadline.is_some_and(|at| at <= now)).map(|(id, _)| *id).collect();
        for id in late {
            self.give_up(id, now).await?;
        }
        Ok(())
    }

    async fn give_up(&mut self, id: JobId, now: UnixMs) -> Result<(), StoreError> {
        let Some(open) = self.open.get_mut(&id) else { return Ok(()) };
        if open.row.state == PurchaseState::Failed {
            // Nobody looks for its answer any more.
            self.open.remove(&id);
            self.hush().await;
            return Ok(());
        }
        open.deadline = None;
        let step = open.giving_up();
        match self.context.store.step(id, step, now).await? {
            Some(row) => self.moved(row).await,
            None => {
                // What it was late for has come meanwhile.
                if let Some(row) = self.context.store.purchase(id).await? {
                    self.moved(row).await;
                }
            }
        }
        Ok(())
    }
}
