//! Any server that speaks OpenAI's chat completions: llama.cpp's `llama-server`, LM Studio, vLLM.
//!
//! Their counters differ. Tokens come from `usage`, time only from llama.cpp's `timings`; where a server does not say how
//! long it took, no speed is claimed, because the time we could measure would include our own waiting.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use reqwest::Client;
use secrecy::SecretString;

use super::http::{Body, Endpoint, ReadTokens, json_fault, server_words, token_stream};
use super::sse::{Event, EventKind, Events};
use super::{Inference, InferenceError, Probe, Prompt, PullProgress, Token, TokenStream};
use wire::{Chat, Chunk, Models, Tally};

#[cfg(test)]
mod tests;
mod wire;

/// An OpenAI-compatible server.
#[derive(Debug)]
pub struct OpenAi {
    at: Endpoint,
}

impl OpenAi {
    /// A server called `name` at `url`, which may end in `/v1`. `key` is sent as a bearer token and shown nowhere.
    /// `client` must have no total time limit, or long answers end at it, and no proxy for loopback addresses.
    pub fn new(name: impl Into<String>, url: &str, key: Option<SecretString>, client: Client) -> Self {
        let trimmed = url.trim().trim_end_matches('/');
        Self { at: Endpoint::new(name.into(), trimmed.strip_suffix("/v1").unwrap_or(trimmed), key, client) }
    }
}

impl Inference for OpenAi {
    fn name(&self) -> &str {
        self.at.backend()
    }

    fn url(&self) -> &str {
        self.at.shown()
    }

    fn probe(&self, limit: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>> {
        Box::pin(async move {
            let call = self.at.document::<Models>(self.at.get("/v1/models"));
            let models = tokio::time::timeout(limit, call).await.map_err(|_| self.at.silent(limit))??;
            Ok(Probe { version: None, models: models.data.into_iter().filter_map(|model| model.offer(self.at.backend())).collect() })
        })
    }

    fn generate(&self, prompt: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>> {
        Box::pin(async move {
            let call = self.at.post("/v1/chat/completions", &Chat::from(&prompt));
            let body = self.at.lines(call, &prompt.model).await?;
            let answer = Answer { body, at: self.at.clone(), model: prompt.model, events: Events::default(), tally: Tally::default() };
            Ok(token_stream(answer))
        })
    }

    fn pull(&self, _model: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>> {
        let error = InferenceError::Unsupported { backend: self.at.backend().to_owned(), what: "download models" };
        Box::pin(std::future::ready(Err(error)))
    }
}

/// The event that ends an answer.
const DONE: &str = "[DONE]";

/// Reads an answer.
struct Answer {
    body: Body,
    at: Endpoint,
    model: String,
    events: Events,
    tally: Tally,
}

impl Answer {
    /// The next event; `None` when the server has closed the answer.
    async fn event(&mut self) -> Result<Option<Event>, InferenceError> {
        while let Some(line) = self.body.line().await? {
            if let Some(event) = self.events.line(&line).map_err(|error| self.at.protocol(error.to_string()))? {
                return Ok(Some(event));
            }
        }
        Ok(self.events.finish())
    }

    fn broken(&self, document: &serde_json::Value) -> InferenceError {
        let words = server_words(document);
        self.at.broken(&self.model, if words.is_empty() { "it gave no reason".to_owned() } else { words })
    }
}

impl ReadTokens for Answer {
    async fn next(&mut self) -> Result<Token, InferenceError> {
        loop {
            let Some(event) = self.event().await? else {
                // Some servers leave out the last event. An answer that said why it ended is complete all the same.
                return match self.tally.finish {
                    Some(_) => Ok(Token::End(self.tally.usage())),
                    None => Err(self.at.interrupted("the answer stopped without its last event")),
                };
            };
            if event.data.trim() == DONE {
                return Ok(Token::End(self.tally.usage()));
            }
            let fault = |error: serde_json::Error| self.at.protocol(json_fault(&error));
            if event.kind == EventKind::Error {
                return Err(self.broken(&serde_json::from_str(&event.data).unwrap_or_else(|_| event.data.into())));
            }
            let chunk: Chunk = serde_json::from_str(&event.data).map_err(fault)?;
            if let Some(error) = &chunk.error {
                return Err(self.broken(error));
            }
            if let Some(text) = self.tally.add(chunk) {
                return Ok(Token::Text(text));
            }
        }
    }
}
