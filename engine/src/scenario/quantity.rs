//! Quantities as people write them: `1.5M`, `250us`, `50Mbit`.
//!
//! All arithmetic is on integers, so a value means the same on every machine and `0.1s` is exactly
//! 100,000,000 ns. A duration needs its unit: a bare `60` could be seconds or milliseconds, and a
//! wrong guess would run for a thousand times too long.

use anthill_protocol::Span;
use thiserror::Error;
use toml::de::DeValue;

use super::document::{Data, Place, convert};

/// Suffixes of counts.
const MULTIPLES: &[(&str, u64)] =
    &[("", 1), ("k", 1_000), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];

/// Units of durations in ns, largest first (a year has 365 days).
const TIME_UNITS: &[(&str, u64)] = &[
    ("y", 31_536_000_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000), // micro sign
    ("μs", 1_000), // Greek mu, which looks the same
    ("ns", 1),
];

/// Units of rates in bits per second; a trailing `/s` is allowed.
const RATE_UNITS: &[(&str, u64)] =
    &[("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000)];

/// Units of sizes in bytes.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The units of durations, for error messages.
pub const TIME_UNIT_NAMES: &str = "ns, us, ms, s, min, h, d, y";

/// A quantity that cannot be read; says what would be right, the caller says where it stands.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum QuantityError {
    /// Nothing that starts like a number.
    #[error("is not a number: write {0}")]
    NotANumber(&'static str),
    /// A minus sign.
    #[error("is negative: write 0 or more")]
    Negative,
    /// Infinite, or not a number.
    #[error("is not finite: write a number")]
    NotFinite,
    /// A fraction of something indivisible.
    #[error("is not a whole number")]
    NotWhole,
    /// A duration that would be rounded to nothing.
    #[error("is less than 1ns, the finest unit of virtual time: write at least 1ns, or 0")]
    TooFine,
    /// Beyond 64 bits.
    #[error("is too large: the most is {0}")]
    TooLarge(&'static str),
    /// A number where a unit is needed.
    #[error("has no unit: write one of {0}, such as \"{1}\"")]
    NoUnit(&'static str, String),
    /// An unknown suffix.
    #[error("has the unknown unit `{unit}`: use {known}")]
    UnknownUnit {
        /// What was written.
        unit: String,
        /// What exists.
        known: &'static str,
    },
}

const COUNT_SHAPE: &str = "a count such as 1000, 10k, 1.5M or 2G";
const COUNT_UNITS: &str = "k (thousand), M (million) or G (billion)";
const COUNT_MOST: &str = "18446744073709551615";
const SPAN_SHAPE: &str = "a duration such as \"250ms\", \"60s\" or \"30d\"";
const SPAN_MOST: &str = "584 years";
const RATE_SHAPE: &str = "a rate such as \"50Mbit\"";
const SIZE_SHAPE: &str = "bytes such as 65536, 256kB or 1MiB";
pub(super) const RATE_UNIT_NAMES: &str = "bit, kbit, Mbit, Gbit (per second)";

/// Reads a count: `1_000_000`, `10k`, `1.5M`, `2G`, and every number that a scenario file takes for
/// one, such as `1e5`.
///
/// # Errors
/// If it is not a whole number of at most 64 bits.
///
/// ```
/// use anthill_engine::scenario::parse_count;
/// assert_eq!(parse_count("1.5M").unwrap(), 1_500_000);
/// assert_eq!(parse_count("1e5").unwrap(), 100_000);
/// ```
pub fn parse_count(text: &str) -> Result<u64, QuantityError> {
    if let Some(number) = toml_number(text) {
        return count_from(&number);
    }
    let (number, unit) = Decimal::split(text, COUNT_SHAPE)?;
    let multiple = unit_of(unit, MULTIPLES, COUNT_UNITS)?;
    number.times(multiple, Rounding::Exact, COUNT_MOST)
}

/// Reads a duration: `250ms`, `1.5s`, `30d`, and `0` without a unit. Fractions of a nanosecond are
/// rounded.
///
/// # Errors
/// If the unit is missing or unknown, or the value negative or beyond 584 years.
///
/// ```
/// use anthill_engine::scenario::parse_span;
/// assert_eq!(parse_span("1.5ms").unwrap().0, 1_500_000);
/// assert!(parse_span("60").unwrap_err().to_string().contains("\"60s\""));
/// ```
pub fn parse_span(text: &str) -> Result<Span, QuantityError> {
    let (number, unit) = Decimal::split(text, SPAN_SHAPE)?;
    if unit.is_empty() {
        if number.digits == 0 {
            return Ok(Span::ZERO);
        }
        return Err(QuantityError::NoUnit(TIME_UNIT_NAMES, format!("{}s", text.trim())));
    }
    let known = "ns, us, ms, s, min (minutes), h, d or y";
    number.times(unit_of(unit, TIME_UNITS, known)?, Rounding::Nearest, SPAN_MOST).map(Span)
}

/// Reads a rate in bits per second: `50Mbit`, `1.5Gbit/s`.
///
/// # Errors
/// If the unit is missing or unknown, or the value negative, too large or a fraction of a bit.
pub fn parse_rate(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = Decimal::split(text, RATE_SHAPE)?;
    let unit = unit.strip_suffix("/s").unwrap_or(unit);
    if unit.is_empty() {
        if number.digits == 0 {
            return Ok(0);
        }
        return Err(QuantityError::NoUnit(RATE_UNIT_NAMES, format!("{}Mbit", text.trim())));
    }
    let factor = unit_of(unit, RATE_UNITS, RATE_UNIT_NAMES)?;
    number.times(factor, Rounding::Exact, COUNT_MOST)
}

/// Reads a number of bytes: `65536`, `256kB`, `1.5MiB`.
///
/// # Errors
/// If it is not a whole number of at most 64 bits, or the unit is unknown.
pub(super) fn parse_size(text: &str) -> Result<u64, QuantityError> {
    let (number, unit) = Decimal::split(text, SIZE_SHAPE)?;
    let factor = unit_of(unit, SIZE_UNITS, "B, kB, MB, GB, KiB, MiB or GiB")?;
    number.times(factor, Rounding::Exact, COUNT_MOST)
}

/// A number in a notation of TOML's own: with an exponent, or in hexadecimal.
fn toml_number(text: &str) -> Option<Data> {
    let text = text.trim();
    let has = |found: fn(&char) -> bool| text.contains(|c: char| found(&c));
    let may_be = has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
    if text.len() > Decimal::MOST_DIGITS || !may_be {
        return None;
    }
    let data = convert(DeValue::parse(text).ok()?, &Place::text, 0).ok()?.data;
    matches!(data, Data::Integer(_) | Data::Float(_)).then_some(data)
}

/// A count that TOML already read as a number.
pub(super) fn count_from(number: &Data) -> Result<u64, QuantityError> {
    match *number {
        Data::Integer(number) if number < 0 => Err(QuantityError::Negative),
        Data::Integer(number) => {
            u64::try_from(number).map_err(|_| QuantityError::TooLarge(COUNT_MOST))
        }
        Data::Float(number) => count_from_float(number),
        _ => Err(QuantityError::NotANumber(COUNT_SHAPE)),
    }
}

/// A count that TOML already read as a float (`1e6`).
fn count_from_float(value: f64) -> Result<u64, QuantityError> {
    /// Above this, floats skip whole numbers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !value.is_finite() {
        Err(QuantityError::NotFinite)
    } else if value < 0.0 {
        Err(QuantityError::Negative)
    } else if value.fract() != 0.0 {
        Err(QuantityError::NotWhole)
    } else if value > EXACT {
        Err(QuantityError::TooLarge("9007199254740992 in this notation; write the digits"))
    } else {
        Ok(value as u64)
    }
}

/// Writes a duration so that [`parse_span`] reads exactly the same back.
pub fn span_text(span: Span) -> String {
    if span == Span::ZERO {
        return "0s".to_owned();
    }
    // Years are left out: "365d" says what is meant.
    let units = TIME_UNITS.iter().filter(|(name, _)| *name != "y" && name.is_ascii());
    let (name, unit) =
        units.copied().find(|(_, unit)| span.0.is_multiple_of(*unit)).unwrap_or(("ns", 1));
    format!("{}{name}", span.0 / unit)
}

/// The bounds of a number in words, both included; an infinite one is left out.
pub fn number_bounds(min: f64, max: f64) -> String {
    let text = |bound: f64| format!("{bound:?}").trim_end_matches(".0").to_owned();
    match (min.is_finite(), max.is_finite()) {
        (true, true) => format!("from {} to {}", text(min), text(max)),
        (true, false) => format!("at least {}", text(min)),
        (false, true) => format!("at most {}", text(max)),
        (false, false) => "any number".to_owned(),
    }
}

/// Writes a rate so that [`parse_rate`] reads exactly the same back.
pub(super) fn rate_text(rate: u64) -> String {
    let mut units = RATE_UNITS.iter().rev();
    let (name, unit) = units.find(|(_, unit)| rate.is_multiple_of(*unit)).unwrap_or(&("bit", 1));
    format!("{}{name}", rate / unit)
}

fn unit_of(unit: &str, units: &[(&str, u64)], known: &'static str) -> Result<u64, QuantityError> {
    units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor)
        .ok_or_else(|| QuantityError::UnknownUnit { unit: unit.chars().take(20).collect(), known })
}

/// What to do with a remainder.
#[derive(Clone, Copy, PartialEq)]
enum Rounding {
    Exact,
    Nearest,
}

/// `digits · 10^-places`.
struct Decimal {
    digits: u128,
    places: u32,
}

impl Decimal {
    /// More digits than any sensible value has; keeps every product within 128 bits or checked.
    const MOST_DIGITS: usize = 30;

    /// Splits `1.5ms` into number and unit; underscores may stand between digits.
    fn split<'t>(text: &'t str, shape: &'static str) -> Result<(Self, &'t str), QuantityError> {
        let text = text.trim();
        if text.starts_with('-') {
            return Err(QuantityError::Negative);
        }
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || c == '_' || c == '.'))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        if number.is_empty() && (unit.starts_with("inf") || unit.starts_with("nan")) {
            return Err(QuantityError::NotFinite);
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let is_number = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_digit())
                && part.ends_with(|c: char| c.is_ascii_digit())
                && !part.contains('.')
                && !part.contains("__")
        };
        if !is_number(whole) || !is_number(fraction) {
            return Err(QuantityError::NotANumber(shape));
        }
        let fraction: String = fraction.chars().filter(char::is_ascii_digit).collect();
        let fraction = fraction.trim_end_matches('0');
        let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
        let digits = format!("{}{fraction}", whole.trim_start_matches('0'));
        if digits.len() > Self::MOST_DIGITS {
            return Err(QuantityError::TooLarge("30 digits"));
        }
        let places = fraction.len() as u32;
        Ok((Self { digits: digits.parse().unwrap_or(0), places }, unit.trim_start()))
    }

    fn times(
        &self,
        unit: u64,
        rounding: Rounding,
        most: &'static str,
    ) -> Result<u64, QuantityError> {
        let too_large = QuantityError::TooLarge(most);
        let Some(product) = self.digits.checked_mul(u128::from(unit)) else {
            return Err(too_large);
        };
        let scale = 10_u128.pow(self.places);
        let (mut value, rest) = (product / scale, product % scale);
        if rest != 0 {
            if rounding == Rounding::Exact {
                return Err(QuantityError::NotWhole);
            }
            value += u128::from(rest >= scale - rest);
            if value == 0 {
                return Err(QuantityError::TooFine);
            }
        }
        u64::try_from(value).map_err(|_| too_large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_take_suffixes_fractions_and_underscores() {
        let read = |t| parse_count(t).unwrap();
        assert_eq!(read("1_000_000"), 1_000_000);
        assert_eq!(read("1k"), 1_000);
        assert_eq!(read("1.5M"), 1_500_000);
        assert_eq!(read("2G"), 2_000_000_000);
        assert_eq!(read("+7"), 7);
        assert_eq!(read("18446744073709551615"), u64::MAX);
        assert_eq!(read("007"), 7);
        for same in ["1e5", "1E+5", "0.1e6", "1_00e3", " 100e3 ", "0x186a0", "0b11000011010100000"]
        {
            assert_eq!(read(same), 100_000, "{same}");
        }
    }

    #[test]
    fn wrong_counts_say_what_is_wrong() {
        let error = |t: &str| parse_count(t).unwrap_err().to_string();
        assert!(error("-1").contains("negative"));
        assert!(error("1.5").contains("not a whole number"));
        assert!(error("1m").contains("unknown unit `m`"));
        assert!(error("1m").contains("M (million)"));
        assert!(error("18446744073709551616").contains("too large"));
        assert!(error("99999999999999999999G").contains("too large"));
        assert!(error(&"9".repeat(1000)).contains("too large"));
        for text in ["", "k", "1.2.3", "1..2", ".5", "5.", "1__0", "_1", "many"] {
            assert!(error(text).contains("such as 1000"), "{text}: {}", error(text));
        }
        assert!(error("inf").contains("not finite"));
        assert!(error("nan").contains("not finite"));
        assert!(error("-inf").contains("negative"));
    }

    #[test]
    fn counts_from_floats_are_exact_or_refused() {
        assert_eq!(count_from_float(1e6), Ok(1_000_000));
        assert_eq!(count_from_float(0.5), Err(QuantityError::NotWhole));
        assert_eq!(count_from_float(-1.0), Err(QuantityError::Negative));
        assert_eq!(count_from_float(f64::NAN), Err(QuantityError::NotFinite));
        assert_eq!(count_from_float(f64::INFINITY), Err(QuantityError::NotFinite));
        assert!(matches!(count_from_float(1e300), Err(QuantityError::TooLarge(_))));
    }

    #[test]
    fn durations_are_exact_in_every_unit() {
        let read = |t| parse_span(t).unwrap().0;
        assert_eq!(read("250ms"), 250_000_000);
        assert_eq!(read("1us"), 1_000);
        assert_eq!(read("1µs"), 1_000);
        assert_eq!(read("1 μs"), 1_000);
        assert_eq!(read("0.1s"), 100_000_000);
        assert_eq!(read("1.5s"), 1_500_000_000);
        assert_eq!(read("1min"), 60_000_000_000);
        assert_eq!(read("2h"), 7_200_000_000_000);
        assert_eq!(read("30d"), 2_592_000_000_000_000);
        assert_eq!(read("10y"), 315_360_000_000_000_000);
        assert_eq!(read("0"), 0);
        assert_eq!(read("0.0"), 0);
        assert_eq!(read("0.33333333333s"), 333_333_333);
        assert_eq!(read("1.5ns"), 2);
    }

    #[test]
    fn wrong_durations_say_what_is_wrong() {
        let error = |t| parse_span(t).unwrap_err().to_string();
        assert!(error("60").contains("ns, us, ms, s, min, h, d, y"));
        assert!(error("60").contains("\"60s\""));
        assert!(error("5m").contains("min (minutes)"));
        assert!(error("-5s").contains("negative"));
        assert!(error("600y").contains("584 years"));
        assert!(error("0.1ns").contains("less than 1ns"));
        assert!(error("soon").contains("\"250ms\""));
        assert!(error("infs").contains("not finite"));
    }

    #[test]
    fn rates_are_bits_per_second() {
        assert_eq!(parse_rate("50Mbit"), Ok(50_000_000));
        assert_eq!(parse_rate("1.5Gbit/s"), Ok(1_500_000_000));
        assert_eq!(parse_rate("0"), Ok(0));
        assert!(parse_rate("50").unwrap_err().to_string().contains("50Mbit"));
        assert!(parse_rate("50MB").unwrap_err().to_string().contains("unknown unit `MB`"));
    }

    #[test]
    fn sizes_are_bytes() {
        assert_eq!(parse_size("256kB"), Ok(256_000));
        assert_eq!(parse_size("1.5 KiB"), Ok(1_536));
        assert_eq!(parse_size("2MiB"), Ok(2 << 20));
        assert_eq!(parse_size("7"), Ok(7));
        assert!(parse_size("256k").unwrap_err().to_string().contains("use B, kB, MB"));
        assert!(parse_size("x").unwrap_err().to_string().contains("256kB"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,40}") {
            let _ = (parse_count(&text), parse_rate(&text), parse_size(&text));
            if let Ok(span) = parse_span(&text) {
                prop_assert_eq!(parse_span(&span_text(span)), Ok(span));
            }
        }

        #[test]
        fn printed_rates_read_back_exactly(rate: u64) {
            prop_assert_eq!(parse_rate(&rate_text(rate)), Ok(rate));
        }

        #[test]
        fn printed_durations_read_back_exactly(ns: u64) {
            prop_assert_eq!(parse_span(&span_text(Span(ns))), Ok(Span(ns)));
        }
    }
}
