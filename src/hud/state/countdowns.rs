//! Countdowns before somebody's eyes: one frame a second while there is one, and none otherwise.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;

use super::{Money, Now, Session};
use crate::hud::HudSystems;
use crate::hud::bridge::Alarm;
use crate::hud::pane::Closed;
use crate::hud::panes::wallet;
use crate::hud::pin::PinDesk;
use crate::hud::widgets::countdown;

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, tick.in_set(HudSystems::Move));
}

/// Wakes the window when a countdown that is seen shows another second, and when spending locks itself again.
fn tick(
    now: Res<'_, Now>,
    real: Res<'_, Time<Real>>,
    money: Res<'_, Money>,
    session: Res<'_, Session>,
    desk: Res<'_, PinDesk>,
    open: Query<'_, '_, &wallet::Form, Without<Closed>>,
    mut alarm: ResMut<'_, Alarm>,
) {
    let Some(frame) = real.last_update() else { return };
    let is_receiving = open.iter().any(|form| form.part == wallet::Part::Receive);
    let invoice = money.invoice.as_ref().filter(|_| is_receiving && !money.is_invoice_paid).map(|invoice| invoice.expires_at);
    let wait = session.spending.and_then(|spending| spending.wait_until).filter(|_| desk.is_asking());
    let seconds = invoice.into_iter().chain(wait).filter_map(|until| countdown::next_in_ms(until.since(now.0)));
    let locks = session.spending.and_then(|spending| spending.open_until).map(|until| until.since(now.0)).filter(|ms| *ms > 0);
    if let Some(ms) = seconds.chain(locks).min() {
        alarm.at(frame + Duration::from_millis(ms));
    }
}
