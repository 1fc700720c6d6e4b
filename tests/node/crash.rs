//! Killed without warning at every step of the journal, a job still ends with one answer.
//!
//! The parent runs the relay, the buyer and the model server; the child is the node. The child kills itself with SIGKILL
//! at the n-th journal step, before or after its commit; a second child, left alone, finishes the job. Steps are
//! counted until a child gets through without dying, so a step that is added later is covered without a word here.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nostr_sdk::prelude::*;
use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::domain::job::JobState;
use pylon_hud::node::{Node, NodeCommand, NodeEvent, NodeOptions, Request};
use pylon_hud::store::{JobsQuery, Observer, Reader, Step};

use crate::common::{Buyer, Market, PATIENCE, soon, stored};
use crate::ollama::FakeOllama;

/// How the parent tells the child that it is one, and at which step to die.
const CHILD: &str = "PYLON_TEST_CRASH_CHILD";

/// The child's side. In an ordinary run this is not a child and there is nothing to do.
#[test]
fn crash_child() {
    let Ok(orders) = std::env::var(CHILD) else { return };
    let mut orders = orders.split('|');
    let mut next = || orders.next().unwrap().to_owned();
    let (dir, relay, ollama, die_at) = (next(), next(), next(), next().parse::<usize>().unwrap());
    pylon_hud::net::init();
    let mut options = NodeOptions::new(Paths::at(Path::new(&dir)), Environment::default());
    for setting in [
        format!("relays.urls=[\"{relay}\"]"),
        format!("backends.ollama.url=\"{ollama}\""),
        "provider.policy=\"free\"".to_owned(),
        "provider.partials=false".to_owned(),
    ] {
        options.overrides.push(setting.parse().unwrap());
    }
    options.observer = Some(killer(die_at));
    let node = Node::launch(options).unwrap();
    let ask = |id, command| node.commands.send(Request { id: RequestId(id), command }).unwrap();
    ask(1, NodeCommand::GoOnline);
    // Ends with the job, which may have ended before this child began; the parent's patience ends everything else.
    while let Ok(report) = node.events.recv_timeout(PATIENCE) {
        match report.event {
            NodeEvent::Done => ask(2, NodeCommand::Jobs { query: JobsQuery::default() }),
            NodeEvent::Jobs { page } if page.rows.iter().any(|row| row.state == JobState::Done) => return,
            NodeEvent::JobChanged { job } if job.state == JobState::Done => return,
            NodeEvent::Failed { failure } => panic!("{failure:?}"),
            _ => {}
        }
    }
    panic!("the job did not end");
}

fn killer(die_at: usize) -> Observer {
    let seen = AtomicUsize::new(0);
    Arc::new(move |_: Step| {
        if seen.fetch_add(1, Ordering::SeqCst) == die_at {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            // The signal is on its way; nothing may happen after it.
            loop {
                std::thread::park();
            }
        }
    })
}

async fn child(dir: PathBuf, relay: String, ollama: String, die_at: usize) -> ExitStatus {
    let orders = format!("{}|{relay}|{ollama}|{die_at}", dir.display());
    let run = move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["crash::crash_child", "--exact", "--nocapture"])
            .env(CHILD, orders)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
    };
    soon("a child to end", tokio::task::spawn_blocking(run)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_survives_a_kill_at_every_step_with_one_answer() {
    let mut step = 0;
    loop {
        let market = Market::new().await;
        let model = FakeOllama::start(&["Still", " here."]).await;
        let buyer = Buyer::connect(&market.relay).await;
        let job = buyer.request(&[&["i", "Survive.", "text"]], "").await;
        let dir = market.dir.path().to_owned();
        let first = child(dir.clone(), market.relay.url().to_owned(), model.url(), step).await;
        let survived = first.success();
        let answered = answer_is_stored(&market);
        let runs_before = model.runs();
        if !survived {
            let second = child(dir, market.relay.url().to_owned(), model.url(), usize::MAX).await;
            assert!(second.success(), "step {step}: the second node did not finish the job");
        }
        check(&market, &buyer, job, step).await;
        if answered {
            assert_eq!(model.runs(), runs_before, "step {step}: the model ran again although the answer was stored");
        }
        assert!(model.runs() <= 2, "step {step}: {} runs", model.runs());
        if survived {
            break;
        }
        step += 1;
    }
    assert!(step >= 8, "only {step} steps: claim, start, answer and delivery each have two");
}

/// Whether the ledger the killed node left holds an answer.
fn answer_is_stored(market: &Market) -> bool {
    let Ok(reader) = Reader::open(&market.paths.ledger) else { return false };
    let page = reader.jobs(&Default::default()).unwrap();
    page.rows.iter().any(|row| matches!(row.state, JobState::Answered | JobState::Done))
}

async fn check(market: &Market, buyer: &Buyer, job: EventId, step: usize) {
    let results = stored(buyer, Filter::new().kind(Kind::from(6050)).event(job)).await;
    assert_eq!(results.len(), 1, "step {step}: {} results were published", results.len());
    assert_eq!(results[0].content, "Still here.");
    let reader = Reader::open(&market.paths.ledger).unwrap();
    let detail = reader.job(&job.to_hex()).unwrap();
    assert_eq!(detail.record.state, JobState::Done, "step {step}");
    assert_eq!(reader.integrity().unwrap(), Vec::<String>::new(), "step {step}");
}
