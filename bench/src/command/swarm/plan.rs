//! From the flags of `anthill swarm` to what is to be done.

use std::thread;

use anthill_engine::scenario::parse_count;
use anyhow::bail;

use super::draw::Subject;
use crate::Registry;
use crate::args::SwarmArgs;
use crate::plan::PlanError;

/// Runs without `--runs` and `--seconds`.
const RUNS: u64 = 200;

/// A checked `anthill swarm`.
#[derive(Debug)]
pub(super) struct SwarmPlan<'a> {
    /// The protocols, which take turns.
    pub(super) subjects: Vec<Subject<'a>>,
    /// How many runs.
    pub(super) runs: u64,
    /// Seed of every draw.
    pub(super) seed: u64,
    /// Wall time after which no more are begun.
    pub(super) seconds: Option<u64>,
    /// Runs at once.
    pub(super) threads: usize,
}

impl<'a> SwarmPlan<'a> {
    /// Checks the flags.
    ///
    /// # Errors
    /// On unknown protocols and numbers out of bounds.
    pub(super) fn new(args: &SwarmArgs, registry: &'a Registry) -> anyhow::Result<Self> {
        let seconds = args.seconds.as_deref();
        let seconds = seconds.map(|text| number("--seconds", text, 1..=1_000_000)).transpose()?;
        let runs = match (args.runs.as_deref(), seconds) {
            (Some(text), _) => number("--runs", text, 1..=1_000_000_000)?,
            (None, None) => RUNS,
            (None, Some(_)) => u64::MAX,
        };
        let threads = args.threads.as_deref();
        let threads = threads.map(|text| number("--threads", text, 1..=64)).transpose()?;
        let cores = || thread::available_parallelism().map_or(1, |cores| cores.get().min(64));
        let seed = number("--seed", &args.seed, 0..=u64::MAX)?;
        let entries = match args.protocol.as_slice() {
            [] => registry.entries().iter().collect(),
            names => {
                let named = names.iter().map(|name| registry.named(name));
                named.collect::<Result<Vec<_>, _>>()?
            }
        };
        if entries.is_empty() {
            return Err(PlanError::NoProtocols.into());
        }
        for (at, entry) in entries.iter().enumerate() {
            let name = entry.protocol.name;
            if entries[..at].iter().any(|other| other.protocol.name == name) {
                bail!("--protocol {name}: given twice");
            }
        }
        let subjects = entries.into_iter().map(|entry| Subject::new(entry, registry));
        let subjects = subjects.collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self {
            subjects,
            runs,
            seed,
            seconds,
            threads: threads.map_or_else(cores, |n| n as usize),
        })
    }

    /// Whose turn a run is.
    pub(super) fn place(&self, run: u64) -> usize {
        (run % self.subjects.len() as u64) as usize
    }
}

fn number(flag: &str, text: &str, range: std::ops::RangeInclusive<u64>) -> anyhow::Result<u64> {
    match parse_count(text) {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => {
            bail!("{flag} {text}: must be a whole number from {} to {}", range.start(), range.end())
        }
    }
}
