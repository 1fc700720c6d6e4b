//! What an earlier run left open, with a wallet that tells what it is asked to pay.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use nostr::JsonUtil as _;
use nostr::{EventBuilder, Keys, Kind};

use super::payment::tests::{Refusing, invoice};
use super::tests::{Bench, ledger, soon};
use super::{ConsumerCommand, JobId, Pubkey, PurchaseState, UnixMs};
use crate::clock::Clock;
use crate::domain::ids::PaymentHash;
use crate::domain::money::MilliSats;
use crate::domain::purchase::{AutoPay, PurchaseFact};
use crate::domain::request::Scheme;
use crate::node::options::Housing;
use crate::store::{NewPurchase, Offer, Secret, Store};
use crate::wallet::WalletError;

const HOUR_MS: u64 = 3_600_000;

/// A request with an offer that would be paid by itself, as a node left it that was killed before it did so.
async fn left_open(store: &Store, expires_at: UnixMs, price: &str) -> JobId {
    let keys = Keys::generate();
    let event = EventBuilder::new(Kind::from(5050), "Why?").sign_with_keys(&keys).unwrap();
    let id = JobId(event.id.to_bytes());
    let created_at = expires_at.minus_ms(HOUR_MS);
    let new = NewPurchase {
        id,
        kind: 5050,
        scheme: Scheme::Plain,
        target: None,
        model: None,
        prompt: "Why?".into(),
        bid: None,
        auto_pay: AutoPay::First,
        secret: Some(Secret(keys.secret_key().to_secret_bytes())),
        event_json: event.as_json(),
        created_at,
        expires_at,
    };
    store.draft(new).await.unwrap();
    store.step(id, PurchaseFact::Published.into(), created_at).await.unwrap();
    let offer = Offer {
        request: id,
        provider: Pubkey(Keys::generate().public_key().to_bytes()),
        bolt11: price.to_owned(),
        hash: Some(PaymentHash(id.0)),
        claimed: MilliSats(3_000),
        asked: Some(MilliSats(3_000)),
        expires_at: Some(expires_at.plus_ms(24 * HOUR_MS)),
        flaw: None,
        detail: None,
        at: created_at,
    };
    store.offer(offer).await.unwrap();
    id
}

#[tokio::test]
async fn a_request_whose_time_ran_out_meanwhile_is_given_up_and_not_paid() {
    let now = Clock::default().now();
    let (dir, store) = ledger();
    let stale = left_open(&store, now.minus_ms(1), &invoice(3)).await;
    let fresh_price = invoice(4);
    left_open(&store, now.plus_ms(HOUR_MS), &fresh_price).await;
    let (wallet, mut asked) = Refusing::new(WalletError::AlreadyPaid);
    let mut bench = Bench::resuming(dir, store, wallet, Housing::Inside);
    bench.told(stale, PurchaseState::Expired).await;
    assert_eq!(soon("the other to be paid", asked.recv()).await, Some(fresh_price));
    assert!(asked.try_recv().is_err(), "and nothing else");
}

#[tokio::test]
async fn the_node_of_one_command_pays_only_what_the_command_is_about() {
    let now = Clock::default().now();
    let (dir, store) = ledger();
    left_open(&store, now.plus_ms(HOUR_MS), &invoice(3)).await;
    let wanted_price = invoice(4);
    let wanted = left_open(&store, now.plus_ms(HOUR_MS), &wanted_price).await;
    let (wallet, mut asked) = Refusing::new(WalletError::AlreadyPaid);
    let bench = Bench::resuming(dir, store, wallet, Housing::Errand);
    bench.consumer.ask(|reply| ConsumerCommand::Pay(wanted, None, reply)).await.unwrap();
    assert_eq!(soon("the wanted one to be paid", asked.recv()).await, Some(wanted_price));
    assert!(asked.try_recv().is_err(), "and nothing else");
}
