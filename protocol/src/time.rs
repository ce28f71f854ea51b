//! Virtual time in integer nanoseconds.
//!
//! [`Time`] is an instant since the start of the run, [`Span`] a length of time. 64 bits hold 584
//! years; additions saturate, so a timer "never" is `Span::MAX` and cannot wrap into the past.

use core::fmt;
use core::ops::{Add, Mul, Sub};

/// An instant of virtual time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Time(pub u64);

/// A length of virtual time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Span(pub u64);

impl Time {
    /// The start of every run.
    pub const ZERO: Self = Self(0);
    /// The last representable instant, 584 years in.
    pub const MAX: Self = Self(u64::MAX);

    /// The time passed since `earlier`; zero if `earlier` is later.
    #[inline]
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the start, for printing only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of whole nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of whole microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// The span in seconds, for printing only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Span> for Time {
    type Output = Self;
    #[inline]
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for Span {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Self;
    #[inline]
    fn mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// Prints in the largest unit that keeps three to six significant figures: `1.5ms`, `30d`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 7] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "min"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        let (unit, name) =
            UNITS.iter().find(|(unit, _)| self.0 >= *unit).copied().unwrap_or((1, "ns"));
        if self.0.is_multiple_of(unit) {
            write!(f, "{}{name}", self.0 / unit)
        } else {
            let text = format!("{:.3}", self.0 as f64 / unit as f64);
            write!(f, "{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_saturate_instead_of_wrapping() {
        assert_eq!(Time::MAX + Span(1), Time::MAX);
        assert_eq!(Span::from_secs(u64::MAX), Span::MAX);
        assert_eq!(Time(3).since(Time(5)), Span::ZERO);
    }

    #[test]
    fn spans_print_in_their_natural_unit() {
        let shown: Vec<String> = [0, 999, 1_500, 2_000_000, 90_000_000_000, 2_592_000_000_000_000]
            .map(|n| Span(n).to_string())
            .to_vec();
        assert_eq!(shown, ["0ns", "999ns", "1.5us", "2ms", "1.5min", "30d"]);
    }
}
