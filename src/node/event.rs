//! What a node tells: one enum for the window, the command line and the control socket.

use serde::{Deserialize, Serialize};

use super::doctor::{Finding, Preflight};
use super::link::Link;
use super::settings_watch::SettingChange;
use super::status::{NodeStatus, WalletView};
use crate::domain::ids::{JobId, RequestId};
use crate::domain::model::BackendHealth;
use crate::domain::money::Sats;
use crate::domain::payment::{Invoice, Network, Payment};
use crate::domain::relay::RelayHealth;
use crate::domain::spend_lock::Spending;
use crate::domain::time::UnixMs;
use crate::inference::PullProgress;
use crate::store::{EarningsRow, JobDetail, JobRow, Offer, Page, PurchaseDetail, PurchasePage, PurchaseRow, Stats};
use crate::wallet::{AddressKind, Claimed, Deposit, DestinationKind, Health, PaymentsPage};

/// An event, with the number of the command it answers, if it answers one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    #[serde(flatten)]
    pub event: NodeEvent,
}

/// Told by a node. State here is a cache; the ledger and the node are the truth, and `Status` rebuilds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum NodeEvent {
    /// The version of commands and events this node speaks, and the program's own.
    Hello { version: u32, program: String },
    /// Session: the node's state changed, or was asked for.
    Status { status: Box<NodeStatus> },
    /// Models: the model table changed, or was asked for.
    Models { backends: Vec<BackendHealth> },
    /// Relays: one relay's state changed.
    Relay { relay: Box<RelayHealth> },
    /// Relays: all of them, in configured order, as asked for.
    Relays { relays: Vec<RelayHealth> },
    /// Jobs: a job changed state; the row is what the ledger holds now.
    JobChanged { job: Box<JobRow> },
    /// Jobs: an answer grows, at most ten times a second.
    /// `tokens` are pieces the backend sent, one token each with every backend there is; `max_tokens` is where it must stop.
    JobProgress { job: JobId, chars: u64, tokens: u32, max_tokens: u32, tail: String },
    /// History: one page, as asked for.
    Jobs { page: Page },
    /// History: one job with its timeline, as asked for.
    JobDetail { job: Box<JobDetail> },
    /// History: totals, as asked for.
    Stats { stats: Box<Stats> },
    /// What jobs have brought in and cost, by day, model or buyer.
    Earnings { rows: Vec<EarningsRow> },
    /// Activity: a request was turned away before it became a job.
    Refused { code: String },
    /// Models: a download moves.
    Pulling { model: String, progress: PullProgress },
    /// Pylon: the doctor's findings, as asked for.
    Doctor { findings: Vec<Finding> },
    /// Sell Compute: what a start would meet; asked for, or changed while the node is stopped.
    Preflight { preflight: Box<Preflight> },
    /// Sell Compute: how far the test job is.
    Testing { step: TestStep },
    /// Wallet: what it holds, as asked for; `None`: there is none.
    Wallet { wallet: Option<WalletView> },
    /// Wallet: one page of payments, as asked for.
    Payments { page: PaymentsPage },
    /// Wallet: a payment's record changed, or the answer to paying.
    Payment { payment: Box<Payment> },
    /// Wallet: an invoice, as asked for.
    Invoice { invoice: Box<Invoice> },
    /// Wallet: an address to be paid at, as asked for.
    Address { kind: AddressKind, address: String },
    /// Wallet: what paying to something would cost, as asked for.
    Quote { quote: Box<Quote> },
    /// Wallet: deposits that are not part of the balance, as asked for.
    Deposits { deposits: Vec<Deposit> },
    /// Wallet: how claiming a deposit went.
    DepositClaimed { claimed: Claimed },
    /// Wallet: the transaction that sends a deposit somewhere else.
    DepositRefunded { txid: String },
    /// Wallet: its Lightning address, as it is now; `None`: there is none.
    LightningAddress { address: Option<String> },
    /// Wallet: how it is beside what it holds; `None`: it has no more to say.
    WalletHealth { health: Option<Box<Health>> },
    /// Wallet: how the lock on spending stands; told whenever a PIN was tried or the lock has changed, or as asked for.
    Spending { spending: Spending },
    /// Requests: one of ours changed state; the row is what the ledger holds now.
    PurchaseChanged { purchase: Box<PurchaseRow> },
    /// Requests: a provider asks a price, with what is wrong about it.
    Offer { offer: Box<Offer> },
    /// Requests: one page, as asked for.
    Purchases { page: PurchasePage },
    /// Requests: one of ours with its offers and its timeline, as asked for.
    Purchase { purchase: Box<PurchaseDetail> },
    /// Settings: these are different from before, with the moment each counts from.
    SettingsChanged { changes: Vec<SettingChange> },
    /// Notices: something went wrong that the operator should know.
    Fault { fault: Fault },
    /// Session: how the window reaches its node has changed. Told by the window's own exchange, never by a node.
    Link { link: Link },
    /// Whoever asked: done.
    Done,
    /// Whoever asked: not done, and why.
    Failed { failure: Failure },
}

impl NodeEvent {
    /// Whether nothing more comes for the command this answers.
    pub const fn is_last(&self) -> bool {
        !matches!(self, Self::Pulling { .. } | Self::Testing { step: TestStep::Asked { .. } | TestStep::Partial { .. } })
    }
}

/// What paying to something would cost. It is paid by `Pay` when it is an invoice, and by `Transfer` otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub kind: DestinationKind,
    /// What is to be handed to `Pay` or `Transfer`; for a Lightning address, the invoice it has given.
    pub to: String,
    pub sats: Sats,
    /// At most.
    pub fee: Sats,
    pub network: Network,
    pub description: String,
    /// `None`: it does not expire.
    pub expires_at: Option<UnixMs>,
    pub warnings: Vec<String>,
}

/// How far a test job is. Each step has happened when it is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum TestStep {
    /// The relay took the request.
    Asked { job: JobId, relay: String },
    /// A piece of the answer came back from the relay: what is new since the piece before.
    Partial { text: String },
    /// The answer came back from the relay: the whole text, and the time since the request was sent.
    Answered { job: JobId, text: String, took_ms: u64 },
}

/// What a fault is about, for filtering and for the place it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Config,
    Ledger,
    Relays,
    Inference,
    Provider,
    /// Money: the wallet, invoices, refunds.
    Wallet,
    Control,
    /// A task of ours panicked: a bug.
    Internal,
}

/// Something wrong: what happened, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub scope: Scope,
    pub message: String,
    pub hint: String,
}

/// What kind of failure it was; decides the exit code of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The user can mend it.
    User,
    /// The config or the command's words are wrong.
    Usage,
    /// A relay, backend or wallet does not answer.
    Network,
    /// A bug of ours.
    Internal,
    /// The identity is under a passphrase, and none was given or another one.
    Locked,
    /// The spending PIN is wanted, and none was given or another one, or too many were.
    Pin,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    /// What to do about it, one thing a line.
    pub hints: Vec<String>,
}

impl Failure {
    /// A failure the user can mend.
    pub fn user(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::User, message: message.into(), hints: Vec::new() }
    }

    /// Wrong words or a wrong config.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Usage, ..Self::user(message) }
    }

    /// Somebody else does not answer.
    pub fn network(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Network, ..Self::user(message) }
    }

    /// A bug.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Internal, ..Self::user(message) }
    }

    /// A passphrase is wanted.
    pub fn locked(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Locked, ..Self::user(message) }
    }

    /// The spending PIN is wanted.
    pub fn pin(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Pin, ..Self::user(message) }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// An error's text as a sentence: a capital letter and a full stop. A setting or a path keeps its first letter.
pub fn sentence(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    let ordinary = text.split_whitespace().next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if ordinary => format!("{}{}{stop}", first.to_uppercase(), chars.as_str()),
        _ => format!("{text}{stop}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_json_object() {
        let report = Report { id: Some(RequestId(3)), event: NodeEvent::Failed { failure: Failure::user("No.").hint("Try.") } };
        let json = serde_json::to_string(&report).expect("json");
        assert_eq!(json, r#"{"id":3,"event":"failed","failure":{"kind":"user","message":"No.","hints":["Try."]}}"#);
        assert_eq!(serde_json::from_str::<Report>(&json).expect("report"), report);
    }
}
