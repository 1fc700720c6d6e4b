//! Panes: entities with a frame, a place in the order, and motion. What is inside them is drawn by `panes`.
//!
//! The entity owns the frame, [`frame::PaneUi`] draws the chrome once for all of them, and a pure function draws the
//! content. [`PANES`] is the registry: it drives spawning, the hotbar and the slots' labels.

pub mod focus;
pub mod frame;
pub mod layout;
pub mod motion;

use bevy::prelude::*;
use bevy_egui::egui::{self, Rect, Vec2, vec2};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::action::UserAction;
use super::icons::Icon;
use super::{HudSystems, panes};
pub use motion::PaneMotion;

/// Which pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaneKind {
    SellCompute,
    Wallet,
    JobHistory,
    Pylon,
    Relays,
    Activity,
    Settings,
}

/// A row of the registry.
#[derive(Debug)]
pub struct PaneSpec {
    pub kind: PaneKind,
    /// The module under `panes`.
    pub module: &'static str,
    pub title: &'static str,
    pub icon: Icon,
    /// Its slot at first, 0 to 8.
    pub slot: usize,
    /// Its size at first, in points.
    pub size: Vec2,
}

/// Every pane there is. Slots 4 and 6 are for panes to come.
pub const PANES: [PaneSpec; 7] = [
    PaneSpec {
        kind: PaneKind::SellCompute,
        module: "sell_compute",
        title: "Sell Compute",
        icon: Icon::Chip,
        slot: 0,
        size: vec2(480.0, 560.0),
    },
    PaneSpec { kind: PaneKind::Wallet, module: "wallet", title: "Wallet", icon: Icon::Coin, slot: 1, size: vec2(420.0, 520.0) },
    PaneSpec {
        kind: PaneKind::JobHistory,
        module: "job_history",
        title: "Job History",
        icon: Icon::Rows,
        slot: 2,
        size: vec2(734.0, 500.0),
    },
    PaneSpec { kind: PaneKind::Pylon, module: "pylon", title: "Pylon", icon: Icon::Power, slot: 4, size: vec2(460.0, 420.0) },
    PaneSpec { kind: PaneKind::Relays, module: "relays", title: "Relays", icon: Icon::Aerial, slot: 6, size: vec2(520.0, 340.0) },
    PaneSpec { kind: PaneKind::Activity, module: "activity", title: "Activity", icon: Icon::Pulse, slot: 7, size: vec2(560.0, 360.0) },
    PaneSpec { kind: PaneKind::Settings, module: "settings", title: "Settings", icon: Icon::Sliders, slot: 8, size: vec2(460.0, 480.0) },
];

/// How many slots there are.
pub const SLOTS: usize = 9;

/// An entity that is a pane.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
#[require(PaneFrame, PaneMotion, PaneOrder)]
pub struct Pane(pub PaneKind);

/// Where it is when nothing moves, and what its title bar says.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
pub struct PaneFrame {
    pub rect: Rect,
    pub title: &'static str,
    pub icon: Icon,
    /// It has had a place, and comes back to it.
    pub is_placed: bool,
}

impl Default for PaneFrame {
    fn default() -> Self {
        Self { rect: Rect::ZERO, title: "", icon: Icon::Chip, is_placed: false }
    }
}

/// Its place in the order: the highest is in front.
#[derive(Component, Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaneOrder(pub u64);

/// It is shut: nothing of it is drawn.
#[derive(Component, Debug, Clone, Copy, Default)]
pub struct Closed;

/// The pane that keys go to.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActivePane(pub Option<Entity>);

/// The window as panes see it, in points.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// The whole window.
    pub window: Rect,
    /// Where panes are arranged: below the chips, above the hotbar.
    pub work: Rect,
    /// The panes stand as they were tidied, and nobody has moved one since.
    pub is_tidy: bool,
}

impl Default for Stage {
    fn default() -> Self {
        Self::of(Rect::from_min_size(egui::Pos2::ZERO, vec2(1280.0, 720.0)))
    }
}

impl Stage {
    pub fn of(window: Rect) -> Self {
        Self { window, work: layout::work_area(window), is_tidy: false }
    }
}

/// Panes as entities, and everything that moves them.
pub fn plugin(app: &mut App) {
    app.init_resource::<ActivePane>().init_resource::<Stage>().init_resource::<layout::Cascade>().init_resource::<motion::Moving>();
    app.add_systems(Startup, spawn);
    app.add_systems(EguiPrimaryContextPass, measure.in_set(HudSystems::DrawBehind));
    app.add_systems(
        Update,
        (
            motion::begin.before(HudSystems::Move),
            (focus::mend, motion::play).chain().in_set(HudSystems::Move),
            motion::keep_going.after(HudSystems::Move),
        ),
    );
}

/// Sees that the window has another size, or another scale.
fn measure(mut contexts: EguiContexts<'_, '_>, stage: Res<'_, Stage>, mut actions: MessageWriter<'_, UserAction>) -> Result {
    let window = contexts.ctx_mut()?.viewport_rect();
    if window != stage.window {
        actions.write(UserAction::Resized(window));
    }
    Ok(())
}

/// Every pane exists from the start and is shut, so that forms keep what was typed into them.
fn spawn(mut commands: Commands<'_, '_>) {
    for spec in &PANES {
        let frame =
            PaneFrame { rect: Rect::from_min_size(egui::Pos2::ZERO, spec.size), title: spec.title, icon: spec.icon, is_placed: false };
        let mut pane = commands.spawn((Name::new(spec.title), Pane(spec.kind), frame, Closed));
        panes::furnish(spec.kind, &mut pane);
    }
}
