//! Panes are moved, pulled, tiled and put back, by hand and by keys; they stay inside, whatever the window does.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod kept;
mod lights;
mod many;

use std::time::Duration;

use bevy::input::keyboard::Key;
use bevy::prelude::*;
use bevy_egui::egui::{Rect, pos2, vec2};

use super::focus::Grasp;
use super::layout::work_area;
use super::snap::Snap;
use super::{ActivePane, Closed, PaneFrame, PaneKind, PaneMotion, Stage};
use crate::hud::action::UserAction;
use crate::hud::testing::Hud;

const WINDOW: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1280.0, 720.0) };

fn arrow(hud: &mut Hud, key: KeyCode) {
    let logical = match key {
        KeyCode::ArrowLeft => Key::ArrowLeft,
        KeyCode::ArrowRight => Key::ArrowRight,
        KeyCode::ArrowUp => Key::ArrowUp,
        _ => Key::ArrowDown,
    };
    hud.key(key, logical);
}

fn tile(hud: &mut Hud, key: KeyCode) {
    hud.hold(KeyCode::ControlLeft, |hud| hud.hold(KeyCode::AltLeft, |hud| arrow(hud, key)));
    hud.settle();
}

#[test]
fn a_dragged_pane_follows_the_pointer_and_glides_back_inside_when_it_is_let_go() {
    let mut hud = Hud::new();
    let title = hud.title(PaneKind::SellCompute);
    let place = hud.place(PaneKind::SellCompute);
    hud.drag_and_hold(title, title + vec2(300.0, 100.0));
    assert_eq!(hud.place(PaneKind::SellCompute), place.translate(vec2(300.0, 100.0)));
    // A pointer that rests moves nothing, and draws nothing.
    hud.settle();
    assert!(!hud.wants_more());
    hud.point(title + vec2(900.0, 600.0));
    let dragged = hud.place(PaneKind::SellCompute);
    assert!(!WINDOW.contains_rect(dragged) && dragged.left() <= 1230.0 && dragged.top() <= 670.0, "it can be caught again: {dragged:?}");
    hud.release_pointer(title + vec2(900.0, 600.0));
    hud.assert_inside();
    assert_eq!(hud.place(PaneKind::SellCompute).size(), place.size());
}

#[test]
fn a_let_go_pane_gets_back_inside_by_time_and_never_past_its_margin() {
    let mut hud = Hud::new();
    let title = hud.title(PaneKind::SellCompute);
    hud.drag_and_hold(title, title + vec2(-300.0, 400.0));
    let from = hud.seen_at(PaneKind::SellCompute);
    hud.app.world_mut().write_message(UserAction::Drop(Entity::PLACEHOLDER));
    let pane = hud.pane(PaneKind::SellCompute);
    hud.app.world_mut().write_message(UserAction::Drop(pane));
    hud.frame();
    let to = hud.place(PaneKind::SellCompute);
    let mut last = from;
    for _ in 0..15 {
        hud.frame();
        let seen = hud.seen_at(PaneKind::SellCompute);
        assert!(seen.left() >= last.left() - 0.01 && seen.left() <= to.left() + 0.01, "{seen:?} after {last:?}");
        last = seen;
    }
    assert_eq!(last, to);
}

#[test]
fn a_pane_is_pulled_by_every_edge_and_corner_down_to_200_by_100() {
    let mut hud = Hud::new();
    hud.app.world_mut().write_message(UserAction::Cascade);
    hud.settle();
    let pane = hud.pane(PaneKind::SellCompute);
    let start = Rect::from_min_max(pos2(400.0, 200.0), pos2(800.0, 500.0));
    let put = |hud: &mut Hud| {
        let mut frame = hud.app.world_mut().get_mut::<PaneFrame>(pane).unwrap();
        (frame.rect, frame.wanted) = (start, start);
        hud.settle();
    };
    for (at, by, expected) in [
        (start.left_center(), vec2(-50.0, 30.0), Rect::from_min_max(pos2(350.0, 200.0), start.max)),
        (start.right_center(), vec2(60.0, 30.0), Rect::from_min_max(start.min, pos2(860.0, 500.0))),
        (start.center_top(), vec2(30.0, -40.0), Rect::from_min_max(pos2(400.0, 160.0), start.max)),
        (start.center_bottom(), vec2(30.0, 40.0), Rect::from_min_max(start.min, pos2(800.0, 540.0))),
        (start.left_top(), vec2(-50.0, -40.0), Rect::from_min_max(pos2(350.0, 160.0), start.max)),
        (start.right_top(), vec2(50.0, -40.0), Rect::from_min_max(pos2(400.0, 160.0), pos2(850.0, 500.0))),
        (start.left_bottom(), vec2(-50.0, 40.0), Rect::from_min_max(pos2(350.0, 200.0), pos2(800.0, 540.0))),
        (start.right_bottom(), vec2(50.0, 40.0), Rect::from_min_max(start.min, pos2(850.0, 540.0))),
        // As far in as it goes, and as far out.
        (start.right_bottom(), vec2(-700.0, -700.0), Rect::from_min_size(start.min, vec2(200.0, 100.0))),
        (start.left_top(), vec2(700.0, 700.0), Rect::from_min_size(pos2(600.0, 400.0), vec2(200.0, 100.0))),
        (start.right_bottom(), vec2(470.0, 215.0), Rect::from_min_max(start.min, pos2(1260.0, 700.0))),
    ] {
        put(&mut hud);
        hud.drag(at, at + by);
        assert_eq!(hud.place(PaneKind::SellCompute), expected, "{at} by {by}");
    }
}

#[test]
fn a_press_on_any_part_of_a_pane_raises_it_and_what_lies_in_front_is_the_last_one_pressed() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6] {
        hud.open(slot);
    }
    assert_eq!(hud.stack(), [PaneKind::SellCompute, PaneKind::JobHistory, PaneKind::Pylon, PaneKind::Relays]);
    // The corner that the cascade leaves free of the others.
    let corner = hud.place(PaneKind::SellCompute).left_bottom() + vec2(30.0, -30.0);
    hud.hold_pointer(corner);
    hud.release_pointer(corner);
    assert_eq!(hud.stack(), [PaneKind::JobHistory, PaneKind::Pylon, PaneKind::Relays, PaneKind::SellCompute]);
    let first = hud.pane(PaneKind::SellCompute);
    assert_eq!(hud.app.world().resource::<ActivePane>().0, Some(first));
    hud.open(0);
    assert_eq!(hud.stack(), [PaneKind::JobHistory, PaneKind::Pylon, PaneKind::Relays], "active: closed");
    hud.open(2);
    assert_eq!(hud.stack(), [PaneKind::Pylon, PaneKind::Relays, PaneKind::JobHistory]);
}

#[test]
fn dragged_to_an_edge_or_a_corner_a_pane_is_tiled_and_dragged_away_it_is_as_large_as_before() {
    let mut hud = Hud::new();
    let work = work_area(WINDOW);
    let free = hud.place(PaneKind::SellCompute);
    let half = (work.width() - 16.0) / 2.0;
    for (to, expected) in [
        (pos2(2.0, 300.0), Rect::from_min_size(work.min, vec2(half, work.height()))),
        (pos2(1279.0, 300.0), Rect::from_min_max(pos2(work.right() - half, work.top()), work.max)),
        (pos2(640.0, 1.0), Rect::from_min_size(work.min, vec2(work.width(), (work.height() - 16.0) / 2.0))),
        (pos2(2.0, 2.0), Rect::from_min_size(work.min, vec2(half, (work.height() - 16.0) / 2.0))),
        (pos2(1278.0, 719.0), Rect::from_min_max(work.max - vec2(half, (work.height() - 16.0) / 2.0), work.max)),
    ] {
        let title = hud.title(PaneKind::SellCompute);
        hud.drag_and_hold(title, to);
        hud.settle();
        assert!(hud.app.world().resource::<Snap>().pane().is_some(), "the preview is to be seen");
        hud.release_pointer(to);
        assert_eq!(hud.place(PaneKind::SellCompute), expected, "dropped at {to}");
        assert_eq!(hud.app.world().resource::<Snap>().pane(), None, "and gone");
        let title = hud.title(PaneKind::SellCompute);
        hud.drag(title, pos2(640.0, 200.0));
        let freed = hud.place(PaneKind::SellCompute);
        assert_eq!(freed.size(), free.size());
        assert!((freed.left()..=freed.right()).contains(&640.0), "under the pointer that dragged it: {freed:?}");
    }
}

#[test]
fn arrows_tile_halves_and_quarters_and_lead_back() {
    let mut hud = Hud::new();
    let work = work_area(WINDOW);
    let free = hud.place(PaneKind::SellCompute);
    tile(&mut hud, KeyCode::ArrowLeft);
    let left = hud.place(PaneKind::SellCompute);
    assert!(left.left_top() == work.left_top() && left.height() == work.height() && left.width() < work.width() / 2.0);
    tile(&mut hud, KeyCode::ArrowDown);
    let quarter = hud.place(PaneKind::SellCompute);
    assert!(quarter.left_bottom() == work.left_bottom() && quarter.height() < work.height() / 2.0);
    // What is tiled stays tiled in another window.
    hud.size = vec2(1920.0, 1080.0);
    hud.settle();
    let larger = work_area(Rect::from_min_size(default(), hud.size));
    assert_eq!(hud.place(PaneKind::SellCompute).left_bottom(), larger.left_bottom());
    hud.size = WINDOW.size();
    hud.settle();
    tile(&mut hud, KeyCode::ArrowUp);
    tile(&mut hud, KeyCode::ArrowRight);
    assert_eq!(hud.place(PaneKind::SellCompute), free, "where it was before");
}

#[test]
fn a_double_press_on_the_title_maximises_and_restores_and_so_does_the_key() {
    let mut hud = Hud::new();
    let free = hud.place(PaneKind::SellCompute);
    let title = hud.title(PaneKind::SellCompute);
    hud.double_click(title);
    assert_eq!(hud.place(PaneKind::SellCompute), work_area(WINDOW));
    // Sooner than that it would be the third press of one row.
    hud.frame_after(Duration::from_secs(1));
    let title = hud.title(PaneKind::SellCompute);
    hud.double_click(title);
    assert_eq!(hud.place(PaneKind::SellCompute), free);
    hud.press(KeyCode::F10, "");
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute), work_area(WINDOW));
    hud.press(KeyCode::F10, "");
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute), free);
}

#[test]
fn keys_alone_move_and_resize_a_pane_and_end_where_they_began_or_not() {
    let mut hud = Hud::new();
    let start = hud.place(PaneKind::SellCompute);
    hud.press(KeyCode::F7, "");
    hud.settle();
    hud.assert_shows("MOVING SELL COMPUTE");
    for _ in 0..3 {
        arrow(&mut hud, KeyCode::ArrowRight);
    }
    arrow(&mut hud, KeyCode::ArrowDown);
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute), start.translate(vec2(60.0, 20.0)));
    hud.key(KeyCode::Enter, Key::Enter);
    hud.settle();
    assert!(!hud.shows("MOVING"));
    arrow(&mut hud, KeyCode::ArrowRight);
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute), start.translate(vec2(60.0, 20.0)), "the mode is over");

    hud.press(KeyCode::F8, "");
    hud.settle();
    for _ in 0..40 {
        arrow(&mut hud, KeyCode::ArrowLeft);
        arrow(&mut hud, KeyCode::ArrowUp);
    }
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute).size(), vec2(200.0, 100.0), "no smaller");
    hud.key(KeyCode::Escape, Key::Escape);
    hud.settle();
    assert_eq!(hud.place(PaneKind::SellCompute), start.translate(vec2(60.0, 20.0)), "back");
    assert!(hud.is_open(PaneKind::SellCompute), "Escape ended the mode and closed nothing");
    for _ in 0..200 {
        arrow(&mut hud, KeyCode::ArrowLeft);
    }
    hud.assert_inside();
}

#[test]
fn a_mode_ends_with_its_pane_and_there_is_none_without_one() {
    let mut hud = Hud::new();
    hud.press(KeyCode::F7, "");
    hud.settle();
    hud.open(2);
    assert!(!hud.shows("MOVING"), "another pane is active");
    hud.app.world_mut().write_message(UserAction::CloseActive);
    hud.settle();
    hud.app.world_mut().write_message(UserAction::CloseActive);
    hud.settle();
    hud.press(KeyCode::F7, "");
    hud.settle();
    hud.assert_shows("No pane is open.");
}

#[test]
fn panes_of_a_window_that_shrinks_stay_inside_and_are_as_they_were_when_it_grows_again() {
    let mut hud = Hud::new();
    hud.size = vec2(1920.0, 1080.0);
    hud.settle();
    for slot in [2, 4, 6, 7, 8] {
        hud.open(slot);
    }
    let title = hud.title(PaneKind::Settings);
    hud.drag(title, pos2(1700.0, 900.0));
    let places = |hud: &mut Hud| {
        let world = hud.app.world_mut();
        world.query_filtered::<&PaneFrame, Without<Closed>>().iter(world).map(|frame| frame.rect).collect::<Vec<Rect>>()
    };
    let before = places(&mut hud);
    for size in [vec2(640.0, 480.0), vec2(320.0, 240.0), vec2(7680.0, 4320.0)] {
        hud.size = size;
        hud.settle();
        hud.assert_inside();
        hud.app.world_mut().write_message(UserAction::CloseActive);
        hud.settle();
        hud.open(8);
        hud.assert_inside();
    }
    hud.size = vec2(1920.0, 1080.0);
    hud.settle();
    assert_eq!(places(&mut hud), before);
}

#[test]
fn a_larger_scale_keeps_every_pane_inside() {
    let mut hud = Hud::new();
    for slot in [2, 4, 6] {
        hud.open(slot);
    }
    for scale in [200, 75, 150, 100] {
        hud.app.world_mut().write_message(UserAction::SetScale(scale));
        hud.settle();
        assert_eq!(hud.window().width(), 1280.0 * 100.0 / f32::from(scale));
        hud.assert_inside();
    }
}

#[test]
fn cascaded_panes_lie_behind_each_other_in_their_order_each_with_its_title_to_be_seen() {
    let mut hud = Hud::new();
    for slot in [8, 7, 6, 4, 2, 1] {
        hud.open(slot);
    }
    let order = hud.stack();
    hud.press(KeyCode::KeyC, "c");
    hud.settle();
    assert_eq!(hud.stack(), order);
    let first = hud.place(order[0]).min;
    for (step, kind) in order.iter().enumerate() {
        assert_eq!(hud.place(*kind).min, first + vec2(45.0, 45.0) * step as f32, "{kind:?}");
    }
    hud.assert_inside();
    // More than fit begin again, and still none lies where another does.
    hud.size = vec2(640.0, 480.0);
    hud.settle();
    hud.press(KeyCode::KeyC, "c");
    hud.settle();
    hud.assert_inside();
    let places: Vec<Rect> = order.iter().map(|kind| hud.place(*kind)).collect();
    assert!((1..places.len()).all(|at| places[..at].iter().all(|other| other.min != places[at].min)), "{places:?}");
}

#[test]
fn reset_puts_panes_and_slots_as_they_were_at_first_and_keeps_what_was_typed() {
    let mut hud = Hud::new();
    let first = hud.place(PaneKind::SellCompute);
    hud.open(7);
    hud.click("search");
    hud.type_text("relay");
    let title = hud.title(PaneKind::Activity);
    hud.drag(title, pos2(2.0, 300.0));
    hud.open(0);
    tile(&mut hud, KeyCode::ArrowUp);
    hud.app.world_mut().write_message(UserAction::SwapSlots(0, 5));
    hud.settle();
    hud.hold(KeyCode::ControlLeft, |hud| hud.hold(KeyCode::AltLeft, |hud| hud.press(KeyCode::Digit0, "0")));
    hud.settle();
    assert_eq!(hud.stack(), [PaneKind::SellCompute]);
    assert_eq!(hud.place(PaneKind::SellCompute), first);
    hud.open(7);
    assert_ne!(hud.place(PaneKind::Activity).left_top(), work_area(WINDOW).left_top(), "its tile is forgotten");
    hud.assert_shows("relay");
    hud.open(0);
    assert_eq!(hud.stack().last(), Some(&PaneKind::SellCompute), "in its own slot again");
}

#[test]
fn a_drag_that_is_cut_short_by_closing_leaves_nothing_behind() {
    let mut hud = Hud::new();
    let title = hud.title(PaneKind::SellCompute);
    hud.drag_and_hold(title, pos2(2.0, 300.0));
    hud.settle();
    assert!(hud.app.world().resource::<Snap>().pane().is_some(), "the tile at the edge is shown");
    hud.app.world_mut().write_message(UserAction::CloseActive);
    hud.settle();
    assert_eq!(hud.app.world().resource::<Snap>().pane(), None, "nothing is aimed there any more");
    assert_eq!(hud.app.world().resource::<Grasp>().0, None);
    hud.release_pointer(pos2(2.0, 300.0));
    assert!(!hud.is_open(PaneKind::SellCompute));
    hud.open(0);
    hud.assert_inside();
    let pane = hud.pane(PaneKind::SellCompute);
    assert!(hud.app.world().get::<PaneMotion>(pane).unwrap().open > 0.99);
    assert_eq!(hud.app.world().get::<PaneFrame>(pane).unwrap().tile, None);
    // The same with one that is gone at once.
    let title = hud.title(PaneKind::SellCompute);
    hud.drag_and_hold(title, pos2(2.0, 300.0));
    hud.settle();
    hud.app.world_mut().despawn(pane);
    hud.settle();
    assert_eq!((hud.app.world().resource::<Snap>().pane(), hud.app.world().resource::<Grasp>().0), (None, None));
}

#[test]
fn panes_go_along_with_a_window_that_has_drifted_and_nothing_glides() {
    let mut hud = Hud::new();
    hud.open(2);
    hud.press(KeyCode::KeyT, "t");
    hud.settle();
    let (before, window) = (hud.place(PaneKind::SellCompute), hud.app.world().resource::<Stage>().window);
    hud.app.world_mut().write_message(UserAction::Resized(window.translate(vec2(1.0, -1.0))));
    hud.frame();
    assert_eq!(hud.place(PaneKind::SellCompute), before.translate(vec2(1.0, -1.0)));
    assert_eq!(hud.seen_at(PaneKind::SellCompute), hud.place(PaneKind::SellCompute), "it is there at once");
    assert!(hud.app.world().resource::<Stage>().is_tidy);
}
