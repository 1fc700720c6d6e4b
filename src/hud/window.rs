//! The one window: on a desk, over the whole screen, or a kiosk.

use std::time::{Duration, Instant};

use bevy::prelude::*;
use bevy::time::Real;
use bevy::window::{
    Monitor, MonitorSelection, PrimaryMonitor, PrimaryWindow, WindowMode, WindowMoved, WindowResizeConstraints, WindowResized,
    WindowResolution,
};
use bevy_egui::EguiContext;
use bevy_egui::egui;

use super::HudSystems;
use super::bridge::Alarm;
use super::kiosk::Kiosk;
use super::prefs::{self, Preferences, PreferencesFile, WindowPlace};
use super::state::{Notices, Now, Tone};
use super::theme::{Theme, tokens};

/// Where the window goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Placement {
    /// A window like any other.
    #[default]
    Windowed,
    /// The whole screen, without a frame and without a way out.
    Kiosk,
}

/// The monitor somebody has named on the command line: it counts before the preferences and is not saved.
#[derive(Resource, Debug, Clone, Default)]
pub struct NamedMonitor(pub Option<String>);

/// What Bevy is told about the window before it opens.
pub fn primary(placement: Placement, place: WindowPlace) -> Window {
    let (width, height) = place.size.filter(|_| placement == Placement::Windowed).unwrap_or(tokens::WINDOW_SIZE);
    let position = match place.at.filter(|_| placement == Placement::Windowed) {
        Some((x, y)) => WindowPosition::At(IVec2::new(x, y)),
        None => WindowPosition::Automatic,
    };
    let is_full_screen = placement == Placement::Windowed && place.is_full_screen;
    Window {
        title: "Pylon HUD".to_owned(),
        // Desktops match a window with its launcher by this.
        name: Some("pylon-hud".to_owned()),
        resolution: WindowResolution::new(width.max(1), height.max(1)),
        position,
        mode: if is_full_screen { WindowMode::BorderlessFullscreen(MonitorSelection::Current) } else { WindowMode::Windowed },
        resize_constraints: WindowResizeConstraints { min_width: tokens::WINDOW_LEAST.0, min_height: tokens::WINDOW_LEAST.1, ..default() },
        decorations: placement == Placement::Windowed,
        ..default()
    }
}

/// Gives the window its camera, which bevy_egui needs to draw on, and clears it to the ground colour.
pub fn plugin(app: &mut App) {
    app.init_resource::<NamedMonitor>().init_resource::<Unsaved>();
    app.add_systems(Startup, open);
    app.add_systems(PreUpdate, fit.in_set(HudSystems::Correct));
    app.add_systems(Update, (cover_screen, bring_back).chain().in_set(HudSystems::Begin));
    app.add_systems(Update, remember.in_set(HudSystems::Rest));
    app.add_systems(Last, save_at_the_end);
}

fn open(mut commands: Commands<'_, '_>, theme: Res<'_, Theme>) {
    let ground = theme.palette.ground;
    commands.insert_resource(ClearColor(Color::srgb_u8(ground.r(), ground.g(), ground.b())));
    // Only egui draws, and it smooths its own edges.
    commands.spawn((Camera2d, Msaa::Off));
}

/// Which of these monitors is meant: by its name, or by its number counted from 1. `None`: none of them.
fn named<'m>(wish: &str, monitors: impl Iterator<Item = (Entity, &'m Monitor)>) -> Option<Entity> {
    let number = wish.trim().parse::<usize>().ok();
    let mut found = None;
    for (index, (entity, monitor)) in monitors.enumerate() {
        if monitor.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(wish.trim())) {
            return Some(entity);
        }
        if number == Some(index + 1) {
            found = Some(entity);
        }
    }
    found
}

/// Makes a kiosk's window as large as its screen, and full screen, as soon as the screen is known, and again when the
/// one that was named appears.
///
/// Full screen alone is a request to the window manager. Where there is none, as on a bare X server, the window would
/// keep the 800 by 600 it got; so the size is set as well, and a window manager overrules it with the same one.
fn cover_screen(
    kiosk: Res<'_, Kiosk>,
    wish: Res<'_, NamedMonitor>,
    preferences: Res<'_, Preferences>,
    monitors: Query<'_, '_, (Entity, &Monitor, Has<PrimaryMonitor>)>,
    mut windows: Query<'_, '_, &mut Window, With<PrimaryWindow>>,
    now: Res<'_, Now>,
    mut notices: ResMut<'_, Notices>,
    mut covered: Local<'_, Option<Covered>>,
) {
    if !kiosk.is_on || monitors.is_empty() {
        *covered = None;
        return;
    }
    let wish = wish.0.as_ref().or(preferences.kiosk.monitor.as_ref());
    let mut known: Vec<_> = monitors.iter().collect();
    // In the order the system names them in.
    known.sort_by_key(|(entity, ..)| entity.index_u32());
    let wanted = wish.and_then(|wish| named(wish, known.iter().map(|(entity, monitor, _)| (*entity, *monitor))));
    let main = known.iter().find(|(.., is_main)| *is_main).or(known.first()).map(|(entity, ..)| *entity);
    let Some(target) = wanted.or(main) else { return };
    let next = Covered { monitor: target, wish: wish.cloned() };
    if covered.as_ref() == Some(&next) {
        return;
    }
    *covered = Some(next);
    if let Some(wish) = wish.filter(|_| wanted.is_none()) {
        let names: Vec<&str> = known.iter().map(|(_, monitor, _)| monitor.name.as_deref().unwrap_or("without a name")).collect();
        let title = format!("There is no monitor {wish:?}, so the kiosk covers another.");
        notices.tell(now.0, Tone::Warning, title, format!("There are: {}. Name one of these, or its number.", names.join(", ")));
    }
    let Ok((_, screen, _)) = monitors.get(target) else { return };
    for mut window in &mut windows {
        window.position = WindowPosition::At(screen.physical_position);
        window.resolution.set_physical_resolution(screen.physical_width, screen.physical_height);
        window.mode = WindowMode::BorderlessFullscreen(MonitorSelection::Entity(target));
    }
}

/// Which monitor a kiosk covers, and what was wished then.
#[derive(Debug, PartialEq)]
struct Covered {
    monitor: Entity,
    wish: Option<String>,
}

/// Brings a window back that was remembered where no screen is any more.
fn bring_back(
    kiosk: Res<'_, Kiosk>,
    preferences: Res<'_, Preferences>,
    monitors: Query<'_, '_, &Monitor>,
    mut windows: Query<'_, '_, &mut Window, With<PrimaryWindow>>,
    mut is_done: Local<'_, bool>,
) {
    if *is_done || monitors.is_empty() {
        return;
    }
    *is_done = true;
    let (Some(at), Some(size)) = (preferences.window.at, preferences.window.size) else { return };
    let is_seen = |monitor: &Monitor| {
        let screen = IRect::from_corners(monitor.physical_position, monitor.physical_position + monitor.physical_size().as_ivec2());
        // The title bar, or it could not be moved by hand.
        let pixels = |points: f64| (points * monitor.scale_factor) as i32;
        let (right, low) = (at.0.saturating_add(pixels(size.0.into())), at.1.saturating_add(pixels(tokens::TITLE_BAR.into())));
        let bar = IRect::from_corners(IVec2::new(at.0, at.1), IVec2::new(right, low));
        let seen = screen.intersect(bar);
        seen.width() >= tokens::PANE_LEAST.0 as i32 / 2 && seen.height() > 0
    };
    if !kiosk.is_on && !monitors.iter().any(is_seen) {
        for mut window in &mut windows {
            window.position = WindowPosition::Centered(MonitorSelection::Primary);
        }
    }
}

/// The scale in force: as chosen, or less where the window would have no room for anything.
pub fn scale(chosen: f32, window: egui::Vec2) -> f32 {
    let most = (window.x / tokens::ROOM_LEAST.0).min(window.y / tokens::ROOM_LEAST.1);
    chosen.min(most.max(tokens::SCALE_LEAST))
}

/// Puts the scale into force, the frame after it or the window's size has changed.
pub fn fit(
    preferences: Res<'_, Preferences>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    mut contexts: Query<'_, '_, &mut EguiContext>,
    kiosk: Res<'_, Kiosk>,
    mut theme: ResMut<'_, Theme>,
) {
    let Some(window) = windows.iter().next() else { return };
    let scale = scale(preferences.scale_factor(), egui::vec2(window.width(), window.height()));
    for mut context in &mut contexts {
        let context = context.get_mut();
        if (context.zoom_factor() - scale).abs() > f32::EPSILON {
            context.set_zoom_factor(scale);
        }
    }
    let hit = if kiosk.is_on { (tokens::ROW_KIOSK / scale).max(tokens::ROW) } else { tokens::ROW };
    if (theme.hit - hit).abs() > f32::EPSILON {
        theme.hit = hit;
    }
}

/// The window has another place than the file says, since then.
#[derive(Resource, Debug, Clone, Copy, Default)]
pub struct Unsaved(Option<Instant>);

/// Notes size and place of a window on a desk, and saves them when it has stood still for a moment.
fn remember(
    mut resized: MessageReader<'_, '_, WindowResized>,
    mut moved: MessageReader<'_, '_, WindowMoved>,
    kiosk: Res<'_, Kiosk>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    time: Res<'_, Time<Real>>,
    file: Res<'_, PreferencesFile>,
    mut preferences: ResMut<'_, Preferences>,
    mut unsaved: ResMut<'_, Unsaved>,
    mut alarm: ResMut<'_, Alarm>,
) {
    let has_moved = resized.read().count() > 0;
    let position = moved.read().last().map(|moved| (moved.position.x, moved.position.y));
    let (Some(window), Some(now)) = (windows.iter().next(), time.last_update()) else { return };
    if kiosk.is_on {
        return;
    }
    if has_moved || position.is_some() {
        let place = seen(window, position, preferences.window);
        if place != preferences.window {
            preferences.bypass_change_detection().window = place;
            unsaved.0 = Some(now);
        }
    }
    let Some(since) = unsaved.0 else { return };
    if now.saturating_duration_since(since) >= tokens::SAVE_AFTER {
        save(&file, &preferences, &mut unsaved);
    } else {
        alarm.at(since + tokens::SAVE_AFTER + Duration::from_millis(1));
    }
}

/// Where the window is now. Full screen keeps the place it will come back to.
fn seen(window: &Window, moved: Option<(i32, i32)>, before: WindowPlace) -> WindowPlace {
    if window.mode != WindowMode::Windowed {
        return WindowPlace { is_full_screen: true, ..before };
    }
    // A window is opened by points: pixels would be scaled once more at each start.
    let size = (window.width().round() as u32, window.height().round() as u32);
    WindowPlace { size: Some(size), at: moved.or(before.at), is_full_screen: false }
}

fn save_at_the_end(
    mut leaving: MessageReader<'_, '_, AppExit>,
    file: Res<'_, PreferencesFile>,
    preferences: Res<'_, Preferences>,
    mut unsaved: ResMut<'_, Unsaved>,
) {
    if leaving.read().count() > 0 && unsaved.0.is_some() {
        save(&file, &preferences, &mut unsaved);
    }
}

fn save(file: &PreferencesFile, preferences: &Preferences, unsaved: &mut Unsaved) {
    unsaved.0 = None;
    // Whether preferences can be saved at all is told where somebody changes one.
    if let Some(path) = &file.0
        && let Err(error) = prefs::write(path, preferences)
    {
        tracing::warn!("The window's place is not remembered: {} could not be written: {error}.", path.display());
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
