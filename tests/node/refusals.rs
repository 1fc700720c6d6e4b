//! What is not served: told to the buyer when they addressed us, counted either way, and never fatal.

use nostr_sdk::prelude::*;
use pylon_hud::domain::job::JobState;
use pylon_hud::inference::InferenceError;
use pylon_hud::node::{NodeCommand, NodeEvent};

use crate::common::{Buyer, Market, Running, Scripted, stored, tag};

/// Totals of refusals by code, once `code` has been counted.
async fn counted(node: &Running, code: &str) -> u64 {
    loop {
        match node.call(NodeCommand::Stats).await {
            NodeEvent::Stats { stats } => {
                if let Some(count) = stats.refusals.get(code) {
                    return *count;
                }
            }
            event => panic!("{event:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_addressed_request_hears_why_it_is_refused() {
    let market = Market::new().await;
    let model = Scripted::quick(&["no"]);
    let node = market.online(model.clone(), &["provider.max_prompt_chars=20"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let me = market.provider().to_hex();
    let p: &[&str] = &["p", &me];
    let cases: &[(&[&[&str]], &str)] = &[
        (&[p, &["i", "A prompt that is longer than twenty characters.", "text"]], "20 are allowed"),
        (&[p, &["i", "Hi.", "text"], &["param", "temperature", "hot"]], "emperature is"),
        (&[p, &["i", "Hi.", "text"], &["param", "temperature", "9"]], "from 0 to 2"),
        (&[p, &["i", "Hi.", "text"], &["param", "model", "gpt-nine"]], "parrot"),
        (&[p, &["i", "http://192.168.0.1/admin", "url"]], "url"),
        (&[p], "input"),
        (&[p, &["i", "Hi.", "text"], &["output", "image/png"]], "image/png"),
    ];
    for (tags, reason) in cases {
        let job = buyer.request(tags, "").await;
        let feedback = buyer.next(job).await;
        assert_eq!(tag(&feedback, "status").as_deref(), Some("error"), "{reason}");
        let said = feedback.tags.iter().find(|tag| tag.as_slice()[0] == "status").unwrap().as_slice()[2].clone();
        assert!(said.contains(reason), "{said:?} should say {reason:?}");
    }
    assert_eq!(model.runs(), 0);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_request_we_cannot_serve_gets_silence_and_is_counted() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["yes"]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let refused = buyer.request(&[&["i", "Hi.", "text"], &["param", "model", "gpt-nine"]], "").await;
    assert_eq!(counted(&node, "model-not-served").await, 1);
    let served = buyer.request(&[&["i", "Hi.", "text"]], "").await;
    buyer.result(served).await;
    assert!(stored(&buyer, Filter::new().kind(Kind::from(7000)).event(refused)).await.is_empty());
    assert!(
        matches!(node.call(NodeCommand::Job { job: refused.to_hex() }).await, NodeEvent::Failed { .. }),
        "a refused open request is a counter, not a row"
    );
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stale_future_and_foreign_requests_are_left_alone() {
    let market = Market::new().await;
    let model = Scripted::quick(&["yes"]);
    let node = market.online(model.clone(), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let (now, me) = (Timestamp::now().as_secs(), market.provider().to_hex());
    // Old ones do not match the subscription any more; a relay that sends them anyway is covered by the rules' own tests.
    let future = buyer.sign(5050, &[&["i", "Tomorrow.", "text"], &["p", &me]], "", Timestamp::from(now + 3600));
    buyer.send(future.clone()).await;
    let feedback = buyer.next(future.id).await;
    assert_eq!(tag(&feedback, "status").as_deref(), Some("error"));
    let other = Keys::generate().public_key().to_hex();
    let foreign = buyer.request(&[&["i", "Not for you.", "text"], &["p", &other]], "").await;
    let image = buyer.sign(5100, &[&["i", "A cat.", "text"], &["p", &me]], "", Timestamp::now());
    buyer.send(image.clone()).await;
    let served = buyer.request(&[&["i", "For anybody.", "text"]], "").await;
    buyer.result(served).await;
    assert_eq!(model.runs(), 1);
    for id in [foreign, image.id] {
        assert!(stored(&buyer, Filter::new().event(id)).await.is_empty(), "something was said about a request that is not ours");
    }
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_cannot_run_fails_the_job_and_is_offered_no_more() {
    let market = Market::new().await;
    let fault = InferenceError::ModelBroken { backend: "scripted".into(), model: "parrot".into(), message: "out of memory".into() };
    let node = market.online(Scripted::broken(fault), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Hi.", "text"], &["p", &market.provider().to_hex()]], "").await;
    let statuses = [buyer.next(job).await, buyer.next(job).await].map(|event| tag(&event, "status").unwrap());
    assert_eq!(statuses, ["processing", "error"]);
    let detail = node.job_in(job, JobState::Failed).await;
    assert!(detail.record.reason.unwrap_or_default().contains("out of memory"));
    let status = node.status_where(|status| status.models.is_empty()).await;
    assert_eq!(status.blockers.first().map(|blocker| blocker.code.as_str()), Some("no-model"));
    let again = buyer.request(&[&["i", "Hi again.", "text"], &["p", &market.provider().to_hex()]], "").await;
    assert_eq!(tag(&buyer.next(again).await, "status").as_deref(), Some("error"));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_and_a_greedy_buyer_are_told_to_wait() {
    let market = Market::new().await;
    let model = Scripted::slow(&["done"]);
    let node = market.online(model.clone(), &["provider.max_queue=1", "provider.per_buyer_per_hour=3"]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let me = market.provider().to_hex();
    let running = buyer.request(&[&["i", "1", "text"], &["p", &me]], "").await;
    node.job_in(running, JobState::Running).await;
    let waiting = buyer.request(&[&["i", "2", "text"], &["p", &me]], "").await;
    node.job_in(waiting, JobState::Seen).await;
    let busy = buyer.request(&[&["i", "3", "text"], &["p", &me]], "").await;
    let said = buyer.next(busy).await;
    assert!(said.as_json().contains("waiting already"), "{}", said.as_json());
    model.leave.add_permits(10);
    buyer.result(waiting).await;
    let third = buyer.request(&[&["i", "4", "text"], &["p", &me]], "").await;
    buyer.result(third).await;
    let greedy = buyer.request(&[&["i", "5", "text"], &["p", &me]], "").await;
    assert!(buyer.next(greedy).await.as_json().contains("3 requests an hour"));
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_key_gets_silence() {
    let market = Market::new().await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let block = format!("provider.block=[\"{}\"]", buyer.keys.public_key().to_hex());
    let node = market.online(Scripted::quick(&["x"]), &[&block]).await;
    let job = buyer.request(&[&["i", "Hi.", "text"], &["p", &market.provider().to_hex()]], "").await;
    assert_eq!(counted(&node, "blocked").await, 1);
    let friend = Buyer::connect(&market.relay).await;
    let mut friend = friend;
    let served = friend.request(&[&["i", "Hi.", "text"]], "").await;
    friend.result(served).await;
    assert!(stored(&buyer, Filter::new().event(job)).await.is_empty());
    let _ = &mut buyer;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ciphertext_that_is_none_is_refused_with_a_reason() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["x"]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["p", &market.provider().to_hex()], &["encrypted"]], "AgNotReallyCiphertext").await;
    let feedback = buyer.next(job).await;
    assert_eq!(tag(&feedback, "status").as_deref(), Some("error"));
    node.stop();
}
