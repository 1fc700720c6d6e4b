//! The words of the command line. Doc comments are the help.

mod buy;
mod config;
mod examples;
mod identity;
mod node;
mod practice;
mod relays;
mod sell;
mod service;
mod shell;
mod wallet;

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use buy::{Job, JobVerb, Pay, Submit};
pub use config::{Config, ConfigVerb};
pub use identity::{Identity, IdentityVerb};
pub use node::{Daemon, Init, Logs, Offline, Restart, RobotName, Run, Start, Stop, Test};
pub use practice::{Practice, PracticeMember};
pub use relays::{Relays, RelaysVerb};
pub use sell::{By, Earnings, Jobs, JobsVerb, Models, ModelsVerb};
pub use service::{Service, ServiceVerb, Unit};
pub use shell::{Completions, Man};
pub use wallet::{DepositsVerb, Money, Pin, PinVerb, Wallet, WalletVerb};

/// Over the options every verb takes.
const EVERYWHERE: &str = "Options everywhere";

/// Sell and buy compute over Nostr (NIP-90), with a model on your own machine.
#[derive(Debug, Parser)]
#[command(name = "pylon", version, propagate_version = true)]
pub struct Args {
    /// Where identity, config and ledger are [default: ~/.openagents/pylon, or PYLON_DATA_DIR].
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub data_dir: Option<PathBuf>,

    /// Use the practice market: data of its own, play money, no internet.
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub practice: bool,

    /// Override one setting for this run, such as `provider.policy=free`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", help_heading = EVERYWHERE)]
    pub overrides: Vec<String>,

    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make the node's identity: twelve words to write down.
    Init(Init),
    /// Put the node's identity under a passphrase, or take the passphrase off.
    Identity(Identity),
    /// Run the node in this terminal, until Ctrl-C.
    Run(Run),
    /// Start a node in the background; returns when it is up.
    Start(Start),
    /// The process `start` makes.
    #[command(hide = true)]
    Daemon(Daemon),
    /// Let the running node take jobs.
    Online(Output),
    /// Let the running node take no more jobs.
    Offline(Offline),
    /// Show how the node is: relays, models, jobs, what is in the way.
    Status(Output),
    /// Print what happens in the running node, line by line, until Ctrl-C.
    Watch(Output),
    /// Stop the running node.
    Stop(Stop),
    /// Stop the node in the background and start it again, online if it was.
    ///
    /// What was given with --set is to be given again.
    Restart(Restart),
    /// Print the node's log.
    Logs(Logs),
    /// Let systemd run the node, from login on, without root.
    Service(Service),
    /// Check everything that selling needs, and say what to do about what is missing.
    Doctor(Output),
    /// Ask the running node one job as a stranger would, through a relay and back.
    Test(Test),
    /// Show the models there are, download new ones.
    Models(Models),
    /// Selling: the jobs others asked of this node, newest first.
    Jobs(Jobs),
    /// What selling has brought in, by day, model or buyer, with the electricity taken off if you say what it costs.
    Earnings(Earnings),
    /// Show what the wallet holds; receive, send, connect another one.
    ///
    /// Where no node runs, this command is one until it is done: it takes no jobs and leaves nothing behind.
    Wallet(Wallet),
    /// Buying: ask others for a job, see what it costs, pay, read the answer.
    ///
    /// Where no node runs, this command is one until it is done: it takes no jobs and leaves nothing behind. Nobody hears
    /// offers and answers after that, so add --wait, or start a node.
    Job(Job),
    /// Show, test, add and remove relays.
    Relays(Relays),
    /// Read and change settings.
    Config(Config),
    /// Run a whole market on this machine: relay, provider and a robot buyer. No money, no internet.
    Practice(Practice),
    /// Print a script that completes this program's words in a shell.
    Completions(Completions),
    /// Write manual pages, one for each verb.
    Man(Man),
    /// One node of a trial, started by `practice --chaos`.
    #[command(hide = true)]
    PracticeMember(PracticeMember),
}

/// The whole command line, with its examples.
pub fn command() -> clap::Command {
    examples::put(Args::command())
}

/// Reads the words this program was started with.
pub fn read() -> Result<Args, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Output {
    /// Print JSON instead of text.
    // Global, so that `pylon wallet payments --json` is understood as well as `pylon wallet --json payments`.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Where the passphrase of an encrypted identity comes from. Without a word about it: from the systemd credential
/// `pylon-passphrase`, else from the terminal.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Unlock {
    /// Read the identity's passphrase from this open file, up to the end of its first line.
    #[arg(long, global = true, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

/// Where the spending PIN comes from. Without a word about it: from the terminal, unseen.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct PinFrom {
    /// Read the spending PIN from this open file, if it is needed.
    #[arg(long, value_name = "N")]
    pub pin_fd: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }
}
