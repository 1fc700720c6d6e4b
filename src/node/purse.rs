//! Opening the wallet the config names.

use std::sync::Arc;

use super::connection::{Kept, KeptError};
use super::event::{Failure, Scope, sentence};
use super::options::{Market, NodeOptions};
use super::outlet::Outlet;
use crate::config::{Config, WalletKind};
use crate::wallet::Wallet;
use crate::wallet::nwc::{Connection, NwcOptions, NwcWallet};
use crate::wallet::practice::{PracticeOptions, PracticeWallet};

/// The wallet; `None`: there is none, and only free jobs can be taken.
pub async fn open(config: &Config, options: &NodeOptions, outlet: &Outlet) -> Result<Option<Arc<dyn Wallet>>, Failure> {
    if let Some(wallet) = &options.wallet {
        return Ok(Some(Arc::clone(wallet)));
    }
    match (options.market, config.wallet.kind) {
        (Market::Practice, _) => practice(config, options).await.map(Some),
        (Market::Real, WalletKind::None) => Ok(None),
        (Market::Real, WalletKind::Nwc) => nwc(options, outlet).await,
        (Market::Real, WalletKind::Spark) => Ok(spark(config, options, outlet).await),
    }
}

/// The wallet of our own words. Without it the node runs, and says what is in its way.
async fn spark(config: &Config, options: &NodeOptions, outlet: &Outlet) -> Option<Arc<dyn Wallet>> {
    match super::spark::open(config, options).await {
        Ok(wallet) => Some(wallet),
        Err(obstacle) => {
            let message = format!("The node runs without its wallet. {}", obstacle.message);
            outlet.fault(Scope::Wallet, message, format!("{} Then start the node again.", obstacle.hint));
            None
        }
    }
}

/// Play money, on the market's own relay.
async fn practice(config: &Config, options: &NodeOptions) -> Result<Arc<dyn Wallet>, Failure> {
    let relay = config.relays.urls.first().ok_or_else(|| Failure::usage("The practice market has no relay."))?;
    let dir = options.paths.data_dir.join("wallet");
    let (opening_balance, clock) = (options.play_money, options.clock.clone());
    let wallet = PracticeOptions { opening_balance, clock, ..PracticeOptions::new(dir, relay) };
    let wallet = PracticeWallet::open(wallet).await.map_err(|error| Failure::user(sentence(&error)))?;
    Ok(Arc::new(wallet))
}

/// Somebody's own wallet, by the connection string that `pylon wallet connect` has stored.
async fn nwc(options: &NodeOptions, outlet: &Outlet) -> Result<Option<Arc<dyn Wallet>>, Failure> {
    let paths = &options.paths;
    let Some(connection) = connection(options).await? else {
        let message = "No wallet is connected, though wallet.kind is nwc, so the node runs without one.";
        outlet.fault(Scope::Wallet, message, "Connect one: `pylon wallet connect`, then start the node again.");
        return Ok(None);
    };
    let records = paths.data_dir.join("wallet").join("nwc.jsonl");
    let wallet = NwcOptions { clock: options.clock.clone(), ..NwcOptions::new(connection, records) };
    let wallet = NwcWallet::open(wallet).await.map_err(|error| Failure::user(sentence(&error)))?;
    Ok(Some(Arc::new(wallet)))
}

/// The stored connection. One under the passphrase takes a second of arithmetic, on a thread that may.
async fn connection(options: &NodeOptions) -> Result<Option<Connection>, Failure> {
    let (kept, is_sealing) = (Kept::at(&options.paths), options.paths.identity_age.exists());
    let passphrase = options.passphrase.clone().filter(|_| is_sealing || kept.is_sealed());
    let opened = tokio::task::spawn_blocking(move || kept.open(passphrase.as_deref())).await;
    let opened = opened.map_err(|error| Failure::internal(format!("The wallet's connection was not read: {error}.")))?;
    opened.map_err(|error| match error {
        KeptError::Encrypted { .. } | KeptError::Sealed { .. } => {
            Failure::user(sentence(&error)).hint("Connect the wallet anew: `pylon wallet disconnect`, then `pylon wallet connect`.")
        }
        KeptError::Stored(_) | KeptError::Different { .. } => Failure::user(sentence(&error)),
    })
}
