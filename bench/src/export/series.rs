//! `series.csv`: counters per interval of virtual time.
//!
//! Row by row what the engine counted, unless a very short `measure.interval` would make the file
//! larger than [`MAX_BYTES`]: then neighbouring intervals are merged, twice as long each time, and
//! the `interval_ns` column says so.

use std::fmt::Write as _;

use anthill_engine::outcome::{Series, SeriesRow};
use anthill_protocol::{MetricInfo, MetricKind};

use super::columns::{Columns, Kind};

/// The most the table may take, in bytes; leaves room for the histograms of a run directory.
const MAX_BYTES: usize = 16_000_000;
/// The widest a column can be: twenty digits and a comma.
const COLUMN_BYTES: usize = 21;
const FIXED_COLUMNS: usize = 6;

/// The file's content.
pub(crate) fn text(series: &Series, metrics: &[MetricInfo]) -> String {
    let columns = FIXED_COLUMNS + metrics.len();
    let series = shortened(series, metrics, MAX_BYTES / (COLUMN_BYTES * columns));
    let mut text = String::from("start_ns,interval_ns,events,messages,bytes_on_wire,digest");
    for metric in metrics {
        text.push(',');
        text.push_str(&quoted(&column(metric)));
    }
    text.push('\n');
    for row in &series.rows {
        let fixed = [row.start_ns, series.interval_ns, row.events, row.messages, row.bytes_on_wire];
        for cell in fixed {
            let _ = write!(text, "{cell},");
        }
        let _ = write!(text, "{:016x}", row.digest);
        for cell in &row.values {
            let _ = write!(text, ",{cell}");
        }
        text.push('\n');
    }
    text
}

/// What the columns hold: all of them counts.
pub(crate) fn columns(metrics: &[MetricInfo]) -> Columns {
    let fixed = Columns::default()
        .with(Kind::Count, "start_ns interval_ns events messages bytes_on_wire")
        .with(Kind::Text, "digest");
    metrics.iter().fold(fixed, |columns, metric| columns.and(column(metric), Kind::Count))
}

/// A metric and a latency may share a name; the latency's column counts its records.
fn column(metric: &MetricInfo) -> String {
    match metric.kind {
        MetricKind::Latency => format!("{}_count", metric.name),
        _ => metric.name.to_owned(),
    }
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

fn shortened(series: &Series, metrics: &[MetricInfo], max_rows: usize) -> Series {
    let mut shortened = series.clone();
    while shortened.rows.len() > max_rows.max(1) {
        // Rows without events are left out, so merging may pair none at first: the interval
        // grows until it does, at the latest when it saturates and holds everything.
        let interval_ns = shortened.interval_ns.max(1).saturating_mul(2);
        let mut rows: Vec<SeriesRow> = Vec::new();
        for row in shortened.rows {
            let start_ns = row.start_ns / interval_ns * interval_ns;
            match rows.last_mut() {
                Some(last) if last.start_ns == start_ns => add(last, &row, metrics),
                _ => rows.push(SeriesRow { start_ns, ..row }),
            }
        }
        shortened = Series { interval_ns, rows };
    }
    shortened
}

fn add(sum: &mut SeriesRow, row: &SeriesRow, metrics: &[MetricInfo]) {
    sum.events += row.events;
    sum.messages += row.messages;
    sum.bytes_on_wire += row.bytes_on_wire;
    sum.digest = sum.digest.wrapping_add(row.digest);
    for ((total, value), metric) in sum.values.iter_mut().zip(&row.values).zip(metrics) {
        // The maximum is the value so far: the later row holds it.
        *total = if metric.kind == MetricKind::Max { *value } else { *total + *value };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn one_line_per_interval() {
        let outcome = fabricated::outcome();
        let expected = "start_ns,interval_ns,events,messages,bytes_on_wire,digest,coverage,sends,\
                        depth,hop_count\n\
                        0,1000000000,15000,9000,900000,0000000000000000,600,9000,3,100\n\
                        1000000000,1000000000,5000,1000,100000,000000003b9aca00,400,1000,7,0\n";
        assert_eq!(text(&outcome.series, outcome.result.metrics), expected);
    }

    #[test]
    fn too_many_rows_are_merged_without_losing_counts() {
        let outcome = fabricated::outcome();
        let row = |i: u64| SeriesRow {
            start_ns: i * 10,
            events: 1,
            messages: 2,
            bytes_on_wire: 3,
            digest: 1,
            values: vec![1, 1, i, 1],
        };
        let series = Series { interval_ns: 10, rows: (0..100).map(row).collect() };
        let short = shortened(&series, outcome.result.metrics, 30);
        assert_eq!((short.rows.len(), short.interval_ns), (25, 40));
        assert_eq!(short.rows.iter().map(|r| r.events).sum::<u64>(), 100);
        assert_eq!(short.rows[24].values, [4, 4, 99, 4]);
        let one = shortened(&series, outcome.result.metrics, 0);
        assert_eq!(one.rows.len(), 1);
    }
}
