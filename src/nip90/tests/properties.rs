#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]
//! Whatever a stranger sends, nothing panics; whatever we write, we read back.

use nostr::{Event, EventBuilder, Keys, Kind, Tag, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{NOW, buyer, other, provider, received, request_draft};
use crate::domain::money::MilliSats;
use crate::domain::request::{Address, Input, InputKind, JobRequest, Sampling, Scheme};
use crate::domain::time::UnixMs;
use crate::nip90::amount::Amount;
use crate::nip90::draft::{self, RequestDraft};
use crate::nip90::envelope::{self, EnvelopeError};
use crate::nip90::feedback::{FeedbackDraft, Status};
use crate::nip90::result::ResultDraft;
use crate::nip90::{ad, cancel, feedback, job_id, pubkey, request, result, text};

/// Any characters at all, control and bidirectional ones too.
fn wild() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

/// Elements that mean something, so that the deeper code is reached, among some that do not.
fn element() -> impl Strategy<Value = String> {
    let known = [
        "i",
        "e",
        "p",
        "a",
        "k",
        "d",
        "param",
        "bid",
        "relays",
        "output",
        "encrypted",
        "status",
        "amount",
        "request",
        "expiration",
        "content",
        "text",
        "prompt",
        "job",
        "url",
        "model",
        "max-tokens",
        "top_k",
        "top-p",
        "temperature",
        "seed",
        "stop",
        "partial",
        "payment_required",
        "error",
        "success",
        "5050",
        "-1",
        "0.5",
        "NaN",
        "1e400",
        "18446744073709551616",
        "",
        " ",
        "wss://nos.lol",
        "{\"id\":1}",
        "[[[",
        "0101010101010101010101010101010101010101010101010101010101010101",
        "lnbc1",
    ];
    let me = provider().public_key().to_hex();
    prop_oneof![6 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => Just(me), 2 => wild()]
}

fn tags() -> impl Strategy<Value = Vec<Vec<String>>> {
    vec(vec(element(), 0..6), 0..8)
}

fn kind() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(5050u16), 3 => Just(7000), 3 => Just(6050), 2 => Just(31990), 2 => Just(5), 1 => any::<u16>()]
}

fn base64ish() -> impl Strategy<Value = String> {
    vec(proptest::sample::select(b"AgBm+/9=".to_vec()), 0..300).prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

fn content() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => wild(),
        2 => base64ish().prop_map(|tail| format!("Ag{tail}")),
        2 => (base64ish(), base64ish()).prop_map(|(text, iv)| format!("{text}?iv={iv}")),
        1 => Just("{\"name\":1,\"price\":{\"min\":-1},\"models\":{},\"nip90Params\":[]}".to_owned()),
        // Real envelopes with anything inside, to us and from both sides.
        3 => tags().prop_map(|tags| envelope::seal(&serde_json::json!(tags).to_string(), Scheme::Nip44, &other(), &pubkey(&provider().public_key())).unwrap()),
        2 => wild().prop_map(|text| envelope::seal(&text, Scheme::Nip04, &other(), &pubkey(&provider().public_key())).unwrap()),
    ]
}

fn event(kind: u16, tags: &[Vec<String>], content: &str, by: &Keys) -> Event {
    let tags = tags.iter().filter_map(|tag| Tag::parse(tag).ok());
    let created_at = Timestamp::from_secs(NOW.as_secs());
    EventBuilder::new(Kind::from_u16(kind), content).tags(tags).custom_created_at(created_at).sign_with_keys(by).unwrap()
}

fn scheme() -> impl Strategy<Value = Scheme> {
    proptest::sample::select(vec![Scheme::Plain, Scheme::Nip04, Scheme::Nip44])
}

/// A word that is not blank and has no space around it.
fn word() -> impl Strategy<Value = String> {
    wild().prop_map(|text| format!("x{text}y"))
}

fn input() -> impl Strategy<Value = Input> {
    let kind = proptest::sample::select(vec![InputKind::Text, InputKind::Event, InputKind::Job, InputKind::Url]);
    (word(), kind, option::of(word()), option::of(word())).prop_map(|(data, kind, relay, marker)| Input { data, kind, relay, marker })
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |number| number.is_finite())
}

fn sampling() -> impl Strategy<Value = Sampling> {
    let whole = (option::of(any::<u32>()), option::of(any::<u32>()), option::of(any::<i64>()));
    let decimal = (option::of(number()), option::of(number()), option::of(number()));
    (whole, decimal, vec(word(), 0..3)).prop_map(|((max_tokens, top_k, seed), (temperature, top_p, frequency_penalty), stop)| Sampling {
        max_tokens,
        temperature,
        top_k,
        top_p,
        frequency_penalty,
        seed,
        stop,
    })
}

fn request_drafts() -> impl Strategy<Value = RequestDraft> {
    let job = (vec(input(), 1..4), sampling(), option::of(word()), option::of(word()), option::of(any::<u64>()));
    let relays = proptest::sample::subsequence(vec!["wss://a", "wss://b", "wss://c"], 0..=3);
    let seconds = option::of(0..4_000_000_000u64);
    (job, relays, scheme(), seconds, any::<u128>()).prop_map(|((inputs, sampling, model, output, bid), relays, scheme, seconds, nonce)| {
        RequestDraft {
            inputs,
            sampling,
            model,
            output,
            bid: bid.map(MilliSats),
            relays: relays.into_iter().map(str::to_owned).collect(),
            expires_at: seconds.map(UnixMs::from_secs),
            nonce,
            ..request_draft(scheme)
        }
    })
}

fn amounts() -> impl Strategy<Value = Option<Amount>> {
    option::of((any::<u64>(), option::of("lnbc[a-z0-9]{1,20}")).prop_map(|(msats, invoice)| Amount { msats: MilliSats(msats), invoice }))
}

proptest! {
    #[test]
    fn nothing_a_stranger_sends_panics(kind in kind(), mut tags in tags(), content in content(), sealed in any::<u8>()) {
        if sealed % 2 == 0 {
            tags.push(vec!["encrypted".to_owned()]);
        }
        let event = event(kind, &tags, &content, &other());
        let me = provider();
        let opened = envelope::open(&event, &me);
        let _ = request::read(&event, &me);
        let _ = request::parse(&event, &pubkey(&me.public_key()), opened.ok());
        for keys in [None, Some(&me)] {
            let _ = (result::parse(&event, keys), feedback::parse(&event, keys));
        }
        let _ = (ad::parse(&event), ad::deleted(&event), cancel::parse(&event));
    }

    /// A reason reaches a buyer's screen and our log, so nothing hostile may ride along in it.
    #[test]
    fn what_we_say_about_a_bad_request_is_one_clean_line(tags in tags(), content in content()) {
        let event = event(5050, &tags, &content, &other());
        if let Err(error) = request::read(&event, &provider()) {
            let sentence = error.to_string();
            prop_assert!(!error.code().is_empty());
            prop_assert!(sentence.chars().count() <= text::MAX_REASON_CHARS, "{}", sentence);
            prop_assert_eq!(text::reason(&sentence), sentence);
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written(draft in request_drafts()) {
        let (read, event) = received(&draft);
        let expected = JobRequest {
            id: job_id(&event),
            buyer: pubkey(&buyer().public_key()),
            kind: draft.kind,
            created_at: draft.created_at,
            inputs: draft.inputs,
            sampling: draft.sampling,
            model: draft.model,
            output: draft.output,
            bid: draft.bid,
            relays: draft.relays,
            address: Address::Targeted,
            scheme: draft.scheme,
            expires_at: draft.expires_at,
        };
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn a_result_is_read_as_it_was_written(scheme in scheme(), body in wild(), amount in amounts(), seconds in option::of(0..4_000_000_000u64)) {
        let (job, original) = received(&request_draft(scheme));
        let expires_at = seconds.map(UnixMs::from_secs);
        let (original, amount) = (Some(&original), amount.as_ref());
        let draft = ResultDraft { job: &job, original, text: &body, amount, relay: None, max_event_bytes: 65_536, created_at: NOW, expires_at };
        let written = result::write(&draft, &provider());
        if body.is_empty() && scheme == Scheme::Nip44 {
            prop_assert_eq!(written, Err(EnvelopeError::Empty));
            return Ok(());
        }
        let event = written.unwrap().sign_with_keys(&provider()).unwrap();
        let read = result::parse(&event, Some(&buyer())).unwrap();
        prop_assert_eq!((read.job, read.author, read.kind), (job.id, pubkey(&provider().public_key()), 6050));
        prop_assert_eq!((read.text, read.amount.as_ref(), read.scheme), (Some(text::answer(&body)), amount, scheme));
        prop_assert_eq!((read.expires_at, read.created_at), (expires_at, NOW));
    }

    #[test]
    fn feedback_is_read_as_it_was_written(scheme in scheme(), status in 0..5usize, part in option::of(any::<u32>()), reason in wild(), body in wild(), amount in amounts()) {
        let status = [Status::PaymentRequired, Status::Processing, Status::Partial, Status::Error, Status::Success][status];
        let (job, _) = received(&request_draft(scheme));
        let on = FeedbackDraft::on(&job, status, NOW);
        let draft = FeedbackDraft { part, reason: Some(&reason), text: &body, amount: amount.as_ref(), ..on };
        let event = feedback::write(&draft, &provider()).unwrap().sign_with_keys(&provider()).unwrap();
        let read = feedback::parse(&event, Some(&buyer())).unwrap();
        let clean = text::reason(&reason);
        // A piece's number stands where the reason would; a reason that is a number cannot be told from it.
        let number = if status == Status::Partial { part.or(clean.parse().ok()) } else { None };
        let reason = (number.is_none() && !clean.is_empty()).then_some(clean);
        prop_assert_eq!((read.job, read.author, read.status), (job.id, pubkey(&provider().public_key()), status));
        prop_assert_eq!((read.part, read.reason), (number, reason));
        prop_assert_eq!((read.text, read.amount, read.scheme), (text::answer(&body), amount, scheme));
    }

    #[test]
    fn cleaning_twice_changes_nothing(dirty in wild(), max in 1..40usize) {
        let (line, answer) = (text::line(&dirty, max), text::answer(&dirty));
        prop_assert!(line.chars().count() <= max && !line.chars().any(char::is_control));
        prop_assert_eq!(text::line(&line, max), line);
        prop_assert_eq!(text::answer(&answer), answer);
        prop_assert!(dirty.starts_with(text::clip(&dirty, max)) && text::clip(&dirty, max).len() <= max);
    }

    #[test]
    fn only_the_two_keys_read_an_envelope(scheme in proptest::sample::select(vec![Scheme::Nip04, Scheme::Nip44]), body in word()) {
        let to = provider();
        let sealed = envelope::seal(&body, scheme, &buyer(), &pubkey(&to.public_key())).unwrap();
        prop_assert_eq!(envelope::scheme_of(&sealed), Some(scheme));
        prop_assert_eq!(envelope::unseal(&sealed, &buyer().public_key(), &to), Ok((body.clone(), scheme)));
        prop_assert_eq!(envelope::unseal(&sealed, &to.public_key(), &buyer()), Ok((body.clone(), scheme)));
        let stranger = envelope::unseal(&sealed, &buyer().public_key(), &other());
        prop_assert_ne!(stranger, Ok((body, scheme)));
    }
}

#[test]
fn a_draft_is_one_event_however_often_it_is_written() {
    let once = draft::write(&request_draft(Scheme::Plain), &buyer()).unwrap().sign_with_keys(&buyer()).unwrap();
    let twice = draft::write(&request_draft(Scheme::Plain), &buyer()).unwrap().sign_with_keys(&buyer()).unwrap();
    assert_eq!(once.id, twice.id, "nothing in it is random or reads a clock");
}
