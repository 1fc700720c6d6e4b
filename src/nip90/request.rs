//! Reading a job request.

use std::str::FromStr;

use nostr::{Event, Keys};

use super::envelope::{self, EnvelopeError, Opened};
use super::wire::{self, Row};
use super::{REQUESTS, text};
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::domain::request::{Address, Input, InputKind, JobRequest, Sampling, Scheme};
use crate::domain::time::UnixMs;

/// The parameters a text job may carry, as we spell them.
pub const PARAMS: &[&str] = &["model", "max_tokens", "temperature", "top_k", "top_p", "frequency_penalty", "seed", "stop"];

/// A request's list of relays is read this far. Far fewer are used.
const MAX_RELAYS: usize = 64;

/// What is wrong with a request, in a sentence its buyer can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("kind {0} is not a job request: those are kinds 5000 to 5999")]
    NotARequest(u16),
    #[error("the request is addressed to other providers")]
    NotForUs,
    /// Marked encrypted, and nothing opened was handed over with it.
    #[error("the request is encrypted and was not opened")]
    Sealed,
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    #[error("the request has no input: put the prompt into an `i` tag of type text")]
    NoInput,
    #[error("the input type {0:?} is not known: use text, event or job")]
    BadInput(String),
    #[error("{name} is {value:?}: it has to be {expected}")]
    BadParam { name: &'static str, value: String, expected: &'static str },
}

impl Fault {
    /// The name in counters and in the ledger. Never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotARequest(_) => "not-a-request",
            Self::NotForUs => "not-for-us",
            Self::Sealed => "sealed",
            Self::Envelope(cause) => cause.code(),
            Self::NoInput => "no-input",
            Self::BadInput(_) => "bad-input",
            Self::BadParam { .. } => "bad-param",
        }
    }
}

/// A request that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct ParseError {
    #[source]
    pub fault: Fault,
    pub address: Address,
}

impl ParseError {
    /// The name in counters and in the ledger. Never changes.
    pub const fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// The request names us, so its buyer is told the reason. Others get silence: another provider may understand them.
    pub const fn addressed(&self) -> bool {
        matches!(self.address, Address::Targeted)
    }
}

/// Opens a verified request if it is encrypted, and reads it.
pub fn read(event: &Event, keys: &Keys) -> Result<JobRequest, ParseError> {
    let me = wire::pubkey(&keys.public_key());
    let address = address(event, &me)?;
    if !envelope::is_encrypted(event) {
        return parse(event, &me, None);
    }
    let opened = envelope::open(event, keys).map_err(|cause| ParseError { fault: cause.into(), address })?;
    parse(event, &me, Some(opened))
}

/// Reads a verified request. An encrypted one needs the `envelope` opened from it.
pub fn parse(event: &Event, me: &Pubkey, envelope: Option<Opened>) -> Result<JobRequest, ParseError> {
    let address = match (address(event, me)?, &envelope) {
        // Without a `p` tag, only we could have opened it.
        (Address::Open, Some(_)) => Address::Targeted,
        (address, _) => address,
    };
    if envelope.is_none() && envelope::is_encrypted(event) {
        return Err(ParseError { fault: Fault::Sealed, address });
    }
    fill(event, envelope.as_ref(), address).map_err(|fault| ParseError { fault, address })
}

/// Whether the request names us. Checks the kind, too: nothing else about another kind's tags means anything.
fn address(event: &Event, me: &Pubkey) -> Result<Address, ParseError> {
    let kind = event.kind.as_u16();
    if !REQUESTS.contains(&kind) {
        return Err(ParseError { fault: Fault::NotARequest(kind), address: Address::Open });
    }
    let rows = wire::rows(event);
    let mut providers = wire::named(&rows, "p").filter_map(|row| wire::field(row, 1)).peekable();
    if providers.peek().is_none() {
        return Ok(Address::Open);
    }
    if providers.any(|provider| provider.parse::<Pubkey>() == Ok(*me)) {
        return Ok(Address::Targeted);
    }
    Err(ParseError { fault: Fault::NotForUs, address: Address::Open })
}

/// Private tags come first, so that they win over clear ones of the same name.
fn fill(event: &Event, envelope: Option<&Opened>, address: Address) -> Result<JobRequest, Fault> {
    let private = envelope.map(|opened| opened.tags.as_slice()).unwrap_or_default();
    let rows: Vec<Row<'_>> = private.iter().map(Vec::as_slice).chain(wire::rows(event)).collect();
    let (sampling, model) = params(&rows)?;
    Ok(JobRequest {
        id: wire::job_id(event),
        buyer: wire::pubkey(&event.pubkey),
        kind: event.kind.as_u16(),
        created_at: wire::created_at(event),
        inputs: inputs(&rows, envelope.is_none().then_some(event.content.as_str()))?,
        sampling,
        model,
        output: wire::first(&rows, "output").map(str::to_owned),
        bid: number("bid", wire::first(&rows, "bid"), "a whole number of millisatoshis")?.map(MilliSats),
        relays: relays(&rows),
        address,
        scheme: envelope.map_or(Scheme::Plain, |opened| opened.scheme),
        expires_at: number("expiration", wire::first(&rows, "expiration"), "a time in whole seconds since 1970")?.map(UnixMs::from_secs),
    })
}

/// The `i` tags in order, or else the clear content as one text.
fn inputs(rows: &[Row<'_>], content: Option<&str>) -> Result<Vec<Input>, Fault> {
    let mut inputs = Vec::new();
    for row in wire::named(rows, "i") {
        let Some(data) = row.get(1) else {
            continue;
        };
        let kind = input_kind(wire::field(row, 2))?;
        let (relay, marker) = (wire::field(row, 3).map(str::to_owned), wire::field(row, 4).map(str::to_owned));
        inputs.push(Input { data: data.clone(), kind, relay, marker });
    }
    if let Some(content) = content.filter(|content| inputs.is_empty() && !content.trim().is_empty()) {
        inputs.push(Input { data: content.to_owned(), kind: InputKind::Text, relay: None, marker: None });
    }
    if inputs.iter().all(|input| input.data.trim().is_empty()) {
        return Err(Fault::NoInput);
    }
    Ok(inputs)
}

/// An input without a type is text: that is what the clients that leave it out mean.
fn input_kind(name: Option<&str>) -> Result<InputKind, Fault> {
    let Some(name) = name else {
        return Ok(InputKind::Text);
    };
    match name.to_ascii_lowercase().as_str() {
        "text" => Ok(InputKind::Text),
        "prompt" => Ok(InputKind::Prompt),
        "event" => Ok(InputKind::Event),
        "job" => Ok(InputKind::Job),
        "url" => Ok(InputKind::Url),
        _ => Err(Fault::BadInput(text::line(name, 40))),
    }
}

/// The `param` tags. Unknown ones are ignored, blank ones count as left out, the first of several wins.
fn params(rows: &[Row<'_>]) -> Result<(Sampling, Option<String>), Fault> {
    let (mut sampling, mut model) = (Sampling::default(), None);
    for row in wire::named(rows, "param") {
        let Some(name) = wire::field(row, 1) else {
            continue;
        };
        let value = wire::field(row, 2);
        match name.to_ascii_lowercase().replace('-', "_").as_str() {
            "model" => model = model.or_else(|| value.map(str::to_owned)),
            "max_tokens" => sampling.max_tokens = sampling.max_tokens.or(number("max_tokens", value, "a whole number of tokens")?),
            "top_k" => sampling.top_k = sampling.top_k.or(number("top_k", value, "a whole number, 0 or more")?),
            "seed" => sampling.seed = sampling.seed.or(number("seed", value, "a whole number")?),
            "temperature" => sampling.temperature = sampling.temperature.or(decimal("temperature", value)?),
            "top_p" => sampling.top_p = sampling.top_p.or(decimal("top_p", value)?),
            "frequency_penalty" => sampling.frequency_penalty = sampling.frequency_penalty.or(decimal("frequency_penalty", value)?),
            // A line break is a common text to stop at, so these are taken as they stand.
            "stop" => sampling.stop.extend(row.iter().skip(2).filter(|text| !text.is_empty()).cloned()),
            _ => {}
        }
    }
    Ok((sampling, model))
}

fn number<T: FromStr>(name: &'static str, value: Option<&str>, expected: &'static str) -> Result<Option<T>, Fault> {
    let bad = |value| Fault::BadParam { name, value: text::line(value, 40), expected };
    value.map(|value| value.parse().map_err(|_| bad(value))).transpose()
}

fn decimal(name: &'static str, value: Option<&str>) -> Result<Option<f64>, Fault> {
    const EXPECTED: &str = "a decimal number";
    match number::<f64>(name, value, EXPECTED)? {
        Some(number) if !number.is_finite() => {
            Err(Fault::BadParam { name, value: text::line(value.unwrap_or_default(), 40), expected: EXPECTED })
        }
        number => Ok(number),
    }
}

/// Every relay once, in the order named. A tag may hold thousands, so it is not read to its end.
fn relays(rows: &[Row<'_>]) -> Vec<String> {
    let mut relays: Vec<String> = Vec::new();
    for url in wire::named(rows, "relays").flat_map(|row| row.iter().skip(1)).take(MAX_RELAYS) {
        let url = url.trim();
        if !url.is_empty() && !relays.iter().any(|known| known == url) {
            relays.push(url.to_owned());
        }
    }
    relays
}
