//! Motion of panes: how open they are, how active they look, and gliding to a new place on a spring. Driven by time, not
//! by frames, and turned around from wherever it is.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;
use bevy::window::RequestRedraw;
use bevy_egui::egui::{Pos2, Rect};

use super::spring::Glide;
use super::{ActivePane, Berth, Closed, Pane, PaneFrame, layout};
use crate::hud::prefs::{Motions, Preferences};
use crate::hud::theme::tokens;

/// Where a pane is going.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    Open,
    #[default]
    Shut,
}

/// How far a pane's motions are, each from 0 to 1 and linear in time; what is seen is eased.
#[derive(Component, Debug, Clone, Copy, Default, PartialEq)]
pub struct PaneMotion {
    pub goal: Goal,
    /// 0: shut; 1: open.
    pub open: f32,
    /// 0: like any other; 1: the active one.
    pub focus: f32,
    /// The middle of the slot it comes from and goes back to.
    pub origin: Pos2,
    /// On its way from another place.
    pub glide: Option<Glide>,
}

impl PaneMotion {
    /// Moves on by so much time. Returns whether it is still moving.
    pub fn advance(&mut self, by: Duration, is_active: bool, motions: Motions) -> bool {
        let (goal, length) = match self.goal {
            Goal::Open => (1.0, tokens::OPENING),
            Goal::Shut => (0.0, tokens::CLOSING),
        };
        let opening = step(&mut self.open, goal, by, length, motions);
        let focusing = step(&mut self.focus, if is_active { 1.0 } else { 0.0 }, by, tokens::FOCUSING, motions);
        self.glide = self.glide.and_then(|glide| glide.advance(by, motions));
        opening || focusing || self.glide.is_some()
    }

    /// Sends a pane that belongs in one place to another, from wherever it is seen.
    pub fn send(&mut self, from: Rect, to: Rect) {
        self.glide = Some(Glide::between(self.glide, from, to));
    }

    /// How open it looks.
    pub fn openness(&self) -> f32 {
        eased(self.open)
    }

    /// How active it looks.
    pub fn activity(&self) -> f32 {
        eased(self.focus)
    }

    /// Where it stands without the scale of opening.
    pub fn place(&self, rect: Rect) -> Rect {
        self.glide.map_or(rect, |glide| glide.seen(rect))
    }

    /// Where it is seen now.
    pub fn seen(&self, rect: Rect) -> Rect {
        layout::opening(self.place(rect), self.origin, self.openness())
    }
}

/// Moves a part towards its goal at a speed that takes `length` for the whole way. True while it is not there.
pub fn step(part: &mut f32, goal: f32, by: Duration, length: Duration, motions: Motions) -> bool {
    let far = elapsed(by, length, motions);
    *part = if *part < goal { (*part + far).min(goal) } else { (*part - far).max(goal) };
    (*part - goal).abs() > f32::EPSILON
}

/// The part of a motion of this length that such a time is.
pub fn elapsed(by: Duration, length: Duration, motions: Motions) -> f32 {
    match motions {
        Motions::Full => by.as_secs_f32() / length.as_secs_f32(),
        Motions::Reduced => 1.0,
    }
}

/// Fast at first, then slower: cubic.
pub fn eased(part: f32) -> f32 {
    1.0 - (1.0 - part.clamp(0.0, 1.0)).powi(3)
}

/// Whether something moved in the frame before, and how much time has passed for what moves.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq)]
pub struct Moving {
    is_moving: bool,
    /// Time to move on by in this frame.
    pub by: Duration,
}

impl Moving {
    /// Something has not arrived: there must be another frame.
    pub fn go_on(&mut self) {
        self.is_moving = true;
    }
}

/// A motion begins with the first frame that shows it. Until then the window may have slept for hours, and that time
/// must not count.
pub fn begin(time: Res<'_, Time<Real>>, mut moving: ResMut<'_, Moving>) {
    moving.by = if moving.is_moving { time.delta() } else { Duration::ZERO };
    moving.is_moving = false;
}

/// Moves every pane that is on its way, and shuts those that have arrived in their slots. One of many is no more then.
pub fn play(
    mut commands: Commands<'_, '_>,
    active: Res<'_, ActivePane>,
    preferences: Res<'_, Preferences>,
    mut moving: ResMut<'_, Moving>,
    mut panes: Query<'_, '_, (Entity, &Pane, &mut PaneMotion), (With<PaneFrame>, Without<Closed>)>,
) {
    for (entity, pane, mut motion) in &mut panes {
        let mut moved = *motion;
        if moved.advance(moving.by, active.0 == Some(entity), preferences.motions) {
            moving.go_on();
        }
        if moved != *motion {
            *motion = moved;
        }
        if moved.goal == Goal::Shut && moved.open <= 0.0 {
            match pane.0.spec().berth {
                Berth::Slot(_) => {
                    commands.entity(entity).insert(Closed);
                }
                Berth::From(_) => commands.entity(entity).despawn(),
            }
        }
    }
}

/// Asks for the next frame while something moves.
pub fn keep_going(moving: Res<'_, Moving>, mut redraw: MessageWriter<'_, RequestRedraw>) {
    if moving.is_moving {
        redraw.write(RequestRedraw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy_egui::egui::{pos2, vec2};

    const PLACE: Rect = Rect { min: pos2(100.0, 100.0), max: pos2(500.0, 500.0) };
    const FRAME: Duration = Duration::from_millis(60);

    fn opening() -> PaneMotion {
        PaneMotion { goal: Goal::Open, origin: pos2(300.0, 1000.0), ..PaneMotion::default() }
    }

    fn after(motion: &mut PaneMotion, by: Duration) -> Rect {
        motion.advance(by, true, Motions::Full);
        motion.seen(PLACE)
    }

    fn assert_near(seen: Rect, min: (f32, f32), max: (f32, f32)) {
        let near = |one: f32, other: f32| (one - other).abs() < 0.05;
        assert!(near(seen.left(), min.0) && near(seen.top(), min.1) && near(seen.right(), max.0) && near(seen.bottom(), max.1), "{seen:?}");
    }

    #[test]
    fn a_pane_comes_out_of_its_slot_in_180_ms() {
        let mut motion = opening();
        // 0.92 of the way from the slot, then 1 - 0.08 (1 - t)^3.
        assert_near(motion.seen(PLACE), (116.0, 172.0), (484.0, 540.0));
        assert_near(after(&mut motion, FRAME), (104.741, 121.333), (495.259, 511.852));
        assert_near(after(&mut motion, FRAME), (100.593, 102.667), (499.407, 501.481));
        assert_near(after(&mut motion, FRAME), (100.0, 100.0), (500.0, 500.0));
        assert!(!motion.advance(FRAME, true, Motions::Full), "it has arrived");
    }

    #[test]
    fn closing_midway_turns_around_where_it_is() {
        let mut motion = opening();
        let there = after(&mut motion, FRAME);
        motion.goal = Goal::Shut;
        assert_eq!(after(&mut motion, Duration::ZERO), there, "no jump");
        // A third open; shutting the whole way takes 140 ms, so a third takes 47.
        let back = after(&mut motion, Duration::from_millis(20));
        assert!(back.top() > there.top() && motion.open > 0.0);
        after(&mut motion, Duration::from_millis(27));
        assert_eq!(motion.open, 0.0);
    }

    #[test]
    fn many_short_frames_lead_where_few_long_ones_do() {
        let (mut short, mut long) = (opening(), opening());
        for _ in 0..12 {
            short.advance(Duration::from_millis(10), true, Motions::Full);
        }
        long.advance(Duration::from_millis(120), true, Motions::Full);
        assert!((short.open - long.open).abs() < 1e-4);
    }

    #[test]
    fn reduced_motion_is_there_at_once() {
        let mut motion = opening();
        assert!(!motion.advance(Duration::ZERO, true, Motions::Reduced));
        assert_eq!((motion.seen(PLACE), motion.focus), (PLACE, 1.0));
    }

    #[test]
    fn a_glide_ends_where_the_pane_belongs() {
        let mut motion = PaneMotion { goal: Goal::Open, open: 1.0, ..opening() };
        motion.send(PLACE.translate(vec2(400.0, 0.0)), PLACE);
        assert_eq!(motion.seen(PLACE).left(), 500.0);
        assert!(motion.advance(Duration::from_millis(100), true, Motions::Full));
        assert!(motion.seen(PLACE).left() < 300.0, "past the middle: it is fast at first");
        motion.advance(Duration::from_millis(100), true, Motions::Full);
        assert_eq!(motion.seen(PLACE), PLACE);
    }
}
