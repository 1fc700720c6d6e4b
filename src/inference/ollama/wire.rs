//! Ollama's JSON, as its API sends and takes it. Fields we do not need are not here, and every field that an old version
//! may leave out is optional.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::model::{FinishReason, Usage};
use crate::domain::request::Sampling;
use crate::inference::{Prompt, PullProgress};

#[derive(Debug, Deserialize)]
pub(super) struct Version {
    pub(super) version: String,
}

/// `GET /api/tags`: what is on disk.
#[derive(Debug, Deserialize)]
pub(super) struct Tags {
    /// `null` on a fresh install of some versions.
    pub(super) models: Option<Vec<Tag>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) size: Option<u64>,
    #[serde(default)]
    pub(super) digest: String,
}

/// `GET /api/ps`: what is in memory.
#[derive(Debug, Deserialize)]
pub(super) struct Running {
    pub(super) models: Option<Vec<Loaded>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Loaded {
    pub(super) name: String,
}

/// A call that only names a model. Older versions read `name`, newer ones `model`.
#[derive(Debug, Serialize)]
pub(super) struct Named<'a> {
    model: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

impl<'a> Named<'a> {
    pub(super) fn show(model: &'a str) -> Self {
        Self { model, name: model, stream: None }
    }

    pub(super) fn pull(model: &'a str) -> Self {
        Self { model, name: model, stream: Some(true) }
    }
}

/// `POST /api/show`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Show {
    capabilities: Option<Vec<String>>,
    #[serde(default)]
    model_info: Option<HashMap<String, Value>>,
}

/// What `/api/show` tells about a model that can change only with its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) context_tokens: Option<u32>,
    pub(super) kind: Kind,
    pub(super) thinking: Thinking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Answers prompts.
    Text,
    /// Turns text into numbers and answers nothing.
    Embedding,
}

/// Whether a model thinks aloud before it answers unless told not to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thinking {
    No,
    Yes,
}

impl Details {
    /// For a version that has no `/api/show`, or refuses it.
    pub(super) const UNKNOWN: Self = Self { context_tokens: None, kind: Kind::Text, thinking: Thinking::No };
}

impl From<Show> for Details {
    fn from(show: Show) -> Self {
        let info = show.model_info.unwrap_or_default();
        let find = |suffix: &str| info.iter().find(|(key, _)| key.ends_with(suffix)).map(|(_, value)| value);
        let has = |name: &str| show.capabilities.as_ref().map(|all| all.iter().any(|capability| capability == name));
        // Versions without capabilities are judged as later ones judge: only an embedding model says how it pools.
        let completes = has("completion").unwrap_or_else(|| find(".pooling_type").is_none());
        Self {
            context_tokens: find(".context_length").and_then(Value::as_u64).and_then(|tokens| u32::try_from(tokens).ok()),
            kind: if completes { Kind::Text } else { Kind::Embedding },
            thinking: if has("thinking") == Some(true) { Thinking::Yes } else { Thinking::No },
        }
    }
}

/// `options` of a generation. What the buyer did not name is left to the model's own defaults.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
}

impl<'a> From<&'a Sampling> for Options<'a> {
    fn from(sampling: &'a Sampling) -> Self {
        Self {
            num_predict: sampling.max_tokens,
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            frequency_penalty: sampling.frequency_penalty,
            seed: sampling.seed,
            stop: &sampling.stop,
        }
    }
}

/// `POST /api/generate` or `POST /api/chat`: they differ in how the text is handed over, not in the rest.
#[derive(Debug, Serialize)]
pub(super) struct Generation<'a> {
    model: &'a str,
    #[serde(flatten)]
    input: Input<'a>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<bool>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Input<'a> {
    Text { prompt: &'a str },
    Chat { messages: [Message<'a>; 2] },
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl Options<'_> {
    fn is_empty(&self) -> bool {
        *self == Options::default()
    }
}

impl<'a> Generation<'a> {
    /// A thinking model is told not to think: the buyer pays for at most `max_tokens`, and thoughts use them up before
    /// the answer begins.
    pub(super) fn new(prompt: &'a Prompt, thinking: Thinking) -> Self {
        let input = match &prompt.system {
            Some(system) => {
                Input::Chat { messages: [Message { role: "system", content: system }, Message { role: "user", content: &prompt.text }] }
            }
            None => Input::Text { prompt: &prompt.text },
        };
        let think = match thinking {
            Thinking::Yes => Some(false),
            Thinking::No => None,
        };
        Self { model: &prompt.model, input, stream: true, think, options: Options::from(&prompt.sampling) }
    }

    pub(super) fn path(&self) -> &'static str {
        match self.input {
            Input::Text { .. } => "/api/generate",
            Input::Chat { .. } => "/api/chat",
        }
    }
}

/// One line of a generation, of either call.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) error: Option<Value>,
    response: Option<String>,
    message: Option<Said>,
    #[serde(default)]
    pub(super) done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u32>,
    eval_count: Option<u32>,
    eval_duration: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Said {
    content: Option<String>,
}

impl Line {
    /// The text of this line; empty while the model thinks.
    pub(super) fn text(&mut self) -> String {
        let said = self.message.take().and_then(|message| message.content);
        self.response.take().or(said).unwrap_or_default()
    }

    /// The counters of the last line.
    pub(super) fn usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_eval_count,
            answer_tokens: self.eval_count,
            answer_ns: self.eval_duration,
            finish: if self.done_reason.as_deref() == Some("length") { FinishReason::Length } else { FinishReason::Stop },
        }
    }
}

/// One line of `POST /api/pull`.
#[derive(Debug, Deserialize)]
pub(super) struct PullLine {
    pub(super) error: Option<Value>,
    status: Option<String>,
    completed: Option<u64>,
    total: Option<u64>,
}

impl From<PullLine> for PullProgress {
    fn from(line: PullLine) -> Self {
        Self { status: line.status.unwrap_or_default(), completed_bytes: line.completed, total_bytes: line.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn details(show: Value) -> Details {
        serde_json::from_value::<Show>(show).expect("show").into()
    }

    #[test]
    fn a_model_is_known_by_what_show_says() {
        let llama = details(
            json!({"capabilities": ["completion", "tools"], "model_info": {"general.architecture": "llama", "llama.context_length": 131_072}}),
        );
        assert_eq!(llama, Details { context_tokens: Some(131_072), kind: Kind::Text, thinking: Thinking::No });
        assert_eq!(details(json!({"capabilities": ["completion", "thinking"]})).thinking, Thinking::Yes);
        assert_eq!(details(json!({"capabilities": ["embedding"]})).kind, Kind::Embedding);
    }

    #[test]
    fn an_old_version_without_capabilities_is_judged_by_the_model_itself() {
        assert_eq!(details(json!({"model_info": {"bert.pooling_type": 1, "bert.context_length": 512}})).kind, Kind::Embedding);
        assert_eq!(details(json!({"modelfile": "FROM x"})), Details::UNKNOWN);
        assert_eq!(details(json!({"model_info": null})), Details::UNKNOWN);
    }

    #[test]
    fn options_nobody_named_are_not_sent() {
        let prompt = Prompt { model: "m".to_owned(), system: None, text: "hi".to_owned(), sampling: Sampling::default() };
        let sent = serde_json::to_value(Generation::new(&prompt, Thinking::No)).expect("json");
        assert_eq!(sent, json!({"model": "m", "prompt": "hi", "stream": true}));
        let sent = serde_json::to_value(Generation::new(&prompt, Thinking::Yes)).expect("json");
        assert_eq!(sent["think"], json!(false));
    }
}
