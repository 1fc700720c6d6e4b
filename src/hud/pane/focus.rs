//! Opening, raising and closing: what the toggle rule and its kin do to the entities.

use bevy::ecs::system::SystemParam;
use bevy::prelude::*;
use bevy_egui::egui::{Rect, Vec2};

use super::layout::{self, Cascade};
use super::motion::Goal;
use super::{ActivePane, Closed, PANES, Pane, PaneFrame, PaneKind, PaneMotion, PaneOrder, Stage};
use crate::hud::hotbar::{Opens, Slot};

/// Everything that decides where panes are and which is in front.
#[derive(SystemParam)]
pub struct Arrangement<'w, 's> {
    commands: Commands<'w, 's>,
    active: ResMut<'w, ActivePane>,
    stage: ResMut<'w, Stage>,
    cascade: ResMut<'w, Cascade>,
    panes: Query<'w, 's, (Entity, &'static Pane, &'static mut PaneFrame, &'static mut PaneMotion, &'static mut PaneOrder, Has<Closed>)>,
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

    /// When the active pane is no more, the one behind it is active.
    pub fn mend(&mut self) {
        if self.active.0.is_some_and(|active| !self.panes.contains(active)) {
            self.active.0 = self.frontmost();
        }
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
                let size = PANES.iter().find(|spec| spec.kind == kind.0).map_or(Vec2::ZERO, |spec| spec.size);
                frame.rect = layout::cascade(size, self.stage.work, &mut self.cascade);
                frame.is_placed = true;
            }
            frame.rect = layout::clamp(frame.rect, self.stage.window);
            *motion = PaneMotion::default();
        }
        motion.goal = Goal::Open;
        motion.origin = origin;
        self.commands.entity(pane).remove::<Closed>();
        self.focus(pane);
    }

    /// Makes a pane the active one, in front of all others.
    pub fn focus(&mut self, pane: Entity) {
        let front = self.panes.iter().map(|(.., order, _)| order.0).max().unwrap_or_default();
        let Ok((.., mut order, _)) = self.panes.get_mut(pane) else { return };
        if order.0 < front || order.0 == 0 {
            order.0 = front + 1;
        }
        self.active.0 = Some(pane);
    }

    /// Sends a pane back into its slot; the one behind it becomes active.
    pub fn close(&mut self, pane: Entity) {
        let origin = self.origin(pane);
        let Ok((_, _, _, mut motion, ..)) = self.panes.get_mut(pane) else { return };
        motion.goal = Goal::Shut;
        motion.origin = origin;
        if self.active.0 == Some(pane) {
            self.active.0 = self.frontmost();
        }
    }

    /// Raises the open pane so many places after the active one, in the order of the slots and around their end.
    pub fn raise_by(&mut self, by: isize) {
        let open = self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open);
        let mut open: Vec<(usize, Entity)> = open.map(|(entity, pane, ..)| (rank(pane.0), entity)).collect();
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

    pub fn drag(&mut self, pane: Entity, by: Vec2) {
        if let Ok((_, _, mut frame, ..)) = self.panes.get_mut(pane) {
            frame.rect = frame.rect.translate(by);
            self.stage.is_tidy = false;
        }
    }

    /// Lets go of a dragged pane: it glides back inside the window if it was left outside.
    pub fn drop_inside(&mut self, pane: Entity) {
        let window = self.stage.window;
        if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(pane) {
            let inside = layout::clamp(frame.rect, window);
            glide(&mut frame, &mut motion, inside);
        }
    }

    /// Arranges all open panes, in the order of their slots.
    pub fn tidy(&mut self) {
        let mut open: Vec<(usize, Entity)> = self
            .panes
            .iter()
            .filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open)
            .map(|(entity, pane, ..)| (rank(pane.0), entity))
            .collect();
        open.sort_unstable();
        let places = layout::tidy(self.stage.work, open.len());
        for ((_, entity), place) in open.into_iter().zip(places) {
            if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(entity) {
                glide(&mut frame, &mut motion, place);
            }
        }
        self.stage.is_tidy = true;
    }

    /// Takes in the window's new size: tidied panes are tidied again, of others those that no longer fit are moved and
    /// shrunk.
    pub fn resize(&mut self, window: Rect) {
        let before = std::mem::replace(&mut *self.stage, Stage::of(window));
        if before.is_tidy {
            return self.tidy();
        }
        for (_, _, mut frame, ..) in &mut self.panes {
            // Whoever kept clear of chips and hotbar goes on doing so.
            let was_clear = before.work.expand(1.0).contains_rect(frame.rect);
            let inside = if was_clear { layout::confine(frame.rect, self.stage.work) } else { layout::clamp(frame.rect, window) };
            if frame.rect != inside {
                frame.rect = inside;
            }
        }
    }

    /// Where a pane comes from: its slot, or the middle of the lower edge if it has none.
    fn origin(&self, pane: Entity) -> bevy_egui::egui::Pos2 {
        let slot = self.slots.iter().find(|(_, opens)| opens.is_some_and(|opens| opens.0 == pane));
        slot.map_or(self.stage.window.center_bottom(), |(slot, _)| layout::slot(self.stage.window, slot.index).center())
    }

    fn frontmost(&self) -> Option<Entity> {
        let open = self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open);
        open.max_by_key(|(.., order, _)| order.0).map(|(entity, ..)| entity)
    }
}

/// A kind's place in the registry.
fn rank(kind: PaneKind) -> usize {
    PANES.iter().position(|spec| spec.kind == kind).unwrap_or(PANES.len())
}

fn glide(frame: &mut PaneFrame, motion: &mut PaneMotion, place: Rect) {
    if frame.rect != place {
        motion.glide = Some((motion.place(frame.rect), 0.0));
        frame.rect = place;
    }
}

/// Panes may be despawned by anybody.
pub fn mend(mut arrangement: Arrangement<'_, '_>) {
    arrangement.mend();
}
