//! What `scale`, `sweep` and `compare` have in common: from a plan to its finished runs, and what
//! is said when some are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anthill_engine::scenario::parse_count;
use anyhow::{Context as _, bail};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::Exit;
use crate::args::ProgressChoice;
use crate::engines::Control;
use crate::export::columns::{Columns, Kind};
use crate::export::{self, pretty};
use crate::interrupt::Interrupts;
use crate::machine::Machine;
use crate::points::{self, Configuration, Finished, Halt, Limits, Plan, PointsError, Store};
use crate::{Registry, clock, page, terminal, units};

/// Makes all runs of a plan.
///
/// # Errors
/// On bad input. Otherwise, if not all runs could be made, it was said why, and how the command
/// ends is given instead of them.
pub(super) fn make(
    plan: &Plan,
    registry: &Registry,
    out: Option<&Path>,
    limits: Limits,
    progress: ProgressChoice,
    interrupts: &Interrupts,
) -> anyhow::Result<Result<Store, Exit>> {
    points::admit(plan, registry)?;
    let control = Arc::new(Control::default());
    // From here on a signal leaves what is finished.
    let mut store = interrupts.begin(&control, || Store::open(out, plan, manifest()))?;
    let halt = match points::run_all(plan, &mut store, limits, &control.interrupt, progress) {
        Ok(()) => return Ok(Ok(store)),
        Err(halt) => halt,
    };
    let kept = format!(
        "{} of {} runs are kept in {}; continue with: {}",
        store.finished().len(),
        plan.points.len(),
        store.path().display(),
        resume(&store)
    );
    let is_empty = store.finished().is_empty();
    match halt {
        Halt::Interrupted => {
            terminal::complain("interrupted", &kept);
            Ok(Err(Exit::Interrupted))
        }
        Halt::Failed(problem @ PointsError::Died { .. }) => {
            terminal::complain("error", &problem.to_string());
            terminal::complain("note", &kept);
            Ok(Err(Exit::Violated))
        }
        Halt::Failed(problem) => {
            let is_gone = matches!(problem, PointsError::Gone { .. });
            store.abandon_if_empty();
            if !is_empty && !is_gone {
                bail!("{problem}\n{kept}");
            }
            Err(problem.into())
        }
    }
}

/// Says which runs failed a check inside its bound; gives whether any did.
pub(super) fn tell_violations(plan: &Plan, store: &Store) -> bool {
    const MOST: usize = 10;
    let violations: Vec<String> = plan
        .points
        .iter()
        .filter_map(|point| {
            let violated = store.finished().get(&point.id)?.violated();
            (!violated.is_empty()).then(|| {
                let (label, seed) = (plan.label(point), point.seed);
                format!("{label} (seed {seed}): failed inside its bound: {}", violated.join(", "))
            })
        })
        .collect();
    for violation in violations.iter().take(MOST) {
        terminal::complain("violated", violation);
    }
    if let Some(more @ 1..) = violations.len().checked_sub(MOST) {
        terminal::complain("violated", &format!("and {more} more runs"));
    }
    !violations.is_empty()
}

/// Saves the files that a command makes of its runs, in place of those of an earlier time; tables
/// as Parquet too, if that was asked for: then `parquet` has what their columns hold.
pub(super) fn save(
    store: &Store,
    files: &[(&str, String)],
    parquet: Option<Columns>,
) -> anyhow::Result<()> {
    for (name, content) in files {
        store.replace(name, content.as_bytes())?;
        if let (Some(columns), Some(stem)) = (&parquet, name.strip_suffix(".csv")) {
            let typed =
                export::parquet::of_csv(content.as_bytes(), columns).with_context(|| {
                    format!("cannot save {} as Parquet", store.path().join(name).display())
                })?;
            store.replace(&format!("{stem}.parquet"), &typed)?;
        }
    }
    Ok(())
}

/// What the columns hold that say of a run which it is, and what it measured.
pub(super) fn run_columns(plan: &Plan, registry: &Registry) -> anyhow::Result<Columns> {
    let scenarios = plan.configurations.iter().map(|configuration| &configuration.scenario);
    let names: BTreeSet<&str> = scenarios.map(|scenario| scenario.protocol.as_str()).collect();
    let protocols = names.into_iter().map(|name| Ok(registry.named(name)?.protocol));
    Ok(Columns::default()
        .measured(protocols.collect::<anyhow::Result<_>>()?)
        .with(Kind::Count, "seed")
        .with(Kind::Text, "digest")
        .with(Kind::Flag, "checks_ok"))
}

/// The runs of each configuration, in the order of their numbers.
pub(super) fn by_configuration<'a>(plan: &Plan, store: &'a Store) -> Vec<Vec<&'a Finished>> {
    let mut groups = vec![Vec::new(); plan.configurations.len()];
    for point in &plan.points {
        groups[point.configuration].extend(store.finished().get(&point.id));
    }
    groups
}

/// How to make the same again, for pages: the command, where it ran, the scenarios.
pub(super) fn again(store: &Store, scenarios: &[(&str, &Configuration)]) -> Markup {
    let reproduce = store.manifest()["reproduce"].as_str().unwrap_or_default();
    html! {
        (page::code(reproduce))
        (page::folded("Manifest", &page::code(&pretty(store.manifest()))))
        @for (heading, configuration) in scenarios {
            (page::folded(heading, &page::code(&configuration.scenario.to_toml())))
        }
    }
}

/// The figures of a run under their names.
type Figures = Vec<(String, Option<f64>)>;

/// Every name that some run has, in the order of first appearance.
pub(super) fn names(runs: &[Figures]) -> Vec<String> {
    let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
    for (name, _) in runs.iter().flatten() {
        if seen.insert(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The figures of a run in the order of the names.
pub(super) fn in_order<'a>(
    names: &'a [String],
    figures: &'a Figures,
) -> impl Iterator<Item = Option<f64>> + 'a {
    let of: BTreeMap<&str, Option<f64>> =
        figures.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    names.iter().map(move |name| of.get(name.as_str()).copied().flatten())
}

/// Rows as CSV, quoted where needed.
pub(super) fn csv_text(rows: &[Vec<String>]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).context("cannot write CSV")?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error()).context("CSV")?;
    String::from_utf8(bytes).context("CSV")
}

/// A figure of a metric, in the unit that its path names.
pub(super) fn shown(metric: &str, value: f64) -> String {
    if metric.starts_with("latency_ns.") && !metric.ends_with(".count") {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}{}", units::nanos(value.abs().round() as u64))
    } else {
        units::figure(value)
    }
}

/// Rows in columns: the first `words` of them to the left, the others to the right.
pub(super) fn columns(rows: &[Vec<String>], words: usize) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            text += &match column < words {
                true => format!("  {cell:<width$}"),
                false => format!("  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// The values of a flag that takes a list: separated by commas, but for those inside quotes,
/// brackets or braces.
pub(super) fn list(flag: &str, text: &str) -> anyhow::Result<Vec<String>> {
    let (mut values, mut value) = (Vec::new(), String::new());
    let (mut depth, mut quote) = (0usize, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                values.push(std::mem::take(&mut value));
                continue;
            }
            (None, _) => {}
        }
        value.push(c);
    }
    values.push(value);
    let values: Vec<String> = values.iter().map(|value| value.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        bail!("{flag} {text}: a value is missing; write them like 1,2,3");
    }
    Ok(values)
}

/// A number of runs.
pub(super) fn runs(flag: &str, text: &str, least: u32) -> anyhow::Result<u32> {
    let most = points::MAX_RUNS as u32;
    match parse_count(text).map(u32::try_from) {
        Ok(Ok(runs)) if (least..=most).contains(&runs) => Ok(runs),
        _ => bail!("{flag} {text}: must be a whole number from {least} to {most}"),
    }
}

/// How and where this piece of work is begun.
fn manifest() -> Value {
    let command = own_command();
    json!({
        "reproduce": reproduce(&command),
        "command": command,
        "program": crate::build::name(),
        "version": crate::build::version(),
        "anthill_version": crate::build::LIBRARY,
        "commit": crate::build::commit(),
        "uncommitted_changes": crate::build::has_changes(),
        "started_unix_s": clock::unix_seconds(),
        "machine": serde_json::to_value(Machine::read()).unwrap_or(Value::Null),
    })
}

/// The command line of this process, to be typed again.
pub(super) fn again_line() -> String {
    typed(&own_command())
}

fn own_command() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

fn resume(store: &Store) -> String {
    let reproduce = store.manifest()["reproduce"].as_str().unwrap_or("the same command");
    format!("{reproduce} --out {}", quoted(&store.path().display().to_string()))
}

/// The whole command line: to be typed in a shell.
fn typed(command: &[String]) -> String {
    let words = command.iter().skip(1).map(|word| quoted(word));
    std::iter::once(crate::build::name().to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The command line that makes a run again in a directory.
pub(crate) fn repeated_in(command: &[String], directory: &Path) -> String {
    format!("{} --out {}", reproduce(command), quoted(&directory.display().to_string()))
}

/// The command line without the place where it saves: to be typed in a shell.
fn reproduce(command: &[String]) -> String {
    let mut words = vec![crate::build::name().to_owned()];
    let mut rest = command.iter().skip(1);
    while let Some(word) = rest.next() {
        if word == "--out" {
            rest.next();
        } else if !word.starts_with("--out=") {
            words.push(quoted(word));
        }
    }
    words.join(" ")
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_at_commas_that_are_not_inside_a_value() {
        let list = |text: &str| list("--vary a", text).map_err(|error| error.to_string());
        let expected = |values: &[&str]| Ok(values.iter().map(|v| (*v).to_owned()).collect());
        assert_eq!(list("1, 2,3"), expected(&["1", "2", "3"]));
        assert_eq!(
            list("{a=1,b=[2,3]},\"x,y\",'z,'"),
            expected(&["{a=1,b=[2,3]}", "\"x,y\"", "'z,'"])
        );
        for wrong in ["", "1,,2", "1,"] {
            assert!(
                list(wrong).is_err_and(|error| error.contains("a value is missing")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_command_is_repeated_without_its_place() {
        let words = ["/x/anthill", "sweep", "--out", "d", "--set", "a={k = 1}", "--out=e"];
        let command = words.map(str::to_owned);
        assert_eq!(reproduce(&command), "anthill sweep --set 'a={k = 1}'");
        assert_eq!(typed(&command), "anthill sweep --out d --set 'a={k = 1}' --out=e");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn numbers_of_runs_have_bounds() {
        for (text, number) in [("3", 3), ("1e3", 1_000), ("2k", 2_000)] {
            assert_eq!(runs("--seeds", text, 1).ok(), Some(number));
        }
        for wrong in ["0", "-1", "many", "10001", "1e5", "1.5", "1e-1"] {
            let error = runs("--seeds", wrong, 1).expect_err("refused").to_string();
            assert!(error.starts_with(&format!("--seeds {wrong}: must be")), "{error}");
        }
    }
}
