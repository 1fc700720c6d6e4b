//! Ollama's answers, line by line.

use futures_util::stream::{self, BoxStream};

use super::wire::{Line, PullLine};
use crate::domain::model::Usage;
use crate::inference::http::{Body, Endpoint, ReadTokens, json_fault, server_words};
use crate::inference::{InferenceError, PullProgress, Token};

/// Reads a generation.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) at: Endpoint,
    pub(super) model: String,
    /// The end, held back while the last line's text goes first.
    pub(super) end: Option<Usage>,
}

impl ReadTokens for Answer {
    async fn next(&mut self) -> Result<Token, InferenceError> {
        if let Some(usage) = self.end.take() {
            return Ok(Token::End(usage));
        }
        let Some(line) = next_line(&mut self.body).await? else {
            return Err(self.at.interrupted("the answer stopped without its last line"));
        };
        let mut line: Line = serde_json::from_str(&line).map_err(|error| self.at.protocol(json_fault(&error)))?;
        if line.error.is_some() {
            return Err(self.at.broken(&self.model, error_words(line.error)));
        }
        let text = line.text();
        match (line.done, text.is_empty()) {
            (true, true) => return Ok(Token::End(line.usage())),
            (true, false) => self.end = Some(line.usage()),
            (false, _) => {}
        }
        Ok(Token::Text(text))
    }
}

/// Ollama's word for a download that is complete.
const PULLED: &str = "success";

/// Reads a download to its "success" or its first error.
pub(super) fn progress(body: Body, at: Endpoint, model: String) -> BoxStream<'static, Result<PullProgress, InferenceError>> {
    Box::pin(stream::unfold(Some((body, at, model)), |reader| async move {
        let (mut body, at, model) = reader?;
        let step = next_step(&mut body, &at, &model).await;
        let more = step.as_ref().is_ok_and(|step| step.status != PULLED);
        Some((step, more.then_some((body, at, model))))
    }))
}

async fn next_step(body: &mut Body, at: &Endpoint, model: &str) -> Result<PullProgress, InferenceError> {
    let Some(line) = next_line(body).await? else {
        return Err(at.interrupted("the download stopped before it was complete"));
    };
    let line: PullLine = serde_json::from_str(&line).map_err(|error| at.protocol(json_fault(&error)))?;
    if line.error.is_none() {
        return Ok(line.into());
    }
    let words = error_words(line.error);
    // The registry's answer to a name it does not have arrives inside a stream that began well.
    Err(if words.contains("file does not exist") { at.missing(model) } else { at.refused(reqwest::StatusCode::OK, words) })
}

async fn next_line(body: &mut Body) -> Result<Option<String>, InferenceError> {
    loop {
        match body.line().await? {
            Some(line) if line.trim().is_empty() => {}
            line => return Ok(line),
        }
    }
}

fn error_words(error: Option<serde_json::Value>) -> String {
    let words = server_words(&error.unwrap_or_default());
    if words.is_empty() { "it gave no reason".to_owned() } else { words }
}
