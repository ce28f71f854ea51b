//! What the bare yardsticks share: PHOLD's nodes, with the draws and delays of the engine's own, so
//! that all handle the same events. No traits, no digest, no metrics.

use anthill_engine::network::Network;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_protocol::draw::{Purpose, Streams, below, draw};
use anthill_protocol::phold::Phold;
use anthill_protocol::{NodeId, Time};

/// A message under way, in the order in which it is handled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    /// When it arrives.
    pub(crate) time_ns: u64,
    target: u32,
    source: u32,
    sequence: u32,
}

#[derive(Clone, Copy, Default)]
struct Node {
    handled: u32,
    sequence: u32,
    draws: u32,
}

/// The nodes and their network.
#[allow(dead_code, reason = "not every yardstick plans by the delays")]
pub(crate) struct Bare {
    /// How many nodes.
    pub(crate) nodes: u32,
    /// The least delay, and the mean of what comes on top.
    pub(crate) delays_ns: (u64, u64),
    until: Time,
    network: Network,
    draws: Streams,
    states: Vec<Node>,
}

impl Bare {
    /// From `NODES UNTIL_MS [LOOKAHEAD_NS MEAN_NS]`.
    pub(crate) fn from_arguments(name: &str) -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let numbers: Option<Vec<u64>> = arguments.iter().map(|text| text.parse().ok()).collect();
        let (nodes, until_ms, lookahead_ns, mean_ns) = match numbers.as_deref() {
            Some([nodes, until_ms]) => (*nodes, *until_ms, 1_000_000, 1_000_000),
            Some([nodes, until_ms, lookahead_ns, mean_ns]) => {
                (*nodes, *until_ms, *lookahead_ns, *mean_ns)
            }
            _ => {
                eprintln!("usage: {name} NODES UNTIL_MS [LOOKAHEAD_NS MEAN_NS]");
                std::process::exit(2);
            }
        };
        let text = format!(
            "nodes = {nodes}\nuntil = \"{until_ms}ms\"\n[protocol]\nname = \"phold\"\n\
             lookahead = \"{lookahead_ns}ns\"\nmean_delay = \"{mean_ns}ns\"\n\
             [network]\nmodel = \"exponential\"\n"
        );
        let scenario = parse_text(name, &text, &[ProtocolInfo::of::<Phold>()]).expect("a scenario");
        let nodes = scenario.nodes;
        let network = Network::build(&scenario.network, nodes, scenario.seed).expect("a network");
        Self {
            nodes,
            delays_ns: (lookahead_ns, mean_ns),
            until: scenario.until,
            network,
            draws: Streams::new(scenario.seed, Purpose::Protocol),
            states: vec![Node::default(); nodes as usize],
        }
    }

    /// What a node sends.
    pub(crate) fn send(&mut self, id: u32, now_ns: u64) -> Event {
        let node = &mut self.states[id as usize];
        let bits = draw(self.draws.of(NodeId(id)), u64::from(node.draws));
        node.draws += 1;
        let other = below(bits, u64::from(self.nodes) - 1) as u32;
        let target = if other < id { other } else { other + 1 };
        let sequence = node.sequence;
        node.sequence += 1;
        let delay = self.network.delay(NodeId(id), NodeId(target), sequence);
        Event { time_ns: now_ns + delay.0, target, source: id, sequence }
    }

    /// The loop begins.
    pub(crate) fn begin(&self) -> Run {
        Run { cpu_before_s: anthill_bench::process_cpu_s(), events: 0 }
    }
}

/// What the loop has done.
pub(crate) struct Run {
    cpu_before_s: f64,
    events: u64,
}

impl Run {
    /// Handles an event: what is sent in answer, or nothing at the end.
    pub(crate) fn handle(&mut self, bare: &mut Bare, event: Event) -> Option<Event> {
        if event.time_ns >= bare.until.0 {
            return None;
        }
        self.events += 1;
        bare.states[event.target as usize].handled += 1;
        Some(bare.send(event.target, event.time_ns))
    }

    /// `EVENTS NANOSECONDS_PER_EVENT`.
    pub(crate) fn print(&self) {
        let cpu_s = anthill_bench::process_cpu_s() - self.cpu_before_s;
        println!("{} {:.2}", self.events, cpu_s * 1e9 / self.events as f64);
    }
}
