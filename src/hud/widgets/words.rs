//! Figures and names as they are written.

use time::OffsetDateTime;

use crate::domain::money::Sats;
use crate::domain::time::UnixMs;

/// What stands for "not known" and "none".
pub const NONE: &str = "–";

/// Thousands apart.
pub fn count(number: u64) -> String {
    // The same digits as an amount has, without its unit.
    Sats(number).to_string()
}

/// A time of day, UTC.
pub fn clock(at: UnixMs) -> String {
    moment(at).map_or_else(|| NONE.to_owned(), |at| format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second()))
}

/// A day and a time, UTC.
pub fn date(at: UnixMs) -> String {
    moment(at).map_or_else(|| NONE.to_owned(), |day| format!("{} {}", day.date(), clock(at)))
}

fn moment(at: UnixMs) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok()
}

/// A duration of machine work.
pub fn millis(ms: u64) -> String {
    if ms < 10_000 { format!("{} ms", count(ms)) } else { format!("{}.{} s", count(ms / 1000), ms % 1000 / 100) }
}

/// A long name by its ends.
pub fn ends(name: &str) -> String {
    const HEAD: usize = 10;
    const TAIL: usize = 6;
    let letters: Vec<char> = name.chars().collect();
    match (letters.get(..HEAD), letters.len().checked_sub(TAIL).filter(|at| *at > HEAD).and_then(|at| letters.get(at..))) {
        (Some(head), Some(tail)) => head.iter().chain(['…'].iter()).chain(tail).collect(),
        _ => name.to_owned(),
    }
}

/// The beginning of a text that may be very long, as one line of at most so many characters.
pub fn beginning(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|letter| if letter.is_whitespace() || letter.is_control() { ' ' } else { letter });
    let mut short: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

/// The end of a text as one line, likewise.
pub fn end(text: &str, most: usize) -> String {
    let start = text.char_indices().rev().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
    let tail = text.get(start..).unwrap_or_default();
    let tail: String = tail.chars().map(|letter| if letter.is_whitespace() || letter.is_control() { ' ' } else { letter }).collect();
    if start > 0 { format!("…{tail}") } else { tail }
}

/// `count` of something, in the plural where it is one.
pub fn many(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc() {
        let at = UnixMs(1_700_000_000_000);
        assert_eq!((clock(at), date(at)), ("22:13:20".into(), "2023-11-14 22:13:20".into()));
        assert_eq!(clock(UnixMs(i64::MAX)), NONE);
    }

    #[test]
    fn durations_and_counts_are_grouped() {
        assert_eq!((millis(7), millis(1_913), millis(30_000)), ("7 ms".into(), "1\u{2009}913 ms".into(), "30.0 s".into()));
        assert_eq!((many(1, "job", "jobs"), many(2, "job", "jobs")), ("1 job".into(), "2 jobs".into()));
    }

    #[test]
    fn long_texts_are_cut_at_whole_characters() {
        assert_eq!(ends("npub1zutzeysacnf9rru6zqwmxd54mud0k44tst6l70ja5mhv8jjumytsd2x7nu"), "npub1zutze…d2x7nu");
        assert_eq!(ends("short"), "short");
        assert_eq!(beginning("ä\nöü", 3), "ä ö…");
        assert_eq!(end("aäöü", 2), "…öü");
        assert_eq!(end("aä", 9), "aä");
    }
}
