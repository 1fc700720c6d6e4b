//! Models and what running one costs and says.

use serde::{Deserialize, Serialize};

use super::time::UnixMs;

/// A model as one backend offers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The name a job asks for, such as `llama3.2:3b`.
    pub name: String,
    /// The backend that runs it.
    pub backend: String,
    /// Size on disk in bytes, where the backend says.
    pub size_bytes: Option<u64>,
    /// The longest prompt and answer together, in tokens, where the backend says.
    pub context_tokens: Option<u32>,
    /// Loaded in memory right now, where the backend says.
    pub warm: Option<bool>,
    /// Output tokens a second, from the backend's own counters of the last answer; `None` before the first one.
    pub tokens_per_sec: Option<f64>,
    /// Why the model was listed and still could not run, until it runs again.
    pub fault: Option<String>,
}

/// Whether a model with this name is meant by `wanted`: Ollama adds `:latest` to names that have no tag.
pub fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || name.strip_suffix(":latest") == Some(wanted)
}

/// Whether a backend answers, and what it said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum BackendState {
    /// Not asked yet.
    Unknown,
    /// Answering.
    Ready { version: Option<String> },
    /// Not answering; the sentence says what was tried and what to do.
    Unavailable { reason: String, hint: String },
}

/// One backend's line in the model table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackendHealth {
    pub name: String,
    pub url: String,
    #[serde(flatten)]
    pub state: BackendState,
    /// When this was last asked.
    pub checked_at: Option<UnixMs>,
    pub models: Vec<ModelInfo>,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinishReason {
    /// It had finished.
    Stop,
    /// It reached `max_tokens`.
    Length,
}

/// What one answer cost the backend, in its own counters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// `None` where the backend does not count.
    pub prompt_tokens: Option<u32>,
    pub answer_tokens: Option<u32>,
    /// Time spent producing the answer's tokens, in nanoseconds, where the backend says.
    pub answer_ns: Option<u64>,
    pub finish: FinishReason,
}

impl Usage {
    /// Output tokens a second by the backend's own counters; `None` where it has none.
    pub fn tokens_per_sec(&self) -> Option<f64> {
        let (tokens, ns) = (self.answer_tokens?, self.answer_ns?);
        (tokens > 0 && ns > 0).then(|| f64::from(tokens) / (ns as f64 / 1e9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_comes_from_the_backends_counters_or_not_at_all() {
        let usage = Usage { prompt_tokens: Some(9), answer_tokens: Some(30), answer_ns: Some(1_500_000_000), finish: FinishReason::Stop };
        assert_eq!(usage.tokens_per_sec(), Some(20.0));
        assert_eq!(Usage { answer_ns: None, ..usage }.tokens_per_sec(), None);
        assert_eq!(Usage { answer_tokens: Some(0), ..usage }.tokens_per_sec(), None);
    }
}
