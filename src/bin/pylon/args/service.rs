//! Verbs about the system's service manager.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

#[derive(Debug, ClapArgs)]
pub struct Service {
    #[command(subcommand)]
    pub verb: ServiceVerb,
}

#[derive(Debug, Subcommand)]
pub enum ServiceVerb {
    /// Write the unit where your own systemd looks for it. Starts nothing.
    Install {
        #[command(flatten)]
        unit: Unit,
        #[command(flatten)]
        output: Output,
    },
    /// Stop the service and delete its unit. The data directory stays.
    Uninstall(Output),
    /// Print the unit and write nothing.
    Print(Unit),
}

/// What stands in the unit.
#[derive(Debug, ClapArgs)]
pub struct Unit {
    /// Take jobs as soon as the service starts.
    #[arg(long)]
    pub online: bool,
    /// Let systemd hand the passphrase of an encrypted identity over from this file (LoadCredential).
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}
