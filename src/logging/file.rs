//! The log's files: one a day, and another one when it grows, so that the oldest can go while the node runs on.
//!
//! Together they weigh at most what is kept. The one that is written to is never deleted; as it is begun anew long before it
//! weighs that much, there is always something older to delete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use time::OffsetDateTime;

use crate::clock::Clock;
use crate::domain::time::UnixMs;

/// So many files share what is kept.
const PARTS: u64 = 8;

/// The log's files in this directory, oldest first: one a day, with the date in its name, and behind it, with the time, what
/// it had no room for.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut files: Vec<PathBuf> =
        names.filter(|name| name.starts_with("pylon.") && name.ends_with(".log")).map(|name| dir.join(name)).collect();
    files.sort();
    files
}

/// Bytes the log may weigh. Copies share it, so that it can be changed while somebody writes.
#[derive(Debug, Clone)]
pub struct Kept(Arc<AtomicU64>);

impl Kept {
    pub fn megabytes(count: u64) -> Self {
        let kept = Self(Arc::default());
        kept.set_megabytes(count);
        kept
    }

    pub fn set_megabytes(&self, count: u64) {
        self.0.store(count.saturating_mul(1_000_000), Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where lines are written to.
#[derive(Debug)]
pub struct LogFile {
    dir: PathBuf,
    kept: Kept,
    clock: Clock,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    path: PathBuf,
    day: String,
    bytes: u64,
    /// What was kept when the old ones were last looked at.
    kept: u64,
}

impl LogFile {
    /// Begins to write into this directory, after what an earlier run has written today.
    pub fn begin(dir: &Path, kept: Kept, clock: Clock) -> io::Result<Self> {
        let mut file = Self { dir: dir.to_owned(), kept, clock, open: None };
        file.turn_over(&Stamp::of(file.clock.now()))?;
        Ok(file)
    }

    /// Goes on in the newest file of the day if that has room, in the next one otherwise, and deletes what is too much.
    fn turn_over(&mut self, now: &Stamp) -> io::Result<()> {
        let kept = self.kept.bytes();
        let of_today =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("pylon.{}", now.day)));
        let newest = files(&self.dir).into_iter().rfind(of_today);
        let has_room = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.len() < kept / PARTS);
        let name = match &newest {
            None => format!("pylon.{}.log", now.day),
            Some(_) => format!("pylon.{}T{}.log", now.day, now.time),
        };
        let path = newest.filter(has_room).unwrap_or_else(|| self.dir.join(name));
        let file = open(&path)?;
        let bytes = file.metadata()?.len();
        self.open = Some(Open { file, path, day: now.day.clone(), bytes, kept });
        self.prune();
        Ok(())
    }

    /// Deletes the oldest until there is room for one more part.
    fn prune(&mut self) {
        let kept = self.kept.bytes();
        let Some(open) = &mut self.open else { return };
        open.kept = kept;
        let old = files(&self.dir).into_iter().filter(|path| *path != open.path);
        let weighed: Vec<(PathBuf, u64)> = old.filter_map(|path| Some((path.clone(), fs::metadata(&path).ok()?.len()))).collect();
        let mut total: u64 = weighed.iter().map(|(_, bytes)| bytes).sum();
        for (path, bytes) in weighed {
            if total <= kept - kept / PARTS {
                return;
            }
            // One that cannot be deleted is tried again next time.
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(bytes);
            }
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (now, kept) = (Stamp::of(self.clock.now()), self.kept.bytes());
        match &self.open {
            Some(open) if open.day == now.day && open.bytes < kept / PARTS => {
                if open.kept != kept {
                    self.prune();
                }
            }
            _ => self.turn_over(&now)?,
        }
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotFound.into()) };
        let written = open.file.write(bytes)?;
        open.bytes = open.bytes.saturating_add(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open.as_mut().map_or(Ok(()), |open| open.file.flush())
    }
}

/// The day and the time, UTC, as they stand in names.
struct Stamp {
    day: String,
    time: String,
}

impl Stamp {
    fn of(now: UnixMs) -> Self {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now.0) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (hour, minute, second) = at.to_hms();
        Self { day: at.date().to_string(), time: format!("{hour:02}-{minute:02}-{second:02}") }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    /// 2023-11-14 22:13:20 UTC.
    const NOW: i64 = 1_700_000_000_000;

    struct Log {
        dir: tempfile::TempDir,
        hands: Arc<AtomicI64>,
        kept: Kept,
    }

    impl Log {
        /// One megabyte.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("directory");
            Self { dir, hands: Arc::new(AtomicI64::new(NOW)), kept: Kept::megabytes(1) }
        }

        fn begin(&self) -> LogFile {
            let hands = Arc::clone(&self.hands);
            let clock = Clock::new(move || UnixMs(hands.load(Ordering::Relaxed)));
            LogFile::begin(self.dir.path(), self.kept.clone(), clock).expect("begun")
        }

        fn pass(&self, ms: i64) {
            self.hands.fetch_add(ms, Ordering::Relaxed);
        }

        fn names(&self) -> Vec<String> {
            files(self.dir.path()).iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect()
        }

        fn bytes(&self) -> u64 {
            files(self.dir.path()).iter().map(|path| fs::metadata(path).expect("file").len()).sum()
        }

        fn text(&self) -> String {
            files(self.dir.path()).iter().map(|path| fs::read_to_string(path).expect("file")).collect()
        }
    }

    fn line(number: usize) -> String {
        format!("{number:>999}\n")
    }

    #[test]
    fn a_log_that_grows_for_months_never_weighs_more_than_is_kept() {
        let log = Log::new();
        let mut file = log.begin();
        for number in 0..5_000 {
            log.pass(700);
            file.write_all(line(number).as_bytes()).expect("written");
            assert!(log.bytes() <= 1_001_000, "{} bytes after line {number}", log.bytes());
        }
        let text = log.text();
        let numbers: Vec<usize> = text.lines().map(|line| line.trim().parse().expect("a number")).collect();
        assert!(numbers.len() > 800, "only {} lines are kept", numbers.len());
        assert!(numbers.iter().copied().eq(5_000 - numbers.len()..5_000), "they are not the last ones, in order");
    }

    #[test]
    fn a_new_day_is_a_new_file_and_a_new_run_goes_on_in_the_last_one() {
        let log = Log::new();
        log.begin().write_all(b"one\n").expect("written");
        let mut second = log.begin();
        second.write_all(b"two\n").expect("written");
        log.pass(2 * 3_600_000);
        second.write_all(b"three\n").expect("written");
        assert_eq!(log.names(), ["pylon.2023-11-14.log", "pylon.2023-11-15.log"]);
        assert_eq!(log.text(), "one\ntwo\nthree\n");
    }

    #[test]
    fn the_parts_of_a_day_stand_behind_each_other() {
        let log = Log::new();
        let mut file = log.begin();
        for number in 0..300 {
            log.pass(1_000);
            file.write_all(line(number).as_bytes()).expect("written");
        }
        assert_eq!(log.names(), ["pylon.2023-11-14.log", "pylon.2023-11-14T22-15-26.log", "pylon.2023-11-14T22-17-31.log"]);
        let text = log.text();
        assert!(text.lines().map(|line| line.trim().parse()).eq((0..300_usize).map(Ok)));
    }

    #[test]
    fn less_to_keep_counts_with_the_next_line_and_what_is_not_the_logs_stays() {
        let log = Log::new();
        log.kept.set_megabytes(8);
        let mut file = log.begin();
        fs::write(log.dir.path().join("notes.txt"), vec![0; 3_000_000]).expect("written");
        for number in 0..3_000 {
            log.pass(1_000);
            file.write_all(line(number).as_bytes()).expect("written");
        }
        assert!(log.bytes() >= 3_000_000);
        log.kept.set_megabytes(1);
        file.write_all(b"last\n").expect("written");
        assert!(log.bytes() <= 1_000_000 && log.text().ends_with("last\n"), "{} bytes", log.bytes());
        assert!(log.dir.path().join("notes.txt").exists());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let log = Log::new();
        log.begin().write_all(b"one\n").expect("written");
        let mode = |path: &PathBuf| fs::metadata(path).expect("file").permissions().mode() & 0o777;
        assert_eq!(files(log.dir.path()).iter().map(mode).collect::<Vec<_>>(), [0o600]);
    }
}
