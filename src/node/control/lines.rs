//! Lines as they come in, in one place in memory. A line may hold a PIN or a passphrase, so each is overwritten once it has
//! been understood, and none is copied.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::{Zeroize as _, Zeroizing};

/// Read at once.
const PIECE: usize = 8 * 1024;

/// The lines of a connection, one after the other.
pub struct Lines<R> {
    reader: R,
    /// As large as it can become: growing would leave copies behind.
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
    /// The line that was given out last.
    line: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R, longest: usize) -> Self {
        Self { reader, bytes: Zeroizing::new(vec![0; longest]), filled: 0, line: 0 }
    }

    /// The next line with its end, or the last one without. One that is longer than the longest comes in pieces. The line
    /// before it is gone. `None`: there are no more.
    pub async fn next(&mut self) -> Option<&[u8]> {
        self.wipe();
        let mut searched = 0;
        self.line = loop {
            let fresh = self.bytes.get(searched..self.filled)?;
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                break searched + at + 1;
            }
            searched = self.filled;
            let end = self.bytes.len().min(self.filled + PIECE);
            let room = self.bytes.get_mut(self.filled..end)?;
            if room.is_empty() {
                break self.filled;
            }
            match self.reader.read(room).await {
                Ok(0) if self.filled > 0 => break self.filled,
                Ok(0) | Err(_) => return None,
                Ok(read) => self.filled += read,
            }
        };
        self.bytes.get(..self.line)
    }

    /// Overwrites the line that was given out with what came after it, and the rest with nothing.
    fn wipe(&mut self) {
        self.bytes.copy_within(self.line..self.filled, 0);
        let left = self.filled - self.line;
        if let Some(gone) = self.bytes.get_mut(left..self.filled) {
            gone.zeroize();
        }
        (self.filled, self.line) = (left, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn all<R: AsyncRead + Unpin>(mut lines: Lines<R>) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while let Some(line) = lines.next().await {
            found.push(line.to_vec());
        }
        found
    }

    #[tokio::test]
    async fn lines_come_whole_and_what_is_too_long_comes_in_pieces() {
        assert_eq!(all(Lines::new(&b"one\n\ntwo"[..], 8)).await, [&b"one\n"[..], b"\n", b"two"]);
        assert_eq!(all(Lines::new(&b"0123456789"[..], 8)).await, [&b"01234567"[..], b"89"]);
        assert_eq!(all(Lines::new(&b""[..], 8)).await, Vec::<Vec<u8>>::new());
    }

    #[tokio::test]
    async fn of_a_line_that_was_understood_nothing_is_left() {
        let mut lines = Lines::new(&b"{\"pin\":\"271828\"}\n{}\n{}\n"[..], 64);
        while lines.next().await.is_some_and(|line| line != b"{}\n") {}
        assert!(!lines.bytes.windows(6).any(|part| part == b"271828"));
        assert_eq!(lines.next().await, Some(&b"{}\n"[..]));
    }

    proptest! {
        /// Whatever comes in whatever pieces: it is all given out, in order, and cut after line ends alone.
        #[test]
        fn nothing_is_lost_between_lines(text in "[ab\n]{0,40}", piece in 1..5usize) {
            let expected: Vec<Vec<u8>> = text.split_inclusive('\n').map(|line| line.as_bytes().to_vec()).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let found = runtime.block_on(async {
                let (mut writer, reader) = tokio::io::duplex(piece);
                let writing = async move { writer.write_all(text.as_bytes()).await.expect("written") };
                tokio::join!(writing, all(Lines::new(reader, 64))).1
            });
            prop_assert_eq!(found, expected);
        }
    }
}
