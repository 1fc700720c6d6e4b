//! Verbs about money.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use pylon_hud::wallet::DepositId;

use super::{Output, PinFrom, Unlock};

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
    /// Make an invoice that others can pay, or show an address that stays good.
    Receive {
        /// How many sats it asks for.
        #[arg(required_unless_present_any = ["spark", "onchain"])]
        sats: Option<u64>,
        /// What it is for, as the payer will read it.
        #[arg(long = "for", value_name = "TEXT", default_value = "")]
        description: String,
        /// The wallet's Spark address: whoever has a Spark wallet pays to it at once.
        #[arg(long, conflicts_with_all = ["sats", "onchain", "description"])]
        spark: bool,
        /// The wallet's address on the chain: what arrives there has to be claimed, see `wallet deposits`.
        #[arg(long, conflicts_with_all = ["sats", "description"])]
        onchain: bool,
    },
    /// Pay an invoice, or send to an address. Shows what and what it costs, and asks.
    Send {
        /// A BOLT11 invoice, a Lightning address (name@host), an LNURL, a Spark address or a bitcoin address.
        to: String,
        /// The amount. Of an invoice: what it has to ask for.
        #[arg(long)]
        sats: Option<u64>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        pin: PinFrom,
    },
    /// Money that came over the chain: list it, claim it, send it back.
    Deposits {
        #[command(subcommand)]
        verb: Option<DepositsVerb>,
    },
    /// Show, register or give up the wallet's Lightning address.
    Address {
        /// Register this name.
        #[arg(long, value_name = "NAME", conflicts_with = "release")]
        register: Option<String>,
        /// Give the address up.
        #[arg(long)]
        release: bool,
    },
    /// Show how the wallet is: its helper process, its network, its library.
    Status,
    /// Say which money the Spark wallet holds: play money (regtest) or bitcoin (mainnet).
    Use {
        network: Money,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Install the Spark wallet's library: by pip, or from a file you have.
    Install {
        /// The library, or the Python wheel it is in.
        file: Option<PathBuf>,
    },
    /// Make words for the Spark wallet alone, or import them from standard input, instead of using the identity's.
    Words {
        /// Read existing words from standard input.
        #[arg(long)]
        import: bool,
        #[command(flatten)]
        unlock: Unlock,
    },
    /// List payments, newest first.
    Payments {
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show how much may be spent.
    Limits,
    /// Show the lock on spending; set its PIN, lock and unlock.
    Pin(Pin),
    /// Use a wallet of your own over Nostr Wallet Connect (NWC). Reads its connection string from standard input.
    Connect,
    /// Forget the connected wallet.
    Disconnect,
}

/// What is done with deposits.
#[derive(Debug, Subcommand)]
pub enum DepositsVerb {
    /// List what has come and is not part of the balance.
    List,
    /// Make one a part of the balance.
    Claim {
        /// TRANSACTION:OUTPUT, as it is listed.
        deposit: DepositId,
        /// What it may cost at most, in sats.
        #[arg(long, value_name = "SATS")]
        max_fee: u64,
        #[command(flatten)]
        pin: PinFrom,
    },
    /// Send one to an address on the chain instead. Shows what and what it costs, and asks.
    Refund {
        /// TRANSACTION:OUTPUT, as it is listed.
        deposit: DepositId,
        /// The bitcoin address it is sent to.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
        /// The fee, in sats.
        #[arg(long, value_name = "SATS")]
        fee: u64,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        pin: PinFrom,
    },
}

/// Play money or bitcoin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Money {
    Regtest,
    Mainnet,
}

/// The lock on spending.
#[derive(Debug, ClapArgs)]
pub struct Pin {
    #[command(subcommand)]
    pub verb: Option<PinVerb>,
}

#[derive(Debug, Subcommand)]
pub enum PinVerb {
    /// Set the spending PIN, or change it. It is typed unseen; --pin-fd gives the old one, if there is one, and the new
    /// one, a line each.
    Set {
        #[command(flatten)]
        from: PinFrom,
    },
    /// Take the spending PIN away.
    Remove {
        #[command(flatten)]
        from: PinFrom,
    },
    /// Lock spending: nothing is paid from now on, whatever asks for it. Earning goes on.
    Lock,
    /// Unlock spending with the PIN, until it is locked again.
    Unlock {
        /// Lock it again by itself after so many minutes, or when the node stops. Only while it runs.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
        minutes: Option<u32>,
        #[command(flatten)]
        from: PinFrom,
    },
    /// Take a forgotten spending PIN away, while the node is stopped. Asks for the identity's passphrase, or for its words
    /// where it has none. What is locked stays locked: set a new PIN and unlock it.
    Reset {
        #[command(flatten)]
        unlock: Unlock,
        /// Read the identity's words from this open file, where it has no passphrase.
        #[arg(long, value_name = "N")]
        words_fd: Option<u32>,
    },
}
