//! Gossip between neighbours: nothing is lost, nothing goes twice over a link, nothing grows without bound.

use anthill_protocol::parameter::Value;
use anthill_protocol::recording::{Pump, Recording};
use anthill_protocol::{
    Bodies as _, Configure, Context as _, NodeId, Protocol as _, RunFacts, Span, Time,
};

use super::normal::{decisions, fitted, is_judged_fine, pump, raw};
use super::scripts::accused;
use crate::attacks::{Attack, Conduct};
use crate::bodies::ChainBody;
use crate::checks::sent;
use crate::graph::{Graph, MOST_NEIGHBOURS};
use crate::messages::{ChainMessage, ChainMetric};
use crate::node::Node;
use crate::protocol::PosBft;

/// A chain of which each node chooses four neighbours.
fn gossiping(changes: &[(&str, Value)]) -> PosBft {
    let mut changes = changes.to_vec();
    changes.push(("relay", Value::Choice("gossip")));
    if !changes.iter().any(|it| it.0 == "degree") {
        changes.push(("degree", Value::Count(4)));
    }
    raw(&changes)
}

fn near(protocol: PosBft) -> Pump<PosBft> {
    pump(protocol).delay(Span::from_millis(1))
}

fn end(pump: &mut Pump<PosBft>) -> RunFacts {
    let facts = pump.run(Time::ZERO + Span::from_secs(600));
    assert_eq!(pump.leaks(), Vec::<String>::new());
    facts
}

#[test]
fn everybody_reaches_everybody() {
    for (nodes, degree) in [(1, 10), (2, 10), (3, 1), (7, 2), (200, 10), (1_000, 20)] {
        let graph = Graph::drawn(nodes, degree, 7);
        let of = |id: u32| graph.of(NodeId(id));
        for id in 0..nodes {
            assert!(of(id).len() <= MOST_NEIGHBOURS && of(id).is_sorted() && !of(id).contains(&id));
            assert!(of(id).iter().all(|other| of(*other).contains(&id)), "links work both ways");
        }
        let farthest = graph.diameter(0).expect("connected");
        assert!(farthest <= nodes / 2 + 1, "{nodes}, {degree}: {farthest}");
    }
    assert!(Graph::drawn(200, 10, 7).diameter(0).expect("connected") <= 3);
    // Without its first two nodes a ring of five is a line of three; of six, without the first, of five.
    assert_eq!(Graph::drawn(5, 1, 7).diameter(2), Some(2));
}

/// Nobody sends a vote twice over a link; everybody gets everything.
#[test]
fn votes_cross_each_link_at_most_once_in_each_direction() {
    let changes = [("heights", Value::Count(6)), ("full_nodes", Value::Count(5))];
    let mut pump = near(fitted(gossiping(&changes), 25));
    let facts = end(&mut pump);
    assert_eq!(facts.totals.of(ChainMetric::Decided), 6 * 25);
    assert_eq!(facts.totals.of(ChainMetric::Rounds), 0);
    assert_eq!(facts.totals.of(ChainMetric::Resent), 0);
    for (kind, of_height) in [("proposal", 1), ("part", 1), ("prevote", 20), ("precommit", 20)] {
        let (copies, count) = (sent(&facts, kind), 6 * of_height);
        assert!(copies <= count * pump.protocol().graph.edges() as u64, "{kind}: {copies}");
        // The last height ends before its last precommits are everywhere.
        assert!(copies >= (count - of_height) * 24, "{kind}: {copies}");
    }
    assert!(sent(&facts, "has") > 0 && sent(&facts, "step") > 0);
    let checks = pump.protocol().checks(&facts);
    assert!(checks.iter().all(|it| it.ok && !it.expected_violation), "{checks:?}");
    is_judged_fine(&mut pump);
}

/// Three phases of the steps that it takes, each up to `gossip_sleep` and `flush` long, and half of that on
/// average.
#[test]
fn a_height_takes_the_sleeps_of_its_hops() {
    let of = |sleep: u64, flush: u64| {
        let changes = [
            ("heights", Value::Count(8)),
            ("gossip_sleep", Value::Span(Span::from_millis(sleep))),
            ("flush", Value::Span(Span::from_millis(flush))),
        ];
        let mut pump = near(fitted(gossiping(&changes), 10));
        end(&mut pump);
        is_judged_fine(&mut pump);
        let all = decisions(&pump, 3);
        (all[7].0 - all[1].0) / 6.0
    };
    let fast = of(1, 0);
    assert!((1_003.0..1_020.0).contains(&fast), "{fast}");
    let slow = of(100, 100);
    // One hop to nearly all of ten nodes: 100 to 200 ms a phase, the last of two thirds counts.
    assert!((1_300.0..1_900.0).contains(&slow), "{slow}");
}

/// A block of a megabyte goes in sixteen parts.
#[test]
fn blocks_go_in_parts() {
    let changes = [
        ("heights", Value::Count(4)),
        ("users", Value::Count(20)),
        ("execution", Value::Choice("transfer")),
        ("workload.rate", Value::Number(40.0)),
        ("part_bytes", Value::Count(1_024)),
    ];
    let mut pump = near(fitted(gossiping(&changes), 36));
    let facts = end(&mut pump);
    assert_eq!(facts.totals.of(ChainMetric::Decided), 64);
    assert!(facts.totals.of(ChainMetric::Transaction) > 10);
    // A block of some fifty transactions of 150 bytes, and of each at least 15 copies.
    assert!(sent(&facts, "part") > 4 * 15 * 3, "{}", sent(&facts, "part"));
    let proposals = facts.totals.bytes_by_kind[0] / sent(&facts, "proposal");
    assert!(proposals < 400, "a proposal brings {proposals} bytes");
    is_judged_fine(&mut pump);
}

/// A proposal counts once all parts of its block are there, in whatever order they come, and however often.
#[test]
fn a_block_counts_when_it_is_whole() {
    let mut protocol = gossiping(&[("heights", Value::Count(3))]);
    protocol.part_bytes = 100;
    let protocol = fitted(protocol, 5);
    let mut cx = Recording::new(NodeId(0), 5);
    let proposer = protocol.start(&mut cx);
    let bodies = cx.bodies();
    let (mut parts, mut proposals) = (Vec::new(), Vec::new());
    for body in proposer.server().expect("a server").gossip.retained() {
        match bodies.get(body) {
            ChainBody::Part(_) => parts.push(ChainMessage::Part(body)),
            ChainBody::Proposal(_) => proposals.push(ChainMessage::Proposal(body)),
            _ => {}
        }
    }
    assert!(parts.len() >= 3 && proposals.len() == 1, "{parts:?} {proposals:?}");
    let (last, rest) = parts.split_last().expect("parts");
    let orders = [
        ([&proposals, rest, rest, rest].concat(), *last),
        ([rest, rest, &[*last]].concat(), proposals[0]),
    ];
    for (before, end) in orders {
        let mut cx = Recording::new(NodeId(1), 5).bodies_of(bodies.clone());
        let mut node = protocol.start(&mut cx);
        let heard = |node: &Node| {
            let round = node.server().expect("a server").round(0);
            round.map_or(0, |round| round.proposals.len())
        };
        for message in before {
            protocol.on_message(&mut node, NodeId(0), &message, &mut cx);
            assert_eq!(heard(&node), 0, "{message:?}");
        }
        protocol.on_message(&mut node, NodeId(0), &end, &mut cx);
        assert_eq!(heard(&node), 1);
    }
}

/// Lost messages are asked for again, nodes that were down catch up, with and without what they knew.
#[test]
fn losses_and_crashes_are_survived() {
    for keeps in [true, false] {
        let changes = [
            ("heights", Value::Count(12)),
            ("resend", Value::Span(Span::from_secs(2))),
            ("degree", Value::Count(3)),
        ];
        let mut pump = near(fitted(gossiping(&changes), 10))
            .delays(Span::from_millis(1), Span::from_millis(80))
            .loss(0.05)
            .duplicate(0.05);
        pump.run(Time::ZERO + Span::from_millis(1_700));
        let down = pump.crash(NodeId(4)).expect("up");
        pump.run(Time::ZERO + Span::from_secs(9));
        pump.restart(NodeId(4), down, keeps);
        let facts = pump.run(Time::ZERO + Span::from_secs(600));
        assert!(facts.totals.of(ChainMetric::Decided) >= 120, "{:?}", facts.totals.values);
        assert_eq!(
            decisions(&pump, 4).last().map(|it| it.1.min(9)),
            decisions(&pump, 4).last().map(|it| it.1)
        );
        assert_eq!(pump.leaks(), Vec::<String>::new());
        let is_safety = |name: &str| name != "progress" && name != "validity";
        let wrong: Vec<_> =
            pump.judged().into_iter().filter(|it| !it.ok && is_safety(it.name)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

/// What a partition swallows was sent, and nobody is ahead who could be asked: whoever is stuck says so.
#[test]
fn after_a_partition_everything_is_sent_anew() {
    let changes = [("heights", Value::Count(3)), ("resend", Value::Span(Span::from_secs(2)))];
    let half: Vec<NodeId> = (0..5).map(NodeId).collect();
    // Once neighbours have said where they are: before that nothing is sent.
    let (cut, healed) = (Time::ZERO + Span::from_millis(110), Time::ZERO + Span::from_secs(3));
    let mut pump = near(fitted(gossiping(&changes), 10)).cut(&half, false, cut, healed);
    let facts = end(&mut pump);
    assert_eq!(facts.totals.of(ChainMetric::Decided), 30);
    assert!(facts.totals.of(ChainMetric::Resent) > 0);
    let first = (0..10).map(|node| decisions(&pump, node)[0].0).fold(0.0, f64::max);
    assert!((3_000.0..20_000.0).contains(&first), "{first}");
}

/// Fewer than a third break nothing; a coalition that is large enough to fork is caught.
#[test]
fn liars_do_what_they_do_elsewhere() {
    let of = |n: u32, kind: Conduct, count: u32, heights: u64| {
        let mut protocol = gossiping(&[("heights", Value::Count(heights))]);
        protocol.attack = Some(Attack::of(kind, count));
        let mut pump = near(fitted(protocol, n));
        let facts = end(&mut pump);
        (pump, facts)
    };
    let kinds = [
        Conduct::Silent,
        Conduct::Double,
        Conduct::Split,
        Conduct::Amnesiac,
        Conduct::Selective,
        Conduct::FalseRoot,
        Conduct::Forger,
    ];
    for kind in kinds {
        let (mut pump, facts) = of(10, kind, 3, 8);
        assert_eq!(facts.totals.of(ChainMetric::Decided), 8 * 7, "{kind:?}");
        for check in pump.judged() {
            assert!(check.ok || check.name == "validity", "{kind:?}: {check:?}");
        }
    }
    // Whether three of seven fork it is luck: both halves hear both votes. All three are caught.
    let (mut pump, _) = of(7, Conduct::Split, 3, 3);
    assert_eq!(accused(&pump), [0, 1, 2]);
    for check in pump.judged() {
        assert!(check.ok || check.expected_violation, "{check:?}");
    }
}
