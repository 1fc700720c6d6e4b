//! Pads to actions, by [`Bindings`]: buttons once, the d-pad and the left stick again and again while they are held, the
//! right stick as a scroll wheel.
//!
//! Decisions:
//! - A pad is heard only while the window has the keyboard: it may be playing another program.
//! - What is held belongs to a pad. When the pad goes, or the window loses the keyboard, it is let go of.
//! - Repeats go by time. While something is held the loop is woken for the next one; otherwise it sleeps.

use std::time::Duration;

use bevy::input::ButtonState;
use bevy::input::gamepad::{Gamepad, GamepadButtonStateChangedEvent};
use bevy::platform::collections::HashMap;
use bevy::prelude::*;
use bevy::time::Real;
use bevy::window::{PrimaryWindow, RequestRedraw};

use super::bindings::Bindings;
use super::capture::Listening;
use super::device::Device;
use super::owner::Claims;
use crate::hud::action::{ActionKind, UserAction};
use crate::hud::bridge::Alarm;
use crate::hud::osk::Osk;
use crate::hud::theme::tokens;

/// What is held down on a pad, and when it counts again.
#[derive(Debug, Clone, Copy, PartialEq)]
struct HeldDown {
    by: Holder,
    kind: ActionKind,
    next: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Button(GamepadButton),
    Stick,
}

/// What each pad holds down.
#[derive(Resource, Debug, Default)]
pub struct Held(HashMap<Entity, HeldDown>);

/// Turns presses into actions.
pub fn press(
    mut buttons: MessageReader<'_, '_, GamepadButtonStateChangedEvent>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    bindings: Res<'_, Bindings>,
    listening: Res<'_, Listening>,
    osk: Res<'_, Osk>,
    claims: Claims<'_, '_>,
    time: Res<'_, Time<Real>>,
    mut held: ResMut<'_, Held>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    if !windows.iter().any(|window| window.focused) {
        buttons.clear();
        held.0.clear();
        return;
    }
    for event in buttons.read() {
        let by = Holder::Button(event.button);
        match (event.state, listening.0) {
            (ButtonState::Released, _) => {
                held.0.retain(|pad, down| *pad != event.entity || down.by != by);
            }
            (ButtonState::Pressed, Some((kind, Device::Pad))) => {
                actions.write(UserAction::BindButton(kind, event.button));
            }
            (ButtonState::Pressed, _) => {
                let meant = bindings.by_button(event.button, osk.is_open()).and_then(|kind| claims.meant(kind));
                let Some(kind) = meant else { continue };
                actions.write(kind.action());
                if kind.repeats() {
                    held.0.insert(event.entity, HeldDown { by, kind, next: time.elapsed() + tokens::REPEAT_AFTER });
                }
            }
        }
    }
}

/// The left stick is a d-pad.
pub fn tilt(
    pads: Query<'_, '_, (Entity, &Gamepad)>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    time: Res<'_, Time<Real>>,
    mut held: ResMut<'_, Held>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    if !windows.iter().any(|window| window.focused) {
        return;
    }
    for (pad, state) in &pads {
        let before = held.0.get(&pad).filter(|down| down.by == Holder::Stick).map(|down| down.kind);
        let now = direction(state.left_stick(), before);
        if now == before {
            continue;
        }
        if before.is_some() {
            held.0.remove(&pad);
        }
        if let Some(kind) = now {
            actions.write(kind.action());
            held.0.insert(pad, HeldDown { by: Holder::Stick, kind, next: time.elapsed() + tokens::REPEAT_AFTER });
        }
    }
}

/// Where a stick points; `None`: it rests. It has to go further to begin than to stay.
fn direction(stick: Vec2, before: Option<ActionKind>) -> Option<ActionKind> {
    let least = if before.is_some() { tokens::STICK_OFF } else { tokens::STICK_ON };
    let kind = match (stick.x.abs() > stick.y.abs(), stick.x > 0.0, stick.y > 0.0) {
        (true, true, _) => ActionKind::MoveRight,
        (true, false, _) => ActionKind::MoveLeft,
        (false, _, true) => ActionKind::MoveUp,
        (false, _, false) => ActionKind::MoveDown,
    };
    (stick.x.abs().max(stick.y.abs()) > least).then_some(kind)
}

/// What is held counts again, when its time has come. A pad that is gone holds nothing.
pub fn repeat(
    pads: Query<'_, '_, &Gamepad>,
    time: Res<'_, Time<Real>>,
    mut held: ResMut<'_, Held>,
    mut alarm: ResMut<'_, Alarm>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    if held.0.is_empty() {
        return;
    }
    held.0.retain(|pad, _| pads.contains(*pad));
    let now = time.elapsed();
    for down in held.0.values_mut() {
        if down.next <= now {
            actions.write(down.kind.action());
            // A window that could not keep up does not make up for it.
            down.next = now + tokens::REPEAT_EVERY;
        }
        if let Some(frame) = time.last_update() {
            alarm.at(frame + (down.next - now));
        }
    }
}

/// The right stick scrolls, by time and by how far it is tilted.
pub fn scroll(
    pads: Query<'_, '_, &Gamepad>,
    windows: Query<'_, '_, &Window, With<PrimaryWindow>>,
    time: Res<'_, Time<Real>>,
    mut was_tilted: Local<'_, bool>,
    mut actions: MessageWriter<'_, UserAction>,
    mut redraw: MessageWriter<'_, RequestRedraw>,
) {
    let has_keys = windows.iter().any(|window| window.focused);
    let tilt = pads.iter().map(|pad| pad.right_stick().y).find(|tilt| has_keys && tilt.abs() > tokens::STICK_OFF);
    // The window may have slept until now: the first frame only begins.
    if let Some(tilt) = tilt {
        if *was_tilted {
            actions.write(UserAction::Scroll(tilt * tokens::SCROLL_SPEED * time.delta_secs().min(tokens::SCROLL_FRAME)));
        }
        redraw.write(RequestRedraw);
    }
    *was_tilted = tilt.is_some();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stick_has_to_be_tilted_further_to_begin_than_to_stay() {
        assert_eq!(direction(Vec2::new(0.5, 0.1), None), None);
        assert_eq!(direction(Vec2::new(0.7, 0.1), None), Some(ActionKind::MoveRight));
        assert_eq!(direction(Vec2::new(0.5, 0.1), Some(ActionKind::MoveRight)), Some(ActionKind::MoveRight));
        assert_eq!(direction(Vec2::new(0.3, 0.1), Some(ActionKind::MoveRight)), None);
        assert_eq!(direction(Vec2::new(-0.2, -0.9), None), Some(ActionKind::MoveDown));
        assert_eq!(direction(Vec2::ZERO, None), None);
    }
}
