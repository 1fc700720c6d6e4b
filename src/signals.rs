//! SIGINT and SIGTERM, for both programs: they mean the same in a terminal and behind a window.

/// Calls `react` with 1 for the first SIGINT or SIGTERM, 2 for the second, and so on, on a thread of its own that lives
/// as long as the program. When this returns, signals are caught already: none can slip in before and kill the program.
/// Where there are no such signals, Ctrl-C alone is caught.
pub fn on_interrupt(mut react: impl FnMut(u32) + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut interrupts = {
        let _inside = runtime.enter();
        Interrupts::new()?
    };
    let wait = move || {
        runtime.block_on(async {
            for number in 1.. {
                if !interrupts.next().await {
                    return;
                }
                react(number);
            }
        });
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}

#[cfg(unix)]
struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one. False when none can come any more.
    async fn next(&mut self) -> bool {
        tokio::select! {
            caught = self.interrupt.recv() => caught.is_some(),
            caught = self.terminate.recv() => caught.is_some(),
        }
    }
}

#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one. False when none can come any more.
    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn signals_are_counted_from_the_first_one_on() {
        let (told, numbers) = std::sync::mpsc::channel();
        on_interrupt(move |number| told.send(number).expect("listening")).expect("signals");
        for (number, signal) in [(1, rustix::process::Signal::INT), (2, rustix::process::Signal::TERM)] {
            rustix::process::kill_process(rustix::process::getpid(), signal).expect("kill");
            assert_eq!(numbers.recv_timeout(Duration::from_secs(30)), Ok(number));
        }
    }
}
