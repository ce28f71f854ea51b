//! Time since the genesis, as one process sees it: never back, not even after a restart.

#![allow(clippy::disallowed_methods)] // The host's clock is what a real node goes by.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anthill_protocol::Time;

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// A number that differs from start to start of a process.
pub(crate) fn start_nonce() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_nanos() as u64);
    anthill_protocol::draw::mix(since, u64::from(std::process::id()))
}

/// The clock of a process.
pub(crate) struct Clock {
    started: Instant,
    /// Since the genesis when the process started, in ns.
    at_start: u64,
    last: Mutex<Time>,
}

impl Clock {
    /// A clock that counts from an instant, in ms since 1970.
    pub(crate) fn since(genesis_ms: u64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let at_start = since.saturating_sub(u128::from(genesis_ms) * 1_000_000);
        let at_start = u64::try_from(at_start).unwrap_or(u64::MAX);
        Self { started: Instant::now(), at_start, last: Mutex::new(Time::ZERO) }
    }

    /// Now: not before what it said last.
    pub(crate) fn now(&self) -> Time {
        let passed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(Time(self.at_start.saturating_add(passed)));
        *last
    }

    /// From now on it shows this at least.
    pub(crate) fn at_least(&self, time: Time) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (*last).max(time);
    }
}
