//! What happened when: counters over virtual time, with the faults drawn behind them.

use maud::{Markup, html};
use serde_json::Value;

use super::load::{Fault, Run, Table};
use crate::page::{absent, figure};
use crate::plot::{Axis, Band, LinePlot, Mark, Point, Series, Unit};

/// Steps of a plot; more would be finer than a pixel.
const MOST_STEPS: u64 = 300;
/// Metrics drawn in one plot.
const MOST_METRICS: usize = 6;
/// Columns that every run has: `events`, `messages`, `bytes_on_wire`.
const FIXED: usize = 3;

/// Throughput, and what the metrics gained.
pub(super) fn part(run: &Run) -> Markup {
    let Some(table) = &run.series else {
        return absent("series.csv is missing from the run directory: nothing over time to draw.");
    };
    if table.rows.is_empty() {
        return absent("series.csv has no rows: nothing was handled or sent in this run.");
    }
    let spans = Spans::of(table, run.summary.result.virtual_s);
    let faults = bands(&run.manifest.faults, spans.end_ns);
    let plot = |title: &str, label: &str, unit: Unit, series: Vec<Series>| {
        let x = Axis::linear("virtual time", Unit::Nanos).between(0.0, spans.end_ns);
        let y = Axis::linear(label, unit);
        LinePlot { title: title.to_owned(), x, y, series, bands: faults.clone() }.svg()
    };
    let rates = |columns: &[usize]| columns.iter().map(|c| spans.rate(table, *c)).collect();
    let kinds = Kinds::of(run, table);
    html! {
        @if !run.manifest.faults.is_empty() {
            p { "Faults, shaded in the plots:" }
            ul { @for fault in &run.manifest.faults { li { (fault.text) } } }
        }
        @if !kinds.shares.is_empty() {
            (figure(
                &plot("Share of the nodes", "of the nodes", Unit::Share, reached(run, table)),
                "Grows from the first to the last row of series.csv.",
            ))
        }
        (figure(&plot("Throughput", "per second of virtual time", Unit::Plain, rates(&[0, 1])), &spans.caption()))
        (figure(&plot("Bytes on the wire", "per second of virtual time", Unit::Bytes, rates(&[2])), ""))
        @for columns in kinds.counts.chunks(MOST_METRICS) {
            (figure(&plot("Metrics", "per second of virtual time", Unit::Plain, rates(columns)), ""))
        }
        @for columns in kinds.ratios.chunks(MOST_METRICS) {
            @let lines = columns.iter().map(|columns| spans.ratio(table, *columns)).collect();
            (figure(
                &plot("Ratios", "of one metric to another", Unit::Plain, lines),
                "Of what both gained in a step; steps in which the other gained nothing have no point.",
            ))
        }
    }
}

/// Shares of the nodes over time, one line per metric that is such a share.
pub(super) fn reached(run: &Run, table: &Table) -> Vec<Series> {
    let nodes = run.summary.result.nodes.max(1) as f64;
    let length = Spans::of(table, run.summary.result.virtual_s).step_ns;
    let line = |column: usize| {
        let mut sum = 0u64;
        let mut points: Vec<Point> = vec![Point::new(0.0, 0.0)];
        for (start, counters) in &table.rows {
            sum = sum.saturating_add(counters[column]);
            let end = (start / length).saturating_add(1).saturating_mul(length) as f64;
            // One point per step of the plot: the last row of each.
            if points.last().is_some_and(|last| last.x == end) {
                points.pop();
            }
            points.push(Point::new(end, sum as f64 / nodes));
        }
        Series { name: table.columns[column].clone(), mark: Mark::Line, points }
    };
    Kinds::of(run, table).shares.into_iter().map(line).collect()
}

/// Which columns can be drawn how. Files carry no kinds of metrics, but a column whose sum over
/// the nodes is the summary's value can only be a share of them.
struct Kinds {
    shares: Vec<usize>,
    counts: Vec<usize>,
    /// A metric, and the one that it is set in proportion to.
    ratios: Vec<(usize, usize)>,
}

impl Kinds {
    fn of(run: &Run, table: &Table) -> Self {
        let result = &run.summary.result;
        let mut kinds = Self { shares: Vec::new(), counts: Vec::new(), ratios: Vec::new() };
        for (column, name) in table.columns.iter().enumerate().skip(FIXED) {
            let sum = table
                .rows
                .iter()
                .map(|(_, counters)| counters[column])
                .fold(0, u64::saturating_add);
            let Some(value) = result.metrics.get(name).and_then(Value::as_f64) else { continue };
            let share = sum as f64 / result.nodes.max(1) as f64;
            let other = result.ratios.get(name);
            let other = other.and_then(|other| table.columns.iter().position(|name| name == other));
            if sum == 0 {
                continue;
            } else if let Some(other) = other {
                kinds.ratios.push((column, other));
            } else if value == sum as f64 {
                kinds.counts.push(column);
            } else if share <= 1.0 && (share - value).abs() <= 1e-9 {
                kinds.shares.push(column);
            }
        }
        kinds
    }
}

/// How rows become steps of a plot.
struct Spans {
    step_ns: u64,
    end_ns: f64,
}

impl Spans {
    fn of(table: &Table, virtual_s: f64) -> Self {
        let interval = table.interval_ns.max(1);
        let last = table.rows.last().map_or(0, |(start, _)| start.saturating_add(interval));
        let rows = last.div_ceil(interval);
        let step_ns = interval.saturating_mul(rows.div_ceil(MOST_STEPS).max(1));
        // The last row may reach beyond the end of the run, which is no whole number of rows.
        let end_ns = virtual_s * 1e9;
        let within = end_ns > last.saturating_sub(interval) as f64 && end_ns.is_finite();
        Self { step_ns, end_ns: if within { end_ns } else { last as f64 } }
    }

    /// A counter per second, in steps; nothing was counted between rows.
    fn rate(&self, table: &Table, column: usize) -> Series {
        let per_second = 1e9 / self.step_ns as f64;
        let mut steps: Vec<(u64, u64)> = Vec::new();
        for (start, counters) in &table.rows {
            let at = start / self.step_ns;
            match steps.last_mut() {
                Some((last, sum)) if *last == at => *sum = sum.saturating_add(counters[column]),
                _ => steps.push((at, counters[column])),
            }
        }
        let x = |step: u64| step as f64 * self.step_ns as f64;
        // What a last step holds that the run's end cuts short belongs to the one before.
        let rest = self.end_ns / self.step_ns as f64;
        if let [.., (before, sum), (last, cut)] = steps[..]
            && before + 1 == last
            && rest < last as f64 + 0.5
        {
            steps.truncate(steps.len() - 2);
            steps.push((before, sum.saturating_add(cut)));
        }
        let mut points = Vec::with_capacity(steps.len() + 1);
        let mut next = 0;
        let count = steps.len();
        for (i, (at, sum)) in steps.into_iter().enumerate() {
            if at != next {
                points.push(Point::new(x(next), 0.0));
            }
            next = at.saturating_add(1);
            // The last step is as long as the run is.
            let is_last = i + 1 == count;
            let length = rest - at as f64;
            let scale = if is_last && (0.5..1.5).contains(&length) { length } else { 1.0 };
            points.push(Point::new(x(at), sum as f64 * per_second / scale));
        }
        // The line ends with the run, and falls to nothing only if the run went on.
        let end = x(next);
        match points.last() {
            Some(last) if end + 0.5 * self.step_ns as f64 >= self.end_ns => {
                points.push(Point::new(self.end_ns.max(last.x), last.y));
            }
            _ => points.extend([Point::new(end, 0.0), Point::new(self.end_ns.max(end), 0.0)]),
        }
        Series { name: table.columns[column].replace('_', " "), mark: Mark::Steps, points }
    }

    /// What a counter gained to what another did, step by step.
    fn ratio(&self, table: &Table, (column, other): (usize, usize)) -> Series {
        let mut steps: Vec<(u64, [u64; 2])> = Vec::new();
        for (start, counters) in &table.rows {
            let (at, gained) = (start / self.step_ns, [counters[column], counters[other]]);
            match steps.last_mut() {
                Some((last, sums)) if *last == at => {
                    *sums = [0, 1].map(|i: usize| sums[i].saturating_add(gained[i]));
                }
                _ => steps.push((at, gained)),
            }
        }
        let told = steps.into_iter().filter(|(_, [_, by])| *by > 0);
        let point = |(at, [sum, by]): (u64, [u64; 2])| {
            let middle = (at as f64 + 0.5) * self.step_ns as f64;
            Point::new(middle.min(self.end_ns), sum as f64 / by as f64)
        };
        let name = format!("{} per {}", table.columns[column], table.columns[other]);
        Series { name: name.replace('_', " "), mark: Mark::Line, points: told.map(point).collect() }
    }

    fn caption(&self) -> String {
        format!("In steps of {}.", crate::units::nanos(self.step_ns))
    }
}

fn bands(faults: &[Fault], end_ns: f64) -> Vec<Band> {
    let within = faults.iter().filter(|fault| fault.at_s * 1e9 < end_ns);
    let band = |fault: &Fault| Band {
        from: fault.at_s * 1e9,
        to: fault.heal_s.map(|heal| heal * 1e9).filter(|heal| *heal < end_ns),
        label: fault.text.clone(),
    };
    within.map(band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_fall_to_nothing_between_rows_and_add_up_within_a_step() {
        let rows = vec![(0, vec![4]), (1_000_000, vec![6]), (3_000_000, vec![1])];
        let table = Table { columns: vec!["a_b".to_owned()], rows, interval_ns: 1_000_000 };
        let fine = Spans::of(&table, 0.0).rate(&table, 0);
        let points: Vec<(f64, f64)> = fine.points.iter().map(|p| (p.x / 1e6, p.y)).collect();
        assert_eq!(points, [(0.0, 4e3), (1.0, 6e3), (2.0, 0.0), (3.0, 1e3), (4.0, 1e3)]);
        assert_eq!(fine.name, "a b");

        let coarse = Spans { step_ns: 2_000_000, end_ns: 4e6 }.rate(&table, 0);
        let points: Vec<(f64, f64)> = coarse.points.iter().map(|p| (p.x / 1e6, p.y)).collect();
        assert_eq!(points, [(0.0, 5e3), (2.0, 0.5e3), (4.0, 0.5e3)]);
    }

    #[test]
    fn ratios_are_of_what_both_gained_in_a_step() {
        let rows = vec![
            (0, vec![6, 3]),
            (1_000_000, vec![6, 1]),
            (2_000_000, vec![5, 0]),
            (4_000_000, vec![0, 9]),
        ];
        let columns = vec!["hops_done".to_owned(), "lookups".to_owned()];
        let table = Table { columns, rows, interval_ns: 1_000_000 };
        let of = |step_ns| {
            let ratio = Spans { step_ns, end_ns: 5e6 }.ratio(&table, (0, 1));
            assert_eq!(ratio.name, "hops done per lookups");
            ratio.points.iter().map(|p| (p.x / 1e6, p.y)).collect::<Vec<_>>()
        };
        assert_eq!(of(1_000_000), [(0.5, 2.0), (1.5, 6.0), (4.5, 0.0)]);
        assert_eq!(of(2_000_000), [(1.0, 3.0), (5.0, 0.0)]);
    }

    #[test]
    fn a_line_ends_with_the_run_and_falls_only_if_the_run_went_on() {
        let rows = (0..=3).map(|ms| (ms * 1_000_000, vec![if ms < 3 { 100 } else { 1 }])).collect();
        let table = Table { columns: vec!["a".to_owned()], rows, interval_ns: 1_000_000 };
        let of = |virtual_ms: f64| {
            let rate = Spans { step_ns: 1_000_000, end_ns: virtual_ms * 1e6 }.rate(&table, 0);
            rate.points.iter().map(|p| (p.x / 1e6, p.y.round())).collect::<Vec<_>>()
        };
        // Ten microseconds of a fourth row are no row of their own.
        assert_eq!(of(3.01), [(0.0, 1e5), (1.0, 1e5), (2.0, 1e5), (3.01, 1e5)]);
        assert_eq!(of(3.75)[3..], [(3.0, 1333.0), (3.75, 1333.0)]);
        assert_eq!(of(9.0)[3..], [(3.0, 1e3), (4.0, 0.0), (9.0, 0.0)]);
    }

    #[test]
    fn a_long_table_has_few_steps_and_odd_times_stay_finite() {
        let rows = (0..100_000u64).map(|i| (i * 10, vec![1])).collect();
        let long = Table { columns: vec!["a".to_owned()], rows, interval_ns: 10 };
        assert!(Spans::of(&long, 0.0).rate(&long, 0).points.len() <= MOST_STEPS as usize + 1);
        let odd = Table { rows: vec![(u64::MAX, vec![u64::MAX])], interval_ns: u64::MAX, ..long };
        let spans = Spans::of(&odd, f64::INFINITY);
        assert!(spans.end_ns.is_finite());
        assert!(spans.rate(&odd, 0).points.iter().all(|p| p.x.is_finite() && p.y.is_finite()));
    }

    #[test]
    fn faults_after_the_end_are_not_drawn() {
        let fault = |at_s, heal_s| Fault { at_s, heal_s, text: "x".to_owned() };
        let bands = bands(&[fault(1.0, Some(2.0)), fault(1.0, Some(9.0)), fault(7.0, None)], 5e9);
        let ends: Vec<(f64, Option<f64>)> = bands.iter().map(|b| (b.from, b.to)).collect();
        assert_eq!(ends, [(1e9, Some(2e9)), (1e9, None)]);
    }
}
