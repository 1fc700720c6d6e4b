//! A start that fails half way.

use std::sync::Arc;

use pylon_hud::node::{NodeCommand, NodeEvent, NodeOptions};

use crate::common::{Market, Running, Scripted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_it_goes_on_and_the_next_one_finds_everything_free() {
    let market = Market::new().await;
    std::fs::write(&market.paths.nwc, "no connection").unwrap();
    let model = Scripted::quick(&["Hi."]);
    let options = market.real_options(model.clone(), &["wallet.kind=\"nwc\"", "backends.probe_secs=2"]);
    let node = Running::launch(NodeOptions { extra_backends: vec![model.clone()], ..options });
    // It has its own copies of everything by now.
    node.status().await;
    let before = Arc::strong_count(&model);
    assert!(matches!(node.call(NodeCommand::Start).await, NodeEvent::Failed { .. }));
    assert_eq!(Arc::strong_count(&model), before, "somebody still asks the model server");
    std::fs::remove_file(&market.paths.nwc).unwrap();
    node.done(NodeCommand::Start).await;
    node.stop();
}
