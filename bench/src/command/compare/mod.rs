//! `anthill compare`: two scenarios under the same seeds, and a verdict per metric.
//!
//! A pair of runs shares its seed, so both sides meet the same draws of network, workload and
//! faults as far as the protocol asks for them alike; differences are taken within pairs. What is
//! outside `[protocol]` must be the same on both sides, for otherwise a difference says nothing of
//! the protocol: that is refused unless `--allow-difference` is given.

mod direction;
mod export;
mod page;
mod same;
mod verdict;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::{Exit, batch};
use crate::args::{CompareArgs, Format, ScenarioArgs};
use crate::interrupt::Interrupts;
use crate::points::{Configuration, Limits, Plan, Point, derived_seed};
use crate::{Registry, terminal};
use verdict::Comparison;

/// Compares two scenarios.
pub(super) fn compare(
    registry: &Registry,
    args: &CompareArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let pairs = batch::runs("--seeds", &args.seeds, 2).context("a comparison needs pairs")?;
    let jobs = args.jobs.as_deref().map(|jobs| batch::runs("--jobs", jobs, 1)).transpose()?;
    let [a, b] = sides(registry, args)?;
    let differences = same::differences(&a.scenario, &b.scenario);
    if !differences.is_empty() && !args.allow_difference {
        bail!(
            "A and B differ outside [protocol], so what they are compared under is not the same:\n  \
             {}\nmake these equal (--set sets both), or give --allow-difference",
            differences.join("\n  ")
        );
    }
    let both = [&a.scenario.protocol, &b.scenario.protocol];
    let metrics = both.map(|name| registry.named(name).map(|entry| entry.protocol.metrics));
    let metrics = metrics.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let plan = plan([a, b], pairs);
    let limits = Limits::shared(jobs.map(|jobs| jobs as usize), &plan);
    let out = args.batch.out.as_deref();
    let progress = args.batch.progress;
    let store = match batch::make(&plan, registry, out, limits, progress, interrupts)? {
        Ok(store) => store,
        Err(exit) => return Ok(exit),
    };
    let comparison = Comparison::of(&plan, &store, differences, &metrics);
    let json = export::json(&comparison, &store);
    let files = [
        ("compare.csv", export::csv(&comparison)?),
        ("runs.csv", export::runs(&plan, &store)?),
        ("compare.json", json.clone()),
        ("report.html", page::page(&comparison, &plan, &store)),
    ];
    let columns = args.batch.parquet.then(|| export::columns(&plan, registry)).transpose()?;
    let saved = batch::save(&store, &files, columns);
    // The figures are shown even if the disk is full.
    match args.batch.format {
        Format::Json => terminal::show(&json)?,
        Format::Text => terminal::show(&export::text(&comparison, &plan, &store))?,
    }
    saved?;
    Ok(if batch::tell_violations(&plan, &store) { Exit::Violated } else { Exit::Done })
}

fn sides(registry: &Registry, args: &CompareArgs) -> anyhow::Result<[Configuration; 2]> {
    let side = |name: &str, scenario: &String, own: &[String]| {
        let arguments = ScenarioArgs {
            scenario: Some(scenario.clone()),
            nodes: args.nodes.clone(),
            until: args.until.clone(),
            seed: args.seed.clone(),
            threads: args.threads.clone(),
            set: args.set.iter().chain(own).cloned().collect(),
            ..ScenarioArgs::default()
        };
        let loaded = Configuration::load(&arguments, registry).with_context(|| name.to_owned())?;
        anyhow::Ok(loaded.labelled(name.to_owned()))
    };
    Ok([side("A", &args.a, &args.set_a)?, side("B", &args.b, &args.set_b)?])
}

fn plan(sides: [Configuration; 2], pairs: u32) -> Plan {
    let seed = sides[0].scenario.seed;
    let name = sides[0].scenario.name.clone();
    let mut points = Vec::new();
    for run in 1..=pairs {
        for (index, side) in ["a", "b"].into_iter().enumerate() {
            points.push(Point::new(side, index, run, derived_seed(seed, &[], run)));
        }
    }
    let settings = json!({ "seeds": pairs }).as_object().cloned().unwrap_or_default();
    Plan {
        kind: "compare",
        name,
        seed,
        settings,
        growing: "seeds",
        configurations: sides.into(),
        points,
    }
}
