//! Trying a relay out without the node: one connection under keys made for it, one question, one tiny event.
//!
//! The event is ephemeral, so that no relay keeps it. Some relays answer nothing to an ephemeral event; then it has to
//! come back by the subscription. A socket of our own and not the pool's, because the pool tells neither how long the
//! handshake took nor every answer.

mod talk;

use std::time::{Duration, Instant};

use async_wsocket::{ConnectionMode, Message};
use futures_util::{SinkExt as _, StreamExt as _};
use nostr::{ClientMessage, JsonUtil as _, Keys, RelayMessage, RelayUrl, Url};
use nostr_sdk::pool::transport::websocket::{DefaultWebsocketTransport, WebSocketSink, WebSocketStream, WebSocketTransport as _};
use serde::Serialize;

use self::talk::Talk;
use super::health::clean;
use super::{RelayError, nip11, socket};
use crate::clock::Clock;
use crate::domain::relay::RelayLimits;

/// How long the handshake may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the relay may take to answer everything.
const ANSWER: Duration = Duration::from_secs(10);
/// Longer messages are none that we have asked for.
const MAX_MESSAGE: usize = 64 * 1024;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    pub url: String,
    /// How long the handshake took; `None`: there was none.
    pub connect_ms: Option<u64>,
    /// Why it could not be connected.
    pub error: Option<String>,
    /// Its own document.
    pub name: Option<String>,
    pub software: Option<String>,
    pub limits: Option<RelayLimits>,
    pub login: Login,
    /// What it did with a subscription.
    pub reading: Answer,
    /// What it did with an event.
    pub writing: Answer,
    /// Whatever else it said.
    pub notices: Vec<String>,
}

impl Probe {
    /// Whether it answered at all.
    pub fn answered(&self) -> bool {
        self.connect_ms.is_some() && !(self.reading == Answer::Silence && self.writing == Answer::Silence)
    }
}

/// How a relay took something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
pub enum Answer {
    /// It did it, after so long.
    Taken { ms: u64 },
    /// It did not, in its own words.
    Refused { words: String },
    /// It said nothing in time.
    Silence,
}

/// Whether a relay asked who we are (NIP-42).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Login {
    NotAsked,
    /// It asked, and took keys it had never seen.
    Accepted,
    Refused {
        words: String,
    },
    /// It asked, and did not say what it thinks of the answer.
    Unanswered,
}

/// Tries a relay. A relay that cannot be reached is an answer, too; only an address that is none is an error.
pub async fn probe(url: &str, client: &reqwest::Client) -> Result<Probe, RelayError> {
    let name = super::address(url)?;
    let bad = |reason: String| RelayError::BadUrl { url: name.clone(), reason };
    let address = Url::parse(&name).map_err(|error| bad(error.to_string()))?;
    let relay = RelayUrl::parse(&name).map_err(|error| bad(error.to_string()))?;
    let mut probe = Probe {
        url: name.clone(),
        connect_ms: None,
        error: None,
        name: None,
        software: None,
        limits: None,
        login: Login::NotAsked,
        reading: Answer::Silence,
        writing: Answer::Silence,
        notices: Vec::new(),
    };
    let begun = Instant::now();
    let handshake = DefaultWebsocketTransport.connect(&address, &ConnectionMode::Direct, CONNECT);
    let (sink, stream) = match tokio::time::timeout(CONNECT, handshake).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            probe.error = Some(clean(&socket::why(&address, &error.to_string())));
            return Ok(probe);
        }
        Err(_) => {
            probe.error = Some(format!("no answer within {} s", CONNECT.as_secs()));
            return Ok(probe);
        }
    };
    probe.connect_ms = ms(begun);
    let mut talk = Talk::new(Keys::generate(), relay).map_err(|error| RelayError::Pool(error.to_string()))?;
    let clock = Clock::default();
    let (told, ended) = tokio::join!(nip11::fetch(client, &name, &clock), tokio::time::timeout(ANSWER, converse(&mut talk, sink, stream)));
    if let Ok(Err(words)) = ended {
        probe.error = Some(words);
    }
    if let Some(document) = told.document {
        probe.name = document.name.as_deref().map(clean);
        probe.software = document.software.as_deref().map(clean);
        probe.limits = Some(document.limits);
    }
    let told = talk.end();
    Ok(Probe { login: told.login, reading: told.reading, writing: told.writing, notices: told.notices, ..probe })
}

/// Asks and listens until everything is answered. `Err`: the connection ended before.
async fn converse(talk: &mut Talk, mut sink: WebSocketSink, mut stream: WebSocketStream) -> Result<(), String> {
    let begun = Instant::now();
    let lost = |error: &dyn std::fmt::Display| format!("the connection was lost: {}", clean(&error.to_string()));
    send(&mut sink, talk.begin()).await?;
    while !talk.is_over() {
        let message = match stream.next().await {
            Some(Ok(Message::Text(text))) if text.len() <= MAX_MESSAGE => text,
            Some(Ok(Message::Close(_))) | None => return Err("the relay closed the connection".to_owned()),
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Err(lost(&error)),
        };
        // What is no message of the protocol answers nothing.
        let Ok(message) = RelayMessage::from_json(&message) else { continue };
        send(&mut sink, talk.hear(message, ms(begun).unwrap_or(u64::MAX))).await?;
    }
    let _ = sink.close().await;
    Ok(())
}

async fn send(sink: &mut WebSocketSink, messages: Vec<ClientMessage<'static>>) -> Result<(), String> {
    for message in messages {
        let sent = sink.send(Message::Text(message.as_json())).await;
        sent.map_err(|error| format!("the connection was lost: {}", clean(&error.to_string())))?;
    }
    Ok(())
}

fn ms(begun: Instant) -> Option<u64> {
    u64::try_from(begun.elapsed().as_millis()).ok()
}
