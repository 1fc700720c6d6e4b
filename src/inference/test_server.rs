//! A scripted HTTP/1.1 server for tests: the test decides what leaves, when, and how the answer ends, and learns when the
//! client lets go. One request for each connection.
#![allow(clippy::unwrap_used, reason = "test support: a failure here is a failed test")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::{Token, TokenStream};

/// A client as the adapters get it, without proxies.
pub(super) fn client() -> reqwest::Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only(Vec::new()).build().unwrap()
}

/// What a client sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// The request line and headers, as one text.
    pub(super) head: String,
    pub(super) body: String,
}

impl Request {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(super) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

pub(super) enum Step {
    /// Bytes of the body, as one chunk.
    Send(Vec<u8>),
    /// Nothing, until the test opens this gate.
    Wait(oneshot::Receiver<()>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The body ends as HTTP says it does.
    Proper,
    /// The connection breaks off.
    Abrupt,
    /// Nothing more comes, until the client lets go.
    Hang,
}

/// What to answer.
pub(super) struct Reply {
    status: u16,
    steps: Vec<Step>,
    ending: Ending,
}

impl Reply {
    pub(super) fn with(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, steps: vec![Step::Send(body.into())], ending: Ending::Proper }
    }

    pub(super) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::with(200, body)
    }

    /// Each text as a chunk of its own.
    pub(super) fn chunks(chunks: &[&str]) -> Self {
        Self { status: 200, steps: chunks.iter().map(|chunk| Step::Send(chunk.as_bytes().to_vec())).collect(), ending: Ending::Proper }
    }

    pub(super) fn steps(steps: Vec<Step>) -> Self {
        Self { status: 200, steps, ending: Ending::Proper }
    }

    pub(super) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }
}

pub(super) struct TestServer {
    pub(super) url: String,
    pub(super) address: SocketAddr,
    requests: mpsc::UnboundedReceiver<Request>,
    dropped: mpsc::UnboundedReceiver<String>,
    serving: JoinHandle<()>,
}

impl TestServer {
    pub(super) async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub(super) async fn start_at(address: SocketAddr, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, requests) = mpsc::unbounded_channel();
        let (let_go, dropped) = mpsc::unbounded_channel();
        let script = Arc::new(script);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                connections.spawn(serve(socket, Arc::clone(&script), asked.clone(), let_go.clone()));
            }
        });
        Self { url: format!("http://{address}"), address, requests, dropped, serving }
    }

    /// The next request, which must come.
    pub(super) async fn asked(&mut self) -> Request {
        soon(self.requests.recv()).await.unwrap()
    }

    /// Every request so far.
    pub(super) fn all_asked(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    /// The path of the next request whose client lets go before the answer's end, which must come.
    pub(super) async fn let_go(&mut self) -> String {
        soon(self.dropped.recv()).await.unwrap()
    }

    /// Closes the port and every connection.
    pub(super) async fn stop(self) {
        self.serving.abort();
        let _ = self.serving.await;
    }
}

/// What must happen, or the test fails instead of hanging.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it never happened")
}

/// A gate and the hand that opens it.
pub(super) fn gate() -> (oneshot::Sender<()>, Step) {
    let (open, wait) = oneshot::channel();
    (open, Step::Wait(wait))
}

/// Everything a stream says to its end.
pub(super) async fn all(mut stream: TokenStream) -> Vec<Result<Token, super::InferenceError>> {
    use futures_util::StreamExt as _;
    let mut said = Vec::new();
    while let Some(token) = soon(stream.next()).await {
        said.push(token);
    }
    said
}

async fn serve(
    mut socket: TcpStream,
    script: Arc<impl Fn(&Request) -> Reply>,
    asked: mpsc::UnboundedSender<Request>,
    let_go: mpsc::UnboundedSender<String>,
) {
    socket.set_nodelay(true).unwrap();
    let Some(request) = read_request(&mut socket).await else { return };
    let path = request.path.clone();
    let reply = script(&request);
    let _ = asked.send(request);
    if answer(&mut socket, reply).await.is_none() {
        let _ = let_go.send(path);
    }
}

/// `None` when the client let go.
async fn answer(socket: &mut TcpStream, reply: Reply) -> Option<()> {
    let head = format!("HTTP/1.1 {} Scripted\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n", reply.status);
    socket.write_all(head.as_bytes()).await.ok()?;
    for step in reply.steps {
        match step {
            Step::Send(bytes) if bytes.is_empty() => {}
            Step::Send(bytes) => {
                let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                socket.write_all(&chunk).await.ok()?;
            }
            Step::Wait(opened) => tokio::select! {
                _ = opened => {}
                () = closed(socket) => return None,
            },
        }
    }
    match reply.ending {
        Ending::Proper => socket.write_all(b"0\r\n\r\n").await.ok()?,
        Ending::Abrupt => {}
        Ending::Hang => {
            closed(socket).await;
            return None;
        }
    }
    Some(())
}

async fn closed(socket: &mut TcpStream) {
    let mut rest = [0; 64];
    while !matches!(socket.read(&mut rest).await, Ok(0) | Err(_)) {}
}

async fn read_request(socket: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut first = head.split_whitespace();
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        if socket.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, path, head, body: String::from_utf8(body).unwrap() })
}
