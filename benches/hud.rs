//! What a frame of the window costs the processor: all systems and egui's pass with its tessellation, no GPU.
//!
//! `frame`: six panes open and tidied, a ledger of 1,000 rows, 200 payments, a job under way.
//! - `still`: nothing has changed, as when the pointer moves.
//! - `progress`: the node says how far the job is, ten times a second while one runs.
//! - `job`: a job arrives, runs and is done, all in one frame.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on should stop, and it prints")]

use std::time::{Duration, Instant};

use bevy::a11y::AccessibilityPlugin;
use bevy::asset::AssetPlugin;
use bevy::input::InputPlugin;
use bevy::prelude::*;
use bevy::window::WindowPlugin;
use bevy_egui::egui::{self, Rect, vec2};
use bevy_egui::{EguiInput, EguiPlugin, PrimaryEguiContext};
use criterion::{Criterion, criterion_group, criterion_main};
use crossbeam_channel::{Receiver, Sender};
use pylon_hud::domain::ids::{JobId, Pubkey};
use pylon_hud::domain::job::{JobState, Payment, Policy};
use pylon_hud::domain::money::MilliSats;
use pylon_hud::domain::payment::{Direction, Network, PaymentState};
use pylon_hud::domain::time::UnixMs;
use pylon_hud::hud::HudPlugin;
use pylon_hud::hud::action::UserAction;
use pylon_hud::hud::bridge::Link;
use pylon_hud::hud::leave::Exit;
use pylon_hud::hud::prefs::Read;
use pylon_hud::hud::window::Placement;
use pylon_hud::node::status::{OpenWallet, WalletView};
use pylon_hud::node::{Market, NodeEvent, NodeState, NodeStatus, Report, Request};
use pylon_hud::store::JobRow;
use pylon_hud::wallet::{Snapshot, SyncState};

const ROWS: u32 = 1_000;
const PAYMENTS: u32 = 200;
const FRAMES: usize = 400;

struct Bench {
    app: App,
    events: Sender<Report>,
    commands: Receiver<Request>,
}

fn job(number: u32, state: JobState) -> NodeEvent {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let is_done = state == JobState::Done;
    let seen_at = UnixMs(1_700_000_000_000 + i64::from(number) * 1_000);
    NodeEvent::JobChanged {
        job: Box::new(JobRow {
            id: JobId(id),
            buyer: Pubkey([7; 32]),
            kind: 5050,
            state,
            policy: Policy::Free,
            payment: Payment::None,
            model: Some("llama3.2".into()),
            backend: Some("ollama".into()),
            price: MilliSats(0),
            seen_at,
            ended_at: is_done.then(|| seen_at.plus_ms(1_700)),
            prompt_chars: 120,
            prompt_tokens: is_done.then_some(30),
            answer_tokens: is_done.then_some(212),
            infer_ms: is_done.then_some(1_650),
            reason_code: None,
            reason: None,
        }),
    }
}

fn status() -> NodeStatus {
    let snapshot = Snapshot {
        balance: MilliSats(48_210_000),
        pending_in: MilliSats(0),
        pending_out: MilliSats(0),
        network: Network::Practice,
        source: "bench".into(),
        as_of: UnixMs(1_700_000_000_000),
        sync: SyncState::Synced,
    };
    NodeStatus {
        state: NodeState::Online,
        running: true,
        practice: true,
        open_wallet: Some(OpenWallet { kind: "practice".into(), network: Network::Practice, hides_balance: false }),
        wallet: Some(WalletView { kind: "practice".into(), snapshot }),
        ..NodeStatus::default()
    }
}

fn payment(number: u32) -> pylon_hud::domain::payment::Payment {
    let at = UnixMs(1_700_000_000_000 + i64::from(number) * 1_000);
    pylon_hud::domain::payment::Payment {
        id: number.to_string(),
        direction: Direction::In,
        state: PaymentState::Settled { at },
        amount: MilliSats(3_000),
        fee: MilliSats(0),
        hash: None,
        preimage: None,
        created_at: at,
        description: format!("Job {number}"),
    }
}

impl Bench {
    fn new() -> Self {
        let (commands, asked) = crossbeam_channel::bounded(64);
        let (events, told) = crossbeam_channel::unbounded();
        let mut app = App::new();
        app.add_plugins((MinimalPlugins, InputPlugin, WindowPlugin::default(), AccessibilityPlugin, AssetPlugin::default()));
        app.init_asset::<Shader>().init_asset::<Image>().init_resource::<ClearColor>();
        app.add_plugins(EguiPlugin::default());
        let link = Link::Given { commands, events: told };
        app.add_plugins(HudPlugin {
            placement: Placement::Windowed,
            link,
            market: Some(Market::Practice),
            preferences: Read::default(),
            preferences_file: None,
            exit: Exit::default(),
        });
        app.finish();
        app.cleanup();
        let mut bench = Self { app, events, commands: asked };
        bench.fill();
        bench
    }

    /// Six panes, full tables, a job under way.
    fn fill(&mut self) {
        self.frame();
        for slot in [1, 2, 4, 6, 7] {
            self.app.world_mut().write_message(UserAction::PressSlot(slot));
        }
        self.say(NodeEvent::Status { status: Box::new(status()) });
        for number in 0..PAYMENTS {
            self.say(NodeEvent::Payment { payment: Box::new(payment(number)) });
        }
        for number in 0..ROWS {
            self.say(job(number, JobState::Done));
        }
        self.say(job(ROWS, JobState::Running));
        self.frame();
        self.app.world_mut().write_message(UserAction::Tidy);
        // Motion is over after a second.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            self.frame();
        }
    }

    fn say(&self, event: NodeEvent) {
        self.events.send(Report { id: None, event }).unwrap();
    }

    fn progress(&self, tokens: u32) {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&ROWS.to_be_bytes());
        let tail = format!("and the answer grows by a word, and that is number {tokens}");
        self.say(NodeEvent::JobProgress { job: JobId(id), chars: u64::from(tokens) * 5, tokens: tokens % 512, max_tokens: 512, tail });
    }

    fn frame(&mut self) -> Duration {
        let mut contexts = self.app.world_mut().query_filtered::<&mut EguiInput, With<PrimaryEguiContext>>();
        for mut input in contexts.iter_mut(self.app.world_mut()) {
            input.screen_rect = Some(Rect::from_min_size(egui::Pos2::ZERO, vec2(1280.0, 720.0)));
        }
        let begun = Instant::now();
        self.app.update();
        let took = begun.elapsed();
        self.commands.try_iter().for_each(drop);
        took
    }

    /// p50 and p99 of many frames, each prepared in this way.
    fn spread(&mut self, name: &str, mut prepare: impl FnMut(&mut Self, u32)) {
        let mut times: Vec<Duration> = (0..FRAMES)
            .map(|number| {
                prepare(self, u32::try_from(number).unwrap());
                self.frame()
            })
            .collect();
        times.sort_unstable();
        println!("{name}: p50 {:.2?}, p99 {:.2?}, worst {:.2?}", times[FRAMES / 2], times[FRAMES * 99 / 100], times[FRAMES - 1]);
    }
}

fn frame(criterion: &mut Criterion) {
    let mut bench = Bench::new();
    bench.spread("frame/still", |_, _| {});
    bench.spread("frame/progress", |bench, number| bench.progress(number));
    bench.spread("frame/job", |bench, number| {
        for state in [JobState::Running, JobState::Answered, JobState::Done] {
            bench.say(job(ROWS + 1 + number, state));
        }
    });
    criterion.bench_function("frame/still", |timer| timer.iter(|| bench.frame()));
}

criterion_group!(benches, frame);
criterion_main!(benches);
