#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::hud::action::UserAction;
use crate::hud::testing::Hud;

fn monitor(name: Option<&str>, x: i32, width: u32) -> Monitor {
    Monitor {
        name: name.map(str::to_owned),
        physical_height: 1080,
        physical_width: width,
        physical_position: IVec2::new(x, 0),
        refresh_rate_millihertz: None,
        scale_factor: 1.0,
        video_modes: Vec::new(),
    }
}

fn window(hud: &mut Hud) -> Window {
    hud.app.world_mut().query_filtered::<&Window, With<PrimaryWindow>>().single(hud.app.world()).unwrap().clone()
}

fn plug_in(hud: &mut Hud, monitor: Monitor) -> Entity {
    let entity = hud.app.world_mut().spawn(monitor).id();
    hud.settle();
    entity
}

#[test]
fn a_kiosk_covers_the_main_monitor_or_the_one_that_is_named_also_when_that_comes_later() {
    let mut hud = Hud::kiosk();
    let main = plug_in(&mut hud, monitor(Some("DP-1"), 0, 1920));
    assert_eq!(window(&mut hud).mode, WindowMode::BorderlessFullscreen(MonitorSelection::Entity(main)));
    hud.app.insert_resource(NamedMonitor(Some("hdmi-1".into())));
    hud.settle();
    hud.assert_shows("There is no monitor \"hdmi-1\"");
    hud.assert_shows("There are: DP-1.");
    let named = plug_in(&mut hud, monitor(Some("HDMI-1"), 1920, 1280));
    let covers = window(&mut hud);
    assert_eq!(covers.mode, WindowMode::BorderlessFullscreen(MonitorSelection::Entity(named)));
    assert_eq!((covers.position, covers.resolution.physical_width()), (WindowPosition::At(IVec2::new(1920, 0)), 1280));
    // By number, counted from 1.
    hud.app.insert_resource(NamedMonitor(Some("1".into())));
    hud.settle();
    assert_eq!(window(&mut hud).mode, WindowMode::BorderlessFullscreen(MonitorSelection::Entity(main)));
}

#[test]
fn a_window_that_was_left_where_no_screen_is_any_more_comes_back() {
    for (at, is_lost) in [((100, 100), false), ((-5, 0), false), ((5_000, 100), true), ((100, -4_000), true), ((1_890, 0), true)] {
        let mut hud = Hud::new();
        hud.app.world_mut().resource_mut::<Preferences>().window =
            WindowPlace { size: Some((900, 600)), at: Some(at), is_full_screen: false };
        plug_in(&mut hud, monitor(None, 0, 1920));
        let is_centred = matches!(window(&mut hud).position, WindowPosition::Centered(_));
        assert_eq!(is_centred, is_lost, "{at:?}");
    }
}

#[test]
fn the_window_opens_where_it_was_and_a_kiosk_does_not_care() {
    let place = WindowPlace { size: Some((900, 600)), at: Some((40, 50)), is_full_screen: false };
    let opened = primary(Placement::Windowed, place);
    assert_eq!((opened.resolution.physical_width(), opened.position), (900, WindowPosition::At(IVec2::new(40, 50))));
    let covered = primary(Placement::Kiosk, WindowPlace { is_full_screen: true, ..place });
    assert_eq!((covered.mode, covered.decorations, covered.position), (WindowMode::Windowed, false, WindowPosition::Automatic));
    assert_eq!(primary(Placement::Windowed, WindowPlace { size: Some((0, 0)), ..place }).resolution.physical_width(), 1);
}

#[test]
fn on_a_scaled_screen_the_window_is_as_large_after_each_start_as_it_was() {
    let place = WindowPlace { size: Some((900, 600)), ..WindowPlace::default() };
    let mut window = primary(Placement::Windowed, place);
    // As the screen it opens on has it.
    window.resolution.set_scale_factor_and_apply_to_physical_size(2.0);
    assert_eq!(window.resolution.physical_width(), 1_800);
    assert_eq!(seen(&window, None, WindowPlace::default()).size, place.size);

    let mut hud = Hud::kiosk();
    hud.app.world_mut().resource_mut::<Preferences>().window = place;
    let world = hud.app.world_mut();
    world.query::<&mut Window>().single_mut(world).unwrap().resolution.set_scale_factor(2.0);
    world.write_message(UserAction::Sure(Box::new(UserAction::LeaveKiosk)));
    hud.frame();
    assert_eq!(self::window(&mut hud).resolution.size(), Vec2::new(900.0, 600.0));
}

#[test]
fn size_and_place_are_saved_when_the_window_stands_still_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hud.toml");
    let mut hud = Hud::new();
    hud.app.insert_resource(PreferencesFile(Some(file.clone())));
    let entity = hud.app.world_mut().query_filtered::<Entity, With<PrimaryWindow>>().single(hud.app.world()).unwrap();
    let move_to = |hud: &mut Hud, x| hud.app.world_mut().write_message(WindowMoved { window: entity, position: IVec2::new(x, 7) });
    let saved = || prefs::read(&file).preferences.window.at;
    move_to(&mut hud, 11);
    hud.frame();
    assert_eq!(saved(), None, "not at each step of a drag");
    assert!(hud.app.world().resource::<Alarm>().wanted().is_some());
    hud.frame_after(tokens::SAVE_AFTER);
    hud.settle();
    assert_eq!(saved(), Some((11, 7)));
    move_to(&mut hud, 12);
    hud.frame();
    hud.app.world_mut().write_message(AppExit::Success);
    hud.frame();
    assert_eq!(saved(), Some((12, 7)));
}

#[test]
fn the_scale_changes_while_the_window_is_open_and_everything_stays_inside() {
    let mut hud = Hud::new();
    for slot in [1, 2, 4, 8] {
        hud.open(slot);
    }
    hud.press(KeyCode::KeyT, "t");
    hud.settle();
    let letters = ["=", "=", "=", "=", "-", "-", "-", "-", "-", "0"];
    for (letter, scale) in letters.into_iter().zip([125, 150, 175, 200, 175, 150, 125, 100, 75, 100]) {
        hud.hold(KeyCode::ControlLeft, |hud| hud.press(KeyCode::Unidentified(bevy::input::keyboard::NativeKeyCode::Unidentified), letter));
        hud.settle();
        assert_eq!(hud.app.world().resource::<Preferences>().scale, scale);
        // The same pixels are fewer points now.
        let window = hud.app.world().resource::<crate::hud::pane::Stage>().window;
        let points = hud.size / (f32::from(scale) / 100.0);
        assert!((window.size() - points).abs().max_elem() < 0.1, "{window:?} at {scale} %");
        assert!(window.contains_rect(crate::hud::pane::layout::hotbar(window)), "{scale}");
        // Key hints lie beside the hotbar, not over panes.
        let hotbar = crate::hud::pane::layout::hotbar(window);
        for hint in hud.screen().iter().filter(|seen| ["back", "commands", "help", "main"].contains(&seen.text.as_str())) {
            assert!(hint.place.max.x <= hotbar.min.x && hint.place.min.y >= hotbar.min.y, "{hint:?} at {scale} %");
        }
        let world = hud.app.world_mut();
        let frames = world.query_filtered::<&crate::hud::pane::PaneFrame, Without<crate::hud::pane::Closed>>();
        for frame in { frames }.iter(world) {
            assert!(window.contains_rect(frame.rect), "{frame:?} at {scale} %");
        }
    }
}

#[test]
fn a_small_window_shows_everything_smaller_rather_than_cut_off() {
    let at = |chosen, width, height| scale(chosen, egui::vec2(width, height));
    assert_eq!(at(1.0, 1280.0, 720.0), 1.0);
    assert_eq!(at(2.0, 1280.0, 720.0), 2.0);
    assert!((at(1.5, 640.0, 480.0) - 640.0 / 560.0).abs() < 0.001);
    assert_eq!(at(1.0, 320.0, 240.0), tokens::SCALE_LEAST);
    assert_eq!(at(2.0, 7680.0, 4320.0), 2.0);
    assert_eq!(at(0.75, 1.0, 1.0), 0.75);
}
