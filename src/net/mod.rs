//! TLS and HTTP, set up once and the same way for everybody.

pub mod date;
pub mod hosts;

use std::sync::Once;
use std::time::Duration;

use futures_util::StreamExt as _;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Installs the one TLS provider. Two providers in a process would make the first handshake panic; calling this again
/// does nothing.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An embedder that was first has chosen for us.
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("Another TLS provider was installed before ours.");
        }
    });
}

/// A client for model servers and relay documents. It follows no redirect, since nobody we talk to sends one; it uses
/// no proxy, since most of them are on this machine; and it has no total limit, since a model may think for minutes.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    init();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok());
    reqwest::Client::builder()
        .user_agent(concat!("pylon-hud/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only(roots)
        .build()
}

/// Reads an answer's body; `None`: it is longer than so many bytes.
pub async fn body(answer: reqwest::Response, most: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_client_can_be_made_any_number_of_times() {
        assert!(super::http_client().is_ok());
        super::init();
        assert!(super::http_client().is_ok());
    }
}
