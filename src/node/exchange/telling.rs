//! What the window is told.

use super::switchboard::Switchboard;
use crate::config::Mode;
use crate::domain::ids::RequestId;
use crate::node::event::{Failure, Fault, NodeEvent, Report, Scope};
use crate::node::link::Link;
use crate::node::services::blank_status;

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
    pub(super) fn tell_stopped(&self) {
        self.tell(NodeEvent::Status { status: Box::new(blank_status(&self.options.node)) });
    }

    /// Tells the window how its node is reached, if that is news.
    pub(super) fn tell_link(&mut self, link: Link) {
        if self.link.as_ref() != Some(&link) {
            self.link = Some(link.clone());
            self.tell(NodeEvent::Link { link });
        }
    }

    pub(super) fn foreign(&self) {
        let fault = Fault {
            scope: Scope::Control,
            message: format!("The node and this window (version {}) are of different versions.", env!("CARGO_PKG_VERSION")),
            hint: "Some of what it says may be missing here. Restart it with `pylon restart`.".into(),
        };
        self.tell(NodeEvent::Fault { fault });
    }

    pub(super) fn fail(&self, id: RequestId, failure: Failure) {
        self.answer(id, NodeEvent::Failed { failure });
    }

    pub(super) fn answer(&self, id: RequestId, event: NodeEvent) {
        self.report(Report { id: Some(id), event });
    }

    pub(super) fn tell(&self, event: NodeEvent) {
        self.report(Report { id: None, event });
    }

    pub(super) fn report(&self, report: Report) {
        // A window that is gone has nobody left to tell.
        if self.told.send(report).is_ok() {
            self.options.node.wake.wake();
        }
    }
}
