//! Which market, and how its node is.

use bevy::prelude::*;

use super::Reduce;
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::{Bridge, FromNode};
use crate::node::{Market, NodeCommand, NodeEvent, NodeState, NodeStatus};

/// The session with a node.
#[derive(Resource, Debug, Clone, Default)]
pub struct Session {
    /// `None` until somebody has chosen.
    pub market: Option<Market>,
    pub status: NodeStatus,
    /// What was asked and not yet answered to the end.
    pub waiting: Vec<NodeCommand>,
}

impl Session {
    /// Whether the market is practice, as chosen or as the node says.
    pub fn is_practice(&self) -> bool {
        self.market == Some(Market::Practice) || self.status.practice
    }

    /// Whether a command of this kind is under way.
    pub fn awaits(&self, command: &NodeCommand) -> bool {
        let kind = std::mem::discriminant(command);
        self.waiting.iter().any(|waiting| std::mem::discriminant(waiting) == kind)
    }

    /// Whether the node takes jobs, or tries to.
    pub fn is_out(&self) -> bool {
        matches!(self.status.state, NodeState::Connecting | NodeState::Online | NodeState::Degraded)
    }
}

impl Reduce for Session {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        if let NodeEvent::Status { status } = &said.event {
            self.status = status.as_ref().clone();
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    app.add_systems(Update, look_at_bridge.in_set(HudSystems::Reduce));
}

/// What waits is known to the bridge; views read it here.
fn look_at_bridge(bridge: Res<'_, Bridge>, mut session: ResMut<'_, Session>) {
    if session.market != bridge.market() {
        *session = Session { market: bridge.market(), ..Session::default() };
    }
    if !session.waiting.iter().eq(bridge.waiting()) {
        session.waiting = bridge.waiting().cloned().collect();
    }
}
