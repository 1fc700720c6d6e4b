//! Ollama, by its own API rather than its OpenAI dialect: only the former counts tokens, tells what is loaded and pulls.
//!
//! Old versions are served as far as they go: a call they do not have (404) leaves a field unknown and nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, join3};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use reqwest::Client;
use tokio::time::{Instant, timeout_at};

use super::http::{Endpoint, token_stream};
use super::{Inference, InferenceError, Probe, Prompt, PullProgress, TokenStream};
use crate::domain::model::ModelInfo;
use wire::{Details, Kind, Tag, Thinking};

mod answer;
#[cfg(test)]
mod tests;
mod wire;

/// How many models are looked up at once: the first probe of a full disk should not be a flood.
const SHOWS_AT_ONCE: usize = 4;

/// An Ollama server.
#[derive(Debug)]
pub struct Ollama {
    at: Endpoint,
    known: Mutex<Known>,
}

/// What `/api/show` said, so that it is asked once for each model and not at each probe.
#[derive(Debug, Default)]
struct Known {
    by_digest: HashMap<String, Details>,
    digest_of: HashMap<String, String>,
}

impl Ollama {
    /// A server called `name` at `url`. `client` must have no total time limit, or long answers end at it, and no proxy
    /// for loopback addresses.
    pub fn new(name: impl Into<String>, url: &str, client: Client) -> Self {
        Self { at: Endpoint::new(name.into(), url, None, client), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, limit: Duration) -> Result<Probe, InferenceError> {
        let now = Instant::now();
        let calls = join3(
            self.at.document::<wire::Version>(self.at.get("/api/version")),
            self.at.document::<wire::Tags>(self.at.get("/api/tags")),
            self.at.document::<wire::Running>(self.at.get("/api/ps")),
        );
        let Ok((version, tags, running)) = timeout_at(now + limit, calls).await else {
            return Err(self.at.silent(limit));
        };
        let tags = tags?.models.unwrap_or_default();
        // A tenth is left over, so that slow look-ups shorten this probe instead of failing it.
        let details = self.details(&tags, now + limit * 9 / 10).await;
        let warm =
            running.ok().map(|running| running.models.unwrap_or_default().into_iter().map(|model| model.name).collect::<HashSet<_>>());
        let models = tags.into_iter().filter_map(|tag| self.offer(tag, &details, warm.as_ref())).collect();
        Ok(Probe { version: version.ok().map(|version| version.version), models })
    }

    /// A line of the model table. `None` for models that answer no prompt, and for those not looked up yet: what cannot
    /// be told from an embedding model is not offered, and the next probe goes on where this one stopped.
    fn offer(&self, tag: Tag, details: &HashMap<String, Details>, warm: Option<&HashSet<String>>) -> Option<ModelInfo> {
        let known = details.get(key(&tag)).filter(|details| details.kind == Kind::Text)?;
        Some(ModelInfo {
            backend: self.at.backend().to_owned(),
            size_bytes: tag.size,
            context_tokens: known.context_tokens,
            warm: warm.map(|names| names.contains(&tag.name)),
            tokens_per_sec: None,
            fault: None,
            name: tag.name,
        })
    }

    /// What is known about each of these by digest, after asking about the new ones until `deadline`.
    async fn details(&self, tags: &[Tag], deadline: Instant) -> HashMap<String, Details> {
        let unknown = {
            let mut known = self.known();
            known.digest_of = tags.iter().map(|tag| (tag.name.clone(), key(tag).to_owned())).collect();
            let digests = tags.iter().map(key).collect::<HashSet<_>>();
            known.by_digest.retain(|digest, _| digests.contains(digest.as_str()));
            tags.iter().filter(|tag| !known.by_digest.contains_key(key(tag))).cloned().collect::<Vec<_>>()
        };
        let mut passing = HashMap::new();
        let mut answers = stream::iter(unknown).map(|tag| self.show(tag)).buffer_unordered(SHOWS_AT_ONCE);
        while let Ok(Some((digest, answer))) = timeout_at(deadline, answers.next()).await {
            match answer {
                Ok(details) => {
                    self.known().by_digest.insert(digest, details);
                }
                Err(Unshown::NoSuchCall) => {
                    self.known().by_digest.insert(digest, Details::UNKNOWN);
                }
                Err(Unshown::Failed) => {
                    passing.insert(digest, Details::UNKNOWN);
                }
            }
        }
        let mut details = self.known().by_digest.clone();
        details.extend(passing);
        details
    }

    async fn show(&self, tag: Tag) -> (String, Result<Details, Unshown>) {
        let answer = self.at.document::<wire::Show>(self.at.post("/api/show", &wire::Named::show(&tag.name))).await;
        let details = answer.map(Details::from).map_err(|error| match error {
            InferenceError::Refused { status: 404 | 405, .. } => Unshown::NoSuchCall,
            _ => Unshown::Failed,
        });
        (key(&tag).to_owned(), details)
    }

    fn thinking(&self, model: &str) -> Thinking {
        let known = self.known();
        let details = known.digest_of.get(model).and_then(|digest| known.by_digest.get(digest));
        details.map_or(Thinking::No, |details| details.thinking)
    }
}

/// Why a model could not be looked up.
#[derive(Debug, Clone, Copy)]
enum Unshown {
    /// The version does not have the call: asking again changes nothing.
    NoSuchCall,
    /// Perhaps next time. The model is offered meanwhile, because it is listed.
    Failed,
}

/// What a model's details are kept under: its digest, or its name where a very old version gives none.
fn key(tag: &Tag) -> &str {
    if tag.digest.is_empty() { &tag.name } else { &tag.digest }
}

impl Inference for Ollama {
    fn name(&self) -> &str {
        self.at.backend()
    }

    fn url(&self) -> &str {
        self.at.shown()
    }

    fn probe(&self, limit: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>> {
        Box::pin(self.ask(limit))
    }

    fn generate(&self, prompt: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>> {
        Box::pin(async move {
            let call = wire::Generation::new(&prompt, self.thinking(&prompt.model));
            let body = self.at.lines(self.at.post(call.path(), &call), &prompt.model).await?;
            Ok(token_stream(answer::Answer { body, at: self.at.clone(), model: prompt.model, end: None }))
        })
    }

    fn pull(&self, model: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>> {
        Box::pin(async move {
            let body = self.at.lines(self.at.post("/api/pull", &wire::Named::pull(&model)), &model).await?;
            Ok(answer::progress(body, self.at.clone(), model))
        })
    }
}
