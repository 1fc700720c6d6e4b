//! `pylon`: the node without a window.
//!
//! One verb per file in `commands`; `report` prints; a verb that fails returns a [`Failure`], which decides the exit
//! code: 1 the user can mend it, 2 wrong words or config, 3 somebody does not answer, 70 a bug.

mod args;
mod commands;
mod money;
mod notify;
mod passphrase;
mod purchases;
mod relays;
mod report;
mod talk;
mod unit;

use std::process::ExitCode;

use pylon_hud::node::{Failure, FailureKind};

fn main() -> ExitCode {
    let args = match args::read() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors; clap knows which stream each belongs on.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match commands::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report::failure(&failure);
            exit_code(&failure)
        }
    }
}

fn exit_code(failure: &Failure) -> ExitCode {
    ExitCode::from(match failure.kind {
        FailureKind::User => 1,
        FailureKind::Usage => 2,
        FailureKind::Network => 3,
        FailureKind::Internal => 70,
    })
}
