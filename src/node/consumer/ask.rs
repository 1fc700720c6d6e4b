//! What a user asks for, and making a signed request of it.

use nostr::{Event, JsonUtil as _, Keys};
use serde::{Deserialize, Serialize};

use super::Context;
use crate::config::{BuyerConfig, BuyerIdentity};
use crate::domain::ids::Pubkey;
use crate::domain::money::Sats;
use crate::domain::purchase::AutoPay;
use crate::domain::request::{Input, InputKind, Sampling, Scheme};
use crate::nip90::draft::{self, RequestDraft};
use crate::nip90::{KINDS, job_id};
use crate::node::event::{Failure, sentence};
use crate::store::{NewPurchase, Secret};

/// The longest prompt sent, in characters: more does not fit into what relays take.
const MOST_CHARS: usize = 32_000;

/// A job a user wants done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    pub prompt: String,
    pub model: Option<String>,
    /// Who is asked; `None`: anybody.
    pub provider: Option<Pubkey>,
    /// The most it may cost.
    pub bid: Option<Sats>,
    /// Tokens the answer may have.
    pub max_tokens: Option<u32>,
    /// Only the provider can read it (NIP-44). Needs a provider.
    pub encrypted: bool,
    /// How an offer is chosen; `None`: as `buyer.auto_pay` says.
    pub auto_pay: Option<AutoPay>,
    /// Seconds an answer is waited for; `None`: as `buyer.timeout_secs` says.
    pub timeout_secs: Option<u64>,
}

/// A request ready to be stored and sent.
pub struct Drafted {
    pub new: NewPurchase,
    pub event: Event,
    pub keys: Keys,
}

impl Ask {
    /// Writes and signs the request. Nothing is sent.
    pub(super) fn draft(&self, context: &Context, config: &BuyerConfig) -> Result<Drafted, Failure> {
        self.check()?;
        let (keys, secret) = match config.identity {
            BuyerIdentity::Own => (context.identity.nostr_keys().clone(), None),
            BuyerIdentity::Fresh => {
                let keys = Keys::generate();
                let secret = Secret(keys.secret_key().to_secret_bytes());
                (keys, Some(secret))
            }
        };
        let now = context.clock.now();
        let bid = self.bid.and_then(Sats::to_msats);
        let kind = KINDS.first().map_or(5050, |spec| spec.kind);
        let scheme = if self.encrypted { Scheme::Nip44 } else { Scheme::Plain };
        let request = RequestDraft {
            kind,
            inputs: vec![Input { data: self.prompt.clone(), kind: InputKind::Text, relay: None, marker: None }],
            sampling: Sampling { max_tokens: self.max_tokens, ..Sampling::default() },
            model: self.model.clone(),
            output: None,
            bid,
            relays: Vec::new(),
            provider: self.provider,
            scheme,
            created_at: now,
            expires_at: None,
            nonce: nonce()?,
        };
        let builder = draft::write(&request, &keys).map_err(|error| Failure::usage(sentence(&error)))?;
        let event = builder.sign_with_keys(&keys).map_err(|error| Failure::internal(format!("The request cannot be signed: {error}.")))?;
        let new = NewPurchase {
            id: job_id(&event),
            kind,
            scheme,
            target: self.provider,
            model: self.model.clone(),
            prompt: self.prompt.clone(),
            bid,
            auto_pay: self.auto_pay.unwrap_or(config.auto_pay),
            secret,
            event_json: event.as_json(),
            created_at: now,
            expires_at: now.plus_ms(self.timeout_secs.unwrap_or(config.timeout_secs).saturating_mul(1000)),
        };
        Ok(Drafted { new, event, keys })
    }

    fn check(&self) -> Result<(), Failure> {
        let chars = self.prompt.chars().count();
        if self.prompt.trim().is_empty() {
            return Err(Failure::usage("There is nothing to ask: the prompt is empty."));
        }
        if chars > MOST_CHARS {
            return Err(Failure::usage(format!("The prompt has {chars} characters, and relays take {MOST_CHARS}. Shorten it.")));
        }
        if self.encrypted && self.provider.is_none() {
            return Err(Failure::usage("An encrypted request needs one provider to encrypt it to.").hint("Name one with `--provider`."));
        }
        if self.bid == Some(Sats(0)) {
            return Err(Failure::usage("A bid of 0 sats pays nobody.").hint("Leave it out to see what providers ask."));
        }
        Ok(())
    }
}

fn nonce() -> Result<u128, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::internal(format!("No random numbers: {error}.")))?;
    Ok(u128::from_ne_bytes(bytes))
}
