//! The one window: on a desk or over the whole screen.

use bevy::prelude::*;
use bevy::window::{Monitor, MonitorSelection, PrimaryWindow, WindowMode, WindowResizeConstraints, WindowResolution};

use super::theme::{Theme, tokens};

/// Where the window goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Placement {
    /// A window like any other.
    #[default]
    Windowed,
    /// The whole screen, without a frame.
    Kiosk,
}

/// What Bevy is told about the window before it opens.
pub fn primary(placement: Placement) -> Window {
    Window {
        title: "Pylon HUD".to_owned(),
        // Desktops match a window with its launcher by this.
        name: Some("pylon-hud".to_owned()),
        resolution: WindowResolution::new(tokens::WINDOW_SIZE.0, tokens::WINDOW_SIZE.1),
        resize_constraints: WindowResizeConstraints { min_width: tokens::WINDOW_LEAST.0, min_height: tokens::WINDOW_LEAST.1, ..default() },
        decorations: placement == Placement::Windowed,
        ..default()
    }
}

/// Gives the window its camera, which bevy_egui needs to draw on, and clears it to the ground colour.
pub fn plugin(app: &mut App) {
    app.add_systems(Startup, open);
}

fn open(mut commands: Commands<'_, '_>, theme: Res<'_, Theme>) {
    let ground = theme.palette.ground;
    commands.insert_resource(ClearColor(Color::srgb_u8(ground.r(), ground.g(), ground.b())));
    // Only egui draws, and it smooths its own edges.
    commands.spawn((Camera2d, Msaa::Off));
}

/// Makes a kiosk's window as large as its screen, and full screen, as soon as the screen is known.
///
/// Full screen alone is a request to the window manager. Where there is none, as on a bare X server, the window would
/// keep the 800 by 600 it got; so the size is set as well, and a window manager overrules it with the same one.
pub fn cover_screen(
    found: On<'_, '_, Add, Monitor>,
    monitors: Query<'_, '_, &Monitor>,
    mut window: Single<'_, '_, &mut Window, With<PrimaryWindow>>,
) -> Result {
    let screen = monitors.get(found.entity)?;
    if window.mode == WindowMode::Windowed {
        window.position = WindowPosition::At(screen.physical_position);
        window.resolution.set_physical_resolution(screen.physical_width, screen.physical_height);
        window.mode = WindowMode::BorderlessFullscreen(MonitorSelection::Current);
    }
    Ok(())
}
