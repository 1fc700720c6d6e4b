//! The examples of docs/control-socket.md, said to a real socket. A command without one fails here, and so does one that
//! has changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::serve;
use crate::node::command::NodeCommand;
use crate::node::event::NodeEvent;
use crate::node::outlet::Outlet;
use crate::node::tasks::Tasks;
use crate::node::wake::NoWake;

const PAGE: &str = include_str!("../../../docs/control-socket.md");

/// The rows of the table: the command, and the events that answer it.
fn rows() -> Vec<(&'static str, Vec<&'static str>)> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `{"));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    cells.map(|cells| (quoted(cells[0])[0], quoted(cells[1]))).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Every name there is, as the parser lists them for whoever says another one.
fn names<T: DeserializeOwned>(tag: &str) -> BTreeSet<String> {
    let refused = serde_json::from_str::<T>(&format!("{{\"{tag}\":\"?\"}}")).err().expect("no such name").to_string();
    let names: BTreeSet<String> = quoted(&refused).into_iter().filter(|name| *name != "?").map(str::to_owned).collect();
    assert!(names.len() > 20, "{refused}");
    names
}

fn name(command: &str) -> String {
    serde_json::from_str::<Value>(command).expect(command)["do"].as_str().expect(command).to_owned()
}

#[test]
fn every_command_has_an_example_and_every_event_is_named() {
    let shown: BTreeSet<String> = rows().iter().map(|(command, _)| name(command)).collect();
    assert_eq!(shown, names::<NodeCommand>("do"));
    let events = names::<NodeEvent>("event");
    for (command, answers) in rows() {
        assert!(answers.iter().all(|answer| events.contains(*answer)), "{command} is answered by {answers:?}");
    }
    let named: BTreeSet<&str> = quoted(PAGE).into_iter().collect();
    let missing: Vec<&String> = events.iter().filter(|event| !named.contains(event.as_str())).collect();
    assert!(missing.is_empty(), "the page does not name {missing:?}");
}

#[tokio::test]
async fn every_example_is_understood_to_the_last_field() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("control.sock");
    let (events, _inbox) = crossbeam_channel::unbounded();
    let outlet = Outlet::new(events, Arc::new(NoWake));
    let tasks = Tasks::new(outlet.clone());
    let (asked, mut heard) = mpsc::channel(64);
    serve(&path, asked, outlet, &tasks, &tasks).expect("listening");
    let (reader, mut writer) = UnixStream::connect(&path).await.expect("connected").into_split();
    let mut answers = BufReader::new(reader).lines();
    for (example, _) in rows() {
        writer.write_all(format!("{example}\n").as_bytes()).await.expect("said");
        if name(example) == "hello" {
            let answer = answers.next_line().await.expect("read").expect("an answer");
            assert!(answer.starts_with(r#"{"id":1,"event":"hello""#), "{answer}");
            continue;
        }
        let asked = tokio::select! {
            asked = heard.recv() => asked.expect("a command"),
            answer = answers.next_line() => panic!("{example} is answered {answer:?}"),
        };
        // A field that is misspelt would be passed over, and not come back.
        let understood = serde_json::to_value(&asked.command).expect("json");
        let Value::Object(said) = serde_json::from_str(example).expect(example) else { panic!("{example}") };
        for (field, value) in said.iter().filter(|(field, _)| *field != "id") {
            assert!(is_within(value, &understood[field]), "{example}: {field} is understood as {}", understood[field]);
        }
    }
}

/// Whether everything that was said is in what was understood, which has the defaults as well.
fn is_within(said: &Value, understood: &Value) -> bool {
    match (said, understood) {
        (Value::Object(said), Value::Object(understood)) => {
            said.iter().all(|(field, value)| understood.get(field).is_some_and(|known| is_within(value, known)))
        }
        (said, understood) => said == understood,
    }
}
