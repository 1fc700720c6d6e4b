//! The control socket, as another program meets it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use pylon_hud::node::control::ControlClient;
use pylon_hud::node::{Leaving, NodeCommand, NodeEvent, NodeState};

use crate::common::{Buyer, Market, PATIENCE, Scripted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anything_the_window_can_ask_the_socket_can_ask() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Hi."]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Hello.", "text"]], "").await;
    buyer.result(job).await;
    let path = market.paths.control_sock.clone();
    let id = job.to_hex();
    tokio::task::spawn_blocking(move || {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut client = ControlClient::connect(&path).unwrap();
        match client.call(NodeCommand::Status, PATIENCE).unwrap() {
            NodeEvent::Status { status } => assert_eq!(status.state, NodeState::Online),
            event => panic!("{event:?}"),
        }
        match client.call(NodeCommand::Job { job: id[..12].to_owned() }, PATIENCE).unwrap() {
            NodeEvent::JobDetail { job } => assert_eq!(job.record.id.to_string(), id),
            event => panic!("{event:?}"),
        }
    })
    .await
    .unwrap();
    node.stop();
    assert!(!market.paths.control_sock.exists(), "the socket outlives the node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_on_the_socket_gets_a_sentence_and_the_connection_lives() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let path = market.paths.control_sock.clone();
    tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for (sent, expected) in [
            ("make me a sandwich", "Not a command"),
            (r#"{"id":8,"do":"fly"}"#, r#""id":8"#),
            (r#"{"id":9,"do":"status"}"#, r#""state":"online""#),
        ] {
            stream.write_all(format!("{sent}\n").as_bytes()).unwrap();
            let answer = lines.next().unwrap().unwrap();
            assert!(answer.contains(expected), "{sent} -> {answer}");
        }
        stream.write_all(&vec![b'x'; 1024 * 1024 + 2]).unwrap();
        let answer = lines.next().unwrap().unwrap();
        assert!(answer.contains("bytes"), "{answer}");
    })
    .await
    .unwrap();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_sees_a_job_from_beginning_to_end() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Seen."]), &[]).await;
    let path = market.paths.control_sock.clone();
    let (ready, watching) = tokio::sync::oneshot::channel();
    let watcher = tokio::task::spawn_blocking(move || {
        let mut client = ControlClient::connect(&path).unwrap();
        client.call(NodeCommand::Watch, PATIENCE).unwrap();
        ready.send(()).unwrap();
        let mut states = Vec::new();
        while states.last().map(String::as_str) != Some("done") {
            if let NodeEvent::JobChanged { job } = client.next(Some(PATIENCE)).unwrap().event {
                states.push(job.state.to_string());
            }
        }
        states
    });
    watching.await.unwrap();
    let buyer = Buyer::connect(&market.relay).await;
    buyer.request(&[&["i", "Watch me.", "text"]], "").await;
    assert_eq!(watcher.await.unwrap(), ["seen", "running", "answered", "done"]);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_the_node_hears_that_it_has_stopped() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let path = market.paths.control_sock.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let answer = ControlClient::connect(&path).unwrap().call(NodeCommand::Stop { how: Leaving::Finish }, PATIENCE).unwrap();
        assert!(!path.exists(), "the socket is still there");
        answer
    });
    assert_eq!(answer.await.unwrap(), NodeEvent::Done);
    assert_eq!(node.status().await.state, NodeState::Stopped);
    node.stop();
}
