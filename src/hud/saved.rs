//! What is kept of the HUD's arrangement from one start to the next: where panes are, which are open, in what order, what
//! is in them and in the slots. A part of `hud.toml`, in whole points. Never a secret: see [`super::pane::form`].

use bevy::prelude::*;
use bevy_egui::egui::{Pos2, Rect, pos2, vec2};
use serde::{Deserialize, Serialize};

use super::hotbar::{Opens, Slot};
use super::pane::form::{Keeps, Kept};
use super::pane::motion::Goal;
use super::pane::tile::Tile;
use super::pane::{ActivePane, Berth, Pane, PaneFrame, PaneKind, PaneMotion, PaneOrder, Shows, Stage};
use super::prefs::Home;
use super::state::Session;
use super::widgets::scroll::Scrolled;

/// How everything stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Layout {
    /// The panes stand as they were tidied.
    pub tidy: bool,
    /// What is in the slots.
    pub slots: Vec<SavedSlot>,
    /// Every pane there is, from the back to the front. One that is missing is new, and as at first.
    pub panes: Vec<SavedPane>,
}

impl Layout {
    /// Nothing has been kept yet.
    pub const fn is_unset(&self) -> bool {
        self.panes.is_empty()
    }
}

/// A slot with a pane in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSlot {
    /// As on its badge: 1 to 9.
    pub slot: u8,
    pub pane: PaneKind,
}

/// A pane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPane {
    pub kind: PaneKind,
    #[serde(default)]
    pub standing: Standing,
    /// Where it is when it is not tiled; absent: it has never been opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// It keeps clear of chips and hotbar, in a window of another size as well.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clear: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<Tile>,
    /// How far it is scrolled.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scroll: u32,
    /// The job it shows, if it shows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<SavedJob>,
    /// What was typed into it.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub form: Kept,
}

/// Whether a pane is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    #[default]
    Closed,
    Open,
    /// Open, and the one that keys go to.
    Active,
}

/// A job, and the market it was done in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedJob {
    pub id: String,
    pub market: Home,
}

/// A rectangle in whole points, from the upper left corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl Place {
    pub fn of(rect: Rect) -> Self {
        let (Pos2 { x, y }, size) = (rect.min, rect.size());
        // A figure that is too large is the largest there is: whoever reads it puts it into the window anyway.
        Self { x: x.round() as i32, y: y.round() as i32, width: size.x.round() as u32, height: size.y.round() as u32 }
    }

    pub fn rect(self) -> Rect {
        Rect::from_min_size(pos2(self.x as f32, self.y as f32), vec2(self.width as f32, self.height as f32))
    }
}

const fn is_false(truth: &bool) -> bool {
    !*truth
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Layout {
    /// Everything as it stands now.
    pub fn of(world: &mut World) -> Self {
        Self { tidy: world.resource::<Stage>().is_tidy, slots: slots(world), panes: panes(world) }
    }
}

fn slots(world: &mut World) -> Vec<SavedSlot> {
    let assigned: Vec<(usize, Entity)> = world.query::<(&Slot, &Opens)>().iter(world).map(|(slot, opens)| (slot.index, opens.0)).collect();
    let saved = assigned.into_iter().filter_map(|(index, pane)| {
        let pane = world.get::<Pane>(pane)?.0;
        Some(SavedSlot { slot: u8::try_from(index + 1).ok()?, pane })
    });
    let mut slots: Vec<SavedSlot> = saved.collect();
    slots.sort_by_key(|slot| slot.slot);
    slots
}

fn panes(world: &mut World) -> Vec<SavedPane> {
    let active = world.resource::<ActivePane>().0;
    // How far a kiosk's picture has drifted is nothing to keep.
    let drift = world.resource::<Stage>().window.min.to_vec2();
    let market = world.resource::<Session>().market;
    let mut panes = world.query::<(EntityRef<'_>, &Pane, &PaneFrame, &PaneMotion, &PaneOrder)>();
    let saved = panes.iter(world).filter_map(|(pane, kind, frame, motion, order)| {
        let standing = match motion.goal {
            Goal::Shut => Standing::Closed,
            Goal::Open if active == Some(pane.id()) => Standing::Active,
            Goal::Open => Standing::Open,
        };
        let is_one_of_many = matches!(kind.0.spec().berth, Berth::From(_));
        if is_one_of_many && standing == Standing::Closed {
            return None;
        }
        let job = pane.get::<Shows>().zip(market).map(|(shows, market)| SavedJob { id: shows.0.to_string(), market: market.into() });
        let saved = SavedPane {
            kind: kind.0,
            standing,
            place: frame.is_placed.then(|| Place::of(frame.wanted.translate(-drift))),
            clear: frame.is_placed && frame.is_clear,
            tile: frame.tile,
            scroll: pane.get::<Scrolled>().map_or(0, |scrolled| scrolled.points()),
            job,
            form: pane.get::<Keeps>().map_or_else(Kept::new, |keeps| keeps.kept(pane)),
        };
        Some(((*order, kind.0.spec().title), saved))
    });
    let mut saved: Vec<_> = saved.collect();
    saved.sort_by_key(|(at, _)| *at);
    saved.into_iter().map(|(_, pane)| pane).collect()
}
