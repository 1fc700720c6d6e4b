//! What a node is given when it is made.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::wake::{NoWake, Wake};
use crate::clock::Clock;
use crate::config::{Environment, Override, Paths};
use crate::domain::money::MilliSats;
use crate::domain::time::Pace;
use crate::inference::Inference;
use crate::relay::LOOK_AT_CLOCKS;
use crate::store::{FaultPoint, Observer};
use crate::wallet::Wallet;
use crate::wallet::spark::Launcher;
use crate::wallet::spark::protocol::Servers;

/// Which market the node is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Market {
    /// Real relays, real keys.
    #[default]
    Real,
    /// The embedded market: everything is labelled as practice.
    Practice,
}

/// What kind of process the node lives in: whether it ends with the node, and who may start it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Housing {
    /// One that goes on without its node: the window.
    #[default]
    Inside,
    /// `pylon run`, before somebody's eyes or under a service manager.
    Foreground,
    /// `pylon start`: nobody's but its own.
    Daemon,
    /// A command that needs a node where none runs, such as `pylon wallet`: it ends with that, and takes no jobs.
    Errand,
}

impl Housing {
    /// Whether jobs of others may be worked on here.
    pub const fn may_sell(self) -> bool {
        !matches!(self, Self::Errand)
    }
}

/// How often the parts are looked at that fail without saying so.
#[derive(Debug, Clone, Copy)]
pub struct Paces {
    pub wallet: Pace,
    pub clock: Pace,
    /// Before a ledger that failed is tried again; longer if it fails again and again.
    pub ledger: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        Self { wallet: Pace::secs(30, 10), clock: LOOK_AT_CLOCKS, ledger: Duration::from_secs(5) }
    }
}

/// Everything a node depends on from outside.
#[derive(Clone)]
pub struct NodeOptions {
    pub paths: Paths,
    pub environment: Environment,
    /// `key=value` settings that win over file and environment.
    pub overrides: Vec<Override>,
    pub market: Market,
    pub housing: Housing,
    /// Backends beside the configured ones.
    pub extra_backends: Vec<Arc<dyn Inference>>,
    /// Told of each journal step around its commit; see [`crate::store::Step`].
    pub observer: Option<Observer>,
    /// Makes the disk under the ledger fail; see [`crate::store::FaultPoint`].
    pub disk: Option<FaultPoint>,
    /// Where the money goes; `None`: as the config says.
    pub wallet: Option<Arc<dyn Wallet>>,
    /// What a new practice wallet holds.
    pub play_money: MilliSats,
    /// What unlocks an encrypted identity.
    pub passphrase: Option<Arc<SecretString>>,
    pub clock: Clock,
    pub paces: Paces,
    pub wake: Arc<dyn Wake>,
    /// How the Spark wallet's helper is started; `None`: as this program, once more.
    pub spark: Option<Launcher>,
    /// Whom the Spark wallet talks to.
    pub spark_servers: Servers,
}

impl NodeOptions {
    /// A node on these paths, with everything else as it usually is.
    pub fn new(paths: Paths, environment: Environment) -> Self {
        Self {
            paths,
            environment,
            overrides: Vec::new(),
            market: Market::Real,
            housing: Housing::Inside,
            extra_backends: Vec::new(),
            observer: None,
            disk: None,
            wallet: None,
            play_money: MilliSats(0),
            passphrase: None,
            clock: Clock::default(),
            paces: Paces::default(),
            wake: Arc::new(NoWake),
            spark: None,
            spark_servers: Servers::Hosted,
        }
    }
}
