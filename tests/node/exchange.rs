//! A window without its window: what it asks and hears, with real processes at the other end, and what becomes of them
//! when it leaves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::identity::{self, WorkFactor};
use pylon_hud::node::exchange::{DaemonOptions, Exchange, ExchangeOptions, Pace};
use pylon_hud::node::{
    Failure, FailureKind, Fate, Housing, Leaving, Link, Market, NodeCommand, NodeEvent, NodeOptions, NodeState, NodeStatus, Report,
    Request, Secret, Whose,
};
use pylon_hud::store::JobsQuery;
use rustix::process::Signal;

use crate::common::PATIENCE;
use crate::daemon::{Home, ended, signal};

/// What makes this test binary a window that is to be killed.
const CHILD: &str = "PYLON_TEST_EXCHANGE_CHILD";

/// Quicker than a person's window, but for the question how a quiet node is: a busy machine must not make it look dead.
const PACE: Pace = Pace {
    look: Duration::from_millis(20),
    retry: Duration::from_millis(10),
    longest: Duration::from_millis(50),
    quiet: Duration::from_secs(10),
    silence: Duration::from_secs(60),
};

struct Window {
    exchange: Exchange,
    asked: u64,
}

impl Window {
    fn open(home: &Home, mode: &str) -> Self {
        Self::with(home, mode, Market::Real, PACE)
    }

    fn with(home: &Home, mode: &str, market: Market, pace: Pace) -> Self {
        Self { exchange: Exchange::open(options(&home.data(), mode, market, pace)).unwrap(), asked: 0 }
    }

    fn ask(&mut self, command: NodeCommand) -> RequestId {
        self.asked += 1;
        let id = RequestId(self.asked);
        self.exchange.commands.try_send(Request { id, command }).unwrap();
        id
    }

    /// The next thing said for which `pick` has something to say.
    fn wait<T>(&self, what: &str, mut pick: impl FnMut(Report) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let report = self.exchange.events.recv_deadline(until).unwrap_or_else(|_| panic!("waited for {what}"));
            if let Some(found) = pick(report) {
                return found;
            }
        }
    }

    fn answer(&self, id: RequestId) -> NodeEvent {
        self.wait("an answer", |report| (report.id == Some(id) && report.event.is_last()).then_some(report.event))
    }

    fn call(&mut self, command: NodeCommand) -> NodeEvent {
        let id = self.ask(command);
        self.answer(id)
    }

    fn done(&mut self, command: NodeCommand) {
        assert_eq!(self.call(command.clone()), NodeEvent::Done, "{command:?}");
    }

    fn refused(&mut self, command: NodeCommand) -> Failure {
        match self.call(command) {
            NodeEvent::Failed { failure } => failure,
            event => panic!("{event:?}"),
        }
    }

    fn status(&mut self) -> NodeStatus {
        match self.call(NodeCommand::Status) {
            NodeEvent::Status { status } => *status,
            event => panic!("{event:?}"),
        }
    }

    /// The next link that is so.
    fn link(&self, what: &str, so: impl Fn(&Link) -> bool) -> Link {
        self.wait(what, |report| match report.event {
            NodeEvent::Link { link } if so(&link) => Some(link),
            _ => None,
        })
    }

    /// The next process that is reached, and who has started it.
    fn reached(&self) -> (u32, Whose) {
        self.wait("a node outside", |report| match report.event {
            NodeEvent::Link { link: Link::Outside { pid, whose } } => Some((pid, whose)),
            _ => None,
        })
    }

    /// What the node says of itself without being asked.
    fn told(&self, state: NodeState) {
        self.wait("a state", |report| match report.event {
            NodeEvent::Status { status } if status.state == state => Some(()),
            _ => None,
        });
    }
}

fn options(data: &Path, mode: &str, market: Market, pace: Pace) -> ExchangeOptions {
    let paths = if market == Market::Practice { Paths::at(data).for_practice() } else { Paths::at(data) };
    let overrides = vec![format!("node.mode={mode}").parse().unwrap()];
    let node = NodeOptions { market, overrides, ..NodeOptions::new(paths, Environment::default()) };
    let program = Some(env!("CARGO_BIN_EXE_pylon").into());
    ExchangeOptions { node, daemon: DaemonOptions { root: data.to_owned(), settings: Vec::new(), program }, pace }
}

fn unlock(text: &str) -> NodeCommand {
    NodeCommand::Unlock { passphrase: Secret::new(text.into()) }
}

/// Waits until every thread of a process has taken notice of SIGSTOP.
fn stands_still(pid: u32) {
    let is_stopped = |stat: std::io::Result<String>| stat.is_ok_and(|stat| stat.rsplit(") ").next().unwrap().starts_with('T'));
    let threads = || std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|thread| thread.unwrap().path().join("stat"));
    let until = Instant::now() + PATIENCE;
    while !threads().all(|stat| is_stopped(std::fs::read_to_string(stat))) {
        assert!(Instant::now() < until, "it has not stopped");
        std::thread::yield_now();
    }
}

#[test]
fn a_window_uses_a_node_that_runs_already_and_leaves_it_running() {
    for mode in ["in-process", "daemon", "attached"] {
        let home = Home::new();
        let pid = home.start();
        let mut window = Window::open(&home, mode);
        assert_eq!(window.reached(), (pid, Whose::Found), "{mode}");
        window.told(NodeState::Offline);
        window.done(NodeCommand::GoOnline);
        assert_eq!((window.status().state, home.status()["state"].as_str()), (NodeState::Connecting, Some("connecting")), "{mode}");
        drop(window);
        assert_eq!(home.status()["pid"], pid, "{mode}: it was not the window's to stop");
        assert_eq!(home.processes(), [pid]);
    }
}

#[test]
fn a_node_that_is_started_later_is_found_and_a_question_to_the_stopped_one_is_still_answered() {
    let home = Home::new();
    let mut window = Window::open(&home, "in-process");
    assert_eq!(window.status().state, NodeState::Stopped);
    assert!(matches!(window.call(NodeCommand::Jobs { query: JobsQuery::default() }), NodeEvent::Jobs { page } if page.rows.is_empty()));
    let slow = window.ask(NodeCommand::Preflight);
    let pid = home.start();
    let mut answers = 0;
    window.wait("the node and the answer", |report| {
        answers += u32::from(report.id == Some(slow));
        (report.event == NodeEvent::Link { link: Link::Outside { pid, whose: Whose::Found } }).then_some(())
    });
    if answers == 0 {
        assert!(matches!(window.answer(slow), NodeEvent::Preflight { .. }));
    }
    assert_eq!(window.status().pid, Some(pid));
}

#[test]
fn a_killed_node_is_told_as_lost_and_the_one_that_comes_after_it_is_shown_whole() {
    let home = Home::new();
    let words = ["--practice", "start", "--online", "--robot", "buyer"];
    assert_eq!(home.pylon(&words).code, 0);
    let mut window = Window::with(&home, "in-process", Market::Practice, PACE);
    let (first, _) = window.reached();
    let done = window.wait("a job of its robot", |report| match report.event {
        NodeEvent::JobChanged { job } if job.state.to_string() == "done" => Some(job.id),
        _ => None,
    });
    // Asked and not answered: a stopped process answers nothing.
    signal(first, Signal::STOP);
    stands_still(first);
    let pending = window.ask(NodeCommand::Stats);
    // Obeyed by the exchange itself, in order: the question before it is on its way.
    window.done(unlock(""));
    signal(first, Signal::KILL);
    match window.answer(pending) {
        NodeEvent::Failed { failure } => {
            assert_eq!(failure.kind, FailureKind::Network);
            assert!(failure.message.contains("before it answered") && failure.hints[0].contains("may have been done"), "{failure:?}");
        }
        event => panic!("{event:?}"),
    }
    let refused = window.refused(NodeCommand::Stats);
    assert!(refused.message.contains("nothing was asked"), "{refused:?}");

    ended(first);
    assert_eq!(home.pylon(&words).code, 0);
    let (second, whose) = window.reached();
    assert!(second != first && whose == Whose::Found);
    let status = window.status();
    assert_eq!((status.pid, status.running), (Some(second), true));
    match window.call(NodeCommand::Jobs { query: JobsQuery::default() }) {
        NodeEvent::Jobs { page } => assert!(page.rows.iter().any(|row| row.id == done), "the job of before is not there"),
        event => panic!("{event:?}"),
    }
}

#[test]
fn a_dead_node_is_told_from_one_that_only_does_not_answer() {
    let home = Home::new();
    let pid = home.start();
    let pace = Pace { quiet: Duration::from_millis(100), silence: Duration::from_millis(500), ..PACE };
    let window = Window::with(&home, "attached", Market::Real, pace);
    window.reached();
    signal(pid, Signal::STOP);
    let lost = |fate| move |link: &Link| matches!(link, Link::Lost { pid: lost, fate: is, .. } if *lost == pid && *is == fate);
    window.link("a silent node", lost(Fate::Silent));
    signal(pid, Signal::CONT);
    assert_eq!(window.reached(), (pid, Whose::Found), "it answers again");
    signal(pid, Signal::KILL);
    window.link("a dead node", lost(Fate::Gone));
}

#[test]
fn after_a_node_was_lost_the_window_can_go_on_with_one_of_its_own() {
    for (mode, housing) in [("in-process", Housing::Inside), ("daemon", Housing::Daemon)] {
        let home = Home::new();
        let pid = home.start();
        let mut window = Window::open(&home, mode);
        window.reached();
        signal(pid, Signal::KILL);
        window.link("the loss", |link| matches!(link, Link::Lost { .. }));
        ended(pid);
        window.done(NodeCommand::Start);
        let status = window.status();
        assert_eq!((status.running, status.housing), (true, housing), "{mode}");
        drop(window);
        home.processes().into_iter().for_each(ended);
        home.is_quiet();
    }
}

#[test]
fn a_daemon_the_window_has_started_is_stopped_with_it() {
    let home = Home::new();
    let mut window = Window::open(&home, "daemon");
    window.link("nobody", |link| matches!(link, Link::Nobody { .. }));
    assert_eq!(window.status().state, NodeState::Stopped, "opening the window starts nothing");
    // Two at once start one.
    let (start, online) = (window.ask(NodeCommand::Start), window.ask(NodeCommand::GoOnline));
    window.told(NodeState::Starting);
    let (pid, whose) = window.reached();
    assert_eq!((home.processes(), whose), (vec![pid], Whose::Ours));
    assert_eq!((window.answer(start), window.answer(online)), (NodeEvent::Done, NodeEvent::Done));
    assert_eq!((home.status()["pid"].as_u64(), home.status()["state"].as_str()), (Some(pid.into()), Some("connecting")));
    drop(window);
    home.is_quiet();
}

#[test]
fn a_daemon_that_works_when_its_window_closes_finishes_its_job_and_then_ends() {
    let home = Home::new();
    let mut window = Window::with(&home, "daemon", Market::Practice, PACE);
    window.done(NodeCommand::GoOnline);
    window.ask(NodeCommand::TestJob { prompt: "Count to a hundred.".into() });
    let job = window.wait("a running job", |report| match report.event {
        NodeEvent::JobChanged { job } if job.state.to_string() == "running" => Some(job.id),
        _ => None,
    });
    let pid = window.status().pid.unwrap();
    drop(window);
    ended(pid);
    home.is_quiet();
    let shown = home.pylon(&["--practice", "jobs", "show", &job.to_string(), "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["state"], "done", "{shown}");
}

#[test]
fn a_daemon_of_a_killed_window_goes_on() {
    let home = Home::new();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "exchange::exchange_child", "--nocapture"]).env(CHILD, home.data()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pid = lines.find_map(|line| line.strip_prefix("daemon ").map(|pid| pid.parse::<u32>().unwrap())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((home.status()["pid"].as_u64(), home.processes()), (Some(pid.into()), vec![pid]));
    // The next window finds it like any other, and does not stop what is not its own any more.
    let window = Window::open(&home, "daemon");
    assert_eq!(window.reached(), (pid, Whose::Found));
    drop(window);
    assert_eq!(home.pylon(&["stop"]).code, 0);
    home.is_quiet();
}

/// The window that is killed. In an ordinary run this is not a child and there is nothing to do.
#[test]
fn exchange_child() {
    let Some(data) = std::env::var_os(CHILD) else { return };
    let exchange = Exchange::open(options(Path::new(&data), "daemon", Market::Real, PACE)).unwrap();
    let mut window = Window { exchange, asked: 0 };
    window.done(NodeCommand::Start);
    writeln!(std::io::stdout(), "daemon {}", window.status().pid.unwrap()).unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_window_that_only_attaches_starts_nothing_and_can_stop_what_it_is_attached_to() {
    let home = Home::new();
    let mut window = Window::open(&home, "attached");
    let refused = window.refused(NodeCommand::GoOnline);
    assert!(refused.message.contains("starts none") && refused.hints[0].contains("pylon start"), "{refused:?}");
    home.is_quiet();
    let pid = home.start();
    assert_eq!(window.reached().0, pid);
    window.done(NodeCommand::Stop { how: Leaving::Finish });
    window.link("nobody", |link| matches!(link, Link::Nobody { .. }));
    assert_eq!(window.status().state, NodeState::Stopped);
    ended(pid);
    home.is_quiet();
}

#[test]
fn a_node_inside_the_window_answers_pylon_and_ends_with_it() {
    let home = Home::new();
    let mut window = Window::open(&home, "in-process");
    window.link("inside", |link| *link == Link::Inside);
    window.done(NodeCommand::Start);
    let status = home.status();
    assert_eq!((status["pid"].as_u64(), status["housing"].as_str()), (Some(std::process::id().into()), Some("inside")));
    // It looks for others only while it stands still, and never takes itself for one.
    assert_eq!(home.pylon(&["stop"]).code, 0);
    assert_eq!(window.status().state, NodeState::Stopped);
    window.done(NodeCommand::GoOnline);
    assert_eq!(window.status().housing, Housing::Inside);
    drop(window);
    assert!(!home.data().join("control.sock").exists());
    assert_eq!(home.status()["state"], "stopped");
}

#[test]
fn somebody_who_holds_the_directory_and_does_not_answer_is_named() {
    let home = Home::new();
    let lock = home.data().join("pylon.lock");
    let mut holder = Command::new("flock");
    holder.arg("--no-fork").arg(&lock).args(["sh", "-c", "echo held; exec sleep 600"]);
    let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let mut window = Window::open(&home, "daemon");
    let refused = window.refused(NodeCommand::Start);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(refused.message.contains(&format!("process {}", holder.id())), "{refused:?}");
}

#[test]
fn an_identity_under_a_passphrase_is_unlocked_for_one_start() {
    for mode in ["in-process", "daemon"] {
        let home = Home::new();
        identity::encrypt(&Paths::at(&home.data()), &"open sesame".into(), WorkFactor::new(1).unwrap()).unwrap();
        let mut window = Window::open(&home, mode);
        let locked = window.refused(NodeCommand::Start);
        assert_eq!(locked.kind, FailureKind::Locked, "{mode}: {locked:?}");
        window.done(unlock("open barley"));
        let wrong = window.refused(NodeCommand::Start);
        assert!(wrong.kind == FailureKind::Locked && wrong.message.contains("passphrase does not open"), "{mode}: {wrong:?}");
        let locked = window.refused(NodeCommand::Start);
        assert!(locked.message.contains("no passphrase"), "{mode}: a wrong one is not kept: {locked:?}");
        window.done(unlock("open sesame"));
        window.done(NodeCommand::GoOnline);
        assert!(window.status().running);
        window.done(NodeCommand::Stop { how: Leaving::Finish });
        assert_eq!(window.refused(NodeCommand::Start).kind, FailureKind::Locked, "{mode}: it is forgotten with the stop");
        drop(window);
        home.processes().into_iter().for_each(ended);
    }
}
