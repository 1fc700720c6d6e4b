//! Wallets in processes of their own that are killed with SIGKILL while they work.

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::*;
use crate::domain::payment::Direction;
use crate::wallet::IdempotencyKey;

const COUNT: u8 = 30;
const PRICE: MilliSats = MilliSats(5_000);

/// What a process is to do, on its standard input.
#[derive(Serialize, Deserialize)]
struct Orders {
    dir: PathBuf,
    relay: String,
    funds: MilliSats,
    /// To pay, each under a key that is its place in this list.
    pay: Vec<String>,
    /// How many invoices to make and print.
    make: u8,
}

/// The process. Alone it has no orders and does nothing.
#[tokio::test]
#[ignore = "the other tests of this file start it"]
async fn a_wallet_in_its_own_process() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    let Ok(orders) = serde_json::from_str::<Orders>(&line) else { return };
    let options = PracticeOptions {
        opening_balance: orders.funds,
        retry: Duration::from_millis(30),
        ..PracticeOptions::new(orders.dir, orders.relay)
    };
    let wallet = open(&options).await;
    for number in 0..orders.make {
        let invoice = ask(&wallet, PRICE, &format!("job {number}")).await;
        // What went out to others has to be there after the kill.
        say(&invoice.bolt11);
    }
    for (number, bolt11) in (0..).zip(&orders.pay) {
        let invoice = crate::wallet::bolt11::decode(bolt11).unwrap();
        let prepared = Prepared { amount: PRICE, fee: MilliSats(0), warnings: Vec::new(), invoice };
        assert!(wallet.send(prepared, IdempotencyKey([number; 16])).await.unwrap().is_settled());
    }
    say("done");
    std::future::pending::<()>().await;
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn say(text: &str) {
    println!("\nsays {text}");
}

struct Process {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
}

impl Process {
    async fn start(orders: &Orders) -> Self {
        let test = concat!(module_path!(), "::a_wallet_in_its_own_process").split_once("::").unwrap().1;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let line = format!("{}\n", serde_json::to_string(orders).unwrap());
        child.stdin.take().unwrap().write_all(line.as_bytes()).await.unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, out }
    }

    /// The next thing it says.
    async fn says(&mut self) -> String {
        let line = async {
            loop {
                let line = self.out.next_line().await.unwrap().expect("it said all it had to say before it ended");
                if let Some(said) = line.strip_prefix("says ") {
                    return said.to_owned();
                }
            }
        };
        tokio::time::timeout(PATIENCE, line).await.unwrap()
    }
}

/// Waits for this many settled payments to be told.
async fn settle(events: &mut tokio::sync::broadcast::Receiver<WalletEvent>, count: usize) {
    let mut seen = 0;
    while seen < count {
        if let Ok(WalletEvent::Payment(payment)) = tokio::time::timeout(PATIENCE, events.recv()).await.unwrap() {
            seen += usize::from(payment.is_settled());
        }
    }
}

async fn settled(wallet: &PracticeWallet, direction: Direction) -> usize {
    let all = wallet.payments(PaymentsQuery { before: None, limit: 1000 }).await.unwrap().payments;
    assert!(all.iter().all(|payment| payment.direction == direction && payment.is_settled()), "{all:?}");
    all.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payer_that_is_killed_pays_everything_once() {
    let practice = practice().await;
    practice.payer.close().await;
    let payee = &practice.payee;
    let mut pay = Vec::new();
    for number in 0..COUNT {
        pay.push(ask(&**payee, PRICE, &format!("job {number}")).await.bolt11);
    }
    let dir = practice.dirs.1.path().to_owned();
    let orders = Orders { dir, relay: practice.relay.url().to_owned(), funds: FUNDS, pay, make: 0 };
    let mut told = payee.events();
    let mut killed_midway = false;
    // The payee tells of a payment before the payer knows: a kill now is a kill in the middle.
    for more in [1, 4, 7] {
        let mut process = Process::start(&orders).await;
        settle(&mut told, more).await;
        process.child.kill().await.unwrap();
        killed_midway |= settled(payee, Direction::In).await < usize::from(COUNT);
    }
    assert!(killed_midway, "it was killed too late to matter");
    let mut process = Process::start(&orders).await;
    assert_eq!(process.says().await, "done");
    process.child.kill().await.unwrap();
    let payer = open(&options(practice.dirs.1.path(), &practice.relay, FUNDS)).await;
    let spent = u64::from(COUNT) * PRICE.0;
    assert_eq!((money(&payer).await, money(payee).await), ((FUNDS.0 - spent, 0, 0), (spent, 0, 0)));
    assert_eq!(settled(&payer, Direction::Out).await, usize::from(COUNT));
    assert_eq!(settled(payee, Direction::In).await, usize::from(COUNT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_that_is_killed_is_paid_everything_once() {
    let practice = practice().await;
    practice.payee.close().await;
    let payer = &practice.payer;
    let dir = practice.dirs.0.path().to_owned();
    let mut orders = Orders { dir, relay: practice.relay.url().to_owned(), funds: MilliSats(0), pay: Vec::new(), make: COUNT };
    let mut process = Process::start(&orders).await;
    let mut sends = tokio::task::JoinSet::new();
    let mut told = payer.events();
    for number in 0..COUNT {
        let prepared = payer.prepare(process.says().await).await.unwrap();
        let payer = Arc::clone(payer);
        sends.spawn(async move { payer.send(prepared, IdempotencyKey([number; 16])).await.unwrap() });
    }
    orders.make = 0;
    let mut killed_midway = false;
    for more in [1, 4, 7] {
        settle(&mut told, more).await;
        process.child.kill().await.unwrap();
        killed_midway |= money(payer).await.1 > 0;
        process = Process::start(&orders).await;
    }
    assert!(killed_midway, "it was killed too late to matter");
    quiet(payer).await;
    while let Some(sent) = sends.join_next().await {
        sent.unwrap();
    }
    process.child.kill().await.unwrap();
    let payee = open(&options(practice.dirs.0.path(), &practice.relay, MilliSats(0))).await;
    let spent = u64::from(COUNT) * PRICE.0;
    assert_eq!((money(payer).await, money(&payee).await), ((FUNDS.0 - spent, 0, 0), (spent, 0, 0)));
    assert_eq!(settled(payer, Direction::Out).await, usize::from(COUNT));
    assert_eq!(settled(&payee, Direction::In).await, usize::from(COUNT));
}
