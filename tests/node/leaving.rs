//! Going offline and stopping in patience, and what becomes of it when somebody else wants the node online.

use pylon_hud::node::{Leaving, NodeCommand, NodeEvent, NodeState};

use crate::common::{Buyer, Market, Running, Scripted};

const FREE: &[&str] = &["provider.policy=\"free\""];

fn refused(event: NodeEvent) -> String {
    match event {
        NodeEvent::Failed { failure } => failure.message,
        event => panic!("{event:?}"),
    }
}

/// A node at work on a job that ends when it is told to.
async fn at_work(market: &Market) -> (Running, Buyer, nostr_sdk::EventId, std::sync::Arc<Scripted>) {
    let model = Scripted::slow(&["Done."]);
    let node = market.online(model.clone(), FREE).await;
    let buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Why?", "text"]], "").await;
    model.is_asked().await;
    (node, buyer, job, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_the_last_job_hears_that_the_node_is_online_again() {
    let market = Market::new().await;
    let (node, ..) = at_work(&market).await;
    let waiting = node.ask(NodeCommand::GoOffline { how: Leaving::Finish });
    node.ask(NodeCommand::GoOnline);
    let event = node.wait("the end of going offline", |report| (report.id == Some(waiting)).then(|| report.event.clone())).await;
    assert!(refused(event).contains("online again"));
    node.status_where(|status| status.state == NodeState::Online).await;
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_to_stop_after_its_last_job_is_not_put_online_again() {
    let market = Market::new().await;
    let (node, mut buyer, job, model) = at_work(&market).await;
    let stopping = node.ask(NodeCommand::Stop { how: Leaving::Finish });
    assert!(refused(node.call(NodeCommand::GoOnline).await).contains("stops"));
    model.leave.add_permits(1);
    assert_eq!(buyer.result(job).await.0.content, "Done.", "what it had begun is done");
    let ended = node.wait("the stop", |report| (report.id == Some(stopping)).then(|| report.event.clone())).await;
    assert_eq!(ended, NodeEvent::Done);
    node.stop();
}
