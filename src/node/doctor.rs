//! What is well and what is not, each with its cure. Changes nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::audit;
use super::connection::Kept;
use super::event::{Failure, sentence};
use super::options::{Market, NodeOptions};
use super::services::backends;
use super::spark;
use super::trouble::CLOCK_HINT;
use super::unlock::refused;
use crate::clock::Clock;
use crate::config::{Config, Notice, WalletKind};
use crate::domain::clock_skew::skew;
use crate::domain::job::Policy;
use crate::domain::model::{BackendHealth, BackendState, is_called};
use crate::domain::money::Sats;
use crate::domain::relay::{RelayHealth, RelayState};
use crate::identity::{Identity, IdentityError};
use crate::inference::registry::Registry;
use crate::relay::{LinkOptions, NostrRelays, RelayLink as _, RelayNews, clock_ahead_secs};
use crate::store::{Reader, StoreError};
use crate::wallet::Wallet;

/// How long backends get to answer.
const PROBE: Duration = Duration::from_secs(4);
/// How long relays get to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// What to do about a config that is not taken.
pub(super) const CONFIG_HINT: &str = "See every key with `pylon config list`.";

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Good,
    /// Works, and somebody should know.
    Warning,
    /// Keeps jobs from being served.
    Bad,
}

/// One check's outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at: `identity`, `ledger`, ...
    pub check: String,
    pub verdict: Verdict,
    pub message: String,
    pub hint: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &str, message: impl Into<String>) -> Self {
        Self { check: check.into(), verdict: Verdict::Good, message: message.into(), hint: None }
    }

    pub(super) fn warning(check: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, hint: Some(hint.into()), ..Self::good(check, message) }
    }

    pub(super) fn bad(check: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, ..Self::warning(check, message, hint) }
    }
}

/// Asks every configured backend once, for a node that is stopped.
pub fn probe_once(config: &Config, options: &NodeOptions) -> Result<impl Future<Output = Vec<BackendHealth>> + Send + use<>, Failure> {
    crate::net::init();
    let registry = Registry::new(backends(config, options)?, PROBE, options.clock.clone());
    Ok(async move {
        registry.refresh().await;
        registry.health()
    })
}

/// What a start would meet, found without connecting to a relay or opening the ledger. Cheap enough to ask every few
/// seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preflight {
    pub config: Finding,
    /// Good: the message is the npub.
    pub identity: Finding,
    pub payment: Finding,
    /// As probed just now.
    pub backends: Vec<BackendHealth>,
    /// As configured.
    pub relays: Vec<String>,
    /// `provider.default_model`; empty: the first that is ready.
    pub default_model: String,
    pub policy: Policy,
    /// What the smallest job costs, if jobs are paid for.
    pub min_price: Sats,
}

/// A visit to the doctor.
pub struct Examination {
    options: NodeOptions,
    /// The running node's relays; a stopped node's are tried.
    relays: Option<Vec<RelayHealth>>,
    /// The running node's wallet; a stopped node's is closed.
    wallet: Option<Arc<dyn Wallet>>,
}

impl Examination {
    pub fn new(options: &NodeOptions, relays: Option<Vec<RelayHealth>>, wallet: Option<Arc<dyn Wallet>>) -> Self {
        Self { options: options.clone(), relays, wallet }
    }

    /// Every check, in the order a job would meet them.
    pub async fn run(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (found, config) = config(&self.options);
        findings.extend(found);
        findings.extend(directory(&self.options));
        let (found, identity) = identity(&self.options);
        findings.push(found);
        let options = self.options.clone();
        let ledger = tokio::task::spawn_blocking(move || ledger(&options)).await;
        findings.extend(
            ledger.unwrap_or_else(|error| vec![Finding::bad("ledger", format!("The check stopped: {error}."), "Please report this.")]),
        );
        if let Some(wallet) = &self.wallet {
            findings.push(audit::audit(&self.options.paths.ledger, wallet.as_ref()).await);
        }
        let Some(config) = config else { return findings };
        findings.push(payment(&config, &self.options));
        findings.extend(self.backends(&config).await);
        findings.extend(self.relays(&config, identity).await);
        findings
    }

    async fn backends(&self, config: &Config) -> Vec<Finding> {
        match probe_once(config, &self.options) {
            Ok(probing) => {
                let backends = probing.await;
                backend_findings(&backends).into_iter().chain(unknown_models(config, &backends)).collect()
            }
            Err(failure) => vec![Finding::bad("backends", failure.message, "Check backends.* in the config.")],
        }
    }

    async fn relays(&self, config: &Config, identity: Option<Identity>) -> Vec<Finding> {
        let health = match (&self.relays, identity) {
            (Some(health), _) => health.clone(),
            (None, Some(identity)) => match try_relays(config, &identity, &self.options.clock).await {
                Ok(health) => health,
                Err(failure) => return vec![Finding::bad("relays", failure, "Check relays.urls in the config.")],
            },
            (None, None) => return Vec::new(),
        };
        health.iter().map(relay_finding).chain(clock_finding(&health)).collect()
    }
}

/// The config as a start would read it, and what there is to say about it: one finding at least.
pub(super) fn config(options: &NodeOptions) -> (Vec<Finding>, Option<Arc<Config>>) {
    match Config::load(&options.paths, &options.environment, &options.overrides) {
        Ok(loaded) if loaded.notices.is_empty() => {
            let file = options.paths.config_toml.display();
            (vec![Finding::good("config", format!("{file} is in order."))], Some(Arc::new(loaded.config)))
        }
        Ok(loaded) => {
            let warning = |notice: Notice| Finding::warning("config", notice.message, notice.hint);
            (loaded.notices.into_iter().map(warning).collect(), Some(Arc::new(loaded.config)))
        }
        Err(error) => (vec![Finding::bad("config", sentence(&error), CONFIG_HINT)], None),
    }
}

/// The data directory, if there is something wrong with it.
fn directory(options: &NodeOptions) -> Option<Finding> {
    let error = options.paths.check().err()?;
    Some(Finding::bad("directory", sentence(&error), "Nothing can be written down there, so the node takes no jobs."))
}

/// The identity a start would use. Good: the message is the npub.
pub(super) fn identity(options: &NodeOptions) -> (Finding, Option<Identity>) {
    match Identity::load(&options.paths) {
        Ok(identity) => (Finding::good("identity", identity.npub()), Some(identity)),
        Err(error @ IdentityError::Encrypted { .. }) => {
            let path = options.paths.identity_age.display();
            (
                Finding::warning(
                    "identity",
                    format!("{path} is encrypted: a start needs its passphrase."),
                    refused(&error).hints.join(" "),
                ),
                None,
            )
        }
        Err(error) => (Finding::bad("identity", sentence(&error), "Without one nothing can be signed, so the node does not start."), None),
    }
}

fn ledger(options: &NodeOptions) -> Vec<Finding> {
    let path = options.paths.ledger.display();
    let reader = match Reader::open(&options.paths.ledger) {
        Ok(reader) => reader,
        Err(StoreError::NoLedger { .. }) => return vec![Finding::good("ledger", "There is none yet; the first start makes it.")],
        Err(error) => return vec![Finding::bad("ledger", sentence(&error), "No job is taken until the ledger can be used.")],
    };
    match reader.integrity() {
        Ok(problems) if problems.is_empty() => vec![Finding::good("ledger", format!("{path} is whole."))],
        Ok(problems) => {
            let hint = "Stop the node, copy pylon.db, pylon.db-wal and pylon.db-shm aside, and restore a backup.";
            problems.into_iter().map(|problem| Finding::bad("ledger", problem, hint)).collect()
        }
        Err(error) => vec![Finding::bad("ledger", sentence(&error), "The ledger could not be checked.")],
    }
}

/// Whether jobs can be paid for, by the policy and the wallet a start would open.
pub(super) fn payment(config: &Config, options: &NodeOptions) -> Finding {
    let free = "Serve for free: `pylon config set provider.policy free`.";
    match (config.provider.policy, options.market, config.wallet.kind) {
        (Policy::Free, ..) => Finding::good("payment", "Jobs are served for free."),
        (_, Market::Practice, _) => Finding::good("payment", "Jobs are paid with play money."),
        (..) if options.wallet.is_some() => Finding::good("payment", "There is a wallet."),
        (_, Market::Real, WalletKind::None) => Finding::bad("payment", "The policy asks for payment and there is no wallet.", free),
        (_, Market::Real, WalletKind::Nwc) if Kept::at(&options.paths).is_sealed() => {
            Finding::good("payment", "Jobs are paid into the connected wallet. Its connection is encrypted, and a start opens it.")
        }
        (_, Market::Real, WalletKind::Nwc) => match Kept::at(&options.paths).open(None) {
            Ok(Some(connection)) => Finding::good("payment", format!("Jobs are paid into the wallet {}.", connection.wallet().short())),
            Ok(None) => Finding::bad("payment", "wallet.kind is nwc and no wallet is connected.", "Connect one: `pylon wallet connect`."),
            Err(error) => {
                Finding::bad("payment", sentence(&error), "Mend the file, or connect anew: `pylon wallet disconnect`, then `connect`.")
            }
        },
        (_, Market::Real, WalletKind::Spark) => match spark::check(config, options) {
            Ok(ready) => Finding::good("payment", format!("Jobs are paid into the Spark wallet, on {}.", ready.network.network().as_str())),
            Err(obstacle) => Finding::bad("payment", obstacle.message, obstacle.hint),
        },
    }
}

fn backend_findings(backends: &[BackendHealth]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = backends.iter().map(backend_finding).collect();
    if !backends.iter().any(|backend| matches!(backend.state, BackendState::Ready { .. }) && !backend.models.is_empty()) {
        findings.push(Finding::bad(
            "models",
            "No model is ready, so no job can be served.",
            "Start Ollama and run `ollama pull llama3.2`.",
        ));
    }
    findings
}

fn backend_finding(backend: &BackendHealth) -> Finding {
    let check = format!("backend {}", backend.name);
    match &backend.state {
        BackendState::Ready { version } => {
            let names: Vec<_> = backend.models.iter().map(|model| model.name.as_str()).collect();
            let version = version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
            if names.is_empty() {
                return Finding::warning(&check, format!("Answers{version} and has no model."), "Get one: `ollama pull llama3.2`.");
            }
            Finding::good(&check, format!("Answers{version} at {} with {}.", backend.url, names.join(", ")))
        }
        BackendState::Unavailable { reason, hint } => Finding::warning(&check, reason.clone(), hint.clone()),
        BackendState::Unknown => Finding::warning(&check, "Did not answer in time.", "Try again."),
    }
}

/// Models that stand in the settings and on no server, as far as any server answers.
pub(super) fn unknown_models(config: &Config, backends: &[BackendHealth]) -> Vec<Finding> {
    let ready = || backends.iter().filter(|backend| matches!(backend.state, BackendState::Ready { .. }));
    let is_there = |name: &str| ready().flat_map(|backend| &backend.models).any(|model| is_called(&model.name, name));
    if ready().next().is_none() {
        return Vec::new();
    }
    let unknown = config.provider.named_models().filter(|(_, name)| !is_there(name));
    let finding = |(key, name): (&str, &str)| {
        let then = if key == "provider.default_model" { " Jobs that name no model run on the first that is there." } else { "" };
        let hint = format!("See what there is with `pylon models`; get it with `pylon models pull {name}`, or change {key}.");
        Finding::warning("models", format!("{key} names {name:?}, which no model server has.{then}"), hint)
    };
    unknown.map(finding).collect()
}

fn relay_finding(relay: &RelayHealth) -> Finding {
    let check = format!("relay {}", relay.url);
    match relay.state {
        RelayState::Connected => Finding::good(&check, "Connected."),
        RelayState::Off | RelayState::Connecting | RelayState::Retrying => {
            let why = relay.last_error.as_deref().map_or_else(String::new, |error| format!(" ({error})"));
            Finding::warning(
                &check,
                format!("Does not connect{why}."),
                "Check the address and the network; the other relays are used meanwhile.",
            )
        }
    }
}

/// Our clock by those of the relays; nothing where none tells its time.
fn clock_finding(relays: &[RelayHealth]) -> Option<Finding> {
    let clocks: Vec<i64> = relays.iter().filter_map(|relay| relay.clock_ahead_secs).collect();
    if clocks.is_empty() {
        return None;
    }
    Some(match skew(clocks.iter().copied()) {
        Some(skew) => Finding::bad("clock", skew.to_string(), CLOCK_HINT),
        None => Finding::good("clock", format!("It agrees with the relays that tell their time ({}).", clocks.len())),
    })
}

/// Connects to every relay for a moment.
async fn try_relays(config: &Config, identity: &Identity, clock: &Clock) -> Result<Vec<RelayHealth>, String> {
    let client = crate::net::http_client().map_err(|error| error.to_string())?;
    let options =
        LinkOptions::new(config.relays.urls.clone(), config.relays.max_event_bytes, identity.nostr_keys().clone(), client.clone());
    let (link, mut news) = NostrRelays::new(options).map_err(|error| error.to_string())?;
    link.connect().await;
    let all_connected = async {
        while let Some(item) = news.recv().await {
            let settled = matches!(item, RelayNews::Health(_)) && link.health().iter().all(|relay| relay.state == RelayState::Connected);
            if settled {
                return;
            }
        }
    };
    // Whoever has not connected by then is reported as it stands.
    let _ = tokio::time::timeout(CONNECT, all_connected).await;
    let mut health = link.health();
    let ask = |relay: &RelayHealth| {
        let (client, url) = (client.clone(), relay.url.clone());
        async move { clock_ahead_secs(&client, &url, clock).await }
    };
    let clocks = join_all(health.iter().map(ask)).await;
    for (relay, clock) in health.iter_mut().zip(clocks) {
        relay.clock_ahead_secs = clock;
    }
    link.close().await;
    Ok(health)
}
