//! Nobody lies: exact counts and instants.

use anthill_protocol::complexity::{Cost, Relation};
use anthill_protocol::{Cell, Configure, NodeId, RunScale, Time, laws};

use super::*;
use crate::node::DolevStrongMetric;

/// n and f with n of all residues mod 3; f up to n − 1.
const SIZES: [(u32, u32); 9] =
    [(2, 1), (4, 1), (5, 2), (6, 1), (7, 2), (10, 3), (10, 9), (12, 5), (31, 30)];

#[test]
fn parameters_are_lawful() {
    laws::parameters::<DolevStrong>();
    let refused = |nodes, faults| {
        let mut values = Values::of::<DolevStrong>();
        values.set("faults", Value::Count(faults));
        let fitted = DolevStrong::configure(&values).expect("consistent").fit(nodes, 1);
        fitted.expect_err("does not fit").to_string()
    };
    assert_eq!(refused(4, 4), "protocol.faults: of 4 nodes at most 3 can be faulty; lower it");
    assert_eq!(
        refused(1, 0),
        "protocol.faults: 1 nodes have nobody to tell; give at least 2 nodes"
    );
}

#[test]
fn counts_are_those_of_the_closed_forms() {
    for (n, f) in SIZES {
        let mut pump = Pump::new(protocol(n, f, &[("instances", Value::Count(3))]), n).seed(7);
        let facts = pump.run(END);
        let (n, totals) = (u64::from(n), &facts.totals);
        assert_eq!(totals.messages_by_kind, [3 * (n - 1), 3 * (n - 1) * (n - 2)], "{n} {f}");
        let of = |metric: DolevStrongMetric| totals.of(metric);
        assert_eq!(of(DolevStrongMetric::Carried), 3 * (n - 1) * (2 * n - 3), "{n} {f}");
        assert_eq!(of(DolevStrongMetric::Signed), 3 * n);
        assert_eq!(of(DolevStrongMetric::Relays), 3 * (n - 1));
        assert_eq!(of(DolevStrongMetric::Decided), 3 * n);
        assert_eq!(of(DolevStrongMetric::Rounds), u64::from(f) + 1);
        assert_eq!((of(DolevStrongMetric::Defaults), of(DolevStrongMetric::Refused)), (0, 0));
        let checks = pump.protocol().checks(&facts);
        assert_eq!(checks.len(), 4);
        assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");
        assert!(is_judged_well(&mut pump), "{n} {f}");
    }
    // The points of the tables.
    let facts = Pump::new(protocol(10, 3, &[]), 10).run(END);
    assert_eq!(facts.totals.messages, 81);
    assert_eq!(facts.totals.of(DolevStrongMetric::Carried), 153);
    // Each signature with who made it is 68 bytes; 12 name instance, value and their number; 1 the kind.
    assert_eq!(facts.totals.bytes_on_wire, 153 * 68 + 81 * 13);
}

#[test]
fn with_no_faults_there_is_one_round_and_nothing_is_passed_on() {
    let mut pump = Pump::new(protocol(5, 0, &[]), 5);
    let facts = pump.run(END);
    assert_eq!((facts.totals.messages, facts.totals.of(DolevStrongMetric::Carried)), (4, 4));
    assert!(pump.protocol().checks(&facts).iter().all(|check| check.ok));
    assert!(is_judged_well(&mut pump));
}

/// What `anthill complexity` compares: costs of a run, divided by the decisions in it.
#[test]
fn costs_are_those_of_theory() {
    for (n, f) in SIZES.into_iter().chain([(3, 0), (8, 0)]) {
        let mut pump = Pump::new(protocol(n, f, &[("instances", Value::Count(4))]), n).seed(7);
        let facts = pump.run(END);
        let theory = pump.protocol().complexity(n);
        let of = |metric: DolevStrongMetric| facts.totals.of(metric) as f64;
        let decisions = theory.decisions::<DolevStrongMetric>(&facts.totals, n).expect("some");
        assert_eq!(decisions, 4.0);
        for law in &theory.laws {
            let measured = match law.cost {
                Cost::Rounds => of(DolevStrongMetric::Rounds),
                Cost::Messages => facts.totals.messages as f64 / decisions,
                Cost::Signatures => of(DolevStrongMetric::Signed) / decisions,
                Cost::Bits => continue,
            };
            assert_eq!((law.relation, measured), (Relation::Exactly, law.expected), "{law:?} {n}");
        }
        assert_eq!(theory.laws.len(), 4);
        let messages = theory.law(Cost::Messages).expect("a law");
        // Dolev and Reischuk's bound is below.
        assert!(messages.expected >= f64::from((f / 2).pow(2)), "{n} {f}");
    }
}

#[test]
fn everybody_decides_the_input_at_the_end_of_round_f_plus_one() {
    let mut pump = Pump::new(protocol(7, 2, &[("instances", Value::Count(40))]), 7).seed(7);
    pump.run(END);
    let inputs: Vec<_> = (0..40).map(|i| pump.protocol().input(i)).collect();
    assert!(inputs.contains(&0) && inputs.contains(&1), "both are drawn");
    let decided = decisions(&pump);
    assert_eq!(decided.len(), 7 * 40);
    for (instance, value) in decided {
        assert_eq!(value, Some(inputs[instance as usize]));
    }
    let round = MS.0 * 12 + 1;
    for said in pump.outputs() {
        if let Said::Decided { instance, .. } = said.output {
            assert_eq!(said.at.time.0, u64::from(instance + 1) * 3 * round);
        }
    }
    // All take turns.
    let spoke = |node| {
        let is_first = |output| matches!(output, Said::Extracted { round: 0, .. });
        pump.outputs()
            .iter()
            .filter(|said| said.node == NodeId(node) && is_first(said.output))
            .count()
    };
    assert_eq!([0, 4, 5, 6].map(spoke), [6, 6, 5, 5]);
}

#[test]
fn inputs_can_be_fixed() {
    for (word, bit) in [("zero", 0), ("one", 1)] {
        let mut pump = Pump::new(protocol(4, 1, &[("inputs", Value::Choice(word))]), 4);
        pump.run(END);
        assert_eq!(decisions(&pump), [(0, Some(bit)); 4]);
    }
}

/// Delays up to delta, drawn, and messages that arrive twice change no decision and no count.
#[test]
fn delays_within_the_bound_change_nothing() {
    for seed in 0..50 {
        let settings = [("instances", Value::Count(4))];
        let mut pump =
            Pump::new(protocol(6, 3, &settings), 6).seed(seed).delays(MS, MS * 12).duplicate(0.2);
        let facts = pump.run(END);
        assert_eq!(facts.totals.messages, 4 * 25);
        assert_eq!(pump.findings(), [], "seed {seed}");
    }
}

/// Delays above the bound are not covered: some node decides something else.
#[test]
fn delays_beyond_the_bound_break_agreement() {
    let found = (0..200).find_map(|seed| {
        let mut pump = Pump::new(protocol(5, 1, &[]), 5).seed(seed).delays(MS * 6, MS * 30);
        pump.run(END);
        pump.findings().into_iter().find(|finding| finding.judge == "agreement")
    });
    assert!(found.expect("in one of the runs").expected);
}

#[test]
fn a_node_that_was_down_joins_the_round_that_is_under_way() {
    let settings = [("instances", Value::Count(6))];
    for keeps in [true, false] {
        let mut pump = Pump::new(protocol(4, 1, &settings), 4).seed(3);
        let round = MS.0 * 12 + 1;
        pump.run(Time(3 * round));
        let state = pump.crash(NodeId(3)).expect("up");
        pump.run(Time(4 * round + round / 2));
        pump.restart(NodeId(3), state, keeps);
        pump.run(END);
        let of_last = pump.outputs().iter().filter(|said| said.node == NodeId(3));
        let last: Vec<_> =
            of_last.filter(|said| matches!(said.output, Said::Decided { .. })).collect();
        // It missed the end of instance 1, and instance 2 began without it.
        assert_eq!(last.len(), 5, "{keeps}");
        let checks = pump.judged();
        let late = checks.iter().find(|check| check.name == "decided on time").expect("judged");
        assert!(!late.ok);
    }
}

#[test]
fn estimates_are_of_the_run() {
    let protocol = protocol(300, 100, &[("instances", Value::Count(2))]);
    let scale = RunScale { nodes: 300, until: Time::MAX, degree: 299.0 };
    assert_eq!(protocol.signatures(&scale).expect("signs").made, 600);
    let half = RunScale { until: Time(MS.0 * 12 * 102), ..scale };
    assert_eq!(protocol.signatures(&half).expect("signs").made, 300);
}

/// The size that signatures used to forbid: the chains are shared.
#[test]
fn three_hundred_nodes_with_a_hundred_liars_in_mind() {
    let mut pump = Pump::new(protocol(300, 100, &[]), 300);
    let facts = pump.run(END);
    assert_eq!(facts.totals.messages, 299 * 299);
    assert_eq!(facts.totals.of(DolevStrongMetric::Carried), 299 * 597);
    assert!(is_judged_well(&mut pump));
}

#[test]
fn the_table_shows_how_far_a_node_is() {
    let mut pump = Pump::new(protocol(5, 1, &[("instances", Value::Count(2))]), 5);
    let row = |pump: &Pump<DolevStrong>| {
        pump.protocol().row(NodeId(3), pump.node(NodeId(3)).expect("up"))
    };
    pump.run(Time(1));
    assert_eq!(row(&pump), [0, 1, 0].map(Cell::Count));
    pump.run(END);
    assert_eq!(row(&pump)[1], Cell::Count(0), "all are over");
    assert_eq!(DolevStrong::COLUMNS.len(), 3);
}
