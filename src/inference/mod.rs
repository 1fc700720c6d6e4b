//! Model servers: one port, an adapter for each kind, and the registry that keeps asking who is there.
//!
//! A backend is asked again and again, never once: a server started after us is found, one that stops is noticed, and
//! what the provider advertises follows. Dropping a token stream cancels the generation, because both Ollama and the
//! OpenAI-compatible servers stop when the connection closes.
//!
//! - [`ollama`], [`openai`]: the adapters for servers; [`practice`]: the one that needs none.
//! - [`registry`]: who is there, which model a job gets, how fast it was, what is broken.
//! - `http`, `lines`, `sse`: what the adapters share; `hint`: what to do about an error.
//!
//! A thinking model's thoughts are not its answer. They pass as empty texts, so that whoever waits sees life. A
//! line that cannot be read is never quoted in an error, because it could carry a prompt or an answer.

mod hint;
mod http;
mod lines;
pub mod ollama;
pub mod openai;
pub mod practice;
pub mod registry;
mod sse;
#[cfg(test)]
mod test_server;

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::domain::model::{ModelInfo, Usage};
use crate::domain::request::Sampling;

/// What a backend says when asked who it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probe {
    pub version: Option<String>,
    pub models: Vec<ModelInfo>,
}

/// One generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    pub model: String,
    /// Instructions to the model, apart from the buyer's text.
    pub system: Option<String>,
    pub text: String,
    pub sampling: Sampling,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// More text. Empty when the server works without having said more, as a thinking model does.
    Text(String),
    /// The end, once, with the backend's own counters.
    End(Usage),
}

/// How far a download is.
#[derive(Debug, Clone, PartialEq)]
pub struct PullProgress {
    /// The backend's own word for the step, such as "pulling manifest".
    pub status: String,
    pub completed_bytes: Option<u64>,
    pub total_bytes: Option<u64>,
}

pub type TokenStream = BoxStream<'static, Result<Token, InferenceError>>;

/// Why a backend did not answer. Every variant names the backend, what happened, and [`InferenceError::hint`] what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InferenceError {
    #[error("{backend} does not answer at {url}: {reason}")]
    Unreachable { backend: String, url: String, reason: String },
    /// `available` is what could be asked for instead, where that is known.
    #[error("{backend} has no model named {model:?}{}", instead(available))]
    ModelMissing { backend: String, model: String, available: Vec<String> },
    /// The model is listed and the server still failed on it (HTTP 5xx, out of memory, a broken file).
    #[error("{backend} could not run {model:?}: {message}")]
    ModelBroken { backend: String, model: String, message: String },
    #[error("{backend} refused the request (HTTP {status}): {message}")]
    Refused { backend: String, status: u16, message: String },
    #[error("{backend} sent something that is not its protocol: {detail}")]
    Protocol { backend: String, detail: String },
    #[error("{backend} ended the answer early: {reason}")]
    Interrupted { backend: String, reason: String },
    #[error("{backend} said nothing for {secs} s")]
    Stalled { backend: String, secs: u64 },
    #[error("no backend has a model that is ready")]
    NothingReady,
    #[error("{backend} cannot {what}")]
    Unsupported { backend: String, what: &'static str },
}

/// The end of the sentence about a missing model: a few names of those that are there.
fn instead(available: &[String]) -> String {
    const SHOWN: usize = 8;
    if available.is_empty() {
        return String::new();
    }
    let names = available.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match available.len().saturating_sub(SHOWN) {
        0 => format!("; there are {names}"),
        more => format!("; there are {names} and {more} more"),
    }
}

/// A model server.
pub trait Inference: Send + Sync + 'static {
    /// The name in the model table, unique among backends: `ollama`, or what the config calls it.
    fn name(&self) -> &str;

    /// Where it is, for people.
    fn url(&self) -> &str;

    /// Asks for version and models. Answers within `limit`.
    fn probe(&self, limit: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>>;

    /// Starts a generation. The future ends when the server has accepted it; dropping the stream cancels it.
    fn generate(&self, prompt: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>>;

    /// Downloads a model. Backends that cannot answer [`InferenceError::Unsupported`].
    fn pull(&self, model: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>>;
}
