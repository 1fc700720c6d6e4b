//! Verbs about settings.

use clap::{Args as ClapArgs, Subcommand};

use super::{Output, PinFrom};

#[derive(Debug, ClapArgs)]
pub struct Config {
    #[command(subcommand)]
    pub verb: ConfigVerb,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Print one setting.
    Get {
        /// Its name, such as `provider.min_price`.
        key: String,
    },
    /// Change one setting in the file; a running node takes it over. Once there is a spending PIN, limits.* takes it.
    Set {
        /// Its name, such as `provider.min_price`.
        key: String,
        /// Its new value. The items of a list are parted by commas.
        value: String,
        #[command(flatten)]
        pin: PinFrom,
    },
    /// Print every setting with its value, where that comes from, and what it does.
    List,
    /// Print where the file is.
    Path,
}
