//! Verbs about selling: models and jobs.

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

#[derive(Debug, ClapArgs)]
pub struct Models {
    #[command(subcommand)]
    pub verb: Option<ModelsVerb>,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// Ask every backend again now.
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
    #[arg(long)]
    pub state: Option<String>,
    /// At most this many, newest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Subcommand)]
pub enum JobsVerb {
    /// Show one job with its timeline.
    Show {
        /// The job's id, or its first digits.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Call a job off.
    Cancel {
        /// The job's id, or its first digits.
        id: String,
    },
    /// Give the buyer of a job that was paid and not done its money back.
    Refund {
        /// The job's id, or its first digits.
        id: String,
        /// An invoice of the buyer over exactly what was paid, or a Lightning address [default: the one in the buyer's profile].
        to: Option<String>,
    },
    /// Give up a refund nobody asks for.
    WriteOff {
        /// The job's id, or its first digits.
        id: String,
    },
    /// Totals.
    Stats {
        #[command(flatten)]
        output: Output,
    },
}
