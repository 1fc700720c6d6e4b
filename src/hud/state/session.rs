//! Which market, and how its node is.

use bevy::prelude::*;

use super::Reduce;
use super::roll::Roll;
use crate::domain::spend_lock::{SpendState, Spending};
use crate::domain::time::UnixMs;
use crate::hud::HudSystems;
use crate::hud::bridge::{Bridge, FromNode};
use crate::hud::theme::Coin;
use crate::node::{Link, Market, NodeCommand, NodeEvent, NodeState, NodeStatus};

/// The session with a node.
#[derive(Resource, Debug, Clone, Default)]
pub struct Session {
    /// `None` until somebody has chosen.
    pub market: Option<Market>,
    /// How the node is reached.
    pub link: Link,
    /// As last told: while the link is lost, from before.
    pub status: NodeStatus,
    /// What was asked and not yet answered to the end.
    pub waiting: Vec<NodeCommand>,
    /// The balance is on its way to another figure.
    pub rolling: Option<Roll>,
    /// How the lock on spending stands; `None`: nobody has said yet.
    pub spending: Option<Spending>,
}

impl Session {
    /// Whether the market is practice, as chosen or as the node says.
    pub fn is_practice(&self) -> bool {
        self.market == Some(Market::Practice) || self.status.practice
    }

    /// What amounts are in.
    pub fn coin(&self) -> Coin {
        if self.is_practice() { Coin::Practice } else { Coin::Sats }
    }

    /// Whether a command of this kind is under way.
    pub fn awaits(&self, command: &NodeCommand) -> bool {
        let kind = std::mem::discriminant(command);
        self.waiting.iter().any(|waiting| std::mem::discriminant(waiting) == kind)
    }

    /// Whether the node takes jobs, or tries to.
    pub fn is_out(&self) -> bool {
        self.link.is_up() && matches!(self.status.state, NodeState::Connecting | NodeState::Online | NodeState::Degraded)
    }
}

impl Session {
    /// Whether the node runs and can be asked.
    pub fn is_answered(&self) -> bool {
        self.status.running && self.link.is_up()
    }

    /// Whether spending is locked now. Open for a while is over when its time is, whoever has told it by then.
    pub fn is_spending_locked(&self, now: UnixMs) -> bool {
        self.spending.is_some_and(|spending| spending.state == SpendState::Locked || spending.open_until.is_some_and(|until| until <= now))
    }

    /// Whether the market can be left: a node that works would be stopped, unless it is not ours.
    pub fn may_leave(&self) -> bool {
        !self.status.running || self.link.outlives_us()
    }
}

impl Reduce for Session {
    fn reduce(&mut self, said: &FromNode, _now: UnixMs) {
        match &said.event {
            NodeEvent::Status { status } => {
                self.status = status.as_ref().clone();
                // A node that is stopped leaves it to the ledger.
                self.spending = self.status.spending.or(self.spending);
            }
            NodeEvent::Spending { spending } => self.spending = Some(*spending),
            NodeEvent::Link { link } => self.link = link.clone(),
            _ => {}
        }
    }
}

pub(super) fn plugin(app: &mut App) {
    // Before what was said is taken in: the first words of a new market must not be forgotten with the old one.
    app.add_systems(Update, look_at_bridge.before(super::reduce::<Session>).in_set(HudSystems::Reduce));
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
