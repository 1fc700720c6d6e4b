//! Hands for the tests: a pointer that points and drags, and what is seen of the panes afterwards.

use std::path::Path;

use bevy::prelude::*;
use bevy_egui::egui::{self, Pos2, Rect, vec2};
use bevy_egui::{EguiContext, EguiInput, PrimaryEguiContext};

use super::Hud;
use crate::hud::pane::{Closed, Pane, PaneFrame, PaneKind, PaneOrder, frame};
use crate::hud::prefs::{self, Preferences, Read};
use crate::hud::window::Placement;
use crate::node::Market;

impl Hud {
    /// A window that is started after this one was closed: all it knows is what stands in the file.
    pub fn restarted(&self) -> Self {
        let text = toml::to_string_pretty(self.app.world().resource::<Preferences>()).unwrap();
        let preferences = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let mut next = Self::build(Some(Market::Practice), Read { preferences, ..Read::default() });
        next.size = self.size;
        next.settle();
        next
    }

    /// A window in the practice market that finds this file, and saves there.
    pub fn with_file(path: &Path) -> Self {
        let mut hud = Self::open_in(Placement::Windowed, Some(Market::Practice), prefs::read(path), Some(path.to_owned()));
        hud.settle();
        hud
    }

    /// Moves the pointer here.
    pub fn point(&mut self, at: Pos2) {
        self.pointer(egui::Event::PointerMoved(at));
    }

    /// Presses the pointer here and holds it.
    pub fn hold_pointer(&mut self, at: Pos2) {
        self.point(at);
        self.button(at, true);
    }

    pub fn release_pointer(&mut self, at: Pos2) {
        self.button(at, false);
        self.settle();
    }

    fn button(&mut self, pos: Pos2, pressed: bool) {
        let modifiers = egui::Modifiers::NONE;
        self.pointer(egui::Event::PointerButton { pos, button: egui::PointerButton::Primary, pressed, modifiers });
    }

    /// Presses and lets go between two frames, where this text is.
    pub fn tap(&mut self, text: &str) {
        let at =
            self.screen().iter().find(|seen| seen.text == text).unwrap_or_else(|| panic!("{text:?} is not on the screen")).place.center();
        self.point(at);
        let world = self.app.world_mut();
        let mut contexts = world.query_filtered::<&mut EguiInput, With<PrimaryEguiContext>>();
        let (button, modifiers) = (egui::PointerButton::Primary, egui::Modifiers::NONE);
        let press = |pressed| egui::Event::PointerButton { pos: at, button, pressed, modifiers };
        contexts.single_mut(world).unwrap().events.extend([press(true), press(false)]);
        self.settle();
    }

    /// Drags from here to there, over what is between.
    pub fn drag(&mut self, from: Pos2, to: Pos2) {
        self.drag_and_hold(from, to);
        self.release_pointer(to);
    }

    pub fn drag_and_hold(&mut self, from: Pos2, to: Pos2) {
        self.hold_pointer(from);
        for part in [0.25, 0.5, 0.75, 1.0] {
            self.point(from.lerp(to, part));
        }
    }

    /// Turns the wheel where the pointer is.
    pub fn wheel(&mut self, delta: egui::Vec2) {
        let (unit, phase, modifiers) = (egui::MouseWheelUnit::Point, egui::TouchPhase::Move, egui::Modifiers::NONE);
        self.pointer(egui::Event::MouseWheel { unit, delta, phase, modifiers });
    }

    /// Presses twice, quickly.
    pub fn double_click(&mut self, at: Pos2) {
        self.point(at);
        for pressed in [true, false, true, false] {
            self.button(at, pressed);
        }
        self.settle();
    }

    /// Where a pane belongs when nothing moves.
    pub fn place(&mut self, kind: PaneKind) -> Rect {
        let pane = self.pane(kind);
        self.app.world().get::<PaneFrame>(pane).unwrap().rect
    }

    /// The middle of a pane's title.
    pub fn title(&mut self, kind: PaneKind) -> Pos2 {
        self.place(kind).center_top() + vec2(0.0, 16.0)
    }

    pub fn is_open(&mut self, kind: PaneKind) -> bool {
        let pane = self.pane(kind);
        self.app.world().get::<Closed>(pane).is_none()
    }

    /// The open panes from the back to the front, as they lie on the screen. Fails if that is not their order.
    pub fn stack(&mut self) -> Vec<PaneKind> {
        let world = self.app.world_mut();
        let mut contexts = world.query_filtered::<&mut EguiContext, With<PrimaryEguiContext>>();
        let context = contexts.single_mut(world).unwrap().get_mut().clone();
        let layers: Vec<egui::LayerId> = context.memory(|memory| memory.layer_ids().collect());
        let mut panes = world.query_filtered::<(Entity, &Pane, &PaneOrder), Without<Closed>>();
        let mut seen: Vec<_> = panes
            .iter(world)
            .map(|(entity, pane, order)| (layers.iter().position(|layer| *layer == frame::layer(entity)), *order, pane.0))
            .collect();
        seen.sort_by_key(|(at, ..)| *at);
        assert!(seen.is_sorted_by_key(|(_, order, _)| *order), "{seen:?}");
        seen.into_iter().map(|(.., kind)| kind).collect()
    }

    /// The window in points.
    pub fn window(&self) -> Rect {
        let scale = self.app.world().resource::<Preferences>().scale_factor();
        Rect::from_min_size(Pos2::ZERO, self.size / scale)
    }

    /// Every open pane is inside the window with its margin.
    pub fn assert_inside(&mut self) {
        let inside = self.window().shrink(20.0);
        let world = self.app.world_mut();
        for (pane, frame) in world.query_filtered::<(&Pane, &PaneFrame), Without<Closed>>().iter(world) {
            assert!(inside.contains_rect(frame.rect), "{:?} at {:?} in {inside:?}", pane.0, frame.rect);
        }
    }
}
