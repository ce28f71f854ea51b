//! The protocols a binary knows, each with everything the command line needs of it.
//!
//! An entry is built by [`entry`], which compiles both engines for the protocol; from there on the
//! command line is not generic. An outside crate registers its own protocol the same way and gets
//! the whole command line from [`crate::main`].

use anthill_engine::divergence::Divergence;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, nearest};
use anthill_protocol::Configure;
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::Traffic;

use crate::args::EngineChoice;
use crate::engines::{self, Control, Inspection, MemoryEstimate};
use crate::plan::PlanError;

/// One protocol.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name (also that of its preset), parameters and metrics.
    pub protocol: ProtocolInfo,
    /// TOML of the scenario it starts from.
    pub preset: &'static str,
    /// Runs a scenario of this protocol.
    pub run: fn(&Scenario, EngineChoice, &Control) -> anyhow::Result<Outcome>,
    /// The memory a scenario of this protocol needs, found without building anything.
    pub memory: fn(&Scenario) -> anyhow::Result<MemoryEstimate>,
    /// What a scenario of this protocol would take, found by building its network.
    pub inspect: fn(&Scenario) -> anyhow::Result<Inspection>,
    /// Where the two engines part on a scenario of this protocol, if they do.
    pub divergence: fn(&Scenario) -> anyhow::Result<Option<Divergence>>,
}

/// The entry of a protocol, with the TOML of its preset.
pub fn entry<P: Configure>(preset: &'static str) -> Entry {
    Entry {
        protocol: ProtocolInfo::of::<P>(),
        preset,
        run: engines::run::<P>,
        memory: engines::memory::<P>,
        inspect: engines::inspect::<P>,
        divergence: engines::divergence::<P>,
    }
}

/// The protocols that ship with Anthill.
pub fn shipped() -> Registry {
    Registry::new(vec![
        // The first entry is the main job.
        entry::<Gossip>(include_str!("../scenarios/gossip.toml")),
        entry::<Phold>(include_str!("../scenarios/phold.toml")),
        entry::<Timers>(include_str!("../scenarios/timers.toml")),
        entry::<Traffic>(include_str!("../scenarios/traffic.toml")),
    ])
}

/// All protocols of a binary; the first one's preset is the main job.
#[derive(Clone, Debug)]
pub struct Registry(Vec<Entry>);

impl Registry {
    /// A registry of these protocols, the main job's first.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self(entries)
    }

    /// The protocols in the order of registration.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The protocol of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.protocol.name == name)
    }

    /// The protocol of that name, or the error that suggests the nearest.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<&Entry, PlanError> {
        self.find(name).ok_or_else(|| PlanError::NoSuchProtocol {
            name: name.to_owned(),
            hint: self.nearest(name),
            all: self.names(),
        })
    }

    /// What `anthill` without arguments runs.
    pub fn main_job(&self) -> Option<&Entry> {
        self.0.first()
    }

    /// All names, for messages.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|entry| entry.protocol.name).collect();
        names.join(", ")
    }

    /// `; did you mean ...?` for a misspelt name, else nothing.
    pub fn nearest(&self, name: &str) -> String {
        let known = self.0.iter().map(|entry| entry.protocol.name);
        nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::fabricated;

    #[test]
    fn every_preset_is_named_after_its_protocol() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut names = Vec::new();
        for file in fs::read_dir(directory).expect("the presets") {
            let path = file.expect("a preset").path();
            let text = fs::read_to_string(&path).expect("readable");
            let preset: toml::Table = text.parse().expect("TOML");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            assert_eq!(preset["protocol"]["name"].as_str(), Some(name.as_str()));
            assert!(preset["nodes"].is_integer() && preset["until"].is_str(), "{name}");
            names.push(name);
        }
        assert!(names.iter().any(|name| name == "phold"), "{names:?}");
    }

    #[test]
    fn only_close_names_are_suggested() {
        let registry = fabricated::registry();
        assert_eq!(registry.nearest("phol"), "; did you mean `phold`?");
        assert_eq!(registry.nearest("raft"), "");
        assert!(registry.find("phold").is_some_and(|entry| entry.protocol.parameters.len() == 4));
    }
}
