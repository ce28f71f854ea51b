//! What `anthill scale`, `sweep` and `compare` saved, as part of a report.

use std::path::Path;

use maud::Markup;

use super::load::ReportError;

/// The results of one experiment.
#[derive(Debug)]
pub(crate) struct Experiment {
    body: Markup,
}

/// Those in a directory.
pub(super) fn load(_: &Path) -> Result<Vec<Experiment>, ReportError> {
    Ok(Vec::new())
}

/// Its part of the page.
pub(super) fn part(experiment: &Experiment) -> Markup {
    experiment.body.clone()
}
