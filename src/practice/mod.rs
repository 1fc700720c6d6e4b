//! The embedded market: a relay, a provider and a robot buyer on this machine, over real websockets and real
//! signatures. It is how a newcomer learns, how a demo runs on a fresh machine, and how the tests run the whole loop.
//!
//! Nothing here is taken for real: it works in its own data directory, under its own identity, and the engine that
//! stands in for a missing model labels every answer.

mod robot;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use nostr_relay_builder::LocalRelay;
use nostr_relay_builder::builder::{RateLimit, RelayBuilder};

pub use robot::{BuyError, Purchase, Robot};

use crate::config::{Override, Paths};
use crate::identity::{Identity, IdentityError, Replace, WordCount};
use crate::inference::practice::PracticeEngine;
use crate::node::{Market, NodeOptions};

/// The market's relay. Ends when dropped.
#[derive(Debug, Clone)]
pub struct PracticeRelay {
    relay: LocalRelay,
    url: String,
}

#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    #[error("the practice relay could not listen on 127.0.0.1: {0}")]
    Relay(#[source] nostr_relay_builder::error::Error),
    #[error("the practice identity could not be made: {0}")]
    Identity(#[from] IdentityError),
    #[error("the practice settings are wrong: {0}")]
    Settings(#[from] crate::config::ConfigError),
}

impl PracticeRelay {
    /// Starts a relay on a free port of 127.0.0.1. The usual limit of 60 events a minute is for strangers; here the
    /// only client is ourselves.
    pub async fn start() -> Result<Self, PracticeError> {
        let limits = RateLimit { max_reqs: 500, notes_per_minute: 1_000_000 };
        let relay = LocalRelay::new(RelayBuilder::default().addr(IpAddr::V4(Ipv4Addr::LOCALHOST)).rate_limit(limits));
        relay.run().await.map_err(PracticeError::Relay)?;
        let url = relay.url().await.to_string();
        Ok(Self { relay, url })
    }

    /// Ends the relay and every connection to it.
    pub fn shutdown(&self) {
        self.relay.shutdown();
    }

    /// Its address, `ws://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The identity of the practice market, made when it is missing: it holds nothing and needs no backup.
pub fn identity(paths: &Paths) -> Result<Identity, PracticeError> {
    paths.ensure().map_err(IdentityError::from)?;
    match Identity::load(paths) {
        Err(IdentityError::Missing { .. }) => Ok(Identity::create(paths, WordCount::Twelve, Replace::Never)?.identity),
        loaded => Ok(loaded?),
    }
}

/// A provider of the practice market: the given options, on this relay, for free, with the practice engine behind
/// whatever real backends there are.
pub fn provider(options: NodeOptions, relay: &PracticeRelay) -> Result<NodeOptions, PracticeError> {
    let settings = [
        format!("relays.urls=[\"{}\"]", relay.url()),
        "provider.policy=\"free\"".to_owned(),
        // The robot is one key and asks as often as it is told to.
        "provider.per_buyer_per_hour=0".to_owned(),
    ];
    let mut options = NodeOptions { market: Market::Practice, ..options };
    for setting in settings {
        options.overrides.push(setting.parse::<Override>()?);
    }
    options.extra_backends.push(Arc::new(PracticeEngine::default()));
    Ok(options)
}
