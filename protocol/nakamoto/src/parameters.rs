//! The parameters of a run, and who mines how much.

use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Diagram, Dice, Holds, NodeId, Parameters, Questions, RunFacts,
    Span, draw,
};

use crate::attacks::{self, Attack, Plan};
use crate::block::Schedule;
use crate::checks;
use crate::node::Node;

/// Without an attack, and `blocks = 0`.
const BLOCKS: u32 = 100;
/// With selfish mining.
const BLOCKS_SELFISH: u32 = 1_000_000;

/// Nakamoto consensus: miners extend the heaviest chain that they know (Nakamoto 2008).
#[derive(Clone, Debug, Parameters)]
pub struct Nakamoto {
    /// mean time between blocks that the difficulty aims at
    #[param(default = Span::from_secs(600), min = Span::from_micros(1))]
    pub(crate) interval: Span,
    /// blocks that a payee waits for, the payment's own included
    #[param(default = 6, range = 1..=1_000)]
    confirmations: u32,
    /// nodes that mine, each with an equal share: the first so many, or all if there are fewer
    #[param(default = 100, range = 1..=u32::MAX)]
    miners: u32,
    /// mining ends when the chain has so many blocks; 0: 100, with selfish mining 1,000,000, with
    /// attacks on payments when all attempts have ended
    #[param(default = 0)]
    blocks: u32,
    /// how a block gets to the neighbours: announced and asked for, as a compact block sent to all of
    /// them, or whole
    #[param(default = "inv", choice = ["inv", "compact", "direct"])]
    pub(crate) relay: &'static str,
    /// bytes of a block
    #[param(default = 535_000, range = 36..=16_000_000)]
    pub(crate) block_size: u32,
    /// bytes of a compact block
    #[param(default = 18_000, range = 36..=16_000_000)]
    pub(crate) compact_size: u32,
    /// share of compact blocks of which a node lacks some transactions, beside those emulated
    #[param(default = 0.13, share)]
    compact_failure: f64,
    /// how long a request may stay unanswered before another node is asked
    #[param(default = Span::from_secs(10), min = Span(1))]
    pub(crate) retry: Span,
    /// blocks until the difficulty is set anew; 0: never
    #[param(default = 2_016)]
    retarget: u32,
    /// hash rate of all, in multiples of the one that the first difficulty is made for
    #[param(default = 1.0, range = 0.001..=1_000.0)]
    pub(crate) hash_rate: f64,
    /// zero bits that the digest of a header begins with; 0: nothing is hashed
    #[param(default = 0, range = 0..=20)]
    pub(crate) hash_bits: u32,
    /// transactions in a block at most
    #[param(default = 2_000, range = 0..=100_000)]
    pub(crate) block_transactions: u32,
    /// nodes that tell the judges of their chain: the first so many
    #[param(default = 10_000)]
    observers: u32,
    /// transactions per second, of all nodes
    #[workload(default = 0.0, range = 0.0..=100_000.0)]
    pub(crate) rate: f64,
    pub(crate) attack: Option<Attack>,
    /// Of the scenario; 0 until it is known.
    nodes: u32,
    pub(crate) compact_failures: u64,
    /// The planted error: a tip of equal work replaces the present one.
    #[cfg(test)]
    pub(crate) planted: bool,
}

impl Configure for Nakamoto {
    const NAME: &'static str = "nakamoto";
    const ABOUT: &'static str = "Nakamoto consensus: miners extend the heaviest chain that they \
                                 know (Nakamoto 2008)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const WORKLOAD: &'static [Parameter] = Self::DECLARED_WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] =
        &["mined", "chain_blocks", "stale_rate", "deepest_reorg", "retargets", "block_propagation"];
    const DIAGRAMS: &'static [Diagram] = &[
        Diagram {
            title: "A block is announced and asked for",
            settings: &[
                "nodes=3",
                "protocol.miners=1",
                "protocol.blocks=1",
                "network.topology={kind=\"complete\"}",
            ],
            parts: &[],
        },
        Diagram {
            title: "A compact block of which transactions are missing",
            settings: &[
                "nodes=3",
                "protocol.miners=1",
                "protocol.blocks=1",
                "protocol.relay=\"compact\"",
                "protocol.compact_failure=1.0",
                "network.topology={kind=\"complete\"}",
            ],
            parts: &[],
        },
    ];
    const COLUMNS: &'static [Column] = &[
        Column { name: "height", about: "of its tip", holds: Holds::Figure },
        Column { name: "mines", about: "whether it mines honestly", holds: Holds::Word },
        Column { name: "payments", about: "transactions that it made", holds: Holds::Sum },
    ];

    fn row(&self, id: NodeId, node: &Node) -> Vec<Cell> {
        vec![node.height.into(), self.is_miner(id).into(), node.made.into()]
    }

    /// For a swarm: blocks a second apart or so, so that some go stale, and a retarget within the run.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![
            ("protocol.interval", dice.pick(&["\"300ms\"", "\"1s\"", "\"5s\""]).to_owned()),
            ("protocol.blocks", dice.pick(&["10", "30", "60"]).to_owned()),
            ("protocol.confirmations", dice.pick(&["1", "3", "6"]).to_owned()),
            ("protocol.relay", dice.pick(&["\"inv\"", "\"compact\"", "\"direct\""]).to_owned()),
            ("protocol.retry", "\"2s\"".to_owned()),
            ("protocol.retarget", dice.pick(&["0", "5", "20"]).to_owned()),
            ("protocol.block_size", "5000".to_owned()),
            ("workload.rate", dice.pick(&["0.0", "0.5"]).to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let read = Self::read(values)?;
        let compact_failures = draw::threshold(read.compact_failure);
        Ok(Self { attack: Attack::read(values), compact_failures, ..read })
    }

    fn fit(&mut self, nodes: u32, _: u64) -> Result<(), ParameterError> {
        self.nodes = nodes;
        let least = self.attack.as_ref().map_or(1, |attack| attack.least_nodes());
        if nodes < least {
            let problem =
                format!("{nodes} nodes are too few for this attack; give {least} or more");
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        Ok(())
    }

    fn asks(&self, facts: &RunFacts) -> Questions {
        checks::asks(facts)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::all(self, facts)
    }

    fn complexity(&self, nodes: u32) -> anthill_protocol::complexity::Theory {
        crate::costs::theory(self, nodes)
    }

    fn pending_per_node(&self, degree: f64) -> f64 {
        // A wave of announcements, a request with its timer, its answer.
        3.0 + degree.min(64.0)
    }
}

impl Nakamoto {
    /// How the difficulty changes: an attack is judged at a constant one, unless it says otherwise.
    pub(crate) fn schedule(&self) -> Schedule {
        let keeps = self.attack.as_ref().is_some_and(|attack| !attack.retargets);
        Schedule { interval: self.interval, period: if keeps { 0 } else { self.retarget } }
    }

    /// The height at which mining ends.
    pub(crate) fn most_blocks(&self) -> u32 {
        match (&self.attack, self.blocks) {
            (Some(Attack { plan: Plan::Selfish { .. }, .. }), 0) => BLOCKS_SELFISH,
            (Some(attack), 0) if attack.attempts().is_some() => u32::MAX,
            (_, 0) => BLOCKS,
            (_, blocks) => blocks,
        }
    }

    pub(crate) fn confirmations(&self) -> u32 {
        let asked = self.attack.as_ref().and_then(Attack::confirmations);
        asked.unwrap_or(self.confirmations)
    }

    pub(crate) fn observers(&self) -> u32 {
        self.observers
    }

    pub(crate) fn observes(&self, node: NodeId) -> bool {
        node.0 < self.observers
    }

    /// Those that mine for themselves: no adversary, and no victim of an eclipse.
    pub(crate) fn honest_miners(&self) -> u32 {
        let reserved = self.attack.as_ref().map_or(0, |attack| attack.least_nodes() - 1);
        match self.nodes {
            0 => self.miners,
            nodes => self.miners.min(nodes.saturating_sub(reserved)),
        }
    }

    /// What the adversary has not.
    pub(crate) fn honest_share(&self) -> f64 {
        1.0 - self.attack.as_ref().map_or(0.0, |attack| attack.share)
    }

    pub(crate) fn is_attacked(&self) -> bool {
        self.attack.is_some()
    }

    /// The node that the adversary holds: the last one.
    pub(crate) fn is_attacker(&self, node: NodeId) -> bool {
        self.attack.is_some() && self.nodes > 0 && node.0 == self.nodes - 1
    }

    /// Whom attacks on payments pay: node 0, or the victim of an eclipse, which is the last but one.
    pub(crate) fn payee(&self) -> Option<NodeId> {
        match self.attack.as_ref()?.plan {
            Plan::DoubleSpend { .. } => Some(NodeId(0)),
            Plan::Eclipse { .. } => self.victim(),
            Plan::Selfish { .. } | Plan::Withheld { .. } => None,
        }
    }

    /// The victim of an eclipse.
    pub(crate) fn victim(&self) -> Option<NodeId> {
        let is_eclipse = matches!(self.attack.as_ref()?.plan, Plan::Eclipse { .. });
        (is_eclipse && self.nodes > 1).then(|| NodeId(self.nodes - 2))
    }

    /// The only node that another one hears and is heard by, if an adversary sees to that.
    pub(crate) fn only_peer_of(&self, node: NodeId) -> Option<NodeId> {
        (self.victim() == Some(node)).then(|| NodeId(self.nodes - 1))
    }

    /// Whether nodes draw between two branches of equal work.
    pub(crate) fn draws_ties(&self) -> bool {
        self.drawn_gamma().is_some()
    }

    /// The probability (of 2⁶⁴) with which they choose the selfish pool's.
    pub(crate) fn drawn_gamma(&self) -> Option<u64> {
        match self.attack.as_ref()?.plan {
            Plan::Selfish { gamma } => gamma,
            _ => None,
        }
    }
}
