//! Ages that are on screen become others: one frame when the next one does, none in between.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;

use super::{Now, Relays, Session};
use crate::hud::HudSystems;
use crate::hud::bridge::Alarm;
use crate::hud::chips;
use crate::hud::pane::{Closed, Pane, PaneKind};
use crate::hud::widgets::Age;
use crate::node::Link;

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, wake_at_next_step.in_set(HudSystems::Move));
}

fn wake_at_next_step(
    now: Res<'_, Now>,
    real: Res<'_, Time<Real>>,
    session: Res<'_, Session>,
    relays: Res<'_, Relays>,
    panes: Query<'_, '_, &Pane, Without<Closed>>,
    mut alarm: ResMut<'_, Alarm>,
) {
    let shows_relays = panes.iter().any(|pane| pane.0 == PaneKind::Relays);
    let shows_wallet = panes.iter().any(|pane| pane.0 == PaneKind::Wallet);
    let balance = session.status.wallet.iter().filter(|_| shows_wallet).map(|wallet| wallet.snapshot.as_of);
    let lost = if let Link::Lost { since, .. } = session.link { Some(since) } else { None };
    let relays = relays.relays.iter().filter(|_| shows_relays).filter_map(|relay| relay.last_event_at);
    let next =
        relays.chain(balance).chain(lost).chain(chips::since(&session.status)).map(|since| Age::of(now.0.since(since)).next_in_ms).min();
    if let (Some(next), Some(frame)) = (next, real.last_update()) {
        alarm.at(frame + Duration::from_millis(next));
    }
}
