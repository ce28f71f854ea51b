//! What a node does: extracts values with enough signatures, passes them on, and decides at the end.

use anthill_protocol::behaviour::Behaviour;
use anthill_protocol::complexity::Theory;
use anthill_protocol::judge::{Judge, Setting};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Bodies, Cell, Check, Column, Configure, Context, Dice, Holds, Message, Metric, NodeId, Output,
    Parameters, Protocol, RunFacts, RunScale, Shared, SignatureEstimate, Snapshot, Span, draw,
};

use crate::attacks::{self, Attack};
use crate::chain::{self, Link};
use crate::schedule::{Schedule, sender_of};
use crate::{checks, judges};

/// Nodes broadcast in turn, and all agree on what was said, by chains of signatures in f + 1 rounds
/// (Dolev and Strong 1983).
#[derive(Clone, Debug, Parameters)]
pub struct DolevStrong {
    /// nodes that may be faulty, f: any number below all of them
    #[param(default = 1, range = 0..=100_000)]
    pub(crate) faults: u32,
    /// what senders broadcast: a bit drawn for each instance, or the same one for all
    #[param(default = "drawn", choice = ["drawn", "zero", "one"])]
    inputs: &'static str,
    /// bound on delays; a round lasts one nanosecond more
    #[param(default = Span::from_secs(1))]
    pub(crate) delta: Span,
    /// broadcasts, one after another; the sender of number i is node i mod n
    #[param(default = 1, range = 1..=1_000_000)]
    pub(crate) instances: u32,
    /// rounds of a broadcast; 0: the f + 1 that agreement needs
    #[param(default = 0, range = 0..=100_001)]
    rounds: u32,
    pub(crate) attack: Option<Attack>,
    seed: u64,
    /// Planted: a round takes one signature less than it should.
    #[cfg(test)]
    pub(crate) is_lax: bool,
}

/// A chain of signatures: from the sender, and from those who pass it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Message)]
pub enum ChainMessage {
    Proposal { chain: Shared },
    Relay { chain: Shared },
}

/// What nodes tell the outside world. A sender extracts its own value in round 0; deciding none means
/// that the sender is faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Output)]
pub enum Said {
    Extracted { instance: u32, value: u32, round: u32 },
    Decided { instance: u32, value: Option<u32> },
}

/// A round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct RoundEnds {
    instance: u32,
    round: u32,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum DolevStrongMetric {
    /// rounds until a decision
    #[metric(max)]
    Rounds,
    /// decisions of nodes
    #[metric(higher)]
    Decided,
    /// of these, that the sender is faulty: no value, or two
    Defaults,
    /// values that nodes passed on
    Relays,
    /// signatures made
    Signed,
    /// signatures in all messages sent
    Carried,
    /// chains with too few signatures, or with one that does not hold, or of another instance
    Refused,
    /// chains that came after the round that their signatures are for
    Late,
    /// beginning of a broadcast until a node decides
    #[metric(latency)]
    Decision,
}

/// A node in the present instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Snapshot)]
pub struct Node {
    pub(crate) instance: u32,
    /// From 1; 0 when all is over.
    pub(crate) round: u32,
    /// More than two need not be known: two show that the sender is faulty.
    pub(crate) extracted: [Option<u32>; 2],
    /// Chains of values extracted in this round, to be passed on at its end; retained.
    pending: [Option<Shared>; 2],
}

impl Node {
    /// A place for a value that is new, if there is one.
    fn place_for(&self, value: u32) -> Option<usize> {
        let is_new = !self.extracted.contains(&Some(value));
        self.extracted.iter().position(Option::is_none).filter(|_| is_new)
    }
}

impl DolevStrong {
    pub(crate) fn schedule(&self) -> Schedule {
        let rounds = if self.rounds == 0 { self.faults + 1 } else { self.rounds };
        Schedule { rounds, round: self.delta + Span(1), instances: self.instances }
    }

    /// What the sender of an instance broadcasts.
    pub(crate) fn input(&self, instance: u32) -> u32 {
        match self.inputs {
            "zero" => 0,
            "one" => 1,
            _ => (draw::mix(self.seed, instance.into()) >> 63) as u32,
        }
    }

    /// Signatures that a round asks for.
    fn needed(&self, round: u32) -> u32 {
        #[cfg(test)]
        if self.is_lax {
            return round - 1;
        }
        round
    }

    /// Begins an instance in a round, of which it may be the sender.
    fn begin(&self, node: &mut Node, (instance, round): (u32, u32), cx: &mut impl Context<Self>) {
        *node = Node { instance, round, ..Node::default() };
        if round == 1 && cx.id() == sender_of(instance, cx.nodes()) {
            let (value, body) = self.proposal(instance, cx);
            node.extracted[0] = Some(value);
            cx.output(Said::Extracted { instance, value, round: 0 });
            let chain = chain::begin_with((instance, value), body, cx);
            self.keep(node, chain, cx);
            cx.record(DolevStrongMetric::Signed, 1);
            self.send_all(ChainMessage::Proposal { chain }, 1, cx);
        }
        self.await_end(node, cx);
    }

    fn await_end(&self, node: &Node, cx: &mut impl Context<Self>) {
        let (instance, round) = (node.instance, node.round);
        let end = self.schedule().end_of(instance, round);
        cx.set_timer(end.since(cx.now()), RoundEnds { instance, round });
    }

    /// To all but itself and the sender, who learns nothing from it.
    fn send_all(&self, message: ChainMessage, length: u32, cx: &mut impl Context<Self>) {
        let (ChainMessage::Proposal { chain } | ChainMessage::Relay { chain }) = message;
        let bodies = cx.bodies();
        let sender = sender_of(bodies.get(chain).instance, cx.nodes());
        let me = cx.id();
        let others = (0..cx.nodes()).map(NodeId).filter(|to| *to != me && *to != sender);
        let mut sent = 0;
        for to in others {
            cx.send(to, message);
            sent += u64::from(length);
        }
        cx.record(DolevStrongMetric::Carried, sent);
    }

    /// Signs what was extracted in the round that ends, and passes it on.
    fn relay(&self, node: &mut Node, cx: &mut impl Context<Self>) {
        for received in core::mem::take(&mut node.pending).into_iter().flatten() {
            let chain = chain::extend(received, cx);
            cx.record(DolevStrongMetric::Signed, 1);
            cx.record(DolevStrongMetric::Relays, 1);
            let bodies = cx.bodies();
            let length = bodies.get(chain).length;
            self.send_all(ChainMessage::Relay { chain }, length, cx);
            cx.release(received);
        }
    }

    fn decide(&self, node: &Node, cx: &mut impl Context<Self>) {
        let schedule = self.schedule();
        let value = match node.extracted {
            [Some(value), None] => Some(value),
            _ => None,
        };
        cx.output(Said::Decided { instance: node.instance, value });
        self.hand_over(node.instance, value, cx);
        cx.record(DolevStrongMetric::Decided, 1);
        cx.record(DolevStrongMetric::Defaults, value.is_none().into());
        cx.record(DolevStrongMetric::Rounds, schedule.rounds.into());
        let began = schedule.end_of(node.instance, 0);
        cx.record(DolevStrongMetric::Decision, cx.now().since(began).0);
    }

    /// A value counts in round r with r signatures, and is passed on unless the round is the last.
    fn extract(&self, node: &mut Node, chain: Shared, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let link: &Link = bodies.get(chain);
        let (instance, value, round) = (node.instance, link.value, node.round);
        let is_present = link.instance == instance && round > 0;
        if is_present && link.length < round {
            cx.record(DolevStrongMetric::Late, 1);
        }
        let Some(place) = node.place_for(value).filter(|_| is_present) else {
            return cx.record(DolevStrongMetric::Refused, u64::from(!is_present));
        };
        let sender = sender_of(instance, cx.nodes());
        if link.length < self.needed(round) || !chain::holds(chain, sender, cx) {
            return cx.record(DolevStrongMetric::Refused, 1);
        }
        node.extracted[place] = Some(value);
        cx.output(Said::Extracted { instance, value, round });
        self.keep(node, chain, cx);
        if round < self.schedule().rounds {
            cx.retain(chain);
            node.pending[place] = Some(chain);
        }
    }
}

impl Protocol for DolevStrong {
    type Node = Node;
    type Message = ChainMessage;
    type Body = Link;
    type Timer = RoundEnds;
    type Metric = DolevStrongMetric;
    type Output = Said;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        let mut node = Node::default();
        if let Some(place) = self.schedule().at(cx.now()) {
            self.begin(&mut node, place, cx);
        }
        node
    }

    fn on_message(
        &self,
        node: &mut Node,
        _from: NodeId,
        message: &ChainMessage,
        cx: &mut impl Context<Self>,
    ) {
        let (ChainMessage::Proposal { chain } | ChainMessage::Relay { chain }) = *message;
        self.extract(node, chain, cx);
    }

    fn on_timer(&self, node: &mut Node, timer: RoundEnds, cx: &mut impl Context<Self>) {
        if timer != (RoundEnds { instance: node.instance, round: node.round }) {
            return;
        }
        let schedule = self.schedule();
        if node.round < schedule.rounds {
            self.relay(node, cx);
            node.round += 1;
            return self.await_end(node, cx);
        }
        self.decide(node, cx);
        match node.instance + 1 {
            next if next < schedule.instances => self.begin(node, (next, 1), cx),
            _ => node.round = 0,
        }
    }

    /// Joins the round that is under way, with what it knew if it is of the same instance.
    fn restart(&self, node: &mut Node, keep_state: bool, cx: &mut impl Context<Self>) {
        let mut old = core::mem::take(node);
        let place = self.schedule().at(cx.now());
        let keeps = keep_state && place.is_some_and(|(instance, _)| instance == old.instance);
        if !keeps {
            old.pending.into_iter().flatten().for_each(|chain| cx.release(chain));
            (old.pending, old.extracted) = ([None; 2], [None; 2]);
        }
        if let Some((instance, round)) = place {
            *node = Node { instance, round, ..old };
            self.await_end(node, cx);
        }
    }

    fn behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        self.attack.as_ref()?.behaviour(self, node)
    }

    fn judges(&self, setting: &Setting) -> Vec<Judge<Said>> {
        judges::judges(self, setting)
    }
}

impl Configure for DolevStrong {
    const NAME: &'static str = "dolev-strong";
    const ABOUT: &'static str = "Nodes broadcast in turn, and all agree on what was said, by chains of \
                                 signatures in f + 1 rounds (Dolev and Strong 1983)";
    const PARAMETERS: &'static [Parameter] = Self::DECLARED;
    const ADVERSARIES: &'static [AdversaryKind] = attacks::KINDS;
    const SITUATIONS: &'static [&'static str] = &["decided", "relays", "decision"];
    const COLUMNS: &'static [Column] = &[
        Column {
            name: "instance",
            about: "the broadcast that it takes part in",
            holds: Holds::Figure,
        },
        Column {
            name: "round",
            about: "of that broadcast, from 1; 0: all are over",
            holds: Holds::Figure,
        },
        Column {
            name: "extracted",
            about: "values extracted in it: two show that its sender lies",
            holds: Holds::Figure,
        },
    ];

    fn row(&self, _: NodeId, node: &Node) -> Vec<Cell> {
        let extracted = node.extracted.iter().flatten().count() as u32;
        vec![node.instance.into(), node.round.into(), extracted.into()]
    }

    /// For a swarm: a few broadcasts.
    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        vec![("protocol.instances", dice.pick(&["1", "3", "8"]).to_owned())]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        Ok(Self { attack: Attack::read(values), ..Self::read(values)? })
    }

    fn most_faults(&self, nodes: u32) -> Option<u32> {
        Some(nodes.saturating_sub(1))
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        if nodes < 2 {
            let problem = format!("{nodes} nodes have nobody to tell; give at least 2 nodes");
            return Err(ParameterError { name: "faults", problem });
        }
        if self.faults >= nodes {
            let problem = format!("of {nodes} nodes at most {} can be faulty; lower it", nodes - 1);
            return Err(ParameterError { name: "faults", problem });
        }
        self.seed = seed;
        self.attack.as_ref().map_or(Ok(()), |attack| attack.fit(self, nodes))
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::checks(self, facts)
    }

    fn complexity(&self, nodes: u32) -> Theory {
        checks::theory(self, nodes)
    }

    /// In a round every node may have two values on the way to all others.
    fn pending_per_node(&self, degree: f64) -> f64 {
        2.0 + 2.0 * degree
    }

    fn signatures(&self, scale: &RunScale) -> Option<SignatureEstimate> {
        let instances = u64::from(self.schedule().decided_before(scale.until).max(1));
        let made = instances.saturating_mul(scale.nodes.into());
        Some(SignatureEstimate { made, verified: made })
    }
}
