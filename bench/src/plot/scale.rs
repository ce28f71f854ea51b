//! Axes: from values to pixels, and which values are labelled how.

/// What an axis shows.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    /// What is measured.
    pub label: String,
    /// In what.
    pub unit: Unit,
    /// How values become lengths.
    pub kind: AxisKind,
    /// Its ends; otherwise those of the data, and a linear axis begins at 0.
    pub range: Option<(f64, f64)>,
    /// Whether only whole numbers are labelled.
    pub whole: bool,
}

/// How values become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AxisKind {
    /// Equal differences.
    Linear,
    /// Equal ratios; values that are not positive are left out.
    Log,
    /// Values are 1/(1 − p) of a share p, at equal ratios, and labelled by p.
    Percentile,
}

/// The unit of an axis's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A count or a number.
    Plain,
    /// Nanoseconds.
    Nanos,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// A share, shown in per cent.
    Share,
}

impl Axis {
    /// Equal differences, from 0.
    pub(crate) fn linear(label: &str, unit: Unit) -> Self {
        Self { label: label.to_owned(), unit, kind: AxisKind::Linear, range: None, whole: false }
    }

    /// The same, for counts: only whole numbers are labelled.
    pub(crate) fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    /// Equal ratios.
    pub(crate) fn log(label: &str, unit: Unit) -> Self {
        Self { kind: AxisKind::Log, ..Self::linear(label, unit) }
    }

    /// Percentiles of which each further nine takes the same length; values are 1/(1 − p).
    pub(crate) fn percentile(label: &str) -> Self {
        Self { kind: AxisKind::Percentile, ..Self::linear(label, Unit::Plain) }
    }

    /// The same with given ends.
    pub(crate) fn between(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Whether a value has a place on it.
    pub(super) fn takes(&self, value: f64) -> bool {
        // Beyond 10^300 differences and products would overflow.
        value.abs() <= 1e300 && (self.kind == AxisKind::Linear || value > 1e-300)
    }

    /// Fits it to values (those it takes).
    pub(super) fn scale(&self, values: impl Iterator<Item = f64>) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| self.takes(*value)) {
            (low, high) = (low.min(value), high.max(value));
        }
        if let Some((from, to)) = self.range.filter(|(from, to)| self.takes(*from) && from < to) {
            (low, high) = (from, to);
        } else if low > high {
            (low, high) = (1.0, 10.0);
        } else if self.kind == AxisKind::Linear {
            low = low.min(0.0);
        }
        let log = self.kind != AxisKind::Linear;
        if low == high && log {
            (low, high) = (low / 2.0, high * 2.0);
        } else if low == high {
            high = low + 1.0;
        }
        let mut scale = Scale { kind: self.kind, unit: self.unit, low, high, whole: self.whole };
        if self.kind == AxisKind::Linear && self.range.is_none() {
            let step = scale.step();
            scale.high = (high / step).ceil() * step;
            scale.low = (low / step).floor() * step;
        }
        scale
    }
}

/// An axis that fits its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    kind: AxisKind,
    unit: Unit,
    low: f64,
    high: f64,
    whole: bool,
}

impl Scale {
    /// The value's place: 0 at the low end, 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        if self.kind == AxisKind::Linear {
            return (value - self.low) / (self.high - self.low);
        }
        let log = |v: f64| libm::log10(v);
        (log(value) - log(self.low)) / (log(self.high) - log(self.low))
    }

    /// The same, moved to the nearer end if it is outside.
    pub(super) fn clamped(&self, value: f64) -> f64 {
        self.place(value).clamp(0.0, 1.0)
    }

    /// Values to label, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        match self.kind {
            AxisKind::Linear => self.linear_ticks(),
            AxisKind::Log => self.log_ticks(),
            AxisKind::Percentile => self.percentile_ticks(),
        }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let step = self.step();
        let first = (self.low / step - 1e-9).ceil();
        let values = (0..20).map(|i| (first + f64::from(i)) * step);
        let values = values.take_while(|value| *value <= self.high + step * 1e-9);
        values.map(|value| (value, self.unit.linear_label(value, step, self.largest()))).collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let decades = libm::log10(self.high / self.low);
        if decades < 0.7 {
            return self.linear_ticks();
        }
        let digits: &[f64] = if decades < 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 8.0).ceil().max(1.0) as i32;
        let first = libm::log10(self.low).floor() as i32;
        let last = libm::log10(self.high).ceil() as i32;
        let powers = (first..=last).filter(|power| power.rem_euclid(every) == 0);
        powers
            .flat_map(|power| digits.iter().map(move |digit| digit * libm::pow(10.0, power.into())))
            .filter(|value| *value >= self.low * (1.0 - 1e-9) && *value <= self.high * (1.0 + 1e-9))
            .map(|value| (value, self.unit.round_label(value)))
            .collect()
    }

    fn percentile_ticks(&self) -> Vec<(f64, String)> {
        let half = (libm::log10(self.high) <= 4.5).then(|| (2.0, "50 %".to_owned()));
        let whole = (0..16).map(|nines| {
            let text = match nines {
                0 => "0 %".to_owned(),
                1 => "90 %".to_owned(),
                2 => "99 %".to_owned(),
                n => format!("99.{} %", "9".repeat(n - 2)),
            };
            (libm::pow(10.0, nines as f64), text)
        });
        whole
            .chain(half)
            .filter(|(value, _)| *value >= self.low && *value <= self.high * (1.0 + 1e-9))
            .collect()
    }

    /// The distance of ticks: 1, 2 or 5 times a power of ten of the unit that is shown.
    fn step(&self) -> f64 {
        let (shown, _) = self.unit.shown(self.largest());
        let raw = (self.high - self.low) / shown / 6.0;
        let power = libm::pow(10.0, libm::log10(raw).floor());
        let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= raw);
        let step = digit.unwrap_or(10.0) * power * shown;
        if self.whole { step.max(1.0) } else { step }
    }

    fn largest(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

const TIMES_NS: [(f64, &str); 7] = [
    (86_400e9, " d"),
    (3_600e9, " h"),
    (60e9, " min"),
    (1e9, " s"),
    (1e6, " ms"),
    (1e3, " µs"),
    (1.0, " ns"),
];
const COUNTS: [(f64, &str); 5] = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k"), (0.0, "")];
const ROUND_COUNTS: [(f64, &str); 5] =
    [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, "")];
const BYTES: [(f64, &str); 5] =
    [(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"), (0.0, " B")];

impl Unit {
    /// What values up to the largest are divided by to be shown, and what stands behind them.
    fn shown(self, largest: f64) -> (f64, &'static str) {
        let of = |table: &[(f64, &'static str)], largest: f64| {
            let found = table.iter().find(|(from, _)| largest >= *from).or(table.last());
            found.copied().unwrap_or((1.0, ""))
        };
        match self {
            Self::Plain => match of(&COUNTS, largest) {
                (1e4, suffix) => (1e3, suffix),
                (size, suffix) => (size.max(1.0), suffix),
            },
            Self::Bytes => {
                let (size, suffix) = of(&BYTES, largest);
                (size.max(1.0), suffix)
            }
            Self::Nanos => of(&TIMES_NS, largest),
            Self::Seconds => {
                let (size, suffix) = of(&TIMES_NS, largest * 1e9);
                (size / 1e9, suffix)
            }
            Self::Share => (0.01, " %"),
        }
    }

    /// A value by itself.
    pub(super) fn label(self, value: f64) -> String {
        let (size, suffix) = self.shown(value.abs());
        let scaled = value / size;
        let decimals = match scaled.abs() {
            a if a >= 100.0 || a == 0.0 => 0,
            a if a >= 10.0 => 1,
            a if a >= 0.01 => 3,
            _ => return format!("{scaled:.2e}{suffix}"),
        };
        format!("{}{suffix}", trimmed(&format!("{scaled:.decimals$}")))
    }

    /// A round value by itself, in the largest unit in which it is a whole number: `100 s`, not `1.667 min`.
    fn round_label(self, value: f64) -> String {
        let (table, factor): (&[(f64, &str)], f64) = match self {
            Self::Plain => (&ROUND_COUNTS, 1.0),
            Self::Nanos => (&TIMES_NS, 1.0),
            Self::Seconds => (&TIMES_NS, 1e9),
            Self::Bytes | Self::Share => return self.label(value),
        };
        let scaled = |size: f64| value * factor / size;
        let is_whole =
            |size: f64| scaled(size) >= 0.999 && (scaled(size) - scaled(size).round()).abs() < 1e-6;
        match table.iter().find(|(size, _)| is_whole(*size)) {
            Some((size, suffix)) => format!("{:.0}{suffix}", scaled(*size)),
            None => self.label(value),
        }
    }

    /// A value of an axis whose ticks are `step` apart: all in the same unit, equally exact.
    fn linear_label(self, value: f64, step: f64, largest: f64) -> String {
        if value == 0.0 {
            return "0".to_owned();
        }
        let (size, suffix) = self.shown(largest);
        let decimals = (-libm::log10(step / size * 1.000_001).floor()).clamp(0.0, 12.0) as usize;
        format!("{:.decimals$}{suffix}", value / size)
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        let ticks = axis.scale(values.iter().copied()).ticks();
        ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_in_one_unit() {
        let time = Axis::linear("t", Unit::Nanos);
        assert_eq!(labels(&time, &[2.1e9]), ["0", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s"]);
        assert_eq!(labels(&time, &[7_200e9]), ["0", "0.5 h", "1.0 h", "1.5 h", "2.0 h"]);
        let log = Axis::log("n", Unit::Plain);
        assert_eq!(labels(&log, &[1e3, 1e7]), ["1 k", "10 k", "100 k", "1 M", "10 M"]);
        let log = Axis::log("t", Unit::Seconds);
        assert_eq!(labels(&log, &[1.0, 1e4]), ["1 s", "10 s", "100 s", "1000 s", "10000 s"]);
        let few = Axis::linear("shards", Unit::Plain).between(1.0, 2.0);
        assert_eq!(labels(&few.whole(), &[]), ["1", "2"]);
        let share = Axis::linear("share", Unit::Share).between(0.0, 1.0);
        assert_eq!(labels(&share, &[]), ["0", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        let percentile = Axis::percentile("p");
        assert_eq!(labels(&percentile, &[1.0, 1e3]), ["0 %", "90 %", "99 %", "99.9 %", "50 %"]);
    }

    #[test]
    fn any_data_gives_finite_places_and_few_ticks() {
        let odd: [&[f64]; 8] = [
            &[],
            &[0.0],
            &[5.0],
            &[f64::NAN, f64::INFINITY],
            &[-3.0, -1.0],
            &[1e-299, 1e300],
            &[1e300, -1e300],
            &[f64::MAX, f64::MIN],
        ];
        for make in [Axis::linear, Axis::log] {
            for values in odd {
                for unit in [Unit::Plain, Unit::Nanos, Unit::Seconds, Unit::Bytes, Unit::Share] {
                    let axis = make("x", unit);
                    let scale = axis.scale(values.iter().copied());
                    assert!(scale.ticks().len() <= 30, "{values:?}");
                    for value in values.iter().filter(|value| axis.takes(**value)) {
                        let place = scale.clamped(*value);
                        assert!((0.0..=1.0).contains(&place), "{axis:?} {values:?} {place}");
                    }
                }
            }
        }
    }
}
