//! The bridge without a window: pairing answers with commands, and a node that is gone.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::*;
use crate::domain::ids::JobId;
use crate::node::{NodeState, TestStep};

fn bridge() -> (Bridge, Receiver<Request>, Sender<Report>) {
    let (commands, asked) = bounded(64);
    let (told, events) = unbounded();
    let mut bridge = Bridge::new(Link::Given { commands, events }, HudWake::default());
    bridge.enter(Market::Practice).unwrap();
    (bridge, asked, told)
}

#[test]
fn nothing_goes_out_before_a_market_is_chosen() {
    let (commands, _asked) = bounded(64);
    let (_told, events) = unbounded();
    let mut bridge = Bridge::new(Link::Given { commands, events }, HudWake::default());
    assert_eq!(bridge.send(NodeCommand::Status), Err(SendError::NoMarket));
}

#[test]
fn an_answer_is_paired_with_its_command_until_the_last_one() {
    let (mut bridge, asked, told) = bridge();
    let test = NodeCommand::TestJob { prompt: "Hello".into() };
    bridge.send(test.clone()).unwrap();
    let id = Some(asked.recv().unwrap().id);
    let step = |step| Report { id, event: NodeEvent::Testing { step } };
    told.send(step(TestStep::Partial { text: "a".into() })).unwrap();
    assert_eq!(bridge.take()[0].answers, Some(test.clone()));
    assert_eq!(bridge.waiting().count(), 1);
    told.send(step(TestStep::Answered { job: JobId([1; 32]), text: "a".into(), took_ms: 1 })).unwrap();
    assert_eq!(bridge.take()[0].answers, Some(test));
    assert_eq!(bridge.waiting().count(), 0);
}

#[test]
fn a_passphrase_goes_out_and_is_not_kept() {
    let (mut bridge, asked, _told) = bridge();
    let unlock = NodeCommand::Unlock { passphrase: crate::node::Secret::new("open sesame".into()) };
    bridge.send(unlock.clone()).unwrap();
    assert_eq!(asked.recv().unwrap().command, unlock);
    assert_eq!(bridge.waiting().count(), 0);
}

#[test]
fn a_node_that_is_gone_fails_what_waits_and_is_shown_as_stopped() {
    let (mut bridge, _asked, told) = bridge();
    bridge.send(NodeCommand::Start).unwrap();
    drop(told);
    let said = bridge.take();
    assert!(said.iter().any(|said| said.answers == Some(NodeCommand::Start) && matches!(said.event, NodeEvent::Failed { .. })));
    let stopped =
        |said: &FromNode| matches!(&said.event, NodeEvent::Status { status } if status.state == NodeState::Stopped && status.practice);
    assert!(said.iter().any(stopped));
    assert!(said.iter().any(|said| matches!(&said.event, NodeEvent::Fault { .. })));
    assert!(bridge.take().is_empty(), "it is told once");
}

#[test]
fn before_the_window_opens_no_wake_counts_as_sent() {
    use crate::node::wake::Wake as _;
    let wake = HudWake::default();
    wake.wake();
    assert!(!wake.is_due(), "or the first one after it opens would be swallowed");
}

#[test]
fn a_real_node_is_launched_stopped_and_a_dead_one_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place { paths: Paths::at(dir.path()), environment: Environment::default(), overrides: Vec::new() };
    let mut bridge = Bridge::new(Link::At(Box::new(place)), HudWake::default());
    bridge.enter(Market::Real).unwrap();
    assert!(!dir.path().join("pylon.lock").exists(), "a stopped node takes no lock");
    bridge.line = None;
    bridge.send(NodeCommand::Status).unwrap();
    let line = bridge.line.as_ref().unwrap();
    let next = || line.events.recv_timeout(std::time::Duration::from_secs(30)).unwrap().event;
    assert_eq!(next(), NodeEvent::Link { link: crate::node::Link::Inside });
    assert!(matches!(next(), NodeEvent::Status { status } if status.state == NodeState::Stopped));
}
