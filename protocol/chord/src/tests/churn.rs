//! Nodes that go down and come back.

use anthill_protocol::draw;

use super::*;

/// Of every node the next one up, in ring order.
fn is_one_ring(pump: &Pump<Chord>) -> bool {
    let table = pump.protocol().table().clone();
    let up: Vec<NodeId> = (0..table.len())
        .map(|place| table.node(place))
        .filter(|node| pump.node(*node).is_some_and(|node| node.is_member()))
        .collect();
    up.iter().enumerate().all(|(i, node)| {
        let next = up[(i + 1) % up.len()];
        let known = &pump.node(*node).expect("up").list;
        known.first() == Some(&next) || (up.len() == 1 && known.is_empty())
    })
}

/// Finds keys before, during and after; two neighbours on the ring fail, then as many in a row as
/// lists are long, less one.
#[test]
fn neighbours_fail_and_the_ring_closes() {
    for failing in [2, 4] {
        let nodes = 32;
        let set = [GO_ON, lookups(3_000), over(60)];
        let mut chord = chord(nodes, 5, &set);
        chord.crashes = true;
        assert_eq!(chord.most_successors(), 5);
        let mut pump = Pump::new(chord, nodes).seed(5);
        pump.run(seconds(10));
        let table = pump.protocol().table().clone();
        (7..7 + failing).for_each(|place| drop(pump.crash(table.node(place))));
        assert!(!is_one_ring(&pump));
        let facts = pump.run(seconds(100));
        assert!(is_one_ring(&pump));
        assert!(of(&facts, ChordMetric::Timeouts) > 0);
        assert_eq!(of(&facts, ChordMetric::Failed), 0);
        let before = table.node(6);
        assert_eq!(pump.node(before).expect("up").list[0], table.node(7 + failing));
        all_hold(&mut pump);
    }
}

/// As many failures in a row as the list is long: the ring is cut there, and closes by fingers only
/// if nobody is passed over.
#[test]
fn a_list_of_one_does_not_survive_failures() {
    let nodes = 32;
    let set = [GO_ON, lookups(2_000), over(60), ("successors", Value::Count(1))];
    let mut chord = chord(nodes, 5, &set);
    chord.crashes = true;
    let mut pump = Pump::new(chord, nodes).seed(5);
    pump.run(seconds(10));
    let table = pump.protocol().table().clone();
    (7..13).for_each(|place| drop(pump.crash(table.node(place))));
    pump.run(seconds(20));
    let judged = pump.judged();
    // A bound that does not hold, and is not claimed.
    assert!(judged.iter().all(|check| check.ok || check.expected_violation), "{judged:?}");
    let owner = &judged[0];
    assert!(owner.measured > 0.0 && owner.expected_violation, "{owner:?}");
}

/// Half of all nodes come and go, with and without their state: every lookup of a node that stays
/// ends with an owner, and when all are back they are one ring.
#[test]
fn churn_costs_time_and_no_keys() {
    for (seed, keep) in [(1, true), (2, false)] {
        let nodes = 60;
        let mut chord = chord(nodes, seed, &[GO_ON, lookups(6_000), over(100)]);
        chord.crashes = true;
        let mut pump = Pump::new(chord, nodes).seed(seed);
        let mut down = Vec::new();
        for second in 1..100 {
            pump.run(seconds(second));
            let drawn = draw::draw(seed, second);
            if down.len() < 6 {
                let node = NodeId(draw::below(drawn, 30) as u32);
                down.extend(pump.crash(node).map(|state| (node, state)));
            } else {
                let (node, state) = down.swap_remove(draw::below(drawn, 6) as usize);
                pump.restart(node, state, keep);
            }
        }
        for (node, state) in down {
            pump.restart(node, state, keep);
        }
        let facts = pump.run(seconds(160));
        assert!(is_one_ring(&pump));
        assert!(of(&facts, ChordMetric::Joins) > 40 && of(&facts, ChordMetric::Timeouts) > 100);
        assert!(of(&facts, ChordMetric::Found) > 5_000);
        all_hold(&mut pump);
    }
}

/// A node of which nobody knows that it was away: it is let in again at its old place.
#[test]
fn a_quick_restart_goes_unnoticed() {
    for keep in [false, true] {
        let mut chord = chord(10, 3, &[GO_ON, lookups(0)]);
        chord.crashes = true;
        let mut pump = Pump::new(chord, 10).seed(3);
        pump.run(seconds(10));
        let state = pump.crash(NodeId(4)).expect("up");
        pump.restart(NodeId(4), state, keep);
        let facts = pump.run(seconds(11));
        assert_eq!(of(&facts, ChordMetric::Joins), 1);
        pump.run(seconds(60));
        assert!(is_one_ring(&pump));
        all_hold(&mut pump);
    }
}

/// All but one go down: the last one owns all keys, and the others find it again.
#[test]
fn the_last_one_keeps_the_ring() {
    let mut pump = Pump::new(chord(4, 3, &[GO_ON, lookups(200), over(100)]), 4).seed(3);
    pump.run(seconds(10));
    let states = [1, 2, 3].map(|node| (NodeId(node), pump.crash(NodeId(node)).expect("up")));
    pump.run(seconds(40));
    assert!(is_one_ring(&pump));
    for (node, state) in states {
        pump.restart(node, state, false);
    }
    pump.run(seconds(130));
    assert!(is_one_ring(&pump));
    assert_eq!(pump.node(NodeId(0)).expect("up").list.len(), 2);
}
