//! `anthill sweep`: a grid of parameters, each point of it under several seeds.
//!
//! Every run has a seed of its own, a function of the base seed, the parameters and its number
//! ([`derived_seed`]), so points are independent samples and no value changes another's runs.
//! Results do not depend on how many runs are made at once.

mod export;
mod grid;
mod page;

use serde_json::json;

use super::{Exit, batch};
use crate::args::{Format, SweepArgs};
use crate::interrupt::Interrupts;
use crate::points::{Limits, Plan, Point, PointsError, derived_seed};
use crate::{Registry, terminal};
use export::Table;
use grid::Grid;

/// Runs a grid.
pub(super) fn sweep(
    registry: &Registry,
    args: &SweepArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let jobs = args.jobs.as_deref().map(|jobs| batch::runs("--jobs", jobs, 1)).transpose()?;
    let (grid, plan) = plan(registry, args)?;
    let limits = Limits::shared(jobs.map(|jobs| jobs as usize), &plan);
    let out = args.batch.out.as_deref();
    let progress = args.batch.progress;
    let store = match batch::make(&plan, registry, out, limits, progress, interrupts)? {
        Ok(store) => store,
        Err(exit) => return Ok(exit),
    };
    let table = Table::of(&grid, &plan, &store);
    let json = table.json(&store);
    let mut files = vec![
        ("runs.csv", table.runs()?),
        ("summary.csv", table.summary()?),
        ("sweep.json", json.clone()),
    ];
    files.push(("report.html", page::page(&table, &grid, &plan, &store)));
    let columns = args.batch.parquet.then(|| table.columns(&plan, registry)).transpose()?;
    let saved = batch::save(&store, &files, columns);
    // The figures are shown even if the disk is full.
    match args.batch.format {
        Format::Json => terminal::show(&json)?,
        Format::Text => terminal::show(&table.text(&plan, &store))?,
    }
    saved?;
    Ok(if batch::tell_violations(&plan, &store) { Exit::Violated } else { Exit::Done })
}

fn plan(registry: &Registry, args: &SweepArgs) -> anyhow::Result<(Grid, Plan)> {
    let seeds = batch::runs("--seeds", &args.seeds, 1)?;
    let grid = Grid::new(&args.vary)?;
    let runs = grid.combinations().saturating_mul(u64::from(seeds));
    if runs > crate::points::MAX_RUNS as u64 {
        return Err(PointsError::TooMany { runs }.into());
    }
    let (grid, configurations) = grid.load(&args.scenario, registry)?;
    let (seed, name) = {
        let first = &configurations[0].scenario;
        (first.seed, first.name.clone())
    };
    let mut points = Vec::new();
    // All combinations once, then all again: an interrupted sweep has something of everything.
    for run in 1..=seeds {
        for index in 0..configurations.len() {
            let seed = derived_seed(seed, &grid.parameters(index), run);
            points.push(Point::new(&format!("p{:04}", index + 1), index, run, seed));
        }
    }
    let settings = json!({ "seeds": seeds, "vary": args.vary });
    let settings = settings.as_object().cloned().unwrap_or_default();
    Ok((
        grid,
        Plan { kind: "sweep", name, seed, settings, growing: "seeds", configurations, points },
    ))
}
