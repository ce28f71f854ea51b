//! `anthill complexity`: rounds, messages, bits and signatures of honest nodes over a grid of nodes and
//! faults, the exponents that they grow with, and what theory says beside.
//!
//! Each point of the grid is a protocol's preset with another number of nodes, run under several seeds.
//! Costs are counted per decision, so that how long a run is makes no difference.

mod export;
mod measured;
mod page;
mod text;

use anyhow::bail;
use serde_json::json;

use super::{Exit, batch};
use crate::args::{ComplexityArgs, Format, ScenarioArgs};
use crate::interrupt::Interrupts;
use crate::points::{Configuration, Limits, Plan, Point, PointsError, derived_seed};
use crate::{Entry, Registry, terminal};
use measured::{Cell, Complexity};

/// Measures what protocols cost.
pub(super) fn complexity(
    registry: &Registry,
    args: &ComplexityArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let jobs = args.jobs.as_deref().map(|jobs| batch::runs("--jobs", jobs, 1)).transpose()?;
    let (cells, plan) = plan(registry, args)?;
    let limits = Limits::shared(jobs.map(|jobs| jobs as usize), &plan);
    let out = args.batch.out.as_deref();
    let store = match batch::make(&plan, registry, out, limits, args.batch.progress, interrupts)? {
        Ok(store) => store,
        Err(exit) => return Ok(exit),
    };
    let complexity = Complexity::of(cells, &plan, &store, registry)?;
    let json = export::json(&complexity, &store);
    let (page, plots) = page::page(&complexity, &plan, &store);
    let mut files = vec![
        ("costs.csv", export::costs(&complexity)?),
        ("exponents.csv", export::exponents(&complexity)?),
        ("complexity.json", json.clone()),
        ("report.html", page),
    ];
    files.extend(plots);
    let columns = args.batch.parquet.then(|| export::columns(&plan, registry)).transpose()?;
    let saved = batch::save(&store, &files, columns);
    // The figures are shown even if the disk is full.
    match args.batch.format {
        Format::Json => terminal::show(&json)?,
        Format::Text => terminal::show(&text::text(&complexity, &store))?,
    }
    saved?;
    let violated = batch::tell_violations(&plan, &store);
    let broken = complexity.broken();
    for law in &broken {
        terminal::complain("violated", law);
    }
    Ok(if violated || !broken.is_empty() { Exit::Violated } else { Exit::Done })
}

fn plan(registry: &Registry, args: &ComplexityArgs) -> anyhow::Result<(Vec<Cell>, Plan)> {
    let seeds = batch::runs("--seeds", &args.seeds, 1)?;
    let sizes = batch::list("--n", &args.n)?;
    let faults = batch::list("--f", &args.f)?;
    let deltas: Vec<Option<String>> = match &args.delta {
        Some(text) => batch::list("--delta", text)?.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let mut protocols = Vec::new();
    for name in &args.protocol {
        for name in batch::list("--protocol", name)? {
            protocols.push(registry.named(&name)?);
        }
    }
    let (mut cells, mut configurations) = (Vec::new(), Vec::new());
    for entry in &protocols {
        for delta in &deltas {
            for f in &faults {
                for n in &sizes {
                    let loaded = load(registry, entry, args, (n, f, delta.as_deref()))?;
                    let name = entry.protocol.name;
                    let (n, f) = (loaded.scenario.nodes, f.clone());
                    let label = label(name, n, &f, delta.as_deref());
                    configurations.push(loaded.labelled(label));
                    cells.push(Cell { protocol: name, n, f, delta: delta.clone() });
                }
            }
        }
    }
    let runs = configurations.len() as u64 * u64::from(seeds);
    if runs > crate::points::MAX_RUNS as u64 {
        return Err(PointsError::TooMany { runs }.into());
    }
    let Some(first) = configurations.first() else { bail!("--n: no size is given") };
    let seed = first.scenario.seed;
    let names: Vec<&str> = protocols.iter().map(|entry| entry.protocol.name).collect();
    let name = if names.len() > 3 { "several".to_owned() } else { names.join("-") };
    let mut points = Vec::new();
    for run in 1..=seeds {
        for (index, configuration) in configurations.iter().enumerate() {
            let seed = derived_seed(seed, &[("cell", &configuration.label)], run);
            points.push(Point::new(&format!("c{:04}", index + 1), index, run, seed));
        }
    }
    let settings = json!({ "seeds": seeds, "n": args.n, "f": args.f, "delta": args.delta });
    let settings = settings.as_object().cloned().unwrap_or_default();
    let kind = "complexity";
    Ok((cells, Plan { kind, name, seed, settings, growing: "seeds", configurations, points }))
}

fn label(protocol: &str, n: u32, f: &str, delta: Option<&str>) -> String {
    let faults = if f == "max" { String::new() } else { format!(", f {f}") };
    let delta = delta.map_or_else(String::new, |delta| format!(", delta {delta}"));
    format!("{protocol} n {n}{faults}{delta}")
}

/// The scenario of a cell of the grid.
fn load(
    registry: &Registry,
    entry: &Entry,
    args: &ComplexityArgs,
    (n, f, delta): (&str, &str, Option<&str>),
) -> anyhow::Result<Configuration> {
    let name = entry.protocol.name;
    let has = |key: &str| entry.protocol.parameters.iter().any(|known| known.name == key);
    let mut set = args.set.clone();
    // Groups of replicas: one of them.
    if has("group") {
        set.push(format!("protocol.group={n}"));
    }
    if let Some(delta) = delta {
        if !has("delta") {
            bail!("--delta {delta}: {name} has no parameter `delta`");
        }
        set.push(format!("protocol.delta={delta}"));
    }
    let with_faults = |faults: Option<&str>| {
        let faults = faults.map(|faults| format!("protocol.faults={faults}"));
        let arguments = ScenarioArgs {
            protocol: Some(name.to_owned()),
            nodes: Some(n.to_owned()),
            until: args.until.clone(),
            seed: args.seed.clone(),
            // Small runs, several at a time.
            threads: Some("1".to_owned()),
            set: set.iter().cloned().chain(faults).collect(),
            ..ScenarioArgs::default()
        };
        Configuration::load(&arguments, registry)
    };
    match (f, has("faults")) {
        ("max", false) => with_faults(None),
        ("max", true) => {
            let least = with_faults(Some("0"))?;
            match (entry.most_faults)(&least.scenario)? {
                Some(most) => with_faults(Some(&most.to_string())),
                None => Ok(least),
            }
        }
        (_, true) => with_faults(Some(f)),
        (_, false) => {
            bail!("--f {f}: {name} has no parameter `faults`; leave --f out, or give max")
        }
    }
}
