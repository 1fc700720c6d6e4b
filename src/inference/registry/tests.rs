#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::*;
use crate::domain::model::FinishReason;
use crate::domain::time::UnixMs;
use crate::inference::ollama::Ollama;
use crate::inference::test_server::{Reply, Request, TestServer, client};
use crate::inference::{Prompt, PullProgress, TokenStream};

/// A backend whose answers the test sets.
struct Fake {
    name: &'static str,
    /// `None` = hangs.
    models: Mutex<Option<Vec<&'static str>>>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(name: &'static str, models: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { name, models: Mutex::new(Some(models.to_vec())), asked: AtomicUsize::new(0) })
    }

    fn hang(self: Arc<Self>) -> Arc<Self> {
        *self.models.lock().unwrap() = None;
        self
    }

    fn set(&self, models: &[&'static str]) {
        *self.models.lock().unwrap() = Some(models.to_vec());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Inference for Fake {
    fn name(&self) -> &str {
        self.name
    }

    fn url(&self) -> &str {
        "nowhere"
    }

    fn probe(&self, _limit: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let Some(names) = self.models.lock().unwrap().clone() else { return std::future::pending().await };
            let model = |name: &&str| ModelInfo {
                name: (*name).to_owned(),
                backend: self.name.to_owned(),
                size_bytes: None,
                context_tokens: None,
                warm: Some(false),
                tokens_per_sec: None,
                fault: None,
            };
            Ok(Probe { version: None, models: names.iter().map(model).collect() })
        })
    }

    fn generate(&self, _prompt: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>> {
        Box::pin(std::future::pending())
    }

    fn pull(&self, _model: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>> {
        Box::pin(std::future::pending())
    }
}

const EVERY: Duration = Duration::from_secs(10);

/// A clock that is one later each time it is read.
fn clock() -> Clock {
    let now = AtomicI64::new(0);
    Clock::new(move || UnixMs(now.fetch_add(1, Ordering::SeqCst)))
}

fn registry(backends: &[&Arc<Fake>]) -> Arc<Registry> {
    Registry::new(backends.iter().map(|fake| Arc::clone(fake) as Arc<dyn Inference>).collect(), EVERY, clock())
}

fn chosen(registry: &Registry, model: Option<&str>, default: &str) -> Result<(String, String), InferenceError> {
    registry.resolve(model, default).map(|(backend, model)| (backend.name().to_owned(), model.name))
}

fn picked(backend: &str, model: &str) -> Result<(String, String), InferenceError> {
    Ok((backend.to_owned(), model.to_owned()))
}

fn broken(model: &str) -> Outcome {
    Outcome::Failed(InferenceError::ModelBroken { backend: "one".to_owned(), model: model.to_owned(), message: "no memory".to_owned() })
}

fn finished(answer_tokens: Option<u32>) -> Outcome {
    Outcome::Finished(Usage { prompt_tokens: None, answer_tokens, answer_ns: Some(1_500_000_000), finish: FinishReason::Stop })
}

#[tokio::test]
async fn a_named_model_is_found_and_an_unnamed_one_is_the_default_or_the_first() {
    let (one, two) = (Fake::new("one", &["b:latest", "c:7b"]), Fake::new("two", &["a", "b", "c"]));
    let registry = registry(&[&one, &two]);
    assert_eq!(chosen(&registry, None, ""), Err(InferenceError::NothingReady));
    assert_eq!(chosen(&registry, Some("a"), ""), Err(InferenceError::NothingReady));
    registry.refresh().await;
    assert_eq!(chosen(&registry, None, ""), picked("one", "b:latest"));
    assert_eq!(chosen(&registry, Some(""), "a"), picked("two", "a"));
    assert_eq!(chosen(&registry, Some("c:7b"), "a"), picked("one", "c:7b"));
    assert_eq!(chosen(&registry, Some("b"), ""), picked("two", "b"), "an exact name is better than one with :latest added");
    two.set(&["a"]);
    registry.refresh().await;
    assert_eq!(chosen(&registry, Some("b"), ""), picked("one", "b:latest"));
    let error = chosen(&registry, Some("c"), "a").unwrap_err();
    assert_eq!(error.to_string(), "one and two has no model named \"c\"; there are b:latest, c:7b, a");
}

#[tokio::test]
async fn speed_is_the_counters_quotient_and_survives_a_probe() {
    let one = Fake::new("one", &["m"]);
    let registry = registry(&[&one]);
    registry.refresh().await;
    registry.report("one", "m", &finished(Some(30)));
    assert_eq!(registry.health()[0].models[0].tokens_per_sec, Some(20.0));
    assert_eq!(registry.health()[0].models[0].warm, Some(true), "it has just run");
    registry.report("one", "m", &finished(None));
    registry.report("one", "gone", &finished(Some(1)));
    registry.refresh().await;
    assert_eq!(registry.health()[0].models[0].tokens_per_sec, Some(20.0));
    assert_eq!(registry.resolve(Some("m"), "").unwrap().1.tokens_per_sec, Some(20.0));
}

#[tokio::test]
async fn a_broken_model_is_shown_and_not_chosen_until_it_runs_or_the_operator_refreshes() {
    let one = Fake::new("one", &["m", "n"]);
    let registry = registry(&[&one]);
    registry.refresh().await;
    registry.report("one", "m", &broken("m"));
    assert_eq!(registry.health()[0].models[0].fault.as_deref(), Some("no memory"));
    assert_eq!(chosen(&registry, None, ""), picked("one", "n"));
    assert!(matches!(chosen(&registry, Some("m"), ""), Err(InferenceError::ModelBroken { message, .. }) if message == "no memory"));
    assert_eq!(registry.resolve_anyway("m").unwrap().1.name, "m");
    registry.round().await;
    assert!(registry.health()[0].models[0].fault.is_some(), "a probe proves nothing");

    registry.report("one", "m", &finished(Some(1)));
    assert_eq!(registry.health()[0].models[0].fault, None);
    registry.report("one", "m", &broken("m"));
    registry.refresh().await;
    assert_eq!(registry.health()[0].models[0].fault, None);
}

#[tokio::test]
async fn a_fault_goes_with_the_model_that_had_it_and_a_healthy_copy_elsewhere_is_preferred() {
    let (one, two) = (Fake::new("one", &["m"]), Fake::new("two", &["m"]));
    let registry = registry(&[&one, &two]);
    registry.refresh().await;
    registry.report("one", "m", &broken("m"));
    assert_eq!(chosen(&registry, Some("m"), ""), picked("two", "m"));
    one.set(&[]);
    registry.round().await;
    one.set(&["m"]);
    registry.round().await;
    assert_eq!(chosen(&registry, Some("m"), ""), picked("one", "m"));
}

#[tokio::test]
async fn readers_are_told_only_when_something_changed() {
    let one = Fake::new("one", &["m"]);
    let registry = registry(&[&one]);
    let mut table = registry.watch();
    registry.refresh().await;
    assert!(table.has_changed().unwrap());
    let first = table.borrow_and_update()[0].checked_at;
    registry.refresh().await;
    registry.report("one", "m", &Outcome::Failed(InferenceError::NothingReady));
    assert!(!table.has_changed().unwrap());
    assert!(table.borrow()[0].checked_at > first, "the time of asking moves all the same");
    one.set(&["m", "n"]);
    registry.refresh().await;
    assert!(table.has_changed().unwrap());
    table.mark_unchanged();
    registry.report("one", "n", &broken("n"));
    assert!(table.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_is_given_three_seconds_and_delays_nobody() {
    let (one, two) = (Fake::new("one", &[]).hang(), Fake::new("two", &["m"]));
    let registry = registry(&[&one, &two]);
    let mut table = registry.watch();
    let cancel = CancellationToken::new();
    let task = registry.start(cancel.clone());
    let began = tokio::time::Instant::now();
    table.changed().await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(chosen(&registry, None, ""), picked("two", "m"));
    table.changed().await.unwrap();
    assert_eq!(began.elapsed(), PROBE_LIMIT);
    let BackendState::Unavailable { reason, hint } = registry.health()[0].state.clone() else { panic!("it hangs") };
    assert!(reason.ends_with("no answer within 3 s") && !hint.is_empty(), "{reason}");
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn probing_goes_on_at_its_pace_and_at_once_when_something_vanished() {
    let one = Fake::new("one", &["m"]);
    let registry = registry(&[&one]);
    let cancel = CancellationToken::new();
    let task = registry.start(cancel.clone());
    tokio::time::sleep(EVERY * 3 - Duration::from_secs(1)).await;
    assert_eq!(one.asked(), 3);
    let gone = InferenceError::Unreachable { backend: "one".to_owned(), url: String::new(), reason: String::new() };
    registry.report("one", "m", &Outcome::Failed(gone));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(one.asked(), 4);
    registry.set_probe_every(Duration::from_secs(2));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(one.asked(), 7);
    cancel.cancel();
    task.await.unwrap();
    tokio::time::sleep(EVERY * 5).await;
    assert_eq!(one.asked(), 7, "nobody asks after the end");
}

#[tokio::test(start_paused = true)]
async fn failing_jobs_do_not_keep_a_hanging_backend_from_being_found_out() {
    let one = Fake::new("one", &["m"]);
    let registry = registry(&[&one]);
    let cancel = CancellationToken::new();
    let task = registry.start(cancel.clone());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _ = Arc::clone(&one).hang();
    for _ in 0..8 {
        let gone = InferenceError::Interrupted { backend: "one".to_owned(), reason: String::new() };
        registry.report("one", "m", &Outcome::Failed(gone));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(matches!(registry.health()[0].state, BackendState::Unavailable { .. }));
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn replaced_backends_are_asked_at_once_and_answers_about_the_old_ones_are_dropped() {
    let (old, kept, new) = (Fake::new("old", &["m"]).hang(), Fake::new("kept", &["k"]), Fake::new("new", &["n"]));
    let registry = registry(&[&old, &kept]);
    let cancel = CancellationToken::new();
    let task = registry.start(cancel.clone());
    tokio::time::sleep(Duration::from_millis(1)).await;
    registry.report("kept", "k", &finished(Some(30)));
    let asked = tokio::time::Instant::now();
    registry.set_backends(vec![Arc::clone(&new) as Arc<dyn Inference>, Fake::new("kept", &["k"])]);
    assert_eq!(registry.health().iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), ["new", "kept"]);
    assert_eq!(registry.health()[1].models[0].tokens_per_sec, Some(20.0), "what is known about it stays");
    let mut table = registry.watch();
    table.changed().await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(chosen(&registry, None, ""), picked("new", "n"));
    tokio::time::sleep(PROBE_LIMIT * 2).await;
    assert!(registry.health().iter().all(|line| matches!(line.state, BackendState::Ready { .. })), "{:?}", registry.health());
    cancel.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn a_server_that_appears_and_disappears_is_noticed() {
    let script = |request: &Request| match request.path.as_str() {
        "/api/tags" => Reply::ok(r#"{"models":[{"name":"llama3:latest","digest":"d"}]}"#),
        _ => Reply::with(404, ""),
    };
    // An address of its own, where the system has more than one: no other test takes the port while nobody is there.
    let alone = if cfg!(target_os = "linux") { "127.0.0.7:0" } else { "127.0.0.1:0" };
    let server = TestServer::start_at(alone.parse().unwrap(), script).await;
    let address = server.address;
    let registry = Registry::new(vec![Arc::new(Ollama::new("ollama", &server.url, client()))], EVERY, clock());
    server.stop().await;
    registry.refresh().await;
    let BackendState::Unavailable { reason, hint } = registry.health()[0].state.clone() else { panic!("nobody is there") };
    assert!(reason.contains("Connection refused"), "{reason}");
    assert_eq!(hint, "Start it with `ollama serve`, or set backends.ollama.url.");

    let server = TestServer::start_at(address, script).await;
    registry.refresh().await;
    assert_eq!(chosen(&registry, Some("llama3"), ""), picked("ollama", "llama3:latest"));

    server.stop().await;
    registry.refresh().await;
    assert!(registry.health()[0].models.is_empty());
    assert_eq!(chosen(&registry, Some("llama3"), ""), Err(InferenceError::NothingReady));
}

fn says(models: &[&'static str]) -> Result<Probe, InferenceError> {
    let fake = Fake::new("one", models);
    futures_util::FutureExt::now_or_never(fake.probe(PROBE_LIMIT)).unwrap()
}

#[test]
fn an_answer_overtaken_by_a_later_one_or_about_a_replaced_backend_changes_nothing() {
    let mut table = Table::new(vec![Fake::new("one", &[]) as Arc<dyn Inference>]);
    let (early, late) = (table.begin_round().ticket, table.begin_round().ticket);
    assert_eq!(table.heard(late, 0, says(&["new"]), UnixMs(2)), News::Came);
    assert_eq!(table.heard(early, 0, Err(InferenceError::NothingReady), UnixMs(3)), News::Nothing);
    assert_eq!(table.health()[0].models[0].name, "new");
    assert_eq!(table.health()[0].checked_at, Some(UnixMs(2)));

    let about_old = table.begin_round().ticket;
    table.replace(vec![Fake::new("other", &[]) as Arc<dyn Inference>]);
    assert_eq!(table.heard(about_old, 0, says(&["old"]), UnixMs(4)), News::Nothing);
    assert_eq!(table.health()[0].state, BackendState::Unknown);
}

#[test]
fn coming_and_going_is_news_once() {
    let mut table = Table::new(vec![Fake::new("one", &[]) as Arc<dyn Inference>]);
    let gone = || Err(InferenceError::NothingReady);
    let mut hear = |answer| {
        let ticket = table.begin_round().ticket;
        table.heard(ticket, 0, answer, UnixMs(1))
    };
    assert!(matches!(hear(gone()), News::Absent(_)));
    assert_eq!(hear(gone()), News::Nothing);
    assert_eq!(hear(says(&[])), News::Came);
    assert_eq!(hear(says(&[])), News::Nothing);
    assert!(matches!(hear(gone()), News::Went(_)));
}
