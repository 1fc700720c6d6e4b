//! Panes: entities with a frame, a place in the order, and motion. What is inside them is drawn by `panes`.
//!
//! The entity owns the frame, [`frame::PaneUi`] draws the chrome once for all of them, and a pure function draws the
//! content. [`PANES`] is the registry: it drives spawning, the hotbar, what is kept until the next start, and the slots'
//! labels.

pub mod arranging;
pub mod focus;
pub mod form;
pub mod frame;
pub mod grip;
pub mod layout;
pub mod motion;
pub mod placing;
pub mod pulse;
pub mod snap;
pub mod spawn;
pub mod spring;
#[cfg(test)]
mod tests;
pub mod tile;

use std::borrow::Cow;

use bevy::prelude::*;
use bevy_egui::egui::{self, Rect, Vec2, vec2};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};
use serde::{Deserialize, Serialize};

use super::HudSystems;
use super::action::UserAction;
use super::icons::Icon;
use super::widgets::scroll::Scrolled;
use crate::domain::ids::JobId;
pub use motion::PaneMotion;
pub use pulse::PanePulse;
use tile::Tile;

/// Which pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaneKind {
    SellCompute,
    Wallet,
    JobHistory,
    Pylon,
    Relays,
    Activity,
    Settings,
    /// One job in a pane of its own.
    JobDetail,
}

impl PaneKind {
    /// Its row in the registry.
    pub fn spec(self) -> &'static PaneSpec {
        let [first, ..] = &PANES;
        PANES.iter().find(|spec| spec.kind == self).unwrap_or(first)
    }
}

/// Where a pane comes from, and whether there is more than one of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Berth {
    /// There is one, and this is its slot at first, 0 to 8.
    Slot(usize),
    /// There may be many: each is opened from that pane, and is no more when it is closed.
    From(PaneKind),
}

/// A row of the registry.
#[derive(Debug)]
pub struct PaneSpec {
    pub kind: PaneKind,
    /// The module under `panes`.
    pub module: &'static str,
    pub title: &'static str,
    pub icon: Icon,
    pub berth: Berth,
    /// Its size at first, in points.
    pub size: Vec2,
}

/// Every pane there is. Slots 4 and 6 are for panes to come.
pub const PANES: [PaneSpec; 8] = [
    PaneSpec {
        kind: PaneKind::SellCompute,
        module: "sell_compute",
        title: "Sell Compute",
        icon: Icon::Chip,
        berth: Berth::Slot(0),
        size: vec2(480.0, 560.0),
    },
    PaneSpec {
        kind: PaneKind::Wallet,
        module: "wallet",
        title: "Wallet",
        icon: Icon::Coin,
        berth: Berth::Slot(1),
        size: vec2(420.0, 520.0),
    },
    PaneSpec {
        kind: PaneKind::JobHistory,
        module: "job_history",
        title: "Job History",
        icon: Icon::Rows,
        berth: Berth::Slot(2),
        size: vec2(734.0, 500.0),
    },
    PaneSpec { kind: PaneKind::Pylon, module: "pylon", title: "Pylon", icon: Icon::Power, berth: Berth::Slot(4), size: vec2(460.0, 420.0) },
    PaneSpec {
        kind: PaneKind::Relays,
        module: "relays",
        title: "Relays",
        icon: Icon::Aerial,
        berth: Berth::Slot(6),
        size: vec2(520.0, 340.0),
    },
    PaneSpec {
        kind: PaneKind::Activity,
        module: "activity",
        title: "Activity",
        icon: Icon::Pulse,
        berth: Berth::Slot(7),
        size: vec2(560.0, 360.0),
    },
    PaneSpec {
        kind: PaneKind::Settings,
        module: "settings",
        title: "Settings",
        icon: Icon::Sliders,
        berth: Berth::Slot(8),
        size: vec2(460.0, 480.0),
    },
    PaneSpec {
        kind: PaneKind::JobDetail,
        module: "job_detail",
        title: "Job",
        icon: Icon::Sheet,
        berth: Berth::From(PaneKind::JobHistory),
        size: vec2(520.0, 460.0),
    },
];

/// How many slots there are.
pub const SLOTS: usize = 9;

/// An entity that is a pane.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
#[require(PaneFrame, PaneMotion, PaneOrder, PanePulse, Scrolled)]
pub struct Pane(pub PaneKind);

/// The job that a pane of its own is about.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shows(pub JobId);

/// Where it is when nothing moves, and what its title bar says.
#[derive(Component, Debug, Clone, PartialEq)]
pub struct PaneFrame {
    pub rect: Rect,
    /// Where the user put it. `rect` is that, as far as the window has room, while it is in no tile.
    pub wanted: Rect,
    /// The user put it clear of chips and hotbar, so it goes on keeping clear of them.
    pub is_clear: bool,
    /// The part of the window it fills.
    pub tile: Option<Tile>,
    pub title: Cow<'static, str>,
    pub icon: Icon,
    /// It has had a place, and comes back to it.
    pub is_placed: bool,
}

impl Default for PaneFrame {
    fn default() -> Self {
        Self {
            rect: Rect::ZERO,
            wanted: Rect::ZERO,
            is_clear: false,
            tile: None,
            title: Cow::Borrowed(""),
            icon: Icon::Chip,
            is_placed: false,
        }
    }
}

impl PaneFrame {
    /// From now on it belongs here, and in no tile.
    fn put(&mut self, place: Rect, stage: &Stage) {
        self.wanted = place;
        self.is_clear = stage.work.expand(1.0).contains_rect(place);
        self.tile = None;
        self.is_placed = true;
    }

    /// Where it belongs in this window.
    fn fitting(&self, stage: &Stage) -> Rect {
        match self.tile {
            Some(tile) => tile.place(stage.work),
            None if self.is_clear => layout::confine(self.wanted, stage.work),
            None => layout::clamp(self.wanted, stage.window),
        }
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
    app.init_resource::<focus::Front>().init_resource::<focus::Grasp>().init_resource::<snap::Snap>();
    app.init_resource::<arranging::Arranging>().init_resource::<spawn::Asleep>();
    app.add_systems(Startup, spawn::spawn);
    app.add_systems(EguiPrimaryContextPass, (measure, snap::draw).chain().in_set(HudSystems::DrawBehind));
    let lights = (pulse::notice_payment, pulse::notice_work, pulse::play);
    app.add_systems(
        Update,
        (
            motion::begin.in_set(HudSystems::Begin),
            (spawn::wake, focus::mend, motion::play, snap::play, lights.chain()).chain().in_set(HudSystems::Move),
            motion::keep_going.in_set(HudSystems::Rest),
        ),
    );
}

/// Sees that the window has another size, or another scale.
pub fn measure(mut contexts: EguiContexts<'_, '_>, stage: Res<'_, Stage>, mut actions: MessageWriter<'_, UserAction>) -> Result {
    let window = contexts.ctx_mut()?.viewport_rect();
    if window != stage.window {
        actions.write(UserAction::Resized(window));
    }
    Ok(())
}
