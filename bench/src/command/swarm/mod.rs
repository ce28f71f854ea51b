//! `anthill swarm`: random small runs, judged; what is found is shrunk and told as a command.
//!
//! A run is a protocol's preset with drawn changes ([`draw`]), so a find is a line of `anthill run`. Runs
//! are numbered and each follows from the seed and its number; they are made on all cores and looked at
//! in the order of their numbers, so the number of threads changes nothing.

mod case;
mod coverage;
mod draw;
mod explore;
mod plan;
mod run;
mod save;
mod shrink;
#[cfg(test)]
mod tests;
mod trouble;
mod vary;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Exit;
use crate::args::{Format, SwarmArgs};
use crate::clock::Stopwatch;
use crate::engines::Control;
use crate::export::pretty;
use crate::interrupt::Interrupts;
use crate::run_directory::RunDirectory;
use crate::{Registry, terminal};
use explore::{Explored, Found};
use plan::SwarmPlan;
use run::{Kind, Slot};
use save::Shown;
use shrink::Shrunk;

/// Makes and judges random runs.
pub(super) fn swarm(
    registry: &Registry,
    args: &SwarmArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let plan = SwarmPlan::new(args, registry)?;
    let out = args.out.as_deref();
    let control = Arc::new(Control::default());
    let claim = || out.map(|out| RunDirectory::claim(Some(out), "swarm", plan.seed)).transpose();
    let mut directory = interrupts.begin(&control, claim)?;
    run::catch_panics_of_handlers();
    let explored = match explore::explore(registry, &plan, &control.interrupt) {
        Ok(explored) => explored,
        Err(problem) => {
            directory.into_iter().for_each(RunDirectory::abandon);
            return Err(problem);
        }
    };
    let goes_on = || !control.interrupt.load(Ordering::Relaxed);
    let shrunk = explored.found.as_ref().map(|found| small(registry, found, &goes_on));
    let shown = Shown { plan: &plan, explored: &explored, shrunk: shrunk.as_ref() };
    let json = pretty(&shown.json());
    if let Some(directory) = &mut directory {
        if let Some(shrunk) = &shrunk {
            save::find(registry, shrunk, directory.path(), interrupts)?;
        }
        directory.write("swarm.json", json.as_bytes())?;
    }
    terminal::show(&match args.format {
        Format::Json => json,
        Format::Text => shown.text(out),
    })?;
    Ok(match (control.interrupt.load(Ordering::Relaxed), &explored) {
        (true, _) => Exit::Interrupted,
        (false, Explored { found: Some(_), .. }) => Exit::Violated,
        (false, explored) if !explored.not_exercised(&plan).is_empty() => Exit::Violated,
        _ => Exit::Done,
    })
}

/// The find, shrunk; a disagreement of the engines with the event at which they part.
fn small<'a>(
    registry: &Registry,
    found: &Found<'a>,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Shrunk<'a> {
    let slot = Slot::default();
    let mut shrunk = explore::watched(&[&slot], &|| !goes_on(), || {
        let found = (found.drawn.case.clone(), found.find.clone());
        shrink::shrink(registry, found, &slot, goes_on)
    });
    if shrunk.find.kind == Kind::Disagreement
        && let Ok(scenario) = shrunk.case.load(registry)
        && let Ok(Some(divergence)) = (shrunk.case.entry.divergence)(&scenario)
    {
        shrunk.find.about += &format!("; {divergence}");
    }
    shrunk
}

/// The time since the command began, for `--seconds`.
#[derive(Clone, Copy, Debug)]
struct Deadline {
    watch: Stopwatch,
    seconds: Option<u64>,
}

impl Deadline {
    fn is_over(self) -> bool {
        self.seconds.is_some_and(|seconds| self.watch.elapsed().as_secs() >= seconds)
    }
}
