//! Verbs about buying.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use pylon_hud::domain::ids::Pubkey;

use super::{Output, PinFrom, Unlock};

#[derive(Debug, ClapArgs)]
pub struct Job {
    #[command(subcommand)]
    pub verb: JobVerb,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Subcommand)]
pub enum JobVerb {
    /// Ask the market for a job.
    Submit(Submit),
    /// Pay the cheapest offer, or the one of --provider.
    Pay {
        /// The request's id, or its first digits.
        id: String,
        /// Whose offer, as npub or in hexadecimal.
        #[arg(long, value_parser = pubkey)]
        provider: Option<Pubkey>,
        #[command(flatten)]
        pin: PinFrom,
        #[command(flatten)]
        output: Output,
    },
    /// Show one request: its offers, its answer, and every step on the way.
    Status {
        /// The request's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Cancel a request. If the answer has come already: leave its bill unpaid.
    Cancel {
        /// The request's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// List your requests, newest first.
    List {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Submit {
    /// The question, or what is to be done.
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
    /// The longest answer, in tokens.
    #[arg(long, value_name = "N")]
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
#[derive(Debug, Clone, Copy, ValueEnum)]
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
