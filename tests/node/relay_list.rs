//! The list of our own relays, as others find it (NIP-65).

use nostr_sdk::prelude::*;
use pylon_hud::node::{Leaving, NodeCommand, NodeState};
use pylon_hud::practice::PracticeRelay;
use tokio::sync::mpsc;

use crate::common::{Buyer, Market, Running, Scripted, soon};

/// The lists a key publishes, as a relay passes them on.
async fn lists(buyer: &Buyer, author: PublicKey) -> mpsc::UnboundedReceiver<Event> {
    let mut notifications = buyer.client.notifications();
    buyer.client.subscribe(Filter::new().kind(Kind::RelayList).author(author), None).await.unwrap();
    let (sender, lists) = mpsc::unbounded_channel();
    let client = buyer.client.clone();
    tokio::spawn(async move {
        // The connection lasts as long as somebody listens.
        let _client = client;
        while let Ok(notification) = notifications.recv().await {
            if let RelayPoolNotification::Event { event, .. } = notification
                && event.kind == Kind::RelayList
                && sender.send(*event).is_err()
            {
                return;
            }
        }
    });
    lists
}

fn tags(event: &Event) -> Vec<Vec<String>> {
    event.tags.iter().map(|tag| tag.as_slice().to_vec()).collect()
}

fn named(urls: &[&str]) -> Vec<Vec<String>> {
    urls.iter().map(|url| vec!["r".to_owned(), url.trim_end_matches('/').to_owned()]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_published_when_it_is_new_and_never_twice() {
    let market = Market::new().await;
    let other = PracticeRelay::start().await.unwrap();
    let (first, second) = (market.relay.url(), other.url());
    let mut seen = lists(&Buyer::connect(&market.relay).await, market.provider()).await;
    let node = Running::launch(market.options_with_file(Scripted::quick(&[]), &["provider.policy=free"]));
    node.done(NodeCommand::GoOnline).await;
    let list = soon("the list", seen.recv()).await.unwrap();
    assert_eq!((tags(&list), list.content.as_str()), (named(&[first]), ""));
    // Again online, with the same list: nothing new comes before the changed one.
    node.done(NodeCommand::GoOffline { how: Leaving::Finish }).await;
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    node.done(NodeCommand::SetSetting { key: "provider.max_queue".into(), value: "3".into() }).await;
    node.done(NodeCommand::SetSetting { key: "relays.urls".into(), value: format!("{first},{second}") }).await;
    let changed = soon("the changed list", seen.recv()).await.unwrap();
    assert_eq!(tags(&changed), named(&[first, second]));
    assert!(changed.created_at > list.created_at);
    // It is on the new relay as well.
    let mut there = lists(&Buyer::connect(&other).await, market.provider()).await;
    assert_eq!(soon("the list on the other relay", there.recv()).await.unwrap().id, changed.id);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_does_not_take_jobs_publishes_no_list() {
    let market = Market::new().await;
    let mut seen = lists(&Buyer::connect(&market.relay).await, market.provider()).await;
    let node = Running::launch(market.options_with_file(Scripted::quick(&[]), &["provider.policy=free", "relays.publish_list=false"]));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online).await;
    node.done(NodeCommand::GoOffline { how: Leaving::Finish }).await;
    node.stop();
    // Allowed to, but not online yet.
    let node = Running::launch(market.options_with_file(Scripted::quick(&[]), &["provider.policy=free", "node.about=here"]));
    node.done(NodeCommand::Start).await;
    node.status_where(|status| status.relays_connected == 1).await;
    assert!(seen.try_recv().is_err(), "a list was published by a node that is not to be found");
    node.done(NodeCommand::GoOnline).await;
    assert_eq!(tags(&soon("the list", seen.recv()).await.unwrap()), named(&[market.relay.url()]));
    node.stop();
}
