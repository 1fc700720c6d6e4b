//! The embedded market: a relay, a provider and a robot buyer on this machine, over real websockets and real
//! signatures. It is how a newcomer learns, how a demo runs on a fresh machine, and how the tests run the whole loop.
//!
//! Nothing here is taken for real: it works in its own data directory, under its own identity, and the engine that
//! stands in for a missing model labels every answer.

mod host;
mod shelf;
#[cfg(unix)]
pub mod trial;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nostr_relay_builder::LocalRelay;
use nostr_relay_builder::builder::{RateLimit, RelayBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

pub use host::Host;

use self::shelf::Shelf;
use crate::config::{Override, Paths};
use crate::identity::{Identity, IdentityError, Replace, WordCount};
use crate::inference::practice::{Pace, PracticeEngine};
use crate::node::{Market, NodeOptions};

/// How fast the practice engine answers: as a small model does, so that an answer can be watched as it grows.
const PACE: Pace = Pace::every(Duration::from_millis(25));

/// The market's relay. Ends when its last clone is dropped.
#[derive(Debug, Clone)]
pub struct PracticeRelay {
    url: String,
    // Held for its end, which ends every connection with it.
    listening: Arc<AbortOnDropHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    #[error("the practice relay could not listen on 127.0.0.1: {0}")]
    Relay(#[source] std::io::Error),
    #[error("the practice market could not be started: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("the practice identity could not be made: {0}")]
    Identity(#[from] IdentityError),
    #[error("the practice settings are wrong: {0}")]
    Settings(#[from] crate::config::ConfigError),
}

impl PracticeRelay {
    /// Starts a relay on a free port of 127.0.0.1. The usual limit of 60 events a minute is for strangers; here the
    /// only client is ourselves.
    ///
    /// It accepts its connections here and not in the library, which would leave Nagle's algorithm on: two short
    /// messages in a row then wait 40 ms for an acknowledgement, and that would be all one ever measured.
    pub async fn start() -> Result<Self, PracticeError> {
        let limits = RateLimit { max_reqs: 500, notes_per_minute: 1_000_000 };
        let relay = LocalRelay::new(RelayBuilder::default().rate_limit(limits).database(Shelf::default()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(PracticeError::Relay)?;
        let url = format!("ws://{}", listener.local_addr().map_err(PracticeError::Relay)?);
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                if let Ok((stream, from)) = listener.accept().await {
                    connections.spawn(serve(relay.clone(), stream, from));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, listening: Arc::new(AbortOnDropHandle::new(listening)) })
    }

    /// Ends the relay and every connection to it, if this is its last clone.
    pub fn shutdown(self) {
        drop(self.listening);
    }

    /// Its address, `ws://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// One connection: the websocket's handshake, then the library.
async fn serve(relay: LocalRelay, mut stream: TcpStream, from: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("The practice relay's connection stays slow: {error}.");
    }
    if async_wsocket::native::accept(&mut stream).await.is_ok() {
        // It ends with an error when the client leaves without a word, which is its right.
        let _ = relay.take_connection(stream, from).await;
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
    let mut options = member(options, relay.url())?;
    options.extra_backends.push(Arc::new(PracticeEngine { pace: PACE, ..PracticeEngine::default() }));
    Ok(options)
}

/// A node of the practice market on the relay at this address, without an engine.
fn member(options: NodeOptions, relay: &str) -> Result<NodeOptions, PracticeError> {
    let settings = [
        format!("relays.urls=[\"{relay}\"]"),
        "provider.policy=\"free\"".to_owned(),
        // The robot is one key and asks as often as it is told to.
        "provider.per_buyer_per_hour=0".to_owned(),
    ];
    let mut options = NodeOptions { market: Market::Practice, ..options };
    for setting in settings {
        options.overrides.push(setting.parse::<Override>()?);
    }
    Ok(options)
}

/// As [`provider`], for play money: a job is paid before it is done, unless the operator has said otherwise.
pub fn seller(options: NodeOptions, relay: &PracticeRelay) -> Result<NodeOptions, PracticeError> {
    let mut options = provider(options, relay)?;
    for setting in ["provider.policy=\"pay-first\"", "provider.min_price=3000"] {
        options.overrides.push(setting.parse::<Override>()?);
    }
    Ok(options)
}
