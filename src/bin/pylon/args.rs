//! The words of the command line. Doc comments are the help.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use pylon_hud::domain::ids::Pubkey;
use pylon_hud::practice::trial::Role;

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
    /// Run a node in the foreground until interrupted.
    Run(Run),
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
    /// Read and change settings.
    Config(Config),
    /// Run a whole market on this machine: relay, provider and a robot buyer. No money, no internet.
    Practice(Practice),
    /// One node of a trial, started by `practice --chaos`.
    #[command(hide = true)]
    PracticeMember(PracticeMember),
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub struct Output {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Init {
    /// Make 24 words instead of 12.
    #[arg(long)]
    pub long: bool,
    /// Read an existing mnemonic from standard input instead of making one.
    #[arg(long)]
    pub import: bool,
    /// Move an existing identity aside first. It is kept; its place is printed.
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Run {
    /// Take jobs at once.
    #[arg(long)]
    pub online: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Offline {
    /// Drop running jobs instead of finishing them; they are resumed at the next start.
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Stop {
    /// Drop running jobs instead of finishing them; they are resumed at the next start.
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Test {
    /// What to ask.
    #[arg(default_value = "Say hello in one sentence.")]
    pub prompt: String,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Models {
    #[command(subcommand)]
    pub verb: Option<ModelsVerb>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// Ask every backend again now.
    Probe,
    /// Download a model through the running node.
    Pull {
        /// The model's name, such as `llama3.2`.
        model: String,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Jobs {
    #[command(subcommand)]
    pub verb: Option<JobsVerb>,
    /// Only jobs in this state, such as `done` or `failed`.
    #[arg(long)]
    pub state: Option<String>,
    /// At most this many, newest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum JobsVerb {
    /// Show one job with its timeline.
    Show {
        /// The job's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Call a job off.
    Cancel {
        /// The job's id, or its first digits.
        id: String,
    },
    /// Give the buyer of a job that was paid and not done its money back.
    Refund {
        /// The job's id, or its first digits.
        id: String,
        /// An invoice of the buyer over exactly what was paid.
        invoice: String,
    },
    /// Give up a refund nobody asks for.
    WriteOff {
        /// The job's id, or its first digits.
        id: String,
    },
    /// Totals.
    Stats {
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Wallet {
    #[command(subcommand)]
    pub verb: Option<WalletVerb>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum WalletVerb {
    /// What it holds, by its own word, and when it said so.
    Balance,
    /// Make an invoice.
    Receive {
        /// Over so many sats.
        sats: u64,
        /// What it is for, as the payer will read it.
        #[arg(long = "for", default_value = "")]
        description: String,
    },
    /// Pay an invoice. Without --sats it is only shown.
    Send {
        /// The BOLT11 invoice.
        invoice: String,
        /// What it costs; has to be what the invoice asks for.
        #[arg(long)]
        sats: Option<u64>,
    },
    /// Payments, newest first.
    Payments {
        /// At most this many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// What may be spent.
    Limits,
    /// Use a wallet of yours over Nostr Wallet Connect. Reads its connection string from standard input.
    Connect,
    /// Forget the connected wallet.
    Disconnect,
}

#[derive(Debug, ClapArgs)]
pub struct Config {
    #[command(subcommand)]
    pub verb: ConfigVerb,
}

#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Print one setting.
    Get { key: String },
    /// Change one setting in the file; a running node takes it over.
    Set { key: String, value: String },
    /// Print every setting with its value, where that comes from, and what it does.
    List(Output),
    /// Print where the file is.
    Path,
}

#[derive(Debug, ClapArgs)]
pub struct Job {
    #[command(subcommand)]
    pub verb: JobVerb,
}

#[derive(Debug, Subcommand)]
pub enum JobVerb {
    /// Ask the market for a job.
    Submit(Submit),
    /// Pay an offer: the cheapest, or the one of this provider.
    Pay {
        /// The request's id, or its first digits.
        id: String,
        /// Whose offer, as npub or in hexadecimal.
        #[arg(long, value_parser = pubkey)]
        provider: Option<Pubkey>,
        #[command(flatten)]
        output: Output,
    },
    /// One request with its offers, its timeline and its answer.
    Status {
        /// The request's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Call a request off; after the answer: leave its bill unpaid.
    Cancel {
        /// The request's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Requests, newest first.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Submit {
    /// What is asked.
    pub prompt: String,
    /// The model that should answer.
    #[arg(long)]
    pub model: Option<String>,
    /// Ask this provider alone, as npub or in hexadecimal; without it, anybody.
    #[arg(long, value_parser = pubkey)]
    pub provider: Option<Pubkey>,
    /// The most it may cost, in sats.
    #[arg(long, value_name = "SATS")]
    pub bid: Option<u64>,
    /// Tokens the answer may have.
    #[arg(long)]
    pub max_tokens: Option<u32>,
    /// Encrypt it, so that only the provider can read it.
    #[arg(long, requires = "provider")]
    pub encrypt: bool,
    /// Which offer is paid; without it, as buyer.auto_pay says.
    #[arg(long, value_enum)]
    pub pay: Option<Pay>,
    /// Wait for the answer and print it.
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    pub output: Output,
}

/// Which offer is paid by itself.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Pay {
    /// None: `pylon job pay` does.
    Ask,
    /// The cheapest of those that come within buyer.offer_window_secs.
    Cheapest,
    /// The first that can be paid.
    First,
}

/// A public key, as npub or in hexadecimal.
fn pubkey(text: &str) -> Result<Pubkey, String> {
    pylon_hud::nip90::read_key(text).ok_or_else(|| "expected an npub or 64 hexadecimal digits".to_owned())
}

#[derive(Debug, ClapArgs)]
pub struct Practice {
    /// Jobs the robot buyer asks for.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub jobs: u32,
    /// Run so many sellers and as many buyers, each a process of its own.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub pairs: Option<u32>,
    /// Let relays lose, double, reorder and refuse messages, wallets delay and fail, and kill nodes without warning.
    #[arg(long)]
    pub chaos: bool,
    /// What the dice of --chaos begin with.
    #[arg(long, default_value_t = 1, requires = "chaos")]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct PracticeMember {
    #[arg(long)]
    pub role: Role,
    #[arg(long)]
    pub dir: PathBuf,
    #[arg(long)]
    pub relay: String,
    #[arg(long)]
    pub seed: u64,
    #[arg(long)]
    pub funds_msats: u64,
    #[arg(long)]
    pub chaos: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_words_do_not_contradict_each_other() {
        Args::command().debug_assert();
    }
}
