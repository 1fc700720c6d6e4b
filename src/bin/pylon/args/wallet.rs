//! Verbs about money.

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

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
