//! What the node adds to a job, and what a relay's flood costs it.
//!
//! `overhead`: from the moment the buyer hands the request to its relay connection to the moment the result comes back
//! over it, on a loopback relay with an engine that costs nothing: claim, start and answer are three commits with a
//! full sync each. Reported as criterion's distribution, and as p50 and p95 over single jobs.
//! `screen`: events a second through size check, parsing, duplicate check and signature check, and through parsing into
//! a job request.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on should stop, and it prints")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nostr::{EventBuilder, JsonUtil as _, Keys, Kind, Tag};
use pylon_hud::clock::Clock;
use pylon_hud::config::{Environment, Paths};
use pylon_hud::domain::ids::RequestId;
use pylon_hud::domain::request::Scheme;
use pylon_hud::nip90::request;
use pylon_hud::node::{Node, NodeCommand, NodeEvent, NodeHandle, NodeOptions, NodeState, Request, Robot};
use pylon_hud::practice::{self, PracticeRelay};
use pylon_hud::relay::{Screen, Verdict};

const SUBSCRIPTION: &str = "requests";
const JOBS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(30);

fn flood(count: usize) -> Vec<String> {
    let keys = Keys::generate();
    (0..count)
        .map(|number| {
            let tags = [Tag::parse(["i", &format!("Prompt number {number}."), "text"]).unwrap()];
            let event = EventBuilder::new(Kind::from(5050), "").tags(tags).sign_with_keys(&keys).unwrap();
            format!(r#"["EVENT","{SUBSCRIPTION}",{}]"#, event.as_json())
        })
        .collect()
}

fn screen(criterion: &mut Criterion) {
    let frames = flood(1000);
    let keys = Keys::generate();
    let mut group = criterion.benchmark_group("screen");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("verify, dedupe, parse", |bencher| {
        bencher.iter_batched(
            || Screen::new(65_536),
            |screen| {
                for frame in &frames {
                    match screen.screen_frame(frame, |_, _| true) {
                        Verdict::New(event) => drop(black_box(request::read(&event, &keys))),
                        verdict => panic!("{verdict:?}"),
                    }
                }
            },
            criterion::BatchSize::LargeInput,
        );
    });
    let screen = Screen::new(65_536);
    for frame in &frames {
        screen.screen_frame(frame, |_, _| true);
    }
    group.bench_function("duplicates", |bencher| {
        bencher.iter(|| {
            for frame in &frames {
                black_box(screen.screen_frame(frame, |_, _| true));
            }
        });
    });
    group.finish();
}

struct Loop {
    runtime: tokio::runtime::Runtime,
    _relay: PracticeRelay,
    _dir: tempfile::TempDir,
    _node: Arc<NodeHandle>,
    robot: Robot,
}

/// A provider that is online and a buyer that knows it.
fn market() -> Loop {
    pylon_hud::net::init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let paths = Paths::at(dir.path());
    let identity = practice::identity(&paths).unwrap();
    let relay = runtime.block_on(PracticeRelay::start()).unwrap();
    let mut options = practice::provider(NodeOptions::new(paths, Environment::default()), &relay).unwrap();
    // Only the practice engine answers, whatever runs on this machine.
    options.overrides.push("backends.ollama.url=\"http://127.0.0.1:9\"".parse().unwrap());
    let node = Node::launch(options).unwrap();
    node.commands.send(Request { id: RequestId(1), command: NodeCommand::GoOnline }).unwrap();
    loop {
        match node.events.recv_timeout(PATIENCE).unwrap().event {
            NodeEvent::Status { status } if status.state == NodeState::Online => break,
            NodeEvent::Failed { failure } => panic!("{failure:?}"),
            _ => {}
        }
    }
    let robot = runtime.block_on(Robot::connect(relay.url(), identity.pubkey())).unwrap();
    Loop { runtime, _relay: relay, _dir: dir, _node: Arc::new(node), robot }
}

fn overhead(criterion: &mut Criterion) {
    let mut market = market();
    let clock = Clock::default();
    let mut buy = || {
        let begun = Instant::now();
        let bought = market.runtime.block_on(market.robot.buy("Ping.", Scheme::Plain, clock.now(), PATIENCE)).unwrap();
        black_box(bought);
        begun.elapsed()
    };
    for _ in 0..20 {
        buy();
    }
    let mut times: Vec<Duration> = (0..JOBS).map(|_| buy()).collect();
    times.sort_unstable();
    let percentile = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1000.0;
    println!("overhead: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms over {JOBS} jobs", percentile(50), percentile(95), percentile(99));
    let mut group = criterion.benchmark_group("overhead");
    group.sample_size(50);
    group.bench_function("request to result", |bencher| bencher.iter(&mut buy));
    group.finish();
}

criterion_group!(benches, screen, overhead);
criterion_main!(benches);
