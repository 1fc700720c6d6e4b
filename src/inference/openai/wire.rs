//! The OpenAI dialect as local servers speak it: llama.cpp, LM Studio, vLLM. Each adds fields of its own, none of which
//! is required.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::model::{FinishReason, ModelInfo, Usage};
use crate::inference::Prompt;

/// `GET /v1/models`.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    pub(super) data: Vec<Model>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    id: String,
    /// vLLM.
    max_model_len: Option<u32>,
    /// llama.cpp.
    meta: Option<Meta>,
    /// llama.cpp, when it serves several models.
    status: Option<Status>,
}

#[derive(Debug, Default, Deserialize)]
struct Meta {
    /// What the server was started with.
    n_ctx: Option<u32>,
    /// What the model was trained for.
    n_ctx_train: Option<u32>,
    size: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Status {
    value: Option<String>,
}

impl Model {
    /// A line of the model table; `None` for what LM Studio names as an embedding model.
    pub(super) fn offer(self, backend: &str) -> Option<ModelInfo> {
        if self.id.starts_with("text-embedding-") {
            return None;
        }
        let meta = self.meta.unwrap_or_default();
        Some(ModelInfo {
            name: self.id,
            backend: backend.to_owned(),
            size_bytes: meta.size,
            context_tokens: self.max_model_len.or(meta.n_ctx).or(meta.n_ctx_train),
            warm: self.status.and_then(|status| status.value).map(|value| value == "loaded"),
            tokens_per_sec: None,
            fault: None,
        })
    }
}

/// `POST /v1/chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct Chat<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    /// Not OpenAI's, and taken by llama.cpp, LM Studio and vLLM alike.
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

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> From<&'a Prompt> for Chat<'a> {
    fn from(prompt: &'a Prompt) -> Self {
        let system = prompt.system.iter().map(|content| Message { role: "system", content });
        let sampling = &prompt.sampling;
        Self {
            model: &prompt.model,
            messages: system.chain([Message { role: "user", content: &prompt.text }]).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: sampling.max_tokens,
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            frequency_penalty: sampling.frequency_penalty,
            seed: sampling.seed,
            stop: &sampling.stop,
        }
    }
}

/// One event of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    pub(super) error: Option<Value>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counts>,
    timings: Option<Timings>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delta {
    content: Option<String>,
    /// llama.cpp and LM Studio, while a model thinks.
    reasoning_content: Option<String>,
    /// vLLM, for the same.
    reasoning: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

/// llama.cpp's own measurements.
#[derive(Debug, Deserialize)]
struct Timings {
    prompt_n: Option<u32>,
    predicted_n: Option<u32>,
    predicted_ms: Option<f64>,
}

/// What the events of one answer have told so far beside its text. Servers spread it over several: the reason comes
/// before the counters with some, with them with others.
#[derive(Debug, Default)]
pub(super) struct Tally {
    prompt_tokens: Option<u32>,
    answer_tokens: Option<u32>,
    answer_ns: Option<u64>,
    pub(super) finish: Option<FinishReason>,
}

impl Tally {
    /// Adds an event and gives its text: `None` when it says nothing new, empty while the model thinks.
    pub(super) fn add(&mut self, chunk: Chunk) -> Option<String> {
        if let Some(timings) = chunk.timings {
            self.prompt_tokens = self.prompt_tokens.or(timings.prompt_n);
            self.answer_tokens = timings.predicted_n.or(self.answer_tokens);
            self.answer_ns = timings.predicted_ms.and_then(ns).or(self.answer_ns);
        }
        if let Some(counts) = chunk.usage {
            self.prompt_tokens = counts.prompt_tokens.or(self.prompt_tokens);
            // Where there are timings, the count they were measured over stays, so that the speed is the server's own.
            if self.answer_ns.is_none() || self.answer_tokens.is_none() {
                self.answer_tokens = counts.completion_tokens.or(self.answer_tokens);
            }
        }
        let choice = chunk.choices.into_iter().next()?;
        match choice.finish_reason.as_deref() {
            None => {}
            Some("length") => self.finish = Some(FinishReason::Length),
            Some(_) => self.finish = Some(FinishReason::Stop),
        }
        let delta = choice.delta?;
        let thinks = delta.reasoning_content.or(delta.reasoning).is_some_and(|thought| !thought.is_empty());
        delta.content.filter(|text| !text.is_empty()).or_else(|| thinks.then(String::new))
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_tokens,
            answer_tokens: self.answer_tokens,
            answer_ns: self.answer_ns,
            finish: self.finish.unwrap_or(FinishReason::Stop),
        }
    }
}

/// Milliseconds as whole nanoseconds; `None` for what is no duration.
fn ns(ms: f64) -> Option<u64> {
    (ms.is_finite() && ms >= 0.0).then(|| (ms * 1e6).round() as u64)
}
