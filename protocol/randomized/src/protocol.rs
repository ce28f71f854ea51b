//! The protocol: its parameters, and a node that takes part in some agreements.

use anthill_protocol::behaviour::{Behaviour, Scheduler};
use anthill_protocol::complexity::Theory;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::kit::{Group, Groups};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Context, Dice, Holds, NodeId, Parameters, Protocol, RunFacts,
    RunScale, SignatureEstimate, Snapshot,
};

use crate::adversary::{Adversary, KINDS};
use crate::lane::{Lane, Progress};
use crate::messages::{RandomizedMessage, Says};
use crate::metrics::RandomizedMetric;
use crate::proof::Proof;
use crate::rules::ben_or::BenOr;
use crate::rules::mmr::Mmr;
use crate::rules::shi::Shi;

/// Binary agreement by coins: the parameters.
#[derive(Clone, Debug, Parameters)]
pub struct Randomized {
    /// whose rules
    #[param(default = "mmr", choice = ["mmr", "shi", "ben-or"])]
    pub(crate) rules: &'static str,
    /// f: so many nodes of a group may fail
    #[param(default = 1, range = 0..=1_000_000)]
    pub(crate) faults: u32,
    /// nodes are divided by their ids into groups of so many, each of which agrees by itself; 0: all are one
    #[param(default = 0, range = 0..=1_000_000)]
    pub(crate) group: u32,
    /// agreements of each group, side by side
    #[param(default = 1, range = 1..=1_000_000)]
    pub(crate) instances: u32,
    /// the bits that nodes begin with: halves has 0 and 1 in turns, few gives 1 to the first f only
    #[param(default = "halves", choice = ["zeros", "ones", "halves", "few", "random"])]
    pub(crate) inputs: &'static str,
    /// usual: each node its own for ben-or, a common one for the others; none: a bit that everybody knows
    #[param(default = "usual", choice = ["usual", "common", "local", "none"])]
    pub(crate) coin: &'static str,
    /// how many shares reveal a common coin; 0: n - f for shi, and for mmr an oracle that tells whoever asks
    #[param(default = 0, range = 0..=1_000_000)]
    pub(crate) coin_threshold: u32,
    /// mmr: the third exchange, without which a scheduler that sees the coin goes on for ever
    #[param(default = true)]
    pub(crate) conf: bool,
    /// ben-or: thresholds for n > 2f nodes of which f crash, or n > 5f of which f lie
    #[param(default = "crashes", choice = ["crashes", "lies"])]
    pub(crate) tolerates: &'static str,
    /// rounds after which a node gives up
    #[param(default = 100, range = 1..=1_000_000)]
    pub(crate) horizon: u32,
    pub(crate) adversary: Adversary,
    /// All nodes; 0 until they are known.
    pub(crate) nodes: u32,
    #[cfg(test)]
    pub(crate) bug: bool,
}

/// Whose rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Mmr,
    Shi,
    BenOr,
}

/// A node: its part in each agreement of its group.
#[derive(Clone, Debug, Default, Snapshot)]
pub struct Node {
    pub(crate) agreements: Vec<Agreement>,
}

#[derive(Clone, Debug, Snapshot)]
pub(crate) enum Agreement {
    Mmr(Mmr),
    Shi(Shi),
    BenOr(BenOr),
}

impl Agreement {
    fn progress(&self) -> &Progress {
        match self {
            Self::Mmr(mmr) => &mmr.progress,
            Self::Shi(shi) => &shi.progress,
            Self::BenOr(ben_or) => &ben_or.progress,
        }
    }
}

impl Randomized {
    pub(crate) fn rules(&self) -> Rules {
        match self.rules {
            "shi" => Rules::Shi,
            "ben-or" => Rules::BenOr,
            _ => Rules::Mmr,
        }
    }

    pub(crate) fn lies(&self) -> bool {
        self.tolerates == "lies"
    }

    /// n - f, and at least one.
    pub(crate) fn quorum(&self, members: u32) -> u32 {
        members.saturating_sub(self.faults).max(1)
    }

    /// Nodes of a group, of so many in all.
    pub(crate) fn members(&self, nodes: u32) -> u32 {
        if self.group == 0 { nodes.max(1) } else { self.group }
    }

    pub(crate) fn group_of(&self, node: NodeId, nodes: u32) -> Group {
        Groups { size: self.members(nodes) }.of(node)
    }

    /// An agreement as a node sees it.
    pub(crate) fn lane(&self, node: NodeId, nodes: u32, instance: u32) -> Lane {
        let group = self.group_of(node, nodes);
        let number = group.number * self.instances + instance;
        Lane { group, instance, number, me: group.place_of(node) }
    }

    /// Whether this node's progress stands for its group's: the last one that is honest.
    pub(crate) fn is_witness(&self, lane: &Lane) -> bool {
        lane.me as u64 + 1 == u64::from(lane.members().saturating_sub(self.held(lane.members())))
    }

    fn input(&self, place: usize, cx: &mut impl Context<Self>) -> bool {
        match self.inputs {
            "ones" => true,
            "halves" => place % 2 == 1,
            "few" => (place as u64) < u64::from(self.faults.max(1)),
            "random" => cx.random() >> 63 == 1,
            _ => false,
        }
    }

    fn begin(&self, lane: &Lane, cx: &mut impl Context<Self>) -> Agreement {
        let bit = self.input(lane.me, cx);
        cx.output(Says::Input { lane: lane.number, bit });
        if self.is_witness(lane) {
            cx.record(RandomizedMetric::Agreements, 1);
        }
        match self.rules() {
            Rules::Mmr => Agreement::Mmr(self.start_mmr(lane, bit, cx)),
            Rules::Shi => Agreement::Shi(self.start_shi(lane, bit, cx)),
            Rules::BenOr => Agreement::BenOr(self.start_ben_or(lane, bit, cx)),
        }
    }
}

impl Protocol for Randomized {
    type Node = Node;
    type Message = RandomizedMessage;
    type Body = Proof;
    type Timer = ();
    type Metric = RandomizedMetric;
    type Output = Says;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let lane = |cx: &_, instance| {
            self.lane(Context::<Self>::id(cx), Context::<Self>::nodes(cx), instance)
        };
        let begin = |instance| {
            let lane = lane(&*cx, instance);
            self.begin(&lane, cx)
        };
        Node { agreements: (0..self.instances).map(begin).collect() }
    }

    fn on_message(
        &self,
        node: &mut Node,
        from: NodeId,
        message: &RandomizedMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (instance, _) = message.place();
        let Some(agreement) = node.agreements.get_mut(instance as usize) else { return };
        let lane = self.lane(cx.id(), cx.nodes(), instance);
        if !lane.group.contains(from) || from == cx.id() {
            return;
        }
        match agreement {
            Agreement::Mmr(state) => self.on_mmr(&lane, state, from, message, cx),
            Agreement::Shi(state) => self.on_shi(&lane, state, from, message, cx),
            Agreement::BenOr(state) => self.on_ben_or(&lane, state, from, message, cx),
        }
    }

    fn on_timer(&self, _: &mut Node, (): (), _: &mut impl Context<Self>) {}

    /// Nothing is sent again: what was lost with a crash stays lost.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        if keep_state {
            return;
        }
        for agreement in &mut node.agreements {
            if let Agreement::Shi(state) = agreement {
                state.forget(cx);
            }
        }
        *node = self.start(cx);
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.held_behaviour(node)
    }

    fn scheduler(&self, setting: &Setting) -> Option<Box<dyn Scheduler<Self>>> {
        self.adversary_scheduler(setting.nodes)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Says>> {
        crate::judges::judges(self, setting)
    }
}

impl Configure for Randomized {
    const NAME: &'static str = "randomized";
    const ABOUT: &'static str = "Nodes that begin with a bit each agree on one, on a network without \
                                 bounds (Mostefaoui, Moumen and Raynal 2014; Shi 2020, chapter 13; \
                                 Ben-Or 1983)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const ADVERSARIES: &'static [AdversaryKind] = KINDS;
    const SITUATIONS: &'static [&'static str] = &["decided", "decision", "undecided_after_2"];
    const COLUMNS: &'static [Column] = &[
        Column { name: "round", about: "the latest round of its agreements", holds: Holds::Figure },
        Column { name: "ones", about: "agreements decided for 1", holds: Holds::Sum },
        Column { name: "zeros", about: "agreements decided for 0", holds: Holds::Sum },
    ];

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        let progress = || node.agreements.iter().map(Agreement::progress);
        let decided = |bit| progress().filter(|one| one.decided == Some(bit)).count() as u32;
        let round = progress().map(|one| one.round).max().unwrap_or(0);
        vec![round.into(), decided(true).into(), decided(false).into()]
    }

    /// For a swarm: few agreements, under any of the rules with as many faults as they admit.
    fn swarm(dice: &mut Dice, nodes: u32) -> Vec<(&'static str, String)> {
        let rules = dice.pick(&["mmr", "shi", "ben-or"]);
        let faults = (nodes - 1) / if rules == "ben-or" { 5 } else { 3 };
        vec![
            ("protocol.rules", format!("\"{rules}\"")),
            ("protocol.faults", faults.to_string()),
            ("protocol.instances", dice.pick(&["1", "5", "20"]).to_owned()),
        ]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let mut read = Self::read(values)?;
        read.adversary = Adversary::read(values);
        Ok(read)
    }

    fn most_faults(&self, nodes: u32) -> Option<u32> {
        let share = match self.rules() {
            Rules::Mmr | Rules::Shi => 3,
            Rules::BenOr if self.lies() => 5,
            Rules::BenOr => 2,
        };
        Some(self.members(nodes).saturating_sub(1) / share)
    }

    fn fit(&mut self, nodes: u32, _seed: u64) -> Result<(), ParameterError> {
        let members = self.members(nodes);
        if self.group > 0 {
            Groups { size: self.group }.divide(nodes, "group")?;
        }
        let problem = |name, problem| Err(ParameterError { name, problem });
        if self.faults >= members {
            return problem(
                "faults",
                format!("of {members} nodes at most {} may fail", members - 1),
            );
        }
        if self.coin_threshold > members {
            return problem("coin_threshold", format!("there are {members} shares at most"));
        }
        if self.held(members) >= members {
            return problem("adversary.count", format!("one of {members} nodes must be honest"));
        }
        let lanes = u64::from(nodes / members.max(1)) * u64::from(self.instances);
        if lanes > u64::from(u32::MAX) {
            return problem("instances", format!("{lanes} agreements are too many to be numbered"));
        }
        self.nodes = nodes;
        self.fit_adversary(members)
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        crate::checks::checks(self, facts)
    }

    fn complexity(&self, nodes: u32) -> Theory {
        crate::checks::theory(self, nodes)
    }

    fn pending_per_node(&self, degree: f64) -> f64 {
        let others = if self.group == 0 { degree } else { f64::from(self.group - 1) };
        2.0 * others * f64::from(self.instances)
    }

    /// For some four epochs of two votes.
    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        if self.rules() != Rules::Shi {
            return Some(SignatureEstimate::default());
        }
        let votes = u64::from(scale.nodes).saturating_mul(8 * u64::from(self.instances));
        Some(SignatureEstimate { made: votes, verified: votes })
    }
}
