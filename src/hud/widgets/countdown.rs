//! How long is left, to the second: for what runs out before somebody's eyes.

/// "2:05" or "28 s".
pub fn left(ms: u64) -> String {
    match ms.div_ceil(1000) {
        secs @ ..60 => format!("{secs} s"),
        secs @ 60..3600 => format!("{}:{:02}", secs / 60, secs % 60),
        secs => format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60),
    }
}

/// When the words become others, in milliseconds from now. Once it is over, never.
pub const fn next_in_ms(ms: u64) -> Option<u64> {
    match ms {
        0 => None,
        ms => Some((ms - 1) % 1000 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_to_the_second_and_never_as_nothing_too_soon() {
        let told: Vec<String> = [1, 1_000, 59_001, 60_001, 125_000, 3_600_001].map(left).into();
        assert_eq!(told, ["1 s", "1 s", "1:00", "1:01", "2:05", "1:00:01"]);
    }

    #[test]
    fn the_words_change_exactly_when_it_says() {
        for ms in [1, 2, 999, 1_000, 1_001, 60_000, 60_001, 3_600_000] {
            let next = next_in_ms(ms).expect("more to come");
            assert_eq!(left(ms - next + 1), left(ms), "{ms}");
            assert!(ms == next || left(ms - next) != left(ms), "{ms}");
        }
        assert_eq!(next_in_ms(0), None);
    }
}
