//! Verbs for the shell around the program.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use clap_complete::Shell;

#[derive(Debug, ClapArgs)]
pub struct Completions {
    /// The shell they are for.
    #[arg(value_enum)]
    pub shell: ShellName,
}

/// Shells there are completions for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ShellName {
    Bash,
    Zsh,
    Fish,
}

impl ShellName {
    pub const fn shell(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub struct Man {
    /// Where the pages are written; made if it is not there.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}
