//! Chord as a whole, on the pump.

mod attacks;
mod churn;
mod hunt;
mod malformed;

use anthill_protocol::complexity::{Cost, Relation};
use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Cell, Configure, NodeId, RunFacts, Span, Time, laws};

use crate::Chord;
use crate::checks::{deviation, mean_hops, messages};
use crate::messages::{ChordMetric, ChordOutput};
use crate::ring::log2;

pub(super) fn seconds(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

/// Quick maintenance: every two seconds.
pub(super) fn chord(nodes: u32, seed: u64, set: &[(&str, Value)]) -> Chord {
    let mut values = Values::of::<Chord>();
    for every in ["stabilise", "fix_fingers"] {
        values.set(every, Value::Span(Span::from_secs(2)));
    }
    set.iter().for_each(|(name, value)| values.set(name, *value));
    let mut chord = Chord::configure(&values).expect("consistent");
    chord.fit(nodes, seed).expect("they have room");
    chord
}

pub(super) const JOIN: (&str, Value) = ("start", Value::Choice("join"));
pub(super) const GO_ON: (&str, Value) = ("stop", Value::Flag(false));

pub(super) fn lookups(count: u64) -> (&'static str, Value) {
    ("lookups", Value::Count(count))
}

pub(super) fn over(s: u64) -> (&'static str, Value) {
    ("workload.over", Value::Span(Span::from_secs(s)))
}

pub(super) fn of(facts: &RunFacts, metric: ChordMetric) -> u64 {
    facts.totals.of(metric)
}

/// All of the judges' checks hold, and were made.
pub(super) fn all_hold(pump: &mut Pump<Chord>) {
    for check in pump.judged() {
        let made = check.ok && !check.expected_violation && check.not_judged.is_none();
        assert!(made, "{check:?} {:?}", pump.findings());
    }
}

fn mean(facts: &RunFacts) -> f64 {
    of(facts, ChordMetric::MeanHops) as f64 / of(facts, ChordMetric::Found) as f64
}

#[test]
fn parameters_are_lawful_and_nodes_have_room() {
    laws::parameters::<Chord>();
    assert_eq!((Chord::NAME, Chord::ADVERSARIES.len()), ("chord", 2));
    let mut small = chord(2, 1, &[("bits", Value::Count(4))]);
    assert_eq!(small.fit(16, 1), Ok(()));
    let refused = small.fit(17, 1).expect_err("one too many");
    assert_eq!(refused.to_string(), "protocol.bits: 17 nodes have no room; give at least 5");
}

/// ½ log₂ n − 0.137: 4.863 for 1,024 nodes, 6.863 for 16,384.
#[test]
fn hops_have_their_mean_on_a_built_ring() {
    assert!((mean_hops(1 << 10) - 4.863).abs() < 0.011);
    assert!((mean_hops(1 << 14) - 6.863).abs() < 0.001);
    assert!((mean_hops(100_000) - 8.169).abs() < 0.002);
    assert!((mean_hops(1_000_000) - 9.829).abs() < 0.001);
    for (nodes, count) in [(100, 4_000), (1_024, 8_000), (1_448, 8_000), (16_384, 4_000)] {
        let mut pump = Pump::new(chord(nodes, 7, &[lookups(count), over(4)]), nodes).seed(7);
        let facts = pump.run(seconds(60));
        assert_eq!(of(&facts, ChordMetric::Found), count);
        let (measured, expected) = (mean(&facts), mean_hops(nodes));
        let most = 4.0 * deviation(nodes, count);
        assert!((measured - expected).abs() < most, "{nodes}: {measured}, not {expected} ± {most}");
        assert!(of(&facts, ChordMetric::Longest) as f64 <= log2(nodes) + 6.0);
        assert_eq!([ChordMetric::Timeouts, ChordMetric::Failed].map(|m| of(&facts, m)), [0, 0]);
        let checks = pump.protocol().checks(&facts);
        assert_eq!(checks.len(), 3);
        assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
        all_hold(&mut pump);
    }
}

/// The mean over many rings tells the constant to ± 0.01.
#[test]
fn the_constant_is_that_of_the_literature_of_many_rings() {
    let (nodes, rings, each) = (512, 40, 1_000);
    let sum: f64 = (0..rings)
        .map(|seed| {
            let chord = chord(nodes, seed, &[lookups(each), over(2)]);
            mean(&Pump::new(chord, nodes).seed(seed).run(seconds(60)))
        })
        .sum();
    let (measured, expected) = (sum / rings as f64, mean_hops(nodes));
    let sd = deviation(nodes, each) / (rings as f64).sqrt();
    assert!((measured - expected).abs() < 4.0 * sd + 0.002, "{measured}, not {expected} ± {sd}");
}

/// What `anthill complexity` compares with, on rings that nobody keeps: each lookup's messages are those of its hops,
/// and in the mean those of theory.
#[test]
fn a_lookup_takes_two_messages_a_hop_and_two_for_the_owner() {
    let never = ["stabilise", "fix_fingers"].map(|n| (n, Value::Span(Span::from_secs(1_000_000))));
    let (rings, each) = (24, 2_000);
    for nodes in [64, 100, 512] {
        let (mut sum, mut expected) = (0.0, 0.0);
        for seed in 0..rings {
            let chord = chord(nodes, seed, &[never[0], never[1], lookups(each), over(2)]);
            let mut pump = Pump::new(chord, nodes).seed(seed);
            let facts = pump.run(seconds(60));
            let own = pump.outputs().iter().filter(|said| {
                matches!(said.output, ChordOutput::Found { owner, .. } if owner == said.node)
            });
            let hops = of(&facts, ChordMetric::MeanHops);
            let found = of(&facts, ChordMetric::Found);
            assert_eq!(facts.totals.messages, 2 * (hops + found - own.count() as u64));
            let theory = pump.protocol().complexity(nodes);
            let decisions = theory.decisions::<ChordMetric>(&facts.totals, nodes).expect("some");
            assert_eq!(decisions, each as f64);
            let law = theory.law(Cost::Messages).expect("a law");
            assert_eq!((law.relation, law.expected), (Relation::Grows, messages(nodes)));
            (sum, expected) = (sum + facts.totals.messages as f64 / decisions, law.expected);
        }
        let (measured, sd) = (sum / rings as f64, deviation(nodes, each) / (rings as f64).sqrt());
        assert!(
            (measured - expected).abs() < 2.0 * (4.0 * sd + 0.01),
            "{measured}, not {expected}"
        );
    }
}

/// Successor lists as further fingers save hops (ToN section IV-E.3), so the closed form is another.
#[test]
fn shortcuts_save_hops() {
    let run = |shortcuts| {
        let set = [lookups(4_000), over(4), ("shortcuts", Value::Flag(shortcuts))];
        mean(&Pump::new(chord(1_024, 3, &set), 1_024).seed(3).run(seconds(60)))
    };
    let [without, with] = [false, true].map(run);
    assert!(with + 0.5 < without, "{with} {without}");
}

/// What an idle ring sends: for each node and period `stabilise`, its answer, `ping` and `pong`. No
/// list is sent again, and nobody is notified.
#[test]
fn an_idle_ring_sends_four_messages_a_period() {
    let never = ("fix_fingers", Value::Span(Span::from_secs(1_000_000)));
    let nodes = 50;
    let mut pump = Pump::new(chord(nodes, 1, &[lookups(0), never]), nodes).seed(1);
    let (before, after) = (pump.run(seconds(20)).totals, pump.run(seconds(40)).totals);
    assert_eq!(after.messages - before.messages, 4 * 10 * u64::from(nodes));
    let kind = |name: &str| {
        use anthill_protocol::Message;
        let kinds = crate::messages::ChordMessage::KINDS;
        let place = kinds.iter().position(|kind| *kind == name).expect("a kind");
        after.messages_by_kind[place]
    };
    assert_eq!(kind("notify"), 0);
    assert_eq!(kind("stabilise"), kind("ping"));
    all_hold(&mut pump);
}

/// Each finger of a built ring is what fixing it finds.
#[test]
fn fixing_fingers_changes_nothing_on_a_built_ring() {
    for nodes in [1, 2, 3, 5, 64, 300] {
        let mut pump = Pump::new(chord(nodes, 2, &[lookups(0)]), nodes).seed(2);
        let fingers = |pump: &Pump<Chord>| -> Vec<Vec<NodeId>> {
            (0..nodes).map(|n| pump.node(NodeId(n)).expect("up").fingers.clone()).collect()
        };
        pump.run(Time(1));
        let before = fingers(&pump);
        pump.run(seconds(60));
        assert_eq!(fingers(&pump), before, "{nodes} nodes");
        all_hold(&mut pump);
    }
}

/// One after the other, a node at a time or several: a ring, with the fingers of a built one, and
/// every lookup during it finds the owner.
#[test]
fn joining_nodes_form_a_ring() {
    for (nodes, every) in [(1, 500), (2, 500), (3, 500), (7, 1), (40, 500), (40, 1), (200, 20)] {
        let interval = ("join_interval", Value::Span(Span::from_millis(every)));
        let set = [JOIN, GO_ON, interval, lookups(2_000), over(60)];
        let mut pump = Pump::new(chord(nodes, 4, &set), nodes)
            .seed(4)
            .delays(Span::from_millis(1), Span::from_millis(400));
        let facts = pump.run(seconds(150));
        all_hold(&mut pump);
        assert_eq!(of(&facts, ChordMetric::Joins), u64::from(nodes - 1));
        let built = chord(nodes, 4, &[]);
        let mut founders = Pump::new(built, nodes).seed(4);
        founders.run(Time(1));
        for id in (0..nodes).map(NodeId) {
            let [joined, built] = [&pump, &founders].map(|pump| pump.node(id).expect("up"));
            assert_eq!((&joined.list, joined.predecessor), (&built.list, built.predecessor));
            assert_eq!(joined.fingers, built.fingers, "{nodes} nodes, {id}");
        }
    }
}

/// Every node asks its share, in a whole that is exact.
#[test]
fn lookups_are_as_many_as_asked_for() {
    for (nodes, count) in [(7, 3), (7, 7), (7, 100), (1, 5)] {
        let mut pump = Pump::new(chord(nodes, 1, &[lookups(count), over(5)]), nodes).seed(1);
        let facts = pump.run(seconds(60));
        assert_eq!(of(&facts, ChordMetric::Lookups), count, "{nodes} nodes");
        let asked = pump.outputs().iter();
        let asked = asked.filter(|said| matches!(said.output, ChordOutput::Asked { .. }));
        assert_eq!(asked.count() as u64, count);
        assert!(facts.last_event < seconds(6));
    }
}

/// Lists and fingers are of about log₂ n addresses.
#[test]
fn a_node_is_small() {
    use anthill_protocol::Snapshot;
    assert!(size_of::<crate::node::Node>() <= 192, "{}", size_of::<crate::node::Node>());
    assert!(size_of::<crate::messages::ChordMessage>() <= 32);
    let nodes = 16_384;
    let mut pump = Pump::new(chord(nodes, 1, &[lookups(0)]), nodes).seed(1);
    pump.run(Time(1));
    for id in (0..nodes).step_by(97).map(NodeId) {
        let node = pump.node(id).expect("up");
        let mut saved = Vec::new();
        node.save(&mut saved);
        assert!(node.list.len() == 14 && node.fingers.len() < 40 && saved.len() < 300, "{node:?}");
    }
}

#[test]
fn the_table_shows_members_of_the_ring() {
    let mut pump = Pump::new(chord(64, 2, &[lookups(0)]), 64).seed(2);
    pump.run(seconds(5));
    let row = |id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up"));
    let known = pump.node(NodeId(7)).expect("up").list.len() as u64;
    assert!(known > 0);
    assert_eq!(row(7), [Cell::Word("yes"), Cell::Count(known), Cell::Count(0)]);
    assert_eq!(Chord::COLUMNS.len(), 3);
}
