//! What can be asked of a node: one enum for the window, the command line and the control socket.

use serde::{Deserialize, Serialize};

use super::consumer::Ask;
use super::secret::{Secret, crossing};
use crate::domain::ids::{Pubkey, RequestId};
use crate::domain::money::Sats;
use crate::store::{EarningsBy, JobsQuery, PageKey};
use crate::wallet::{AddressKind, DepositId, PaymentKey};

/// A command with the number its answer will carry. No command has a field named `id`: in JSON that is this number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub id: RequestId,
    #[serde(flatten)]
    pub command: NodeCommand,
}

/// How work in progress is treated when intake ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leaving {
    /// Let running jobs finish, within their own time limit.
    #[default]
    Finish,
    /// Drop them now. They stay in the ledger and are resumed at the next start.
    Now,
}

/// Asked of a node. Every command is answered by events that carry its [`RequestId`]; the last one is the event named
/// here, [`NodeEvent::Done`](super::NodeEvent::Done) or [`NodeEvent::Failed`](super::NodeEvent::Failed).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum NodeCommand {
    /// Control socket: says which version of commands and events is spoken, before anything else. Answer: `Hello`; for
    /// another version `Failed`, and the connection is closed.
    Hello { version: u32 },
    /// Supervisor: takes the lock, opens the ledger, connects relays, probes backends, resumes jobs. Answer: `Done`.
    Start,
    /// Supervisor: goes offline, then ends everything `Start` began. Answer: `Done`.
    Stop {
        #[serde(default)]
        how: Leaving,
    },
    /// Provider, starting the node first if need be: takes jobs and publishes the ad. Answer: `Done`.
    GoOnline,
    /// Provider: ends intake and withdraws the ad at once, then treats running jobs as asked. Answer: `Done`.
    GoOffline {
        #[serde(default)]
        how: Leaving,
    },
    /// Supervisor: answers `Status`.
    Status,
    /// Control socket: from now on this connection gets every event, beginning with `Status`. Answer: `Status`.
    Watch,
    /// Registry: answers `Models` as last probed.
    Models,
    /// Registry: probes every backend now and forgets faults. Answer: `Models`.
    ProbeBackends,
    /// Registry: downloads a model; `Pulling` events, then `Done`.
    PullModel { model: String },
    /// Relay link; while stopped, the config: answers `Relays`.
    Relays,
    /// Ledger, also while stopped: answers `Jobs`.
    Jobs { query: JobsQuery },
    /// Ledger, also while stopped: answers `JobDetail`. The id may be shortened as long as it is unambiguous.
    Job { job: String },
    /// Ledger, also while stopped: answers `Stats`.
    Stats,
    /// Ledger, also while stopped: what the jobs of the last days have brought in and cost; answers `Earnings`.
    Earnings {
        #[serde(default)]
        by: EarningsBy,
        /// Today and the days before; 0: all there ever were.
        #[serde(default)]
        days: u32,
    },
    /// Provider: calls a job off. Answer: `Done`.
    CancelJob { job: String },
    /// Supervisor: reads the config again; what can apply at once does. Answer: `Done`.
    Reload,
    /// Doctor, also while stopped: answers `Doctor`.
    Doctor,
    /// Doctor, also while stopped: answers `Preflight`. While the node is stopped, what changes is told from then on.
    Preflight,
    /// Supervisor, also while stopped: changes one setting in the config file, then does as `Reload`. Answer: `Done`.
    SetSetting { key: String, value: String },
    /// Test buyer: asks this node one job under keys of its own, through a relay and back. `Testing` events; the last
    /// one holds the answer.
    TestJob { prompt: String },
    /// Cashier: answers `Wallet`.
    Wallet,
    /// Cashier: payments, newest first; answers `Payments`.
    Payments {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<PaymentKey>,
        limit: u32,
    },
    /// Cashier: makes an invoice over so many sats; answers `Invoice`.
    Receive { sats: Sats, description: String },
    /// Cashier: pays an invoice that asks for exactly so many sats, within the limits; answers `Payment`.
    Pay { bolt11: String, sats: Sats },
    /// Cashier: gives the buyer of a job that was paid and not done its money back; answers `Payment`. `to` is an invoice
    /// or a Lightning address (`name@host`, LUD-16); without it, the address in the buyer's profile.
    Refund {
        job: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Cashier: gives up a refund nobody asks for. Answer: `Done`.
    WriteOff { job: String },
    /// Teller: where money can be sent to without an invoice; answers `Address`.
    Address { kind: AddressKind },
    /// Teller: what it would cost to pay to this: an invoice, a Lightning address, an LNURL, an address. Moves nothing;
    /// answers `Quote`.
    Quote {
        to: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sats: Option<Sats>,
    },
    /// Teller: sends to an address, for no more than this fee, within the limits; answers `Payment`.
    Transfer { to: String, sats: Sats, most_fee: Sats },
    /// Teller: money that came over the chain and is not part of the balance; answers `Deposits`.
    Deposits,
    /// Teller: makes a deposit a part of the balance, for no more than this fee; answers `DepositClaimed`.
    ClaimDeposit { deposit: DepositId, most_fee: Sats },
    /// Teller: sends a deposit somewhere else on the chain, for this fee, within the limits; answers `DepositRefunded`.
    RefundDeposit { deposit: DepositId, to: String, fee: Sats },
    /// Teller: the Lightning address that leads to this wallet, as it is or as it is to be; answers `LightningAddress`.
    LightningAddress {
        #[serde(default)]
        change: NameChange,
    },
    /// Teller: how the wallet is beside what it holds; answers `WalletHealth`.
    WalletHealth,
    /// Consumer: asks the market for a job; answers `PurchaseChanged`, as soon as the request is stored.
    Submit { ask: Box<Ask> },
    /// Consumer: pays an offer for a request of ours: this provider's, or the cheapest; answers `PurchaseChanged` at once.
    PayOffer {
        request: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Pubkey>,
    },
    /// Consumer: calls a request off, or leaves the bill of an answer unpaid; answers `PurchaseChanged`.
    CancelRequest { request: String },
    /// Ledger, also while stopped: our own requests, newest first; answers `Purchases`.
    Purchases {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<PageKey>,
        limit: u32,
    },
    /// Ledger, also while stopped: one request of ours; answers `Purchase`. The id may be shortened.
    Purchase { request: String },
    /// Practice market: this robot trades until told otherwise. Answer: `Done`.
    StartRobot { robot: RobotKind },
    /// Practice market: this robot stops. Answer: `Done`.
    StopRobot { robot: RobotKind },
    /// Guard, also while stopped: how the lock on spending stands; answers `Spending`.
    Spending,
    /// Guard, also while stopped: sets the spending PIN, changes it (with the old one) or, without a new one, takes it
    /// away. Answer: `Spending`.
    SetPin {
        #[serde(default, skip_serializing_if = "Option::is_none", with = "crossing::optional")]
        old: Option<Secret>,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "crossing::optional")]
        new: Option<Secret>,
    },
    /// Guard, also while stopped: whether this is the spending PIN. Answer: `Done`.
    CheckPin {
        #[serde(with = "crossing")]
        pin: Secret,
    },
    /// Guard, also while stopped: from now on nothing is paid; earning goes on. Answer: `Spending`.
    LockSpending,
    /// Guard, also while stopped: opens the lock for so many seconds, or until it is locked again. Answer: `Spending`.
    UnlockSpending {
        #[serde(with = "crossing")]
        pin: Secret,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secs: Option<u32>,
    },
    /// Guard: carries out a command about money for whoever knows the PIN, above `limits.pin_above_sats` as well. Answers
    /// as that command does.
    WithPin {
        #[serde(with = "crossing")]
        pin: Secret,
        command: Box<NodeCommand>,
    },
    /// Supervisor: the next start unlocks the identity with this. In this process only: it has no JSON. Answer: `Done`.
    #[serde(skip)]
    Unlock { passphrase: Secret },
}

impl NodeCommand {
    /// The same for whoever waits for its answer and has no business with what is secret in it. A command that is carried
    /// out with the PIN is answered as the command itself.
    pub fn without_secrets(self) -> Self {
        match self {
            Self::WithPin { command, .. } => command.without_secrets(),
            Self::CheckPin { .. } => Self::CheckPin { pin: Secret::blank() },
            Self::UnlockSpending { secs, .. } => Self::UnlockSpending { pin: Secret::blank(), secs },
            Self::SetPin { old, new } => Self::SetPin { old: old.map(|_| Secret::blank()), new: new.map(|_| Secret::blank()) },
            Self::Unlock { .. } => Self::Unlock { passphrase: Secret::blank() },
            other => other,
        }
    }

    /// Whether this starts a node that is stopped.
    pub const fn is_start(&self) -> bool {
        matches!(self, Self::Start | Self::GoOnline)
    }
}

/// What is to become of a Lightning address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum NameChange {
    /// It stays.
    #[default]
    Keep,
    Register {
        name: String,
    },
    Release,
}

/// Who trades with the user in the practice market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RobotKind {
    /// Asks this node for a job every few seconds.
    Buyer,
    /// Another provider, to buy from.
    Seller,
}

impl RobotKind {
    /// As it stands on a command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Seller => "seller",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_flat_json_object() {
        let request = Request { id: RequestId(7), command: NodeCommand::GoOffline { how: Leaving::Now } };
        let json = serde_json::to_string(&request).expect("json");
        assert_eq!(json, r#"{"id":7,"do":"go-offline","how":"now"}"#);
        assert_eq!(serde_json::from_str::<Request>(&json).expect("request"), request);
    }

    #[test]
    fn a_command_about_a_job_keeps_its_own_number() {
        let request = Request { id: RequestId(4), command: NodeCommand::Job { job: "abcd".into() } };
        let json = serde_json::to_string(&request).expect("json");
        assert_eq!(serde_json::from_str::<Request>(&json).expect("request"), request);
    }

    #[test]
    fn a_passphrase_is_in_no_json_and_in_no_debug_text() {
        let passphrase = Secret::new("open sesame".into());
        let request = Request { id: RequestId(1), command: NodeCommand::Unlock { passphrase } };
        assert!(serde_json::to_string(&request).is_err(), "it could cross the socket");
        let shown = format!("{request:?}");
        assert!(shown.contains("Unlock") && !shown.contains("sesame"), "{shown}");
        assert!(serde_json::from_str::<Request>(r#"{"id":1,"do":"unlock","passphrase":"open sesame"}"#).is_err());
    }

    #[test]
    fn a_pin_goes_in_and_is_in_no_debug_text_and_in_no_complaint() {
        let pin = || Secret::new("271828".into());
        let refund = NodeCommand::Refund { job: "ab".into(), to: None };
        for command in [
            NodeCommand::SetPin { old: Some(pin()), new: Some(pin()) },
            NodeCommand::SetPin { old: Some(pin()), new: None },
            NodeCommand::CheckPin { pin: pin() },
            NodeCommand::UnlockSpending { pin: pin(), secs: Some(60) },
            NodeCommand::WithPin { pin: pin(), command: Box::new(refund.clone()) },
        ] {
            let request = Request { id: RequestId(1), command };
            let json = serde_json::to_string(&request).expect("json");
            assert_eq!(serde_json::from_str::<Request>(&json).expect("request"), request);
            let shown = format!("{request:?} {:?}", request.command.clone().without_secrets());
            assert!(!shown.contains("271828"), "{shown}");
            assert_ne!(request.command.clone().without_secrets(), request.command);
        }
        let with_pin = NodeCommand::WithPin { pin: pin(), command: Box::new(refund.clone()) };
        assert_eq!(with_pin.without_secrets(), refund);
        for bad in [
            r#"{"id":1,"do":"check-pin","pin":271828}"#,
            r#"{"id":1,"do":"check-pin","pin":["271828"]}"#,
            r#"{"id":1,"do":"set-pin","new":{"pin":271828}}"#,
            r#"{"id":1,"do":"with-pin","pin":"271828","command":{"do":"fly"}}"#,
        ] {
            let complaint = serde_json::from_str::<Request>(bad).expect_err("no command").to_string();
            assert!(!complaint.contains("271828"), "{complaint}");
        }
    }

    #[test]
    fn stopping_lets_jobs_finish_unless_told_otherwise() {
        let request: Request = serde_json::from_str(r#"{"id":1,"do":"stop"}"#).expect("request");
        assert_eq!(request.command, NodeCommand::Stop { how: Leaving::Finish });
    }
}
