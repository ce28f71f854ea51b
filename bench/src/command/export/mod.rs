//! `anthill export`: what other tools read.
//!
//! Nothing is overwritten, and what is larger than a limit is refused before anything is written.

mod graph;
mod pcapng;
mod shadow;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anthill_engine::scenario::Scenario;
use anyhow::{Context as _, bail};

use super::{Exit, run};
use crate::args::{ExportArgs, ExportCommand, PcapngArgs, ScenarioArgs, ShadowArgs, TopologyArgs};
use crate::engines::{self, Prepared};
use crate::plan::ScenarioPlan;
use crate::{Registry, terminal};

/// Writes what is wanted.
pub(super) fn export(registry: &Registry, args: ExportArgs) -> anyhow::Result<Exit> {
    match args.command {
        ExportCommand::Topology(args) => topology(registry, args),
        ExportCommand::Shadow(args) => to_shadow(registry, args),
        ExportCommand::Pcapng(args) => to_pcapng(&args),
    }
}

fn topology(registry: &Registry, args: TopologyArgs) -> anyhow::Result<Exit> {
    let (scenario, prepared) = prepared(registry, args.scenario)?;
    let graph = graph::Graph::of(prepared.network().topology(), scenario.population())?;
    let mut file = create(&args.out)?;
    graph.write(args.to, &mut file)?;
    file.flush()?;
    let (nodes, edges) = (scenario.population(), graph.edges());
    say(&format!("{nodes} nodes and {edges} edges in {}", args.out.display()))
}

fn to_shadow(registry: &Registry, args: ShadowArgs) -> anyhow::Result<Exit> {
    let (scenario, prepared) = prepared(registry, args.scenario)?;
    let network = shadow::Places::of(prepared.network(), &scenario)?;
    let yaml = shadow::yaml(&network, &scenario, &args.process)?;
    if args.out.exists() {
        bail!("{} is there and is never overwritten; choose another --out", args.out.display());
    }
    let cannot = || format!("cannot write {}; choose another --out", args.out.display());
    fs::create_dir_all(&args.out).with_context(cannot)?;
    let mut gml = create(&args.out.join("network.gml"))?;
    gml.write_all(network.gml().as_bytes()).with_context(cannot)?;
    gml.flush().with_context(cannot)?;
    let mut file = create(&args.out.join("shadow.yaml"))?;
    file.write_all(yaml.as_bytes()).with_context(cannot)?;
    file.flush().with_context(cannot)?;
    for note in network.notes() {
        terminal::complain("note", note);
    }
    say(&format!("shadow.yaml and network.gml in {}", args.out.display()))
}

fn to_pcapng(args: &PcapngArgs) -> anyhow::Result<Exit> {
    let trace = args.directory.join("trace.jsonl");
    let capture = pcapng::Capture::read(&trace)?;
    let mut file = create(&args.out)?;
    file.write_all(&capture.bytes())?;
    file.flush()?;
    let packets = capture.packets();
    say(&format!("{packets} packets in {}; {}", args.out.display(), capture.ports()))
}

fn prepared(registry: &Registry, args: ScenarioArgs) -> anyhow::Result<(Scenario, Prepared)> {
    let plan = ScenarioPlan::new(args, registry)?;
    let scenario = engines::load(&plan.source, &plan.overrides, registry)?;
    let entry = registry.named(&scenario.protocol)?;
    run::admit(entry, &scenario)?;
    let prepared = run::prepare(entry, &scenario)?;
    Ok((scenario, prepared))
}

fn create(path: &Path) -> anyhow::Result<BufWriter<File>> {
    let file = File::create_new(path)
        .with_context(|| format!("cannot make {}; choose another --out", path.display()))?;
    Ok(BufWriter::new(file))
}

fn say(what: &str) -> anyhow::Result<Exit> {
    terminal::show(&format!("{what}\n"))?;
    Ok(Exit::Done)
}
