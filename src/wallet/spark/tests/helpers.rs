//! Helpers that die, hang, and talk nonsense.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::wallet::spark::keeper::{AskError, HelperState, Keeper, Told};
use crate::wallet::spark::protocol::{Answer, Call, FromHelper, OpenFault, Opened, Opening, Servers, SparkNetwork, ToHelper, VERSION};

const HELLO: FromHelper = FromHelper::Hello { version: VERSION, pid: 1 };

/// One helper's end of the line.
struct Line(BufReader<DuplexStream>);

impl Line {
    async fn say(&mut self, said: &FromHelper) {
        self.raw(&serde_json::to_string(said).unwrap()).await;
    }

    async fn raw(&mut self, text: &str) {
        // Nobody may be there any more, which is what some of these are about.
        let _ = self.0.write_all(format!("{text}\n").as_bytes()).await;
    }

    async fn hear(&mut self) -> Option<ToHelper> {
        let mut line = String::new();
        self.0.read_line(&mut line).await.ok().filter(|count| *count > 0)?;
        Some(serde_json::from_str(&line).unwrap())
    }

    async fn call(&mut self) -> Option<(u64, Call)> {
        loop {
            match self.hear().await? {
                ToHelper::Call { id, call } => return Some((id, call)),
                ToHelper::Cancel { .. } => {}
                ToHelper::Open(_) | ToHelper::Close => return None,
            }
        }
    }

    async fn greet(&mut self) {
        self.say(&HELLO).await;
        assert!(matches!(self.hear().await, Some(ToHelper::Open(_)) | None));
        self.say(&FromHelper::Opened(opened())).await;
    }

    async fn answer(&mut self, id: u64) {
        self.say(&FromHelper::Answer { id, answer: Ok(Answer::Text(id.to_string())) }).await;
    }
}

fn opened() -> Opened {
    Opened { version: "scripted".into(), contract: 29, identity: "02".into() }
}

/// A keeper whose helpers do this, each with its number.
struct Kept {
    keeper: Keeper,
    task: tokio::task::JoinHandle<()>,
    token: CancellationToken,
    told: mpsc::UnboundedReceiver<Told>,
    helpers: Arc<AtomicUsize>,
}

impl Kept {
    fn start<F: Future<Output = ()> + Send + 'static>(script: impl Fn(Line, usize) -> F + Send + Sync + 'static) -> Self {
        let helpers = Arc::new(AtomicUsize::new(0));
        let (count, script) = (Arc::clone(&helpers), Arc::new(script));
        let stand: Stand = Arc::new(move |stream| script(Line(BufReader::new(stream)), count.fetch_add(1, Ordering::SeqCst)).boxed());
        let opening = Opening {
            library: "no-library".into(),
            network: SparkNetwork::Regtest,
            storage: "nowhere".into(),
            words: Hidden::new(WORDS),
            api_key: None,
            servers: Servers::Nobody,
        };
        let backoff = Backoff { first: Duration::from_millis(10), longest: Duration::from_secs(5) };
        let (tell, told) = mpsc::unbounded_channel();
        let token = CancellationToken::new();
        let (keeper, task) = Keeper::start(Launcher::Task(stand), Arc::new(opening), backoff, tell, token.clone());
        Self { keeper, task, token, told, helpers }
    }

    async fn read(&self) -> Result<Answer, AskError> {
        self.keeper.ask(Call::Read, Duration::from_secs(30)).await
    }

    async fn end(self) {
        self.token.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
        assert_eq!(self.keeper.state(), HelperState::Closed);
        assert_eq!(self.keeper.ask(Call::Ping, PATIENCE).await, Err(AskError::Closed));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_find_whoever_asked_in_whatever_order_they_come() {
    let kept = Kept::start(async |mut line: Line, _| {
        line.greet().await;
        loop {
            let (Some((one, _)), Some((two, _)), Some((three, _))) = (line.call().await, line.call().await, line.call().await) else {
                return;
            };
            for id in [three, one, two] {
                line.answer(id).await;
            }
        }
    });
    let answers = tokio::join!(kept.read(), kept.read(), kept.read());
    let texts = [answers.0, answers.1, answers.2].map(|answer| answer.unwrap());
    assert!(texts[0] != texts[1] && texts[1] != texts[2], "{texts:?}");
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn nonsense_ends_the_helper_and_the_next_one_answers() {
    let mut kept = Kept::start(async |mut line: Line, number| {
        match number {
            // Before the wallet is open, and in every other way.
            0 => return line.raw("lnbc is no JSON").await,
            1 => return line.raw(&serde_json::to_string(&FromHelper::Opened(opened())).unwrap()).await,
            _ => line.greet().await,
        }
        while let Some((id, _)) = line.call().await {
            match number {
                2 => line.raw(r#"{"answer":{"id":"one"}}"#).await,
                3 => line.raw(&"x".repeat(100_000)).await,
                4 => line.say(&HELLO).await,
                // An answer to a question nobody has asked.
                5 => {
                    line.answer(id + 1_000).await;
                    line.answer(id).await;
                }
                _ => line.answer(id).await,
            }
        }
    });
    assert!(kept.read().await.is_ok());
    assert!(kept.helpers.load(Ordering::SeqCst) >= 6);
    assert_eq!(kept.told.recv().await, Some(Told::Away));
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_asked_twice_is_not_and_is_told_as_unknown() {
    let kept = Kept::start(async |mut line: Line, _| {
        line.greet().await;
        // Takes one call and dies over it.
        line.call().await;
    });
    let send = Call::Send { to: "x".into(), sats: Some(1), most_fee: 0, key: "k".into() };
    assert_eq!(kept.keeper.ask(send, Duration::from_secs(30)).await, Err(AskError::Lost));
    assert_eq!(kept.helpers.load(Ordering::SeqCst), 1);
    // What may be asked again is, and not for ever.
    assert_eq!(kept.read().await, Err(AskError::Lost));
    assert_eq!(kept.helpers.load(Ordering::SeqCst), 6);
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_called_off_and_others_are_answered() {
    let kept = Kept::start(async |mut line: Line, _| {
        line.greet().await;
        let mut slow = None;
        loop {
            match line.hear().await {
                Some(ToHelper::Call { id, call: Call::Probe }) => slow = Some(id),
                Some(ToHelper::Call { id, .. }) => line.answer(id).await,
                Some(ToHelper::Cancel { id }) => assert_eq!(Some(id), slow),
                _ => return,
            }
        }
    });
    let limit = Duration::from_secs(3);
    let (late, read) = tokio::join!(kept.keeper.ask(Call::Probe, limit), kept.read());
    assert_eq!((late, read.is_ok()), (Err(AskError::Late(limit)), true));
    assert!(kept.read().await.is_ok(), "the helper is alive and stays");
    assert_eq!(kept.helpers.load(Ordering::SeqCst), 1);
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_hangs_is_replaced() {
    let kept = Kept::start(async |mut line: Line, number| {
        line.greet().await;
        while let Some((id, _)) = line.call().await {
            if number > 0 {
                line.answer(id).await;
            }
        }
    });
    let limit = Duration::from_secs(3);
    assert_eq!(kept.keeper.ask(Call::Probe, limit).await, Err(AskError::Late(limit)));
    let again = kept.keeper.ask(Call::Read, Duration::from_secs(60)).await;
    assert!(again.is_ok(), "{again:?}");
    assert_eq!((kept.helpers.load(Ordering::SeqCst), kept.keeper.restarts()), (2, 1));
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_will_not_open_the_wallet_says_why_and_is_tried_again() {
    let kept = Kept::start(async |mut line: Line, number| {
        if number == 0 {
            return line.say(&FromHelper::Hello { version: VERSION + 1, pid: 1 }).await;
        }
        line.say(&HELLO).await;
        line.hear().await;
        match number {
            1 => line.say(&FromHelper::NotOpened(OpenFault::ApiKey("Missing Breez API key".into()))).await,
            _ => line.say(&FromHelper::Opened(opened())).await,
        }
        while let Some((id, _)) = line.call().await {
            line.answer(id).await;
        }
    });
    let mut state = kept.keeper.watch();
    state.wait_for(|state| *state == HelperState::Refused { fault: OpenFault::Version }).await.unwrap();
    let key = OpenFault::ApiKey("Missing Breez API key".into());
    state.wait_for(|state| *state == HelperState::Refused { fault: key.clone() }).await.unwrap();
    let away = kept.keeper.ask(Call::Read, Duration::from_millis(10)).await.unwrap_err();
    assert!(matches!(&away, AskError::Away(why) if why.contains("API key")), "{away}");
    assert!(kept.read().await.is_ok());
    kept.end().await;
}

#[tokio::test]
async fn a_library_that_is_missing_or_another_one_keeps_the_wallet_closed_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.so");
    std::fs::write(&wrong, "not the library").unwrap();
    let real: Stand = Arc::new(|stream| {
        async move {
            let (input, output) = tokio::io::split(stream);
            helper::serve(input, output, helper::Spark).await;
        }
        .boxed()
    });
    for (library, words) in [(dir.path().join("missing.so"), "not there"), (wrong, "not the Spark library")] {
        let options = SparkOptions { library, ..options(Launcher::Task(Arc::clone(&real)), &dir.path().join("wallet")) };
        let refused = SparkWallet::open(options).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("wallet/sdk")).unwrap().count(), 0);
}

#[test]
fn what_is_said_to_the_helper_hides_the_words_from_everybody_else() {
    let opening = Opening {
        library: "l".into(),
        network: SparkNetwork::Mainnet,
        storage: "s".into(),
        words: Hidden::new(WORDS),
        api_key: Some(Hidden::new("a-key")),
        servers: Servers::Hosted,
    };
    let told = ToHelper::Open(Box::new(opening));
    let shown = format!("{told:?}");
    assert!(!shown.contains("abandon") && !shown.contains("a-key"), "{shown}");
    let read: ToHelper = serde_json::from_slice(&helper::line(&told).unwrap()).unwrap();
    assert!(matches!(read, ToHelper::Open(opening) if opening.words.expose() == WORDS));
}
