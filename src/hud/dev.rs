//! Developer tools, compiled with the feature `dev` only: a line on standard error for each frame, a counter in the
//! window (F9) that shows how long nothing was drawn, and pictures (F12).

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bevy::diagnostic::FrameCount;
use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, save_to_disk};
use bevy::time::Real;
use bevy::window::RequestRedraw;
use bevy_egui::egui::{Align2, Area, Frame, Id, Label, Order, Stroke, vec2};
use bevy_egui::{EguiContexts, EguiPrimaryContextPass};

use super::HudSystems;
use super::bridge::Alarm;
use super::theme::{Text, Theme, tokens};
use super::widgets::Ink;

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

/// What the counter shows: it proves that a window at rest draws nothing, as it stands still with it.
#[derive(Resource, Default)]
struct Counter {
    is_shown: bool,
    ended: Option<Instant>,
    /// Between the end of the frame before and the beginning of this one.
    slept: Duration,
    cost: Duration,
}

/// Counts frames, so that "nothing moves, nothing is drawn" can be watched, and takes pictures: F12, or a [`Shot`].
pub fn plugin(app: &mut App) {
    let started = Instant::now();
    app.init_resource::<Shot>().insert_resource(Begun(started));
    app.init_resource::<Counter>();
    app.add_systems(First, |mut begun: ResMut<'_, Begun>, mut counter: ResMut<'_, Counter>| {
        begun.0 = Instant::now();
        counter.slept = counter.ended.map_or(Duration::ZERO, |ended| begun.0.duration_since(ended));
    });
    app.add_systems(Update, (take_once, take_by_key, keep_going, toggle).chain().in_set(HudSystems::Move));
    app.add_systems(EguiPrimaryContextPass, draw.after(HudSystems::DrawOver));
    app.add_systems(
        Last,
        move |frames: Res<'_, FrameCount>,
              begun: Res<'_, Begun>,
              asked: Res<'_, Messages<RequestRedraw>>,
              mut counter: ResMut<'_, Counter>| {
            (counter.cost, counter.ended) = (begun.0.elapsed(), Some(Instant::now()));
            let cost = counter.cost.as_secs_f64() * 1e3;
            let again = if asked.is_empty() { "" } else { ", another asked for" };
            eprintln!("frame {} at {:.3} s, {cost:.2} ms of CPU{again}", frames.0, started.elapsed().as_secs_f64());
        },
    );
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

/// F9: the counter, or none.
fn toggle(keys: Res<'_, ButtonInput<KeyCode>>, mut counter: ResMut<'_, Counter>) {
    if keys.just_pressed(KeyCode::F9) {
        counter.is_shown = !counter.is_shown;
    }
}

fn draw(mut contexts: EguiContexts<'_, '_>, theme: Res<'_, Theme>, frames: Res<'_, FrameCount>, counter: Res<'_, Counter>) -> Result {
    if !counter.is_shown {
        return Ok(());
    }
    let context = contexts.ctx_mut()?.clone();
    let ink = Ink(theme.palette);
    let (cost, slept) = (counter.cost.as_secs_f64() * 1e3, counter.slept.as_secs_f64());
    let words = format!("frame {} · the one before took {cost:.2} ms · nothing was drawn for {slept:.1} s before this", frames.0);
    let below_chips = vec2(tokens::EDGE, tokens::EDGE + tokens::CHIP + tokens::GAP);
    let area = Area::new(Id::new("frame counter")).order(Order::Foreground).anchor(Align2::LEFT_TOP, below_chips).interactable(false);
    area.fade_in(false).show(&context, |ui| {
        let frame = Frame::new().fill(ink.0.surface_0).stroke(Stroke::new(tokens::HAIRLINE, ink.0.border_quiet));
        frame.inner_margin(tokens::ROW_PADDING).show(ui, |ui| ui.add(Label::new(ink.mid(Text::Hint, words)).extend()));
    });
    Ok(())
}

/// A picture is read back over several frames.
fn keep_going(under_way: Query<'_, '_, (), With<Screenshot>>, mut redraw: MessageWriter<'_, RequestRedraw>) {
    if !under_way.is_empty() {
        redraw.write(RequestRedraw);
    }
}
