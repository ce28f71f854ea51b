//! One command line in several processes: which of them prints and writes, and how they begin together.
//!
//! All were given the same arguments and read the same files. Process 0 is the one that a user sees; the others run
//! their part of the emulation and are silent, unless something fails in them alone. Nobody enters the engine
//! before all are ready to ([`Muster`]), because the engine's first step waits for all.

use std::sync::Arc;

use anthill_engine::RunError;
use anthill_engine::processes::Fabric;
use anyhow::bail;

use crate::Registry;
use crate::args::{Command, EngineChoice};
use crate::plan::RunPlan;

/// Whether this is the process that a user sees.
pub(crate) fn is_seen(registry: &Registry) -> bool {
    registry.processes().is_none_or(|processes| processes.rank() == 0)
}

/// Whether this process says what went wrong.
pub(crate) fn tells(registry: &Registry, problem: &anyhow::Error) -> bool {
    let Some(processes) = registry.processes() else { return true };
    match problem.downcast_ref::<RunError>() {
        // Which happened elsewhere, or to all.
        Some(RunError::Process { .. } | RunError::OneProcess(_)) | None => processes.rank() == 0,
        Some(_) => true,
    }
}

/// Refuses every command but `run`, which alone is of several processes.
///
/// # Errors
/// If it is another one, and there are several.
pub(crate) fn only_run(registry: &Registry, command: &Command) -> anyhow::Result<()> {
    match (registry.processes(), command) {
        (None, _) | (_, Command::Run(_)) => Ok(()),
        _ => bail!(
            "only `anthill run` runs over several processes: start this command without mpirun"
        ),
    }
}

/// Refuses what of `run` is of one process.
///
/// # Errors
/// If it is wanted, and there are several.
pub(crate) fn admit(registry: &Registry, plan: &RunPlan) -> anyhow::Result<()> {
    if registry.processes().is_none() {
        return Ok(());
    }
    match alone(plan) {
        Some((flag, why)) => bail!("{flag}: {why}; leave it out, or start without mpirun"),
        None => Ok(()),
    }
}

/// The first flag that asks for what one process does alone, and why it does.
fn alone(plan: &RunPlan) -> Option<(&'static str, &'static str)> {
    let events = plan.events.as_ref();
    let asked = [
        (
            plan.engine == EngineChoice::Sequential,
            "--engine sequential",
            "it has one heap of all events",
        ),
        (events.is_some_and(|events| events.print), "--verbose", "one process sees all messages"),
        (events.is_some_and(|events| events.save), "--trace", "one process sees all messages"),
        (plan.ledger, "--ledger", "it is told by a process that has all nodes"),
        (plan.resumed.is_some(), "--resume", "a saved run is of one process"),
        (plan.saving.is_some(), "--checkpoint-every", "a saved run is of one process"),
        (plan.external.is_some(), "--external", "programs play nodes of one process"),
        (
            plan.scenario.is_stdin(),
            "a scenario on standard input",
            "mpirun gives it to process 0 alone",
        ),
    ];
    asked.into_iter().find(|(is_asked, ..)| *is_asked).map(|(_, flag, why)| (flag, why))
}

/// The way of one process into a run. Dropped before, it tells the others not to wait.
#[derive(Debug)]
pub(crate) struct Muster(Option<Arc<dyn Fabric>>);

impl Muster {
    pub(crate) fn of(registry: &Registry) -> Self {
        Self(registry.processes().cloned())
    }

    /// Waits until all are ready.
    ///
    /// # Errors
    /// If another one cannot begin.
    pub(crate) fn all_ready(&mut self) -> anyhow::Result<()> {
        let Some(processes) = self.0.take() else { return Ok(()) };
        let mut ready = [1];
        processes.all_min(&mut ready);
        if ready == [0] {
            bail!("another process of this run cannot begin");
        }
        Ok(())
    }
}

impl Drop for Muster {
    fn drop(&mut self) {
        if let Some(processes) = self.0.take() {
            processes.all_min(&mut [0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use anthill_engine::processes::Channels;

    use super::*;
    use crate::args::RunArgs;
    use crate::fabricated;
    use crate::plan::EventsPlan;

    #[test]
    fn what_one_process_does_alone_is_refused_by_its_flag() {
        let one = fabricated::registry();
        let both = || Channels::between(2).into_iter().next().expect("two");
        let two = fabricated::registry().over(Arc::new(both()));
        let plan = RunPlan::new(RunArgs::default(), &one).expect("the main job");
        assert!(admit(&two, &plan).is_ok());
        let refused = |changed: RunPlan, flag: &str| {
            assert!(admit(&one, &changed).is_ok(), "{flag} in one process");
            let error = admit(&two, &changed).expect_err(flag).to_string();
            assert!(error.starts_with(flag) && error.contains("without mpirun"), "{error}");
        };
        refused(
            RunPlan { engine: EngineChoice::Sequential, ..plan.clone() },
            "--engine sequential",
        );
        let which = Default::default();
        let events = Some(EventsPlan { print: true, save: false, which });
        refused(RunPlan { events, ..plan.clone() }, "--verbose");
        refused(RunPlan { ledger: true, ..plan }, "--ledger");
    }

    #[test]
    fn nobody_begins_if_one_cannot() {
        std::thread::scope(|scope| {
            for (channels, is_ready) in Channels::between(3).into_iter().zip([true, false, true]) {
                scope.spawn(move || {
                    let registry = fabricated::registry().over(Arc::new(channels));
                    let mut muster = Muster::of(&registry);
                    if is_ready {
                        let error = muster.all_ready().expect_err("one is not").to_string();
                        assert!(error.contains("another process"), "{error}");
                    }
                });
            }
        });
    }
}
