//! Random small runs, and the error planted for them: what is left of a resting order after a trade goes to
//! the end of its queue. Totals are conserved; only the order of the queue breaks.

use anthill_protocol::behaviour::{delayed, silent};

use super::*;

/// One random run; what judges found that they did not expect, of the rule that the error breaks first.
fn hunt(seed: u64, is_planted: bool) -> Option<String> {
    let luck = |n: u64, bound: u64| anthill_protocol::draw::mix(seed, n) % bound;
    let over = ["pbft", "raft", "hotstuff"][luck(1, 3) as usize];
    let nodes = 4 + luck(2, 4) as u32;
    let auction = if luck(3, 4) == 0 { "batch" } else { "none" };
    let mut exchange = exchange(
        nodes,
        &[
            ("over", Value::Choice(over)),
            ("auction", Value::Choice(auction)),
            ("traders", Value::Count(2 + luck(4, 4))),
            ("delta", Value::Span(millis(50))),
            ("taker_fee", Value::Count(luck(5, 3) * 250)),
            ("workload.flow", Value::Choice("poisson")),
            ("workload.interval", Value::Span(millis(60))),
            ("workload.requests", Value::Count(10)),
        ],
    );
    exchange.terrain.requeues = is_planted;
    let mut pump = Pump::new(exchange, nodes).delays(Span(1), millis(10 + luck(6, 80))).seed(seed);
    let lies = over != "raft";
    pump = match luck(7, 4) {
        0 if lies => pump.hold(NodeId(luck(8, nodes.into()) as u32), silent(at(luck(9, 1_000)))),
        1 if lies => pump.hold(NodeId(luck(8, nodes.into()) as u32), delayed(millis(luck(9, 60)))),
        2 => pump.loss(0.02).duplicate(0.03),
        _ => pump,
    };
    pump.run(at(8_000));
    let mut found = pump.findings();
    found.retain(|it| !it.expected);
    found.sort_by_key(|it| it.judge != "price and time priority");
    let found = found.into_iter().next();
    found.map(|it| format!("seed {seed}, {nodes} nodes: {}: {}", it.judge, it.about))
}

#[test]
fn the_planted_error_is_found_and_nothing_else() {
    let found = (0..1_000).find_map(|seed| hunt(seed, true)).expect("within a thousand runs");
    assert!(found.contains("price and time priority"), "{found}");
    for seed in 0..40 {
        assert_eq!(hunt(seed, false), None);
    }
}
