//! Killed without warning at every step of a purchase, the buyer still pays once and has its answer.
//!
//! The parent is the market: relay, and a provider that wants to be paid first. The child is the buyer's node with its
//! wallet, which is killed with it.

use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;

use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::{Ask, Node, NodeCommand, NodeEvent, NodeOptions, Request};
use pylon_hud::store::{PurchaseDetail, Reader};
use pylon_hud::wallet::Wallet as _;

use crate::buying::{shop, wallet};
use crate::common::{Market, PATIENCE, Scripted};
use crate::crash::{CHILD, killer, run_child};

const FUNDS: MilliSats = MilliSats(50_000);
const PRICE: u64 = 3_000;

/// The child's side. In an ordinary run this is not a child and there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_buyer_child() {
    let Ok(orders) = std::env::var(CHILD) else { return };
    let mut orders = orders.split('|');
    let mut next = || orders.next().unwrap().to_owned();
    let (dir, relay, die_at) = (next(), next(), next().parse::<usize>().unwrap());
    pylon_hud::net::init();
    let mut options = NodeOptions::new(Paths::at(Path::new(&dir)), Environment::default());
    options.overrides.push(format!("relays.urls=[\"{relay}\"]").parse().unwrap());
    options.overrides.push("backends.ollama.url=\"http://127.0.0.1:9\"".parse().unwrap());
    options.wallet = Some(Arc::new(wallet(Path::new(&dir), &relay, FUNDS).await));
    options.observer = Some(killer(die_at));
    tokio::task::spawn_blocking(move || {
        let node = Node::launch(options).unwrap();
        let ask = |id, command| node.commands.send(Request { id: RequestId(id), command }).unwrap();
        ask(1, NodeCommand::Start);
        while let Ok(report) = node.events.recv_timeout(PATIENCE) {
            match report.event {
                NodeEvent::Done => ask(2, NodeCommand::Purchases { before: None, limit: 10 }),
                NodeEvent::Purchases { page } if page.rows.iter().any(|row| row.state == PurchaseState::Done) => return,
                NodeEvent::Purchases { page } if page.rows.is_empty() => {
                    let question = Ask { prompt: "Survive.".into(), auto_pay: Some(AutoPay::First), ..Ask::default() };
                    ask(3, NodeCommand::Submit { ask: Box::new(question) });
                }
                NodeEvent::PurchaseChanged { purchase } if purchase.state == PurchaseState::Done => return,
                NodeEvent::PurchaseChanged { purchase } if purchase.state.is_final() => panic!("{purchase:?}"),
                NodeEvent::Failed { failure } => panic!("{failure:?}"),
                _ => {}
            }
        }
        panic!("the request did not end");
    })
    .await
    .unwrap();
}

async fn child(market: &Market, die_at: usize) -> ExitStatus {
    let orders = format!("{}|{}|{die_at}", market.dir.path().display(), market.relay.url());
    run_child("crash_buyer::crash_buyer_child", orders).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_survives_a_kill_at_every_step_and_is_paid_once() {
    let mut step = 0;
    loop {
        let seller = Market::new().await;
        let shop = shop(&seller, Scripted::quick(&["Still here."]), "pay-first", PRICE).await;
        let buyer = Market { relay: seller.relay.clone(), ..Market::new().await };
        let survived = child(&buyer, step).await.success();
        if !survived {
            assert!(child(&buyer, usize::MAX).await.success(), "step {step}: the second node did not finish the purchase");
        }
        check(&buyer, &seller, step).await;
        shop.stop();
        if survived {
            break;
        }
        step += 1;
    }
    assert!(step >= 10, "only {step} steps: draft, sending, reservation, payment and answer each have two");
}

async fn check(buyer: &Market, seller: &Market, step: usize) {
    let reader = Reader::open(&buyer.paths.ledger).unwrap();
    let page = reader.purchases(None, 10).unwrap();
    let bought: Vec<PurchaseDetail> = page.rows.iter().map(|row| reader.purchase(&row.id.to_string()).unwrap()).collect();
    assert_eq!(bought.len(), 1, "step {step}");
    assert_eq!((bought[0].row.state, bought[0].row.paid), (PurchaseState::Done, MilliSats(PRICE)), "step {step}");
    assert_eq!(bought[0].answer.as_deref(), Some("Still here."), "step {step}");
    assert_eq!(reader.integrity().unwrap(), Vec::<String>::new(), "step {step}");
    let (spent, earned) = (reader.money().unwrap(), Reader::open(&seller.paths.ledger).unwrap().money().unwrap());
    assert_eq!((spent.spent.0, spent.pending.0, earned.received.0), (PRICE, 0, PRICE), "step {step}");
    let purse = wallet(buyer.dir.path(), buyer.relay.url(), MilliSats(0)).await;
    assert_eq!(purse.snapshot().await.unwrap().balance.0, FUNDS.0 - PRICE, "step {step}: what the buyer's wallet holds");
}
