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

/// A program that writes what it likes.
struct Rude {
    stream: UnixStream,
    lines: std::io::Lines<BufReader<UnixStream>>,
}

impl Rude {
    fn connect(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        Self { stream, lines }
    }

    fn say(&mut self, text: &str) -> Option<String> {
        self.stream.write_all(text.as_bytes()).unwrap();
        self.lines.next().map(Result::unwrap)
    }

    fn is_hung_up_on(&mut self) -> bool {
        matches!(self.lines.next(), None | Some(Err(_)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_of_another_version_and_endless_lines_are_hung_up_on_and_others_notice_nothing() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let path = market.paths.control_sock.clone();
    tokio::task::spawn_blocking(move || {
        let mut other = ControlClient::connect(&path).unwrap();
        let mut still_there = || assert!(matches!(other.call(NodeCommand::Status, PATIENCE).unwrap(), NodeEvent::Status { .. }));
        let mut welcome = Rude::connect(&path);
        let answer = welcome.say("{\"id\":1,\"do\":\"hello\",\"version\":1}\n").unwrap();
        assert!(answer.contains(r#""version":1"#) && answer.contains("program"), "{answer}");
        let mut old = Rude::connect(&path);
        let answer = old.say("{\"id\":1,\"do\":\"hello\",\"version\":99}\n").unwrap();
        assert!(answer.contains("version 1") && answer.contains("not 99") && answer.contains("pylon restart"), "{answer}");
        assert!(old.is_hung_up_on());
        still_there();
        // 100 MB without a line's end: it is not read to its end, let alone kept.
        let mut endless = Rude::connect(&path);
        let chunk = vec![b'x'; 1 << 20];
        let refused = (0..100).any(|_| endless.stream.write_all(&chunk).is_err());
        assert!(refused, "somebody has read 100 MB");
        still_there();
        // Half a line, and gone.
        let half = Rude::connect(&path);
        (&half.stream).write_all(b"{\"id\":1,\"do\":\"sto").unwrap();
        drop(half);
        for garbage in ["\u{0}\u{1}\n", "[]\n", "null\n", "{\"do\":\"status\"}\n", "{\"id\":-1,\"do\":\"status\"}\n", "\"stop\"\n"] {
            let answer = welcome.say(garbage).unwrap();
            assert!(answer.contains("Not a command"), "{garbage:?} -> {answer}");
        }
        still_there();
    })
    .await
    .unwrap();
    assert_eq!(node.status().await.state, NodeState::Online);
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_and_does_not_read_is_hung_up_on_and_the_node_goes_on() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&[]), &[]).await;
    let path = market.paths.control_sock.clone();
    tokio::task::spawn_blocking(move || {
        let deaf = Rude::connect(&path);
        deaf.stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let question = b"{\"id\":1,\"do\":\"status\"}\n".repeat(64);
        let is_hung_up_on = (0..100_000).any(|_| (&deaf.stream).write_all(&question).is_err());
        assert!(is_hung_up_on);
        let mut other = ControlClient::connect(&path).unwrap();
        assert!(matches!(other.call(NodeCommand::Status, PATIENCE).unwrap(), NodeEvent::Status { .. }));
    })
    .await
    .unwrap();
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_programs_at_once_each_get_their_own_answers() {
    let market = Market::new().await;
    let node = market.online(Scripted::quick(&["Hi."]), &[]).await;
    let mut buyer = Buyer::connect(&market.relay).await;
    let job = buyer.request(&[&["i", "Hello.", "text"]], "").await;
    buyer.result(job).await;
    let id = job.to_hex();
    let programs: Vec<_> = (0..50)
        .map(|number: u32| {
            let (path, id) = (market.paths.control_sock.clone(), id.clone());
            std::thread::spawn(move || {
                let mut client = ControlClient::connect(&path).unwrap();
                if number.is_multiple_of(5) {
                    client.call(NodeCommand::Watch, PATIENCE).unwrap();
                }
                for _ in 0..20 {
                    assert!(matches!(client.call(NodeCommand::Status, PATIENCE).unwrap(), NodeEvent::Status { .. }));
                    match client.call(NodeCommand::Job { job: id.clone() }, PATIENCE).unwrap() {
                        NodeEvent::JobDetail { job } => assert_eq!(job.record.id.to_string(), id),
                        event => panic!("{event:?}"),
                    }
                }
            })
        })
        .collect();
    let joined = tokio::task::spawn_blocking(move || programs.into_iter().all(|program| program.join().is_ok()));
    assert!(joined.await.unwrap());
    node.stop();
}
