//! `pylon`: the node without a window.
//!
//! One verb per file in `commands`; `report` prints; a verb that fails returns a [`Failure`], which decides the exit
//! code: 1 the user can mend it, 2 wrong words or config, 3 somebody does not answer, 70 a bug.

mod args;
mod coins;
mod commands;
mod errand;
mod money;
mod notify;
mod passphrase;
mod pin;
mod practicing;
mod purchases;
mod relays;
mod report;
mod talk;
mod totals;
mod unit;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use pylon_hud::node::{Failure, FailureKind};
use pylon_hud::wallet::spark::helper;

fn main() -> ExitCode {
    // Started by a node of ours, which has nothing to do with what a person may type.
    if std::env::args_os().nth(1).is_some_and(|first| first == helper::ARGUMENT) {
        return helper::run();
    }
    let args = match args::read() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are answers, not errors; clap knows which stream each belongs on.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    ExitCode::from(code(|| commands::run(args)))
}

/// Does it, and says what went wrong. A panic is a bug like any other: its own words are on standard error already.
fn code(verb: impl FnOnce() -> Result<(), Failure>) -> u8 {
    let done = std::panic::catch_unwind(AssertUnwindSafe(verb)).unwrap_or_else(|_| {
        Err(Failure::internal("The program stopped unexpectedly.")
            .hint("Please report this to whoever you have the program from, with what is printed above. Nothing in the ledger is lost."))
    });
    let Err(failure) = done else { return 0 };
    report::failure(&failure);
    match failure.kind {
        FailureKind::User | FailureKind::Locked | FailureKind::Pin => 1,
        FailureKind::Usage => 2,
        FailureKind::Network => 3,
        FailureKind::Internal => 70,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_code_and_a_panic_is_a_bug() {
        let failed = |failure: Failure| code(|| Err(failure));
        assert_eq!(code(|| Ok(())), 0);
        assert_eq!((failed(Failure::user("a")), failed(Failure::usage("b"))), (1, 2));
        assert_eq!((failed(Failure::network("c")), failed(Failure::internal("d"))), (3, 70));
        assert_eq!(code(|| panic!("out of ideas")), 70);
    }
}
