//! `anthill scale`: what a run costs as the network grows, and by which power.
//!
//! Runs are made one at a time, for times are measured; all sizes once, then all sizes again, so
//! that what else the machine does falls on all of them. Every run of a size must have the same
//! digest, whatever its shards: a difference ends the command with exit code 1.

mod export;
mod measured;
mod page;
mod text;

use anyhow::bail;
use serde_json::json;

use super::{Exit, batch};
use crate::args::{Format, ScaleArgs, ScenarioArgs};
use crate::interrupt::Interrupts;
use crate::points::{Configuration, Limits, Plan, Point, Store};
use crate::{Registry, terminal};
use measured::Scaling;

/// Measures the cost of several sizes.
pub(super) fn scale(
    registry: &Registry,
    args: &ScaleArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let plan = plan(registry, args)?;
    let out = args.batch.out.as_deref();
    let progress = args.batch.progress;
    let store = match batch::make(&plan, registry, out, Limits::ALONE, progress, interrupts)? {
        Ok(store) => store,
        Err(exit) => return Ok(exit),
    };
    let scaling = Scaling::of(&plan, &store);
    let json = export::json(&scaling, &store);
    let mut files = vec![
        ("runs.csv", export::runs(&plan, &store)?),
        ("fits.csv", export::fits(&scaling)?),
        ("scale.json", json.clone()),
    ];
    let (page, plots) = page::page(&scaling, &plan, &store);
    files.extend(plots);
    files.push(("report.html", page));
    let columns = args.batch.parquet.then(|| export::columns(&plan, registry)).transpose()?;
    let saved = batch::save(&store, &files, columns);
    // The figures are shown even if the disk is full.
    match args.batch.format {
        Format::Json => terminal::show(&json)?,
        Format::Text => terminal::show(&text::text(&scaling, &plan, &store))?,
    }
    saved?;
    let violated = batch::tell_violations(&plan, &store);
    let disagree = disagreements(&plan, &store);
    for disagreement in &disagree {
        terminal::complain("error", disagreement);
    }
    Ok(if violated || !disagree.is_empty() { Exit::Violated } else { Exit::Done })
}

fn plan(registry: &Registry, args: &ScaleArgs) -> anyhow::Result<Plan> {
    let repeats = batch::runs("--repeat", &args.repeat, 1)?;
    let sizes = batch::list("--nodes", &args.nodes)?;
    let shards: Vec<Option<String>> = match &args.shards {
        Some(text) => batch::list("--shards", text)?.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let mut configurations: Vec<Configuration> = Vec::new();
    for shards in &shards {
        for nodes in &sizes {
            let arguments = ScenarioArgs {
                scenario: args.scenario.clone(),
                protocol: args.protocol.clone(),
                nodes: Some(nodes.clone()),
                until: args.until.clone(),
                seed: args.seed.clone(),
                shards: shards.clone(),
                threads: args.threads.clone(),
                set: args.set.clone(),
            };
            let loaded = Configuration::load(&arguments, registry)?;
            let label = match &shards {
                Some(shards) => format!("nodes {}, shards {shards}", loaded.scenario.nodes),
                None => format!("nodes {}", loaded.scenario.nodes),
            };
            if configurations.iter().any(|c| c.scenario == loaded.scenario) {
                bail!("--nodes {}: {label} is there twice", args.nodes);
            }
            configurations.push(loaded.labelled(label));
        }
    }
    let Some(first) = configurations.first() else { bail!("--nodes: no size is given") };
    let (seed, name) = (first.scenario.seed, first.scenario.name.clone());
    let mut points = Vec::new();
    for run in 1..=repeats {
        for (index, configuration) in configurations.iter().enumerate() {
            let label = configuration.label.replace([',', ' '], "");
            points.push(Point::new(&label, index, run, seed));
        }
    }
    let settings = json!({ "repeat": repeats }).as_object().cloned().unwrap_or_default();
    Ok(Plan { kind: "scale", name, seed, settings, growing: "repeat", configurations, points })
}

/// Runs that should be the same and are not: each, with the first of its size.
fn disagreements(plan: &Plan, store: &Store) -> Vec<String> {
    let mut firsts: Vec<(u32, &Point, &str)> = Vec::new();
    let mut found = Vec::new();
    for point in &plan.points {
        let Some(run) = store.finished().get(&point.id) else { continue };
        let nodes = plan.configurations[point.configuration].scenario.nodes;
        match firsts.iter().find(|(of, ..)| *of == nodes) {
            None => firsts.push((nodes, point, run.digest())),
            Some((_, first, digest)) if *digest != run.digest() => found.push(format!(
                "the result is not the same: {} ({}) has digest {digest}, {} ({}) has {}",
                first.id,
                plan.label(first),
                point.id,
                plan.label(point),
                run.digest()
            )),
            Some(_) => {}
        }
    }
    found
}
