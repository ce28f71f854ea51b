//! A scaling benchmark as it is read in a terminal.

use std::fmt::Write as _;

use super::measured::{Exponent, Scaling, Size};
use crate::command::batch;
use crate::points::{Plan, Store};
use crate::units;

/// The columns of the table of sizes: heading, quantity.
pub(super) const COLUMNS: [(&str, &str); 8] = [
    ("events", "events"),
    ("wall", "wall_s"),
    ("loop", "loop_s"),
    ("loop CPU", "loop_cpu_s"),
    ("CPU", "cpu_s"),
    ("ns/event", "ns_per_event"),
    ("peak RSS", "peak_rss_bytes"),
    ("B/node", "bytes_per_node"),
];

/// What the figures mean, said with them everywhere.
pub(super) const FITTED_ON: &str = "Least squares on the logarithms of the medians per size, \
95 % intervals by Student's t. \"as measured\" includes what a process costs whatever its size, \
which pulls an exponent of small networks down; \"above the smallest\" is fitted to the increase \
over the smallest size, in which a fixed part drops out: 1 means a fixed part plus so much per node.";

/// The whole text.
pub(super) fn text(scaling: &Scaling<'_>, plan: &Plan, store: &Store) -> String {
    let first = &plan.configurations[0].scenario;
    let repeats = scaling.sizes.iter().map(|size| size.runs.len()).max().unwrap_or(0);
    let mut text = format!(
        "{}: scaling over {} sizes, seed {}, medians of {repeats} runs each\n\n",
        first.name,
        scaling.sizes.len(),
        plan.seed
    );
    let with_shards = scaling.sizes.iter().any(|size| size.shards.is_some());
    let mut rows = vec![header(with_shards)];
    rows.extend(scaling.sizes.iter().map(|size| row(size, with_shards)));
    text += &batch::columns(&rows, 1);
    if repeats > 1 {
        text += "\nWidest spread over the runs of a size, (max - min) / median:\n ";
        for name in ["loop_cpu_s", "wall_s", "peak_rss_bytes"] {
            let widest = scaling.sizes.iter().filter_map(|size| size.spread(name));
            let widest = widest.map(|s| (s.max - s.min) / s.median).fold(0.0, f64::max);
            let _ = write!(text, " {name} {}", units::percent(widest));
        }
        text += "\n";
    }
    text += "\nExponents against nodes\n";
    let rows: Vec<Vec<String>> = scaling.headlines().map(exponent_row).collect();
    text += &batch::columns(&rows, 1);
    text += &wrapped(FITTED_ON);
    if !scaling.speedups.is_empty() {
        text += "\nStrong scaling (wall time of the loop)\n";
        let mut rows = vec![["nodes", "shards", "speedup", "efficiency"].map(str::to_owned).into()];
        rows.extend(scaling.speedups.iter().map(|speedup| {
            vec![
                units::count(speedup.nodes.into()),
                format!("{} -> {}", speedup.base, speedup.shards),
                format!("{:.2}", speedup.speedup),
                units::percent(speedup.efficiency),
            ]
        }));
        text += &batch::columns(&rows, 1);
    }
    let reproduce = batch::again_line();
    let _ = write!(text, "\nAgain: {reproduce}\nSaved in {}\n", store.path().display());
    text
}

/// The heading of the table of sizes.
pub(super) fn header(with_shards: bool) -> Vec<String> {
    let mut header = vec!["nodes".to_owned()];
    header.extend(with_shards.then(|| "shards".to_owned()));
    header.extend(COLUMNS.map(|(heading, _)| heading.to_owned()));
    header
}

/// A row of it.
pub(super) fn row(size: &Size<'_>, with_shards: bool) -> Vec<String> {
    let mut row = vec![units::count(size.nodes.into())];
    let shards = || size.shards.map_or_else(String::new, |shards| shards.to_string());
    row.extend(with_shards.then(shards));
    row.extend(COLUMNS.map(|(_, name)| shown(name, size.median(name))));
    row
}

/// A figure with the unit that its name ends in.
fn shown(name: &str, value: f64) -> String {
    match name {
        _ if !value.is_finite() => "-".to_owned(),
        name if name.ends_with("_s") => units::seconds(value),
        "peak_rss_bytes" => units::bytes(value as u64),
        "bytes_per_node" => units::count(value.round() as u64),
        _ => units::figure(value),
    }
}

/// An exponent in words: of what, its value with interval, R², and what is missing.
pub(super) fn exponent_row(exponent: &Exponent) -> Vec<String> {
    let shards = exponent
        .shards
        .map_or_else(String::new, |n| format!(", {}", units::counted(n.into(), "shard")));
    let basis = match (exponent.quantity.measured, exponent.above_smallest) {
        (false, _) => "counted",
        (true, false) => "as measured",
        (true, true) => "above the smallest",
    };
    let mut row = vec![format!("{}{shards}", exponent.quantity.about), basis.to_owned()];
    let Some(fit) = exponent.fit else {
        row.push("no exponent: it needs two sizes on which the cost grows".to_owned());
        return row;
    };
    row.push(format!("{:.3}", fit.exponent));
    row.push(match fit.interval {
        Some([low, high]) => format!("95 % {low:.3} to {high:.3}"),
        None if fit.is_exact => format!("no interval: all {} sizes lie on the law", fit.points),
        None if exponent.above_smallest => "no interval below four sizes".to_owned(),
        None => "no interval below three sizes".to_owned(),
    });
    row.push(fit.r_squared.map_or_else(String::new, |r_squared| format!("R² {r_squared:.5}")));
    row
}

fn wrapped(text: &str) -> String {
    let (mut lines, mut length) = (String::from(" "), 1);
    for word in text.split_whitespace() {
        if length + word.len() >= 96 {
            lines += "\n ";
            length = 1;
        }
        lines = lines + " " + word;
        length += word.chars().count() + 1;
    }
    lines + "\n"
}
