//! Where a passphrase or a PIN comes from: a file descriptor, a systemd credential, or whoever sits at the terminal. Never
//! the command line or the environment, which others can read.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal as _, Read, Write as _};

use pylon_hud::node::Failure;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::args::Unlock;
use crate::talk::Place;

/// A passphrase is at most this long; more is somebody's file.
const MAX: u64 = 4096;

/// How the terminal is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// For one that exists: a mistake is noticed.
    Once,
    /// For a new one: a mistake would lock its owner out.
    Twice,
}

/// The passphrase a start will need. `None`: none is needed, or nobody can be asked, and the node will say so.
pub fn to_start(place: &Place, unlock: &Unlock) -> Result<Option<SecretString>, Failure> {
    if place.paths.identity_age.exists() { find(place, unlock, Asking::Once) } else { Ok(None) }
}

/// The passphrase from where there is one.
pub fn find(place: &Place, unlock: &Unlock, asking: Asking) -> Result<Option<SecretString>, Failure> {
    if let Some(number) = unlock.passphrase_fd {
        return of_descriptor(number).map(Some);
    }
    if let Some(path) = place.environment.credential("pylon-passphrase") {
        let read = File::open(&path).and_then(|mut file| line(&mut file));
        return usable(&format!("The credential {}", path.display()), read).map(Some);
    }
    if std::io::stdin().is_terminal() { ask(asking).map(Some) } else { Ok(None) }
}

fn of_descriptor(number: u32) -> Result<SecretString, Failure> {
    let mut lines = lines_of_descriptor(number)?;
    let first = if lines.is_empty() { SecretString::default() } else { lines.swap_remove(0) };
    usable(&format!("File descriptor {number}"), Ok(first))
}

/// A secret from standard input, as much as is read of it.
pub fn of_input(
    what: &str,
    read: impl FnOnce(&mut std::io::Take<std::io::StdinLock<'_>>, &mut String) -> std::io::Result<usize>,
) -> Result<SecretString, Failure> {
    // As large as it can become: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX as usize + 1));
    let read = read(&mut std::io::stdin().lock().take(MAX), &mut text);
    read.map_err(|error| Failure::user(format!("{what} could not be read from standard input: {error}.")))?;
    Ok(SecretString::from(text.as_str()))
}

/// The lines of an open file, without their ends.
pub fn lines_of_descriptor(number: u32) -> Result<Vec<SecretString>, Failure> {
    let read = match number {
        0 => lines(&mut std::io::stdin().lock()),
        _ => File::open(format!("/dev/fd/{number}")).and_then(|mut file| lines(&mut file)),
    };
    read.map_err(|error| Failure::user(format!("File descriptor {number} cannot be read: {error}.")))
}

/// The first line, without its end.
fn line(source: &mut impl Read) -> std::io::Result<SecretString> {
    Ok(lines(source)?.into_iter().next().unwrap_or_default())
}

fn lines(source: &mut impl Read) -> std::io::Result<Vec<SecretString>> {
    // As large as it can become: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX as usize + 1));
    source.take(MAX).read_to_end(&mut bytes)?;
    let text = |line| std::str::from_utf8(line).map_err(|_| std::io::Error::other("it is no text"));
    bytes.split(|byte| *byte == b'\n').map(|line| text(line).map(SecretString::from)).collect()
}

fn usable(what: &str, read: std::io::Result<SecretString>) -> Result<SecretString, Failure> {
    let passphrase = read.map_err(|error| Failure::user(format!("{what} gives no passphrase: {error}.")))?;
    if passphrase.expose_secret().is_empty() {
        return Err(Failure::user(format!("{what} gives no passphrase: its first line is empty.")));
    }
    Ok(passphrase)
}

fn ask(asking: Asking) -> Result<SecretString, Failure> {
    usable("The terminal", Ok(ask_for("Passphrase: ", asking)?))
}

/// Asks at the terminal, unseen.
pub fn ask_for(prompt: &str, asking: Asking) -> Result<SecretString, Failure> {
    let failed = |error: std::io::Error| Failure::user(format!("The terminal cannot be asked: {error}."));
    let mut terminal = Hidden::open().map_err(failed)?;
    let typed = terminal.line(prompt).map_err(failed)?;
    if asking == Asking::Twice && terminal.line("Once more: ").map_err(failed)?.expose_secret() != typed.expose_secret() {
        return Err(Failure::user("The two are different; nothing was changed."));
    }
    Ok(typed)
}

/// A terminal that does not show what is typed, until it is dropped.
struct Hidden {
    tty: File,
    before: Termios,
}

impl Hidden {
    /// Hides before anything is asked: what is pasted or typed ahead would be shown otherwise.
    fn open() -> std::io::Result<Self> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&tty)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // Flushing drops what was typed before anybody asked: it has been shown already.
        tcsetattr(&tty, OptionalActions::Flush, &hidden)?;
        Ok(Self { tty, before })
    }

    fn line(&mut self, prompt: &str) -> std::io::Result<SecretString> {
        self.tty.write_all(prompt.as_bytes())?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX as usize));
        let mut byte = Zeroizing::new([0]);
        while bytes.len() < bytes.capacity() && self.tty.read(byte.as_mut_slice())? == 1 && *byte != [b'\n'] {
            bytes.extend_from_slice(byte.as_slice());
        }
        self.tty.write_all(b"\n")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| std::io::Error::other("it is no text"))?;
        Ok(SecretString::from(text))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
    }
}
