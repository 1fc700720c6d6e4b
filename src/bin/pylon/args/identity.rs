//! Verbs about the identity's file.

use clap::{Args as ClapArgs, Subcommand};

use super::{Output, Unlock};

#[derive(Debug, ClapArgs)]
pub struct Identity {
    #[command(subcommand)]
    pub verb: IdentityVerb,
}

#[derive(Debug, Subcommand)]
pub enum IdentityVerb {
    /// Put the words under a passphrase: identity.age takes the place of identity.mnemonic.
    Encrypt {
        #[command(flatten)]
        unlock: Unlock,
        /// What a try of a passphrase costs, as a power of two. Less is for tests.
        #[arg(long, hide = true, value_name = "LOG_N", value_parser = clap::value_parser!(u8).range(1..=20))]
        work_factor: Option<u8>,
        #[command(flatten)]
        output: Output,
    },
    /// Take the passphrase off again.
    Decrypt {
        #[command(flatten)]
        unlock: Unlock,
        #[command(flatten)]
        output: Output,
    },
}
