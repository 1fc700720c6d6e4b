//! The date a server puts on what it sends.

use time::{Date, Month};

use crate::domain::time::UnixMs;

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form servers write (RFC 9110).
pub fn parse(text: &str) -> Option<UnixMs> {
    let mut words = text.split_ascii_whitespace().skip(1);
    let day = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let date = Date::from_calendar_date(words.next()?.parse().ok()?, month, day).ok()?;
    let mut parts = words.next()?.split(':').map(|part| part.parse::<u8>().ok());
    let mut part = || parts.next().flatten();
    let at = date.with_hms(part()?, part()?, part()?).ok()?.assume_utc();
    (words.next() == Some("GMT")).then(|| UnixMs(at.unix_timestamp().saturating_mul(1_000)))
}

fn month(name: &str) -> Option<Month> {
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let at = names.iter().position(|known| *known == name)?;
    Month::try_from(u8::try_from(at + 1).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_date_is_read_and_nothing_else_is() {
        assert_eq!(parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixMs(784_111_777_000)));
        for text in
            ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
