//! How long ago, in steps. A clock that ticks would draw a frame a second for nobody; a step says as much and needs one
//! frame when it ends.

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Where each step begins. After the last: whole hours, then whole days.
const STEPS: [u64; 9] = [0, 10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE];

/// A length of time as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// Where the step it is in begins, in milliseconds.
    from: u64,
    /// When it becomes another, in milliseconds from now.
    pub next_in_ms: u64,
}

impl Age {
    /// Of something that began so long ago.
    pub fn of(ms: u64) -> Self {
        let (from, until) = match ms {
            0..HOUR => {
                let at = STEPS.partition_point(|step| *step <= ms).saturating_sub(1);
                let until = STEPS.get(at + 1).copied().unwrap_or(HOUR);
                (STEPS.get(at).copied().unwrap_or_default(), until)
            }
            HOUR..DAY => (ms / HOUR * HOUR, (ms / HOUR + 1) * HOUR),
            _ => (ms / DAY * DAY, (ms / DAY).saturating_add(1).saturating_mul(DAY)),
        };
        Self { from, next_in_ms: until.saturating_sub(ms) }
    }

    /// "5 m": so long has it been going on.
    pub fn length(self) -> String {
        match self.from {
            0 => "under 10 s".to_owned(),
            from @ ..MINUTE => format!("{} s", from / SECOND),
            from @ MINUTE..HOUR => format!("{} m", from / MINUTE),
            from @ HOUR..DAY => format!("{} h", from / HOUR),
            from => format!("{} d", from / DAY),
        }
    }

    /// "5 m ago".
    pub fn ago(self) -> String {
        if self.from == 0 { "just now".to_owned() } else { format!("{} ago", self.length()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_goes_up_in_steps_that_get_longer() {
        let shown = |ms: u64| Age::of(ms).ago();
        assert_eq!(shown(0), "just now");
        assert_eq!(shown(29 * SECOND), "10 s ago");
        assert_eq!(shown(14 * MINUTE), "10 m ago");
        assert_eq!(shown(59 * MINUTE), "30 m ago");
        assert_eq!(shown(5 * HOUR + 1), "5 h ago");
        assert_eq!(shown(3 * DAY + HOUR), "3 d ago");
    }

    #[test]
    fn the_next_step_is_exactly_where_the_words_change() {
        for ms in [0, 9_999, 10_000, 59_999, 60_000, 29 * MINUTE, 30 * MINUTE, HOUR - 1, HOUR, 23 * HOUR, DAY, 9 * DAY + 1] {
            let age = Age::of(ms);
            assert!(age.next_in_ms > 0, "{ms}");
            assert_eq!(Age::of(ms + age.next_in_ms - 1).ago(), age.ago(), "{ms}");
            assert_ne!(Age::of(ms + age.next_in_ms).ago(), age.ago(), "{ms}");
        }
    }
}
