//! The helper: a process that loads the Spark library, so that no other one does. The library ends its process when it
//! panics, and it holds the keys to the money.
//!
//! It is this very program, started again with one argument. What it is told stands on its standard input, the words of
//! the wallet among them, once; nothing of it is an argument, a variable or a file. It ends when its input does: when
//! whoever started it closes it or dies.

mod serve;
mod session;
mod translate;

use std::process::ExitCode;
use std::time::Duration;

pub use serve::{Opener, Session, line, serve};
pub use session::Spark;

/// The argument that makes this program the helper.
pub const ARGUMENT: &str = "spark-helper";
/// How long the library gets to put its things away.
pub const GOODBYE: Duration = Duration::from_secs(1);

/// Is the helper until its input ends.
#[cfg(unix)]
pub fn run() -> ExitCode {
    let runtime = harden().and_then(|()| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build());
    let served = runtime.and_then(|runtime| {
        let served = runtime.block_on(async {
            let (input, output) = pipes()?;
            serve(input, output, Spark).await;
            Ok(())
        });
        // The library's threads are not waited for.
        runtime.shutdown_background();
        served
    });
    match served {
        Ok(()) => end(),
        Err(error) => {
            use std::io::Write as _;
            // Nobody is left to tell if even this fails.
            let _ = writeln!(std::io::stderr(), "The wallet's helper is started by a node, over two pipes ({error}).");
            ExitCode::from(2)
        }
    }
}

/// There are no pipes of this kind.
#[cfg(not(unix))]
pub fn run() -> ExitCode {
    ExitCode::FAILURE
}

/// What it is told, and where it answers.
#[cfg(unix)]
fn pipes() -> std::io::Result<(tokio::net::unix::pipe::Receiver, tokio::net::unix::pipe::Sender)> {
    use std::os::fd::AsFd as _;

    use tokio::net::unix::pipe::{Receiver, Sender};
    let input = std::io::stdin().as_fd().try_clone_to_owned()?;
    let output = std::io::stdout().as_fd().try_clone_to_owned()?;
    Ok((Receiver::from_owned_fd(input)?, Sender::from_owned_fd(output)?))
}

/// Makes sure that memory with keys in it is not written to a disk and not looked into by other processes of this user.
#[cfg(unix)]
fn harden() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Ends the process at once: what the library does at its end is not waited for, it may wait for a network.
#[cfg(unix)]
fn end() -> ExitCode {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::KILL);
    ExitCode::SUCCESS
}
