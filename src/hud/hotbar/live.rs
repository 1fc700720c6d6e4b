//! What a slot's lamp says, and the same in words.

use crate::hud::chips;
use crate::hud::pane::PaneKind;
use crate::hud::state::{Relays, Session, Unseen};
use crate::hud::widgets::{Signal, words};
use crate::node::NodeState;
use crate::wallet::SyncState;

/// What the lamp says.
pub fn live(kind: PaneKind, session: &Session, relays: &Relays, unseen: &Unseen) -> Signal {
    match kind {
        PaneKind::SellCompute | PaneKind::Wallet if !session.link.is_up() => Signal::Warning,
        PaneKind::SellCompute => match session.status.state {
            NodeState::Online => Signal::Good,
            NodeState::Degraded => Signal::Warning,
            NodeState::Connecting | NodeState::Draining => Signal::Info,
            NodeState::Stopped | NodeState::Starting | NodeState::Offline | NodeState::Stopping => Signal::Quiet,
        },
        PaneKind::Relays if session.is_out() && relays.connected() < relays.relays.len() => Signal::Warning,
        PaneKind::Wallet => match session.status.wallet.as_ref().map(|wallet| &wallet.snapshot.sync) {
            Some(SyncState::Unreachable { .. }) => Signal::Warning,
            Some(SyncState::Synced | SyncState::Syncing) | None if unseen.payments > 0 => Signal::Good,
            Some(SyncState::Synced | SyncState::Syncing) | None => Signal::Quiet,
        },
        PaneKind::JobHistory if unseen.jobs > 0 => Signal::Info,
        PaneKind::JobHistory | PaneKind::Relays | PaneKind::Pylon | PaneKind::Activity | PaneKind::Settings | PaneKind::JobDetail => {
            Signal::Quiet
        }
    }
}

/// Why it is lit; `None`: it is not.
pub fn news(kind: PaneKind, session: &Session, relays: &Relays, unseen: &Unseen) -> Option<String> {
    if live(kind, session, relays, unseen) == Signal::Quiet {
        return None;
    }
    Some(match kind {
        PaneKind::SellCompute | PaneKind::Wallet if !session.link.is_up() => "the node is out of reach".to_owned(),
        PaneKind::SellCompute => chips::sign(session).1.to_owned(),
        PaneKind::Wallet if unseen.payments > 0 => format!("{} came in", words::many(unseen.payments.into(), "payment", "payments")),
        PaneKind::Wallet => "the wallet does not answer".to_owned(),
        PaneKind::JobHistory => words::many(unseen.jobs.into(), "new job", "new jobs"),
        PaneKind::Relays => format!("{} of {} connected", relays.connected(), relays.relays.len()),
        PaneKind::Pylon | PaneKind::Activity | PaneKind::Settings | PaneKind::JobDetail => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::NodeStatus;

    #[test]
    fn the_lamp_of_sell_compute_tells_online_from_degraded() {
        let at = |state| Session { status: NodeStatus { state, ..NodeStatus::default() }, ..Session::default() };
        let live = |state| live(PaneKind::SellCompute, &at(state), &Relays::default(), &Unseen::default());
        assert_eq!(live(NodeState::Online), Signal::Good);
        assert_eq!(live(NodeState::Degraded), Signal::Warning);
        assert_eq!(live(NodeState::Stopped), Signal::Quiet);
    }
}
