//! Figures as people read them: grouped counts, bytes, lengths of time.
//!
//! Only for text; JSON and CSV carry plain numbers whose unit is the end of their name.

use anthill_protocol::parameter::Value;

/// A number of things, with the word for them.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// How often an invariant was violated: by events, or in the eyes of a judge.
pub(crate) fn violations(n: u64, by_a_judge: bool) -> String {
    match (by_a_judge, n) {
        (false, _) => counted(n, "event"),
        (true, 1) => "1 breach".to_owned(),
        (true, _) => format!("{} breaches", count(n)),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A measured figure: whole numbers grouped, others with about four significant figures.
pub(crate) fn figure(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() {
        value.to_string()
    } else if magnitude < 1e15 && value.fract() == 0.0 {
        format!("{}{}", if value < 0.0 { "-" } else { "" }, count(magnitude as u64))
    } else if !(1e-3..1e15).contains(&magnitude) {
        format!("{value:.3e}")
    } else if magnitude >= 1_000.0 {
        format!("{}{}", if value < 0.0 { "-" } else { "" }, count(magnitude.round() as u64))
    } else if magnitude >= 1.0 {
        format!("{value:.3}")
    } else {
        format!("{value:.5}")
    }
}

/// A figure to compare at a glance: three significant figures, none of them beyond the point from a
/// hundred on.
pub(crate) fn rough(value: f64) -> String {
    match value.abs() {
        magnitude if !magnitude.is_finite() || magnitude < 0.1 || value.fract() == 0.0 => {
            figure(value)
        }
        magnitude if magnitude < 10.0 => format!("{value:.2}"),
        magnitude if magnitude < 100.0 => format!("{value:.1}"),
        _ => figure(value.round()),
    }
}

/// Bytes in decimal units, as disks and networks are sold: `1.25 GB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [(f64, &str); 7] = [
        (1e18, " EB"),
        (1e15, " PB"),
        (1e12, " TB"),
        (1e9, " GB"),
        (1e6, " MB"),
        (1e3, " kB"),
        (1.0, " B"),
    ];
    scaled(n as f64, &UNITS)
}

const TIME_UNITS: [(f64, &str); 7] = [
    (86_400e9, " d"),
    (3_600e9, " h"),
    (60e9, " min"),
    (1e9, " s"),
    (1e6, " ms"),
    (1e3, " us"),
    (1.0, " ns"),
];

/// Nanoseconds in the largest unit that fits: `12.3 ms`.
pub(crate) fn nanos(n: u64) -> String {
    scaled(n as f64, &TIME_UNITS)
}

/// Nanoseconds that someone typed, in the largest unit that takes at most one decimal: `31 h`,
/// `17.5 h`. What has none reads well enough rounded.
pub(crate) fn span(n: u64) -> String {
    let exact = |unit: u64| n >= unit && (n % unit * 10).is_multiple_of(unit);
    match TIME_UNITS.iter().find(|(unit, _)| exact(*unit as u64)) {
        Some((unit, name)) if n / (*unit as u64) < 10_000 => format!("{}{name}", n as f64 / unit),
        Some(_) => nanos(n),
        None => "0 s".to_owned(),
    }
}

/// A share as a percentage, to hundredths: `97.22 %`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.01 {
        return "below 0.01 %".to_owned();
    }
    let text = format!("{percent:.2}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Seconds of host time.
pub(crate) fn seconds(s: f64) -> String {
    nanos((s.max(0.0) * 1e9).round() as u64)
}

/// Three significant figures in the first unit that is not larger than the value.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let unit = units.iter().find(|(size, _)| value >= *size).or(units.last());
    let Some((size, name)) = unit else { return value.to_string() };
    let scaled = value / size;
    let text = if scaled >= 100.0 {
        format!("{scaled:.0}")
    } else if scaled >= 10.0 {
        format!("{scaled:.1}")
    } else {
        format!("{scaled:.2}")
    };
    let trimmed = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text.as_str()
    };
    format!("{trimmed}{name}")
}

/// A parameter's value as a scenario has it.
pub(crate) fn value(value: Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Count(count) => count.to_string(),
        Value::Share(number) | Value::Number(number) => format!("{number:?}"),
        Value::Span(span) => format!("\"{span}\""),
        Value::Choice(word) => format!("\"{word}\""),
        Value::File(file) => format!("{:?}", file.map_or("", |file| &file.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_naturally() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(100), "100");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1_250_000_000), "1.25 GB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!(nanos(12_340_000), "12.3 ms");
        assert_eq!(nanos(300_000_000), "300 ms");
        assert_eq!(nanos(u64::MAX), "213504 d");
        assert_eq!(seconds(-1.0), "0 ns");
        assert_eq!(span(0), "0 s");
        assert_eq!(span(31 * 3_600_000_000_000), "31 h");
        assert_eq!(span(63_000_000_000_000), "17.5 h");
        assert_eq!(span(1_500_000_000), "1.5 s");
        assert_eq!(span(2_250_000_000), "2250 ms");
        assert_eq!(span(12_345_678_901), "12.3 s");
        assert_eq!(percent(0.97222), "97.22 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.00001), "below 0.01 %");
        assert_eq!(figure(8.0), "8");
        assert_eq!(figure(-1234.5), "-1,235");
        assert_eq!(figure(0.99966), "0.99966");
        assert_eq!(figure(f64::NAN), "NaN");
    }
}
