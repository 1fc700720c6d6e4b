//! The whole window with neither screen nor GPU, and a node that says what a test tells it to.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod pointer;

use std::path::PathBuf;
use std::time::Duration;

use bevy::a11y::AccessibilityPlugin;
use bevy::asset::AssetPlugin;
use bevy::input::{
    ButtonState, InputPlugin,
    keyboard::{Key, KeyboardInput},
};
use bevy::prelude::*;
use bevy::time::TimeUpdateStrategy;
use bevy::window::{PrimaryWindow, RequestRedraw, WindowPlugin};
use bevy_egui::egui::{self, Rect, Shape, pos2, vec2};
use bevy_egui::{EguiFullOutput, EguiInput, EguiPlugin, EguiPostUpdateSet, PrimaryEguiContext};
use crossbeam_channel::{Receiver, Sender};

use super::bridge::Link;
use super::leave::Exit;
use super::pane::{Pane, PaneFrame, PaneKind, PaneMotion};
use super::prefs::{Preferences, Read};
use super::state::WallClock;
use super::window::Placement;
use super::{HudPlugin, HudSystems};
use crate::clock::Clock;
use crate::domain::ids::{JobId, Pubkey};
use crate::domain::job::{JobState, Payment, Policy};
use crate::domain::model::{BackendHealth, BackendState, ModelInfo};
use crate::domain::money::{MilliSats, Sats};
use crate::domain::time::UnixMs;
use crate::node::{Finding, Market, NodeCommand, NodeEvent, NodeState, NodeStatus, Preflight, Report, Request, Verdict};
use crate::store::JobRow;

/// 2023-11-14 22:13:20 UTC: when tests take place.
pub const NOW: UnixMs = UnixMs(1_700_000_000_000);
/// From one frame to the next.
pub const FRAME: Duration = Duration::from_millis(20);

/// A window and the node's end of its channels.
pub struct Hud {
    pub app: App,
    commands: Receiver<Request>,
    events: Option<Sender<Report>>,
    asked: Vec<Request>,
    pub size: egui::Vec2,
    /// Time since the start.
    elapsed: Duration,
    clock: std::sync::Arc<std::sync::atomic::AtomicI64>,
}

/// A text that can be seen, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub text: String,
    pub place: Rect,
}

#[derive(Resource, Default)]
struct Screen(Vec<Seen>);

impl Hud {
    /// A window in the practice market whose node is stopped, at rest.
    pub fn new() -> Self {
        let mut hud = Self::build(Some(Market::Practice), Read::default());
        hud.settle();
        hud
    }

    /// A kiosk in the practice market whose node is stopped, at rest.
    pub fn kiosk() -> Self {
        let mut hud = Self::open_in(Placement::Kiosk, Some(Market::Practice), Read::default(), None);
        hud.settle();
        hud
    }

    /// The same with these preferences.
    pub fn kiosk_with(preferences: Read) -> Self {
        let mut hud = Self::open_in(Placement::Kiosk, Some(Market::Practice), preferences, None);
        hud.settle();
        hud
    }

    /// A kiosk for whoever comes first.
    pub fn kiosk_without_market() -> Self {
        let mut hud = Self::open_in(Placement::Kiosk, None, Read::default(), None);
        hud.settle();
        hud
    }

    pub fn build(market: Option<Market>, preferences: Read) -> Self {
        Self::open_in(Placement::Windowed, market, preferences, None)
    }

    fn open_in(placement: Placement, market: Option<Market>, preferences: Read, preferences_file: Option<PathBuf>) -> Self {
        let (commands, asked) = crossbeam_channel::bounded(64);
        let (events, told) = crossbeam_channel::unbounded();
        let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(NOW.0));
        let mut app = App::new();
        // As `main` has it: closing is the window's own business.
        let window = WindowPlugin { close_when_requested: false, ..default() };
        app.add_plugins((MinimalPlugins, InputPlugin, window, AccessibilityPlugin, AssetPlugin::default()));
        app.init_asset::<Shader>().init_asset::<Image>().init_resource::<ClearColor>();
        app.add_plugins(EguiPlugin::default());
        let link = Link::Given { commands, events: told };
        app.add_plugins(HudPlugin { placement, link, market, preferences, preferences_file, exit: Exit::default() });
        let hands = std::sync::Arc::clone(&clock);
        app.insert_resource(WallClock(Clock::new(move || UnixMs(hands.load(std::sync::atomic::Ordering::Relaxed)))));
        app.init_resource::<Screen>();
        app.add_systems(
            PostUpdate,
            look.after(EguiPostUpdateSet::EndPass).before(EguiPostUpdateSet::ProcessOutput).before(HudSystems::Act),
        );
        app.finish();
        app.cleanup();
        Self { app, commands: asked, events: Some(events), asked: Vec::new(), size: vec2(1280.0, 720.0), elapsed: Duration::ZERO, clock }
    }

    /// Draws a frame, so much time after the one before.
    pub fn frame_after(&mut self, time: Duration) {
        self.elapsed += time;
        self.clock.fetch_add(i64::try_from(time.as_millis()).unwrap(), std::sync::atomic::Ordering::Relaxed);
        self.app.insert_resource(TimeUpdateStrategy::ManualDuration(time));
        self.app.world_mut().resource_mut::<Messages<RequestRedraw>>().clear();
        let scale = self.app.world().resource::<Preferences>().scale_factor();
        let mut contexts = self.app.world_mut().query_filtered::<&mut EguiInput, With<PrimaryEguiContext>>();
        for mut input in contexts.iter_mut(self.app.world_mut()) {
            input.screen_rect = Some(Rect::from_min_size(egui::Pos2::ZERO, self.size / scale));
            input.time = Some(self.elapsed.as_secs_f64());
        }
        self.app.update();
        self.asked.extend(self.commands.try_iter());
    }

    pub fn frame(&mut self) {
        self.frame_after(FRAME);
    }

    /// Whether the last frame asked for another.
    pub fn wants_more(&self) -> bool {
        !self.app.world().resource::<Messages<RequestRedraw>>().is_empty()
    }

    /// Draws until nothing asks for another frame.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            self.frame();
            if !self.wants_more() {
                return;
            }
        }
        panic!("the window never comes to rest");
    }

    /// The node says something that answers nothing.
    pub fn say(&self, event: NodeEvent) {
        self.report(Report { id: None, event });
    }

    /// The node answers the newest command of this kind.
    pub fn answer(&self, command: &NodeCommand, event: NodeEvent) {
        let kind = std::mem::discriminant(command);
        let request = self.asked.iter().rev().find(|request| std::mem::discriminant(&request.command) == kind);
        let id = request.unwrap_or_else(|| panic!("{command:?} was never asked: {:?}", self.asked)).id;
        self.report(Report { id: Some(id), event });
    }

    fn report(&self, report: Report) {
        self.events.as_ref().unwrap().send(report).unwrap();
    }

    /// The node's thread ends by itself.
    pub fn kill_node(&mut self) {
        self.events = None;
    }

    /// Everything asked since it was last taken.
    pub fn asked(&self) -> Vec<NodeCommand> {
        self.asked.iter().map(|request| request.command.clone()).collect()
    }

    /// Everything asked since the last call, to be answered no more.
    pub fn take_asked(&mut self) -> Vec<NodeCommand> {
        self.asked.drain(..).map(|request| request.command).collect()
    }

    /// Presses and releases a key.
    pub fn press(&mut self, key_code: KeyCode, text: &str) {
        let logical_key =
            if text.is_empty() { Key::Unidentified(bevy::input::keyboard::NativeKey::Unidentified) } else { Key::Character(text.into()) };
        self.key(key_code, logical_key);
    }

    pub fn key(&mut self, key_code: KeyCode, logical_key: Key) {
        for state in [ButtonState::Pressed, ButtonState::Released] {
            self.send_key((key_code, logical_key.clone(), state));
        }
    }

    fn send_key(&mut self, (key_code, logical_key, state): (KeyCode, Key, ButtonState)) {
        let window = self.app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>().single(self.app.world()).unwrap();
        self.app.world_mut().write_message(KeyboardInput { key_code, logical_key, state, text: None, repeat: false, window });
    }

    /// Does something while a key is held down, all of it between two frames.
    pub fn hold(&mut self, key_code: KeyCode, act: impl FnOnce(&mut Self)) {
        let held = |state| (key_code, Key::Unidentified(bevy::input::keyboard::NativeKey::Unidentified), state);
        self.send_key(held(ButtonState::Pressed));
        act(self);
        self.send_key(held(ButtonState::Released));
    }

    /// Opens the pane in a slot, 0 to 8, by its key, and lets it come to rest.
    pub fn open(&mut self, slot: usize) {
        const DIGITS: [KeyCode; 9] = [
            KeyCode::Digit1,
            KeyCode::Digit2,
            KeyCode::Digit3,
            KeyCode::Digit4,
            KeyCode::Digit5,
            KeyCode::Digit6,
            KeyCode::Digit7,
            KeyCode::Digit8,
            KeyCode::Digit9,
        ];
        self.press(DIGITS[slot], "");
        self.settle();
    }

    /// Presses the mouse where this text is.
    pub fn click(&mut self, text: &str) {
        let seen = self.screen().iter().rev().find(|seen| seen.text == text).cloned();
        let at = seen.unwrap_or_else(|| panic!("{text:?} is not on the screen: {:#?}", self.texts())).place.center();
        self.pointer(egui::Event::PointerMoved(at));
        for pressed in [true, false] {
            self.pointer(egui::Event::PointerButton {
                pos: at,
                button: egui::PointerButton::Primary,
                pressed,
                modifiers: egui::Modifiers::NONE,
            });
        }
        self.pointer(egui::Event::PointerMoved(pos2(1.0, 1.0)));
        self.settle();
    }

    /// Types into whatever has the keys.
    pub fn type_text(&mut self, text: &str) {
        self.pointer(egui::Event::Text(text.into()));
        self.settle();
    }

    fn pointer(&mut self, event: egui::Event) {
        let mut contexts = self.app.world_mut().query_filtered::<&mut EguiInput, With<PrimaryEguiContext>>();
        for mut input in contexts.iter_mut(self.app.world_mut()) {
            input.events.push(event.clone());
        }
        self.frame();
    }

    pub fn screen(&self) -> &[Seen] {
        &self.app.world().resource::<Screen>().0
    }

    pub fn texts(&self) -> Vec<&str> {
        self.screen().iter().map(|seen| seen.text.as_str()).collect()
    }

    /// Whether some text on the screen contains this.
    pub fn shows(&self, part: &str) -> bool {
        self.screen().iter().any(|seen| seen.text.contains(part))
    }

    pub fn assert_shows(&self, part: &str) {
        assert!(self.shows(part), "{part:?} is not on the screen: {:#?}", self.texts());
    }

    pub fn pane(&mut self, kind: PaneKind) -> Entity {
        let mut panes = self.app.world_mut().query::<(Entity, &Pane)>();
        panes.iter(self.app.world()).find(|(_, pane)| pane.0 == kind).unwrap().0
    }

    /// Where a pane is seen now.
    pub fn seen_at(&mut self, kind: PaneKind) -> Rect {
        let pane = self.pane(kind);
        let world = self.app.world();
        world.get::<PaneMotion>(pane).unwrap().seen(world.get::<PaneFrame>(pane).unwrap().rect)
    }
}

/// Notes every text that can be seen.
fn look(outputs: Query<'_, '_, &EguiFullOutput>, mut screen: ResMut<'_, Screen>) {
    screen.0.clear();
    for shape in outputs.iter().filter_map(|output| output.0.as_ref()).flat_map(|output| &output.shapes) {
        collect(&shape.shape, shape.clip_rect, &mut screen.0);
    }
}

fn collect(shape: &Shape, clip: Rect, into: &mut Vec<Seen>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, into)),
        Shape::Text(text) => {
            let place = text.visual_bounding_rect();
            let text = text.galley.rows.iter().map(|row| row.text().trim_end().to_owned()).collect::<Vec<_>>().join(" ");
            if clip.intersects(place) && !text.is_empty() {
                into.push(Seen { text, place });
            }
        }
        _ => {}
    }
}

/// The status of a node in this state.
pub fn status(state: NodeState) -> NodeStatus {
    let running = !matches!(state, NodeState::Stopped);
    NodeStatus { state, running, practice: true, started_at: running.then_some(NOW), pid: running.then_some(4711), ..NodeStatus::default() }
}

pub fn status_event(state: NodeState) -> NodeEvent {
    NodeEvent::Status { status: Box::new(status(state)) }
}

/// A window whose node is online, at rest.
pub fn online() -> Hud {
    let mut hud = Hud::new();
    hud.say(NodeEvent::Preflight { preflight: Box::new(preflight()) });
    hud.say(status_event(NodeState::Online));
    hud.settle();
    hud
}

/// A job that arrived `number` milliseconds after [`NOW`].
pub fn job(number: u32, state: JobState) -> JobRow {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    JobRow {
        id: JobId(id),
        buyer: Pubkey([7; 32]),
        kind: 5050,
        state,
        policy: Policy::Free,
        payment: Payment::None,
        model: Some("llama3.2".into()),
        backend: Some("ollama".into()),
        price: MilliSats(0),
        seen_at: NOW.plus_ms(number.into()),
        ended_at: None,
        prompt_chars: 12,
        prompt_tokens: None,
        answer_tokens: None,
        infer_ms: None,
        reason_code: None,
        reason: None,
    }
}

pub fn job_event(number: u32, state: JobState) -> NodeEvent {
    NodeEvent::JobChanged { job: Box::new(job(number, state)) }
}

fn finding(check: &str, verdict: Verdict, message: &str) -> Finding {
    Finding { check: check.into(), verdict, message: message.into(), hint: None }
}

/// A machine that has everything: identity, a backend, a model, a relay.
pub fn preflight() -> Preflight {
    let model = ModelInfo {
        name: "llama3.2".into(),
        backend: "ollama".into(),
        size_bytes: None,
        context_tokens: None,
        warm: Some(true),
        tokens_per_sec: Some(38.0),
        fault: None,
    };
    let backend = BackendHealth {
        name: "ollama".into(),
        url: "http://127.0.0.1:11434".into(),
        state: BackendState::Ready { version: Some("0.9.3".into()) },
        checked_at: Some(NOW),
        models: vec![model],
    };
    Preflight {
        config: finding("config", Verdict::Good, "In order."),
        identity: finding("identity", Verdict::Good, "npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu"),
        payment: finding("payment", Verdict::Good, "Free."),
        backends: vec![backend],
        relays: vec!["wss://relay.example".into()],
        default_model: String::new(),
        policy: Policy::Free,
        min_price: Sats(3),
    }
}
