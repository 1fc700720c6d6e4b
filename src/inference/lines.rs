//! Bytes as they arrive from a socket, cut into lines.
//!
//! Pure: a chunk may end in the middle of a line, of a `\r\n` or of a character, and several lines may share one chunk;
//! the lines that come out are the same whatever the cuts were.

/// The longest line taken, in bytes. A server that sends more has lost its way, and we would lose our memory.
pub(super) const MAX_LINE: usize = 1024 * 1024;

/// Why a line cannot be read. Nothing after it can either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("a line that is not UTF-8")]
    NotUtf8,
    #[error("a line of more than {MAX_LINE} bytes")]
    TooLong,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Reading,
    /// No more bytes will come: what is left is the last line.
    Finished,
    Broken,
}

/// Splits at `\n`, dropping a `\r` before it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Everything before this has been searched for a line's end.
    searched: usize,
    phase: Phase,
}

impl Lines {
    /// Adds bytes behind those already here.
    pub(super) fn push(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        if self.phase == Phase::Reading {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// Says that no more bytes will come, so that a last line without `\n` counts.
    pub(super) fn finish(&mut self) {
        if self.phase == Phase::Reading {
            self.phase = Phase::Finished;
        }
    }

    /// The next whole line, without its end; `None` until more bytes come.
    pub(super) fn take(&mut self) -> Option<Result<String, LineError>> {
        if self.phase == Phase::Broken {
            return None;
        }
        let found = self.buffer.get(self.searched..)?.iter().position(|byte| *byte == b'\n').map(|at| self.searched + at);
        let (end, next) = match (found, self.phase) {
            (Some(end), _) => (end, end + 1),
            (None, Phase::Finished) if self.start < self.buffer.len() => (self.buffer.len(), self.buffer.len()),
            (None, _) if self.buffer.len() - self.start > MAX_LINE => return Some(Err(self.give_up(LineError::TooLong))),
            (None, _) => {
                self.searched = self.buffer.len();
                return None;
            }
        };
        if end - self.start > MAX_LINE {
            return Some(Err(self.give_up(LineError::TooLong)));
        }
        let line = self.buffer.get(self.start..end)?;
        let Ok(text) = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)) else {
            return Some(Err(self.give_up(LineError::NotUtf8)));
        };
        let text = text.to_owned();
        (self.start, self.searched) = (next, next);
        Some(Ok(text))
    }

    fn give_up(&mut self, why: LineError) -> LineError {
        *self = Self { phase: Phase::Broken, ..Self::default() };
        why
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(lines: &mut Lines, out: &mut Vec<Result<String, LineError>>) {
        while let Some(line) = lines.take() {
            out.push(line);
        }
    }

    /// Every line of these chunks, up to and with the first error.
    pub(in crate::inference) fn lines_of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<String, LineError>> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for chunk in chunks {
            lines.push(chunk);
            drain(&mut lines, &mut out);
        }
        lines.finish();
        drain(&mut lines, &mut out);
        out
    }

    /// `bytes` cut after each of `lengths`, with the rest as the last chunk.
    pub(in crate::inference) fn cut<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
        let mut rest = bytes;
        let mut chunks = Vec::new();
        for length in lengths {
            let (chunk, behind) = rest.split_at((*length).min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        chunks.push(rest);
        chunks
    }

    /// Bytes with many line ends, some text and some that are not UTF-8.
    pub(in crate::inference) fn noise() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![3 => Just(b'\n'), 1 => Just(b'\r'), 2 => Just(b':'), 6 => 0x20..0x7fu8, 1 => any::<u8>()];
        let piece = prop_oneof![8 => byte.prop_map(|byte| vec![byte]), 2 => Just("é₿".as_bytes().to_vec()), 2 => Just(b"data: ".to_vec())];
        prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
    }

    fn texts(chunks: &[&[u8]]) -> Vec<String> {
        lines_of(chunks.iter().copied()).into_iter().map(|line| line.expect("a line")).collect()
    }

    #[test]
    fn lines_split_across_chunks_and_sharing_one_come_out_whole() {
        assert_eq!(texts(&[b"{\"a\":", b"1}\n{\"b\"", b":2}\r", b"\n\n{\"c\":3}"]), ["{\"a\":1}", "{\"b\":2}", "", "{\"c\":3}"]);
    }

    #[test]
    fn a_last_line_without_an_end_counts_once() {
        assert_eq!(texts(&[b"one\ntwo"]), ["one", "two"]);
        assert_eq!(texts(&[b"one\n"]), ["one"]);
        assert!(texts(&[b""]).is_empty());
    }

    #[test]
    fn a_character_cut_in_two_is_put_together() {
        let text = "₿\n".as_bytes();
        assert_eq!(texts(&[&text[..1], &text[1..2], &text[2..]]), ["₿"]);
    }

    #[test]
    fn bytes_that_are_not_text_end_the_reading() {
        assert_eq!(lines_of([b"ok\n\xff\nnever\n".as_slice()]), [Ok("ok".to_owned()), Err(LineError::NotUtf8)]);
    }

    #[test]
    fn an_overlong_line_is_refused_before_it_ends_and_after() {
        let long = vec![b'x'; MAX_LINE + 1];
        assert_eq!(lines_of([long.as_slice()]), [Err(LineError::TooLong)]);
        assert_eq!(lines_of([long.as_slice(), b"\n"]), [Err(LineError::TooLong)]);
        assert_eq!(lines_of([[long.as_slice(), b"\n"].concat().as_slice()]), [Err(LineError::TooLong)]);
        assert_eq!(lines_of([&long[1..], b"\n"]).len(), 1);
        assert!(lines_of([&long[1..], b"\n"])[0].is_ok());
    }

    proptest! {
        #[test]
        fn the_cuts_between_chunks_change_nothing(bytes in noise(), lengths in prop::collection::vec(0..9usize, 0..60)) {
            let whole = lines_of([bytes.as_slice()]);
            prop_assert_eq!(&lines_of(cut(&bytes, &lengths)), &whole);
            prop_assert_eq!(&lines_of(bytes.chunks(1)), &whole);
        }

        #[test]
        fn random_bytes_never_panic(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let lines = lines_of(chunks.iter().map(Vec::as_slice));
            prop_assert!(lines.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
