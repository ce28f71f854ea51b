//! Programs that play nodes of a run: `anthill run … --external 0,5-9=./my-node`.
//!
//! `spec` reads the flags; `program` starts one or connects to it, with threads that read and write; `live` keeps
//! virtual time to the clock and hands lines over between windows; `recording` is what a run keeps of them, from
//! which it is repeated without the programs.
//!
//! Invariants: no program can make the run wait without end, take its memory or end it. What is heard of programs is
//! recorded as it is handed to the engine, so a repetition hears exactly that.

mod live;
mod program;
mod recording;
mod spec;
mod text;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anthill_engine::external::{Externals, Gap, Heard};
use anthill_protocol::{NodeId, Time};

use self::live::Live;
use self::recording::Replay;
pub(crate) use self::spec::ExternalPlan;
pub(crate) use self::text::{block, json, lag_note};
use crate::run_directory::RunDirectory;

/// The file of a run directory that holds what programs wrote.
const FILE: &str = "external.jsonl";

/// The programs of a run, from their start to their end.
#[derive(Clone, Debug)]
pub(crate) struct Programs(Arc<Mutex<Live>>);

impl Programs {
    /// Starts them all.
    ///
    /// # Errors
    /// If one cannot be started or reached; none is left behind then.
    pub(crate) fn start(plan: &ExternalPlan) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Live::start(plan)?))))
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends them, and saves what they wrote.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(&self, run: &mut RunDirectory) -> anyhow::Result<()> {
        let mut live = self.live();
        live.end();
        Ok(run.write(FILE, live.recording().text().as_bytes())?)
    }
}

impl Externals for Programs {
    fn begin(&mut self) -> Vec<NodeId> {
        self.live().begin()
    }

    fn tell(&mut self, time: Time, node: NodeId, line: &str) {
        self.live().tell(time, node, line);
    }

    fn hear(&mut self, gap: Gap) -> Heard {
        self.live().hear(gap)
    }

    fn report(&self) -> Option<anthill_engine::external::ExternalReport> {
        Some(self.live().report())
    }
}

/// What programs wrote in a saved run, if it had any.
///
/// # Errors
/// If the recording cannot be read, or is none.
pub(crate) fn recorded(directory: &Path) -> anyhow::Result<Option<Mutex<Box<dyn Externals>>>> {
    let path = directory.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let replay: Box<dyn Externals> = Box::new(Replay::read(&path)?);
    Ok(Some(Mutex::new(replay)))
}
