//! Writing a job request.

use nostr::{EventBuilder, Keys, Tag};

use super::envelope::{self, EnvelopeError};
use super::wire;
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::domain::request::{Input, InputKind, Sampling, Scheme};
use crate::domain::time::UnixMs;

/// A job a buyer wants done.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestDraft {
    /// 5000-5999.
    pub kind: u16,
    pub inputs: Vec<Input>,
    pub sampling: Sampling,
    pub model: Option<String>,
    /// The MIME type wanted.
    pub output: Option<String>,
    pub bid: Option<MilliSats>,
    /// Where the answer should be published.
    pub relays: Vec<String>,
    /// `None` asks everybody. Encryption needs one.
    pub provider: Option<Pubkey>,
    pub scheme: Scheme,
    pub created_at: UnixMs,
    pub expires_at: Option<UnixMs>,
    /// Random: two equal requests in the same second would be one event otherwise.
    pub nonce: u128,
}

/// The request as an event for `keys` to sign, encrypted with the same keys if the draft says so.
///
/// An encrypted request hides everything about the job, in the form nostrdvm reads: it looks at the private tags alone.
/// The relays stand outside as well, for providers that follow the letter of NIP-90 and hide only `i` and `param`;
/// the event is on those relays anyway.
pub fn write(draft: &RequestDraft, keys: &Keys) -> Result<EventBuilder, EnvelopeError> {
    let job = job_tags(draft);
    let mut outside: Vec<Tag> = draft.provider.iter().map(|provider| wire::tag("p", [provider.to_string()])).collect();
    let content = match draft.scheme {
        Scheme::Plain => {
            outside.extend(job);
            String::new()
        }
        scheme => {
            let to = draft.provider.ok_or(EnvelopeError::NoRecipient)?;
            outside.extend(relays_tag(draft));
            outside.push(wire::tag("encrypted", [""; 0]));
            envelope::seal(&json(&job), scheme, keys, &to)?
        }
    };
    outside.extend(draft.expires_at.map(wire::expiration));
    outside.push(wire::tag("nonce", [format!("{:032x}", draft.nonce)]));
    Ok(wire::builder(draft.kind, content, outside, draft.created_at))
}

fn job_tags(draft: &RequestDraft) -> Vec<Tag> {
    let mut tags: Vec<Tag> = draft.inputs.iter().map(input_tag).collect();
    tags.extend(param_tags(draft));
    tags.extend(draft.output.iter().map(|output| wire::tag("output", [output])));
    tags.extend(draft.bid.map(|bid| wire::tag("bid", [bid.0.to_string()])));
    tags.extend(relays_tag(draft));
    tags
}

fn relays_tag(draft: &RequestDraft) -> Option<Tag> {
    (!draft.relays.is_empty()).then(|| wire::tag("relays", &draft.relays))
}

/// Always with the type, since nostrdvm drops an `i` tag without; always the type NIP-90 lists.
fn input_tag(input: &Input) -> Tag {
    let kind = match input.kind {
        InputKind::Text | InputKind::Prompt => "text",
        InputKind::Event => "event",
        InputKind::Job => "job",
        InputKind::Url => "url",
    };
    let mut values = vec![input.data.as_str(), kind];
    match (&input.relay, &input.marker) {
        (None, None) => {}
        (Some(relay), None) => values.push(relay),
        (relay, Some(marker)) => values.extend([relay.as_deref().unwrap_or_default(), marker]),
    }
    wire::tag("i", values)
}

fn param_tags(draft: &RequestDraft) -> Vec<Tag> {
    let sampling = &draft.sampling;
    let numbers = [
        ("max_tokens", sampling.max_tokens.map(|value| value.to_string())),
        ("temperature", sampling.temperature.map(|value| value.to_string())),
        ("top_k", sampling.top_k.map(|value| value.to_string())),
        ("top_p", sampling.top_p.map(|value| value.to_string())),
        ("frequency_penalty", sampling.frequency_penalty.map(|value| value.to_string())),
        ("seed", sampling.seed.map(|value| value.to_string())),
    ];
    let named = std::iter::once(("model", draft.model.clone())).chain(numbers);
    let mut tags: Vec<Tag> = named.filter_map(|(name, value)| Some(wire::tag("param", [name.to_owned(), value?]))).collect();
    if !sampling.stop.is_empty() {
        tags.push(wire::tag("param", std::iter::once("stop").chain(sampling.stop.iter().map(String::as_str))));
    }
    tags
}

/// Tags as the JSON array an envelope carries.
pub(super) fn json(tags: &[Tag]) -> String {
    let rows: Vec<&[String]> = tags.iter().map(Tag::as_slice).collect();
    serde_json::json!(rows).to_string()
}
