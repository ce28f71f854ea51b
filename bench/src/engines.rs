//! Everything the command line asks of the engine, compiled once per protocol.

use std::any::Any;

use anthill_engine::conditions::Conditions;
use anthill_engine::divergence::{Divergence, find};
use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, ScenarioError};
use anthill_engine::{run as run_sharded, run_under, sequential};
use anthill_protocol::{Configure, Message as _, Protocol};

pub use anthill_engine::network::LimitingLink;
pub(crate) use anthill_engine::scenario::{Override, Source};
pub use anthill_engine::{Control, MemoryEstimate};

use crate::Registry;
use crate::args::EngineChoice;
use crate::clock::Stopwatch;
use crate::setting::Setting;
use crate::units;

/// What a scenario would take, found without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The window, in ns.
    pub w_ns: u64,
    /// The lookahead, in ns.
    pub l_ns: u64,
    /// The links with the least delay, least first, at most ten.
    pub limiting: Vec<LimitingLink>,
    /// What of its tables the network model changed, assumed or left out.
    pub notes: Vec<String>,
    /// Events expected per window at the busiest, over all nodes.
    pub events_per_window: f64,
}

/// A scenario's protocol, network and the conditions over it: all that a run needs beside the
/// scenario.
#[derive(Debug)]
pub struct Prepared {
    /// Configured and fitted; of the type that it was prepared for.
    protocol: Box<dyn Any + Send + Sync>,
    network: Network,
    conditions: Option<Conditions>,
    /// Wall time that building them took.
    setup_ns: u64,
}

impl Prepared {
    fn protocol<P: Configure>(&self) -> &P {
        self.protocol.downcast_ref().expect("prepared for this protocol")
    }

    /// What is on, in words.
    pub(crate) fn setting(&self, scenario: &Scenario) -> Setting {
        Setting::of(scenario, self.conditions.as_ref())
    }

    /// What of its tables the network model changed, assumed or left out.
    pub(crate) fn notes(&self) -> Vec<String> {
        notes(&self.network)
    }
}

/// Parses and checks a scenario.
pub(crate) fn load(
    source: &Source,
    changes: &[Override],
    registry: &Registry,
) -> Result<Scenario, ScenarioError> {
    let protocols: Vec<ProtocolInfo> = registry.entries().iter().map(|e| e.protocol).collect();
    Scenario::load(source, changes, &protocols)
}

/// The memory a scenario needs; builds nothing.
pub(crate) fn memory<P: Configure>(scenario: &Scenario) -> anyhow::Result<MemoryEstimate> {
    // Not fitted: that may take memory, of which this is to say whether there is enough.
    Ok(MemoryEstimate::of(&P::configure(&scenario.values)?, scenario))
}

/// Builds a scenario's protocol, network and conditions; fails on what only they can tell, such as
/// a fault that strikes nobody.
pub(crate) fn prepare<P: Configure>(scenario: &Scenario) -> anyhow::Result<Prepared> {
    let watch = Stopwatch::start();
    let protocol = Box::new(scenario.protocol::<P>()?);
    let network = Network::build(&scenario.network, scenario.nodes, scenario.seed)?;
    let kinds = <P as Protocol>::Message::KINDS;
    let conditions = Conditions::build(scenario, &network, kinds)?;
    Ok(Prepared { protocol, network, conditions, setup_ns: watch.elapsed().as_nanos() as u64 })
}

/// What a scenario would take.
pub(crate) fn inspect<P: Configure>(
    scenario: &Scenario,
    prepared: &Prepared,
) -> anyhow::Result<Inspection> {
    let rate = prepared.protocol::<P>().events_per_node_second();
    let network = &prepared.network;
    let l_ns = network.lookahead().0;
    let w_ns = anthill_engine::window(network.lookahead()).0;
    Ok(Inspection {
        w_ns,
        l_ns,
        limiting: network.limiting_links(),
        notes: prepared.notes(),
        events_per_window: f64::from(scenario.nodes) * rate * w_ns as f64 / 1e9,
    })
}

/// Where the sharded engine and the oracle part on a scenario; `None` if they agree.
pub(crate) fn divergence<P: Configure>(scenario: &Scenario) -> anyhow::Result<Option<Divergence>> {
    let protocol = scenario.protocol::<P>()?;
    let network = Network::build(&scenario.network, scenario.nodes, scenario.seed)?;
    Ok(find(
        |control| run_sharded(&protocol, scenario, &network, control),
        |control| sequential::run(&protocol, scenario, &network, control),
    )?)
}

/// What of its tables the network model changed, assumed or left out: printed with every result,
/// because measured tables have gaps and entries that cannot be true.
fn notes(network: &Network) -> Vec<String> {
    let mut notes = Vec::new();
    if network.clamped() > 0 {
        let clamped = units::count(network.clamped());
        notes.push(format!("{clamped} latencies below network.min_delay were raised to it"));
    }
    if network.assumed() > 0 {
        let assumed = units::count(network.assumed());
        notes.push(format!(
            "{assumed} regions have no latency of their own: network.min_delay was assumed"
        ));
    }
    if let [first, rest @ ..] = network.left_out() {
        let shown: Vec<&str> = rest.iter().take(4).map(String::as_str).collect();
        let others = rest.len() - shown.len();
        notes.push(format!(
            "{} regions hold no node because the table lacks latencies between them and others \
             ({first}{}{}{}); give network.shares to choose",
            rest.len() + 1,
            if shown.is_empty() { "" } else { ", " },
            shown.join(", "),
            if others > 0 { format!(" and {others} more") } else { String::new() },
        ));
    }
    notes
}

/// Runs a scenario with the chosen engine, and adds the protocol's checks.
pub(crate) fn run<P: Configure>(
    scenario: &Scenario,
    prepared: &Prepared,
    engine: EngineChoice,
    control: &Control,
) -> anyhow::Result<Outcome> {
    let protocol = prepared.protocol::<P>();
    let (network, conditions) = (&prepared.network, prepared.conditions.as_ref());
    let mut outcome = match engine {
        EngineChoice::Sharded => run_under(protocol, scenario, network, conditions, control)?,
        EngineChoice::Sequential => {
            sequential::run_under(protocol, scenario, network, conditions, control)?
        }
    };
    outcome.host.setup_ns += prepared.setup_ns;
    // After the engine's own.
    outcome.result.checks.extend(protocol.checks(&outcome.result.facts));
    Ok(outcome)
}
