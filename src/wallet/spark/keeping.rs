//! The task that owns the helper.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::helper::{GOODBYE, line};
use super::keeper::{AskError, Backoff, HelperState, Told};
use super::launch::{Body, Launched, Launcher};
use super::lines;
use super::protocol::{Answer, Call, FromHelper, OpenFault, Opened, Opening, ToHelper, VERSION};

/// How long a helper may take to say that it is there, to open the wallet, and to take a line in.
const HELLO: Duration = Duration::from_secs(30);
const OPEN: Duration = Duration::from_secs(60);
const TELL: Duration = Duration::from_secs(10);
/// Why a helper that is simply not there any more is gone.
const ENDED: &str = "it has ended";
/// How long a helper that let a call run out of time may take to show that it is alive.
const PING: Duration = Duration::from_secs(10);
/// Helpers that may die over one call before it is given up.
const MOST_DEATHS: u32 = 5;
/// A helper that has run for so long counts as well again.
const WELL: Duration = Duration::from_secs(30);
/// Lines that may wait.
const BACKLOG: usize = 256;

type Input = Box<dyn AsyncWrite + Send + Unpin>;
type Lines = BufReader<Box<dyn AsyncRead + Send + Unpin>>;

/// A call on its way.
pub struct Asked {
    pub call: Call,
    pub reply: oneshot::Sender<Result<Answer, AskError>>,
    /// When nobody waits any longer.
    pub until: Instant,
    /// Helpers that have died over it.
    pub deaths: u32,
}

/// Everything there is from one helper to the next.
pub struct Task {
    launcher: Launcher,
    opening: Arc<Opening>,
    backoff: Backoff,
    told: mpsc::UnboundedSender<Told>,
    inbox: mpsc::Receiver<Asked>,
    state: watch::Sender<HelperState>,
    restarts: watch::Sender<u64>,
    /// Calls that wait for the next helper.
    waiting: VecDeque<Asked>,
    token: CancellationToken,
}

/// A helper with its wallet open.
struct Open {
    input: Input,
    lines: Lines,
    body: Body,
    opened: Opened,
}

/// Why there is no helper now.
enum Gone {
    Died(String),
    Refused(OpenFault),
    /// We are to end.
    Closed,
}

impl Task {
    pub const fn new(
        launcher: Launcher,
        opening: Arc<Opening>,
        backoff: Backoff,
        told: mpsc::UnboundedSender<Told>,
        inbox: mpsc::Receiver<Asked>,
        state: watch::Sender<HelperState>,
        restarts: watch::Sender<u64>,
        token: CancellationToken,
    ) -> Self {
        Self { launcher, opening, backoff, told, inbox, state, restarts, waiting: VecDeque::new(), token }
    }

    /// Keeps a helper running until it is told to end.
    pub async fn run(mut self) {
        let mut pause = self.backoff.first;
        loop {
            let began = Instant::now();
            let gone = match self.open().await {
                Ok(open) => self.serve(open).await,
                Err(gone) => gone,
            };
            if began.elapsed() >= WELL {
                pause = self.backoff.first;
            }
            let (state, rest) = match gone {
                Gone::Closed => break,
                Gone::Died(why) => {
                    tracing::warn!("The wallet's helper is gone: {why}. It is started again.");
                    (HelperState::Restarting { why }, pause)
                }
                // Somebody has to mend that first.
                Gone::Refused(fault) => (HelperState::Refused { fault }, self.backoff.longest),
            };
            self.state.send_replace(state);
            let _ = self.told.send(Told::Away);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.token.cancelled() => break,
            }
            pause = (pause * 2).min(self.backoff.longest);
            self.restarts.send_modify(|count| *count += 1);
        }
        self.state.send_replace(HelperState::Closed);
        self.inbox.close();
        while let Some(asked) = self.waiting.pop_front().or_else(|| self.inbox.try_recv().ok()) {
            let _ = asked.reply.send(Err(AskError::Closed));
        }
    }

    /// Starts a helper and lets it open the wallet.
    async fn open(&self) -> Result<Open, Gone> {
        let launched = self.launcher.launch().map_err(|error| Gone::Died(format!("it does not start ({error})")))?;
        let Launched { mut input, output, body } = launched;
        let mut lines = BufReader::new(output);
        let opened = tokio::select! {
            opened = greet(&mut input, &mut lines, &self.opening) => opened,
            () = self.token.cancelled() => Err(Gone::Closed),
        };
        match opened {
            Ok(opened) => Ok(Open { input, lines, body, opened }),
            Err(gone) => {
                body.end().await;
                Err(gone)
            }
        }
    }

    /// Passes calls and answers on, until the helper is gone.
    async fn serve(&mut self, open: Open) -> Gone {
        let Open { input, lines, mut body, opened } = open;
        self.state.send_replace(HelperState::Running { pid: body.pid(), opened });
        let _ = self.told.send(Told::Opened);
        let (reading, mut heard) = read(lines);
        let mut desk = Desk { input, calls: HashMap::new(), next: 0, ping: None };
        let gone = loop {
            let done = match self.waiting.pop_front() {
                Some(asked) => desk.pass(asked).await,
                None => tokio::select! {
                    asked = self.inbox.recv() => match asked {
                        Some(asked) => desk.pass(asked).await,
                        None => break Gone::Closed,
                    },
                    line = heard.recv() => desk.take_in(line.unwrap_or_else(|| Err(ENDED.to_owned())), &self.told),
                    () = at(desk.late()) => desk.give_up().await,
                    () = self.token.cancelled() => break Gone::Closed,
                },
            };
            if let Err(why) = done {
                break Gone::Died(why);
            }
        };
        if matches!(gone, Gone::Closed) && tell(&mut desk.input, &ToHelper::Close).await.is_ok() {
            // It ends by itself, or is ended below.
            let _ = tokio::time::timeout(GOODBYE * 2, body.wait()).await;
        }
        body.end().await;
        // What it said before it died counts.
        while let Ok(Some(Ok(line))) = tokio::time::timeout(GOODBYE, heard.recv()).await {
            let _ = desk.take_in(Ok(line), &self.told);
        }
        reading.abort();
        let _ = reading.await;
        for mut asked in desk.calls.into_values() {
            asked.deaths += 1;
            if asked.call.may_be_repeated() && asked.deaths < MOST_DEATHS && !matches!(gone, Gone::Closed) {
                self.waiting.push_back(asked);
            } else {
                let _ = asked.reply.send(Err(AskError::Lost));
            }
        }
        gone
    }
}

/// Waits for a helper to be there and to open the wallet.
async fn greet(input: &mut Input, lines: &mut Lines, opening: &Opening) -> Result<Opened, Gone> {
    let nonsense = || Gone::Died("what it says makes no sense".to_owned());
    let silent = |what: &str| Gone::Died(what.to_owned());
    let hello = tokio::time::timeout(HELLO, heard(lines)).await.map_err(|_| silent("it says nothing"))?;
    match hello.map_err(Gone::Died)? {
        FromHelper::Hello { version: VERSION, .. } => {}
        FromHelper::Hello { .. } => return Err(Gone::Refused(OpenFault::Version)),
        _ => return Err(nonsense()),
    }
    tell(input, &ToHelper::Open(Box::new(opening.clone()))).await.map_err(Gone::Died)?;
    let opened = async {
        loop {
            match heard(lines).await.map_err(Gone::Died)? {
                FromHelper::Opened(opened) => return Ok(opened),
                FromHelper::NotOpened(fault) => return Err(Gone::Refused(fault)),
                FromHelper::Log { level, line } => log(&level, &line),
                // The wallet is read as a whole once it is open.
                FromHelper::News(_) => {}
                FromHelper::Hello { .. } | FromHelper::Answer { .. } => return Err(nonsense()),
            }
        }
    };
    tokio::time::timeout(OPEN, opened).await.unwrap_or_else(|_| Err(silent("it does not open the wallet")))
}

/// Reads lines on a task of its own: reading one must not be interrupted in its middle.
fn read(mut lines: Lines) -> (JoinHandle<()>, mpsc::Receiver<Result<FromHelper, String>>) {
    let (said, inbox) = mpsc::channel(BACKLOG);
    let reading = tokio::spawn(async move {
        loop {
            let line = heard(&mut lines).await;
            let is_end = line.is_err();
            if said.send(line).await.is_err() || is_end {
                return;
            }
        }
    });
    (reading, inbox)
}

/// What one helper was asked and has not answered.
struct Desk {
    input: Input,
    calls: HashMap<u64, Asked>,
    next: u64,
    /// The call that shows whether it is alive, and how long that may take.
    ping: Option<(u64, Instant)>,
}

impl Desk {
    /// Passes a call on, if somebody still waits for its answer.
    async fn pass(&mut self, asked: Asked) -> Result<(), String> {
        if asked.reply.is_closed() {
            return Ok(());
        }
        self.next += 1;
        let told = ToHelper::Call { id: self.next, call: asked.call.clone() };
        self.calls.insert(self.next, asked);
        tell(&mut self.input, &told).await
    }

    /// Takes in what the helper has said.
    fn take_in(&mut self, line: Result<FromHelper, String>, told: &mpsc::UnboundedSender<Told>) -> Result<(), String> {
        match line? {
            FromHelper::Answer { id, answer } => {
                self.ping = self.ping.filter(|(waited, _)| *waited != id);
                if let Some(asked) = self.calls.remove(&id) {
                    let _ = asked.reply.send(answer.map_err(AskError::Fault));
                }
            }
            FromHelper::News(news) => drop(told.send(Told::News(news))),
            FromHelper::Log { level, line } => log(&level, &line),
            FromHelper::Hello { .. } | FromHelper::Opened(_) | FromHelper::NotOpened(_) => {
                return Err("what it says makes no sense".to_owned());
            }
        }
        Ok(())
    }

    /// When something will have taken too long.
    fn late(&self) -> Option<Instant> {
        self.calls.values().map(|asked| asked.until).chain(self.ping.map(|(_, until)| until)).min()
    }

    /// Gives up what has taken too long, and looks whether the helper is alive at all.
    async fn give_up(&mut self) -> Result<(), String> {
        let now = Instant::now();
        if self.ping.is_some_and(|(_, until)| until <= now) {
            return Err("it does not answer any more".to_owned());
        }
        let over: Vec<u64> = self.calls.iter().filter(|(_, asked)| asked.until <= now).map(|(id, _)| *id).collect();
        for id in over {
            let Some(asked) = self.calls.remove(&id) else { continue };
            // A payment that has begun is left to end; it will be told.
            if asked.call.may_be_repeated() {
                tell(&mut self.input, &ToHelper::Cancel { id }).await?;
            }
        }
        if self.ping.is_none() {
            self.next += 1;
            self.ping = Some((self.next, now + PING));
            tell(&mut self.input, &ToHelper::Call { id: self.next, call: Call::Ping }).await?;
        }
        Ok(())
    }
}

/// Waits until then; for ever, if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => pending().await,
    }
}

/// The next thing a helper says.
async fn heard(lines: &mut Lines) -> Result<FromHelper, String> {
    match lines::next(lines).await {
        Ok(Some(line)) => serde_json::from_slice(&line).map_err(|error| format!("what it says makes no sense (column {})", error.column())),
        Ok(None) => Err(ENDED.to_owned()),
        Err(error) => Err(format!("it cannot be heard ({error})")),
    }
}

/// Tells a helper something. One that does not take it in hangs.
async fn tell(input: &mut Input, told: &ToHelper) -> Result<(), String> {
    let written = async {
        input.write_all(&line(told)?).await?;
        input.flush().await
    };
    let written = tokio::time::timeout(TELL, written).await;
    let written = written.unwrap_or_else(|_| Err(std::io::Error::other("it takes nothing in")));
    written.map_err(|error| match error.kind() {
        // Whether its silence or its deaf ear is noticed first is chance; it is the same thing.
        std::io::ErrorKind::BrokenPipe => ENDED.to_owned(),
        _ => format!("it cannot be told anything ({error})"),
    })
}

/// A line of the library's log. What it calls an error may be a network that is away, so none is told as a fault.
fn log(level: &str, line: &str) {
    if level.eq_ignore_ascii_case("error") {
        tracing::info!("Spark: {line}");
    } else {
        tracing::debug!("Spark: {line}");
    }
}
