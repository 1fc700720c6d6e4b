#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]
//! What we write, tag by tag.

mod fixtures;
mod properties;

use nostr::{Event, JsonUtil as _, Keys, SecretKey};
use serde_json::{Value, json};

use super::amount::Amount;
use super::draft::RequestDraft;
use super::envelope::{self, EnvelopeError};
use super::feedback::{FeedbackDraft, Status};
use super::request::Fault;
use super::result::ResultDraft;
use super::{ad, cancel, draft, feedback, kind_spec, pubkey, public_key, request, result, result_kind};
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::money::MilliSats;
use crate::domain::request::{Address, Input, InputKind, JobRequest, Sampling, Scheme};
use crate::domain::time::UnixMs;

pub const NOW: UnixMs = UnixMs::from_secs(1_700_000_000);
pub const JOB: JobId = JobId([0x5a; 32]);

/// The same key on every run.
pub fn keys(seed: u8) -> Keys {
    Keys::new(SecretKey::from_slice(&[seed; 32]).unwrap())
}

pub fn buyer() -> Keys {
    keys(1)
}

pub fn provider() -> Keys {
    keys(2)
}

pub fn other() -> Keys {
    keys(3)
}

#[test]
fn a_cancellation_names_the_request_and_its_kind() {
    let ours = cancel::write(&JOB, 5050, "too slow", NOW).sign_with_keys(&buyer()).unwrap();
    let read = cancel::parse(&ours).unwrap();
    assert_eq!((read.author, read.jobs, read.reason.as_deref()), (pubkey(&buyer().public_key()), vec![JOB], Some("too slow")));
    assert_eq!(rows(&ours), json!([["e", JOB], ["k", "5050"]]));
}

fn rows(event: &Event) -> Value {
    json!(event.tags)
}

pub fn request_draft(scheme: Scheme) -> RequestDraft {
    RequestDraft {
        kind: 5050,
        inputs: vec![Input { data: "What is 2 + 2?".into(), kind: InputKind::Text, relay: None, marker: None }],
        sampling: Sampling { max_tokens: Some(64), temperature: Some(0.7), stop: vec!["\n".into()], ..Sampling::default() },
        model: Some("llama3.2:3b".into()),
        output: Some("text/plain".into()),
        bid: Some(MilliSats(5000)),
        relays: vec!["wss://nos.lol".into()],
        provider: Some(pubkey(&provider().public_key())),
        scheme,
        created_at: NOW,
        expires_at: Some(NOW.plus_ms(600_000)),
        nonce: 7,
    }
}

/// A request as its provider reads it, with the event it came in.
pub fn received(draft: &RequestDraft) -> (JobRequest, Event) {
    let event = draft::write(draft, &buyer()).unwrap().sign_with_keys(&buyer()).unwrap();
    (request::read(&event, &provider()).unwrap(), event)
}

#[test]
fn a_plain_request_is_written_in_the_form_everybody_reads() {
    let (_, event) = received(&request_draft(Scheme::Plain));
    let expected = json!([
        ["p", provider().public_key().to_hex()],
        ["i", "What is 2 + 2?", "text"],
        ["param", "model", "llama3.2:3b"],
        ["param", "max_tokens", "64"],
        ["param", "temperature", "0.7"],
        ["param", "stop", "\n"],
        ["output", "text/plain"],
        ["bid", "5000"],
        ["relays", "wss://nos.lol"],
        ["expiration", "1700000600"],
        ["nonce", "00000000000000000000000000000007"],
    ]);
    assert_eq!((rows(&event), event.content.as_str()), (expected, ""));
}

#[test]
fn an_encrypted_request_shows_whom_it_is_for_and_nothing_of_the_job() {
    for scheme in [Scheme::Nip04, Scheme::Nip44] {
        let (read, event) = received(&request_draft(scheme));
        let shown: Vec<&str> = event.tags.iter().map(|tag| tag.as_slice()[0].as_str()).collect();
        assert_eq!(shown, ["p", "relays", "encrypted", "expiration", "nonce"]);
        assert!(!event.as_json().contains("2 + 2") && !event.as_json().contains("llama"));
        assert_eq!((read.scheme, read.model.as_deref(), read.relays.len()), (scheme, Some("llama3.2:3b"), 1));
        let unopened = request::parse(&event, &pubkey(&provider().public_key()), None).unwrap_err();
        assert_eq!((&unopened.fault, unopened.addressed()), (&Fault::Sealed, true));
        assert!(!format!("{:?}", envelope::open(&event, &provider()).unwrap()).contains("llama"));
    }
    let to_nobody = RequestDraft { provider: None, ..request_draft(Scheme::Nip44) };
    assert_eq!(draft::write(&to_nobody, &buyer()), Err(EnvelopeError::NoRecipient));
}

#[test]
fn equal_requests_of_the_same_second_are_two_jobs() {
    let (first, _) = received(&request_draft(Scheme::Plain));
    let (second, _) = received(&RequestDraft { nonce: 8, ..request_draft(Scheme::Plain) });
    assert_ne!(first.id, second.id);
}

#[test]
fn a_test_job_to_oneself_keeps_its_address() {
    let event = draft::write(&request_draft(Scheme::Plain), &provider()).unwrap().sign_with_keys(&provider()).unwrap();
    assert_eq!(request::read(&event, &provider()).unwrap().address, Address::Targeted);
}

fn result_draft<'a>(job: &'a JobRequest, original: &'a Event, text: &'a str) -> ResultDraft<'a> {
    let (relay, expires_at) = (Some("wss://nos.lol"), None);
    ResultDraft { job, original: Some(original), text, amount: None, relay, max_event_bytes: 65_536, created_at: NOW, expires_at }
}

#[test]
fn a_result_repeats_a_plain_request_and_nothing_of_an_encrypted_one() {
    let (job, event) = received(&request_draft(Scheme::Plain));
    let invoice = Amount { msats: MilliSats(5000), invoice: Some("lnbcrt1".into()) };
    let draft = ResultDraft { amount: Some(&invoice), ..result_draft(&job, &event, "4") };
    let answer = result::write(&draft, &provider()).unwrap().sign_with_keys(&provider()).unwrap();
    let expected = json!([
        ["e", job.id, "wss://nos.lol"],
        ["p", buyer().public_key().to_hex()],
        ["amount", "5000", "lnbcrt1"],
        ["alt", "The answer to a NIP-90 job of kind 5050"],
        ["request", event.as_json()],
        ["i", "What is 2 + 2?", "text"],
    ]);
    assert_eq!((rows(&answer), answer.content.as_str(), answer.kind.as_u16()), (expected, "4", 6050));

    let (job, event) = received(&request_draft(Scheme::Nip44));
    let answer = result::write(&result_draft(&job, &event, "4"), &provider()).unwrap().sign_with_keys(&provider()).unwrap();
    let shown: Vec<&str> = answer.tags.iter().map(|tag| tag.as_slice()[0].as_str()).collect();
    assert_eq!(shown, ["e", "p", "encrypted", "alt"]);
    assert_eq!(result::parse(&answer, None).unwrap().text, None);
    assert_eq!(result::parse(&answer, Some(&buyer())).unwrap().text.as_deref(), Some("4"));
}

#[test]
fn copies_of_the_request_give_way_to_the_size_of_the_event() {
    let names = |prompt: usize, max_event_bytes| {
        let inputs = vec![Input { data: "a".repeat(prompt), kind: InputKind::Text, relay: None, marker: None }];
        let (job, event) = received(&RequestDraft { inputs, ..request_draft(Scheme::Plain) });
        let draft = ResultDraft { max_event_bytes, ..result_draft(&job, &event, "yes") };
        let answer = result::write(&draft, &provider()).unwrap().sign_with_keys(&provider()).unwrap();
        assert!(answer.as_json().len() <= max_event_bytes, "{}", answer.as_json().len());
        answer.tags.iter().map(|tag| tag.as_slice()[0].clone()).filter(|name| name == "request" || name == "i").collect::<Vec<_>>()
    };
    assert_eq!(names(20_000, 65_536), ["request", "i"]);
    assert_eq!(names(33_000, 100_000), ["i"]);
    assert_eq!(names(20_000, 40_000), ["i"]);
    assert_eq!(names(20_000, 20_000), [""; 0]);
}

#[test]
fn a_fitted_answer_makes_an_event_no_larger_than_asked() {
    let long = ["word ", "\n\"", "é", "\u{1}"].map(|piece| piece.repeat(70_000 / piece.len()));
    for scheme in [Scheme::Plain, Scheme::Nip04, Scheme::Nip44] {
        let (job, event) = received(&request_draft(scheme));
        for text in &long {
            let text = result::fit(text, scheme, 65_536);
            let draft = ResultDraft { text, ..result_draft(&job, &event, "") };
            let answer = result::write(&draft, &provider()).unwrap().sign_with_keys(&provider()).unwrap();
            let size = answer.as_json().len();
            assert!(size <= 65_536, "{scheme:?} {size}");
            // NIP-44 steps by 8 KiB of text, so up to 11 KiB of event may stay unused.
            assert!(size > 52_000, "{scheme:?} {size}");
        }
        assert_eq!(result::fit("short", scheme, 65_536), "short");
        assert_eq!(result::fit("short", scheme, 10), "");
    }
}

#[test]
fn a_sealed_text_has_the_length_foretold() {
    let to = pubkey(&provider().public_key());
    for bytes in [1, 15, 16, 31, 32, 33, 64, 65, 256, 257, 320, 1000, 40_960, 40_961, 48_000, envelope::MAX_NIP44_BYTES] {
        for scheme in [Scheme::Plain, Scheme::Nip04, Scheme::Nip44] {
            let sealed = envelope::seal(&"x".repeat(bytes), scheme, &buyer(), &to).unwrap();
            assert_eq!(sealed.len(), envelope::sealed_len(scheme, bytes), "{scheme:?} {bytes}");
        }
    }
}

#[test]
fn what_nip44_cannot_carry_is_said_in_a_sentence() {
    let to = pubkey(&provider().public_key());
    let too_long = envelope::seal(&"x".repeat(65_536), Scheme::Nip44, &buyer(), &to).unwrap_err();
    assert_eq!(too_long.to_string(), "the text is 65536 bytes and NIP-44 carries at most 65408: shorten it");
    assert_eq!(envelope::seal("", Scheme::Nip44, &buyer(), &to), Err(EnvelopeError::Empty));
    let no_point = Pubkey([0xff; 32]);
    assert_eq!(envelope::seal("x", Scheme::Nip04, &buyer(), &no_point), Err(EnvelopeError::BadKey(no_point)));
}

#[test]
fn feedback_on_an_encrypted_request_shows_what_to_pay_and_hides_why() {
    let (job, _) = received(&request_draft(Scheme::Nip44));
    let amount = Amount { msats: MilliSats(3000), invoice: Some("lnbcrt1".into()) };
    let on = FeedbackDraft::on(&job, Status::PaymentRequired, NOW);
    let draft = FeedbackDraft { reason: Some("a long poem"), text: "roses", amount: Some(&amount), ..on };
    let event = feedback::write(&draft, &provider()).unwrap().sign_with_keys(&provider()).unwrap();
    let expected = json!([
        ["e", job.id],
        ["p", buyer().public_key().to_hex()],
        ["status", "payment-required"],
        ["encrypted"],
        ["amount", "3000", "lnbcrt1"]
    ]);
    assert_eq!(rows(&event), expected);

    let (inside, _) = envelope::unseal(&event.content, &public_key(&pubkey(&provider().public_key())), &buyer()).unwrap();
    let nostrdvm = json!([["status", "payment-required", "a long poem"], ["amount", "3000", "lnbcrt1"], ["content", "roses"]]);
    assert_eq!(serde_json::from_str::<Value>(&inside).unwrap(), nostrdvm);

    let without_key = feedback::parse(&event, None).unwrap();
    assert_eq!((without_key.status, without_key.reason, without_key.text.as_str()), (Status::PaymentRequired, None, ""));
    assert_eq!(without_key.amount, Some(amount));
}

#[test]
fn an_ad_is_read_back_and_taken_back() {
    let models = vec!["llama3.2:3b".to_owned(), "gemma3:1b".to_owned()];
    let price = ad::AdPrice { min: MilliSats(3000), in_rate: MilliSats(2000), out_rate: MilliSats(2000) };
    let draft = ad::AdDraft {
        name: "Pylon",
        about: "A desk",
        picture: None,
        kinds: &[5050],
        models: &models,
        price,
        created_at: NOW,
        expires_at: NOW.plus_ms(3_600_000),
    };
    let event = ad::write(&draft).sign_with_keys(&provider()).unwrap();
    assert_eq!(rows(&event), json!([["d", "pylon"], ["k", "5050"], ["expiration", "1700003600"]]));
    let read = ad::parse(&event).unwrap();
    assert_eq!((read.name.as_deref(), read.about.as_deref(), &read.models), (Some("Pylon"), Some("A desk"), &models));
    assert_eq!((read.price, read.encryption, read.kinds.as_slice()), (Some(price), Some(true), [5050].as_slice()));
    assert!(read.params.iter().any(|name| name == "top_k"));

    let author = pubkey(&provider().public_key());
    let gone = ad::delete(&author, &[read.event], NOW).sign_with_keys(&provider()).unwrap();
    assert_eq!(rows(&gone), json!([["a", format!("31990:{author}:pylon")], ["e", read.event], ["k", "31990"]]));
    assert_eq!(ad::deleted(&gone), ["pylon"]);
    let by_another = ad::delete(&author, &[], NOW).sign_with_keys(&other()).unwrap();
    assert_eq!(ad::deleted(&by_another), [""; 0]);
}

#[test]
fn only_text_kinds_are_served() {
    assert!(kind_spec(5050).is_some());
    assert!(kind_spec(5100).is_none(), "images are not answered with text");
    assert_eq!(result_kind(5050), 6050);
}
