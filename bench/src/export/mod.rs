//! What a run leaves behind, one exporter per file of the run directory.
//!
//! Each exporter is a function from a [`Record`] to bytes; none touches the disk or the clock, so
//! each is tested against its exact text. Everything but the manifest and the `host` part of the
//! summary is a function of the result alone, and therefore byte-identical across engines.

pub(crate) mod checks;
pub(crate) mod columns;
pub(crate) mod history;
pub(crate) mod interval_log;
pub(crate) mod manifest;
pub(crate) mod node_ids;
pub(crate) mod parquet;
pub(crate) mod percentiles;
pub(crate) mod series;
pub(crate) mod summary;

use std::path::Path;

use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::Scenario;
use anyhow::Context as _;

use crate::args::EngineChoice;
use crate::cost::Cost;
use crate::run_directory::{RunDirectory, file_name};
use crate::setting::Setting;

/// A finished run with all that exporters may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    /// What ran.
    pub scenario: &'a Scenario,
    /// What was on.
    pub setting: &'a Setting,
    /// On which executor.
    pub engine: EngineChoice,
    /// What it produced.
    pub outcome: &'a Outcome,
    /// What it cost.
    pub cost: Cost,
    /// Where it is saved.
    pub directory: &'a Path,
}

/// Saves all but the manifest, which was written when the run started; the summary comes last,
/// so that its presence says that the run is complete.
///
/// # Errors
/// If a file cannot be made or written.
pub(crate) fn save(
    record: &Record<'_>,
    summary: &str,
    run: &mut RunDirectory,
) -> anyhow::Result<()> {
    let result = &record.outcome.result;
    for (name, histogram) in &result.latencies {
        let file = file_name(name);
        run.write(&format!("metrics/{file}.hgrm"), percentiles::text(histogram).as_bytes())?;
        let log = interval_log::text(name, histogram, result.virtual_ns)
            .with_context(|| format!("cannot encode the histogram of {name}"))?;
        run.write(&format!("metrics/{file}.hlog"), &log)?;
    }
    let table = series::text(&record.outcome.series, result.metrics);
    run.write_table("series.csv", table.as_bytes(), &series::columns(result.metrics))?;
    run.write("checks.json", checks::text(&result.checks).as_bytes())?;
    run.write("summary.json", summary.as_bytes())?;
    Ok(())
}

/// JSON as it is written to files: indented, one newline at the end.
pub(crate) fn pretty(value: &serde_json::Value) -> String {
    // The alternate form of `Display` is the pretty printer, which cannot fail on a `Value`.
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fabricated;

    #[test]
    fn every_file_is_saved_and_none_depends_on_the_host_but_the_summary() {
        let (scenario, outcome) = (fabricated::scenario(), fabricated::outcome());
        let mut elsewhere = outcome.clone();
        elsewhere.host = Default::default();
        let names =
            ["metrics/hop.hgrm", "metrics/hop.hlog", "series.csv", "checks.json", "summary.json"];
        let saved = [&outcome, &elsewhere].map(|outcome| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let record = fabricated::record(&scenario, outcome);
            let mut run = RunDirectory::claim(Some(directory.path()), "x", 1).expect("a claim");
            save(&record, &summary::text(&record), &mut run).expect("saved");
            names.map(|name| fs::read(directory.path().join(name)).expect("the file is there"))
        });
        assert_eq!(saved[0][..4], saved[1][..4]);
        assert_ne!(saved[0][4], saved[1][4]);
    }
}
