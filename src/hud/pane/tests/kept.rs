//! What is found again after a restart, and what is made of a file that makes no sense.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bevy::prelude::*;
use bevy_egui::egui::{Rect, pos2, vec2};

use super::super::{ActivePane, PaneKind};
use super::tile;
use crate::domain::job::JobState;
use crate::hud::action::UserAction;
use crate::hud::panes::{activity, job_history, sell_compute, wallet};
use crate::hud::prefs::{self, Home, Preferences, PreferencesFile, Read};
use crate::hud::saved::Layout;
use crate::hud::testing::{Hud, job, online};
use crate::hud::theme::Look;
use crate::node::{Link, Market, NodeEvent, Whose};

fn form<F: Component + Clone>(hud: &mut Hud, kind: PaneKind) -> F {
    let pane = hud.pane(kind);
    hud.app.world().get::<F>(pane).unwrap().clone()
}

/// A window that was left in disorder: moved, tiled, typed into.
fn lived_in() -> Hud {
    let mut hud = Hud::new();
    hud.size = vec2(1920.0, 1080.0);
    hud.settle();
    for slot in [1, 7, 2, 4] {
        hud.open(slot);
    }
    let title = hud.title(PaneKind::JobHistory);
    hud.drag(title, pos2(1200.0, 300.0));
    let corner = hud.place(PaneKind::JobHistory).right_bottom();
    hud.drag(corner, corner + vec2(-100.0, 60.0));
    hud.open(7);
    tile(&mut hud, KeyCode::ArrowRight);
    hud.click("search");
    hud.type_text("relay");
    let wallet = hud.pane(PaneKind::Wallet);
    hud.app.world_mut().get_mut::<wallet::Form>(wallet).unwrap().amount = "21".into();
    // Pylon has been opened and is closed again.
    hud.app.world_mut().write_message(UserAction::Toggle(PaneKind::Pylon));
    hud.settle();
    hud.app.world_mut().write_message(UserAction::Toggle(PaneKind::Pylon));
    hud.settle();
    hud
}

#[test]
fn a_restart_finds_every_open_pane_in_its_place_order_and_state() {
    let mut hud = lived_in();
    let mut again = hud.restarted();
    assert_eq!(again.stack(), hud.stack());
    for kind in hud.stack() {
        assert_eq!(again.place(kind), hud.place(kind), "{kind:?}");
    }
    let active = |hud: &Hud| hud.app.world().resource::<ActivePane>().0.map(|pane| hud.app.world().get::<Name>(pane).cloned());
    assert_eq!(active(&again), active(&hud));
    assert!(!again.is_open(PaneKind::Pylon) && !again.is_open(PaneKind::Settings));
    assert_eq!(form::<activity::Form>(&mut again, PaneKind::Activity).search, "relay");
    assert_eq!(form::<wallet::Form>(&mut again, PaneKind::Wallet).amount, "21");
    // A closed pane comes back where it was, too.
    let pylon = hud.place(PaneKind::Pylon);
    again.open(4);
    assert_eq!(again.place(PaneKind::Pylon), pylon);
    // What was tiled is still tiled: back is where it was before.
    for hud in [&mut hud, &mut again] {
        let activity = hud.pane(PaneKind::Activity);
        hud.app.world_mut().write_message(UserAction::Focus(activity));
        hud.settle();
        tile(hud, KeyCode::ArrowLeft);
    }
    assert_eq!(again.place(PaneKind::Activity), hud.place(PaneKind::Activity));
}

#[test]
fn whoever_closed_everything_finds_everything_closed() {
    let mut hud = Hud::new();
    hud.open(0);
    assert_eq!(hud.stack(), []);
    assert_eq!(hud.restarted().stack(), []);
}

#[test]
fn in_a_smaller_window_the_same_panes_are_inside_and_their_places_are_not_lost() {
    let mut hud = lived_in();
    let place = hud.place(PaneKind::JobHistory);
    let preferences = hud.app.world().resource::<Preferences>().clone();
    let mut small = Hud::build(Some(Market::Practice), Read { preferences, ..Read::default() });
    small.size = vec2(640.0, 480.0);
    small.settle();
    small.assert_inside();
    assert_eq!(small.stack(), hud.stack());
    small.app.world_mut().write_message(UserAction::Toggle(PaneKind::Pylon));
    small.settle();
    small.size = vec2(1920.0, 1080.0);
    let mut large = small.restarted();
    assert_eq!(large.place(PaneKind::JobHistory), place);
}

#[test]
fn tidied_panes_are_tidied_again_in_a_window_of_another_size() {
    let mut hud = Hud::new();
    hud.open(2);
    hud.open(4);
    hud.press(KeyCode::KeyT, "t");
    hud.settle();
    hud.size = vec2(1000.0, 700.0);
    let mut again = hud.restarted();
    let kinds = [PaneKind::SellCompute, PaneKind::JobHistory, PaneKind::Pylon];
    let places: Vec<Rect> = kinds.iter().map(|kind| again.place(*kind)).collect();
    for (at, place) in places.iter().enumerate() {
        assert!(again.window().contains_rect(*place) && places[at + 1..].iter().all(|other| !other.intersects(*place)), "{places:?}");
    }
}

#[test]
fn nothing_opens_before_the_first_question_is_answered_and_nothing_is_forgotten_by_leaving_it_open() {
    let mut hud = lived_in();
    let stack = hud.stack();
    let preferences = hud.app.world().resource::<Preferences>().clone();
    let mut asked = Hud::build(None, Read { preferences: preferences.clone(), ..Read::default() });
    asked.size = hud.size;
    asked.settle();
    assert_eq!(asked.stack(), []);
    asked.app.world_mut().write_message(AppExit::Success);
    asked.frame();
    assert_eq!(asked.app.world().resource::<Preferences>().layout, preferences.layout);
    asked.click("PRACTICE");
    assert_eq!(asked.stack(), stack);
}

#[test]
fn whoever_chooses_the_market_again_finds_the_panes_that_were_open_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut hud = Hud::with_file(&dir.path().join("hud.toml"));
    for slot in [2, 4, 8] {
        hud.open(slot);
    }
    let stack = hud.stack();
    let place = hud.place(PaneKind::JobHistory);
    hud.click("Choose again");
    hud.assert_shows("Where do you want to begin?");
    assert_eq!(hud.stack(), []);
    assert_eq!(prefs::read(&dir.path().join("hud.toml")).preferences.market, None, "it is asked the next time as well");
    let mut again = Hud::build(None, prefs::read(&dir.path().join("hud.toml")));
    again.settle();
    for hud in [&mut hud, &mut again] {
        hud.click("PRACTICE");
        assert_eq!((hud.stack(), hud.place(PaneKind::JobHistory)), (stack.clone(), place));
    }
}

#[test]
fn a_market_whose_node_goes_on_without_us_is_not_entered_again_unasked() {
    let mut hud = online();
    hud.app.world_mut().resource_mut::<Preferences>().market = Some(Home::Practice);
    let link = Link::Outside { pid: 4711, whose: Whose::Found };
    hud.say(NodeEvent::Link { link });
    hud.settle();
    hud.app.world_mut().write_message(UserAction::ChooseAgain);
    hud.settle();
    hud.assert_shows("Where do you want to begin?");
    assert_eq!(hud.app.world().resource::<Preferences>().market, None);
}

/// Each of these changes which panes are open or in front, and is found after a crash too.
#[test]
fn every_way_to_open_raise_and_close_panes_is_saved_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hud.toml");
    let mut hud = Hud::with_file(&path);
    let history = hud.pane(PaneKind::JobHistory);
    let ways = [
        UserAction::Show(PaneKind::JobHistory),
        UserAction::EnterSlot(4),
        UserAction::Focus(history),
        UserAction::RaiseNext,
        UserAction::RaisePrevious,
        UserAction::CloseAll,
    ];
    for way in ways {
        let before = file(dir.path());
        hud.app.world_mut().write_message(way.clone());
        hud.settle();
        assert_ne!(file(dir.path()), before, "{way:?}");
        let mut again = Hud::build(Some(Market::Practice), prefs::read(&path));
        again.settle();
        assert_eq!(again.stack(), hud.stack(), "{way:?}");
    }
}

fn file(dir: &Path) -> String {
    fs::read_to_string(dir.join("hud.toml")).unwrap_or_default()
}

#[test]
fn the_file_is_written_when_a_pane_is_let_go_and_at_the_end_and_not_while_it_is_dragged() {
    let dir = tempfile::tempdir().unwrap();
    let mut hud = Hud::new();
    hud.app.insert_resource(PreferencesFile(Some(dir.path().join("hud.toml"))));
    let title = hud.title(PaneKind::SellCompute);
    hud.drag_and_hold(title, title + vec2(200.0, 40.0));
    assert_eq!(file(dir.path()), "", "nothing is written while it is dragged");
    hud.release_pointer(title + vec2(200.0, 40.0));
    let dropped = file(dir.path());
    assert!(dropped.contains("sell-compute"), "{dropped}");
    hud.click("Say hello in one sentence.");
    hud.type_text("Twice. ");
    assert_eq!(file(dir.path()), dropped, "nor for each letter");
    hud.app.world_mut().write_message(AppExit::Success);
    hud.frame();
    let read = prefs::read(&dir.path().join("hud.toml"));
    let mut again = Hud::build(Some(Market::Practice), read);
    again.settle();
    assert!(form::<sell_compute::Form>(&mut again, PaneKind::SellCompute).prompt.contains("Twice. "));
    assert_eq!(again.title(PaneKind::SellCompute), hud.title(PaneKind::SellCompute));
}

#[test]
fn a_file_that_cannot_be_written_is_told_and_the_window_goes_on() {
    let mut hud = Hud::new();
    hud.app.insert_resource(PreferencesFile(Some("/dev/null/hud.toml".into())));
    hud.open(2);
    hud.assert_shows("The arrangement is not saved.");
    assert!(hud.is_open(PaneKind::JobHistory));
}

#[test]
fn no_secret_gets_into_the_file_whichever_field_it_is_pasted_into() {
    let words = "leader monkey parrot ring guide accident before fence cannon height naive bean";
    let dir = tempfile::tempdir().unwrap();
    let mut hud = online();
    hud.app.insert_resource(PreferencesFile(Some(dir.path().join("hud.toml"))));
    let (wallet, sell, activity) = (hud.pane(PaneKind::Wallet), hud.pane(PaneKind::SellCompute), hud.pane(PaneKind::Activity));
    let world = hud.app.world_mut();
    world.get_mut::<wallet::Form>(wallet).unwrap().invoice = "nostr+walletconnect://ab?relay=wss://x&secret=cdcdcd".into();
    world.get_mut::<wallet::Form>(wallet).unwrap().amount = "21".into();
    world.get_mut::<sell_compute::Form>(sell).unwrap().prompt = format!("My words are {words}.");
    world.get_mut::<activity::Form>(activity).unwrap().search = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5".into();
    world.write_message(AppExit::Success);
    hud.frame();
    let text = file(dir.path());
    assert!(text.contains("21"), "the rest is kept: {text}");
    for secret in ["walletconnect", "cdcdcd", "monkey", "nsec1", "vl029"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// A window that finds this file.
fn started_with(text: &str) -> (Hud, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hud.toml");
    fs::write(&path, text).unwrap();
    (Hud::with_file(&path), dir)
}

#[test]
fn a_file_that_is_empty_begins_as_at_first() {
    let (mut hud, _dir) = started_with("");
    assert_eq!(hud.stack(), [PaneKind::SellCompute]);
    assert!(!hud.shows("preferences were not used"));
}

#[test]
fn a_file_that_is_truncated_or_newer_is_set_aside_told_and_not_written_over() {
    let whole = toml::to_string_pretty(lived_in().app.world().resource::<Preferences>()).unwrap();
    let cut = whole.rfind("standing").unwrap() + 12;
    for bad in [&whole[..cut], &whole.replace("version = 1", "version = 7"), &whole.replace("kind = \"wallet\"", "kind = \"teapot\"")] {
        let (mut hud, dir) = started_with(bad);
        hud.assert_shows("The window's preferences were not used.");
        assert_eq!(hud.stack(), [PaneKind::SellCompute], "as at first");
        hud.open(2);
        assert_eq!(fs::read_to_string(dir.path().join("hud.toml.aside")).unwrap(), bad);
        assert!(file(dir.path()).contains("job-history"), "and the new one is written");
    }
}

#[test]
fn a_file_that_can_neither_be_read_nor_set_aside_is_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    // With its ending the name of the other file is longer than names can be.
    let path = dir.path().join(format!("{}.toml", "h".repeat(250)));
    fs::write(&path, "scale = \"large\"").unwrap();
    let mut hud = Hud::with_file(&path);
    hud.assert_shows("The window's preferences were not used.");
    hud.app.world_mut().write_message(UserAction::SetLook(Look::HighContrast));
    hud.open(2);
    hud.app.world_mut().write_message(AppExit::Success);
    hud.frame();
    assert_eq!(fs::read_to_string(&path).unwrap(), "scale = \"large\"");
    assert!(!hud.shows("not saved."), "it was told at the start");
}

#[test]
fn places_off_the_screen_and_absurd_ones_are_brought_inside() {
    let (mut hud, _dir) = started_with(
        r#"
        [[layout.slots]]
        slot = 77
        pane = "wallet"
        [[layout.panes]]
        kind = "wallet"
        standing = "open"
        place = { x = -90000, y = 2000000000, width = 4000000000, height = 1 }
        scroll = 4000000000
        [[layout.panes]]
        kind = "wallet"
        standing = "active"
        [[layout.panes]]
        kind = "job-detail"
        standing = "open"
        job = { id = "no such thing", market = "practice" }
        [[layout.panes]]
        kind = "pylon"
        standing = "open"
        place = { x = 1270, y = 710, width = 0, height = 0 }
        [[layout.panes]]
        kind = "job-history"
        standing = "active"
        tile = "bottom-right"
        [layout.panes.form]
        job = 12
        "#,
    );
    assert_eq!(hud.stack(), [PaneKind::Wallet, PaneKind::Pylon, PaneKind::JobHistory]);
    hud.assert_inside();
    assert_eq!(hud.place(PaneKind::Pylon).size(), vec2(200.0, 100.0));
    assert_eq!(form::<job_history::Form>(&mut hud, PaneKind::JobHistory), job_history::Form::default());
    assert!(!hud.shows("preferences were not used"));
}

#[test]
fn how_far_a_kiosks_picture_has_drifted_is_not_kept() {
    let mut hud = Hud::kiosk();
    hud.app.world_mut().write_message(UserAction::Show(PaneKind::Pylon));
    hud.settle();
    let (kept, place) = (Layout::of(hud.app.world_mut()), hud.place(PaneKind::Pylon));
    hud.frame_after(Duration::from_secs(180));
    hud.settle();
    assert_ne!(hud.place(PaneKind::Pylon), place, "the picture has drifted");
    assert_eq!(Layout::of(hud.app.world_mut()), kept);
    hud.app.world_mut().write_message(AppExit::Success);
    hud.frame();
    let preferences = hud.app.world().resource::<Preferences>().clone();
    let mut again = Hud::kiosk_with(Read { preferences, ..Read::default() });
    assert_eq!(again.stack(), hud.stack());
    assert_eq!(Layout::of(again.app.world_mut()), kept);
}

#[test]
fn panes_of_jobs_come_back_in_their_own_market_and_in_no_other() {
    let mut hud = online();
    let id = job(5, JobState::Done).id;
    hud.app.world_mut().write_message(UserAction::OpenJob(id));
    hud.settle();
    let title = "JOB 00000005";
    hud.assert_shows(title);
    let mut again = hud.restarted();
    again.assert_shows(title);
    assert_eq!(again.stack(), hud.stack());
    let preferences = hud.app.world().resource::<Preferences>().clone();
    let mut elsewhere = Hud::build(Some(Market::Real), Read { preferences, ..Read::default() });
    elsewhere.settle();
    assert!(!elsewhere.shows(title));
    assert_eq!(elsewhere.stack(), [PaneKind::SellCompute]);
}

#[test]
fn a_pane_is_found_scrolled_to_where_it_was_left() {
    let mut hud = Hud::new();
    hud.size = vec2(1280.0, 400.0);
    hud.settle();
    hud.open(8);
    let heading = "theme";
    let top = |hud: &Hud| hud.screen().iter().find(|seen| seen.text == heading).map(|seen| seen.place.top());
    let before = top(&hud).unwrap();
    let at = hud.place(PaneKind::Settings).center();
    hud.point(at);
    hud.wheel(vec2(0.0, -60.0));
    hud.settle();
    let scrolled = top(&hud);
    assert!(scrolled.is_none_or(|top| top < before - 20.0), "{scrolled:?} {before}");
    hud.app.world_mut().write_message(AppExit::Success);
    hud.frame();
    let again = hud.restarted();
    assert_eq!(top(&again), scrolled);
}
