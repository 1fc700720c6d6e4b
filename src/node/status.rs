//! The node's state in one value, kept up to date by whoever knows, told when it changes.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::options::Housing;
use super::trouble::{Obstacle, Trouble, blockers, ledger};
use crate::domain::clock_skew::skew;
use crate::domain::job::Policy;
use crate::domain::money::Sats;
use crate::domain::payment::Network;
use crate::domain::relay::{RelayHealth, RelayState};
use crate::domain::spend_lock::Spending;
use crate::domain::time::UnixMs;
use crate::wallet::Snapshot;

/// Where the node stands. Relay preview, provider mode and job state are three different things; this is the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// No lock, no socket, nothing connected.
    #[default]
    Stopped,
    /// Coming up.
    Starting,
    /// Up, taking no jobs.
    Offline,
    /// Asked to take jobs; no relay has answered yet, or no backend.
    Connecting,
    /// Taking jobs.
    Online,
    /// Taking jobs as far as it can; [`NodeStatus::blockers`] says what is missing.
    Degraded,
    /// Taking no new jobs, finishing the ones it has.
    Draining,
    /// Going down.
    Stopping,
}

/// One thing in the way of taking jobs, with its cure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// Stable, for programs: `no-relay`, `no-model`, ...
    pub code: String,
    pub message: String,
    pub hint: String,
}

impl Blocker {
    pub fn new(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: hint.into() }
    }
}

/// Everything `pylon status` and the chips show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// A node holds the lock and answers. Always false in a node that is stopped.
    pub running: bool,
    pub state: NodeState,
    pub version: String,
    pub practice: bool,
    pub pid: Option<u32>,
    /// What kind of process that is.
    #[serde(default)]
    pub housing: Housing,
    pub npub: Option<String>,
    /// The same key in hexadecimal, for filters.
    pub pubkey: Option<String>,
    pub data_dir: String,
    pub socket: String,
    pub policy: Policy,
    /// What the smallest job costs, if jobs are paid for.
    #[serde(default)]
    pub min_price: Sats,
    pub started_at: Option<UnixMs>,
    pub online_since: Option<UnixMs>,
    pub relays_connected: u32,
    pub relays_configured: u32,
    /// Models that would be run if a job asked for them now.
    pub models: Vec<String>,
    /// Every backend has answered once, or failed to: before that, no model means nothing.
    pub backends_asked: bool,
    pub in_flight: u32,
    pub queued: u32,
    /// Jobs whose answer is stored and waits for a relay.
    pub undelivered: u32,
    /// Since this start.
    pub done: u64,
    pub failed: u64,
    pub refused: u64,
    /// The practice market's robot buyer is asking for jobs.
    pub robot_buyer: bool,
    /// The practice market's robot seller takes jobs.
    #[serde(default)]
    pub robot_seller: bool,
    pub blockers: Vec<Blocker>,
    /// What those who look after the node's parts have found wrong.
    #[serde(default)]
    pub trouble: Trouble,
    /// The wallet as last read; `None`: it has not been read yet, may not be, or there is none.
    #[serde(default)]
    pub wallet: Option<WalletView>,
    /// The wallet there is, read or not; `None`: there is none, or the node is stopped.
    #[serde(default)]
    pub open_wallet: Option<OpenWallet>,
    /// How the lock on spending stands; `None`: the node is stopped, and the ledger has to be asked.
    #[serde(default)]
    pub spending: Option<Spending>,
}

/// A wallet at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletView {
    /// `practice`, `nwc`, `spark`.
    pub kind: String,
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

/// A wallet that money comes into and goes out of, whether or not it says how much there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWallet {
    /// `practice`, `nwc`, `spark`.
    pub kind: String,
    pub network: Network,
    /// It does not tell us what it holds.
    pub hides_balance: bool,
}

/// The shared copy of [`NodeStatus`]. Whoever changes it makes everybody who watches see it.
#[derive(Debug, Clone)]
pub struct Board(watch::Sender<NodeStatus>);

impl Board {
    /// A board that begins with `status`.
    pub fn new(status: NodeStatus) -> Self {
        Self(watch::Sender::new(status))
    }

    /// Counts the relays, how many there are and how many are with us, and holds their clocks against ours.
    pub fn count_relays(&self, relays: &[RelayHealth]) {
        let connected = || relays.iter().filter(|relay| relay.state == RelayState::Connected);
        self.update(|status| {
            status.trouble.clock = skew(connected().filter_map(|relay| relay.clock_ahead_secs));
            status.relays_connected = u32::try_from(connected().count()).unwrap_or(u32::MAX);
            status.relays_configured = u32::try_from(relays.len()).unwrap_or(u32::MAX);
        });
    }

    /// Changes the status; watchers hear of it only if it is different afterwards.
    pub fn update(&self, change: impl FnOnce(&mut NodeStatus)) {
        self.0.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            settle(status);
            *status != before
        });
    }

    /// What keeps requests out now.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.0.borrow().obstacle()
    }

    /// The status now.
    pub fn now(&self) -> NodeStatus {
        self.0.borrow().clone()
    }

    /// Follows changes.
    pub fn watch(&self) -> watch::Receiver<NodeStatus> {
        self.0.subscribe()
    }
}

/// Between `Connecting`, `Online` and `Degraded` the facts decide, in this one place: nobody can claim to be online.
fn settle(status: &mut NodeStatus) {
    if !matches!(status.state, NodeState::Connecting | NodeState::Online | NodeState::Degraded) {
        // Whoever buys needs the ledger as well.
        status.blockers = Vec::from_iter(ledger(status));
        return;
    }
    let was_connecting = status.state == NodeState::Connecting;
    status.blockers = blockers(status);
    let is_asking = status.models.is_empty() && !status.backends_asked;
    status.state = match (status.relays_connected, status.blockers.is_empty()) {
        (0, _) if was_connecting => NodeState::Connecting,
        (_, true) if was_connecting && is_asking => NodeState::Connecting,
        (_, true) => NodeState::Online,
        (_, false) => NodeState::Degraded,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::trouble::LedgerTrouble;

    #[test]
    fn online_is_earned_by_a_relay_and_a_model() {
        let board = Board::new(NodeStatus { state: NodeState::Connecting, ..NodeStatus::default() });
        board.update(|status| status.models = vec!["m".into()]);
        assert_eq!(board.now().state, NodeState::Connecting);
        board.update(|status| status.relays_connected = 1);
        assert_eq!(board.now().state, NodeState::Online);
        board.update(|status| status.backends_asked = true);
        board.update(|status| status.models.clear());
        assert_eq!(board.now().state, NodeState::Degraded);
        assert_eq!(board.now().blockers.first().map(|b| b.code.clone()), Some("no-model".into()));
        board.update(|status| status.relays_connected = 0);
        assert_eq!(board.now().state, NodeState::Degraded);
        board.update(|status| status.state = NodeState::Offline);
        assert!(board.now().blockers.is_empty());
        board.update(|status| status.trouble.ledger = Some(LedgerTrouble { why: "Full.".into(), hint: "Wait.".into() }));
        assert_eq!(board.now().blockers.len(), 1, "whoever buys has to know");
    }

    /// Scripts read `pylon status --json`: what is added hurts nobody, what is missing or renamed does.
    #[test]
    fn the_names_that_scripts_rely_on_are_all_there() {
        let mut status = NodeStatus { state: NodeState::Degraded, ..NodeStatus::default() };
        status.blockers.push(Blocker::new("no-relay", "m", "h"));
        let json = serde_json::to_value(status).expect("json");
        let known = "running state version practice pid housing npub pubkey data_dir socket policy min_price started_at online_since \
                     relays_connected relays_configured models backends_asked in_flight queued undelivered done failed refused \
                     robot_buyer robot_seller blockers trouble wallet open_wallet";
        let missing: Vec<&str> = known.split_whitespace().filter(|name| json.get(name).is_none()).collect();
        assert_eq!(missing, [""; 0]);
        assert_eq!(json["state"], "degraded");
        assert_eq!(json["blockers"][0], serde_json::json!({"code": "no-relay", "message": "m", "hint": "h"}));
    }

    #[test]
    fn a_backend_that_has_not_been_asked_yet_is_no_trouble() {
        let board = Board::new(NodeStatus { state: NodeState::Connecting, relays_connected: 1, ..NodeStatus::default() });
        board.update(|status| status.queued = 1);
        assert_eq!((board.now().state, board.now().blockers), (NodeState::Connecting, Vec::new()));
        board.update(|status| status.backends_asked = true);
        assert_eq!(board.now().state, NodeState::Degraded);
    }

    #[test]
    fn a_change_that_changes_nothing_is_not_told() {
        let board = Board::new(NodeStatus::default());
        let mut watch = board.watch();
        watch.mark_unchanged();
        board.update(|status| status.queued = 0);
        assert!(!watch.has_changed().expect("open"));
        board.update(|status| status.queued = 1);
        assert!(watch.has_changed().expect("open"));
    }
}
