//! The websocket under the pool, with the screen in it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_wsocket::{ConnectionMode, Message};
use futures_util::StreamExt as _;
use nostr::Url;
use nostr::util::BoxedFuture;
use nostr_sdk::pool::transport::error::TransportError;
use nostr_sdk::pool::transport::websocket::{WebSocketSink, WebSocketStream, WebSocketTransport};
use tokio::sync::mpsc;

use super::RelayNews;
use super::health::HealthBoard;
use super::screen::{Cause, Screen, Verdict};
use super::socket;
use super::subscriptions::Subscriptions;

/// Bytes a message that is no event may have. The pool would log longer ones whole.
const MAX_MESSAGE: usize = 256 * 1024;

/// Hands events to the node and everything else to the pool.
pub struct ScreeningTransport {
    pub screen: Arc<Screen>,
    pub health: Arc<HealthBoard>,
    pub subscriptions: Arc<Subscriptions>,
    pub news: mpsc::Sender<RelayNews>,
}

impl fmt::Debug for ScreeningTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScreeningTransport")
    }
}

impl WebSocketTransport for ScreeningTransport {
    fn support_ping(&self) -> bool {
        true
    }

    fn connect<'a>(
        &'a self,
        url: &'a Url,
        mode: &'a ConnectionMode,
        timeout: Duration,
    ) -> BoxedFuture<'a, Result<(WebSocketSink, WebSocketStream), TransportError>> {
        Box::pin(async move {
            let relay = super::relay_name(url.as_str());
            let connected = socket::connect(url, mode, timeout).await;
            let connected = connected.inspect_err(|error| self.health.failed(&relay, &socket::why(url, &error.to_string())));
            let (sink, stream) = socket::split(connected.map_err(TransportError::backend)?);
            let socket = Socket {
                relay,
                screen: Arc::clone(&self.screen),
                health: Arc::clone(&self.health),
                subscriptions: Arc::clone(&self.subscriptions),
                news: self.news.clone(),
            };
            let screened = stream.filter_map(move |message| socket.clone().pass(message));
            Ok((sink, Box::pin(screened) as WebSocketStream))
        })
    }
}

#[derive(Clone)]
struct Socket {
    relay: String,
    screen: Arc<Screen>,
    health: Arc<HealthBoard>,
    subscriptions: Arc<Subscriptions>,
    news: mpsc::Sender<RelayNews>,
}

impl Socket {
    /// The message for the pool, if it is for the pool. An event waits here until the node has room for it, and the
    /// relay waits with it.
    async fn pass(self, message: Result<Message, TransportError>) -> Option<Result<Message, TransportError>> {
        let Ok(Message::Text(frame)) = &message else { return Some(message) };
        if !Screen::is_event(frame) {
            if frame.len() <= MAX_MESSAGE {
                return Some(message);
            }
            self.health.dropped(&self.relay, Cause::Oversized);
            return None;
        }
        // Room first, judgement after: the connection may end while we wait, and an event that was noted as seen and not
        // handed over would be lost. Nobody listens any more when the node is going down.
        let Ok(room) = self.news.reserve().await else { return None };
        match self.screen.screen_frame(frame, |name, event| self.subscriptions.wants(name, event)) {
            Verdict::New(event) => {
                self.health.received(&self.relay);
                room.send(RelayNews::Event { relay: self.relay.clone(), event });
            }
            Verdict::Dropped(cause) => self.health.dropped(&self.relay, cause),
            Verdict::NotAnEvent => {}
        }
        None
    }
}
