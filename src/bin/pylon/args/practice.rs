//! Verbs about the practice market.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use pylon_hud::practice::trial::Role;

use super::Output;

#[derive(Debug, ClapArgs)]
pub struct Practice {
    /// Jobs the robot buyer asks for.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub jobs: u32,
    /// Run this many sellers and as many buyers, each in a process of its own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    pub pairs: Option<u32>,
    /// Let relays lose, double, reorder and refuse messages, wallets delay and fail, and kill nodes without warning.
    #[arg(long)]
    pub chaos: bool,
    /// With --pairs: requests each buyer has open at a time.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub open: u32,
    /// With --chaos: what its dice begin with. The same number does the same damage.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "chaos")]
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
