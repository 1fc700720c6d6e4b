//! `pylon logs`: the node's log, whether it runs or not.
//!
//! The files are looked at a few times a second rather than watched for: that works on every system and file system, and
//! the same wait notices that nobody reads any more.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use pylon_hud::logging;
use pylon_hud::node::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::args::Logs;
use crate::talk::Place;

/// Between two looks while following.
const PACE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// Read at once, forwards and backwards.
const BLOCK: usize = 64 * 1024;

/// Up to where the log has been printed.
struct Position {
    file: PathBuf,
    offset: u64,
}

/// Whether anybody still reads.
#[derive(PartialEq, Eq)]
enum Reader {
    There,
    Gone,
}

/// Prints the last lines, then, if asked, those that come, until interrupted or nobody reads.
pub fn run(place: &Place, logs: &Logs) -> Result<(), Failure> {
    let dir = &place.paths.logs;
    let failed = |error: std::io::Error| Failure::user(format!("The log in {} cannot be printed: {error}.", dir.display()));
    let files = logging::files(dir);
    if files.is_empty() && !logs.follow {
        return Err(Failure::user(format!("There is no log in {}.", dir.display())).hint("A node writes it from its first start on."));
    }
    let mut position = None;
    for (file, from) in last_lines(&files, logs.lines).map_err(failed)? {
        let (offset, reader) = print(&file, from).map_err(failed)?;
        if reader == Reader::Gone {
            return Ok(());
        }
        position = Some(Position { file, offset });
    }
    if logs.follow { follow(dir, position).map_err(failed) } else { Ok(()) }
}

/// Where to begin in which files, so that this many lines are printed.
fn last_lines(files: &[PathBuf], lines: usize) -> std::io::Result<Vec<(PathBuf, u64)>> {
    let mut left = lines;
    let mut parts = Vec::new();
    for file in files.iter().rev() {
        let (from, found) = tail(&mut File::open(file)?, left)?;
        parts.push((file.clone(), from));
        left = left.saturating_sub(found);
        if left == 0 {
            break;
        }
    }
    parts.reverse();
    Ok(parts)
}

/// Where the last lines of a file begin, and how many of the wanted ones it has. Reads it backwards: it may be large.
fn tail(file: &mut File, wanted: usize) -> std::io::Result<(u64, usize)> {
    let length = file.metadata()?.len();
    let (mut at, mut found) = (length, 0);
    if wanted == 0 {
        return Ok((length, 0));
    }
    while at > 0 {
        let size = at.min(BLOCK as u64);
        at -= size;
        file.seek(SeekFrom::Start(at))?;
        let mut block = Vec::new();
        (&*file).take(size).read_to_end(&mut block)?;
        for (index, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            let end = at + index as u64 + 1;
            // The line feed at the very end belongs to the last line.
            if end == length {
                continue;
            }
            found += 1;
            if found == wanted {
                return Ok((end, found));
            }
        }
    }
    Ok((0, found + usize::from(length > 0)))
}

/// Prints a file from an offset to its present end. Returns where that is.
fn print(file: &Path, from: u64) -> std::io::Result<(u64, Reader)> {
    let mut file = File::open(file)?;
    let mut at = file.seek(SeekFrom::Start(from))?;
    let mut out = std::io::stdout().lock();
    let mut block = vec![0; BLOCK];
    loop {
        let read = file.read(&mut block)?;
        let written = out.write_all(block.get(..read).unwrap_or_default()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok((at, Reader::Gone)),
            written => written?,
        }
        at += read as u64;
        if read == 0 {
            return Ok((at, Reader::There));
        }
    }
}

/// Prints what comes, in this file and in those that follow it when the day changes.
fn follow(dir: &Path, mut position: Option<Position>) -> std::io::Result<()> {
    while is_read() {
        for file in logging::files(dir) {
            let from = match &position {
                Some(at) if file < at.file => continue,
                Some(at) if file == at.file => at.offset,
                _ => 0,
            };
            let (offset, reader) = match print(&file, from) {
                // Old files are deleted to save space; then there is nothing to print.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                printed => printed?,
            };
            if reader == Reader::Gone {
                return Ok(());
            }
            position = Some(Position { file, offset });
        }
    }
    Ok(())
}

/// Waits a little. Returns whether somebody still reads our output.
fn is_read() -> bool {
    let out = std::io::stdout();
    let mut fds = [PollFd::new(&out, PollFlags::empty())];
    let ready = poll(&mut fds, Some(&PACE));
    !(matches!(ready, Ok(1..)) && fds.iter().any(|fd| fd.revents().intersects(PollFlags::ERR | PollFlags::HUP)))
}
