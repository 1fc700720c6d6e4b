#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use nostr::util::BoxedFuture;
use nostr::{EventBuilder, Keys, Kind};
use nostr_relay_builder::LocalRelay;
use nostr_relay_builder::builder::{PolicyResult, RateLimit, RelayBuilder, RelayBuilderNip42, WritePolicy};
use tokio::sync::mpsc::Receiver;

use super::*;
use crate::domain::relay::RelayState;

const PATIENCE: Duration = Duration::from_secs(30);
const NOTES: SubscriptionName = SubscriptionName("notes");

fn builder() -> RelayBuilder {
    let limits = RateLimit { max_reqs: 500, notes_per_minute: 100_000 };
    RelayBuilder::default().addr(IpAddr::V4(Ipv4Addr::LOCALHOST)).rate_limit(limits)
}

async fn relay(builder: RelayBuilder) -> (LocalRelay, String) {
    let relay = LocalRelay::new(builder);
    relay.run().await.unwrap();
    let url = relay.url().await.to_string();
    (relay, url)
}

struct Peer {
    link: NostrRelays,
    news: Receiver<RelayNews>,
    keys: Keys,
}

impl Peer {
    async fn connect(urls: &[&str]) -> Self {
        let keys = Keys::generate();
        let client = crate::net::http_client().unwrap();
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        let options = LinkOptions { retry: Duration::from_millis(100), ..LinkOptions::new(urls, 65_536, keys.clone(), client) };
        let (link, news) = NostrRelays::new(options).unwrap();
        link.connect().await;
        Self { link, news, keys }
    }

    fn note(&self, text: &str) -> Event {
        EventBuilder::new(Kind::TextNote, text).sign_with_keys(&self.keys).unwrap()
    }

    async fn publish(&self, event: Event) -> Vec<Published> {
        tokio::time::timeout(PATIENCE, self.link.publish(event, Vec::new()).collect()).await.unwrap()
    }

    async fn subscribe(&self) {
        self.link.subscribe(NOTES, Filter::new().kind(Kind::TextNote)).await.unwrap();
    }

    async fn wait<T>(&mut self, mut pick: impl FnMut(RelayNews) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(self.news.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }

    async fn connected(&mut self, count: usize) {
        while self.link.health().iter().filter(|relay| relay.state == RelayState::Connected).count() < count {
            self.wait(|news| matches!(news, RelayNews::Health(_)).then_some(())).await;
        }
    }

    async fn text(&mut self) -> String {
        self.wait(|news| match news {
            RelayNews::Event { event, .. } => Some(event.content.clone()),
            _ => None,
        })
        .await
    }

    async fn caught_up(&mut self) {
        self.wait(|news| matches!(news, RelayNews::EndOfStored { subscription: NOTES, .. }).then_some(())).await;
    }
}

#[tokio::test]
async fn an_event_on_two_relays_arrives_once_and_both_are_counted() {
    let (_one, first) = relay(builder()).await;
    let (_other, second) = relay(builder()).await;
    let (mut writer, mut reader) = (Peer::connect(&[&first, &second]).await, Peer::connect(&[&first, &second]).await);
    writer.connected(2).await;
    reader.connected(2).await;
    reader.subscribe().await;
    reader.caught_up().await;
    reader.caught_up().await;
    let outcomes = writer.publish(writer.note("hello")).await;
    assert_eq!(outcomes.iter().filter(|published| published.outcome.is_ok()).count(), 2, "{outcomes:?}");
    assert_eq!(reader.text().await, "hello");
    writer.publish(writer.note("again")).await;
    assert_eq!(reader.text().await, "again");
    tokio::time::timeout(PATIENCE, async {
        while reader.link.health().iter().map(|relay| relay.received).sum::<u64>() < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(reader.link.health().iter().map(|relay| relay.dropped.duplicate).sum::<u64>(), 2);
    writer.link.close().await;
    reader.link.close().await;
}

#[tokio::test]
async fn a_relay_that_comes_back_is_asked_again() {
    let (first, url) = relay(builder()).await;
    let port = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let mut reader = Peer::connect(&[&url]).await;
    reader.connected(1).await;
    reader.subscribe().await;
    reader.caught_up().await;
    first.shutdown();
    drop(first);
    reader.wait(|news| matches!(news, RelayNews::Health(health) if health.state == RelayState::Retrying).then_some(())).await;
    let (_second, url) = relay(builder().port(port)).await;
    reader.connected(1).await;
    reader.caught_up().await;
    let mut writer = Peer::connect(&[&url]).await;
    writer.connected(1).await;
    writer.publish(writer.note("still there?")).await;
    assert_eq!(reader.text().await, "still there?");
}

#[tokio::test]
async fn a_relay_that_asks_who_we_are_is_answered() {
    let (_relay, url) = relay(builder().nip42(RelayBuilderNip42::default())).await;
    let mut peer = Peer::connect(&[&url]).await;
    peer.connected(1).await;
    peer.subscribe().await;
    let outcomes = peer.publish(peer.note("it is me")).await;
    assert_eq!(outcomes.first().map(|published| published.outcome.clone()), Some(Ok(())));
    assert_eq!(peer.text().await, "it is me");
    assert!(peer.link.health()[0].authenticated);
}

#[derive(Debug)]
struct NoNotes;

impl WritePolicy for NoNotes {
    fn admit_event<'a>(&'a self, _: &'a Event, _: &'a SocketAddr) -> BoxedFuture<'a, PolicyResult> {
        Box::pin(async { PolicyResult::Reject("no notes on a Sunday".into()) })
    }
}

#[tokio::test]
async fn a_refusal_comes_in_the_relays_own_words_and_an_absent_relay_at_once() {
    let (_relay, url) = relay(builder().write_policy(NoNotes)).await;
    let mut peer = Peer::connect(&[&url, "ws://127.0.0.1:9"]).await;
    peer.connected(1).await;
    let mut outcomes = peer.publish(peer.note("x")).await;
    outcomes.sort_by_key(|published| published.relay.clone());
    let refused: Vec<_> = outcomes.iter().filter_map(|published| published.outcome.clone().err()).collect();
    assert!(refused.iter().any(|words| words.contains("Sunday")) && refused.iter().any(|words| words == "not connected"), "{refused:?}");
    // What was never sent was never refused.
    assert_eq!(peer.link.health().iter().map(|relay| (relay.sent, relay.refused)).collect::<Vec<_>>(), [(1, 1), (0, 0)]);
}

#[tokio::test]
async fn relays_can_be_exchanged_while_connected() {
    let (_one, first) = relay(builder()).await;
    let (_other, second) = relay(builder()).await;
    let mut peer = Peer::connect(&[&first]).await;
    peer.connected(1).await;
    peer.subscribe().await;
    peer.link.set_relays(vec![second.clone()]).await.unwrap();
    peer.connected(1).await;
    assert_eq!(peer.link.health().iter().map(|relay| relay.url.clone()).collect::<Vec<_>>(), [relay_name(&second)]);
    let outcomes = peer.publish(peer.note("over here")).await;
    assert_eq!(outcomes.len(), 1);
    assert_eq!(peer.text().await, "over here");
    assert!(matches!(peer.link.set_relays(vec!["nonsense".into()]).await, Err(RelayError::BadUrl { .. })));
}
