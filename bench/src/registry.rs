//! The protocols a binary knows, each with everything the command line needs of it.
//!
//! An entry is built by [`entry`], which compiles both engines for the protocol; from there on the
//! command line is not generic. An outside crate registers its own protocol the same way and gets
//! the whole command line from [`crate::main`].

use std::sync::Arc;

use anthill_engine::RowOf;
use anthill_engine::checkpoint::{CheckpointError, may_fork};
use anthill_engine::divergence::Divergence;
use anthill_engine::outcome::Outcome;
use anthill_engine::processes::Fabric;
use anthill_engine::scenario::{ProtocolInfo, Scenario, nearest};
use anthill_node::offer::{Offer, offer};
use anthill_protocol::complexity::Theory;
use anthill_protocol::{Column, Configure, Diagram, Dice, NodeId, SignatureEstimate, Time};

use crate::args::EngineChoice;
use crate::build::Build;
use crate::diagram::Recorded;
use crate::engines::{self, Control, Inspection, MemoryEstimate, Prepared, ShowRow};
use crate::plan::PlanError;

/// One protocol.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name (also that of its preset), parameters and metrics.
    pub protocol: ProtocolInfo,
    /// TOML of the scenario it starts from.
    pub preset: &'static str,
    /// Builds the protocol of a scenario of this entry, the network and the conditions over it.
    pub prepare: fn(&Scenario) -> anyhow::Result<Prepared>,
    /// Runs a scenario of this protocol.
    pub run: fn(&Scenario, &Prepared, EngineChoice, &Control) -> anyhow::Result<Outcome>,
    /// The nodes of a scenario of this protocol that an adversary holds.
    pub held: fn(&Scenario, &Prepared) -> anyhow::Result<Vec<NodeId>>,
    /// The columns of its table of nodes, beside node and region.
    pub columns: &'static [Column],
    /// Runs a scenario of this protocol, and shows every node's row at the end.
    pub run_with_rows: RunWithRows,
    /// A node's row in the middle of a run.
    pub row: RowOf,
    /// The memory a scenario of this protocol needs, found without building anything.
    pub memory: fn(&Scenario) -> anyhow::Result<MemoryEstimate>,
    /// The signatures that a scenario of this protocol takes, if it tells.
    pub signatures: fn(&Scenario) -> anyhow::Result<Option<SignatureEstimate>>,
    /// What a scenario of this protocol would take, found without running it.
    pub inspect: fn(&Scenario, &Prepared) -> anyhow::Result<Inspection>,
    /// The most faults that this protocol tolerates among a scenario's nodes, if it can be told.
    pub most_faults: fn(&Scenario) -> anyhow::Result<Option<u32>>,
    /// What theory says that a scenario of this protocol costs.
    pub theory: fn(&Scenario) -> anyhow::Result<Theory>,
    /// Where the two engines part on a scenario of this protocol, if they do.
    pub divergence: fn(&Scenario) -> anyhow::Result<Option<Divergence>>,
    /// The runs that the protocol's sequence diagrams are recorded from, and who is who in them.
    pub diagrams: &'static [Diagram],
    /// Whether a run of the first scenario can go on under the second from an instant on.
    pub may_fork: fn(&Scenario, &Scenario, Time) -> Result<(), CheckpointError>,
    /// Whether its nodes have a ledger to tell.
    pub has_ledger: bool,
    /// Records the first messages of a scenario of this protocol.
    pub record: fn(&Scenario) -> anyhow::Result<Recorded>,
    /// What is drawn for a random run of this protocol, beside what is drawn for all.
    pub swarm: fn(&mut Dice, u32) -> Vec<(&'static str, String)>,
    /// Metrics that must not stay 0 in many random runs.
    pub situations: &'static [&'static str],
    /// Builds real nodes of this protocol.
    pub node: Offer,
}

/// Runs a scenario, and shows every node's row at the end, in the order of ids.
pub type RunWithRows =
    fn(&Scenario, &Prepared, EngineChoice, &Control, &mut ShowRow<'_>) -> anyhow::Result<Outcome>;

/// A scenario that ships with the binary and is run by its name, beside the protocols' presets.
#[derive(Clone, Copy, Debug)]
pub struct NamedScenario {
    /// Its name; no protocol's.
    pub name: &'static str,
    /// What it shows, in a line.
    pub about: &'static str,
    /// Its TOML.
    pub text: &'static str,
}

/// The entry of a protocol, with the TOML of its preset.
pub fn entry<P: Configure>(preset: &'static str) -> Entry {
    Entry {
        protocol: ProtocolInfo::of::<P>(),
        preset,
        prepare: engines::prepare::<P>,
        run: engines::run::<P>,
        held: engines::held::<P>,
        columns: P::COLUMNS,
        run_with_rows: engines::run_with_rows::<P>,
        row: engines::row::<P>,
        memory: engines::memory::<P>,
        signatures: engines::signatures::<P>,
        inspect: engines::inspect::<P>,
        divergence: engines::divergence::<P>,
        most_faults: engines::most_faults::<P>,
        theory: engines::theory::<P>,
        diagrams: P::DIAGRAMS,
        may_fork: may_fork::<P>,
        has_ledger: P::HAS_LEDGER,
        record: engines::record::<P>,
        swarm: P::swarm,
        situations: P::SITUATIONS,
        node: offer::<P>(preset),
    }
}

/// All protocols of a binary, and its named scenarios; the first protocol's preset is the main job.
#[derive(Clone, Debug)]
pub struct Registry {
    entries: Vec<Entry>,
    scenarios: &'static [NamedScenario],
    processes: Option<Arc<dyn Fabric>>,
}

impl Registry {
    /// A registry of these protocols, the main job's first.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries, scenarios: &[], processes: None }
    }

    /// The same with these scenarios. A protocol's preset goes before a scenario of its name.
    #[must_use]
    pub fn with_scenarios(self, scenarios: &'static [NamedScenario]) -> Self {
        Self { scenarios, ..self }
    }

    /// The same of a binary that was built from this.
    #[must_use]
    pub fn built_from(self, build: Build) -> Self {
        crate::build::note(build);
        self
    }

    /// The same in one of several processes that run together what `run` runs.
    #[must_use]
    pub fn over(self, processes: Arc<dyn Fabric>) -> Self {
        Self { processes: Some(processes).filter(|all| all.size() > 1), ..self }
    }

    /// The processes that run together with this one, if there are others.
    pub(crate) fn processes(&self) -> Option<&Arc<dyn Fabric>> {
        self.processes.as_ref()
    }

    /// The protocols in the order of registration.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The named scenarios.
    pub fn scenarios(&self) -> &[NamedScenario] {
        self.scenarios
    }

    /// The protocol of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.protocol.name == name)
    }

    /// What runs under that name: name and TOML of a protocol's preset or a scenario.
    pub fn preset(&self, name: &str) -> Option<(&'static str, &'static str)> {
        let scenario = || self.scenarios.iter().find(|scenario| scenario.name == name);
        match self.find(name) {
            Some(entry) => Some((entry.protocol.name, entry.preset)),
            None => scenario().map(|scenario| (scenario.name, scenario.text)),
        }
    }

    /// The protocol of that name, or the error that suggests the nearest.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<&Entry, PlanError> {
        self.find(name).ok_or_else(|| PlanError::NoSuchProtocol {
            name: name.to_owned(),
            hint: hint(name, self.protocol_names()),
            all: self.protocol_names().collect::<Vec<_>>().join(", "),
        })
    }

    /// What `anthill` without arguments runs.
    pub fn main_job(&self) -> Option<&Entry> {
        self.entries.first()
    }

    fn protocol_names(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.protocol.name)
    }

    fn preset_names(&self) -> impl Iterator<Item = &'static str> {
        self.protocol_names().chain(self.scenarios.iter().map(|scenario| scenario.name))
    }

    /// The error for a name under which nothing runs.
    pub(crate) fn no_such_preset(&self, name: &str) -> PlanError {
        PlanError::NoSuchScenario {
            name: name.to_owned(),
            hint: hint(name, self.preset_names()),
            presets: self.preset_names().collect::<Vec<_>>().join(", "),
        }
    }
}

/// `; did you mean ...?` for a misspelt name, else nothing.
fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn only_close_names_are_suggested() {
        let registry = fabricated::registry();
        assert_eq!(hint("phol", registry.preset_names()), "; did you mean `phold`?");
        assert_eq!(hint("raft", registry.preset_names()), "");
        assert!(registry.find("phold").is_some_and(|entry| entry.protocol.parameters.len() == 4));
    }
}
