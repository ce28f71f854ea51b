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
}
