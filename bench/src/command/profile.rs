//! `anthill profile`: a run, or the same at several sizes, with its stacks sampled.
//!
//! One size leaves a run directory with the profile beside the summary; several leave one of these
//! each, and what grew between the first and the last. The sizes run in this process, one after the
//! other, so that all are symbolised alike; their memory is not compared (`anthill scale` does).

use std::path::PathBuf;
use std::sync::Arc;

use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::{Scenario, parse_span};
use anyhow::{Context as _, bail};

use super::Exit;
use crate::args::{EngineChoice, ProfileArgs, ScenarioArgs};
use crate::clock::Stopwatch;
use crate::cost::Cost;
use crate::engines::{self, Control};
use crate::export::{self, Record, summary};
use crate::interrupt::Interrupts;
use crate::machine::Usage;
use crate::plan::ScenarioPlan;
use crate::profile::growth::{self, Measured};
use crate::profile::{Profile, Sampler, flames, growth_flames, pprof};
use crate::progress::Progress;
use crate::run_directory::RunDirectory;
use crate::trace::wanted;
use crate::{Entry, Registry, terminal, units};

/// The most samples per second of CPU time that the kernel's timer gives.
const MOST_HZ: u64 = 100;
/// Rows of the table of what grew.
const ROWS: usize = 24;

/// A profiled run.
struct Size {
    /// The number of nodes.
    name: String,
    profile: Profile,
    /// The last of its runs, which are all the same.
    outcome: Outcome,
    /// How many runs the profile covers.
    runs: u32,
    cost: Cost,
}

impl Size {
    /// The events that the profile covers.
    fn events(&self) -> u64 {
        self.outcome.result.totals.events * u64::from(self.runs)
    }
}

/// Profiles a scenario at one or more sizes.
pub(super) fn profile(
    registry: &Registry,
    args: &ProfileArgs,
    interrupts: &Interrupts,
) -> anyhow::Result<Exit> {
    let sizes = sizes(&args.scenario)?;
    let least_s = least_s(args)?;
    hz(args)?;
    let load = |size: &ScenarioArgs| {
        let plan = ScenarioPlan::new(size.clone(), registry)?;
        let scenario = engines::load(&plan.source, &plan.overrides, registry)?;
        let entry = registry.named(&scenario.protocol)?;
        super::run::admit(entry, &scenario)?;
        anyhow::Ok((entry, scenario))
    };
    // All are checked before the first runs.
    let loaded: Vec<(&Entry, Scenario)> = sizes.iter().map(load).collect::<Result<_, _>>()?;
    let Some((_, first)) = loaded.first() else { bail!("--nodes names no size") };
    let control = Arc::new(Control::default());
    let name = format!("profile-{}", first.name);
    let out = args.out.as_deref();
    let mut directory = match &loaded[..] {
        [(_, scenario)] => super::run::claim(out, scenario, &name, interrupts)?,
        _ => {
            let sizes: Vec<String> =
                loaded.iter().map(|(_, scenario)| scenario.nodes.to_string()).collect();
            let named = (name.as_str(), first.seed);
            interrupts.claim(|| RunDirectory::claim_for_runs(out, named, &sizes))?
        }
    };
    let mut profiled = Vec::new();
    for (entry, scenario) in &loaded {
        let mut inner = None;
        if loaded.len() > 1 {
            let path = directory.path().join(scenario.nodes.to_string());
            inner = Some(super::run::claim(Some(&path), scenario, &name, interrupts)?);
        }
        let run = inner.as_mut().unwrap_or(&mut directory);
        let done = one(entry, scenario, (args, least_s), (interrupts, &control), run);
        let interrupted = interrupts.pause();
        if let Ok(Some(size)) = done {
            profiled.push(size);
            if !interrupted || profiled.len() == loaded.len() {
                continue;
            }
            tell_kept(&profiled, loaded.len(), &directory);
            return Ok(Exit::Interrupted);
        }
        if let Some(inner) = inner {
            inner.abandon();
        }
        if profiled.is_empty() {
            directory.abandon();
        } else {
            tell_kept(&profiled, loaded.len(), &directory);
        }
        return done.map(|_| Exit::Interrupted);
    }
    if let [first, .., last] = &profiled[..]
        && first.profile.samples().min(last.profile.samples()) > 0
    {
        interrupts.hold(|| compare(first, last, &mut directory))?;
    }
    terminal::show(&format!("Saved in {}\n", directory.path().display()))?;
    let stopped = profiled.iter().any(|size| size.outcome.ended == Ended::MemoryLimit);
    Ok(if stopped { Exit::Violated } else { Exit::Done })
}

/// Samples per second of CPU time.
fn hz(args: &ProfileArgs) -> anyhow::Result<u32> {
    Ok(wanted::count("--hz", &args.hz, MOST_HZ)? as u32)
}

fn tell_kept(profiled: &[Size], all: usize, directory: &RunDirectory) {
    let (kept, path) = (profiled.len(), directory.path().display());
    terminal::complain("note", &format!("{kept} of {all} sizes are kept in {path}"));
}

/// The CPU time to sample of each size, in seconds.
fn least_s(args: &ProfileArgs) -> anyhow::Result<f64> {
    let Some(text) = &args.at_least else { return Ok(0.0) };
    match parse_span(text) {
        // More samples have no place.
        Ok(span) if span.0 <= 600_000_000_000 => Ok(span.0 as f64 / 1e9),
        Ok(_) => bail!("--at-least {text}: at most 10min"),
        Err(problem) => bail!("--at-least {text}: {problem}"),
    }
}

/// The scenario once per size of `--nodes`.
fn sizes(args: &ScenarioArgs) -> anyhow::Result<Vec<ScenarioArgs>> {
    let Some(list) = &args.nodes else { return Ok(vec![args.clone()]) };
    let sizes: Vec<&str> = list.split(',').map(str::trim).collect();
    if let Some(place) = sizes.iter().position(|size| size.is_empty()) {
        bail!("--nodes {list}: size {} is empty; write them as 10k,1M", place + 1);
    }
    if let Some(twice) =
        sizes.iter().enumerate().find_map(|(i, s)| sizes[..i].contains(s).then_some(s))
    {
        bail!("--nodes {list}: {twice} is named twice");
    }
    Ok(sizes
        .into_iter()
        .map(|size| ScenarioArgs { nodes: Some(size.to_owned()), ..args.clone() })
        .collect())
}

/// Runs and saves one size; `None` if interrupted.
fn one(
    entry: &Entry,
    scenario: &Scenario,
    (args, least_s): (&ProfileArgs, f64),
    (interrupts, control): (&Interrupts, &Arc<Control>),
    run: &mut RunDirectory,
) -> anyhow::Result<Option<Size>> {
    let watch = Stopwatch::start();
    let before = Usage::read();
    let prepared = super::run::prepare(entry, scenario)?;
    let setting = prepared.setting(scenario);
    let regions = prepared.regions(scenario);
    let manifest = super::run::manifest(scenario, (&setting, &regions), EngineChoice::Sharded);
    interrupts.begin(control, || run.write("manifest.json", manifest.as_bytes()))?;
    super::run::save_node_ids(&prepared, run)?;
    let sampler = Sampler::start(hz(args)?).context("cannot sample this process")?;
    let begun_s = Usage::read().cpu_s;
    let mut runs = 0;
    let progress = Progress::start(args.progress, scenario.until, control);
    let outcome = loop {
        let outcome = (entry.run)(scenario, &prepared, EngineChoice::Sharded, control)?;
        runs += 1;
        if outcome.ended != Ended::Finished || Usage::read().cpu_s - begun_s >= least_s {
            break outcome;
        }
    };
    drop(progress);
    let samples = sampler.stop();
    if outcome.ended == Ended::Interrupted {
        return Ok(None);
    }
    let usage = Usage::read();
    let cost =
        Cost::new(&outcome, watch.elapsed(), Usage { cpu_s: usage.cpu_s - before.cpu_s, ..usage });
    let path = run.path().to_owned();
    let record = Record {
        scenario,
        setting: &setting,
        engine: EngineChoice::Sharded,
        outcome: &outcome,
        cost,
        directory: &path,
    };
    let title = format!("{}, {} nodes", scenario.name, scenario.nodes);
    let profile = Profile::of(&samples);
    let saved = save(&record, &profile, &title, run);
    let size = Size { name: units::count(scenario.nodes.into()), profile, outcome, runs, cost };
    // The figures are shown even if the disk is full.
    terminal::show(&text(&size, &title, saved.is_ok().then_some(&path)))?;
    saved.map(|()| Some(size))
}

/// Saves the profile beside what every run leaves.
fn save(
    record: &Record<'_>,
    profile: &Profile,
    title: &str,
    run: &mut RunDirectory,
) -> anyhow::Result<()> {
    if profile.samples() == 0 {
        let short = "the run was too short for a single sample: no flamegraph; run longer, or --at-least 10s";
        terminal::complain("warning", short);
    } else {
        run.write("flamegraph.svg", &flames::of(profile, title)?)?;
    }
    run.write("stacks.folded", profile.folded().as_bytes())?;
    run.write("profile.pb.gz", &pprof::bytes(profile))?;
    export::save(record, &summary::text(record), run)
}

/// What is printed of one size: the phases as the engine measured them, and the functions as the
/// samples have them.
fn text(size: &Size, title: &str, saved: Option<&PathBuf>) -> String {
    use std::fmt::Write as _;
    let Size { profile, outcome, runs, cost, .. } = size;
    let events = outcome.result.totals.events;
    let mut text = format!(
        "{title}: {events} events, {:.1} ns of CPU each; {} samples{}{}\n",
        cost.ns_per_event,
        profile.samples(),
        match runs {
            1 => String::new(),
            runs => format!(" in {runs} runs, the last of which is told"),
        },
        match profile.lost {
            0 => String::new(),
            lost => format!(" ({lost} more lost)"),
        },
    );
    let phases = cost.phases_ns();
    let all: u64 = phases.iter().map(|(_, ns)| ns).sum();
    for (name, ns) in phases {
        let share = 100.0 * ns as f64 / all.max(1) as f64;
        let each = ns as f64 / events.max(1) as f64;
        // A write to a string does not fail.
        let _ = writeln!(text, "  {name:<10} {share:5.1} %  {each:8.1} ns per event");
    }
    if let Some(path) = saved {
        let _ = writeln!(text, "  {}\n", path.join("flamegraph.svg").display());
    }
    text
}

/// Prints and saves where the cost of an event grows from the first to the last size.
fn compare(first: &Size, last: &Size, directory: &mut RunDirectory) -> anyhow::Result<()> {
    let [a, b] = [first, last].map(|size| Measured {
        name: &size.name,
        profile: &size.profile,
        events: size.events(),
    });
    let table = growth::table(a, b, ROWS);
    let drawn = growth_flames::svg(a, b)?;
    terminal::show(&format!("{table}\n"))?;
    directory.write("growth.svg", &drawn)?;
    directory.write("growth.csv", growth::csv(&growth::rows(a, b)).as_bytes())?;
    directory.write("growth.txt", table.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_listed_once_each() {
        let of = |nodes: &str| {
            let args = ScenarioArgs { nodes: Some(nodes.into()), ..ScenarioArgs::default() };
            let sizes = sizes(&args).map_err(|problem| problem.to_string())?;
            Ok::<_, String>(sizes.into_iter().filter_map(|size| size.nodes).collect::<Vec<_>>())
        };
        assert_eq!(of("10k, 1M"), Ok(vec!["10k".to_owned(), "1M".to_owned()]));
        assert_eq!(of("1k"), Ok(vec!["1k".to_owned()]));
        assert_eq!(of("1k,1k"), Err("--nodes 1k,1k: 1k is named twice".into()));
        assert!(of("1k,,2k").is_err_and(|problem| problem.contains("size 2 is empty")));
    }
}
