//! Opening, raising and closing: what the toggle rule and its kin do to the entities.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::egui::{Pos2, Rect};

use super::arranging::Arranging;
use super::layout::{self, Cascade};
use super::motion::Goal;
use super::placing;
use super::snap::Snap;
use super::{ActivePane, Berth, Closed, Pane, PaneFrame, PaneKind, PaneMotion, PaneOrder, Shows, Stage};
use crate::hud::hotbar::{Opens, Slot};

/// The highest place in the order that was given away.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Front(pub u64);

impl Front {
    /// The next one.
    pub fn ahead(&mut self) -> PaneOrder {
        self.0 += 1;
        PaneOrder(self.0)
    }
}

/// The pane that is held by the pointer, and where it was when it was caught.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Grasp(pub Option<(Entity, Rect)>);

/// Everything that decides where panes are and which is in front.
#[derive(SystemParam)]
pub struct Arrangement<'w, 's> {
    pub(super) commands: Commands<'w, 's>,
    pub(super) active: ResMut<'w, ActivePane>,
    pub(super) stage: ResMut<'w, Stage>,
    pub(super) cascade: ResMut<'w, Cascade>,
    pub(super) front: ResMut<'w, Front>,
    pub(super) grasp: ResMut<'w, Grasp>,
    pub(super) snap: ResMut<'w, Snap>,
    pub(super) arranging: ResMut<'w, Arranging>,
    pub(super) panes:
        Query<'w, 's, (Entity, &'static Pane, &'static mut PaneFrame, &'static mut PaneMotion, &'static mut PaneOrder, Has<Closed>)>,
    pub(super) jobs: Query<'w, 's, (Entity, &'static Shows)>,
    slots: Query<'w, 's, (&'static Slot, Option<&'static Opens>)>,
}

impl Arrangement<'_, '_> {
    /// The pane a slot opens.
    pub fn in_slot(&self, index: usize) -> Option<Entity> {
        let (_, opens) = self.slots.iter().find(|(slot, _)| slot.index == index)?;
        opens.map(|opens| opens.0)
    }

    /// The single pane of a kind.
    pub fn of_kind(&self, kind: PaneKind) -> Option<Entity> {
        self.panes.iter().find(|(_, pane, ..)| pane.0 == kind).map(|(entity, ..)| entity)
    }

    /// When the active pane is no more, the one behind it is active; and only the active one is arranged by keys.
    pub fn mend(&mut self) {
        if self.active.0.is_some_and(|active| !self.panes.contains(active)) {
            self.active.0 = self.frontmost();
        }
        if self.arranging.0.is_some_and(|arranged| self.active.0 != Some(arranged.pane)) {
            self.arranging.0 = None;
        }
        if let Some((held, _)) = self.grasp.0.filter(|(held, _)| !self.panes.contains(*held)) {
            self.lose_grasp_of(held);
        }
    }

    pub fn none_is_active(&self) -> bool {
        self.active.0.is_none()
    }

    pub fn none_is_open(&self) -> bool {
        self.panes.iter().all(|(_, _, _, motion, ..)| motion.goal == Goal::Shut)
    }

    /// Closed: open. Open and not active: raise. Active: close.
    pub fn toggle(&mut self, pane: Entity) {
        let Ok((_, _, _, motion, ..)) = self.panes.get(pane) else { return };
        match motion.goal {
            Goal::Shut => self.open(pane),
            Goal::Open if self.active.0 == Some(pane) => self.close(pane),
            Goal::Open => self.focus(pane),
        }
    }

    /// Opens a pane: in the place it had, or the first time in the next place of the cascade.
    pub fn open(&mut self, pane: Entity) {
        let origin = self.origin(pane);
        let Ok((_, kind, mut frame, mut motion, _, closed)) = self.panes.get_mut(pane) else { return };
        if closed {
            self.stage.is_tidy = false;
            if !frame.is_placed {
                let place = layout::cascade(kind.0.spec().size, self.stage.work, &mut self.cascade);
                frame.put(place, &self.stage);
            }
            frame.rect = frame.fitting(&self.stage);
            *motion = PaneMotion::default();
        }
        motion.goal = Goal::Open;
        motion.origin = origin;
        self.commands.entity(pane).remove::<Closed>();
        self.focus(pane);
    }

    /// Makes a pane the active one, in front of all others.
    pub fn focus(&mut self, pane: Entity) {
        let Ok((_, _, _, motion, mut order, _)) = self.panes.get_mut(pane) else { return };
        if motion.goal == Goal::Shut {
            return;
        }
        if order.0 < self.front.0 || order.0 == 0 {
            *order = self.front.ahead();
        }
        self.active.0 = Some(pane);
    }

    /// Sends a pane back into its slot; the one behind it becomes active.
    pub fn close(&mut self, pane: Entity) {
        let origin = self.origin(pane);
        let Ok((_, _, _, mut motion, ..)) = self.panes.get_mut(pane) else { return };
        motion.goal = Goal::Shut;
        motion.origin = origin;
        self.lose_grasp_of(pane);
        if self.active.0 == Some(pane) {
            self.active.0 = self.frontmost();
        }
    }

    /// Raises the open pane so many places after the active one, in the order of the slots and around their end.
    pub fn raise_by(&mut self, by: isize) {
        let open = self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open);
        let mut open: Vec<(usize, Entity)> = open.map(|(entity, pane, ..)| (placing::rank(pane.0), entity)).collect();
        open.sort_unstable();
        let at = open.iter().position(|(_, entity)| self.active.0 == Some(*entity));
        let Some(count) = isize::try_from(open.len()).ok().filter(|count| *count > 0) else { return };
        let next = at.and_then(|at| isize::try_from(at).ok()).map_or(0, |at| (at + by).rem_euclid(count));
        if let Some((_, pane)) = usize::try_from(next).ok().and_then(|next| open.get(next)).copied() {
            self.focus(pane);
        }
    }

    pub fn close_all(&mut self) {
        let open: Vec<Entity> =
            self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open).map(|(entity, ..)| entity).collect();
        for pane in open {
            self.close(pane);
        }
    }

    pub fn close_active(&mut self) {
        if let Some(pane) = self.active.0 {
            self.close(pane);
        }
    }

    /// Where a pane comes from: its slot, for one of many that of the pane it was opened from, or the middle of the lower
    /// edge if there is none.
    pub(super) fn origin(&self, pane: Entity) -> Pos2 {
        let kind = self.panes.get(pane).map(|(_, pane, ..)| pane.0.spec().berth);
        let home = match kind {
            Ok(Berth::From(parent)) => self.of_kind(parent),
            Ok(Berth::Slot(_)) | Err(_) => Some(pane),
        };
        self.origin_of(home)
    }

    pub(super) fn origin_of(&self, home: Option<Entity>) -> Pos2 {
        let slot = self.slots.iter().find(|(_, opens)| opens.is_some_and(|opens| Some(opens.0) == home));
        slot.map_or(self.stage.window.center_bottom(), |(slot, _)| layout::slot(self.stage.window, slot.index).center())
    }

    pub(super) fn frontmost(&self) -> Option<Entity> {
        let open = self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open);
        open.max_by_key(|(.., order, _)| order.0).map(|(entity, ..)| entity)
    }
}

/// Panes may be despawned by anybody.
pub fn mend(mut arrangement: Arrangement<'_, '_>) {
    arrangement.mend();
}
