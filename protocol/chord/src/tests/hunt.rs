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
    assert!(!ring_breaks(found, false), "run {found}");
    let broken: Vec<u64> = (0..500).filter(|run| ring_breaks(*run, false)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// A run of two to twenty nodes with lookups all the time, in which up to three crash and some come
/// back; nothing is lost. What the judges say.
fn judged(run: u64) -> Pump<Chord> {
    let drawn = |purpose, bound| draw::below(draw::draw(draw::mix(run, 0x6a64), purpose), bound);
    let nodes = 2 + drawn(0, 19) as u32;
    let start = if drawn(1, 2) == 0 { "ring" } else { "join" };
    let every = Span::from_millis([1, 100, 700][drawn(2, 3) as usize]);
    let set = [
        GO_ON,
        lookups(600),
        over(40),
        ("start", Value::Choice(start)),
        ("join_interval", Value::Span(every)),
        ("successors", Value::Count(6)),
        ("shortcuts", Value::Flag(drawn(3, 2) == 0)),
        ("checked", Value::Flag(drawn(4, 2) == 0)),
    ];
    let mut chord = chord(nodes, run, &set);
    chord.crashes = drawn(5, 4) > 0;
    let crashes = chord.crashes;
    let least = 1 + drawn(6, 100);
    let (least, most) = (Span::from_millis(least), Span::from_millis(least + drawn(7, 399)));
    let mut pump = Pump::new(chord, nodes).seed(run).delays(least, most);
    let mut times: Vec<u64> = (0..6).map(|i| 3_000 + drawn(20 + i, 30_000)).collect();
    times.sort_unstable();
    let mut down: Vec<(NodeId, _)> = Vec::new();
    for (i, at) in (0u64..).zip(times).filter(|_| crashes) {
        pump.run(Time::ZERO + Span::from_millis(at));
        if i < 3 && down.len() + 2 < nodes as usize {
            let node = NodeId(drawn(30 + i, nodes.into()) as u32);
            down.extend(pump.crash(node).map(|state| (node, state)));
        } else if !down.is_empty() && drawn(40 + i, 3) > 0 {
            let (node, state) = down.swap_remove(0);
            pump.restart(node, state, drawn(50 + i, 2) == 0);
        }
    }
    pump.run(seconds(90));
    pump
}

#[test]
fn judges_find_nothing_where_failures_are_few() {
    for run in 0..250 {
        let mut pump = judged(run);
        for check in pump.judged() {
            let holds = check.ok && !check.expected_violation;
            assert!(holds, "run {run}: {check:?} {:?}", pump.findings());
        }
    }
}
