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
use pylon_hud::domain::money::MilliSats;
use pylon_hud::node::{Node, NodeCommand, NodeEvent, NodeOptions, Request};
use pylon_hud::store::{JobsQuery, Observer, Reader, Step};
use pylon_hud::wallet::practice::{PracticeOptions, PracticeWallet};
use pylon_hud::wallet::{IdempotencyKey, Wallet as _};

use crate::common::{Buyer, Market, PATIENCE, soon, stored};
use crate::ollama::FakeOllama;

const FREE: &str = "free";
const PAY_FIRST: &str = "pay-first";
/// How the parent tells the child that it is one, and at which step to die.
pub const CHILD: &str = "PYLON_TEST_CRASH_CHILD";

/// The child's side. In an ordinary run this is not a child and there is nothing to do.
#[test]
fn crash_child() {
    let Ok(orders) = std::env::var(CHILD) else { return };
    let mut orders = orders.split('|');
    let mut next = || orders.next().unwrap().to_owned();
    let (dir, relay, ollama, policy, die_at) = (next(), next(), next(), next(), next().parse::<usize>().unwrap());
    pylon_hud::net::init();
    let mut options = NodeOptions::new(Paths::at(Path::new(&dir)), Environment::default());
    for setting in [
        format!("relays.urls=[\"{relay}\"]"),
        format!("backends.ollama.url=\"{ollama}\""),
        format!("provider.policy=\"{policy}\""),
        "provider.min_price=3000".to_owned(),
        "provider.partials=false".to_owned(),
    ] {
        options.overrides.push(setting.parse().unwrap());
    }
    if policy != FREE {
        // With play money: its wallet is killed with the node, at the same moments.
        options.market = pylon_hud::node::Market::Practice;
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

/// Ends the process at this step.
pub fn killer(die_at: usize) -> Observer {
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

async fn child(dir: PathBuf, relay: String, ollama: String, policy: &'static str, die_at: usize) -> ExitStatus {
    run_child("crash::crash_child", format!("{}|{relay}|{ollama}|{policy}|{die_at}", dir.display())).await
}

/// Runs one of this program's tests as a process of its own, with orders.
pub async fn run_child(test: &'static str, orders: String) -> ExitStatus {
    let run = move || {
        Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
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
        let first = child(dir.clone(), market.relay.url().to_owned(), model.url(), FREE, step).await;
        let survived = first.success();
        let answered = answer_is_stored(&market);
        let runs_before = model.runs();
        if !survived {
            let second = child(dir, market.relay.url().to_owned(), model.url(), FREE, usize::MAX).await;
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

/// The same for money: killed at any step of a paid job, the buyer has paid once, has one answer, and every sat is where
/// both wallets and the ledger say it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_job_survives_a_kill_at_every_step_and_is_paid_once() {
    let mut step = 0;
    loop {
        let market = Market::new().await;
        let model = FakeOllama::start(&["Still", " here."]).await;
        let buyer = Buyer::connect(&market.relay).await;
        let purse = tempfile::tempdir().unwrap();
        let payer = Payer::start(&market, &buyer, purse.path()).await;
        let job = buyer.request(&[&["i", "Survive.", "text"]], "").await;
        let dir = market.dir.path().to_owned();
        let survived = child(dir.clone(), market.relay.url().to_owned(), model.url(), PAY_FIRST, step).await.success();
        if !survived {
            let second = child(dir, market.relay.url().to_owned(), model.url(), PAY_FIRST, usize::MAX).await;
            assert!(second.success(), "step {step}: the second node did not finish the job");
        }
        check(&market, &buyer, job, step).await;
        let spent = payer.end().await;
        assert_eq!(spent, PRICE, "step {step}: the buyer paid {} msats", spent.0);
        let money = Reader::open(&market.paths.ledger).unwrap().money().unwrap();
        assert_eq!((money.received, money.owed), (PRICE, MilliSats(0)), "step {step}");
        let till = wallet(&market.paths.data_dir.join("wallet"), &market, MilliSats(0)).await;
        assert_eq!(till.snapshot().await.unwrap().balance, PRICE, "step {step}: what the seller's wallet holds");
        let offers = stored(&buyer, Filter::new().kind(Kind::from(7000)).event(job)).await;
        let invoices: std::collections::HashSet<_> = offers.iter().filter_map(invoice).collect();
        assert_eq!(invoices.len(), 1, "step {step}: {} invoices were published", invoices.len());
        if survived {
            break;
        }
        step += 1;
    }
    assert!(step >= 12, "only {step} steps: claim, quote, payment, start, answer and delivery each have two");
}

const PRICE: MilliSats = MilliSats(3_000);
const ALLOWANCE: MilliSats = MilliSats(50_000);

async fn wallet(dir: &Path, market: &Market, opening_balance: MilliSats) -> PracticeWallet {
    PracticeWallet::open(PracticeOptions { opening_balance, ..PracticeOptions::new(dir, market.relay.url()) }).await.unwrap()
}

/// The third element of an event's `amount`.
fn invoice(event: &Event) -> Option<String> {
    event.tags.iter().map(|tag| tag.as_slice()).find(|tag| tag[0] == "amount").and_then(|tag| tag.get(2).cloned())
}

/// A buyer's wallet that pays every offer it sees: whoever sends two invoices for one job is paid twice, and found out.
struct Payer {
    wallet: Arc<PracticeWallet>,
    task: tokio::task::JoinHandle<()>,
}

impl Payer {
    async fn start(market: &Market, buyer: &Buyer, dir: &Path) -> Self {
        let wallet = Arc::new(wallet(dir, market, ALLOWANCE).await);
        let mut offers = Buyer::watch(&market.relay, &buyer.keys).await;
        let purse = Arc::clone(&wallet);
        let task = tokio::spawn(async move {
            let mut number = 0;
            loop {
                let Some(bolt11) = invoice(&offers.any().await) else { continue };
                // An invoice that is paid already is refused here, which is its wallet's business and right.
                let Ok(prepared) = purse.prepare(bolt11).await else { continue };
                number += 1;
                let _ = purse.send(prepared, IdempotencyKey([number; 16])).await;
            }
        });
        Self { wallet, task }
    }

    /// What it has spent.
    async fn end(self) -> MilliSats {
        self.task.abort();
        let snapshot = self.wallet.snapshot().await.unwrap();
        MilliSats(ALLOWANCE.0 - snapshot.balance.0)
    }
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
