//! Advertisements (NIP-89, kind 31990): who does which jobs, with which models, for how much.

use nostr::{Event, EventBuilder, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::request::PARAMS;
use super::wire::{self, Row};
use super::{AD, DELETION, text};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::time::UnixMs;

/// Our ads' `d` tag. Fixed: an identifier derived from name or picture leaves the old ad behind when they change.
pub const IDENTIFIER: &str = "pylon";

/// Lists in other people's ads are read this far.
const MAX_LISTED: usize = 256;

/// What a job costs, in millisatoshis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdPrice {
    /// The least a job costs.
    pub min: MilliSats,
    /// For 1,000 tokens of prompt.
    #[serde(default)]
    pub in_rate: MilliSats,
    /// For 1,000 tokens of answer.
    #[serde(default)]
    pub out_rate: MilliSats,
}

/// An ad to send.
#[derive(Debug, Clone, Copy)]
pub struct AdDraft<'a> {
    pub name: &'a str,
    pub about: &'a str,
    pub picture: Option<&'a str>,
    pub kinds: &'a [u16],
    pub models: &'a [String],
    /// All zero is free.
    pub price: AdPrice,
    pub created_at: UnixMs,
    pub expires_at: UnixMs,
}

/// The ad as an event to sign. It replaces the author's earlier one.
///
/// `amount` repeats the least price in the form nostrdvm's directories read.
pub fn write(draft: &AdDraft<'_>) -> EventBuilder {
    let AdPrice { min, in_rate, out_rate } = draft.price;
    let amount = if draft.price == AdPrice::default() { "free".to_owned() } else { min.0.to_string() };
    let params: Map<String, Value> = PARAMS
        .iter()
        .map(|name| {
            let values = if *name == "model" { draft.models } else { &[] };
            ((*name).to_owned(), json!({ "required": false, "values": values }))
        })
        .collect();
    let mut content = json!({
        "name": draft.name,
        "about": draft.about,
        "models": draft.models,
        "price": { "min": min, "in_rate": in_rate, "out_rate": out_rate, "unit": "msats", "tokens": 1000 },
        "amount": amount,
        "encryptionSupported": true,
        "nip90Params": params,
    });
    if let (Some(picture), Some(fields)) = (draft.picture, content.as_object_mut()) {
        fields.insert("picture".to_owned(), picture.into());
    }
    let mut tags = vec![wire::tag("d", [IDENTIFIER])];
    tags.extend(draft.kinds.iter().map(|kind| wire::tag("k", [kind.to_string()])));
    tags.push(wire::expiration(draft.expires_at));
    wire::builder(AD, content.to_string(), tags, draft.created_at)
}

/// Takes `author`'s ad back; naming its versions as well reaches relays that do not follow addresses.
pub fn delete(author: &Pubkey, versions: &[JobId], created_at: UnixMs) -> EventBuilder {
    let mut tags: Vec<Tag> = vec![wire::tag("a", [format!("{AD}:{author}:{IDENTIFIER}")])];
    tags.extend(versions.iter().map(|id| wire::e_tag(id, None)));
    tags.push(wire::tag("k", [AD.to_string()]));
    wire::builder(DELETION, "offline", tags, created_at)
}

/// Somebody's ad. All text is clean and cut; nothing in it is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ad {
    /// The event's id. A deletion may name it.
    pub event: JobId,
    pub author: Pubkey,
    /// Author and this together are one ad; a later one replaces it.
    pub identifier: String,
    /// From `k` tags; without any, the ad is for nothing in particular.
    pub kinds: Vec<u16>,
    pub name: Option<String>,
    pub about: Option<String>,
    /// An address nobody has looked at. Loading it tells its owner who looks.
    pub picture: Option<String>,
    pub models: Vec<String>,
    /// `None` where the ad does not say.
    pub price: Option<AdPrice>,
    /// `None` where the ad does not say.
    pub encryption: Option<bool>,
    /// Names of the parameters it takes.
    pub params: Vec<String>,
    pub created_at: UnixMs,
    pub expires_at: Option<UnixMs>,
}

/// Reads a verified ad; `None` for other kinds. Content that is no JSON object leaves its fields empty, as NIP-89 allows.
pub fn parse(event: &Event) -> Option<Ad> {
    if event.kind.as_u16() != AD {
        return None;
    }
    let rows = wire::rows(event);
    let content: Map<String, Value> = serde_json::from_str(&event.content).unwrap_or_default();
    let params = content.get("nip90Params").and_then(Value::as_object);
    let line =
        |name: &str, max| content.get(name).and_then(Value::as_str).map(|found| text::line(found, max)).filter(|found| !found.is_empty());
    let listed = content.get("models").or_else(|| params?.get("model")?.get("values"));
    Some(Ad {
        event: wire::job_id(event),
        author: wire::pubkey(&event.pubkey),
        identifier: wire::first(&rows, "d").unwrap_or_default().to_owned(),
        kinds: kinds(&rows),
        name: line("name", 64).or_else(|| line("display_name", 64)),
        about: line("about", 512),
        picture: line("picture", 512).or_else(|| line("image", 512)),
        models: listed.and_then(Value::as_array).map(|values| model_names(values)).unwrap_or_default(),
        price: content.get("price").and_then(price).or_else(|| price(content.get("amount")?)),
        encryption: content.get("encryptionSupported").and_then(Value::as_bool),
        params: params.map(|params| params.keys().take(MAX_LISTED).map(|name| text::line(name, 64)).collect()).unwrap_or_default(),
        created_at: wire::created_at(event),
        expires_at: wire::expires_at(&rows),
    })
}

/// The identifiers of the author's own ads that a verified deletion takes back.
pub fn deleted(event: &Event) -> Vec<String> {
    if event.kind.as_u16() != DELETION {
        return Vec::new();
    }
    let prefix = format!("{AD}:{}:", wire::pubkey(&event.pubkey));
    let rows = wire::rows(event);
    wire::named(&rows, "a").filter_map(|row| wire::field(row, 1)?.strip_prefix(&prefix).map(str::to_owned)).collect()
}

fn kinds(rows: &[Row<'_>]) -> Vec<u16> {
    let mut kinds: Vec<u16> = Vec::new();
    for kind in wire::named(rows, "k").filter_map(|row| wire::field(row, 1)?.parse().ok()).take(MAX_LISTED) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

fn model_names(values: &[Value]) -> Vec<String> {
    let names = values.iter().take(MAX_LISTED).filter_map(Value::as_str).map(|name| text::line(name, 128));
    names.filter(|name| !name.is_empty()).collect()
}

/// Our own form (which has at least `min`: a price nobody can read is not a price of nothing), or one amount for every job as a number, its digits, or "free".
fn price(value: &Value) -> Option<AdPrice> {
    let flat = |msats| AdPrice { min: MilliSats(msats), ..AdPrice::default() };
    match value {
        Value::Object(_) => serde_json::from_value(value.clone()).ok(),
        Value::Number(number) => number.as_u64().map(flat),
        Value::String(word) if word.eq_ignore_ascii_case("free") => Some(AdPrice::default()),
        Value::String(digits) => digits.trim().parse().ok().map(flat),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}
