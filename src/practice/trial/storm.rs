//! Bad weather between the nodes and the relay: a websocket proxy that loses, doubles, reorders and refuses messages and
//! cuts connections, until it is told to be calm.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_wsocket::native::{Message, accept};
use async_wsocket::{ConnectionMode, Url};
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use crate::practice::PracticeError;
use crate::relay::socket;

/// Percent of messages each thing happens to.
const LOST: u8 = 1;
const DOUBLED: u8 = 4;
const REFUSED: u8 = 2;
const REORDERED: u8 = 4;
/// How long a connection lives, in seconds.
const LIFE_SECS: std::ops::Range<u64> = 4..20;
/// How long a message that is overtaken waits for another to overtake it.
const HELD: Duration = Duration::from_millis(150);
const CONNECT: Duration = Duration::from_secs(5);

/// The proxy. Ends when it is dropped.
pub struct Storm {
    url: String,
    weather: Arc<Weather>,
    _listening: AbortOnDropHandle<()>,
}

/// What every connection asks.
struct Weather {
    relay: String,
    is_calm: AtomicBool,
    /// Messages tampered with, and connections cut.
    damage: AtomicU64,
    seed: AtomicU64,
}

impl Storm {
    /// A storm before this relay. The same seed rolls the same dice, connection by connection.
    pub async fn start(relay: &str, seed: u64) -> Result<Self, PracticeError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(PracticeError::Relay)?;
        let url = format!("ws://{}", listener.local_addr().map_err(PracticeError::Relay)?);
        let weather =
            Weather { relay: relay.to_owned(), is_calm: AtomicBool::new(false), damage: AtomicU64::new(0), seed: AtomicU64::new(seed) };
        let weather = Arc::new(weather);
        let over = Arc::clone(&weather);
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(carry(stream, Arc::clone(&over)));
                }
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { url, weather, _listening: AbortOnDropHandle::new(listening) })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on every message arrives once and in order.
    pub fn calm(&self) {
        self.weather.is_calm.store(true, Ordering::Relaxed);
    }

    /// How often something was lost, doubled, reordered, refused or cut.
    pub fn damage(&self) -> u64 {
        self.weather.damage.load(Ordering::Relaxed)
    }
}

impl Weather {
    fn hits(&self, dice: &mut fastrand::Rng, percent: u8) -> bool {
        let hit = !self.is_calm.load(Ordering::Relaxed) && dice.u8(0..100) < percent;
        if hit {
            self.damage.fetch_add(1, Ordering::Relaxed);
        }
        hit
    }
}

/// One connection, for as long as it lives.
async fn carry(stream: TcpStream, weather: Arc<Weather>) {
    let _ = stream.set_nodelay(true);
    let Ok(client) = accept(stream).await else { return };
    let Ok(url) = Url::parse(&weather.relay) else { return };
    let Ok(relay) = socket::connect(&url, &ConnectionMode::Direct, CONNECT).await else { return };
    let mut dice = fastrand::Rng::with_seed(weather.seed.fetch_add(1, Ordering::Relaxed));
    let life = Duration::from_secs(dice.u64(LIFE_SECS));
    let (mut to_client, mut from_client) = client.split();
    let (mut to_relay, mut from_relay) = relay.split();
    let pump = async {
        let mut held: Option<Message> = None;
        loop {
            let pause = if held.is_some() { HELD } else { Duration::from_secs(3600) };
            let carried = tokio::select! {
                said = from_client.next() => outward(said, &mut to_relay, &mut to_client, &weather, &mut dice).await,
                said = from_relay.next() => inward(said, &mut held, &mut to_client, &weather, &mut dice).await,
                () = tokio::time::sleep(pause) => match held.take() {
                    Some(message) => to_client.send(message).await.ok(),
                    None => Some(()),
                },
            };
            if carried.is_none() {
                return;
            }
        }
    };
    let cut = async {
        tokio::time::sleep(life).await;
        if weather.is_calm.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        weather.damage.fetch_add(1, Ordering::Relaxed);
    };
    tokio::select! {
        () = pump => {}
        () = cut => {}
    }
}

/// What a node says. `None`: the connection has ended.
async fn outward<E>(
    said: Option<Result<Message, E>>,
    to_relay: &mut (impl Sink<async_wsocket::Message> + Unpin),
    to_client: &mut (impl Sink<Message> + Unpin),
    weather: &Weather,
    dice: &mut fastrand::Rng,
) -> Option<()> {
    let text = match said?.ok()? {
        Message::Text(text) => text.as_str().to_owned(),
        Message::Ping(_) | Message::Pong(_) => return Some(()),
        _ => return None,
    };
    let mut copies = 1;
    if text.starts_with("[\"EVENT\"") {
        if weather.hits(dice, REFUSED) {
            return to_client.send(Message::text(refusal(&text)?)).await.ok();
        }
        copies = if weather.hits(dice, LOST) { 0 } else { 1 + u8::from(weather.hits(dice, DOUBLED)) };
    }
    for _ in 0..copies {
        to_relay.send(async_wsocket::Message::Text(text.clone())).await.ok()?;
    }
    Some(())
}

/// What the relay says. `None`: the connection has ended.
async fn inward<E>(
    said: Option<Result<async_wsocket::Message, E>>,
    held: &mut Option<Message>,
    to_client: &mut (impl Sink<Message> + Unpin),
    weather: &Weather,
    dice: &mut fastrand::Rng,
) -> Option<()> {
    let text = match said?.ok()? {
        async_wsocket::Message::Text(text) => text,
        async_wsocket::Message::Ping(_) | async_wsocket::Message::Pong(_) => return Some(()),
        _ => return None,
    };
    let is_event = text.starts_with("[\"EVENT\"");
    let is_answer = text.starts_with("[\"OK\"");
    if (is_event || is_answer) && weather.hits(dice, LOST) {
        return Some(());
    }
    let message = Message::text(text);
    if is_event && held.is_none() && weather.hits(dice, REORDERED) {
        *held = Some(message);
        return Some(());
    }
    if is_event && weather.hits(dice, DOUBLED) {
        to_client.send(message.clone()).await.ok()?;
    }
    to_client.send(message).await.ok()?;
    match held.take() {
        Some(overtaken) => to_client.send(overtaken).await.ok(),
        None => Some(()),
    }
}

/// A relay's no to this event.
fn refusal(frame: &str) -> Option<String> {
    let said: serde_json::Value = serde_json::from_str(frame).ok()?;
    let id = said.get(1)?.get("id")?.as_str()?;
    Some(serde_json::json!(["OK", id, false, "error: the storm took it"]).to_string())
}
