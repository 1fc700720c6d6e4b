//! One node of a trial: a process of its own, with keys, ledger and wallet of its own, made to be killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Environment, Override, Paths};
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::inference::practice::{Pace, PracticeEngine};
use crate::node::control::ControlClient;
use crate::node::{NodeCommand, NodeEvent, NodeOptions};
use crate::practice::{self, PracticeError};
use crate::store::{Reader, StoreError};
use crate::wallet::practice::{Behaviour, OpenError, PracticeOptions, PracticeWallet};

/// One prompt in so many fails after it was paid, so that there is something to refund.
const BREAKS: u64 = 40;
/// How long a member may take to answer a command.
const ANSWER: Duration = Duration::from_secs(5);
/// What members keep their wallet in.
const WALLET: &str = "wallet";

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Seller,
    Buyer,
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "seller" => Ok(Self::Seller),
            "buyer" => Ok(Self::Buyer),
            other => Err(format!("{other:?} is neither seller nor buyer")),
        }
    }
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Buyer => "buyer",
        }
    }
}

/// What makes a member, handed from process to process.
#[derive(Debug, Clone)]
pub struct Member {
    pub role: Role,
    pub dir: PathBuf,
    pub relay: String,
    pub seed: u64,
    /// What a new wallet holds.
    pub funds: MilliSats,
    /// Whether its wallet and engine misbehave.
    pub chaos: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error(transparent)]
    Practice(#[from] PracticeError),
    #[error("the practice wallet cannot be opened: {0}")]
    Wallet(#[from] OpenError),
    #[error("the practice settings are wrong: {0}")]
    Settings(#[from] crate::config::ConfigError),
}

impl Member {
    /// The options of this member's node, with its wallet opened. Runs in the member's own process.
    pub async fn options(&self) -> Result<NodeOptions, MemberError> {
        crate::net::init();
        let paths = self.paths();
        practice::identity(&paths)?;
        let mut options = practice::member(NodeOptions::new(paths, Environment::default()), &self.relay)?;
        for setting in self.settings() {
            options.overrides.push(setting.parse::<Override>()?);
        }
        let breaks = if self.chaos { BREAKS } else { 0 };
        options.extra_backends.push(Arc::new(PracticeEngine { pace: Pace::INSTANT, breaks }));
        options.wallet = Some(Arc::new(self.wallet(self.behaviour()).await?));
        Ok(options)
    }

    /// Its wallet. One process at a time may have it.
    pub async fn wallet(&self, behaviour: Behaviour) -> Result<PracticeWallet, OpenError> {
        let options = PracticeOptions::new(self.dir.join(WALLET), &self.relay);
        PracticeWallet::open(PracticeOptions { opening_balance: self.funds, behaviour, ..options }).await
    }

    fn behaviour(&self) -> Behaviour {
        if !self.chaos {
            return Behaviour::default();
        }
        let delay = Duration::from_millis(30);
        Behaviour { seed: self.seed, delay, refuse: 0.03, duplicate: 0.1, lose_reply: 0.05, late_settlement: true }
    }

    fn settings(&self) -> Vec<&'static str> {
        let both = ["backends.ollama.url=\"http://127.0.0.1:9\"", "log.level=\"warn\""];
        let own: &[&str] = match self.role {
            Role::Seller => &[
                "provider.policy=\"pay-first\"",
                "provider.min_price=3000",
                "provider.in_rate=0",
                "provider.out_rate=0",
                "provider.partials=false",
                "provider.max_open_quotes=10000",
                "provider.max_queue=1000",
                "provider.max_in_flight=8",
                "limits.per_day_sats=100000000",
            ],
            Role::Buyer => &[
                "buyer.auto_pay=\"first\"",
                "buyer.timeout_secs=60",
                "limits.per_day_sats=100000000",
                "limits.per_provider_day_sats=100000000",
            ],
        };
        [&both[..], own].concat()
    }

    pub fn paths(&self) -> Paths {
        Paths::at(&self.dir)
    }

    pub fn ledger(&self) -> Result<Reader, StoreError> {
        Reader::open(&self.paths().ledger)
    }

    /// Whose key it has; made when it is new.
    pub fn pubkey(&self) -> Result<Pubkey, PracticeError> {
        Ok(practice::identity(&self.paths())?.pubkey())
    }

    /// Asks the member's node; `None`: it is not there now, or not quick enough.
    pub fn ask(&self, command: NodeCommand) -> Option<NodeEvent> {
        ControlClient::connect(&self.paths().control_sock).ok()?.call(command, ANSWER).ok()
    }

    /// Starts its process. It ends when the pipe to it closes, so none is left behind.
    pub fn spawn(&self, program: &Path) -> std::io::Result<Child> {
        let log = File::options().create(true).append(true).open(self.dir.join("stderr.log"))?;
        Command::new(program)
            .arg("practice-member")
            .args(["--role", self.role.as_str(), "--relay", &self.relay])
            .args(["--seed", &self.seed.to_string(), "--funds-msats", &self.funds.0.to_string()])
            .args(self.chaos.then_some("--chaos"))
            .arg("--dir")
            .arg(&self.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
    }
}
