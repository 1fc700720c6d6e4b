//! Lines out of a stream, each of a length that is bounded.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};
use zeroize::Zeroizing;

/// The longest line. A page of payments has some hundred kilobytes.
pub const MOST_BYTES: usize = 4 << 20;
/// Room that a line with secrets in it does not outgrow: growing would leave copies behind.
const ROOM: usize = 16 << 10;

/// The next line, without its end; `None`: there are no more.
pub async fn next(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(ROOM));
    loop {
        let part = reader.fill_buf().await?;
        if part.is_empty() {
            // What was never finished is no line.
            return Ok(None);
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
        if line.len() + taken.len() > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
        }
        line.extend_from_slice(taken);
        let count = taken.len() + usize::from(end.is_some());
        reader.consume(count);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

    use super::*;

    #[tokio::test]
    async fn lines_are_what_stands_between_their_ends_and_a_torn_one_is_none() {
        let mut reader = tokio::io::BufReader::with_capacity(3, &b"one\n\ntwo two\ntorn"[..]);
        let mut found = Vec::new();
        while let Some(line) = next(&mut reader).await.unwrap() {
            found.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert_eq!(found, ["one", "", "two two"]);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
        let mut reader = tokio::io::BufReader::new(tokio::io::repeat(b'x'));
        assert!(next(&mut reader).await.is_err());
    }
}
