//! The words of the command line. Doc comments are the help.

mod buy;
mod config;
mod identity;
mod node;
mod practice;
mod relays;
mod sell;
mod service;
mod shell;
mod wallet;

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory as _, Parser, Subcommand};

pub use buy::{Job, JobVerb, Pay, Submit};
pub use config::{Config, ConfigVerb};
pub use identity::{Identity, IdentityVerb};
pub use node::{Daemon, Init, Logs, Offline, Restart, RobotName, Run, Start, Stop, Test};
pub use practice::{Practice, PracticeMember};
pub use relays::{Relays, RelaysVerb};
pub use sell::{Jobs, JobsVerb, Models, ModelsVerb};
pub use service::{Service, ServiceVerb, Unit};
pub use shell::{Completions, Man};
pub use wallet::{Wallet, WalletVerb};

/// Sell compute over Nostr (NIP-90) with a local model.
#[derive(Debug, Parser)]
#[command(name = "pylon", version, propagate_version = true)]
pub struct Args {
    /// Directory of identity, config and ledger [default: ~/.openagents/pylon, or PYLON_DATA_DIR].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Work on the practice market's own data instead of the real ones.
    #[arg(long, global = true)]
    pub practice: bool,

    /// Override one setting for this run, such as `provider.policy=free`.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,

    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make an identity: twelve words to write down, and the config beside it.
    Init(Init),
    /// Encrypt the identity with a passphrase, or take it off.
    Identity(Identity),
    /// Run a node in the foreground until interrupted.
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
    /// Say how the node is.
    Status(Output),
    /// Print what happens in the running node, line by line.
    Watch(Output),
    /// Stop the running node.
    Stop(Stop),
    /// Stop the node in the background and start it again, online if it was. What was given with --set is to be given again.
    Restart(Restart),
    /// Print the node's log.
    Logs(Logs),
    /// Let systemd run the node, as a service of yours.
    Service(Service),
    /// Check everything a job needs, and say what to do about what is missing.
    Doctor(Output),
    /// Ask the running node one job as a stranger would, through a relay and back.
    Test(Test),
    /// List models, get new ones.
    Models(Models),
    /// List jobs, or show one with its timeline.
    Jobs(Jobs),
    /// The running node's wallet: what it holds, receiving, sending.
    Wallet(Wallet),
    /// Buy: ask the market for a job, see what it costs, pay, read the answer.
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

/// The whole command line.
pub fn command() -> clap::Command {
    Args::command()
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Output {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Where the passphrase of an encrypted identity comes from. Without a word about it: from the systemd credential
/// `pylon-passphrase`, else from the terminal.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Unlock {
    /// Read the identity's passphrase from this open file, up to the end of its first line.
    #[arg(long, value_name = "N")]
    pub passphrase_fd: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }
}
