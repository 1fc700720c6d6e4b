//! Verbs about settings.

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

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
