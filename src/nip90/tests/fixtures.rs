#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]
//! Every dialect seen in the field, from `tests/fixtures/nip90`.
//!
//! A fixture is the shape of an event. It is signed here with fixed test keys, encrypted if it says so, and what is
//! read from it has to contain its `expect`, or be its `error`.

use nostr::{Event, EventBuilder, Keys, Kind, Tag, Timestamp};
use serde_json::{Value, json};

use super::{JOB, NOW, buyer, other, provider};
use crate::domain::ids::JobId;
use crate::domain::request::Scheme;
use crate::nip90::{ad, cancel, envelope, feedback, pubkey, request, result};

fn key(who: &str) -> Keys {
    match who {
        "buyer" => buyer(),
        "provider" => provider(),
        "other" => other(),
        name => panic!("no key named {name}"),
    }
}

fn scheme(name: &str) -> Scheme {
    serde_json::from_value(json!(name)).unwrap()
}

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        /// Name and text of each.
        const FIXTURES: &[(&str, &str)] = &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nip90/", $name, ".json")))),+];
    };
}

fixtures![
    "ad-free",
    "ad-nostrdvm",
    "ad-unreadable-price",
    "ad-without-k",
    "cancel-request",
    "feedback-error",
    "feedback-flag-copied",
    "feedback-hidden-to-another",
    "feedback-ndk",
    "feedback-nip90",
    "feedback-no-job",
    "feedback-no-status",
    "feedback-nostrdvm",
    "feedback-nostrdvm-sealed",
    "feedback-partial",
    "feedback-partial-prose",
    "feedback-processing",
    "feedback-sealed-text",
    "feedback-sealed-to-another",
    "feedback-subscription",
    "request-5050-example",
    "request-65010",
    "request-amethyst-nip04",
    "request-bad-bid",
    "request-bad-number",
    "request-blank-provider",
    "request-commander",
    "request-content",
    "request-empty",
    "request-for-others",
    "request-hyphens",
    "request-infinite",
    "request-ndk",
    "request-negative-tokens",
    "request-nip90-example",
    "request-nostrdvm-nip44",
    "request-not-sealed",
    "request-sealed-and-clear",
    "request-sealed-no-tags",
    "request-sealed-to-another",
    "request-sealed-without-p",
    "request-several-inputs",
    "request-several-providers",
    "request-two-element-i",
    "request-unknown-input",
    "result-ndk",
    "result-nip90",
    "result-no-job",
    "result-nostrdvm",
    "result-nostrdvm-sealed",
    "result-sealed-nip04",
    "result-sealed-to-another",
    "result-without-e",
];

fn fill(text: &str) -> Value {
    let who = [("{job}", JOB.to_string()), ("{buyer}", buyer().public_key().to_hex())];
    let whom = [("{provider}", provider().public_key().to_hex()), ("{other}", other().public_key().to_hex())];
    let filled = who.iter().chain(&whom).fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    serde_json::from_str(&filled).unwrap()
}

fn signed(fixture: &Value) -> Event {
    let by = key(fixture["by"].as_str().unwrap());
    let content = match fixture.get("seal") {
        None => fixture["content"].as_str().unwrap().to_owned(),
        Some(seal) => {
            let text = seal["text"].as_str().map_or_else(|| seal["tags"].to_string(), str::to_owned);
            envelope::seal(&text, scheme(seal["scheme"].as_str().unwrap()), &by, &pubkey(&key(seal["to"].as_str().unwrap()).public_key()))
                .unwrap()
        }
    };
    let tags: Vec<Vec<String>> = serde_json::from_value(fixture["tags"].clone()).unwrap();
    let tags = tags.into_iter().map(|tag| Tag::parse(tag).unwrap());
    let kind = Kind::from_u16(fixture["kind"].as_u64().unwrap().try_into().unwrap());
    let created_at = Timestamp::from_secs(NOW.as_secs());
    EventBuilder::new(kind, content).tags(tags).custom_created_at(created_at).allow_self_tagging().sign_with_keys(&by).unwrap()
}

/// What the room reads from an event, or the code, the sentence and whether the sender is told.
fn read(name: &str, event: &Event) -> Result<Value, (String, String, Option<bool>)> {
    let plain = |code: &str, error: &dyn std::error::Error| (code.to_owned(), error.to_string(), None);
    let (buyer, provider) = (buyer(), provider());
    let value = match name.split('-').next().unwrap() {
        "request" => request::read(event, &provider)
            .map(|read| json!(read))
            .map_err(|e| (e.code().to_owned(), e.to_string(), Some(e.addressed())))?,
        "feedback" => feedback::parse(event, Some(&buyer)).map(|read| json!(read)).map_err(|e| plain(e.code(), &e))?,
        "result" => result::parse(event, Some(&buyer)).map(|read| json!(read)).map_err(|e| plain(e.code(), &e))?,
        "ad" => json!(ad::parse(event).unwrap()),
        "cancel" => json!(cancel::parse(event).unwrap()),
        family => panic!("nothing reads {family}"),
    };
    Ok(value)
}

#[test]
fn every_dialect_in_the_field_is_read() {
    for (name, text) in FIXTURES {
        let fixture = fill(text);
        let event = signed(&fixture);
        event.verify().unwrap();
        match (read(name, &event), fixture.get("expect"), fixture["error"].as_str()) {
            (Ok(found), Some(expected), None) => {
                for (field, value) in expected.as_object().unwrap() {
                    assert_eq!(found.get(field), Some(value), "{name}: {field} in {found}");
                }
            }
            (Err((code, sentence, addressed)), None, Some(expected)) => {
                assert_eq!(code, expected, "{name}: {sentence}");
                assert_eq!(addressed, fixture.get("addressed").and_then(Value::as_bool), "{name}: {sentence}");
                assert_eq!(sentence, fixture["says"].as_str().unwrap_or(&sentence), "{name}");
            }
            (found, ..) => panic!("{name}: {found:?}"),
        }
    }
}

#[test]
fn a_cancellation_names_each_job_once() {
    let (_, text) = FIXTURES.iter().find(|(name, _)| *name == "cancel-request").unwrap();
    let read = cancel::parse(&signed(&fill(text))).unwrap();
    let mut named = [JOB, JobId(other().public_key().to_bytes())];
    named.sort_unstable();
    assert_eq!(read.jobs, named);
}
