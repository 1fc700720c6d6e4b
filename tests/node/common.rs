//! A market in a temporary directory, and a buyer who speaks the protocol without any code of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use nostr_sdk::prelude::*;
use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::domain::job::JobState;
use pylon_hud::domain::model::{FinishReason, ModelInfo, Usage};
use pylon_hud::identity::{Identity, WordCount};
use pylon_hud::inference::{Inference, InferenceError, Probe, Prompt, PullProgress, Token, TokenStream};
use pylon_hud::node::{Leaving, Node, NodeCommand, NodeEvent, NodeHandle, NodeOptions, NodeState, NodeStatus, Report, Request};
use pylon_hud::practice::{self, PracticeRelay};
use pylon_hud::store::JobDetail;
use tokio::sync::{Semaphore, mpsc, watch};

/// Everything here happens in milliseconds; this is for a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {} s for {what}", PATIENCE.as_secs()))
}

/// A model whose every token waits for leave.
pub struct Scripted {
    pub words: Vec<&'static str>,
    /// One permit lets one word out.
    pub leave: Arc<Semaphore>,
    pub runs: watch::Sender<usize>,
    /// Streams dropped before their end.
    pub dropped: Arc<AtomicUsize>,
    pub fault: Option<InferenceError>,
}

impl Scripted {
    /// A model that says these words at once.
    pub fn quick(words: &[&'static str]) -> Arc<Self> {
        Self::build(words, Semaphore::MAX_PERMITS, None)
    }

    /// A model that says each word when told to.
    pub fn slow(words: &[&'static str]) -> Arc<Self> {
        Self::build(words, 0, None)
    }

    /// A model that is listed and cannot run.
    pub fn broken(fault: InferenceError) -> Arc<Self> {
        Self::build(&[], 0, Some(fault))
    }

    fn build(words: &[&'static str], permits: usize, fault: Option<InferenceError>) -> Arc<Self> {
        let leave = Arc::new(Semaphore::new(permits));
        Arc::new(Self { words: words.to_vec(), leave, runs: watch::Sender::default(), dropped: Arc::default(), fault })
    }

    pub fn runs(&self) -> usize {
        *self.runs.borrow()
    }

    /// Waits until a first job has reached the model.
    pub async fn is_asked(&self) {
        soon("the model to be asked", self.runs.subscribe().wait_for(|runs| *runs > 0)).await.unwrap();
    }

    pub fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// Counts a stream that is dropped before its end.
struct Watched {
    dropped: Arc<AtomicUsize>,
    ended: bool,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Inference for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn url(&self) -> &str {
        "test:"
    }

    fn probe(&self, _: Duration) -> BoxFuture<'_, Result<Probe, InferenceError>> {
        let model = ModelInfo {
            name: "parrot".into(),
            backend: "scripted".into(),
            size_bytes: None,
            context_tokens: None,
            warm: None,
            tokens_per_sec: None,
            fault: None,
        };
        async { Ok(Probe { version: None, models: vec![model] }) }.boxed()
    }

    fn generate(&self, _: Prompt) -> BoxFuture<'_, Result<TokenStream, InferenceError>> {
        self.runs.send_modify(|runs| *runs += 1);
        if let Some(fault) = self.fault.clone() {
            return async move { Err(fault) }.boxed();
        }
        let count = u32::try_from(self.words.len()).unwrap();
        let usage =
            Usage { prompt_tokens: Some(3), answer_tokens: Some(count), answer_ns: Some(1_000_000_000), finish: FinishReason::Stop };
        let watched = Watched { dropped: Arc::clone(&self.dropped), ended: false };
        let script = (self.words.clone().into_iter(), Arc::clone(&self.leave), Some(watched));
        let stream = futures_util::stream::unfold(script, move |(mut words, leave, watched)| async move {
            let mut watched = watched?;
            match words.next() {
                Some(word) => {
                    leave.acquire().await.unwrap().forget();
                    Some((Ok(Token::Text(word.to_owned())), (words, leave, Some(watched))))
                }
                None => {
                    watched.ended = true;
                    Some((Ok(Token::End(usage)), (words, leave, None)))
                }
            }
        });
        async move { Ok(stream.boxed()) }.boxed()
    }

    fn pull(&self, _: String) -> BoxFuture<'_, Result<BoxStream<'static, Result<PullProgress, InferenceError>>, InferenceError>> {
        async { Err(InferenceError::Unsupported { backend: "scripted".into(), what: "download models" }) }.boxed()
    }
}

/// A provider on its own relay, in its own directory.
pub struct Market {
    pub relay: PracticeRelay,
    pub dir: tempfile::TempDir,
    pub paths: Paths,
    pub identity: Identity,
}

impl Market {
    pub async fn new() -> Self {
        pylon_hud::net::init();
        let relay = PracticeRelay::start().await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::at(dir.path());
        paths.ensure().unwrap();
        let identity = Identity::create(&paths, WordCount::Twelve, pylon_hud::identity::Replace::Never).unwrap().identity;
        Self { relay, dir, paths, identity }
    }

    /// Options of a node here that has only this model: no Ollama that may run on the machine gets in.
    pub fn options(&self, model: Arc<dyn Inference>, settings: &[&str]) -> NodeOptions {
        let options = NodeOptions::new(self.paths.clone(), Environment::default());
        let mut options = practice::provider(options, &self.relay).unwrap();
        options.extra_backends = vec![model];
        let always = ["backends.ollama.url=\"http://127.0.0.1:9\""];
        options.overrides.extend(always.iter().chain(settings).map(|setting| setting.parse().unwrap()));
        options
    }

    /// As [`Market::options`], outside the practice market: no wallet comes by itself.
    pub fn real_options(&self, model: Arc<dyn Inference>, settings: &[&str]) -> NodeOptions {
        NodeOptions { market: pylon_hud::node::Market::Real, ..self.options(model, settings) }
    }

    /// As [`Market::real_options`], with the market's relay in the config file, where it can be changed.
    pub fn options_with_file(&self, model: Arc<dyn Inference>, settings: &[&str]) -> NodeOptions {
        std::fs::write(&self.paths.config_toml, format!("[relays]\nurls = [\"{}\"]\n", self.relay.url())).unwrap();
        let mut options = self.real_options(model, settings);
        options.overrides.retain(|setting| setting.key() != "relays.urls");
        options
    }

    /// A node that takes jobs.
    pub async fn online(&self, model: Arc<dyn Inference>, settings: &[&str]) -> Running {
        let node = Running::launch(self.options(model, settings));
        node.done(NodeCommand::GoOnline).await;
        node.status_where(|status| status.state == NodeState::Online).await;
        node
    }

    pub fn provider(&self) -> PublicKey {
        self.identity.nostr_keys().public_key()
    }
}

/// A node with its events at hand.
pub struct Running {
    pub handle: Option<NodeHandle>,
    commands: crossbeam_channel::Sender<Request>,
    next: AtomicUsize,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Report>>,
}

impl Running {
    pub fn launch(options: NodeOptions) -> Self {
        let mut handle = Node::launch(options).unwrap();
        // The window's end of the channel blocks; a thread moves events to where a test can await them.
        let inbox = std::mem::replace(&mut handle.events, crossbeam_channel::never());
        let (sender, events) = mpsc::unbounded_channel();
        std::thread::spawn(move || inbox.into_iter().all(|report| sender.send(report).is_ok()));
        Self { commands: handle.commands.clone(), handle: Some(handle), next: AtomicUsize::new(1), events: tokio::sync::Mutex::new(events) }
    }

    pub fn ask(&self, command: NodeCommand) -> RequestId {
        let id = RequestId(self.next.fetch_add(1, Ordering::SeqCst) as u64);
        self.commands.try_send(Request { id, command }).unwrap();
        id
    }

    /// The first event for which `pick` has something to say.
    pub async fn wait<T>(&self, what: &str, mut pick: impl FnMut(&Report) -> Option<T>) -> T {
        let mut events = self.events.lock().await;
        soon(what, async {
            loop {
                let report = events.recv().await.unwrap_or_else(|| panic!("the node ended before {what}"));
                if let Some(found) = pick(&report) {
                    return found;
                }
            }
        })
        .await
    }

    /// The event that answers `command`.
    pub async fn call(&self, command: NodeCommand) -> NodeEvent {
        let what = format!("an answer to {command:?}");
        let id = self.ask(command);
        self.wait(&what, |report| (report.id == Some(id)).then(|| report.event.clone())).await
    }

    /// Carries out a command that must succeed.
    pub async fn done(&self, command: NodeCommand) {
        let what = format!("{command:?}");
        let event = self.call(command).await;
        assert_eq!(event, NodeEvent::Done, "{what}");
    }

    pub async fn status(&self) -> NodeStatus {
        match self.call(NodeCommand::Status).await {
            NodeEvent::Status { status } => *status,
            event => panic!("{event:?}"),
        }
    }

    /// The status once it is so. Asks again and again: what is told between two questions may already be old.
    pub async fn status_where(&self, so: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
        soon("a status", async {
            loop {
                let status = self.status().await;
                if so(&status) {
                    return status;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// The job once it is in this state.
    pub async fn job_in(&self, id: EventId, state: JobState) -> JobDetail {
        soon(&format!("the job to be {state}"), async {
            loop {
                if let NodeEvent::JobDetail { job } = self.call(NodeCommand::Job { job: id.to_hex() }).await
                    && job.record.state == state
                {
                    return *job;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub fn stop(mut self) {
        assert!(self.handle.take().unwrap().stop(Leaving::Now, PATIENCE), "the node did not stop");
    }
}

/// A buyer made of nothing but nostr-sdk.
pub struct Buyer {
    pub client: Client,
    pub keys: Keys,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Buyer {
    pub async fn connect(relay: &PracticeRelay) -> Self {
        Self::watch(relay, &Keys::generate()).await
    }

    /// A buyer with keys from before.
    pub async fn watch(relay: &PracticeRelay, keys: &Keys) -> Self {
        let keys = keys.clone();
        let client = Client::builder().signer(keys.clone()).build();
        client.add_relay(relay.url()).await.unwrap();
        client.connect().await;
        client.wait_for_connection(PATIENCE).await;
        let mut notifications = client.notifications();
        let filter = Filter::new().kinds([Kind::from(6050), Kind::from(7000)]).pubkey(keys.public_key());
        client.subscribe(filter, None).await.unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(notification) = notifications.recv().await {
                if let RelayPoolNotification::Event { event, .. } = notification
                    && sender.send(*event).is_err()
                {
                    return;
                }
            }
        });
        Self { client, keys, events }
    }

    /// Sends a kind 5050 request and returns its id.
    pub async fn request(&self, tags: &[&[&str]], content: &str) -> EventId {
        self.send(self.sign(5050, tags, content, Timestamp::now())).await
    }

    pub fn sign(&self, kind: u16, tags: &[&[&str]], content: &str, at: Timestamp) -> Event {
        let tags = tags.iter().map(|tag| Tag::parse(tag.iter().copied()).unwrap());
        EventBuilder::new(Kind::from(kind), content).tags(tags).custom_created_at(at).sign_with_keys(&self.keys).unwrap()
    }

    pub async fn send(&self, event: Event) -> EventId {
        let output = self.client.send_event(&event).await.unwrap();
        assert!(output.failed.is_empty(), "{:?}", output.failed);
        event.id
    }

    /// Whatever arrives next.
    pub async fn any(&mut self) -> Event {
        // For ever: whoever waits here ends with its task.
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// What arrives next for this job.
    pub async fn next(&mut self, job: EventId) -> Event {
        soon("the provider's answer", async {
            loop {
                let event = self.events.recv().await.unwrap();
                if event.tags.event_ids().any(|id| *id == job) {
                    return event;
                }
            }
        })
        .await
    }

    /// The result of this job, and the statuses that came before it.
    pub async fn result(&mut self, job: EventId) -> (Event, Vec<String>) {
        let mut statuses = Vec::new();
        loop {
            let event = self.next(job).await;
            if event.kind == Kind::from(6050) {
                return (event, statuses);
            }
            statuses.push(tag(&event, "status").unwrap_or_default());
        }
    }
}

/// The second element of an event's first tag of this name.
pub fn tag(event: &Event, name: &str) -> Option<String> {
    event.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == name).and_then(|tag| tag.get(1).cloned())
}

/// Every event of this filter the relay holds.
pub async fn stored(buyer: &Buyer, filter: Filter) -> Vec<Event> {
    buyer.client.fetch_events(filter, PATIENCE).await.unwrap().into_iter().collect()
}
