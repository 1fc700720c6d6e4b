//! What the window is told.

use super::switchboard::Switchboard;
use crate::config::Mode;
use crate::domain::ids::RequestId;
use crate::node::event::{Failure, Fault, NodeEvent, Report, Scope};
use crate::node::link::Link;
use crate::node::services::blank_status;
use crate::node::status::NodeStatus;

impl Switchboard {
    /// Passes on what the node has said, and strikes off what it has answered.
    pub(super) fn pass(&mut self, report: Report) {
        if report.id.is_some() && report.event.is_last() {
            self.waiting.retain(|request| Some(request.id) != report.id);
        }
        self.report(report);
    }

    pub(super) fn tell_here(&mut self) {
        match self.mode().unwrap_or_default() {
            Mode::InProcess => self.tell_link(Link::Inside),
            mode => self.tell_link(Link::Nobody { mode }),
        }
    }

    /// The node stands still, as far as it is one of ours.
    pub(super) fn tell_stopped(&mut self) {
        self.tell(NodeEvent::Status { status: Box::new(blank_status(&self.options.node)) });
    }

    /// Tells the window how its node is reached, if that is news.
    pub(super) fn tell_link(&mut self, link: Link) {
        if self.link.as_ref() != Some(&link) {
            self.link = Some(link.clone());
            self.tell(NodeEvent::Link { link });
        }
    }

    pub(super) fn foreign(&mut self) {
        let fault = Fault {
            scope: Scope::Control,
            message: format!("The node and this window (version {}) are of different versions.", env!("CARGO_PKG_VERSION")),
            hint: "Some of what it says may be missing here. Restart it with `pylon restart`.".into(),
        };
        self.tell(NodeEvent::Fault { fault });
    }

    pub(super) fn fail(&mut self, id: RequestId, failure: Failure) {
        self.answer(id, NodeEvent::Failed { failure });
    }

    pub(super) fn answer(&mut self, id: RequestId, event: NodeEvent) {
        self.report(Report { id: Some(id), event });
    }

    pub(super) fn tell(&mut self, event: NodeEvent) {
        self.report(Report { id: None, event });
    }

    pub(super) fn report(&mut self, report: Report) {
        let is_news = match &report.event {
            NodeEvent::Status { status } if report.id.is_none() => {
                let before = std::mem::replace(&mut self.told_status, status.as_ref().clone());
                !is_only_younger(before, status)
            }
            _ => true,
        };
        // A window that is gone has nobody left to tell.
        if self.told.send(report).is_ok() && is_news {
            self.options.node.wake.wake();
        }
    }
}

/// Whether all that is new is that the wallet was looked at again. Nobody is woken for that: an age that is on screen
/// wakes the window by itself when its words change, and finds the news then.
fn is_only_younger(mut before: NodeStatus, now: &NodeStatus) -> bool {
    if let (Some(before), Some(now)) = (&mut before.wallet, &now.wallet) {
        before.snapshot.as_of = now.snapshot.as_of;
    }
    before == *now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::MilliSats;
    use crate::domain::payment::Network;
    use crate::domain::time::UnixMs;
    use crate::node::status::WalletView;
    use crate::wallet::{Snapshot, SyncState};

    fn status(balance: u64, as_of: i64) -> NodeStatus {
        let snapshot = Snapshot {
            balance: MilliSats(balance),
            pending_in: MilliSats(0),
            pending_out: MilliSats(0),
            network: Network::Practice,
            source: "test".into(),
            as_of: UnixMs(as_of),
            sync: SyncState::Synced,
        };
        NodeStatus { wallet: Some(WalletView { kind: "practice".into(), snapshot }), ..NodeStatus::default() }
    }

    #[test]
    fn a_wallet_that_was_only_looked_at_again_wakes_nobody() {
        assert!(is_only_younger(status(7, 1), &status(7, 30_001)));
        assert!(!is_only_younger(status(7, 1), &status(8, 1)));
        assert!(!is_only_younger(NodeStatus::default(), &status(7, 1)));
        assert!(!is_only_younger(NodeStatus { queued: 1, ..status(7, 1) }, &status(7, 2)));
    }
}
