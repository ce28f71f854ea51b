//! `value,count`: a histogram of measured delays, of which only the shape is used. Counts may be
//! relative frequencies: only their ratios matter.
//!
//! A count belongs to the values nearest to its own: a bin reaches half-way to its neighbours', the
//! first and the last end at their own values. Within a bin all values are equally likely, so that
//! two messages share no delay because a measurement was rounded.

use super::super::NetworkError;
use super::super::columns::{Column, Layout, Row, Rows};
use super::super::link::MAX_EXPONENT;
use super::super::quantile::Quantile;
use crate::input::InputFile;

const LAYOUT: &Layout = &[
    Column::required("value").also(&["value_ms", "delay", "delay_ms", "latency", "latency_ms"]),
    Column::required("count").also(&["weight", "frequency", "share"]),
];
const VALUE: usize = 0;
const COUNT: usize = 1;
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

/// Reads a histogram from a file; with what is to be said of it.
pub(crate) fn histogram(path: &InputFile) -> Result<(Histogram, Vec<String>), NetworkError> {
    let mut file = Rows::open(path, LAYOUT)?;
    let rows = read(&mut file)?;
    let Some(histogram) = Histogram::new(&rows) else {
        let problem = "fewer than two values with a count; a distribution needs two at least";
        return Err(file.failed(problem));
    };
    Ok((histogram, file.into_notes()))
}

fn read(file: &mut Rows<'_>) -> Result<Vec<(f64, f64)>, NetworkError> {
    let mut rows: Vec<(f64, f64)> = Vec::new();
    while let Some(row) = file.next()? {
        let found = bin(&row, rows.last().map(|row| row.0));
        rows.push(found.map_err(|problem| file.wrong(problem))?);
        if rows.len() > MAX_ROWS {
            return Err(file.wrong(format!("more than {MAX_ROWS} rows; use wider bins")));
        }
    }
    Ok(rows)
}

/// The value and the count of a row whose value is above that of the row before.
fn bin(row: &Row<'_>, after: Option<f64>) -> Result<(f64, f64), String> {
    let value = row.number(VALUE)?;
    if !(f64::MIN_POSITIVE..=1e300).contains(&value) {
        return Err(format!("value {value}; delays are positive and finite"));
    }
    if let Some(after) = after
        && value <= after
    {
        return Err(format!("value {value} after {after}; sort the rows by rising value"));
    }
    let count = row.number(COUNT)?;
    // The sum of the most rows stays exact for whole counts.
    if !(0.0..=f64::from(u32::MAX)).contains(&count) {
        return Err(format!("count {count}; give a count or weight of 0 to {}", u32::MAX));
    }
    Ok((value, count))
}

impl Histogram {
    /// From rising values with their counts; `None` with fewer than two that have one.
    fn new(rows: &[(f64, f64)]) -> Option<Self> {
        let counted = |row: &(f64, f64)| row.1 > 0.0;
        let (first, last) = (rows.iter().position(counted)?, rows.iter().rposition(counted)?);
        let rows = &rows[first..=last];
        if rows.len() < 2 {
            return None;
        }
        let mut edges = vec![rows[0].0];
        edges.extend(rows.windows(2).map(|pair| pair[0].0 + (pair[1].0 - pair[0].0) / 2.0));
        edges.push(rows[rows.len() - 1].0);
        let mut below = vec![0.0];
        let mut sum = 0.0;
        below.extend(rows.iter().map(|row| {
            sum += row.1;
            sum
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
    use super::super::super::lines::Lines;
    use std::path::Path;

    use super::*;

    /// Values with their counts, and notes.
    type Given = (Vec<(f64, f64)>, Vec<String>);

    fn given(text: &str) -> Result<Given, String> {
        let lines = Lines::read(Path::new("h.csv"), text.as_bytes()).unwrap();
        let mut file = Rows::read(lines, LAYOUT).map_err(|e| e.to_string())?;
        let rows = read(&mut file).map_err(|e| e.to_string())?;
        Ok((rows, file.into_notes()))
    }

    fn message(text: &str) -> String {
        given(text).err().unwrap_or("ok".into())
    }

    #[test]
    fn bins_reach_half_way_and_empty_ends_do_not_count() {
        let rows = [(1.0, 0.0), (2.0, 10.0), (4.0, 20.0), (5.0, 0.0), (9.0, 10.0), (10.0, 0.0)];
        let histogram = Histogram::new(&rows).unwrap();
        assert_eq!(histogram.edges, [2.0, 3.0, 4.5, 7.0, 9.0]);
        assert_eq!(histogram.below, [0.0, 10.0, 30.0, 30.0, 40.0]);
        for (p, value) in [(0.0, 2.0), (0.125, 2.5), (0.25, 3.0), (0.5, 3.75), (0.75, 4.5)] {
            assert_eq!(histogram.quantile(p), value);
        }
        assert_eq!((histogram.quantile(0.875), histogram.quantile(1.0)), (8.0, 9.0));
        assert_eq!(Histogram::new(&[(1.0, 5.0), (2.0, 0.0)]), None);
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
        assert!(message("2,-3").contains("count -3; give a count or weight of 0"));
        assert!(message("2,4294967296").contains("count 4294967296"));
        assert!(message("2,NaN").contains("count NaN"));
        assert!(message("2,x").contains("\"x\" in column count is not a number"));
        assert!(message("2").contains("1 fields, no count"));
        assert!(message("x,2").contains("\"x\" in column value"));
        assert!(message("value;count\n1,5;2").contains("\"1,5\" in column value has a comma"));
        assert!(message("value,n\n1,2").contains("it lacks count"));
    }

    #[test]
    fn columns_go_by_name_and_counts_may_be_relative() {
        let rows = vec![(1.0, 0.25), (2.0, 0.5), (5.0, 0.25)];
        assert_eq!(given("value,count\n1,0.25\n2,.5\n5,25e-2"), Ok((rows.clone(), vec![])));
        assert_eq!(given("frequency,value_ms\n.25,1\n.5,2\n.25,5"), Ok((rows.clone(), vec![])));
        let whole = [(1.0, 1.0), (2.0, 2.0), (5.0, 1.0)];
        let [shares, counts] = [&rows[..], &whole].map(|rows| Histogram::new(rows).unwrap());
        for p in 0..=64 {
            let p = f64::from(p) / 64.0;
            assert_eq!(shares.quantile(p), counts.quantile(p));
        }
        let (_, notes) = given("1,2\n2,3").unwrap();
        assert_eq!(notes, ["h.csv: no header: its columns are read as value,count"]);
    }
}
