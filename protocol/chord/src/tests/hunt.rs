//! Random small runs: what the planted error does, and that nothing else is found.

use anthill_protocol::draw;

use super::*;

/// A run of five to seven nodes, drawn from a number: two are cut off from the others, each for less
/// than a time-out, so that nobody loses all neighbours; one may crash and come back. Whether the ring
/// is broken when all has been calm for long.
fn ring_breaks(run: u64, careless: bool) -> bool {
    let drawn =
        |purpose, bound| draw::below(draw::draw(draw::mix(run, 0x6875_6e74), purpose), bound);
    let nodes = 5 + drawn(0, 3) as u32;
    let start = if drawn(1, 2) == 0 { "ring" } else { "join" };
    let set = [GO_ON, lookups(0), ("start", Value::Choice(start)), ("successors", Value::Count(6))];
    let mut chord = chord(nodes, run, &set);
    chord.careless = careless;
    let mut pump = Pump::new(chord, nodes)
        .seed(run)
        .delays(Span::from_millis(1 + drawn(2, 20)), Span::from_millis(30 + drawn(3, 200)));
    for cut in 0..2 {
        let node = NodeId(drawn(10 + cut, nodes.into()) as u32);
        let from = seconds(6) + Span::from_millis(drawn(20 + cut, 4_000));
        pump = pump.cut(&[node], false, from, from + Span::from_millis(100 + drawn(30 + cut, 600)));
    }
    pump.run(seconds(7));
    let victim = NodeId(drawn(40, nodes.into()) as u32);
    let state = if drawn(41, 2) == 0 { pump.crash(victim) } else { None };
    pump.run(seconds(7) + Span::from_millis(drawn(42, 5_000)));
    if let Some(state) = state {
        pump.restart(victim, state, drawn(43, 2) == 0);
    }
    pump.run(seconds(70));
    let ring = pump.judged().pop().expect("three judges");
    assert_eq!((ring.name, ring.not_judged), ("ring_ok", None), "run {run}");
    !ring.ok
}

#[test]
fn a_careless_node_splits_the_ring_and_others_do_not() {
    let found = (0..1_000).find(|run| ring_breaks(*run, true));
    let found = found.expect("in one of the runs");
    println!("the planted error is found by run {found}");
    assert!(!ring_breaks(found, false), "run {found}");
    let broken: Vec<u64> = (0..1_000).filter(|run| ring_breaks(*run, false)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}
