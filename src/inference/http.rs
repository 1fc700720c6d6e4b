//! What every backend behind HTTP shares: where it is, how its failures become ours, and its answer line by line.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use futures_util::stream;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::lines::Lines;
use super::{InferenceError, Token, TokenStream};

/// The longest body read whole, in bytes. `/api/show` can carry a licence and a template; an error page nothing we need.
const MAX_BODY: usize = 8 * 1024 * 1024;
const MAX_ERROR_BODY: usize = 64 * 1024;
/// A server's words are cut here, in characters: they end up in a notice and in a buyer's feedback.
const MAX_WORDS: usize = 300;

/// A server and how to speak to it.
#[derive(Clone)]
pub(super) struct Endpoint {
    backend: String,
    /// Without a slash at its end.
    base: String,
    /// `base` without a user name or password.
    shown: String,
    key: Option<SecretString>,
    client: Client,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("backend", &self.backend).field("url", &self.shown).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// `url` without a scheme means `http://`, as `OLLAMA_HOST` is often written. One that is no URL at all is an
    /// error at the first request.
    pub(super) fn new(backend: String, url: &str, key: Option<SecretString>, client: Client) -> Self {
        let trimmed = url.trim().trim_end_matches('/');
        let base = if trimmed.contains("://") { trimmed.to_owned() } else { format!("http://{trimmed}") };
        let shown = without_userinfo(&base);
        Self { backend, base, shown, key, client }
    }

    pub(super) fn backend(&self) -> &str {
        &self.backend
    }

    /// The address, for people.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.authorised(self.client.get(format!("{}{path}", self.base)))
    }

    pub(super) fn post(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        self.authorised(self.client.post(format!("{}{path}", self.base)).json(body))
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }

    /// Asks for a document. Any status but success is [`InferenceError::Refused`].
    pub(super) async fn document<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, InferenceError> {
        let response = self.send(request).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(status, self.error_words(response).await));
        }
        let body = read(response, MAX_BODY).await.map_err(|error| self.unreachable(root_cause(&error)))?;
        serde_json::from_slice(&body).map_err(|error| self.protocol(json_fault(&error)))
    }

    /// Starts a call about `model` whose answer comes line by line.
    pub(super) async fn lines(&self, request: RequestBuilder, model: &str) -> Result<Body, InferenceError> {
        let response = self.send(request).await?;
        let status = response.status();
        if !status.is_success() {
            let words = self.error_words(response).await;
            return Err(match status.as_u16() {
                404 => self.missing(model),
                // 503 is "busy" or "still loading": it passes by itself and says nothing about the model.
                503 => self.refused(status, words),
                500..=599 => self.broken(model, words),
                _ => self.refused(status, words),
            });
        }
        Ok(Body { response, lines: Lines::default(), phase: Phase::Open, backend: self.backend.clone() })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, InferenceError> {
        request.send().await.map_err(|error| self.unreachable(root_cause(&error)))
    }

    async fn error_words(&self, response: Response) -> String {
        let reason = response.status().canonical_reason().unwrap_or("no reason given").to_owned();
        let body = read(response, MAX_ERROR_BODY).await.unwrap_or_default();
        let said = match serde_json::from_slice::<Value>(&body) {
            Ok(value) => server_words(&value),
            Err(_) => tidy(&String::from_utf8_lossy(&body)),
        };
        if said.is_empty() { reason } else { said }
    }

    pub(super) fn unreachable(&self, reason: String) -> InferenceError {
        InferenceError::Unreachable { backend: self.backend.clone(), url: self.shown.clone(), reason }
    }

    pub(super) fn silent(&self, limit: Duration) -> InferenceError {
        self.unreachable(format!("no answer within {} s", limit.as_secs_f32()))
    }

    pub(super) fn missing(&self, model: &str) -> InferenceError {
        InferenceError::ModelMissing { backend: self.backend.clone(), model: model.to_owned(), available: Vec::new() }
    }

    pub(super) fn broken(&self, model: &str, message: String) -> InferenceError {
        InferenceError::ModelBroken { backend: self.backend.clone(), model: model.to_owned(), message }
    }

    pub(super) fn refused(&self, status: StatusCode, message: String) -> InferenceError {
        InferenceError::Refused { backend: self.backend.clone(), status: status.as_u16(), message }
    }

    pub(super) fn protocol(&self, detail: String) -> InferenceError {
        InferenceError::Protocol { backend: self.backend.clone(), detail }
    }

    pub(super) fn interrupted(&self, reason: &str) -> InferenceError {
        InferenceError::Interrupted { backend: self.backend.clone(), reason: reason.to_owned() }
    }
}

/// An answer on its way. Dropping it closes the connection, which is how a server learns that nobody waits any more.
pub(super) struct Body {
    response: Response,
    lines: Lines,
    phase: Phase,
    backend: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Ended,
}

impl Body {
    /// The next line, or `None` when the server has closed the answer properly. Cancel-safe.
    pub(super) async fn line(&mut self) -> Result<Option<String>, InferenceError> {
        loop {
            if let Some(line) = self.lines.take() {
                return line
                    .map(Some)
                    .map_err(|error| InferenceError::Protocol { backend: self.backend.clone(), detail: error.to_string() });
            }
            if self.phase == Phase::Ended {
                return Ok(None);
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.lines.push(&chunk),
                Ok(None) => {
                    self.phase = Phase::Ended;
                    self.lines.finish();
                }
                Err(error) => return Err(InferenceError::Interrupted { backend: self.backend.clone(), reason: root_cause(&error) }),
            }
        }
    }
}

/// Reads one answer's tokens in order. Its end is a token, so running out of lines is always an error.
pub(super) trait ReadTokens: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Token, InferenceError>> + Send;
}

/// A stream that ends behind [`Token::End`] or the first error, and lets the connection go there.
pub(super) fn token_stream(reader: impl ReadTokens) -> TokenStream {
    Box::pin(stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let token = reader.next().await;
        let more = matches!(token, Ok(Token::Text(_)));
        Some((token, more.then_some(reader)))
    }))
}

/// What a server's error document says, in one line. Empty when it says nothing we know how to read.
pub(super) fn server_words(document: &Value) -> String {
    let error = document.get("error").unwrap_or(document);
    let words = [error.get("message"), error.get("detail"), Some(error)].into_iter().flatten().find_map(Value::as_str);
    tidy(words.unwrap_or_default())
}

/// Why a document is not what it should be, by place and not by content: the content may be someone's prompt.
pub(super) fn json_fault(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => format!("JSON with a field of the wrong kind at column {}", error.column()),
        _ => format!("something that is not JSON at column {}", error.column()),
    }
}

/// One line of at most [`MAX_WORDS`] characters without control characters.
fn tidy(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_WORDS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// The innermost cause, which is the part a person can act on ("Connection refused"), without the address.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_builder() {
        return "this is not a URL".to_owned();
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    tidy(&cause.to_string())
}

fn without_userinfo(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return match (url.split_once("://"), url.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
            _ => url.to_owned(),
        };
    };
    if parsed.username().is_empty() && parsed.password().is_none() {
        return url.to_owned();
    }
    let cleared = parsed.set_username("").and_then(|()| parsed.set_password(None));
    if cleared.is_err() {
        return parsed.host_str().unwrap_or_default().to_owned();
    }
    parsed.as_str().trim_end_matches('/').to_owned()
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if room <= chunk.len() {
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::new("b".to_owned(), url, Some("sk-secret".into()), super::super::test_server::client())
    }

    #[test]
    fn secrets_in_a_url_or_key_are_never_shown() {
        for url in ["http://user:hunter2@host:1/", "http://user:hunter2@ho st"] {
            let endpoint = endpoint(url);
            let shown = format!("{endpoint:?} {} {}", endpoint.shown(), endpoint.unreachable("x".to_owned()));
            assert!(!shown.contains("hunter2") && !shown.contains("sk-secret"), "{shown}");
        }
    }

    #[test]
    fn an_address_without_scheme_or_with_a_slash_behind_is_taken() {
        assert_eq!(endpoint("127.0.0.1:11434").shown(), "http://127.0.0.1:11434");
        assert_eq!(endpoint(" http://localhost:8080/ ").shown(), "http://localhost:8080");
    }

    #[test]
    fn each_servers_way_to_word_an_error_is_read() {
        for document in [
            json!({"error": "no"}),
            json!({"error": {"message": "no", "code": 500}}),
            json!({"object": "error", "message": "no"}),
            json!({"detail": "no"}),
            json!({"error": "\u{1b}[31m\nno  "}),
        ] {
            assert!(server_words(&document).ends_with("no"), "{document}");
        }
        assert_eq!(server_words(&json!({"error": {"code": 1}})), "");
        assert_eq!(server_words(&json!({"error": "x".repeat(9000)})).chars().count(), MAX_WORDS + 1);
    }

    #[test]
    fn a_broken_document_is_described_without_quoting_it() {
        let error = serde_json::from_str::<u32>("\"my secret prompt\"").expect_err("not a number");
        assert!(!json_fault(&error).contains("secret"));
    }
}
