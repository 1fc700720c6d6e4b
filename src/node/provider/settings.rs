//! The config as the provider uses it: what applies at once, and what waits for the next Go Online.

use std::sync::Arc;

use nostr::{Filter, Kind, Timestamp};

use super::menu::Menu;
use crate::config::Config;
use crate::domain::admission::{Accept, Rules};
use crate::domain::ids::Pubkey;
use crate::domain::job::Policy;
use crate::domain::quote::{self, Deal, Rates};
use crate::node::event::Failure;
use crate::wallet::Wallet;

/// Tokens of an answer when a job names none.
const DEFAULT_TOKENS: u32 = 512;

/// The provider's view of the config. Kinds, policy and who may ask change only when going online: a buyer who was
/// quoted one deal must not be served another.
pub struct Settings {
    config: Arc<Config>,
    kinds: Vec<u16>,
    policy: Policy,
    accept: Accept,
    /// Made once per change: every request is held against them, and the lists in them can be long.
    rules: Rules,
}

/// What one run is bound by, fixed when it starts.
#[derive(Debug, Clone)]
pub struct RunLimits {
    pub menu: Menu,
    pub job_timeout_secs: u64,
    pub stall_secs: u64,
    pub max_result_bytes: usize,
    pub max_event_bytes: usize,
    pub partials: bool,
    pub store_text: bool,
    pub quote_secs: u64,
}

impl Settings {
    pub fn new(config: Arc<Config>) -> Self {
        let provider = &config.provider;
        let (kinds, policy, accept) = (provider.kinds.clone(), provider.policy, provider.accept);
        Self { rules: rules(&config, &kinds, accept), kinds, policy, accept, config }
    }

    /// Takes over a changed config; what waits for Go Online keeps its old value until [`Settings::apply_pending`].
    pub fn reload(&mut self, config: Arc<Config>) {
        self.config = config;
        self.rules = rules(&self.config, &self.kinds, self.accept);
    }

    /// Applies what waited.
    pub fn apply_pending(&mut self) {
        self.kinds.clone_from(&self.config.provider.kinds);
        self.policy = self.config.provider.policy;
        self.accept = self.config.provider.accept;
        self.rules = rules(&self.config, &self.kinds, self.accept);
    }

    /// Whether what waits can be served at all. Refused, it goes on waiting.
    pub fn check_pending(&self, wallet: Option<&dyn Wallet>) -> Result<(), Failure> {
        let policy = self.config.provider.policy;
        if policy == Policy::Free || wallet.is_some() {
            return Ok(());
        }
        let policy = if policy == Policy::PayFirst { "pay-first" } else { "result-first" };
        let failure = Failure::user(format!("The payment policy is {policy} and there is no wallet, so nobody could pay."));
        Err(failure.hint("Serve jobs for free: `pylon config set provider.policy free`."))
    }

    /// What a job is done for: by the model's rates where it has some, by the provider's where not.
    pub fn deal(&self, model: &str, prompt_chars: u64, max_tokens: u32) -> Deal {
        let provider = &self.config.provider;
        let model = provider.model(model);
        let rates = Rates {
            min_price: provider.min_price,
            in_rate: model.and_then(|model| model.in_rate).unwrap_or(provider.in_rate),
            out_rate: model.and_then(|model| model.out_rate).unwrap_or(provider.out_rate),
        };
        Deal::new(self.policy, quote::price(rates, quote::estimate_tokens(prompt_chars), max_tokens.into()))
    }

    /// How long an invoice waits to be paid.
    pub fn quote_secs(&self) -> u64 {
        self.config.provider.quote_secs
    }

    pub fn policy(&self) -> Policy {
        self.policy
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn kinds(&self) -> &[u16] {
        &self.kinds
    }

    pub fn max_in_flight(&self) -> usize {
        usize::from(self.config.provider.max_in_flight)
    }

    pub fn max_age_secs(&self) -> u64 {
        self.config.provider.max_age_secs
    }

    pub fn stores_text(&self) -> bool {
        self.config.provider.store_text
    }

    /// How long a refused request's id is remembered: past anything a relay could still replay into our window.
    pub fn memory_ms(&self) -> u64 {
        let window = self.config.provider.max_age_secs + self.config.provider.max_future_secs + super::OVERLAP_SECS;
        (window * 2).max(86_400) * 1000
    }

    /// How long texts are kept, in milliseconds.
    pub fn keep_text_ms(&self) -> u64 {
        self.config.ledger.keep_text_days * 86_400_000
    }

    /// What a request is held against.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Rules for a job that was let in before a restart: what was decided then stands, only its length is bound again.
    pub fn rules_for_resuming(&self, kind: u16) -> Rules {
        Rules {
            kinds: vec![kind],
            accept: Accept::Open,
            max_age_secs: u64::MAX,
            max_future_secs: u64::MAX,
            per_buyer_per_hour: 0,
            max_queue: usize::MAX,
            max_open_quotes: 0,
            per_buyer_open_quotes: 0,
            max_prompt_chars: u64::MAX,
            blocked: Default::default(),
            allowed: Default::default(),
            ..self.rules.clone()
        }
    }

    pub fn limits(&self) -> RunLimits {
        let provider = &self.config.provider;
        RunLimits {
            menu: self.menu(),
            job_timeout_secs: provider.job_timeout_secs,
            stall_secs: provider.stall_secs,
            max_result_bytes: provider.max_result_bytes,
            max_event_bytes: self.config.relays.max_event_bytes,
            partials: provider.partials,
            store_text: provider.store_text,
            quote_secs: provider.quote_secs,
        }
    }

    /// Which models are on offer.
    pub fn menu(&self) -> Menu {
        Menu::new(Arc::clone(&self.config))
    }

    /// What the relays are asked for.
    pub fn request_filter(&self, me: &Pubkey, since_secs: u64) -> Filter {
        let filter = Filter::new().kinds(self.kinds.iter().map(|kind| Kind::from(*kind))).since(Timestamp::from(since_secs));
        match (self.accept, nostr::PublicKey::from_slice(&me.0)) {
            (Accept::Targeted, Ok(me)) => filter.pubkey(me),
            _ => filter,
        }
    }
}

fn rules(config: &Config, kinds: &[u16], accept: Accept) -> Rules {
    let provider = &config.provider;
    Rules {
        kinds: kinds.to_vec(),
        accept,
        max_prompt_chars: provider.max_prompt_chars,
        max_tokens: provider.max_tokens,
        default_tokens: DEFAULT_TOKENS.min(provider.max_tokens),
        max_age_secs: provider.max_age_secs,
        max_future_secs: provider.max_future_secs,
        per_buyer_per_hour: provider.per_buyer_per_hour,
        max_queue: usize::from(provider.max_queue),
        max_in_flight: usize::from(provider.max_in_flight),
        max_open_quotes: provider.max_open_quotes,
        per_buyer_open_quotes: provider.per_buyer_open_quotes,
        blocked: provider.block.iter().copied().collect(),
        allowed: provider.allow.iter().copied().collect(),
    }
}

/// Deletions since then. Relays cannot filter them by whether they name a job of ours; the provider does.
pub fn cancellation_filter(since_secs: u64) -> Filter {
    Filter::new().kind(Kind::EventDeletion).since(Timestamp::from(since_secs))
}
