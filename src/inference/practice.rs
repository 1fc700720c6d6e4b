//! The practice engine: an answer without a model, for practice mode, tests and benches.
//!
//! It cannot be mistaken for a model: every answer begins with [`LABEL`]. The same prompt always gets the same answer, so
//! tests of the whole market can tell a lost or doubled answer from a right one.

use std::time::Duration;

use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::{Inference, InferenceError, Probe, Prompt, PullProgress, Token, TokenStream};
use crate::domain::model::{FinishReason, ModelInfo, Usage};

/// The only model.
pub const MODEL: &str = "practice-1";
/// What every answer begins with. It is no part of the counted answer and no `max_tokens` cuts it.
pub const LABEL: &str = "[practice engine, not a model] ";

/// The answer's length in tokens when the buyer sets no limit.
const DEFAULT_TOKENS: usize = 96;
/// Prompt and answer together.
const CONTEXT_TOKENS: u32 = 8192;
/// Characters in a piece of a long word.
const PIECE_CHARS: usize = 6;
/// What a token is said to take where no pace is set, so that speeds exist and agree with the counters.
const NOMINAL_NS: u64 = 1_000;

/// How fast an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The pause before each token.
    pub per_token: Duration,
    /// How many tokens come in one piece, at least 1.
    pub at_once: usize,
}

impl Pace {
    /// The whole answer in one piece, at no cost.
    pub const INSTANT: Self = Self { per_token: Duration::ZERO, at_once: usize::MAX };

    /// Token by token, each after a pause.
    pub const fn every(per_token: Duration) -> Self {
        Self { per_token, at_once: 1 }
    }
}

impl Default for Pace {
    /// Token by token without pauses.
    fn default() -> Self {
        Self::every(Duration::ZERO)
    }
}

/// The backend of practice mode.
#[derive(Debug, Clone, Default)]
pub struct PracticeEngine {
    pub pace: Pace,
    /// One prompt in so many breaks off in the middle, always the same ones; 0: none.
    pub breaks: u64,
}

/// An answer to this prompt, as counted pieces behind the label.
fn compose(prompt: &Prompt) -> (Vec<String>, FinishReason) {
    let asked = prompt.text.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
    let (words, chars) = (prompt.text.split_whitespace().count(), prompt.text.chars().count());
    let mut text = format!("You sent {words} words and {chars} characters, beginning \"{asked}\". A model would answer here. Meanwhile:");
    let limit = prompt.sampling.max_tokens.map_or(DEFAULT_TOKENS, |tokens| tokens.min(CONTEXT_TOKENS) as usize);
    let mut state = fingerprint(prompt);
    for _ in 0..DEFAULT_TOKENS {
        text.push(' ');
        text.push_str(word(&mut state));
    }
    text.push('.');
    let end = prompt.sampling.stop.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let mut pieces = pieces(text).map(str::to_owned).collect::<Vec<_>>();
    let finish = if pieces.len() > limit && prompt.sampling.max_tokens.is_some() { FinishReason::Length } else { FinishReason::Stop };
    pieces.truncate(limit);
    (pieces, finish)
}

/// FNV-1a over everything that may change an answer.
fn fingerprint(prompt: &Prompt) -> u64 {
    let parts = [prompt.system.as_deref().unwrap_or_default(), &prompt.text];
    let seed = prompt.sampling.seed.unwrap_or_default().to_le_bytes();
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0])).chain(seed);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The next word, by a SplitMix64 step.
fn word(state: &mut u64) -> &'static str {
    const WORDS: [&str; 16] = [
        "relay", "invoice", "token", "ledger", "signal", "hash", "orbit", "quartz", "lantern", "harbour", "copper", "meadow", "cipher",
        "voltage", "compass", "ember",
    ];
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    WORDS.get(((mixed ^ (mixed >> 31)) % 16) as usize).copied().unwrap_or_default()
}

/// Words with the space behind them, long ones in several pieces: put together they are the text again.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ').flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let end = rest.char_indices().nth(PIECE_CHARS).map_or(rest.len(), |(end, _)| end);
            let end = if rest.get(end..) == Some(" ") { rest.len() } else { end };
            let (piece, behind) = rest.split_at_checked(end)?;
            rest = behind;
            (!piece.is_empty()).then_some(piece)
        })
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl PracticeEngine {
    fn answer(&self, prompt: &Prompt) -> TokenStream {
        let (answer, finish) = compose(prompt);
        let per_token_ns = u64::try_from(self.pace.per_token.as_nanos()).unwrap_or(u64::MAX).max(NOMINAL_NS);
        let read = prompt.system.as_deref().map_or(0, |system| pieces(system).count()) + pieces(&prompt.text).count();
        let usage = Usage {
            prompt_tokens: Some(count(read)),
            answer_tokens: Some(count(answer.len())),
            answer_ns: Some(per_token_ns.saturating_mul(answer.len() as u64)),
            finish,
        };
        let pause = self.pace.per_token;
        let mut texts = answer.chunks(self.pace.at_once.max(1)).map(|pieces| (pieces.concat(), count(pieces.len()))).collect::<Vec<_>>();
        match texts.first_mut() {
            Some((first, _)) => first.insert_str(0, LABEL),
            None => texts.push((LABEL.to_owned(), 0)),
        }
        let texts = stream::iter(texts).then(move |(text, tokens)| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause.saturating_mul(tokens)).await;
            }
            Ok(Token::Text(text))
        });
        let end = if self.breaks > 0 && fingerprint(prompt).is_multiple_of(self.breaks) {
            Err(InferenceError::Interrupted { backend: self.name().to_owned(), reason: "it breaks off here on purpose".to_owned() })
        } else {
            Ok(Token::End(usage))
        };
        Box::pin(texts.chain(stream::once(future::ready(end))))
    }
}

impl Inference for PracticeEngine {
    fn name(&self) -> &str {
        "practice"
    }

    fn url(&self) -> &str {
        "inside this program"
    }

    fn probe(&self, _limit: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>> {
        let model = ModelInfo {
            name: MODEL.to_owned(),
            backend: self.name().to_owned(),
            size_bytes: None,
            context_tokens: Some(CONTEXT_TOKENS),
            warm: Some(true),
            tokens_per_sec: None,
            fault: None,
        };
        Box::pin(future::ready(Ok(Probe { version: Some(env!("CARGO_PKG_VERSION").to_owned()), models: vec![model] })))
    }

    fn generate(&self, prompt: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>> {
        let answer = if prompt.model == MODEL {
            Ok(self.answer(&prompt))
        } else {
            Err(InferenceError::ModelMissing { backend: self.name().to_owned(), model: prompt.model, available: vec![MODEL.to_owned()] })
        };
        Box::pin(future::ready(answer))
    }

    fn pull(&self, _model: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>> {
        let error = InferenceError::Unsupported { backend: self.name().to_owned(), what: "download models" };
        Box::pin(future::ready(Err(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::Sampling;
    use proptest::prelude::*;

    fn prompt(text: &str, sampling: Sampling) -> Prompt {
        Prompt { model: MODEL.to_owned(), system: None, text: text.to_owned(), sampling }
    }

    async fn run(engine: &PracticeEngine, prompt: Prompt) -> (Vec<String>, Usage) {
        let mut tokens = engine.generate(prompt).await.expect("an answer");
        let mut texts = Vec::new();
        while let Some(token) = tokens.next().await {
            match token.expect("a token") {
                Token::Text(text) => texts.push(text),
                Token::End(usage) => {
                    assert!(tokens.next().await.is_none(), "nothing follows the end");
                    return (texts, usage);
                }
            }
        }
        panic!("an answer without an end");
    }

    #[tokio::test]
    async fn every_answer_is_labelled_and_the_same_prompt_gets_the_same_one() {
        let engine = PracticeEngine::default();
        let (once, _) = run(&engine, prompt("What is a relay?", Sampling::default())).await;
        let (again, _) = run(&engine, prompt("What is a relay?", Sampling::default())).await;
        let (other, _) = run(&engine, prompt("What is a wallet?", Sampling::default())).await;
        let (seeded, _) = run(&engine, prompt("What is a relay?", Sampling { seed: Some(7), ..Sampling::default() })).await;
        assert!(once.concat().starts_with("[practice engine, not a model] You sent 4 words"));
        assert_eq!(once, again);
        assert_ne!(once, other);
        assert_ne!(once, seeded);
    }

    #[tokio::test]
    async fn the_limit_and_the_stops_are_honoured_and_counted() {
        let engine = PracticeEngine::default();
        let (texts, usage) = run(&engine, prompt("hi", Sampling { max_tokens: Some(5), ..Sampling::default() })).await;
        assert_eq!((texts.len(), usage.answer_tokens, usage.finish), (5, Some(5), FinishReason::Length));
        let (texts, usage) = run(&engine, prompt("hi", Sampling { max_tokens: Some(0), ..Sampling::default() })).await;
        assert_eq!((texts, usage.answer_tokens), (vec![LABEL.to_owned()], Some(0)));
        let (texts, usage) =
            run(&engine, prompt("hi", Sampling { stop: vec![String::new(), " words".to_owned()], ..Sampling::default() })).await;
        assert_eq!((texts.concat(), usage.finish), (format!("{LABEL}You sent 1"), FinishReason::Stop));
    }

    #[tokio::test(start_paused = true)]
    async fn the_reported_speed_is_the_pace() {
        let engine = PracticeEngine { pace: Pace::every(Duration::from_millis(20)), ..PracticeEngine::default() };
        let began = tokio::time::Instant::now();
        let (_, usage) = run(&engine, prompt("hi", Sampling { max_tokens: Some(50), ..Sampling::default() })).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(usage.tokens_per_sec(), Some(50.0));
    }

    #[tokio::test]
    async fn an_instant_answer_is_one_piece_with_the_same_text() {
        let slow = run(&PracticeEngine::default(), prompt("hi there", Sampling::default())).await;
        let fast = run(&PracticeEngine { pace: Pace::INSTANT, ..PracticeEngine::default() }, prompt("hi there", Sampling::default())).await;
        assert_eq!(fast.0.len(), 1);
        assert_eq!(fast.0.concat(), slow.0.concat());
        assert_eq!(fast.1, slow.1);
    }

    #[tokio::test]
    async fn another_model_is_missing() {
        let other = Prompt { model: "llama3".to_owned(), ..prompt("hi", Sampling::default()) };
        let error = PracticeEngine::default().generate(other).await.err().expect("no such model");
        assert!(error.to_string().contains("there are practice-1"), "{error}");
    }

    proptest! {
        #[test]
        fn pieces_put_together_are_the_text(text in ".{0,80}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text.clone());
            prop_assert!(pieces(&text).all(|piece| !piece.is_empty() && piece.chars().count() <= PIECE_CHARS + 1));
        }
    }
}
