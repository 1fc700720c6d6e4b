//! The kiosk: a screen for whoever stands before it. No way out without the PIN, spending locked until the PIN unlocks it
//! for a while, nothing on one spot for hours, and no pointer while nobody points.
//!
//! Decisions:
//! - "No way out" means our own exits; virtual terminals and signals are the system's business.
//! - The whole picture drifts, a pixel a minute over a few pixels: every pane, chip and slot stands still otherwise. It is
//!   done by moving the rectangle egui draws in, so nobody who draws has to know; panes follow it like a resized window.

use std::time::Duration;

use bevy::input::keyboard::KeyboardInput;
use bevy::prelude::*;
use bevy::time::Real;
use bevy::window::{CursorMoved, CursorOptions, PrimaryWindow};
use bevy_egui::egui::{Rect, vec2};
use bevy_egui::{EguiContext, EguiInput};

use super::HudSystems;
use super::action::UserAction;
use super::bridge::{Alarm, FromNode};
use super::pin::{PinDesk, PinWish};
use super::state::{Now, Session};
use super::theme::tokens;
use crate::domain::spend_lock::SpendState;
use crate::node::{Market, NodeCommand, NodeEvent};

/// Whether this window is a kiosk now.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kiosk {
    pub is_on: bool,
    /// A node that was found is to be locked and has not yet said that it is.
    pub is_locking: bool,
}

impl Kiosk {
    /// Whether money may not go out from here now, whatever the node has said so far.
    pub fn is_spending_locked(self, session: &Session, now: Now) -> bool {
        session.is_spending_locked(now.0) || self.is_on && self.is_locking
    }
}

/// How long a node may take to lock before it is told again.
const LOCK_AGAIN: Duration = Duration::from_secs(5);

pub fn plugin(app: &mut App) {
    app.init_resource::<Kiosk>();
    let shift = shift.after(super::theme::apply::apply).after(super::power::drop_repeated_modifiers);
    app.add_systems(PreUpdate, (hide_pointer, shift).in_set(HudSystems::Correct));
    app.add_systems(
        Update,
        (ask_about_spending, lock_what_is_reached, ask_for_first_pin).chain().after(super::pin::listen).in_set(HudSystems::Ask),
    );
    app.add_systems(Update, drift.in_set(HudSystems::Move));
}

/// Asks how the lock on spending stands when a market is entered: while the node is stopped nobody tells.
fn ask_about_spending(session: Res<'_, Session>, mut seen: Local<'_, Option<Market>>, mut actions: MessageWriter<'_, UserAction>) {
    if *seen != session.market {
        *seen = session.market;
        if session.market.is_some() {
            actions.write(UserAction::Ask(NodeCommand::Spending));
        }
    }
}

/// Locks spending of a node that somebody else has started, and goes on until it says that it is locked. Ours begin locked.
fn lock_what_is_reached(
    mut kiosk: ResMut<'_, Kiosk>,
    session: Res<'_, Session>,
    real: Res<'_, Time<Real>>,
    (mut seen, mut asked): (Local<'_, Option<u32>>, Local<'_, Option<Duration>>),
    mut said: MessageReader<'_, '_, FromNode>,
    mut alarm: ResMut<'_, Alarm>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    let is_locked = said.read().filter(|said| has_locked(said)).count() > 0;
    let reached = session.link.reached();
    let is_new = std::mem::replace(&mut *seen, reached) != reached;
    if is_new {
        *asked = None;
    }
    let is_due = kiosk.is_on && reached.is_some() && (is_new || kiosk.is_locking && !is_locked);
    kiosk.set_if_neq(Kiosk { is_locking: is_due, ..*kiosk });
    if !is_due {
        return;
    }
    let waits = asked.map_or(Duration::ZERO, |at| (at + LOCK_AGAIN).saturating_sub(real.elapsed()));
    if waits.is_zero() {
        *asked = Some(real.elapsed());
        actions.write(UserAction::Ask(NodeCommand::LockSpending));
    }
    if let Some(frame) = real.last_update() {
        alarm.at(frame + if waits.is_zero() { LOCK_AGAIN } else { waits });
    }
}

fn has_locked(said: &FromNode) -> bool {
    said.answers == Some(NodeCommand::LockSpending)
        && matches!(&said.event, NodeEvent::Spending { spending } if spending.state == SpendState::Locked)
}

/// A kiosk without a PIN receives only. It asks whoever starts it for one, once for each market; who comes by later is not
/// asked, or he would choose it.
fn ask_for_first_pin(
    kiosk: Res<'_, Kiosk>,
    session: Res<'_, Session>,
    mut desk: ResMut<'_, PinDesk>,
    mut asked: Local<'_, Option<Market>>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    let has_none = session.spending.is_some_and(|spending| !spending.has_pin);
    if kiosk.is_on && has_none && *asked != session.market && !desk.is_asking() {
        *asked = session.market;
        actions.write(UserAction::Ask(NodeCommand::LockSpending));
        desk.ask(PinWish::Set, &session);
    }
}

/// The pointer is seen while it is used, and not while keys are.
fn hide_pointer(
    kiosk: Res<'_, Kiosk>,
    mut keys: MessageReader<'_, '_, KeyboardInput>,
    mut pads: MessageReader<'_, '_, bevy::input::gamepad::RawGamepadEvent>,
    mut moved: MessageReader<'_, '_, CursorMoved>,
    mut touched: MessageReader<'_, '_, TouchInput>,
    mut cursors: Query<'_, '_, &mut CursorOptions, With<PrimaryWindow>>,
) {
    let is_pointing = moved.read().filter(|moved| moved.delta.is_none_or(|by| by != Vec2::ZERO)).count() > 0;
    let uses_others = keys.read().count() + pads.read().count() + touched.read().count() > 0;
    let visible = match (kiosk.is_on, is_pointing, uses_others) {
        (false, ..) | (true, true, _) => true,
        (true, false, true) => false,
        (true, false, false) => return,
    };
    for mut cursor in &mut cursors {
        if cursor.visible != visible {
            cursor.visible = visible;
        }
    }
}

/// How far the picture has drifted at this minute, in pixels: row by row over a small square, and the same way back.
fn drifted(minute: u64) -> (i64, i64) {
    const SIDE: u64 = 2 * tokens::DRIFT as u64 + 1;
    const LAST: u64 = SIDE * SIDE - 1;
    let at = minute % (2 * LAST);
    let at = if at > LAST { 2 * LAST - at } else { at };
    let (row, along) = (at / SIDE, at % SIDE);
    let column = if row.is_multiple_of(2) { along } else { SIDE - 1 - along };
    (column as i64 - i64::from(tokens::DRIFT), row as i64 - i64::from(tokens::DRIFT))
}

fn minute(now: Now) -> u64 {
    u64::try_from(now.0.0).unwrap_or_default() / 60_000
}

/// Where egui draws in a kiosk: a little less than the screen, moved by the drift.
fn shift(kiosk: Res<'_, Kiosk>, now: Res<'_, Now>, mut contexts: Query<'_, '_, (&mut EguiContext, &mut EguiInput)>) {
    if !kiosk.is_on {
        return;
    }
    for (mut context, mut input) in &mut contexts {
        let pixel = 1.0 / context.get_mut().pixels_per_point();
        if let Some(screen) = input.screen_rect {
            input.screen_rect = Some(shifted(screen, pixel, minute(*now)));
        }
    }
}

fn shifted(screen: Rect, pixel: f32, minute: u64) -> Rect {
    let (x, y) = drifted(minute);
    let room = f32::from(tokens::DRIFT) * pixel;
    let inside = screen.shrink(room).translate(vec2(x as f32, y as f32) * pixel);
    // A screen of a few pixels has nothing to give.
    if inside.width() < tokens::PANE_LEAST.0 || inside.height() < tokens::PANE_LEAST.1 { screen } else { inside }
}

/// Wakes the window when the picture drifts next.
fn drift(kiosk: Res<'_, Kiosk>, now: Res<'_, Now>, real: Res<'_, Time<Real>>, mut alarm: ResMut<'_, Alarm>) {
    if let Some(frame) = real.last_update().filter(|_| kiosk.is_on) {
        alarm.at(frame + Duration::from_millis(60_000 - u64::try_from(now.0.0).unwrap_or_default() % 60_000));
    }
}

/// Whether money can only come in: nobody has unlocked spending, or nobody can.
pub fn is_receive_only(session: &Session) -> bool {
    session.spending.is_some_and(|spending| spending.state == SpendState::Locked && !spending.has_pin)
}

#[cfg(test)]
#[path = "kiosk_tests.rs"]
mod tests;
