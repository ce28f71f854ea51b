//! `metrics/NAME.hgrm`: the percentile distribution as HdrHistogram prints it, in ns.
//!
//! The format of `outputPercentileDistribution`, which the HdrHistogram plotters read: five steps
//! to every halving of the distance to 100 %. The steps are exact fractions compared in integers,
//! so the text is the same on every machine.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

/// Steps per halving of the distance to 100 %, the format's usual choice.
const STEPS: u128 = 5;

/// The file's content.
pub(crate) fn text(histogram: &Histogram<u64>) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let total = u128::from(histogram.len());
    let mut next = Some(Level::default());
    let mut seen = 0u128;
    for value in histogram.iter_recorded() {
        seen += u128::from(value.count_at_value());
        let highest = histogram.highest_equivalent(value.value_iterated_to());
        if seen == total {
            let _ = writeln!(text, "{highest:>12}.000 {:2.12} {seen:>10}", 1.0);
            break;
        }
        while let Some(level) = next.filter(|level| level.is_reached(seen, total)) {
            let quantile = level.numerator() as f64 / level.denominator() as f64;
            let inverse =
                level.denominator() as f64 / (level.denominator() - level.numerator()) as f64;
            let _ = writeln!(text, "{highest:>12}.000 {quantile:2.12} {seen:>10} {inverse:>14.2}");
            next = level.next();
        }
    }
    let _ = writeln!(
        text,
        "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]",
        if total == 0 { 0.0 } else { histogram.mean() },
        if total == 0 { 0.0 } else { histogram.stdev() }
    );
    let _ = writeln!(text, "#[Max     = {:>12.3}, Total count    = {total:>12}]", {
        histogram.max() as f64
    });
    let _ = writeln!(
        text,
        "#[Buckets = {:>12}, SubBuckets     = {:>12}]",
        histogram.buckets(),
        sub_buckets(histogram)
    );
    text
}

/// A quantile 1 − 2^−halvings + step · 2^−(halvings+1) / STEPS.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    halvings: u32,
    step: u128,
}

impl Level {
    fn denominator(self) -> u128 {
        STEPS << (self.halvings + 1)
    }

    fn numerator(self) -> u128 {
        self.denominator() - 2 * STEPS + self.step
    }

    fn is_reached(self, seen: u128, total: u128) -> bool {
        seen * self.denominator() >= total * self.numerator()
    }

    /// `None` past 59 halvings: counts are below 2^64, so hardly anything but the last value lies
    /// beyond, and the products above stay within 128 bits.
    fn next(self) -> Option<Self> {
        if self.step + 1 < STEPS {
            Some(Self { step: self.step + 1, ..self })
        } else if self.halvings < 59 {
            Some(Self { halvings: self.halvings + 1, step: 0 })
        } else {
            None
        }
    }
}

/// The smallest power of two that resolves twice 10^digits, as the format defines it.
fn sub_buckets(histogram: &Histogram<u64>) -> u64 {
    (2 * 10u64.pow(u32::from(histogram.sigfig()))).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_hdr_histogram() {
        let mut histogram = Histogram::new_with_bounds(1, 1_000_000, 3).expect("bounds");
        for value in [10, 20, 30, 40] {
            histogram.record(value).expect("within bounds");
        }
        let expected = "       Value     Percentile TotalCount 1/(1-Percentile)

          10.000 0.000000000000          1           1.00
          10.000 0.100000000000          1           1.11
          10.000 0.200000000000          1           1.25
          20.000 0.300000000000          2           1.43
          20.000 0.400000000000          2           1.67
          20.000 0.500000000000          2           2.00
          30.000 0.550000000000          3           2.22
          30.000 0.600000000000          3           2.50
          30.000 0.650000000000          3           2.86
          30.000 0.700000000000          3           3.33
          30.000 0.750000000000          3           4.00
          40.000 1.000000000000          4
#[Mean    =       25.000, StdDeviation   =       11.180]
#[Max     =       40.000, Total count    =            4]
#[Buckets =           10, SubBuckets     =         2048]
";
        assert_eq!(text(&histogram), expected);
    }

    /// Once ran for ever: all but one of 2^62 records reach every level that is tried.
    #[test]
    fn no_records_and_equal_records_end() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 1 << 40, 3).expect("bounds");
        assert!(text(&histogram).contains("Total count    =            0"));
        histogram.record_n(5, u64::MAX / 4).expect("within bounds");
        histogram.record_n(1 << 30, 1).expect("within bounds");
        assert!(text(&histogram).lines().count() < 400);
    }
}
