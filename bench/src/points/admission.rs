//! What can be said against a plan before its first run.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use super::Plan;
use crate::machine::Memory;
use crate::memory::{Verdict, judge};
use crate::signing_budget::Forecast;
use crate::{Registry, terminal};

/// So many warnings are shown; a plan of a hundred scenarios may have one for each.
const MOST_WARNINGS: usize = 5;

/// Refuses a plan with a scenario that cannot fit this machine, and warns of those that may not
/// fit or whose signatures take long.
///
/// # Errors
/// Naming the scenario.
pub(crate) fn admit(plan: &Plan, registry: &Registry) -> anyhow::Result<()> {
    let memory = Memory::read();
    let mut warnings = BTreeSet::new();
    for configuration in &plan.configurations {
        let scenario = &configuration.scenario;
        let entry = registry.named(&scenario.protocol)?;
        match judge(scenario.nodes, (entry.memory)(scenario)?, memory) {
            Verdict::Fits => {}
            Verdict::Tight(warning) => {
                warnings.insert(warning);
            }
            Verdict::TooLarge(refusal) if configuration.label.is_empty() => bail!(refusal),
            Verdict::TooLarge(refusal) => {
                return Err(anyhow::anyhow!(refusal)).with_context(|| configuration.label.clone());
            }
        }
        warnings.extend(Forecast::of(entry, scenario)?.and_then(|forecast| forecast.warning()));
    }
    for warning in warnings.iter().take(MOST_WARNINGS) {
        terminal::complain("warning", warning);
    }
    if let Some(more @ 1..) = warnings.len().checked_sub(MOST_WARNINGS) {
        terminal::complain("warning", &format!("and {more} more of the kind"));
    }
    Ok(())
}
