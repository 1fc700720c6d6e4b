//! Buying with a ledger that cannot be written for a while.

use nostr_sdk::prelude::Timestamp;
use pylon_hud::domain::purchase::{AutoPay, PurchaseState};
use pylon_hud::node::{Ask, NodeEvent};

use crate::buying::{Crook, Customer, ask};
use crate::common::Market;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_could_not_be_written_down_is_not_lost() {
    let market = Market::new().await;
    let customer = Customer::new(&market, &[]).await;
    let provider = Crook::new(&market).await;
    let id = customer.ask(Ask { provider: Some(provider.key()), ..ask(AutoPay::First) }).await;
    customer.request_in(id, PurchaseState::Published).await;
    let other = rusqlite::Connection::open(customer.ledger_file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let name = id.to_string();
    let tags: [&[&str]; 1] = [&["e", &name]];
    provider.hand.send(provider.hand.sign(6050, &tags, "Only once.", Timestamp::now())).await;
    let fault = |event: &NodeEvent| if let NodeEvent::Fault { fault } = event { Some(fault.message.clone()) } else { None };
    customer.node.wait("the ledger to fail", |report| fault(&report.event)).await;
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(customer.request_in(id, PurchaseState::Done).await.answer.as_deref(), Some("Only once."));
    customer.node.stop();
}
