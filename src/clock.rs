//! The one place anybody asks what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::domain::spend_lock::Moment;
use crate::domain::time::UnixMs;

/// What time it is, and how long the machine has been up; replaceable in tests.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> UnixMs + Send + Sync>,
    up: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Clock {
    /// A clock that answers what `now` says, on a machine that is up since 1970.
    pub fn new(now: impl Fn() -> UnixMs + Send + Sync + 'static) -> Self {
        let now = Arc::new(now);
        let same = Arc::clone(&now);
        Self { now, up: Arc::new(move || same().since(UnixMs(0))) }
    }

    /// The same on a machine that is up for so many milliseconds.
    pub fn on_machine(self, up: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { up: Arc::new(up), ..self }
    }

    /// The time now.
    pub fn now(&self) -> UnixMs {
        (self.now)()
    }

    /// The time now, and how long the machine has been up, which nobody can set.
    pub fn moment(&self) -> Moment {
        Moment { wall: self.now(), up: (self.up)() }
    }
}

impl Default for Clock {
    /// The system's clock; a clock set before 1970 reads 0.
    fn default() -> Self {
        let now = || {
            let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            UnixMs(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX))
        };
        Self::new(now).on_machine(up)
    }
}

/// The same for every process of this machine, with the time it slept.
fn up() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    let since = clock_gettime(clock);
    u64::try_from(since.tv_sec.saturating_mul(1_000).saturating_add(since.tv_nsec / 1_000_000)).unwrap_or_default()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({:?})", self.now())
    }
}
