//! `value,count`: a histogram of measured delays, of which only the shape is used.
//!
//! A count belongs to the values nearest to its own: a bin reaches half-way to its neighbours', the
//! first and the last end at their own values. Within a bin all values are equally likely, so that
//! two messages share no delay because a measurement was rounded.

use super::super::NetworkError;
use super::super::lines::line_error;
use super::super::link::MAX_EXPONENT;
use super::super::quantile::Quantile;
use super::{csv_fields, number, open_csv};
use crate::input::InputFile;

const HEADER: &str = "value,count";
/// Most rows read.
const MAX_ROWS: usize = 1 << 20;

/// The distribution of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    /// Edges of the bins, rising.
    edges: Vec<f64>,
    /// How many values are below each edge.
    below: Vec<f64>,
}

/// Reads a histogram from a file.
pub(crate) fn histogram(path: &InputFile) -> Result<Histogram, NetworkError> {
    let mut lines = open_csv(path, HEADER)?;
    let mut rows: Vec<(f64, u64)> = Vec::new();
    while let Some((line_number, line)) = lines.next()? {
        let after = rows.last().map(|row| row.0);
        let row = row(line, after).map_err(|problem| line_error(path, line_number, problem))?;
        rows.push(row);
        if rows.len() > MAX_ROWS {
            return Err(line_error(path, line_number, format!("more than {MAX_ROWS} rows")));
        }
    }
    Histogram::new(&rows).ok_or_else(|| NetworkError::File {
        path: path.to_path_buf(),
        problem: "fewer than two values with a count; a distribution needs two at least".into(),
    })
}

fn row(line: &str, after: Option<f64>) -> Result<(f64, u64), String> {
    let fields = csv_fields(line)?;
    let [value, count] = &fields[..] else {
        return Err(format!("{} fields; expected the two of {HEADER}", fields.len()));
    };
    let value = number(value, "value")?;
    if !(f64::MIN_POSITIVE..=1e300).contains(&value) {
        return Err(format!("value {value}; delays are positive and finite"));
    }
    if let Some(after) = after
        && value <= after
    {
        return Err(format!("value {value} after {after}; sort the rows by rising value"));
    }
    let count = count.parse::<u32>();
    let count = count.map_err(|_| format!("\"{}\" in column count is no count", fields[1]))?;
    Ok((value, count.into()))
}

impl Histogram {
    /// From rising values with their counts; `None` with fewer than two that have one.
    fn new(rows: &[(f64, u64)]) -> Option<Self> {
        let counted = |row: &(f64, u64)| row.1 > 0;
        let (first, last) = (rows.iter().position(counted)?, rows.iter().rposition(counted)?);
        let rows = &rows[first..=last];
        if rows.len() < 2 {
            return None;
        }
        let mut edges = vec![rows[0].0];
        edges.extend(rows.windows(2).map(|pair| pair[0].0 + (pair[1].0 - pair[0].0) / 2.0));
        edges.push(rows[rows.len() - 1].0);
        let mut below = vec![0.0];
        let mut sum = 0;
        below.extend(rows.iter().map(|row| {
            sum += row.1;
            sum as f64
        }));
        Some(Self { edges, below })
    }

    /// The value that a share `p` of the distribution is below.
    fn quantile(&self, p: f64) -> f64 {
        let rank = p * self.below[self.below.len() - 1];
        let bin = self.below.partition_point(|below| *below < rank).max(1);
        let (from, to) = (self.below[bin - 1], self.below[bin]);
        let (low, high) = (self.edges[bin - 1], self.edges[bin]);
        low + (high - low) * (rank - from) / (to - from)
    }

    /// The table of ln(excess over the least value / its median).
    pub(crate) fn log_quantiles(&self) -> Quantile {
        let least = self.edges[0];
        let median = self.quantile(0.5) - least;
        let limit = MAX_EXPONENT as f64 * std::f64::consts::LN_2;
        let log = |p| libm::log((self.quantile(p) - least) / median).clamp(-limit, limit);
        Quantile::from_tails(|p| (log(p), log(1.0 - p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        // Row by row, as the file is read.
        let mut after = None;
        for line in text.lines() {
            match row(line, after) {
                Ok(row) => after = Some(row.0),
                Err(problem) => return problem,
            }
        }
        "ok".into()
    }

    #[test]
    fn bins_reach_half_way_and_empty_ends_do_not_count() {
        let rows = [(1.0, 0), (2.0, 10), (4.0, 20), (5.0, 0), (9.0, 10), (10.0, 0)];
        let histogram = Histogram::new(&rows).unwrap();
        assert_eq!(histogram.edges, [2.0, 3.0, 4.5, 7.0, 9.0]);
        assert_eq!(histogram.below, [0.0, 10.0, 30.0, 30.0, 40.0]);
        for (p, value) in [(0.0, 2.0), (0.125, 2.5), (0.25, 3.0), (0.5, 3.75), (0.75, 4.5)] {
            assert_eq!(histogram.quantile(p), value);
        }
        assert_eq!((histogram.quantile(0.875), histogram.quantile(1.0)), (8.0, 9.0));
        assert_eq!(Histogram::new(&[(1.0, 5), (2.0, 0)]), None);
        assert_eq!(Histogram::new(&[]), None);
    }

    #[test]
    fn rows_that_are_no_histogram_are_named() {
        assert_eq!(message("0.5,3\n1,0\n7,2"), "ok");
        assert!(message("0,3").contains("value 0"));
        assert!(message("-1,3").contains("value -1"));
        assert!(message("NaN,3").contains("value NaN"));
        assert!(message("inf,3").contains("value inf"));
        assert!(message("2,3\n2,3").contains("value 2 after 2; sort"));
        assert!(message("2,-3").contains("\"-3\" in column count"));
        assert!(message("2,0.5").contains("\"0.5\" in column count"));
        assert!(message("2").contains("1 fields"));
        assert!(message("x,2").contains("\"x\" in column value"));
    }
}
