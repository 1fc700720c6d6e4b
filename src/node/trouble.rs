//! What is wrong for now, and what is not done meanwhile.
//!
//! Nothing here ends the node. Whoever looks after a part says how it is; intake, the ad and the state follow; and when the
//! cause is gone, everything comes back by itself.

use serde::{Deserialize, Serialize};

use super::status::{Blocker, NodeStatus};
use crate::domain::clock_skew::ClockSkew;
use crate::domain::job::Policy;

/// What has been found wrong. Relays and models are no part of it: the status counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Nothing can be written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerTrouble>,
    /// Our clock is off, by the clocks of most relays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockSkew>,
    /// Why the wallet cannot be used. One look that fails is no trouble; two in a row are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<String>,
}

/// Why the ledger cannot be used, and what has to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTrouble {
    pub why: String,
    pub hint: String,
}

/// What keeps requests out for now. The ad goes with them: it is a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing can be written down, not even a refusal.
    Ledger,
    /// Requests look stale or early to us, and what we send does to others.
    Clock,
    /// Nobody could pay.
    Wallet,
}

impl NodeStatus {
    /// The gravest thing that keeps requests out; `None`: they are judged one by one.
    pub fn obstacle(&self) -> Option<Obstacle> {
        let Trouble { ledger, clock, wallet } = &self.trouble;
        match (ledger, clock, wallet) {
            (Some(_), ..) => Some(Obstacle::Ledger),
            (None, Some(_), _) => Some(Obstacle::Clock),
            (None, None, Some(_)) if self.policy != Policy::Free => Some(Obstacle::Wallet),
            (None, None, _) => None,
        }
    }
}

/// Everything that is in the way of taking jobs, the gravest first.
pub fn blockers(status: &NodeStatus) -> Vec<Blocker> {
    [ledger(status), no_relay(status), clock(status), no_model(status), wallet(status)].into_iter().flatten().collect()
}

/// What is in the way of anything at all, of a node that takes no jobs as well.
pub fn ledger(status: &NodeStatus) -> Option<Blocker> {
    let LedgerTrouble { why, hint } = status.trouble.ledger.as_ref()?;
    Some(Blocker::new("ledger", format!("Nothing can be written down, so no job is taken: {why}"), hint.clone()))
}

fn no_relay(status: &NodeStatus) -> Option<Blocker> {
    let message = "No relay is connected, so no request can arrive.";
    (status.relays_connected == 0).then(|| Blocker::new("no-relay", message, "Check the network, or relays.urls in the config."))
}

fn no_model(status: &NodeStatus) -> Option<Blocker> {
    let hint = "Start Ollama with `ollama serve` and get a model with `pylon models pull llama3.2`.";
    let has_none = status.models.is_empty() && status.backends_asked;
    has_none.then(|| Blocker::new("no-model", "No model is ready, so jobs are refused.", hint))
}

/// What to do about a clock that is off.
pub const CLOCK_HINT: &str = "Set it, for example with `timedatectl set-ntp true`. It is looked at again twice a minute.";

fn clock(status: &NodeStatus) -> Option<Blocker> {
    let skew = status.trouble.clock?;
    Some(Blocker::new("clock", format!("{skew} Events that are dated so far off are refused, so jobs are too."), CLOCK_HINT))
}

fn wallet(status: &NodeStatus) -> Option<Blocker> {
    let why = status.trouble.wallet.as_deref().filter(|_| status.policy != Policy::Free)?;
    let hint = "Check the wallet and its connection; `pylon wallet` asks it now. Jobs are taken again when it answers.";
    Some(Blocker::new("wallet", format!("Nobody could pay, so jobs are refused: {why}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::status::NodeState;

    fn codes(status: &NodeStatus) -> Vec<String> {
        blockers(status).into_iter().map(|blocker| blocker.code).collect()
    }

    fn well() -> NodeStatus {
        NodeStatus {
            state: NodeState::Online,
            relays_connected: 1,
            models: vec!["m".into()],
            policy: Policy::PayFirst,
            ..NodeStatus::default()
        }
    }

    #[test]
    fn a_wallet_is_in_the_way_of_those_who_sell_for_money_alone() {
        let mut status = well();
        assert_eq!((codes(&status), status.obstacle()), (vec![], None));
        status.trouble.wallet = Some("The wallet does not answer.".into());
        assert_eq!((codes(&status), status.obstacle()), (vec!["wallet".to_owned()], Some(Obstacle::Wallet)));
        assert!(blockers(&status).iter().all(|blocker| blocker.message.contains("does not answer")));
        status.policy = Policy::Free;
        assert_eq!((codes(&status), status.obstacle()), (vec![], None));
    }

    #[test]
    fn a_ledger_is_in_the_way_of_everybody_and_first() {
        let mut status = NodeStatus { policy: Policy::Free, relays_connected: 0, ..well() };
        status.trouble.ledger = Some(LedgerTrouble { why: "The disk is full.".into(), hint: "Free some space.".into() });
        assert_eq!((codes(&status), status.obstacle()), (vec!["ledger".to_owned(), "no-relay".to_owned()], Some(Obstacle::Ledger)));
    }

    #[test]
    fn a_clock_that_is_off_is_in_the_way_of_free_jobs_as_well() {
        let mut status = NodeStatus { policy: Policy::Free, ..well() };
        status.trouble.clock = Some(ClockSkew { behind_secs: 300, relays: 2, of: 3 });
        assert_eq!((codes(&status), status.obstacle()), (vec!["clock".to_owned()], Some(Obstacle::Clock)));
        assert!(blockers(&status).iter().all(|blocker| blocker.message.contains("300 s behind 2 of 3 relays")));
    }

    #[test]
    fn an_older_program_reads_the_status_and_an_older_status_is_read() {
        let json = serde_json::to_value(well()).expect("json");
        assert_eq!(json.get("trouble"), Some(&serde_json::json!({})));
        let mut older = json;
        older.as_object_mut().expect("object").remove("trouble");
        assert_eq!(serde_json::from_value::<NodeStatus>(older).expect("status"), well());
    }
}
