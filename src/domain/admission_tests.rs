use super::super::ids::JobId;
use super::super::request::Scheme;
use super::*;
use proptest::prelude::*;

const NOW: UnixMs = UnixMs::from_secs(1_700_000_000);

fn rules() -> Rules {
    Rules {
        kinds: vec![5050],
        accept: Accept::Open,
        max_prompt_chars: 100,
        max_tokens: 1024,
        default_tokens: 512,
        max_age_secs: 600,
        max_future_secs: 120,
        per_buyer_per_hour: 60,
        max_queue: 2,
        max_open_quotes: 3,
        per_buyer_open_quotes: 2,
        max_in_flight: 1,
        blocked: BTreeSet::new(),
        allowed: BTreeSet::new(),
    }
}

fn text(data: &str) -> Input {
    Input { data: data.into(), kind: InputKind::Text, relay: None, marker: None }
}

fn request() -> JobRequest {
    JobRequest {
        id: JobId([1; 32]),
        buyer: Pubkey([2; 32]),
        kind: 5050,
        created_at: NOW,
        inputs: vec![text("hello")],
        sampling: Sampling::default(),
        model: None,
        output: None,
        bid: None,
        relays: Vec::new(),
        address: Address::Open,
        scheme: Scheme::Plain,
        expires_at: None,
    }
}

fn code(request: &JobRequest, rules: &Rules, load: Load) -> &'static str {
    admit(request, rules, load, NOW).map_or_else(|refusal| refusal.code(), |_| "admitted")
}

#[test]
fn an_ordinary_request_gets_the_default_length() {
    let admitted = admit(&request(), &rules(), Load::default(), NOW).expect("admitted");
    assert_eq!(admitted.prompt, "hello");
    assert_eq!(admitted.sampling.max_tokens, Some(512));
}

#[test]
fn a_longer_answer_than_we_give_is_cut_to_ours() {
    let asked = JobRequest { sampling: Sampling { max_tokens: Some(9999), ..Sampling::default() }, ..request() };
    assert_eq!(admit(&asked, &rules(), Load::default(), NOW).expect("admitted").sampling.max_tokens, Some(1024));
}

#[test]
fn each_limit_refuses_with_its_own_code() {
    let sampling = |sampling| JobRequest { sampling, ..request() };
    let input = |kind| JobRequest { inputs: vec![Input { kind, ..text("https://10.0.0.1/") }], ..request() };
    let cases = [
        (JobRequest { kind: 5100, ..request() }, "kind-not-served"),
        (JobRequest { created_at: UnixMs::from_secs(1_700_000_000 - 601), ..request() }, "too-old"),
        (JobRequest { created_at: UnixMs::from_secs(1_700_000_000 + 121), ..request() }, "from-the-future"),
        (JobRequest { expires_at: Some(NOW), ..request() }, "expired"),
        (JobRequest { inputs: vec![], ..request() }, "no-prompt"),
        (JobRequest { inputs: vec![text("  \n ")], ..request() }, "no-prompt"),
        (JobRequest { inputs: vec![text(&"ü".repeat(101))], ..request() }, "prompt-too-long"),
        (input(InputKind::Url), "input-not-served"),
        (input(InputKind::Event), "input-not-served"),
        (JobRequest { output: Some("image/png".into()), ..request() }, "output-not-served"),
        (sampling(Sampling { temperature: Some(f64::NAN), ..Sampling::default() }), "param-out-of-range"),
        (sampling(Sampling { top_p: Some(1.1), ..Sampling::default() }), "param-out-of-range"),
        (sampling(Sampling { max_tokens: Some(0), ..Sampling::default() }), "param-out-of-range"),
        (sampling(Sampling { stop: vec![String::new()], ..Sampling::default() }), "param-out-of-range"),
    ];
    for (request, expected) in cases {
        assert_eq!(code(&request, &rules(), Load::default()), expected);
    }
}

#[test]
fn lists_decide_who_may_ask() {
    let buyer = request().buyer;
    assert_eq!(code(&request(), &Rules { blocked: [buyer].into(), ..rules() }, Load::default()), "blocked");
    assert_eq!(code(&request(), &Rules { allowed: [Pubkey([9; 32])].into(), ..rules() }, Load::default()), "not-allowed");
    assert_eq!(code(&request(), &Rules { allowed: [buyer].into(), ..rules() }, Load::default()), "admitted");
    assert_eq!(code(&request(), &Rules { blocked: [buyer].into(), allowed: [buyer].into(), ..rules() }, Load::default()), "blocked");
}

#[test]
fn targeted_only_leaves_open_requests_to_others() {
    let rules = Rules { accept: Accept::Targeted, ..rules() };
    assert_eq!(code(&request(), &rules, Load::default()), "targeted-only");
    assert_eq!(code(&JobRequest { address: Address::Targeted, ..request() }, &rules, Load::default()), "admitted");
}

#[test]
fn a_full_queue_and_a_greedy_buyer_wait() {
    let load = |waiting, running, buyer_last_hour| Load { waiting, running, buyer_last_hour, ..Load::default() };
    assert_eq!(code(&request(), &rules(), load(1, 1, 0)), "admitted");
    assert_eq!(code(&request(), &rules(), load(2, 1, 0)), "busy");
    assert_eq!(code(&request(), &rules(), load(0, 0, 60)), "too-many-from-buyer");
    let no_queue = Rules { max_queue: 0, ..rules() };
    assert_eq!(code(&request(), &no_queue, load(0, 0, 0)), "admitted");
    assert_eq!(code(&request(), &no_queue, load(0, 1, 0)), "busy");
}

#[test]
fn unpaid_invoices_are_bounded_for_one_buyer_and_for_all() {
    let load = |open_quotes, buyer_open_quotes| Load { open_quotes, buyer_open_quotes, ..Load::default() };
    assert_eq!(code(&request(), &rules(), load(2, 1)), "admitted");
    assert_eq!(code(&request(), &rules(), load(2, 2)), "too-many-quotes");
    assert_eq!(code(&request(), &rules(), load(3, 0)), "quotes-full");
    assert_eq!(code(&request(), &Rules { max_open_quotes: 0, per_buyer_open_quotes: 0, ..rules() }, load(99, 99)), "admitted");
}

#[test]
fn inputs_are_joined_in_order_with_their_markers() {
    let inputs = vec![text("Summarise."), Input { marker: Some("essay".into()), ..text("Once upon a time.") }];
    let admitted = admit(&JobRequest { inputs, ..request() }, &rules(), Load::default(), NOW).expect("admitted");
    assert_eq!(admitted.prompt, "Summarise.\n\nessay:\nOnce upon a time.");
}

proptest! {
    /// Whatever a buyer writes, an admitted job is within the operator's limits.
    #[test]
    fn nothing_admitted_exceeds_a_limit(texts in prop::collection::vec(".{0,60}", 0..4), tokens in prop::option::of(any::<u32>()), created in any::<i64>()) {
        let asked = JobRequest {
            inputs: texts.iter().map(|data| text(data)).collect(),
            sampling: Sampling { max_tokens: tokens, ..Sampling::default() },
            created_at: UnixMs(created),
            ..request()
        };
        if let Ok(admitted) = admit(&asked, &rules(), Load::default(), NOW) {
            prop_assert!(admitted.prompt.chars().count() <= 100 && !admitted.prompt.trim().is_empty());
            prop_assert!((1..=1024).contains(&admitted.sampling.max_tokens.expect("filled in")));
            prop_assert!(NOW.since(asked.created_at) / 1000 <= 600);
        }
    }
}
