//! Verbs about money.

use clap::{Args as ClapArgs, Subcommand};

use super::{Output, Unlock};

#[derive(Debug, ClapArgs)]
pub struct Wallet {
    #[command(subcommand)]
    pub verb: Option<WalletVerb>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, Subcommand)]
pub enum WalletVerb {
    /// Show the balance, and how old that number is.
    Balance,
    /// Make an invoice that others can pay.
    Receive {
        /// How many sats it asks for.
        sats: u64,
        /// What it is for, as the payer will read it.
        #[arg(long = "for", value_name = "TEXT", default_value = "")]
        description: String,
    },
    /// Pay an invoice. Without --sats it is only shown.
    Send {
        /// The BOLT11 invoice.
        invoice: String,
        /// The amount you agree to pay. It has to be what the invoice asks for.
        #[arg(long)]
        sats: Option<u64>,
    },
    /// List payments, newest first.
    Payments {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show how much may be spent.
    Limits,
    /// Use a wallet of your own over Nostr Wallet Connect (NWC). Reads its connection string from standard input.
    Connect,
    /// Forget the connected wallet.
    Disconnect,
}
