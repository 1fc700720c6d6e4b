//! What the node said, as lines. Kept in memory alone; the log file has more.

use std::collections::VecDeque;

use bevy::prelude::*;

use super::{Reduce, Session};
use crate::domain::job::JobState;
use crate::domain::payment::{Direction, Payment, PaymentState};
use crate::domain::purchase::PurchaseState;
use crate::domain::relay::{RelayHealth, RelayState};
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::FromNode;
use crate::hud::theme::Coin;
use crate::logging::redact;
use crate::node::{Failure, Fate, Link, NodeEvent, NodeState, NodeStatus, SettingChange, TestStep};
use crate::store::{JobRow, Offer, PurchaseRow};

/// Lines kept.
const KEPT: usize = 2000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: UnixMs,
    pub level: Level,
    pub text: String,
}

/// The newest lines, oldest first.
#[derive(Resource, Debug, Clone, Default)]
pub struct Activity {
    pub entries: VecDeque<Entry>,
    /// Lines ever, including those no longer kept: numbers them for whoever pauses.
    pub said: u64,
    /// What amounts are in.
    coin: Coin,
    last_state: NodeState,
    /// What was in the way when it was last looked at, by code.
    last_blockers: Vec<String>,
}

impl Activity {
    pub(super) fn add(&mut self, at: UnixMs, level: Level, text: &str) {
        self.entries.push_back(Entry { at, level, text: redact(text) });
        self.said += 1;
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }
}

impl Activity {
    /// The state, when it is another one, and each thing that has come into the way.
    fn status(&mut self, status: &NodeStatus, now: UnixMs) {
        if status.state != self.last_state {
            self.last_state = status.state;
            let level = if status.state == NodeState::Degraded { Level::Warning } else { Level::Info };
            self.add(now, level, &format!("The node is {}.", state_words(status.state)));
        }
        // On the way up things are missing that are about to come.
        if matches!(status.state, NodeState::Connecting | NodeState::Starting) {
            return;
        }
        let before = std::mem::take(&mut self.last_blockers);
        for blocker in status.blockers.iter().filter(|blocker| !before.contains(&blocker.code)) {
            self.add(now, Level::Warning, &blocker.message);
        }
        self.last_blockers = status.blockers.iter().map(|blocker| blocker.code.clone()).collect();
    }
}

impl Reduce for Activity {
    fn reduce(&mut self, said: &FromNode, now: UnixMs) {
        if let NodeEvent::Status { status } = &said.event {
            return self.status(status, now);
        }
        if let Some((level, text)) = line(&said.event, self.coin) {
            self.add(now, level, &text);
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    let look = look_at_market.after(super::reduce::<Session>).before(super::reduce::<Activity>);
    app.add_systems(Update, look.in_set(HudSystems::Reduce));
}

/// Sees which market amounts are told of.
fn look_at_market(session: Res<'_, Session>, mut activity: ResMut<'_, Activity>) {
    if activity.coin != session.coin() {
        activity.coin = session.coin();
    }
}

/// What an event is worth in the list. Answers to questions of the window are not.
fn line(event: &NodeEvent, coin: Coin) -> Option<(Level, String)> {
    match event {
        NodeEvent::JobChanged { job } => Some(job_line(job)),
        NodeEvent::Refused { code } => Some((Level::Info, format!("A request was turned away: {code}."))),
        NodeEvent::Relay { relay } => relay_line(relay),
        NodeEvent::Fault { fault } => Some((Level::Error, format!("{} {}", fault.message, fault.hint))),
        NodeEvent::Failed { failure } => Some((Level::Error, failure_line(failure))),
        NodeEvent::Testing { step: TestStep::Asked { job, relay } } => {
            Some((Level::Info, format!("Test job {} went to {relay}.", job.short())))
        }
        NodeEvent::Testing { step: TestStep::Answered { job, took_ms, .. } } => {
            Some((Level::Info, format!("Test job {} came back after {took_ms} ms.", job.short())))
        }
        NodeEvent::Payment { payment } => Some(payment_line(payment, coin)),
        NodeEvent::SettingsChanged { changes } => Some((Level::Info, settings_line(changes))),
        NodeEvent::PurchaseChanged { purchase } => Some(purchase_line(purchase)),
        NodeEvent::Offer { offer } => Some(offer_line(offer, coin)),
        NodeEvent::Link { link } => link_line(link),
        // Told with every status as well; who has changed it is told as a notice.
        NodeEvent::Spending { .. } => None,
        NodeEvent::Status { .. }
        | NodeEvent::Testing { step: TestStep::Partial { .. } }
        | NodeEvent::Models { .. }
        | NodeEvent::Relays { .. }
        | NodeEvent::JobProgress { .. }
        | NodeEvent::Jobs { .. }
        | NodeEvent::JobDetail { .. }
        | NodeEvent::Hello { .. }
        | NodeEvent::Stats { .. }
        | NodeEvent::Earnings { .. }
        | NodeEvent::Pulling { .. }
        | NodeEvent::Doctor { .. }
        | NodeEvent::Preflight { .. }
        | NodeEvent::Purchases { .. }
        | NodeEvent::Purchase { .. }
        | NodeEvent::Wallet { .. }
        | NodeEvent::Payments { .. }
        | NodeEvent::Invoice { .. }
        | NodeEvent::Address { .. }
        | NodeEvent::Quote { .. }
        | NodeEvent::Deposits { .. }
        | NodeEvent::DepositClaimed { .. }
        | NodeEvent::DepositRefunded { .. }
        | NodeEvent::LightningAddress { .. }
        | NodeEvent::WalletHealth { .. }
        | NodeEvent::Done => None,
    }
}

fn failure_line(failure: &Failure) -> String {
    std::iter::once(failure.message.as_str()).chain(failure.hints.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// Where the node is found and lost.
fn link_line(link: &Link) -> Option<(Level, String)> {
    match link {
        Link::Inside | Link::Nobody { .. } => None,
        Link::Outside { pid, .. } => Some((Level::Info, format!("The node in process {pid} answers."))),
        Link::Lost { pid, fate: Fate::Gone, .. } => Some((Level::Error, format!("The node's process {pid} has ended without a word."))),
        Link::Lost { pid, fate: Fate::Silent, .. } => Some((Level::Error, format!("The node in process {pid} does not answer."))),
    }
}

fn job_line(job: &JobRow) -> (Level, String) {
    let level = match job.state {
        JobState::Failed | JobState::RefundDue => Level::Error,
        JobState::Refused | JobState::Expired | JobState::Unpaid | JobState::Cancelled => Level::Warning,
        _ => Level::Info,
    };
    let why = job.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let model = job.model.as_deref().map(|model| format!(" · {model}")).unwrap_or_default();
    (level, format!("{} {}{model}{why}", job.id.short(), job.state.as_str().replace('_', " ")))
}

fn settings_line(changes: &[SettingChange]) -> String {
    let one = |change: &SettingChange| {
        let from = if change.is_applied { "" } else { &change.applies };
        let gap = if from.is_empty() { "" } else { ", " };
        format!("{} is now {}{gap}{from}", change.key, change.value)
    };
    format!("Settings: {}.", changes.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn purchase_line(row: &PurchaseRow) -> (Level, String) {
    let level = match row.state {
        PurchaseState::Failed => Level::Error,
        PurchaseState::Expired | PurchaseState::Cancelled => Level::Warning,
        _ => Level::Info,
    };
    let why = row.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    (level, format!("Request {} {}{why}", row.id.short(), row.state))
}

fn offer_line(offer: &Offer, coin: Coin) -> (Level, String) {
    let who = format!("{} for request {}", offer.provider.short(), offer.request.short());
    match offer.flaw {
        None => (Level::Info, format!("{} {} asked by {who}.", offer.asked.unwrap_or_default().ceil_sats(), coin.unit())),
        Some(flaw) => (Level::Warning, format!("An offer of {who} is not paid: {}.", flaw.words())),
    }
}

fn payment_line(payment: &Payment, coin: Coin) -> (Level, String) {
    let (sats, unit) = (payment.amount.ceil_sats(), coin.unit());
    let what = match payment.direction {
        Direction::In => format!("{sats} {unit} came in"),
        Direction::Out => format!("{sats} {unit} out"),
    };
    match &payment.state {
        PaymentState::Pending => (Level::Info, format!("{what}: pending.")),
        PaymentState::Settled { .. } => (Level::Info, format!("{what}: settled.")),
        PaymentState::Failed { reason } => (Level::Error, format!("{what}: failed, {reason}.")),
    }
}

/// Only what concerns the connection: counters move all the time.
fn relay_line(relay: &RelayHealth) -> Option<(Level, String)> {
    match relay.state {
        RelayState::Connected if relay.received == 0 && relay.sent == 0 => Some((Level::Info, format!("{} is connected.", relay.url))),
        RelayState::Retrying => {
            let why = relay.last_error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            Some((Level::Warning, format!("{} does not answer and is tried again{why}.", relay.url)))
        }
        RelayState::Connected | RelayState::Connecting | RelayState::Off => None,
    }
}

/// A state as the end of a sentence.
pub const fn state_words(state: NodeState) -> &'static str {
    match state {
        NodeState::Stopped => "stopped",
        NodeState::Starting => "starting",
        NodeState::Offline => "offline: it runs and takes no jobs",
        NodeState::Connecting => "connecting",
        NodeState::Online => "online",
        NodeState::Degraded => "degraded",
        NodeState::Draining => "finishing its jobs",
        NodeState::Stopping => "stopping",
    }
}
