//! Where panes are put: dragged, pulled, dropped, tiled, tidied, cascaded, moved by keys, and fitted into a window that has
//! another size.

use bevy::prelude::*;
use bevy_egui::egui::{Pos2, Rect, Vec2, pos2};

use super::arranging::{Arranged, Ending, How};
use super::focus::Arrangement;
use super::layout::{self, Cascade};
use super::motion::Goal;
use super::tile::{Tile, Toward};
use super::{PANES, PaneFrame, PaneKind, PaneMotion, Stage, grip};
use crate::hud::action::UserAction;
use crate::hud::theme::tokens;

impl Arrangement<'_, '_> {
    /// Takes hold of a pane, by its title or its border.
    pub fn grasp(&mut self, pane: Entity) {
        let place = self.panes.get(pane).map(|(_, _, frame, ..)| frame.rect);
        self.grasp.0 = place.ok().map(|place| (pane, place));
    }

    /// Moves a grasped pane with the pointer, which is at `at` and has come so far. A tiled one is as large again as it
    /// was, with the pointer at the same part of its title.
    pub fn drag(&mut self, pane: Entity, by: Vec2, at: Pos2) {
        let Some((held, start)) = self.grasp.0.filter(|(held, _)| *held == pane) else { return };
        let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(pane) else { return };
        let mut start = start;
        if frame.tile.take().is_some() {
            let caught = at - by;
            let left = caught.x - (caught.x - start.left()) / start.width().max(1.0) * frame.wanted.width();
            let free = Rect::from_min_size(pos2(left.round(), start.top()), frame.wanted.size());
            motion.send(frame.rect, free);
            self.grasp.0 = Some((held, free));
            start = free;
        }
        frame.rect = within_reach(start.translate(by), self.stage.window);
        self.stage.is_tidy = false;
        self.snap.aim(pane, Tile::aimed_at(at, self.stage.window), &self.stage);
    }

    /// Pulls a grasped pane larger or smaller.
    pub fn pull(&mut self, pane: Entity, grip: grip::Grip, by: Vec2) {
        let Some((_, start)) = self.grasp.0.filter(|(held, _)| *held == pane) else { return };
        if let Ok((_, _, mut frame, ..)) = self.panes.get_mut(pane) {
            let room = self.stage.window.shrink(tokens::PANE_MARGIN);
            frame.tile = None;
            frame.rect = grip.pulled(start, by, room);
            self.stage.is_tidy = false;
        }
    }

    /// Lets go of a pane: into the tile it was aimed at, otherwise it glides back inside the window.
    pub fn let_go(&mut self, pane: Entity) {
        let start = self.grasp.0.take().filter(|(held, _)| *held == pane);
        let tile = self.snap.release(pane);
        if tile.is_some() {
            return self.tile(pane, tile);
        }
        if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(pane)
            && start.is_some_and(|(_, start)| start != frame.rect)
        {
            let inside = layout::clamp(frame.rect, self.stage.window);
            glide(&mut frame, &mut motion, inside);
            frame.put(inside, &self.stage);
        }
    }

    /// Lets go of a pane that closes or is no more: it is put nowhere, and where it was aimed at is not shown any longer.
    pub(super) fn lose_grasp_of(&mut self, pane: Entity) {
        if self.grasp.0.is_some_and(|(held, _)| held == pane) {
            self.grasp.0 = None;
            self.snap.release(pane);
        }
    }

    /// Puts a pane into a tile, or where it was before it was in one.
    fn tile(&mut self, pane: Entity, tile: Option<Tile>) {
        if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(pane) {
            frame.tile = tile;
            let place = frame.fitting(&self.stage);
            glide(&mut frame, &mut motion, place);
            self.stage.is_tidy = false;
        }
    }

    /// The active pane one step towards a half or a quarter.
    pub fn tile_active(&mut self, toward: Toward) {
        if let Some((pane, tile)) = self.active_tile() {
            self.tile(pane, Tile::toward(tile, toward));
        }
    }

    /// The active pane over all the room there is, or back.
    pub fn maximise_active(&mut self) {
        if let Some((pane, tile)) = self.active_tile() {
            self.tile(pane, (tile != Some(Tile::Whole)).then_some(Tile::Whole));
        }
    }

    fn active_tile(&self) -> Option<(Entity, Option<Tile>)> {
        let pane = self.active.0?;
        self.panes.get(pane).ok().map(|(_, _, frame, ..)| (pane, frame.tile))
    }

    /// Arranges all open panes, in the order of their slots.
    pub fn tidy(&mut self) {
        let mut open: Vec<(usize, Entity)> = self.open_panes().map(|(entity, kind, _)| (rank(kind), entity)).collect();
        open.sort_unstable();
        let places = layout::tidy(self.stage.work, open.len());
        self.put_all(open.into_iter().map(|(_, entity)| entity).zip(places).collect());
        self.stage.is_tidy = true;
    }

    /// Puts all open panes behind each other in their order, as large as they are at first if there is room for that.
    pub fn cascade_all(&mut self) {
        let mut open: Vec<(u64, Entity, PaneKind)> = self.open_panes().map(|(entity, kind, order)| (order, entity, kind)).collect();
        open.sort_unstable_by_key(|(order, ..)| *order);
        *self.cascade = Cascade::default();
        let (work, most) = (self.stage.work, layout::cascaded_size(self.stage.work, open.len()));
        let mut place = |kind: PaneKind| layout::cascade(kind.spec().size.min(most), work, &mut self.cascade);
        let places: Vec<(Entity, Rect)> = open.into_iter().map(|(_, entity, kind)| (entity, place(kind))).collect();
        self.put_all(places);
        self.stage.is_tidy = false;
    }

    fn open_panes(&self) -> impl Iterator<Item = (Entity, PaneKind, u64)> {
        let open = self.panes.iter().filter(|(_, _, _, motion, ..)| motion.goal == Goal::Open);
        open.map(|(entity, pane, _, _, order, _)| (entity, pane.0, order.0))
    }

    fn put_all(&mut self, places: Vec<(Entity, Rect)>) {
        for (entity, place) in places {
            if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(entity) {
                glide(&mut frame, &mut motion, place);
                frame.put(place, &self.stage);
            }
        }
    }

    /// Takes in the window's new size. Tidied panes are tidied again and tiled ones stay in their tiles; of others those
    /// that no longer fit are moved and shrunk, and are as they were when there is room again.
    pub fn resize(&mut self, window: Rect) {
        let before = std::mem::replace(&mut *self.stage, Stage::of(window));
        // A kiosk's picture drifts, and everything with it.
        let by = window.min - before.window.min;
        if by != Vec2::ZERO {
            for (_, _, mut frame, ..) in &mut self.panes {
                (frame.rect, frame.wanted) = (frame.rect.translate(by), frame.wanted.translate(by));
            }
        }
        if (before.window.size() - window.size()).abs().max_elem() < 0.5 {
            self.stage.is_tidy = before.is_tidy;
        } else if before.is_tidy {
            self.tidy();
        } else {
            for (_, _, mut frame, ..) in &mut self.panes {
                let inside = frame.fitting(&self.stage);
                if frame.rect != inside {
                    frame.rect = inside;
                }
            }
        }
        let origins: Vec<(Entity, Pos2)> = self.open_panes().map(|(entity, ..)| (entity, self.origin(entity))).collect();
        for (entity, origin) in origins {
            if let Ok((_, _, _, mut motion, ..)) = self.panes.get_mut(entity) {
                motion.origin = origin;
            }
        }
    }

    /// Begins to arrange the active pane by keys.
    pub fn arrange(&mut self, how: How) {
        let Some(pane) = self.active.0 else { return };
        let Ok((_, _, frame, ..)) = self.panes.get(pane) else { return };
        // From moving to resizing and back: what it was before stays what it was before.
        let known = self.arranging.0.filter(|arranged| arranged.pane == pane);
        let before = known.map_or((frame.wanted, frame.is_clear, frame.tile), |known| known.before);
        self.arranging.0 = Some(Arranged { pane, how, before });
    }

    pub fn is_arranging(&self) -> bool {
        self.arranging.0.is_some()
    }

    /// One step of that.
    pub fn nudge(&mut self, toward: Toward) {
        let Some(Arranged { pane, how, .. }) = self.arranging.0 else { return };
        let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(pane) else { return };
        let place = match how {
            How::Move => layout::clamp(frame.rect.translate(toward.step()), self.stage.window),
            How::Resize => grip::LOWER_RIGHT.pulled(frame.rect, toward.step(), self.stage.window.shrink(tokens::PANE_MARGIN)),
        };
        if place != frame.rect {
            glide(&mut frame, &mut motion, place);
            frame.put(place, &self.stage);
            self.stage.is_tidy = false;
        }
    }

    /// The end of that: the pane stays, or goes back.
    pub fn end_arranging(&mut self, ending: Ending) {
        let Some(arranged) = self.arranging.0.take() else { return };
        if ending == Ending::Back
            && let Ok((_, _, mut frame, ..)) = self.panes.get_mut(arranged.pane)
        {
            let (wanted, is_clear, tile) = arranged.before;
            (frame.wanted, frame.is_clear) = (wanted, is_clear);
            self.tile(arranged.pane, tile);
        }
    }

    /// All panes as at the first start: each in its first place, and only the one where to begin is open.
    pub fn reset(&mut self) {
        self.close_all();
        *self.cascade = Cascade::default();
        self.arranging.0 = None;
        for (_, _, mut frame, ..) in &mut self.panes {
            frame.tile = None;
            frame.is_placed = false;
        }
        self.stage.is_tidy = false;
        if let Some(first) = self.of_kind(PaneKind::SellCompute) {
            let place = layout::cascade(PaneKind::SellCompute.spec().size, self.stage.work, &mut self.cascade);
            if let Ok((_, _, mut frame, mut motion, ..)) = self.panes.get_mut(first) {
                glide(&mut frame, &mut motion, place);
                frame.put(place, &self.stage);
            }
            self.open(first);
        }
    }
}

/// Obeys what is about where panes are. The rest of what panes obey is not placing.
pub fn obey(arrangement: &mut Arrangement<'_, '_>, action: &UserAction) {
    match action {
        UserAction::Grasp(pane) => arrangement.grasp(*pane),
        UserAction::Drag { pane, by, at } => arrangement.drag(*pane, *by, *at),
        UserAction::Pull { pane, grip, by } => arrangement.pull(*pane, *grip, *by),
        UserAction::Drop(pane) => arrangement.let_go(*pane),
        UserAction::Tile(toward) => arrangement.tile_active(*toward),
        UserAction::Maximise => arrangement.maximise_active(),
        UserAction::Tidy => arrangement.tidy(),
        UserAction::Cascade => arrangement.cascade_all(),
        UserAction::ResetHud => arrangement.reset(),
        UserAction::Arrange(how) => arrangement.arrange(*how),
        UserAction::Nudge(toward) => arrangement.nudge(*toward),
        UserAction::EndArranging(ending) => arrangement.end_arranging(*ending),
        UserAction::Resized(window) => arrangement.resize(*window),
        _ => {}
    }
}

/// A dragged pane, with as much of it in the window as can be caught again.
fn within_reach(place: Rect, window: Rect) -> Rect {
    let kept = tokens::DRAG_KEPT;
    let across = (window.left() - place.width() + kept, window.right() - kept);
    let down = (window.top(), window.bottom() - kept);
    let held = |at: f32, (low, high): (f32, f32)| at.clamp(low, high.max(low));
    Rect::from_min_size(pos2(held(place.left(), across), held(place.top(), down)).round(), place.size())
}

/// A kind's place in the registry.
pub(super) fn rank(kind: PaneKind) -> usize {
    PANES.iter().position(|spec| spec.kind == kind).unwrap_or(PANES.len())
}

fn glide(frame: &mut PaneFrame, motion: &mut PaneMotion, place: Rect) {
    if frame.rect != place {
        motion.send(frame.rect, place);
        frame.rect = place;
    }
}
