//! The practice market's customer: buys one job after the other while the node is online, until told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::event::{Failure, Scope, sentence};
use super::outlet::Outlet;
use super::robot::{BuyError, PROMPTS, Purchase, Robot};
use super::status::{Board, NodeState};
use super::tasks::Tasks;
use crate::clock::Clock;
use crate::domain::ids::Pubkey;
use crate::domain::money::MilliSats;
use crate::domain::request::Scheme;
use crate::relay::{RelayError, RelayLink};
use crate::wallet::Wallet;
use crate::wallet::practice::{OpenError, PracticeOptions, PracticeWallet};

/// Between an answer and the next question: long enough to see what happened.
const PAUSE: Duration = Duration::from_secs(4);
/// After a purchase that failed: whatever is wrong will not have gone in a moment.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// What a new robot has to spend.
const ALLOWANCE: MilliSats = MilliSats(100_000_000);

/// A robot's own purse, with its allowance in it when it is new.
pub async fn play_money(dir: &Path, relay: &str, clock: &Clock) -> Result<Arc<dyn Wallet>, OpenError> {
    let options = PracticeOptions { opening_balance: ALLOWANCE, clock: clock.clone(), ..PracticeOptions::new(dir, relay) };
    Ok(Arc::new(PracticeWallet::open(options).await?))
}

/// Whom the robot buys from, and by which way.
pub struct RobotBuyer {
    pub relays: Arc<dyn RelayLink>,
    pub provider: Pubkey,
    /// How long one job may take.
    pub patience: Duration,
    /// Where the robot keeps its play money, and the relay its wallet meets ours on.
    pub purse: PathBuf,
    pub clock: Clock,
    pub board: Board,
    pub outlet: Outlet,
}

/// Why there was no purchase.
enum Trouble {
    /// The provider went away meanwhile, which is no fault.
    ProviderLeft,
    NoRelay,
    Connect(RelayError),
    Purse(OpenError),
    Buy(BuyError),
}

impl RobotBuyer {
    /// Begins to buy. The robot stops with the token returned, and with the node.
    pub fn begin(self, tasks: &Tasks) -> CancellationToken {
        let token = tasks.token().child_token();
        let stop = token.clone();
        tasks.spawn("robot buyer", async move {
            let mut robot = None;
            stop.run_until_cancelled(self.keep_buying(&mut robot)).await;
            if let Some(robot) = robot {
                robot.close().await;
            }
        });
        token
    }

    async fn keep_buying(&self, robot: &mut Option<Robot>) {
        let mut number = 0_usize;
        loop {
            if self.reached(|state| state == NodeState::Online).await.is_err() {
                return;
            }
            let bought = self.buy_next(robot, number).await;
            number += 1;
            match bought {
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(Trouble::ProviderLeft) => {}
                Err(trouble) => {
                    self.tell(&trouble);
                    // A fresh connection next time: this one may be the trouble.
                    if let Some(old) = robot.take() {
                        old.close().await;
                    }
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Buys one job, unless the provider has left before the answer is there.
    async fn buy_next(&self, robot: &mut Option<Robot>, number: usize) -> Result<Purchase, Trouble> {
        let left = |state| matches!(state, NodeState::Offline | NodeState::Stopping | NodeState::Stopped);
        tokio::select! {
            bought = self.buy(robot, number) => bought,
            _ = self.reached(left) => Err(Trouble::ProviderLeft),
        }
    }

    async fn buy(&self, robot: &mut Option<Robot>, number: usize) -> Result<Purchase, Trouble> {
        let robot = match robot {
            Some(robot) => robot,
            None => robot.insert(self.connect().await?),
        };
        // Every other request is encrypted, as a buyer may do.
        let scheme = if number.is_multiple_of(2) { Scheme::Plain } else { Scheme::Nip44 };
        let prompt = PROMPTS.iter().cycle().nth(number % PROMPTS.len()).copied().unwrap_or_default();
        robot.buy(prompt, scheme, self.clock.now(), self.patience).await.map_err(Trouble::Buy)
    }

    async fn connect(&self) -> Result<Robot, Trouble> {
        let relay = self.relays.health().into_iter().next().ok_or(Trouble::NoRelay)?;
        let purse = play_money(&self.purse, &relay.url, &self.clock).await.map_err(Trouble::Purse)?;
        let robot = Robot::connect(&relay.url, self.provider).await.map_err(Trouble::Connect)?;
        Ok(robot.paying(purse))
    }

    /// Waits until the node's state is so. An error when there is no node any more.
    async fn reached(&self, so: impl Fn(NodeState) -> bool) -> Result<(), tokio::sync::watch::error::RecvError> {
        self.board.watch().wait_for(|status| so(status.state)).await.map(drop)
    }

    fn tell(&self, trouble: &Trouble) {
        let (message, hint) = match trouble {
            Trouble::ProviderLeft => return,
            Trouble::NoRelay => ("there is no relay".to_owned(), BuyError::Closed.hint()),
            Trouble::Connect(error) => (error.to_string(), BuyError::Closed.hint()),
            Trouble::Purse(error) => (error.to_string(), "Move the robot's purse aside; it is play money."),
            Trouble::Buy(error) => (error.to_string(), error.hint()),
        };
        self.outlet.fault(Scope::Provider, sentence(&format!("The robot buyer got no answer: {message}")), hint);
    }
}

/// Why there are no robots in this market.
pub fn not_here() -> Failure {
    Failure::user("Robots exist in practice mode only.").hint("Try the practice market: `pylon practice`.")
}

/// A robot needs a node to trade with.
pub fn not_started() -> Failure {
    Failure::user("The node is stopped, so a robot has nobody to trade with.").hint("Go online first.")
}
