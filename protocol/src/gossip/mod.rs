//! Gossip: one rumour, published by one node at the start, spreading to all.
//!
//! | `mode` | a node that learns the rumour | figure to expect |
//! |---|---|---|
//! | `push` | sends it once to `fanout` distinct random neighbours (infect-and-die) | share reached r = 1 − e^(−F·r) |
//! | `push`, `rounds` | sends it to one random neighbour per round, in lock-step | log2 n + ln n + O(1) rounds |
//! | `push-pull` | as above, and those without it ask one random neighbour per round | about log3 n + O(log log n) rounds |
//! | `flood` | sends it over all slots but one towards the node it came from | exactly Σ degree − n + 1 sends |
//! | `inv` | announces it likewise; others ask an announcer for it | n − 1 bodies, no more, without loss |
//!
//! Without `rounds`, push-pull nodes act every `round` too, each from a random phase of its own.
//!
//! With `signed` the origin signs the rumour and every node checks it before it believes it; messages
//! then carry a handle of the rumour ([`Signed`]). Else:
//!
//! Invariants: a message carries no content, only its kind (the rumour is one and known to all
//! checks), so that the engine's event is 16 bytes; a node's state is four bytes; a node has at
//! most one live timer, hence no stale ones; a node is counted as covered once, also if it forgets
//! the rumour in a crash and learns it again. This is what lets 10^8 nodes fit into memory.
//!
//! One file per dialogue: `push` and `flood` are sent once, `rounds` is the periodic exchange, `inv`
//! announcement and request; `checks` holds the theory.

use core::marker::PhantomData;

use crate::parameter::{Kind, Parameter, ParameterError, Value, Values};
use crate::{
    Cell, Check, Column, Configure, Context, Diagram, Holds, Metric, NodeId, Protocol, Questions,
    RunFacts, RunScale, SignatureEstimate, Snapshot, Span, Time, Totals, draw,
};

mod checks;
mod flood;
mod inv;
mod message;
mod node;
mod push;
mod rounds;
mod rumour;
#[cfg(test)]
mod tests;

pub use checks::{fixed_point, share_deviation};
pub use message::{GossipMessage, HEADER_BYTES, ID_BYTES, PAYLOAD_BYTES};
pub use node::GossipNode;
pub use push::MAX_FANOUT;
pub use rumour::{Held, Plain, Rumour, Signed, SignedGossipMessage, SignedRumour};

use node::Knowledge;

/// Gossip of a rumour that nobody signed.
pub type Gossip = Spread<Plain>;

/// Gossip of a rumour that its origin signed.
pub type SignedGossip = Spread<Signed>;

/// The parameters of a gossip run.
#[derive(Clone, Debug)]
pub struct Spread<R> {
    rumour: PhantomData<R>,
    mode: Mode,
    fanout: u32,
    lock_step: bool,
    round: Span,
    retry: Span,
    origin: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Push,
    PushPull,
    Flood,
    Inv,
}

/// The only timer: what it means follows from the mode (a round, or a request unanswered).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub struct Wake;

/// What a gossip run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Metric)]
pub enum GossipMetric {
    /// share of nodes that ever learnt the rumour, its origin included
    #[metric(per_node, higher)]
    Coverage,
    /// messages that carried the rumour
    #[metric(lower)]
    Sends,
    /// messages that carried the rumour to a node that knew it
    #[metric(lower)]
    Duplicates,
    /// lock-step only: last round in which a node learnt the rumour
    #[metric(max, lower)]
    RoundsToAll,
    /// time from the start until a node learnt the rumour, 0 at the origin
    #[metric(latency, name = "coverage")]
    CoverageTime,
    /// signed only: messages whose rumour was not believed
    Rejected,
    /// nodes there are to reach
    ///
    /// Recorded by the origin, because stop conditions see only totals.
    #[metric(max)]
    Audience,
}

impl<R: Rumour> Spread<R> {
    /// Whether nodes act periodically.
    fn ticks(&self) -> bool {
        self.mode == Mode::PushPull || self.lock_step
    }

    /// Whether an informed node passes the rumour on later, and not only at once.
    fn passes_on_later(&self) -> bool {
        self.ticks() || self.mode == Mode::Inv
    }

    /// A node is told the rumour by another.
    #[inline]
    fn told(
        &self,
        node: &mut GossipNode<R::Held>,
        from: NodeId,
        rumour: R::Held,
        cx: &mut impl Context<Self>,
    ) {
        if R::check(rumour, cx) {
            self.learn(node, Some(from), rumour, cx);
        } else {
            cx.record(GossipMetric::Rejected, 1);
        }
    }

    /// The node learns the rumour and spreads it; `from` is who told it, nobody at the origin.
    fn learn(
        &self,
        node: &mut GossipNode<R::Held>,
        from: Option<NodeId>,
        rumour: R::Held,
        cx: &mut impl Context<Self>,
    ) {
        node.knowledge = Knowledge::Informed;
        if self.passes_on_later() {
            node.held = rumour;
            R::keep(rumour, cx);
        }
        if !node.counted {
            node.counted = true;
            cx.record(GossipMetric::Coverage, 1);
            cx.record(GossipMetric::CoverageTime, cx.now().since(Time::ZERO).0);
            if self.lock_step {
                cx.record(GossipMetric::RoundsToAll, self.round_of(cx.now()));
            }
        }
        match self.mode {
            Mode::Push if self.lock_step => self.wake_next_round(cx),
            Mode::Push => self.push_once(rumour, cx),
            Mode::PushPull => {}
            Mode::Flood => self.flood(GossipMessage::Data, rumour, from, cx),
            Mode::Inv => self.flood(GossipMessage::Inv, rumour, from, cx),
        }
    }
}

impl<R: Rumour> Protocol for Spread<R> {
    type Node = GossipNode<R::Held>;
    type Message = R::Message;
    type Body = R::Body;
    type Timer = Wake;
    type Metric = GossipMetric;
    type Output = crate::NoOutput;

    const STOPS_EARLY: bool = true;
    const MAY_CHANGE: &'static [&'static str] = &["protocol.fanout"];

    fn start(&self, cx: &mut impl Context<Self>) -> GossipNode<R::Held> {
        let mut node = GossipNode::default();
        if self.mode == Mode::PushPull {
            self.wake_first(cx);
        }
        if cx.id().0 == self.origin % cx.nodes() {
            cx.record(GossipMetric::Audience, u64::from(cx.nodes()));
            let rumour = R::publish(cx);
            self.learn(&mut node, None, rumour, cx);
        }
        node
    }

    #[inline]
    fn on_message(
        &self,
        node: &mut GossipNode<R::Held>,
        from: NodeId,
        message: &R::Message,
        cx: &mut impl Context<Self>,
    ) {
        let (kind, rumour) = R::open(message);
        match kind {
            GossipMessage::Data if node.is_informed() => cx.record(GossipMetric::Duplicates, 1),
            GossipMessage::Data => self.told(node, from, rumour, cx),
            GossipMessage::Inv => self.announced(node, from, cx),
            GossipMessage::GetData if node.is_informed() => self.answer(node.held, from, cx),
            GossipMessage::GetData => {}
        }
    }

    fn on_timer(&self, node: &mut GossipNode<R::Held>, Wake: Wake, cx: &mut impl Context<Self>) {
        if self.ticks() {
            self.round(node, cx);
        } else {
            self.unanswered(node, cx);
        }
    }

    /// The rumour is published once: an origin that lost its state has to hear it from others.
    fn restart(
        &self,
        node: &mut GossipNode<R::Held>,
        keep_state: bool,
        cx: &mut impl Context<Self>,
    ) {
        if !keep_state {
            R::forget(node.held, cx);
            *node = GossipNode { counted: node.counted, ..GossipNode::default() };
        }
        // The timers died with the crash.
        if self.mode == Mode::PushPull {
            self.wake_first(cx);
        } else if self.lock_step && node.is_informed() {
            self.wake_next_round(cx);
        } else if node.knowledge == Knowledge::Wanting {
            cx.set_timer(self.retry, Wake);
        }
    }

    /// Without what it holds of the rumour, of which there is one.
    fn state_hash(&self, node: &GossipNode<R::Held>) -> u64 {
        draw::mix(u64::from(u32::from_le_bytes(node.to_bytes())), 2)
    }

    fn events_per_node_second(&self) -> f64 {
        match self.mode {
            // The whole wave passes within about a tenth of a second.
            Mode::Push if !self.lock_step => 10.0 * f64::from(self.fanout),
            Mode::Flood | Mode::Inv => 80.0,
            _ => 2.0 / self.round.as_secs_f64(),
        }
    }

    /// Periodic modes end when all nodes know; the others fall silent by themselves.
    fn complete(&self, totals: &Totals) -> bool {
        let reached = totals.of(GossipMetric::Coverage);
        self.ticks() && reached > 0 && reached == totals.of(GossipMetric::Audience)
    }
}

impl<R: Rumour> Configure for Spread<R> {
    const NAME: &'static str = "gossip";
    const ABOUT: &'static str = "epidemic broadcast of one rumour: push, push-pull, flood or \
                                 inv/getdata (Demers et al. 1987)";
    const PARAMETERS: &'static [Parameter] = &[
        Parameter {
            name: "mode",
            kind: Kind::Choice(&["push", "push-pull", "flood", "inv"]),
            default: Value::Choice("push"),
            about: "how the rumour spreads; flood and inv use all neighbours",
        },
        Parameter {
            name: "fanout",
            kind: Kind::Count { min: 1, max: MAX_FANOUT as u64 },
            default: Value::Count(8),
            about: "push without rounds: distinct random neighbours that a node sends to, once",
        },
        Parameter {
            name: "rounds",
            kind: Kind::Flag,
            default: Value::Flag(false),
            about: "push and push-pull: lock-step, one random neighbour per round, until all know",
        },
        Parameter {
            name: "round",
            kind: Kind::Span { min: Span(1) },
            default: Value::Span(Span::from_secs(1)),
            about: "length of a round; lock-step needs every delay below it (push-pull: half)",
        },
        Parameter {
            name: "retry",
            kind: Kind::Span { min: Span(1) },
            default: Value::Span(Span::from_secs(2)),
            about: "inv: how long a request may stay unanswered before another node is asked",
        },
        Parameter {
            name: "signed",
            kind: Kind::Flag,
            default: Value::Flag(false),
            about: "the origin signs the rumour, and every node checks it before it believes it",
        },
        Parameter {
            name: "origin",
            kind: Kind::Count { min: 0, max: u32::MAX as u64 },
            default: Value::Count(0),
            about: "the node that publishes the rumour, modulo the number of nodes",
        },
    ];

    const DIAGRAMS: &'static [Diagram] =
        &[Diagram { settings: &["nodes=6", "protocol.fanout=2"], ..Diagram::OF_NODES }];

    const COLUMNS: &'static [Column] = &[
        Column { name: "informed", about: "whether it has the rumour", holds: Holds::Word },
        Column { name: "requests", about: "inv: requests it has made", holds: Holds::Sum },
    ];

    fn row(&self, _: NodeId, node: &GossipNode<R::Held>) -> Vec<Cell> {
        vec![node.is_informed().into(), u32::from(node.requests).into()]
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        let mode = match values.choice("mode") {
            "push" => Mode::Push,
            "push-pull" => Mode::PushPull,
            "flood" => Mode::Flood,
            _ => Mode::Inv,
        };
        let lock_step = values.flag("rounds");
        if lock_step && matches!(mode, Mode::Flood | Mode::Inv) {
            let problem = "flood and inv have no rounds; set it to false, or the mode to push or \
                           push-pull";
            return Err(ParameterError { name: "rounds", problem: problem.into() });
        }
        Ok(Self {
            rumour: PhantomData,
            mode,
            fanout: values.count("fanout") as u32,
            lock_step,
            round: values.span("round"),
            retry: values.span("retry"),
            origin: values.count("origin") as u32,
        })
    }

    fn signatures(&self, _: &RunScale) -> Option<SignatureEstimate> {
        // The origin's, whoever asks.
        R::SIGNED.then_some(SignatureEstimate { made: 1, verified: 1 })
    }

    fn asks(&self, facts: &RunFacts) -> Questions {
        match self.mode {
            Mode::Flood | Mode::Inv => checks::asks(NodeId(self.origin % facts.nodes), facts),
            Mode::Push if self.lock_step => {
                Questions { round_trips: !facts.disturbed, ..Questions::default() }
            }
            Mode::Push | Mode::PushPull => Questions::default(),
        }
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        let checks = match self.mode {
            Mode::Push if self.lock_step => [checks::rounds_to_all(self.round, facts), None],
            Mode::Push => [checks::infect_and_die(self.fanout, facts), None],
            Mode::PushPull => [None, None],
            Mode::Flood => [checks::flood_sends(facts), checks::nodes_reached(facts)],
            Mode::Inv => [checks::nodes_reached(facts), None],
        };
        checks.into_iter().flatten().collect()
    }

    fn pending_per_node(&self, degree: f64) -> f64 {
        match self.mode {
            // A timer and a message under way.
            Mode::Push if self.lock_step => 2.0,
            Mode::Push => f64::from(self.fanout).min(degree),
            // A timer, a request or push, and an answer.
            Mode::PushPull => 3.0,
            Mode::Flood => degree,
            // Announcements, a timer, and a request or its answer.
            Mode::Inv => degree + 2.0,
        }
    }
}
