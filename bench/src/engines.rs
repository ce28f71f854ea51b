//! Everything the command line asks of the engine, compiled once per protocol.

use std::any::Any;
use std::cell::RefCell;

use anthill_engine::conditions::Conditions;
use anthill_engine::divergence::{Divergence, find};
use anthill_engine::network::Network;
use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::{ProtocolInfo, Scenario, ScenarioError};
use anthill_engine::topology::NodeNames;
use anthill_engine::{run as run_sharded, run_under, run_visited, sequential};
use anthill_protocol::complexity::Theory;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Cell, Configure, Message as _, NodeId, Protocol, SignatureEstimate};

pub use anthill_engine::network::{LimitingLink, Tail};
pub(crate) use anthill_engine::scenario::{Override, Source};
pub use anthill_engine::{Control, MemoryEstimate};

use crate::Registry;
use crate::args::EngineChoice;
use crate::clock::Stopwatch;
use crate::diagram::{self, Recorded};
use crate::notes;
use crate::regions::Regions;
use crate::setting::Setting;

/// What a scenario would take, found without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The window, in ns.
    pub w_ns: u64,
    /// The lookahead, in ns.
    pub l_ns: u64,
    /// The links with the least delay, least first, at most ten.
    pub limiting: Vec<LimitingLink>,
    /// The links with the longest tails, longest first, and one in the middle.
    pub tails: Vec<Tail>,
    /// What is to be said of the files and tables that it is made of, and what of them the network model changed.
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

    /// Where its nodes are.
    pub(crate) fn regions(&self, scenario: &Scenario) -> Regions {
        Regions::of(&self.network, scenario.population())
    }

    /// The network.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// What its topology's file calls the nodes, if that is not their numbers.
    pub(crate) fn node_names(&self) -> Option<&NodeNames> {
        self.network.topology().names()
    }

    /// What befalls nodes and messages; `None`: nothing.
    pub(crate) fn conditions(&self) -> Option<&Conditions> {
        self.conditions.as_ref()
    }

    /// What is to be said of the files and tables that it was made of.
    pub(crate) fn notes(&self, scenario: &Scenario) -> Vec<String> {
        notes::of(scenario, &self.network, self.conditions.as_ref())
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

/// The signatures that a run of a scenario takes, if its protocol tells.
pub(crate) fn signatures<P: Configure>(
    scenario: &Scenario,
) -> anyhow::Result<Option<SignatureEstimate>> {
    Ok(P::configure(&scenario.values)?.signatures(&scenario.scale()))
}

/// The nodes of a scenario that an adversary holds, the protocol's own or the scenario's.
pub(crate) fn held<P: Configure>(
    scenario: &Scenario,
    prepared: &Prepared,
) -> anyhow::Result<Vec<NodeId>> {
    // One of its own: nodes that are held may share a state of the protocol that runs.
    let protocol = scenario.protocol::<P>()?;
    let generic = prepared.conditions.as_ref();
    let is_held = |node: &NodeId| {
        generic.is_some_and(|conditions| conditions.adversary_holds(*node))
            || protocol.behaviour(*node).is_some()
    };
    Ok((0..scenario.population()).map(NodeId).filter(is_held).collect())
}

/// Builds a scenario's protocol, network and conditions; fails on what only they can tell, such as
/// a fault that strikes nobody.
pub(crate) fn prepare<P: Configure>(scenario: &Scenario) -> anyhow::Result<Prepared> {
    let watch = Stopwatch::start();
    let protocol = Box::new(scenario.protocol::<P>()?);
    let network = Network::build(&scenario.network, scenario.population(), scenario.seed)?;
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
        tails: network.tails(),
        notes: prepared.notes(scenario),
        events_per_window: f64::from(scenario.population()) * rate * w_ns as f64 / 1e9,
    })
}

/// The first messages of a scenario, under the mini-simulation: a complete network in which every
/// message takes [`diagram::DELAY`].
pub(crate) fn record<P: Configure>(scenario: &Scenario) -> anyhow::Result<Recorded> {
    let pump = Pump::new(scenario.protocol::<P>()?, scenario.nodes);
    let mut pump = pump.seed(scenario.seed).delay(diagram::DELAY).traced(diagram::MOST_RECORDED);
    pump.run(scenario.until);
    Ok(Recorded {
        nodes: scenario.population(),
        seed: scenario.seed,
        kinds: <P as Protocol>::Message::KINDS,
        messages: pump.trace().to_vec(),
    })
}

/// Where the sharded engine and the oracle part on a scenario; `None` if they agree.
pub(crate) fn divergence<P: Configure>(scenario: &Scenario) -> anyhow::Result<Option<Divergence>> {
    let protocol = scenario.protocol::<P>()?;
    let network = Network::build(&scenario.network, scenario.population(), scenario.seed)?;
    Ok(find(
        |control| run_sharded(&protocol, scenario, &network, control),
        |control| sequential::run(&protocol, scenario, &network, control),
    )?)
}

/// The most faults that a scenario's protocol tolerates, if it can be told.
pub(crate) fn most_faults<P: Configure>(scenario: &Scenario) -> anyhow::Result<Option<u32>> {
    Ok(P::configure(&scenario.values)?.most_faults(scenario.nodes))
}

/// What theory says that a scenario costs.
pub(crate) fn theory<P: Configure>(scenario: &Scenario) -> anyhow::Result<Theory> {
    Ok(scenario.protocol::<P>()?.complexity(scenario.nodes))
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
    let outcome = match engine {
        EngineChoice::Sharded => run_under(protocol, scenario, network, conditions, control)?,
        EngineChoice::Sequential => {
            sequential::run_under(protocol, scenario, network, conditions, control)?
        }
    };
    Ok(checked(protocol, prepared, outcome))
}

/// As [`run`], and shows every node at the end, in the order of ids: its region and its row.
pub(crate) fn run_with_rows<P: Configure>(
    scenario: &Scenario,
    prepared: &Prepared,
    engine: EngineChoice,
    control: &Control,
    show: &mut ShowRow<'_>,
) -> anyhow::Result<Outcome> {
    let protocol = prepared.protocol::<P>();
    let (network, conditions) = (&prepared.network, prepared.conditions.as_ref());
    let show = RefCell::new(show);
    let visit = |id: NodeId, node: &P::Node| {
        let region = network.regions().get(usize::from(network.region_of(id).0));
        let region = region.map_or("-", String::as_str);
        (show.borrow_mut())(id, region, protocol.row(id, node));
    };
    let outcome = match engine {
        EngineChoice::Sharded => {
            run_visited(protocol, scenario, network, conditions, control, &visit)?
        }
        EngineChoice::Sequential => {
            sequential::run_visited(protocol, scenario, network, conditions, control, &visit)?
        }
    };
    Ok(checked(protocol, prepared, outcome))
}

/// A node's row, for [`anthill_engine::Live::watch`]; none of another protocol's node.
pub(crate) fn row<P: Configure>(protocol: &dyn Any, id: NodeId, node: &dyn Any) -> Vec<Cell> {
    match (protocol.downcast_ref::<P>(), node.downcast_ref::<P::Node>()) {
        (Some(protocol), Some(node)) => protocol.row(id, node),
        _ => Vec::new(),
    }
}

fn checked<P: Configure>(protocol: &P, prepared: &Prepared, mut outcome: Outcome) -> Outcome {
    outcome.host.setup_ns += prepared.setup_ns;
    // After the engine's own.
    let found = anthill_engine::judge(protocol, &prepared.network, &outcome.result.facts);
    outcome.result.checks.extend(found);
    outcome
}

/// Takes a node, the name of its region and its row.
pub type ShowRow<'a> = dyn FnMut(NodeId, &str, Vec<Cell>) + 'a;

#[cfg(test)]
mod tests {
    use anthill_engine::scenario::parse_text;
    use anthill_protocol::parameter::{Kind, Parameter, ParameterError, Value, Values};
    use anthill_protocol::phold::{PholdMetric, Token};
    use anthill_protocol::{Context, NoBody, NodeId, Span};

    use super::*;
    use crate::entry;

    /// Nodes that start only if they were fitted, once, to the scenario.
    struct Fitted {
        groups: u64,
        fits: Vec<(u32, u64)>,
    }

    impl Protocol for Fitted {
        type Node = ();
        type Message = Token;
        type Body = NoBody;
        type Timer = ();
        type Metric = PholdMetric;
        type Output = anthill_protocol::NoOutput;

        fn start(&self, cx: &mut impl Context<Self>) {
            assert_eq!(self.fits, [(cx.nodes(), 7)]);
            cx.set_timer(Span(1), ());
        }

        fn on_message(&self, (): &mut (), _: NodeId, _: &Token, _: &mut impl Context<Self>) {}

        fn on_timer(&self, (): &mut (), (): (), _: &mut impl Context<Self>) {}
    }

    impl Configure for Fitted {
        const NAME: &'static str = "fitted";
        const ABOUT: &'static str = "a test";
        const PARAMETERS: &'static [Parameter] = &[];
        const WORKLOAD: &'static [Parameter] = &[Parameter {
            name: "groups",
            kind: Kind::Count { min: 1, max: u64::MAX },
            default: Value::Count(10),
            about: "of nodes",
        }];

        fn configure(values: &Values) -> Result<Self, ParameterError> {
            Ok(Self { groups: values.count("workload.groups"), fits: Vec::new() })
        }

        fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
            if self.groups > nodes.into() {
                let problem = format!("there are only {nodes} nodes: lower it");
                return Err(ParameterError { name: "workload.groups", problem });
            }
            self.fits.push((nodes, seed));
            Ok(())
        }

        fn pending_per_node(&self, _: f64) -> f64 {
            1.0
        }
    }

    #[test]
    fn a_protocol_is_fitted_once_or_refused_wherever_it_is_prepared() {
        let entry = entry::<Fitted>("");
        let text = "nodes = 100\nuntil = \"1s\"\nseed = 7\nprotocol.name = \"fitted\"";
        let scenario = parse_text("t", text, &[entry.protocol]).expect("it fits");
        let prepared = (entry.prepare)(&scenario).expect("it fits");
        (entry.inspect)(&scenario, &prepared).expect("it fits");
        for engine in [EngineChoice::Sharded, EngineChoice::Sequential] {
            let outcome = (entry.run)(&scenario, &prepared, engine, &Control::default());
            assert_eq!(outcome.expect("it runs").result.totals.events, 100);
        }
        assert_eq!((entry.divergence)(&scenario).expect("it fits"), None);

        let few = Scenario { nodes: 5, ..scenario };
        let expected = "workload.groups: there are only 5 nodes: lower it";
        assert_eq!((entry.prepare)(&few).expect_err("five nodes").to_string(), expected);
        assert_eq!((entry.divergence)(&few).expect_err("five nodes").to_string(), expected);
        assert!((entry.memory)(&few).is_ok(), "asked before it is fitted");
        let text = text.replace("nodes = 100", "nodes = 5");
        let error = parse_text("t", &text, &[entry.protocol]).expect_err("five nodes").to_string();
        assert_eq!(error, format!("t: {expected}"));
    }
}
