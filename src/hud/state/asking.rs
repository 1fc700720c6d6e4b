//! What the window wants to know without being told to: asked once when a market is entered, and again when what is
//! known has become old. By the clock only when "today" is another day: a question wakes the node, and its answer wakes
//! the window.

use std::time::Duration;

use bevy::prelude::*;
use bevy::time::Real;

use super::{History, Money, Now, Session};
use crate::domain::time::DAY_MS;
use crate::hud::HudSystems;
use crate::hud::action::UserAction;
use crate::hud::bridge::{Alarm, FromNode};
use crate::hud::pane::Closed;
use crate::node::{Market, NodeCommand, NodeEvent, RobotKind};
use crate::store::JobsQuery;

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, (greet, list_payments, refresh_totals, refresh_relays, check_again).chain().in_set(HudSystems::Ask));
    app.add_systems(Update, wake_at_midnight.in_set(HudSystems::Move));
}

/// The last answer's state, to see it change.
#[derive(Default, PartialEq, Clone, Copy)]
struct Seen {
    market: Option<Market>,
    running: bool,
    /// The process outside that answers.
    reached: Option<u32>,
}

/// Asks everything of a new market and of a node that has just been reached, and what has changed of one that has started
/// or stopped. A node that is not reached is asked nothing.
fn greet(session: Res<'_, Session>, mut seen: Local<'_, Seen>, mut actions: MessageWriter<'_, UserAction>) {
    let now = Seen { market: session.market, running: session.status.running, reached: session.link.reached() };
    let before = std::mem::replace(&mut *seen, now);
    if now == before || now.market.is_none() || !session.link.is_up() {
        return;
    }
    let mut questions = Vec::new();
    if now.market != before.market {
        questions.push(NodeCommand::Status);
    }
    if now.market != before.market || (now.reached.is_some() && now.reached != before.reached) {
        questions.extend([NodeCommand::Preflight, NodeCommand::Jobs { query: JobsQuery::default() }, NodeCommand::Stats]);
    } else {
        questions.push(if now.running { NodeCommand::Stats } else { NodeCommand::Preflight });
    }
    if now.running {
        questions.extend([NodeCommand::Models, NodeCommand::Relays]);
    }
    if now.running && !before.running && session.is_practice() && !session.link.outlives_us() {
        // A market without a buyer is no market. The pane has a switch for it.
        questions.push(NodeCommand::StartRobot { robot: RobotKind::Buyer });
    }
    actions.write_batch(questions.into_iter().map(UserAction::Ask));
}

/// Asks for the payments of a wallet that has just been opened, and once more when one that could not tell them can be
/// used again.
fn list_payments(
    session: Res<'_, Session>,
    money: Res<'_, Money>,
    mut before: Local<'_, (bool, bool)>,
    mut actions: MessageWriter<'_, UserAction>,
) {
    let purse = session.purse();
    let is_there = session.link.is_up() && purse.network().is_some();
    let answers = is_there && purse.answers();
    let (was_there, did_answer) = std::mem::replace(&mut *before, (is_there, answers));
    if (is_there && !was_there) || (answers && !did_answer && money.list_trouble.is_some()) {
        actions.write(UserAction::Ask(NodeCommand::Payments { before: None, limit: 50 }));
    }
}

/// Asks for the totals when jobs have changed or a day is over, one question at a time, and for the relays' counters: a relay tells of
/// its connection by itself, of each event it does not.
fn refresh_totals(session: Res<'_, Session>, history: Res<'_, History>, now: Res<'_, Now>, mut actions: MessageWriter<'_, UserAction>) {
    if history.is_stale(now.0) && session.link.is_up() && !session.awaits(&NodeCommand::Stats) {
        actions.write(UserAction::Ask(NodeCommand::Stats));
        if session.status.running {
            actions.write(UserAction::Ask(NodeCommand::Relays));
        }
    }
}

/// Wakes the window when the "today" it shows is over.
fn wake_at_midnight(history: Res<'_, History>, now: Res<'_, Now>, real: Res<'_, Time<Real>>, mut alarm: ResMut<'_, Alarm>) {
    if let Some(frame) = real.last_update().filter(|_| history.stats.is_some()) {
        alarm.at(frame + Duration::from_millis(DAY_MS - now.0.since(now.0.day_start())));
    }
}

/// Looks again at what a start needs when a setting has changed: whoever pressed the cure wants to see it work.
fn check_again(mut said: PopulatedMessageReader<'_, '_, FromNode>, mut actions: MessageWriter<'_, UserAction>) {
    let changed = |said: &FromNode| {
        let command = matches!(said.answers, Some(NodeCommand::SetSetting { .. } | NodeCommand::Reload));
        command && said.event == NodeEvent::Done
    };
    if said.read().filter(|said| changed(said)).count() > 0 {
        actions.write(UserAction::Ask(NodeCommand::Preflight));
    }
}

/// Asks for the relays' counters when a pane is opened that may show them.
fn refresh_relays(session: Res<'_, Session>, mut opened: RemovedComponents<'_, '_, Closed>, mut actions: MessageWriter<'_, UserAction>) {
    if opened.read().count() > 0 && session.is_answered() {
        actions.write(UserAction::Ask(NodeCommand::Relays));
    }
}
