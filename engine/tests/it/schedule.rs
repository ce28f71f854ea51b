//! An adversary that decides when messages arrive, and nodes beside the scenario's.

use anthill_protocol::behaviour::{Fate, Held, InTransit, Scheduler};
use anthill_protocol::judge::{Said, Setting};
use anthill_protocol::phold::PholdMetric;
use anthill_protocol::{
    Context, Message, NoBody, NodeId, Output, Parameters, Protocol, Snapshot, Span, Time,
};

use crate::matrix::one_result;
use crate::{Ready, invariant_part};

/// Nodes greet all others, three times; each answers the first greeting of every round.
#[derive(Clone, Debug, Parameters)]
#[configure]
struct Rounds {
    /// nodes beside those of the scenario
    #[param(default = 0, range = 0..=10)]
    watchers: u32,
    /// whether nothing held is ever released
    #[param(default = false)]
    greedy: bool,
    /// whether there is an adversary
    #[param(default = true)]
    scheduled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Message)]
struct Round(u32);

#[derive(Clone, Copy, Debug, PartialEq, Output)]
struct Entered {
    round: u32,
}

#[derive(Clone, Debug, Default, Snapshot)]
struct Node {
    round: u32,
    /// Greetings of each round.
    heard: Vec<u32>,
}

impl Protocol for Rounds {
    type Node = Node;
    type Message = Round;
    type Body = NoBody;
    type Timer = ();
    type Metric = PholdMetric;
    type Output = Entered;

    fn start(&self, cx: &mut impl Context<Self>) -> Node {
        cx.broadcast(Round(0));
        Node { round: 0, heard: vec![0; 21] }
    }

    /// A node enters the next round when it has heard half of all others in its own.
    fn on_message(&self, node: &mut Node, _: NodeId, round: &Round, cx: &mut impl Context<Self>) {
        cx.record(PholdMetric::Handled, 1);
        node.heard[round.0 as usize] += 1;
        while node.heard[node.round as usize] > cx.nodes() / 2 && node.round < 20 {
            node.round += 1;
            cx.output(Entered { round: node.round });
            cx.broadcast(Round(node.round));
        }
    }

    fn on_timer(&self, _: &mut Node, (): (), _: &mut impl Context<Self>) {}

    fn extra_nodes(&self) -> u32 {
        self.watchers
    }

    fn scheduler(&self, setting: &Setting) -> Option<Box<dyn Scheduler<Self>>> {
        let laggards = setting.nodes / 4;
        let greedy = self.greedy;
        self.scheduled.then(|| Box::new(Lag { laggards, greedy, seen: 0 }) as Box<_>)
    }
}

/// Lets a quarter of the nodes wait for what is sent to them until somebody is three rounds ahead.
struct Lag {
    laggards: u32,
    greedy: bool,
    seen: u32,
}

impl Scheduler<Rounds> for Lag {
    fn hear(&mut self, said: &Said<Entered>) {
        self.seen = self.seen.max(said.output.round);
    }

    fn on_send(&mut self, message: &InTransit<Round>) -> Fate {
        match message.to.0 {
            to if to < self.laggards => Fate::Held,
            to if to % 2 == 0 => Fate::At(message.sent),
            _ => Fate::Due,
        }
    }

    fn release(&mut self, now: Time, held: &mut Held<Round>) {
        let reached = self.seen;
        if !self.greedy {
            held.release_all(now + Span(1_000), |message| message.message.0 + 3 <= reached);
        }
    }
}

fn text(keys: &str, network: &str) -> String {
    format!(
        "nodes = 24\nuntil = \"10s\"\n[protocol]\nname = \"rounds\"\n{keys}\n[network]\n{network}"
    )
}

const ASYNCHRONOUS: &str = "model = \"uniform\"\nmin = \"5ms\"\nmax = \"15ms\"\n";
const SYNCHRONOUS: &str = "model = \"synchronous\"\ndelta = \"40ms\"\n";

#[test]
fn a_schedule_is_the_same_for_any_sharding() {
    for keys in ["", "watchers = 5", "greedy = true"] {
        for network in [ASYNCHRONOUS, SYNCHRONOUS] {
            assert!(one_result::<Rounds>(&text(keys, network)) > 10_000, "{keys} {network}");
        }
    }
    let lossy = format!("{ASYNCHRONOUS}loss = 0.05\nduplication = 0.1\n");
    assert!(one_result::<Rounds>(&text("", &lossy)) > 5_000);
}

#[test]
fn what_is_held_arrives_all_the_same() {
    // Everybody sends 21 times to 23 others, whatever the adversary does.
    let all = 24 * 21 * 23;
    for keys in ["", "greedy = true", "scheduled = false"] {
        let outcome = Ready::<Rounds>::new(&text(keys, ASYNCHRONOUS)).sequential();
        assert_eq!(outcome.result.totals.of(PholdMetric::Handled), all, "{keys}");
    }
}

/// Under a bound the laggards hear all within it: 40 ms a round and no more.
#[test]
fn a_bound_holds_against_the_adversary() {
    let last = |keys, network| {
        Ready::<Rounds>::new(&text(keys, network)).sequential().result.facts.last_event
    };
    let bounded = last("greedy = true", SYNCHRONOUS);
    assert!(bounded <= Time::ZERO + Span::from_millis(21 * 40 + 40), "{bounded}");
    let released = last("", SYNCHRONOUS);
    assert!(released < bounded, "{released} {bounded}");
}

#[test]
fn extra_nodes_are_nodes() {
    let ready = Ready::<Rounds>::new(&text("watchers = 5", ASYNCHRONOUS));
    assert_eq!((ready.scenario.nodes, ready.scenario.population()), (24, 29));
    let outcome = ready.sequential();
    assert_eq!(outcome.result.totals.of(PholdMetric::Handled), 29 * 21 * 28);
    let sharded = ready.sharded(3, 2, true);
    assert_eq!(invariant_part(&sharded), invariant_part(&outcome));
}
