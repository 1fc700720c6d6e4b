//! The adapter against a scripted network: everything that the real one needs the internet for. That the real library
//! loads, opens and answers is shown in `tests/node/spark`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod coins;
mod helpers;
mod paying;
mod reach;
mod theirs;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tempfile::TempDir;

use super::protocol::Hidden;
use super::*;
use crate::domain::money::MilliSats;
use crate::domain::payment::Invoice;
use crate::wallet::Wallet;
use crate::wallet::contract::{self, FUNDS, Pair, ask};
use world::World;

const PATIENCE: Duration = Duration::from_secs(60);
/// The public test words: nobody has money there.
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const PAYEE: usize = 0;
const PAYER: usize = 1;

/// As a caller would have it, but in more of a hurry.
fn options(launcher: Launcher, dir: &Path) -> SparkOptions {
    SparkOptions {
        poll: Duration::from_millis(20),
        longest_poll: Duration::from_millis(100),
        pace: Pace::always(Duration::from_millis(100)),
        backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(100) },
        ..SparkOptions::new(launcher, "no-library", dir, Hidden::new(WORDS))
    }
}

/// Two wallets on a network.
struct Spark {
    world: Arc<World>,
    dirs: Arc<(TempDir, TempDir)>,
    hurry: Hurry,
    payee: Arc<SparkWallet>,
    payer: Arc<SparkWallet>,
}

/// How a test's payer differs from a usual one.
type Hurry = fn(SparkOptions) -> SparkOptions;

impl Spark {
    async fn open(hurry: Hurry) -> Self {
        let dirs = Arc::new((tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()));
        Self::on(World::new([0, FUNDS.0 / 1_000]), dirs, hurry).await
    }

    async fn on(world: Arc<World>, dirs: Arc<(TempDir, TempDir)>, hurry: Hurry) -> Self {
        let wallet = |at: usize, dir: &Path| options(Launcher::Task(world.stand(at)), dir);
        let payee = Arc::new(SparkWallet::open(wallet(PAYEE, dirs.0.path())).await.unwrap());
        let payer = Arc::new(SparkWallet::open(hurry(wallet(PAYER, dirs.1.path()))).await.unwrap());
        Self { world, dirs, hurry, payee, payer }
    }

    async fn ask(&self, description: &str) -> Invoice {
        ask(&*self.payee, MilliSats(21_000), description).await
    }

    /// What the payer has, in sats, by the network's own book.
    fn sats(&self) -> u64 {
        self.world.account(PAYER, |account| account.sats)
    }
}

impl Pair for Spark {
    fn payee(&self) -> Arc<dyn Wallet> {
        Arc::clone(&self.payee) as _
    }

    fn payer(&self) -> Arc<dyn Wallet> {
        Arc::clone(&self.payer) as _
    }

    fn restart(self) -> BoxFuture<'static, Self> {
        async move {
            self.payee.close().await;
            self.payer.close().await;
            Self::on(self.world, self.dirs, self.hurry).await
        }
        .boxed()
    }
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited for {what}"));
}

async fn wallets() -> Spark {
    Spark::open(|options| options).await
}

contract::wallet_contract!(wallets);
