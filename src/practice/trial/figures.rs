//! How fast a trial was, and what its members held in memory.

use serde::Serialize;

use crate::store::PurchaseTimes;

/// Where the middle lies, and where the slow ones begin. Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    pub p50: u64,
    pub p95: u64,
}

/// What a process holds in memory, in KiB: early in the trial and at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    pub early: u64,
    pub late: u64,
}

/// The figures of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Delivered jobs a minute, over the time from the first request to the last answer.
    pub jobs_per_minute: u64,
    /// From the request's signature to the wallet's word that it is paid.
    pub to_paid_ms: Spread,
    /// From the request's signature to the answer on the buyer's disk.
    pub to_result_ms: Spread,
    /// Of the member that grew most; `None`: the members were killed now and then, or the system does not tell.
    pub seller_kib: Option<Memory>,
    pub buyer_kib: Option<Memory>,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| values.get(values.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p95: at(95) }
    }
}

impl Memory {
    /// The one that grew more.
    pub fn worse(self, other: Self) -> Self {
        let growth = |memory: &Self| memory.late.saturating_sub(memory.early);
        if growth(&other) > growth(&self) { other } else { self }
    }
}

/// What these requests say.
pub fn of(times: &[PurchaseTimes]) -> Figures {
    let first = times.iter().map(|time| time.made).min().unwrap_or_default();
    let last = times.iter().map(|time| time.answered).max().unwrap_or_default();
    let count = u64::try_from(times.len()).unwrap_or_default();
    Figures {
        jobs_per_minute: (count * 60_000).checked_div(last.since(first)).unwrap_or_default(),
        to_paid_ms: Spread::of(times.iter().map(|time| time.paid.since(time.made)).collect()),
        to_result_ms: Spread::of(times.iter().map(|time| time.answered.since(time.made)).collect()),
        ..Figures::default()
    }
}

/// Resident memory of a process, in KiB; `None`: it is gone, or the system does not tell.
pub fn resident_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UnixMs;

    #[test]
    fn figures_are_those_of_the_requests() {
        let time = |made: i64| PurchaseTimes { made: UnixMs(made), paid: UnixMs(made + 4), answered: UnixMs(made + 10) };
        let times: Vec<_> = (0..100).map(|number| time(number * 10)).collect();
        let figures = of(&times);
        assert_eq!((figures.jobs_per_minute, figures.to_paid_ms, figures.to_result_ms.p95), (6_000, Spread { p50: 4, p95: 4 }, 10));
        assert_eq!(of(&[]), Figures::default());
    }
}
