//! `anthill replay`: runs a manifest again and compares the digests.
//!
//! Saves nothing. The scenario is the resolved one of the manifest, so neither a changed preset
//! nor a changed default makes a difference; a changed protocol or engine does.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anthill_engine::outcome::Ended;
use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use serde_json::Value;

use super::{Exit, run};
use crate::args::{EngineChoice, ReplayArgs};
use crate::engines::{self, Control, Source};
use crate::export::{manifest, summary};
use crate::progress::Progress;
use crate::{Registry, interrupt, terminal};

/// Runs a saved run again.
pub(super) fn replay(registry: &Registry, args: &ReplayArgs) -> anyhow::Result<Exit> {
    let recorded = Recorded::read(&args.directory)?;
    let scenario = engines::load(&recorded.source, &[], registry)?;
    let entry = registry.named(&scenario.protocol)?;
    run::admit(entry, &scenario)?;
    let control = Arc::new(Control::default());
    interrupt::connect(&control)?;
    let outcome = {
        let _progress = Progress::start(args.progress, scenario.until, &control);
        (entry.run)(&scenario, recorded.engine, &control)?
    };
    if outcome.ended == Ended::Interrupted {
        return Ok(Exit::Interrupted);
    }
    if outcome.ended == Ended::MemoryLimit {
        terminal::complain("error", "stopped at engine.memory_limit: nothing to compare");
        return Ok(Exit::Violated);
    }
    let digest = summary::digest(outcome.result.digest);
    if digest == recorded.digest {
        terminal::show(&format!("same digest {digest}\n"))?;
        return Ok(Exit::Done);
    }
    terminal::show(&format!(
        "different digest: recorded {} by commit {}, now {digest} by commit {}\n",
        recorded.digest,
        recorded.commit,
        env!("ANTHILL_COMMIT")
    ))?;
    Ok(Exit::Violated)
}

/// What a run directory says of its run.
#[derive(Debug)]
struct Recorded {
    source: Source,
    engine: EngineChoice,
    digest: String,
    commit: String,
}

impl Recorded {
    fn read(directory: &Path) -> anyhow::Result<Self> {
        let manifest = json(&directory.join("manifest.json"))?;
        if manifest["format"] != manifest::FORMAT {
            bail!(
                "{} has manifest format {}, this version reads {}",
                directory.display(),
                manifest["format"],
                manifest::FORMAT
            );
        }
        let summary = json(&directory.join("summary.json"))?;
        if summary["ended"] != "finished" {
            bail!("{}: the run was cut short, its digest cannot be met", directory.display());
        }
        let text = |value: &Value, name: &str| -> anyhow::Result<String> {
            let found = value[name].as_str().map(str::to_owned);
            found.with_context(|| format!("{} does not record `{name}`", directory.display()))
        };
        let engine = EngineChoice::from_str(&text(&manifest, "engine")?, false);
        Ok(Self {
            source: Source::Text {
                name: text(&manifest, "name")?,
                text: text(&manifest, "scenario_toml")?,
            },
            engine: engine.map_err(anyhow::Error::msg).context("unknown engine")?,
            digest: text(&summary, "digest")?,
            commit: text(&manifest, "commit")?,
        })
    }
}

fn json(path: &Path) -> anyhow::Result<Value> {
    let cannot = || format!("cannot read {}: give a run directory", path.display());
    // A run directory never holds more; anything larger is not one.
    let metadata = fs::metadata(path).with_context(cannot)?;
    if !metadata.is_file() || metadata.len() > crate::run_directory::MAX_BYTES {
        bail!("{} is not a file of a run directory", path.display());
    }
    let text = fs::read_to_string(path).with_context(cannot)?;
    serde_json::from_str(&text).with_context(cannot)
}
