//! The process that holds a data directory, proven and not believed.
//!
//! What stands in the lock file is information: the process it names may have died, and its number may be somebody else's
//! by now. On Linux the kernel itself says which open file carries the lock (`/proc/PID/fdinfo`), whatever file system
//! it is on, and a pidfd stays with the process it was opened for: whoever is waited for or killed is the one that was
//! found. Elsewhere nobody can be proven, so nobody is found and nothing is ever signalled.

use std::path::Path;
use std::time::Duration;

/// A process that held the lock when it was found.
#[derive(Debug)]
pub struct LockHolder {
    pid: u32,
    program: String,
    #[cfg(target_os = "linux")]
    process: std::os::fd::OwnedFd,
}

impl LockHolder {
    /// The process that holds the lock in this file. `None`: nobody does whom this user can see. The lock is not touched:
    /// trying it could be what makes a node that is just starting give up.
    pub fn find(lock: &Path) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return linux::find(lock);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = lock;
            None
        }
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The name of its program, for a sentence.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Waits until the process has ended, at most `limit`. Returns whether it has.
    pub fn wait(&self, limit: Duration) -> bool {
        #[cfg(target_os = "linux")]
        return linux::wait(&self.process, limit);
        #[cfg(not(target_os = "linux"))]
        {
            let _ = limit;
            false
        }
    }

    /// Ends the process without asking it. One that has ended already is as good.
    pub fn kill(&self) -> std::io::Result<()> {
        #[cfg(target_os = "linux")]
        return linux::kill(&self.process);
        #[cfg(not(target_os = "linux"))]
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    use super::LockHolder;

    pub fn find(lock: &Path) -> Option<LockHolder> {
        fs::metadata(lock).ok()?;
        let numbers = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        numbers.filter(|pid| holds(*pid, lock)).find_map(|pid| {
            let process = pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)?, PidfdFlags::empty()).ok()?;
            // The number may have changed hands before the pidfd was opened; from here on it cannot.
            let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
            let program = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            holds(pid, lock).then_some(LockHolder { pid, program, process })
        })
    }

    /// Whether one of the process's open files is the lock file and carries its lock. False for processes that may not be
    /// looked into, which are other users'.
    fn holds(pid: u32, lock: &Path) -> bool {
        let Ok(wanted) = fs::metadata(lock) else { return false };
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        open.filter_map(Result::ok).any(|entry| {
            // Cheap first: files of another name are not looked at, since that could wait for a dead network disk.
            let named = fs::read_link(entry.path()).is_ok_and(|target| target.file_name() == lock.file_name());
            named
                && fs::metadata(entry.path()).is_ok_and(|file| (file.dev(), file.ino()) == (wanted.dev(), wanted.ino()))
                && fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("fdinfo").join(entry.file_name()))
                    .is_ok_and(|info| info.lines().any(|line| is_lock_of(line, pid)))
        })
    }

    /// Reads `lock: 1: FLOCK  ADVISORY  WRITE 32162 fe:00:10010704 0 EOF`.
    fn is_lock_of(line: &str, pid: u32) -> bool {
        let mut words = line.split_whitespace();
        words.next() == Some("lock:")
            && words.nth(1) == Some("FLOCK")
            && words.nth(1) == Some("WRITE")
            && words.next().is_some_and(|holder| holder.parse() == Ok(pid))
    }

    pub fn wait(process: &OwnedFd, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let left = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
            // A pidfd becomes readable when its process ends.
            match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&left)) {
                Err(Errno::INTR) => {}
                ended => return ended.is_ok_and(|ready| ready > 0),
            }
        }
    }

    pub fn kill(process: &OwnedFd) -> std::io::Result<()> {
        match pidfd_send_signal(process, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_the_process_that_holds_the_lock_is_found() {
            let dir = tempfile::tempdir().expect("dir");
            let path = dir.path().join("pylon.lock");
            assert!(find(&path).is_none(), "there is no file");
            // Open, and naming a process that lives: that proves nothing.
            let file = fs::File::create_new(&path).expect("file");
            fs::write(&path, r#"{"pid":1,"version":"0.1.0","started_at":1}"#).expect("written");
            assert!(find(&path).is_none(), "nobody holds it");
            file.try_lock().expect("free");
            let holder = find(&path).expect("held");
            assert_eq!(holder.pid(), std::process::id());
            assert!(!holder.wait(Duration::ZERO), "it lives");
            file.unlock().expect("let go");
            assert!(find(&path).is_none(), "it has let go");
        }

        #[test]
        fn a_line_of_the_kernels_is_read_as_it_writes_it() {
            let line = "lock:\t1: FLOCK  ADVISORY  WRITE 32162 fe:00:10010704 0 EOF";
            assert!(is_lock_of(line, 32162) && !is_lock_of(line, 3216));
            assert!(!is_lock_of("lock:\t1: POSIX  ADVISORY  WRITE 32162 fe:00:1 0 EOF", 32162));
            assert!(!is_lock_of("lock:\t1: FLOCK  ADVISORY  READ 32162 fe:00:1 0 EOF", 32162));
            assert!(!is_lock_of("flags:\t02100001", 32162) && !is_lock_of("", 0));
        }
    }
}
