//! Relays that are away when something is said to all of them.

use nostr_sdk::prelude::*;
use pylon_hud::node::{Leaving, NodeCommand, NodeState};
use pylon_hud::practice::PracticeRelay;

use crate::common::{Buyer, Market, Running, Scripted, soon, stored};
use crate::front::Front;

async fn ads(reader: &Buyer, market: &Market, count: usize) {
    let filter = Filter::new().kind(Kind::from(31_990)).author(market.provider());
    soon("the ad to come or go", async { while stored(reader, filter.clone()).await.len() != count {} }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_away_hears_of_the_ad_and_of_its_end_when_it_is_back() {
    let market = Market::new().await;
    let second = PracticeRelay::start().await.unwrap();
    let front = Front::of(second.url()).await;
    let (first_reader, second_reader) = (Buyer::connect(&market.relay).await, Buyer::connect(&second).await);
    front.shut();
    let urls = format!("relays.urls=[\"{}\",\"{}\"]", market.relay.url(), front.url);
    let node = Running::launch(market.options(Scripted::quick(&[]), &["provider.policy=\"free\"", &urls]));
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.state == NodeState::Online && status.relays_connected == 1).await;
    ads(&first_reader, &market, 1).await;
    ads(&second_reader, &market, 0).await;
    front.open();
    ads(&second_reader, &market, 1).await;

    front.shut();
    node.status_where(|status| status.relays_connected == 1).await;
    node.done(NodeCommand::GoOffline { how: Leaving::Now }).await;
    ads(&first_reader, &market, 0).await;
    ads(&second_reader, &market, 1).await;
    front.open();
    ads(&second_reader, &market, 0).await;
    node.stop();
}
