//! Verbs about the node itself.

use clap::{Args as ClapArgs, ValueEnum};
use pylon_hud::node::RobotKind;

use super::{Output, Unlock};

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
    /// With --practice: let this robot trade with the node. May be given twice.
    #[arg(long, value_enum, value_name = "WHO")]
    pub robot: Vec<RobotName>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, ClapArgs)]
pub struct Start {
    /// Take jobs at once.
    #[arg(long)]
    pub online: bool,
    /// With --practice: let this robot trade with the node. May be given twice.
    #[arg(long, value_enum, value_name = "WHO")]
    pub robot: Vec<RobotName>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, ClapArgs)]
pub struct Daemon {
    /// Take jobs at once.
    #[arg(long)]
    pub online: bool,
    /// Let this robot trade with the node.
    #[arg(long, value_enum)]
    pub robot: Vec<RobotName>,
    #[command(flatten)]
    pub unlock: Unlock,
}

/// Robots of the practice market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RobotName {
    /// Asks the node for a job every few seconds.
    Buyer,
    /// Another provider, to buy from.
    Seller,
}

impl RobotName {
    pub const fn kind(self) -> RobotKind {
        match self {
            Self::Buyer => RobotKind::Buyer,
            Self::Seller => RobotKind::Seller,
        }
    }
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
    /// Kill the process if it does not answer or does not end; whose lock it is, is proven first.
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, ClapArgs)]
pub struct Restart {
    /// Take jobs, even if it did not before.
    #[arg(long)]
    pub online: bool,
    /// Drop running jobs instead of finishing them; they are resumed.
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub unlock: Unlock,
}

#[derive(Debug, ClapArgs)]
pub struct Logs {
    /// How many of the last lines to begin with.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    pub lines: usize,
    /// Go on printing what comes, until interrupted.
    #[arg(short, long)]
    pub follow: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Test {
    /// What to ask.
    #[arg(default_value = "Say hello in one sentence.")]
    pub prompt: String,
    #[command(flatten)]
    pub output: Output,
}
