//! Two sizes side by side: which functions make an event cost more where there are more nodes.
//!
//! Samples stand for CPU time, so a function's share of them times the CPU time per sample, over
//! the events, is what it costs an event. The difference of two such figures is where the growth
//! is; its standard error follows from the counts (Poisson).

use std::fmt::Write as _;

use super::Profile;
use super::stacks::Share;

/// A profile and the events that it covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The stacks.
    pub profile: &'a Profile,
    /// Events handled meanwhile.
    pub events: u64,
}

/// One function at both sizes; all in ns per event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The function.
    pub function: String,
    /// In it alone: at the first size, at the second.
    pub own_ns: [f64; 2],
    /// In it and what it calls.
    pub total_ns: [f64; 2],
    /// Standard error of the growth of the first.
    pub error_ns: f64,
}

impl Row {
    /// What it costs an event more at the second size.
    pub(crate) fn growth_ns(&self) -> f64 {
        self.own_ns[1] - self.own_ns[0]
    }
}

impl Measured<'_> {
    /// CPU time that a sample stands for, per event, in ns.
    pub(crate) fn sample_ns(&self) -> f64 {
        1e9 / f64::from(self.profile.hz.max(1)) / self.events.max(1) as f64
    }

    /// CPU time per event, in ns, over all functions and threads.
    pub(crate) fn total_ns(&self) -> f64 {
        self.profile.samples() as f64 * self.sample_ns()
    }

    /// Folded stacks whose counts are ps per event.
    pub(crate) fn folded(&self) -> String {
        let mut text = String::new();
        for (stack, count) in &self.profile.stacks {
            let ps = (*count as f64 * self.sample_ns() * 1e3).round() as u64;
            // Threads differ between runs by chance. A write to a string does not fail.
            let _ = writeln!(text, "{} {ps}", stack.get(1..).unwrap_or_default().join(";"));
        }
        text
    }
}

/// The functions, those that grew most first.
pub(crate) fn rows(first: Measured<'_>, second: Measured<'_>) -> Vec<Row> {
    let shares = [first.profile.functions(), second.profile.functions()];
    let ns = [first.sample_ns(), second.sample_ns()];
    let mut names: Vec<&str> = shares.iter().flat_map(|shares| shares.keys().copied()).collect();
    names.sort_unstable();
    names.dedup();
    let mut rows: Vec<Row> = names
        .into_iter()
        .map(|name| {
            let of = |i: usize| shares[i].get(name).copied().unwrap_or(Share::default());
            let figure = |count: fn(Share) -> u64| [0, 1].map(|i| count(of(i)) as f64 * ns[i]);
            let variance: f64 = [0, 1].map(|i| of(i).own as f64 * ns[i] * ns[i]).iter().sum();
            Row {
                function: name.to_owned(),
                own_ns: figure(|share| share.own),
                total_ns: figure(|share| share.total),
                error_ns: variance.sqrt(),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.growth_ns().total_cmp(&a.growth_ns()).then(a.function.cmp(&b.function)));
    rows
}

/// The rows as CSV.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut text = String::from(
        "function,own_ns_first,own_ns_second,growth_ns,growth_error_ns,total_ns_first,\
         total_ns_second\n",
    );
    for row in rows {
        let ([own_a, own_b], [total_a, total_b]) = (row.own_ns, row.total_ns);
        let name = row.function.replace('"', "'");
        let (growth, error) = (row.growth_ns(), row.error_ns);
        // A write to a string does not fail.
        let _ = writeln!(
            text,
            "\"{name}\",{own_a:.3},{own_b:.3},{growth:.3},{error:.3},{total_a:.3},{total_b:.3}"
        );
    }
    text
}

/// The most telling rows as a table to read.
pub(crate) fn table(first: Measured<'_>, second: Measured<'_>, most: usize) -> String {
    let rows = rows(first, second);
    let (a, b) = (first.total_ns(), second.total_ns());
    let mut text = format!(
        "ns of CPU per event, in each function alone\n\n{:>10} {:>10} {:>10} {:>8}  function\n\
         {a:>10.1} {b:>10.1} {:>+10.1} {:>8}  all\n",
        first.name,
        second.name,
        "growth",
        "±",
        b - a,
        ""
    );
    for row in rows.iter().filter(|row| row.growth_ns().abs() > row.error_ns).take(most) {
        let (growth, error) = (row.growth_ns(), 1.96 * row.error_ns);
        // A write to a string does not fail.
        let _ = writeln!(
            text,
            "{:>10.1} {:>10.1} {growth:>+10.1} {error:>8.1}  {}",
            row.own_ns[0], row.own_ns[1], row.function
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn profile(stacks: &[(&[&str], u64)]) -> Profile {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let stacks: BTreeMap<Vec<String>, u64> =
            stacks.iter().map(|(names, count)| (own(names), *count)).collect();
        Profile { hz: 100, lost: 0, stacks }
    }

    #[test]
    fn growth_is_per_event() {
        // 10 ms a sample: 100 samples over 10⁶ events are 1,000 ns an event.
        let small = profile(&[(&["shard-0", "run", "sort"], 50), (&["shard-0", "run"], 50)]);
        let large = profile(&[(&["shard-1", "run", "sort"], 900), (&["shard-0", "run"], 600)]);
        let small = Measured { name: "10k", profile: &small, events: 1_000_000 };
        let large = Measured { name: "1M", profile: &large, events: 10_000_000 };
        assert_eq!((small.total_ns(), large.total_ns()), (1_000.0, 1_500.0));
        let rows = rows(small, large);
        assert_eq!(rows[0].function, "sort");
        assert_eq!(rows[0].own_ns, [500.0, 900.0]);
        assert_eq!((rows[1].function.as_str(), rows[1].growth_ns()), ("run", 100.0));
        assert_eq!(rows[1].total_ns, [1_000.0, 1_500.0]);
        assert_eq!(small.folded(), "run 500000\nrun;sort 500000\n");
        assert!(csv(&rows).contains("\"sort\",500.000,900.000,400.000,"));
        assert!(table(small, large, 5).contains("sort"));
    }
}
