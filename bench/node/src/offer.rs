//! A protocol of which real nodes can be run.

use anthill_engine::scenario::{Override, ProtocolInfo, Scenario, ScenarioError, Source};
use anthill_protocol::Configure;

use crate::live::{self, Place};
use crate::machine::Machine;

/// A protocol of which real nodes can be run.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Its name, parameters and metrics.
    pub protocol: ProtocolInfo,
    /// TOML of the scenario that its networks start from.
    pub preset: &'static str,
    /// Where a network of so many real nodes differs from it.
    pub real: fn(u32) -> Vec<(&'static str, String)>,
    /// Builds the nodes of a process.
    pub build: fn(&Scenario, &Place) -> anyhow::Result<Box<dyn Machine>>,
}

/// The offer of a protocol, with the TOML of its preset.
pub fn offer<P: Configure>(preset: &'static str) -> Offer {
    Offer { protocol: ProtocolInfo::of::<P>(), preset, real: P::real, build: live::build::<P> }
}

impl Offer {
    /// The scenario of a network of so many processes, changed by `path=value` arguments.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn scenario(&self, processes: u32, changes: &[String]) -> Result<Scenario, ScenarioError> {
        let own = vec![("nodes", processes.to_string()), ("crypto.mode", "\"real\"".to_owned())];
        // Replicas that come in groups are one group.
        let group = self.protocol.parameters.iter().find(|it| it.name == "group");
        let group = group.map(|_| ("protocol.group", processes.to_string()));
        let given = own.into_iter().chain(group).chain((self.real)(processes));
        let given = given.map(|(path, value)| format!("{path}={value}"));
        let all: Vec<String> = given.chain(changes.iter().cloned()).collect();
        let overrides = all.iter().map(|it| Override::set(it)).collect::<Result<Vec<_>, _>>()?;
        let (name, text) = (self.protocol.name.to_owned(), self.preset.to_owned());
        Scenario::load(&Source::Text { name, text }, &overrides, &[self.protocol])
    }
}

/// What tells a network's scenario from others: all that decides what its nodes do.
pub(crate) fn hash_of(scenario: &Scenario, processes: u32) -> [u8; 32] {
    let engine = anthill_engine::scenario::EngineOptions::default();
    let decisive = Scenario { name: String::new(), engine, ..scenario.clone() };
    let text = format!("{processes} processes\n{}", decisive.to_toml());
    blake3::derive_key("anthill node scenario v1", text.as_bytes())
}
