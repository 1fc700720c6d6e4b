//! The log: to a file for later, to the terminal when asked, and to a ring for the Activity pane. One door, so that one
//! redaction holds for all of them.

mod file;

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bip39::Language;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

pub use self::file::files;
use self::file::{Kept, LogFile};
use crate::clock::Clock;
use crate::config::{LogConfig, Paths};

/// Others' loggers that say too much. The relay pool logs whole messages of strangers at error level, and what matters
/// of them is told by `relay`.
const QUIET: &str = "nostr_relay_pool=off,nostr_sdk=warn,nostr_relay_builder=warn,hyper=warn,reqwest=warn,rustls=warn,wgpu_core=warn,wgpu_hal=warn,naga=warn,bevy_render=warn";
/// Lines kept for whoever opens the Activity pane.
const RING: usize = 2000;
/// Words in a row that make a mnemonic.
const MNEMONIC: usize = 12;
const REDACTED: &str = "[redacted]";

/// Where the log goes.
#[derive(Debug, Clone)]
pub struct LogOptions {
    pub level: String,
    /// Megabytes of files kept.
    pub keep_mb: u64,
    pub dir: PathBuf,
}

impl LogOptions {
    /// As configured, in the data directory.
    pub fn new(config: &LogConfig, paths: &Paths) -> Self {
        Self { level: config.level.clone(), keep_mb: config.keep_mb, dir: paths.logs.clone() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the log cannot be written to {}: {reason}", dir.display())]
    Unwritable { dir: PathBuf, reason: String },
    #[error("the log level {0:?} is none")]
    BadLevel(String),
}

/// Begins to log. A second call in a process changes nothing: the first one's ring is returned empty-handed.
pub fn init(options: &LogOptions) -> Result<LogRing, LogError> {
    let unwritable = |reason: String| LogError::Unwritable { dir: options.dir.clone(), reason };
    make_dir(&options.dir).map_err(|error| unwritable(error.to_string()))?;
    let kept = Kept::megabytes(options.keep_mb);
    let file = LogFile::begin(&options.dir, kept.clone(), Clock::default()).map_err(|error| unwritable(error.to_string()))?;
    let (filter, level) = reload::Layer::new(filter(&options.level)?);
    let ring = LogRing::default();
    let to_file = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Redacting(Arc::new(Mutex::new(file))));
    let to_ring =
        tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_writer(Redacting(Arc::new(Mutex::new(ring.clone()))));
    // Failing means that somebody logs already.
    if tracing_subscriber::registry().with(to_file.and_then(to_ring).with_filter(filter)).try_init().is_ok() {
        let _ = KNOBS.set(Knobs { kept, level });
    }
    Ok(ring)
}

/// What of a log that is being written can be changed.
struct Knobs {
    kept: Kept,
    level: reload::Handle<EnvFilter, Registry>,
}

/// Of the one log that a process has; empty in one that does not log.
static KNOBS: OnceLock<Knobs> = OnceLock::new();

/// Logs from now on as this says, if this process logs.
pub fn adjust(config: &LogConfig) -> Result<(), LogError> {
    let Some(knobs) = KNOBS.get() else { return Ok(()) };
    knobs.kept.set_megabytes(config.keep_mb);
    // Fails for a log that is no more, and then there is nobody to tell.
    let _ = knobs.level.reload(filter(&config.level)?);
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(format!("{level},{QUIET}")).map_err(|_| LogError::BadLevel(level.to_owned()))
}

/// From now on panics are told to the log: a process without a terminal has nobody else to tell.
pub fn panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("A bug of ours: {panic}.")));
}

fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// The last lines, for the Activity pane.
#[derive(Debug, Clone, Default)]
pub struct LogRing(Arc<Mutex<Ring>>);

#[derive(Debug, Default)]
struct Ring {
    first: u64,
    lines: VecDeque<String>,
}

impl LogRing {
    /// The lines from number `since` on, and the number after the last: ask with that the next time.
    pub fn since(&self, since: u64) -> (Vec<String>, u64) {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(since.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        (ring.lines.iter().skip(skip).cloned().collect(), ring.first + ring.lines.len() as u64)
    }
}

impl Write for LogRing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.lines.push_back(String::from_utf8_lossy(bytes).trim_end().to_owned());
        if ring.lines.len() > RING {
            ring.lines.pop_front();
            ring.first += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes writers that take secrets out of each line before it goes anywhere.
struct Redacting<W>(Arc<Mutex<W>>);

impl<'a, W: Write + 'a> MakeWriter<'a> for Redacting<W> {
    type Writer = RedactingLine<W>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingLine(Arc::clone(&self.0))
    }
}

struct RedactingLine<W>(Arc<Mutex<W>>);

impl<W: Write> Write for RedactingLine<W> {
    /// The formatter hands over one whole line. One that cannot be written, as the disk is full, is let go: whoever is
    /// told would say so on standard error, which may lie on the same disk, and panic if that fails as well.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = redact(&String::from_utf8_lossy(bytes));
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

/// The text without mnemonics, secret keys and wallet connections. A safety net: no line of ours says any. Whoever takes
/// text out of this program by another way than the log (a crash report, the clipboard) passes it through here first.
pub fn redact(text: &str) -> String {
    let mut pieces: Vec<String> = text.split_inclusive(char::is_whitespace).map(redact_word).collect();
    let mut run = 0;
    for at in 0..=pieces.len() {
        let is_word = pieces.get(at).is_some_and(|piece| is_bip39(piece));
        if is_word {
            run += 1;
            continue;
        }
        if run >= MNEMONIC {
            for piece in pieces.iter_mut().take(at).skip(at - run) {
                let space: String = piece.chars().filter(|c| c.is_whitespace()).collect();
                *piece = format!("{REDACTED}{space}");
            }
        }
        run = 0;
    }
    pieces.concat()
}

fn is_bip39(piece: &str) -> bool {
    // The first of a row may stand behind `words="`, the last before a full stop.
    let word = piece.rsplit(|c: char| !c.is_ascii_alphabetic()).find(|part| !part.is_empty());
    word.is_some_and(|word| Language::English.find_word(&word.to_ascii_lowercase()).is_some())
}

fn redact_word(piece: &str) -> String {
    for mark in ["nsec1", "ncryptsec1", "nostr+walletconnect://"] {
        if let Some(at) = piece.find(mark) {
            let space: String = piece.chars().filter(|c| c.is_whitespace()).collect();
            return format!("{}{REDACTED}{space}", piece.get(..at).unwrap_or_default());
        }
    }
    piece.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_get_into_a_line() {
        let words = "leader monkey parrot ring guide accident before fence cannon height naive bean";
        for secret in [
            format!("words: {words}."),
            format!("words=\"{}\"", words.to_uppercase()),
            "key nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5 end".to_owned(),
            "uri=nostr+walletconnect://abc?secret=def&relay=x end".to_owned(),
        ] {
            let shown = redact(&secret);
            assert!(shown.contains(REDACTED), "{shown}");
            for part in ["monkey", "MONKEY", "vl029", "secret=def"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
    }

    #[test]
    fn ordinary_lines_stay_as_they_are() {
        for line in ["INFO the relay said about eleven words above, and that is fine\n", "", "  two  spaces \n", "npub1abc"] {
            assert_eq!(redact(line), line);
        }
    }

    #[test]
    fn the_real_writer_redacts() {
        let ring = LogRing::default();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(Redacting(Arc::new(Mutex::new(ring.clone()))));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::warn!(key = "nsec1qqqqqq", "Something with a key.");
        });
        let (lines, next) = ring.since(0);
        assert!(lines.len() == 1 && lines[0].contains("Something with a key.") && !lines[0].contains("qqqqqq"), "{lines:?}");
        assert_eq!((ring.since(next).0.len(), next), (0, 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_under_the_log_troubles_nobody() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a disk that is always full");
        let mut line = Redacting(Arc::new(Mutex::new(full))).make_writer();
        line.write_all(b"a line\n").and_then(|()| line.flush()).expect("let go");
    }

    #[test]
    fn the_ring_keeps_the_last_lines_and_their_numbers() {
        let mut ring = LogRing::default();
        (0..RING + 5).for_each(|number| drop(ring.write(format!("{number}\n").as_bytes())));
        let (lines, next) = ring.since(0);
        assert_eq!((lines.len(), lines[0].as_str(), next), (RING, "5", RING as u64 + 5));
        assert_eq!(ring.since(next - 1).0, [format!("{}", RING + 4)]);
    }
}
