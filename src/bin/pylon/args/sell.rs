//! Verbs about selling: models and jobs.

use clap::{Args as ClapArgs, Subcommand};

use super::{Output, PinFrom, Unlock};

/// What the lines of `pylon earnings` are about.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum By {
    /// One line a day, in UTC.
    #[default]
    Day,
    /// One line for each model that ran.
    Model,
    /// One line for each buyer.
    Buyer,
}

#[derive(Debug, ClapArgs)]
pub struct Earnings {
    /// What the lines are about.
    #[arg(long, value_enum, default_value_t)]
    pub by: By,
    /// Today and the days before; 0: all there ever were.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=36_500))]
    pub days: u32,
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
    /// Ask every model server now which models it has.
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
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// At most this many, newest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum JobsVerb {
    /// Show one job: who asked, what was answered, and every step on the way.
    Show {
        /// The job's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Cancel a job that waits or runs.
    Cancel {
        /// The job's id, or its first digits.
        id: String,
    },
    /// Give a buyer the money back for a job that was paid and failed.
    Refund {
        /// The job's id, or its first digits.
        id: String,
        /// An invoice of the buyer over exactly what was paid, or a Lightning address [default: the one in the buyer's profile].
        to: Option<String>,
        #[command(flatten)]
        unlock: Unlock,
        #[command(flatten)]
        pin: PinFrom,
    },
    /// Close a refund without paying it, because the buyer cannot be reached.
    WriteOff {
        /// The job's id, or its first digits.
        id: String,
        #[command(flatten)]
        unlock: Unlock,
    },
    /// Totals of today, the last 7 and 30 days, and all time.
    Stats {
        #[command(flatten)]
        output: Output,
    },
}
