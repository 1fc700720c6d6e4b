//! The config: every key with its default, range and meaning.
//!
//! Layers: default < file < environment < flags. Values stay what TOML calls them until all layers are merged; then
//! [`Config`] is made of them in one place, and inside the program nothing is checked again. [`keys::KEYS`] is the
//! single source of what a key may be; `default.toml` of what it is when nobody says otherwise.

mod arrays;
pub mod edit;
mod error;
pub mod keys;
mod layers;
mod legacy;
mod paths;
mod place;
mod secret_file;
mod value;

#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub use layers::{Loaded, Notice, Override};
pub use paths::{Environment, Paths};
pub use place::PathError;
pub use secret_file::{SecretFile, SecretFileError, open_to_others};

use crate::domain::admission::Accept;
use crate::domain::ids::Pubkey;
use crate::domain::job::Policy;
use crate::domain::model::is_called;
use crate::domain::money::{MilliSats, Sats};
use crate::domain::power::Power;
use crate::domain::purchase::AutoPay;

/// The settings in force. Field names are the keys.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub node: NodeConfig,
    pub relays: RelaysConfig,
    pub backends: BackendsConfig,
    pub provider: ProviderConfig,
    pub wallet: WalletConfig,
    pub limits: LimitsConfig,
    pub buyer: BuyerConfig,
    pub costs: Power,
    pub ledger: LedgerConfig,
    pub log: LogConfig,
}

/// Where the window's node runs. In every mode a node that runs already is used and left running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Inside the window.
    #[default]
    InProcess,
    /// In the background: the window starts it when told to, and stops it when it closes.
    Daemon,
    /// Wherever somebody else has started it; the window starts none.
    Attached,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    pub mode: Mode,
    pub auto_online: bool,
    pub name: String,
    pub about: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaysConfig {
    pub urls: Vec<String>,
    pub publish_list: bool,
    pub max_event_bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendsConfig {
    pub ollama: OllamaConfig,
    pub openai: Vec<ServerConfig>,
    pub probe_secs: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OllamaConfig {
    pub url: String,
}

/// An OpenAI-compatible server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    pub name: String,
    pub url: String,
    /// The variable that holds its key; the key itself never stands in a file of ours.
    pub api_key_env: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    pub kinds: Vec<u16>,
    pub default_model: String,
    pub models: BTreeMap<String, ModelConfig>,
    pub policy: Policy,
    pub accept: Accept,
    pub min_price: MilliSats,
    pub in_rate: MilliSats,
    pub out_rate: MilliSats,
    pub quote_secs: u64,
    pub max_in_flight: u16,
    pub max_queue: u16,
    pub max_open_quotes: u32,
    pub per_buyer_open_quotes: u32,
    pub per_buyer_per_hour: u32,
    pub max_prompt_chars: u64,
    pub max_tokens: u32,
    pub max_result_bytes: usize,
    pub max_age_secs: u64,
    pub max_future_secs: u64,
    pub job_timeout_secs: u64,
    pub stall_secs: u64,
    pub partials: bool,
    #[serde(deserialize_with = "pubkeys")]
    pub block: Vec<Pubkey>,
    #[serde(deserialize_with = "pubkeys")]
    pub allow: Vec<Pubkey>,
    pub store_text: bool,
}

impl ProviderConfig {
    /// What is different for this model, by its whole name or without Ollama's `:latest`.
    pub fn model(&self, name: &str) -> Option<&ModelConfig> {
        let plain = || self.models.iter().find(|(wanted, _)| is_called(name, wanted)).map(|(_, settings)| settings);
        self.models.get(name).or_else(plain)
    }

    /// Names of models that stand in the settings.
    pub fn named_models(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let default = Some(("provider.default_model", self.default_model.as_str())).filter(|(_, name)| !name.is_empty());
        default.into_iter().chain(self.models.keys().map(|name| ("provider.models", name.as_str())))
    }
}

/// What is different for one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    pub enabled: bool,
    pub in_rate: Option<MilliSats>,
    pub out_rate: Option<MilliSats>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { enabled: true, in_rate: None, out_rate: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WalletKind {
    None,
    Spark,
    Nwc,
}

/// Play money or real money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    Regtest,
    Mainnet,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalletConfig {
    pub kind: WalletKind,
    pub network: Network,
    pub api_key_env: String,
    pub spark_library: String,
    pub mnemonic: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    pub per_payment_sats: Sats,
    pub per_request_sats: Sats,
    pub per_day_sats: Sats,
    pub per_provider_day_sats: Sats,
    pub fee_percent: u64,
    pub fee_floor_sats: Sats,
    pub pin_above_sats: Sats,
    pub lock_at_start: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerConfig {
    pub auto_pay: AutoPay,
    pub offer_window_secs: u64,
    pub timeout_secs: u64,
    pub identity: BuyerIdentity,
}

/// Whose key a request is signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuyerIdentity {
    /// A new one for each, so that two requests are not known to be one buyer's.
    Fresh,
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerConfig {
    pub keep_text_days: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    pub level: String,
    pub keep_mb: u64,
}

/// Keys were checked with their row of the table; here they only change their type.
fn pubkeys<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Pubkey>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parse = |text: String| crate::nip90::read_key(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no public key")));
    texts.into_iter().map(parse).collect()
}
