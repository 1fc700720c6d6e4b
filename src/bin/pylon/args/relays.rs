//! Verbs about relays.

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

#[derive(Debug, ClapArgs)]
pub struct Relays {
    #[command(subcommand)]
    pub verb: RelaysVerb,
}

#[derive(Debug, Subcommand)]
pub enum RelaysVerb {
    /// Show each relay: its state, what came in and went out, its limits, a score, and what to do about it.
    ///
    /// The score is 0 to 100: half of it is the share of our events the relay took, three tenths the share of the time it
    /// was connected, two tenths how quickly it answers. What is not known yet is left out. Also answers while the node
    /// is stopped; then there is nothing to measure.
    List(Output),
    /// Add relays to the config; a running node connects to them at once.
    Add {
        /// Addresses that begin with wss://, or with ws://: then everybody on the way can read what passes.
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Take relays out of the config; a running node lets go of them at once.
    Remove {
        /// Their addresses, as `pylon relays list` shows them.
        #[arg(required = true, value_name = "URL")]
        urls: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Try relays out, also ones that are not configured, without the node.
    ///
    /// Connects under keys made for this test, reads the relay's own document (NIP-11), subscribes, and sends one tiny event
    /// that no relay keeps. Says whether the relay would take our answers. Ends with 3 if one does not answer, with 1 if one
    /// would not take our events.
    Test {
        /// Their addresses [default: the configured ones].
        #[arg(value_name = "URL")]
        urls: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
}
