//! Developer tools, compiled with the feature `dev` only: a line on standard error for each frame, and pictures.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bevy::diagnostic::FrameCount;
use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use bevy::time::Real;
use bevy::window::RequestRedraw;

use super::HudSystems;
use super::bridge::Alarm;

/// A picture to take once, after which the program ends.
#[derive(Resource, Debug, Clone, Default)]
pub struct Shot {
    /// Where to save it; `None`: take none.
    pub file: Option<PathBuf>,
    /// When, after the start.
    pub after: Duration,
}

/// When this frame began, for its cost.
#[derive(Resource)]
struct Begun(Instant);

/// Counts frames, so that "nothing moves, nothing is drawn" can be watched, and takes pictures: F12, or a [`Shot`].
pub fn plugin(app: &mut App) {
    let started = Instant::now();
    app.init_resource::<Shot>().insert_resource(Begun(started));
    app.add_systems(First, |mut begun: ResMut<'_, Begun>| begun.0 = Instant::now());
    app.add_systems(Update, (take_once, take_by_key, keep_going).chain().in_set(HudSystems::Move));
    app.add_systems(Last, move |frames: Res<'_, FrameCount>, begun: Res<'_, Begun>, asked: Res<'_, Messages<RequestRedraw>>| {
        let cost = begun.0.elapsed().as_secs_f64() * 1e3;
        let again = if asked.is_empty() { "" } else { ", another asked for" };
        eprintln!("frame {} at {:.3} s, {cost:.2} ms of CPU{again}", frames.0, started.elapsed().as_secs_f64());
    });
}

fn take_once(
    mut commands: Commands<'_, '_>,
    mut shot: ResMut<'_, Shot>,
    time: Res<'_, Time<Real>>,
    mut alarm: ResMut<'_, Alarm>,
    under_way: Query<'_, '_, (), With<Screenshot>>,
    mut taken: Local<'_, bool>,
    mut exit: MessageWriter<'_, AppExit>,
) {
    if *taken {
        if under_way.is_empty() {
            exit.write(AppExit::Success);
        }
        return;
    }
    let due = time.startup() + shot.after;
    if shot.file.is_some() && Instant::now() < due {
        alarm.at(due);
    } else if let Some(file) = shot.file.take() {
        commands.spawn(Screenshot::primary_window()).observe(save_to_disk(file));
        *taken = true;
    }
}

/// F12: a picture into the current directory.
fn take_by_key(mut commands: Commands<'_, '_>, keys: Res<'_, ButtonInput<KeyCode>>, mut number: Local<'_, u32>) {
    if keys.just_pressed(KeyCode::F12) {
        *number += 1;
        commands.spawn(Screenshot::primary_window()).observe(save_to_disk(format!("pylon-hud-{}.png", *number)));
    }
}

/// A picture is read back over several frames.
fn keep_going(under_way: Query<'_, '_, (), With<Screenshot>>, mut redraw: MessageWriter<'_, RequestRedraw>) {
    if !under_way.is_empty() {
        redraw.write(RequestRedraw);
    }
}
