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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_missed_a_newer_version_of_the_ad_is_told_which_one_it_has() {
    let market = Market::new().await;
    let second = PracticeRelay::start().await.unwrap();
    let front = Front::of(second.url()).await;
    let (first_reader, second_reader) = (Buyer::connect(&market.relay).await, Buyer::connect(&second).await);
    let config = format!("[relays]\nurls = [\"{}\", \"{}\"]\n", market.relay.url(), front.url);
    let mut options = market.options_with_file(Scripted::quick(&[]), &["provider.policy=\"free\""]);
    options.overrides.retain(|setting| setting.key() != "relays.urls");
    std::fs::write(&market.paths.config_toml, &config).unwrap();
    let node = Running::launch(options);
    node.done(NodeCommand::GoOnline).await;
    node.status_where(|status| status.relays_connected == 2).await;
    ads(&second_reader, &market, 1).await;
    let filter = Filter::new().kind(Kind::from(31_990)).author(market.provider());
    let had = stored(&second_reader, filter.clone()).await[0].id;

    front.shut();
    node.status_where(|status| status.relays_connected == 1).await;
    node.done(NodeCommand::SetSetting { key: "node.name".into(), value: "Renamed".into() }).await;
    soon("the newer ad", async { while stored(&first_reader, filter.clone()).await.iter().all(|ad| ad.id == had) {} }).await;
    node.done(NodeCommand::GoOffline { how: Leaving::Now }).await;
    front.open();
    let deletions = Filter::new().kind(Kind::EventDeletion).author(market.provider());
    soon("the withdrawal", async { while stored(&second_reader, deletions.clone()).await.is_empty() {} }).await;
    // Some relays delete what is named and nothing else.
    let named: Vec<_> =
        stored(&second_reader, deletions).await.iter().flat_map(|event| event.tags.event_ids().copied().collect::<Vec<_>>()).collect();
    assert!(named.contains(&had), "{named:?} lacks {had}");
    node.stop();
}
