//! Beginning anew, in the same process, after a ledger that failed can be written again.

use super::Supervisor;
use crate::node::command::RobotKind;
use crate::node::event::{Failure, Scope};
use crate::node::provider::ProviderCommand;
use crate::node::status::{NodeState, NodeStatus};
use crate::node::trouble::LedgerTrouble;

const AGAIN: &str = "It is tried again in a moment; `pylon stop` ends it.";

/// What the operator wanted of the services.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    pub is_online: bool,
    robot_buyer: bool,
    robot_seller: bool,
}

impl Before {
    fn of(status: &NodeStatus) -> Self {
        let is_online = matches!(status.state, NodeState::Connecting | NodeState::Online | NodeState::Degraded);
        Self { is_online, robot_buyer: status.robot_buyer, robot_seller: status.robot_seller }
    }
}

impl Supervisor {
    /// Takes the services down and begins them again, from what the ledger has: as after a crash, nothing that was in
    /// memory is trusted. Lock and socket stay, and whoever asks meanwhile waits a moment.
    pub(super) async fn renew(&mut self) {
        if self.draining || self.door.is_none() {
            return;
        }
        let status = self.board.now();
        let before = *self.before.get_or_insert_with(|| Before::of(&status));
        if let Some(services) = self.services.take() {
            tracing::info!("The ledger can be written again; everything is begun anew from it.");
            services.leave().await;
            services.end().await;
        }
        self.board.update(forget_services);
        self.patience.healed(self.options.clock.now());
        match self.begin().await {
            Ok(()) => self.go_on(before).await,
            Err(failure) => {
                self.before = Some(before);
                self.try_later(failure);
            }
        }
    }

    /// As before.
    async fn go_on(&mut self, before: Before) {
        for (robot, was_there) in [(RobotKind::Buyer, before.robot_buyer), (RobotKind::Seller, before.robot_seller)] {
            if was_there && let Err(failure) = self.start_robot(robot) {
                self.outlet.fault(Scope::Provider, failure.message, failure.hints.join(" "));
            }
        }
        let Some(services) = self.services.as_ref().filter(|_| before.is_online) else { return };
        let (reply, done) = tokio::sync::oneshot::channel();
        services.provider.ask(ProviderCommand::GoOnline(reply)).await;
        let outlet = self.outlet.clone();
        // It waits for backends to answer, and commands must not wait with it.
        self.aside.spawn("going online again", async move {
            if let Ok(Err(failure)) = done.await {
                outlet.fault(Scope::Provider, failure.message, failure.hints.join(" "));
            }
        });
    }

    fn try_later(&self, failure: Failure) {
        self.outlet.fault(Scope::Ledger, failure.message.clone(), AGAIN);
        let trouble = LedgerTrouble { why: failure.message, hint: AGAIN.to_owned() };
        self.board.update(|status| status.trouble.ledger = Some(trouble));
        let (pause, healed, gone) = (self.patience.pause(), self.bells.healed.0.clone(), self.aside.token().clone());
        self.aside.spawn("beginning anew", async move {
            if gone.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                let _ = healed.send(()).await;
            }
        });
    }
}

/// What only services know.
fn forget_services(status: &mut NodeStatus) {
    status.state = NodeState::Starting;
    status.online_since = None;
    status.relays_connected = 0;
    status.models.clear();
    status.backends_asked = false;
    (status.in_flight, status.queued, status.undelivered) = (0, 0, 0);
    (status.robot_buyer, status.robot_seller) = (false, false);
}
