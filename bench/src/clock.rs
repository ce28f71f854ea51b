//! The host's clock: the only module of the workspace's command line that reads it.
//!
//! Host time is measured, never fed to an emulation; keeping the reads in one place is what lets
//! clippy forbid them everywhere else.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wall time since some start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[allow(clippy::disallowed_methods, reason = "measures the host, feeds no emulation")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The wall time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// CPU time of the calling thread, in ns.
///
/// # Panics
/// On a system that does not tell.
pub(crate) fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the result.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0;
    assert!(!failed, "this system has no clock of a thread's CPU time");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The day of [`unix_seconds`], as `2026-11-21`.
pub(crate) fn date(unix_seconds: u64) -> String {
    // Days since 1 March of the year 0, so that leap days end a year (Howard Hinnant's algorithm).
    let days = unix_seconds / 86_400 + 719_468;
    let era = days / 146_097;
    let day = days % 146_097;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Seconds since 1970, for the manifest; 0 on a machine whose clock is before that.
#[allow(clippy::disallowed_methods, reason = "dates a manifest, feeds no emulation")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stopwatch_never_goes_back() {
        let watch = Stopwatch::start();
        let first = watch.elapsed();
        assert!(watch.elapsed() >= first);
        assert!(unix_seconds() > 1_600_000_000);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
