//! A websocket that sends at once.
//!
//! The library leaves Nagle's algorithm on: of two short messages in a row the second waits for the other side to
//! acknowledge the first, which it does after 40 ms or a round trip. Every job is such a row of short messages.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_wsocket::{ConnectionMode, Error, Message, WebSocket};
use futures_util::stream::SplitSink;
use futures_util::{Sink, SinkExt as _, StreamExt as _, TryStreamExt as _};
use nostr::Url;
use nostr_sdk::pool::transport::error::TransportError;
use nostr_sdk::pool::transport::websocket::{WebSocketSink, WebSocketStream};
use tokio_tungstenite::MaybeTlsStream;

use crate::net::hosts;

/// How the standard library begins to say so.
const NO_SUCH_NAME: &str = "failed to lookup address information";

/// Connects.
pub async fn connect(url: &Url, mode: &ConnectionMode, timeout: Duration) -> Result<WebSocket, Error> {
    let socket = WebSocket::connect(url, mode, timeout).await?;
    let undelayed = match &socket {
        WebSocket::Tokio(stream) => match stream.get_ref() {
            MaybeTlsStream::Plain(stream) => stream.set_nodelay(true),
            MaybeTlsStream::Rustls(stream) => stream.get_ref().0.set_nodelay(true),
            _ => Ok(()),
        },
    };
    if let Err(error) = undelayed {
        tracing::debug!("The connection to {url} stays slow: {error}.");
    }
    Ok(socket)
}

/// Why a relay could not be connected. A name that is not found is said in the words of a system that few people know.
pub fn why(url: &Url, error: &str) -> String {
    match url.host_str() {
        Some(host) if error.contains(NO_SUCH_NAME) => hosts::leads_nowhere(host),
        _ => error.to_owned(),
    }
}

/// Both halves, as the pool takes them.
pub fn split(socket: WebSocket) -> (WebSocketSink, WebSocketStream) {
    let (sink, stream) = socket.split();
    (Box::new(Sending(sink)), Box::pin(stream.map_err(TransportError::backend)))
}

/// The sending half with the pool's errors. The library's own adapter panics when it is polled after an error.
struct Sending(SplitSink<WebSocket, Message>);

impl Sink<Message> for Sending {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready_unpin(context).map_err(TransportError::backend)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        self.0.start_send_unpin(message).map_err(TransportError::backend)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_flush_unpin(context).map_err(TransportError::backend)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_close_unpin(context).map_err(TransportError::backend)
    }
}
