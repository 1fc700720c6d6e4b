//! Whether the Spark wallet that the config names can be opened, and opening it. What is in its way is a sentence with its
//! cure, and no reason for the node not to start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use super::event::{Failure, sentence};
use super::options::{Market, NodeOptions};
use crate::config::{Config, Environment, Network, Paths, WalletKind};
use crate::identity::{self, Identity, IdentityError};
use crate::wallet::Wallet;
use crate::wallet::spark::library::{LibraryError, Places};
use crate::wallet::spark::protocol::{Hidden, OpenFault, SparkNetwork};
use crate::wallet::spark::{Launcher, OpenError, SparkOptions, SparkWallet};

/// The file that says that real money is meant.
const CONFIRMED: &str = "mainnet-confirmed";
const INSTALL: &str = "Install it: `pylon wallet install`.";

/// What is in the way, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub message: String,
    pub hint: String,
}

impl Obstacle {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// What there has to be before a wallet is opened.
#[derive(Debug)]
pub struct Ready {
    pub library: PathBuf,
    pub network: SparkNetwork,
    api_key: Option<Hidden>,
}

/// Where the library is looked for.
pub fn places(config: &Config, paths: &Paths, environment: &Environment) -> Places {
    let named = Some(config.wallet.spark_library.as_str()).filter(|path| !path.is_empty()).map(PathBuf::from);
    Places { named, data_dir: paths.lib.clone(), shared: environment.shared_lib() }
}

/// Looks at what there has to be. Opens nothing, and compares no file.
pub fn check(config: &Config, options: &NodeOptions) -> Result<Ready, Obstacle> {
    let library = places(config, &options.paths, &options.environment).find().map_err(|error| match error {
        LibraryError::Platform(_) => Obstacle::new(sentence(&error), "Use a wallet over Nostr Wallet Connect: `pylon wallet connect`."),
        error => Obstacle::new(sentence(&error), INSTALL),
    })?;
    match config.wallet.network {
        Network::Regtest => Ok(Ready { library, network: SparkNetwork::Regtest, api_key: None }),
        Network::Mainnet => {
            if !is_confirmed(&options.paths) {
                let message = "wallet.network is mainnet, real bitcoin, and nobody has said that this is meant.";
                return Err(Obstacle::new(message, "Say so: `pylon wallet use mainnet`. Or use play money: `pylon wallet use regtest`."));
            }
            let name = &config.wallet.api_key_env;
            let Some(key) = options.environment.secret(name) else {
                let message = format!("The wallet's service on mainnet wants an API key, and the variable {name} is empty.");
                return Err(Obstacle::new(message, format!("Set {name} before the node is started; Breez gives keys away.")));
            };
            Ok(Ready { library, network: SparkNetwork::Mainnet, api_key: Some(Hidden::new(key.expose_secret())) })
        }
    }
}

/// Why there is no wallet to ask. `None` for a node that is stopped.
pub fn no_wallet(config: Option<&Config>, options: &NodeOptions) -> Failure {
    let general = super::cashier::no_wallet(config.is_some());
    match config.filter(|config| config.wallet.kind == WalletKind::Spark && options.market == Market::Real) {
        Some(config) => match check(config, options) {
            Err(obstacle) => Failure::user(obstacle.message).hint(obstacle.hint),
            Ok(_) => Failure::user("The node runs without its wallet.").hint("It has said why when it started: `pylon logs`."),
        },
        None => general,
    }
}

/// Whether somebody has said that real money is meant.
pub fn is_confirmed(paths: &Paths) -> bool {
    paths.spark.join(CONFIRMED).exists()
}

/// Notes that real money is meant.
pub fn confirm(paths: &Paths) -> std::io::Result<()> {
    crate::wallet::log::ensure_dir(&paths.spark).map_err(std::io::Error::other)?;
    std::fs::write(paths.spark.join(CONFIRMED), "Real bitcoin was chosen with `pylon wallet use mainnet`.\n")
}

/// Takes that back.
pub fn retract(paths: &Paths) -> std::io::Result<()> {
    match std::fs::remove_file(paths.spark.join(CONFIRMED)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens the wallet.
pub async fn open(config: &Config, options: &NodeOptions) -> Result<Arc<dyn Wallet>, Obstacle> {
    let Ready { library, network, api_key } = check(config, options)?;
    let (dir, words) = words(config, options).await?;
    let launcher = match &options.spark {
        Some(launcher) => launcher.clone(),
        None => Launcher::this_program(options.environment.clone())
            .map_err(|error| Obstacle::new(format!("This program cannot be started again: {error}."), "Start it by its whole path."))?,
    };
    let wallet = SparkOptions {
        network,
        api_key,
        servers: options.spark_servers,
        clock: options.clock.clone(),
        ..SparkOptions::new(launcher, library, dir, words)
    };
    match SparkWallet::open(wallet).await {
        Ok(wallet) => Ok(Arc::new(wallet)),
        Err(error) => Err(refused(&error)),
    }
}

/// The words, and where what belongs to them is kept: another wallet's records are never mixed with them.
async fn words(config: &Config, options: &NodeOptions) -> Result<(PathBuf, Hidden), Obstacle> {
    let (paths, passphrase, is_separate) = (options.paths.clone(), options.passphrase.clone(), config.wallet.mnemonic == "separate");
    let place = if is_separate { identity::wallet_paths(&paths) } else { paths.clone() };
    let read = tokio::task::spawn_blocking(move || Identity::words(&place, passphrase.as_deref())).await;
    let hint = if is_separate {
        "Make words for the wallet: `pylon wallet words`. Or use the identity's: `pylon config set wallet.mnemonic identity`."
    } else {
        "Make them with `pylon init`."
    };
    let read = read.map_err(|error| Obstacle::new(format!("The wallet's words were not read: {error}."), hint))?;
    let (key, words) = read.map_err(|error| match error {
        IdentityError::Missing { path } => Obstacle::new(format!("There are no words to make the wallet of at {}.", path.display()), hint),
        error => Obstacle::new(format!("The wallet's words: {}", sentence(&error)), hint),
    })?;
    let network = match config.wallet.network {
        Network::Regtest => "regtest",
        Network::Mainnet => "mainnet",
    };
    Ok((directory(&paths.spark, network, &key.short()), Hidden::new(words.expose_secret())))
}

fn directory(spark: &Path, network: &str, key: &str) -> PathBuf {
    spark.join(network).join(key)
}

fn refused(error: &OpenError) -> Obstacle {
    let hint = match error {
        OpenError::Refused(OpenFault::NoLibrary | OpenFault::WrongLibrary { .. }) => INSTALL,
        OpenError::Refused(OpenFault::OldSystem) => "Update the system, or use a wallet over Nostr Wallet Connect: `pylon wallet connect`.",
        OpenError::Refused(OpenFault::Load(_)) => "Install it anew: `pylon wallet install`.",
        OpenError::Refused(OpenFault::Words(_)) => "Check the words the wallet is made of.",
        OpenError::Refused(OpenFault::ApiKey(_)) => "Check the API key in the variable that wallet.api_key_env names.",
        OpenError::Refused(OpenFault::Other(_)) => "Try again; if it stays so, the log says more.",
        OpenError::Refused(OpenFault::Version) | OpenError::Interrupted(_) => "Start the node again.",
        OpenError::Records(_) => "The records are in the data directory, under spark.",
    };
    Obstacle::new(sentence(error), hint)
}
