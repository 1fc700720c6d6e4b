//! Who is let in: every check on a request that costs nothing, before anything that does.

use std::collections::BTreeSet;
use std::fmt;

use super::ids::Pubkey;
use super::money::{MilliSats, Sats};
use super::request::{Address, Input, InputKind, JobRequest, Sampling};
use super::time::UnixMs;

/// Which requests are taken, by how they are addressed (`provider.accept`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accept {
    /// Open requests and ones that name us.
    #[default]
    Open,
    /// Only ones that name us.
    Targeted,
}

/// The operator's limits, from `provider.*`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    pub kinds: Vec<u16>,
    pub accept: Accept,
    pub max_prompt_chars: u64,
    /// Ceiling of the answer, in tokens; a request for more is cut to it.
    pub max_tokens: u32,
    /// Tokens when a request names none.
    pub default_tokens: u32,
    pub max_age_secs: u64,
    pub max_future_secs: u64,
    /// 0 = no limit.
    pub per_buyer_per_hour: u32,
    pub max_queue: usize,
    pub max_in_flight: usize,
    /// Invoices that may wait to be paid, of everybody and of one buyer; 0 = no limit.
    pub max_open_quotes: u32,
    pub per_buyer_open_quotes: u32,
    pub blocked: BTreeSet<Pubkey>,
    /// Empty = everybody who is not blocked.
    pub allowed: BTreeSet<Pubkey>,
}

/// What is going on at the moment of asking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Jobs taken and not yet running.
    pub waiting: usize,
    pub running: usize,
    /// Requests of this buyer taken in the last hour.
    pub buyer_last_hour: u32,
    /// Invoices that wait to be paid, of everybody and of this buyer.
    pub open_quotes: u32,
    pub buyer_open_quotes: u32,
}

/// A request that may run, in the form a model can be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    pub prompt: String,
    /// With `max_tokens` filled in and within our ceiling.
    pub sampling: Sampling,
}

/// Why a request was turned away. The sentence is for the buyer.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    KindNotServed {
        kind: u16,
    },
    TargetedOnly,
    Blocked,
    NotAllowed,
    TooOld {
        age_secs: u64,
        limit_secs: u64,
    },
    FromTheFuture {
        ahead_secs: u64,
        limit_secs: u64,
    },
    Expired,
    NoPrompt,
    PromptTooLong {
        chars: u64,
        limit: u64,
    },
    InputNotServed {
        kind: InputKind,
    },
    OutputNotServed {
        mime: String,
    },
    ParamOutOfRange {
        name: &'static str,
        expected: &'static str,
    },
    BidTooLow {
        bid: MilliSats,
        price: Sats,
    },
    TooManyFromBuyer {
        limit: u32,
    },
    Busy {
        waiting: usize,
    },
    /// The buyer has this many invoices to pay already.
    TooManyQuotes {
        limit: u32,
    },
    /// Everybody together has.
    QuotesFull,
    /// The model the request names is not offered here.
    ModelNotServed {
        model: String,
        offered: String,
    },
    /// No model can run at the moment.
    NoModelReady,
    /// This machine's clock is wrong, so that no date means anything.
    ClockOff,
    /// The wallet that would be paid into cannot be used at the moment.
    WalletAway,
}

impl Refusal {
    /// A stable name for counters and the ledger.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KindNotServed { .. } => "kind-not-served",
            Self::TargetedOnly => "targeted-only",
            Self::Blocked => "blocked",
            Self::NotAllowed => "not-allowed",
            Self::TooOld { .. } => "too-old",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::Expired => "expired",
            Self::NoPrompt => "no-prompt",
            Self::PromptTooLong { .. } => "prompt-too-long",
            Self::InputNotServed { .. } => "input-not-served",
            Self::OutputNotServed { .. } => "output-not-served",
            Self::ParamOutOfRange { .. } => "param-out-of-range",
            Self::BidTooLow { .. } => "bid-too-low",
            Self::TooManyFromBuyer { .. } => "too-many-from-buyer",
            Self::Busy { .. } => "busy",
            Self::TooManyQuotes { .. } => "too-many-quotes",
            Self::QuotesFull => "quotes-full",
            Self::ModelNotServed { .. } => "model-not-served",
            Self::NoModelReady => "no-model-ready",
            Self::ClockOff => "clock-off",
            Self::WalletAway => "wallet-away",
        }
    }

    /// Whether there is only too much of it. Of these there can be any number, so they are counted and get no row.
    pub const fn is_overload(&self) -> bool {
        matches!(self, Self::TooManyFromBuyer { .. } | Self::Busy { .. } | Self::TooManyQuotes { .. } | Self::QuotesFull)
    }

    /// Whether a buyer who addressed us is told. A blocked buyer and a stale request get silence: an answer would only
    /// invite the next one, or reach somebody who has long given up.
    pub const fn is_answered(&self) -> bool {
        !matches!(self, Self::Blocked | Self::NotAllowed | Self::TooOld { .. } | Self::Expired | Self::TargetedOnly)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KindNotServed { kind } => write!(f, "Jobs of kind {kind} are not served here."),
            Self::TargetedOnly => write!(f, "Only requests addressed to this provider are served."),
            Self::Blocked => write!(f, "This key is blocked by the operator."),
            Self::NotAllowed => write!(f, "This key is not on the operator's allow list."),
            Self::TooOld { age_secs, limit_secs } => {
                write!(f, "The request is {age_secs} s old and requests are taken for {limit_secs} s; send a new one.")
            }
            Self::FromTheFuture { ahead_secs, limit_secs } => {
                write!(f, "The request is dated {ahead_secs} s in the future and {limit_secs} s are allowed; check your clock.")
            }
            Self::Expired => write!(f, "The request had expired when it arrived."),
            Self::NoPrompt => write!(f, "The request has no text to work on; put it in an `i` tag of type text."),
            Self::PromptTooLong { chars, limit } => write!(f, "The prompt has {chars} characters and {limit} are allowed."),
            Self::InputNotServed { kind } => {
                let kind = format!("{kind:?}").to_lowercase();
                write!(f, "Inputs of type {kind} are not read here; send the text itself.")
            }
            Self::OutputNotServed { mime } => write!(f, "The answer is text/plain; {mime} is not made here."),
            Self::ParamOutOfRange { name, expected } => write!(f, "The parameter {name} must be {expected}."),
            Self::BidTooLow { bid, price } => write!(f, "The bid is {} msats and the price is {price} sats.", bid.0),
            Self::TooManyFromBuyer { limit } => write!(f, "One key may send {limit} requests an hour; try again later."),
            Self::Busy { waiting } => write!(f, "{waiting} jobs are waiting already; try again later."),
            Self::TooManyQuotes { limit } => write!(f, "{limit} invoices of this key wait to be paid already; pay one or let it expire."),
            Self::QuotesFull => write!(f, "Too many invoices wait to be paid here; try again later."),
            Self::ModelNotServed { model, offered } => write!(f, "The model {model:?} is not offered here; there is {offered}."),
            Self::NoModelReady => write!(f, "No model is ready here at the moment; try again later."),
            Self::ClockOff => write!(f, "This provider's clock is wrong at the moment; try again later."),
            Self::WalletAway => write!(f, "This provider cannot take payments at the moment; try again later."),
        }
    }
}

/// Decides on a request. Order: cheapest and most telling first, load last, so that a hopeless request is told why.
pub fn admit(request: &JobRequest, rules: &Rules, load: Load, now: UnixMs) -> Result<Admitted, Refusal> {
    check_sender(request, rules)?;
    check_age(request, rules, now)?;
    check_output(request)?;
    let sampling = check_sampling(&request.sampling, rules)?;
    let prompt = join_inputs(&request.inputs)?;
    let chars = prompt.chars().count() as u64;
    if chars > rules.max_prompt_chars {
        return Err(Refusal::PromptTooLong { chars, limit: rules.max_prompt_chars });
    }
    check_load(rules, load)?;
    Ok(Admitted { prompt, sampling })
}

fn check_sender(request: &JobRequest, rules: &Rules) -> Result<(), Refusal> {
    if rules.blocked.contains(&request.buyer) {
        return Err(Refusal::Blocked);
    }
    if !rules.allowed.is_empty() && !rules.allowed.contains(&request.buyer) {
        return Err(Refusal::NotAllowed);
    }
    if rules.accept == Accept::Targeted && request.address == Address::Open {
        return Err(Refusal::TargetedOnly);
    }
    if !rules.kinds.contains(&request.kind) {
        return Err(Refusal::KindNotServed { kind: request.kind });
    }
    Ok(())
}

fn check_age(request: &JobRequest, rules: &Rules, now: UnixMs) -> Result<(), Refusal> {
    let age_secs = now.since(request.created_at) / 1000;
    if age_secs > rules.max_age_secs {
        return Err(Refusal::TooOld { age_secs, limit_secs: rules.max_age_secs });
    }
    let ahead_secs = request.created_at.since(now) / 1000;
    if ahead_secs > rules.max_future_secs {
        return Err(Refusal::FromTheFuture { ahead_secs, limit_secs: rules.max_future_secs });
    }
    if request.expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::Expired);
    }
    Ok(())
}

/// Text comes out as text; a request for Markdown is answered with the text the model writes.
fn check_output(request: &JobRequest) -> Result<(), Refusal> {
    match request.output.as_deref().map(|mime| mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()) {
        None => Ok(()),
        Some(mime) if mime.is_empty() || mime == "text/plain" || mime == "text/markdown" => Ok(()),
        Some(mime) => Err(Refusal::OutputNotServed { mime: mime.chars().filter(|c| !c.is_control()).take(60).collect() }),
    }
}

fn check_sampling(asked: &Sampling, rules: &Rules) -> Result<Sampling, Refusal> {
    let within = |value: Option<f64>, low: f64, high: f64, name, expected| match value {
        Some(value) if !(low..=high).contains(&value) => Err(Refusal::ParamOutOfRange { name, expected }),
        _ => Ok(()),
    };
    within(asked.temperature, 0.0, 2.0, "temperature", "a number from 0 to 2")?;
    within(asked.top_p, 0.0, 1.0, "top_p", "a number from 0 to 1")?;
    within(asked.frequency_penalty, -2.0, 2.0, "frequency_penalty", "a number from -2 to 2")?;
    if asked.max_tokens == Some(0) {
        return Err(Refusal::ParamOutOfRange { name: "max_tokens", expected: "at least 1" });
    }
    if asked.top_k == Some(0) {
        return Err(Refusal::ParamOutOfRange { name: "top_k", expected: "at least 1" });
    }
    if asked.stop.len() > MAX_STOPS || asked.stop.iter().any(|stop| stop.is_empty() || stop.chars().count() > MAX_STOP_CHARS) {
        return Err(Refusal::ParamOutOfRange { name: "stop", expected: "up to 8 texts of 1 to 64 characters" });
    }
    let tokens = asked.max_tokens.unwrap_or(rules.default_tokens).min(rules.max_tokens);
    Ok(Sampling { max_tokens: Some(tokens), ..asked.clone() })
}

const MAX_STOPS: usize = 8;
const MAX_STOP_CHARS: usize = 64;

fn check_load(rules: &Rules, load: Load) -> Result<(), Refusal> {
    if rules.per_buyer_per_hour > 0 && load.buyer_last_hour >= rules.per_buyer_per_hour {
        return Err(Refusal::TooManyFromBuyer { limit: rules.per_buyer_per_hour });
    }
    let reached = |open: u32, limit: u32| limit > 0 && open >= limit;
    if reached(load.buyer_open_quotes, rules.per_buyer_open_quotes) {
        return Err(Refusal::TooManyQuotes { limit: rules.per_buyer_open_quotes });
    }
    if reached(load.open_quotes, rules.max_open_quotes) {
        return Err(Refusal::QuotesFull);
    }
    let free = rules.max_in_flight.saturating_sub(load.running);
    if load.waiting >= rules.max_queue.saturating_add(free) {
        return Err(Refusal::Busy { waiting: load.waiting });
    }
    Ok(())
}

/// One text from all inputs in their order, each introduced by its marker where it has one.
///
/// Addresses are refused: fetching what a stranger names would let them reach our own network. Events and earlier
/// jobs are refused too, until they can be read from our own relays.
fn join_inputs(inputs: &[Input]) -> Result<String, Refusal> {
    let mut parts = Vec::with_capacity(inputs.len());
    for input in inputs {
        match input.kind {
            InputKind::Text | InputKind::Prompt => {}
            kind @ (InputKind::Event | InputKind::Job | InputKind::Url) => return Err(Refusal::InputNotServed { kind }),
        }
        let data = input.data.trim();
        if data.is_empty() {
            continue;
        }
        match input.marker.as_deref().map(str::trim).filter(|marker| !marker.is_empty()) {
            Some(marker) => parts.push(format!("{marker}:\n{data}")),
            None => parts.push(data.to_owned()),
        }
    }
    if parts.is_empty() {
        return Err(Refusal::NoPrompt);
    }
    Ok(parts.join("\n\n"))
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
