//! Costs of runs beside theory's, and histories.

use std::collections::BTreeMap;

use anthill_protocol::complexity::{Cost, Relation};
use anthill_protocol::history::{Step, Value as Told};
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure as _, Protocol as _, Span};

use super::normal::{pbft, pump, run};
use crate::messages::PbftMetric;
use crate::protocol::Pbft;

/// Delays vary, but four of the shortest are more than three of the longest: nobody hears of a stable checkpoint that it
/// has not reached.
#[test]
fn a_batch_costs_what_theory_says() {
    for n in 1..=13 {
        for (requests, interval) in [(20, 4), (7, 3), (5, 16)] {
            let settings = [
                ("requests", Value::Count(requests)),
                ("checkpoint_interval", Value::Count(interval)),
            ];
            let mut pump = pump(pbft(n, &settings))
                .seed(n.into())
                .delays(Span::from_millis(100), Span::from_millis(130));
            let facts = run(&mut pump);
            let theory = pump.protocol().complexity(n);
            let batches = theory.decisions::<PbftMetric>(&facts.totals, n).expect("some");
            assert_eq!(batches, requests as f64);
            let law = theory.law(Cost::Messages).expect("a law");
            let measured = facts.totals.messages as f64 / batches;
            assert_eq!(law.relation, Relation::Exactly);
            assert!((measured - law.expected).abs() < 1e-9, "{n}: {measured}, {}", law.expected);
        }
    }
}

#[test]
fn several_requests_share_the_cost_of_a_batch() {
    let settings = [
        ("requests", Value::Count(64)),
        ("clients", Value::Count(16)),
        ("batch", Value::Count(8)),
        ("pipeline", Value::Count(1)),
    ];
    for n in [4, 7, 10] {
        let mut pump = pump(pbft(n, &settings));
        let facts = run(&mut pump);
        let theory = pump.protocol().complexity(n);
        let batches = theory.decisions::<PbftMetric>(&facts.totals, n).expect("some");
        assert!(batches < 64.0);
        let law = theory.law(Cost::Messages).expect("a law");
        assert_eq!(law.relation, Relation::AtLeast);
        assert!(facts.totals.messages as f64 / batches >= law.expected);
    }
}

/// Operations asked for and answered. Each is asked for once, and answered at most once, after that; a client
/// has one at a time.
fn operations(pump: &Pump<Pbft>) -> (usize, usize) {
    let (mut all, mut answered) = (BTreeMap::new(), 0);
    for said in pump.outputs() {
        let Some(operation) = pump.protocol().operation(said.node, &said.output) else { continue };
        let Told::Number(value) = operation.value else { panic!("{operation:?}") };
        let process = operation.process;
        let open = all.entry(process).or_insert((0, false));
        match operation.step {
            Step::Invoke => {
                assert_eq!((open.1, value), (false, open.0 + 1));
                *open = (value, true);
            }
            Step::Ok => {
                assert_eq!(*open, (value, true));
                (open.1, answered) = (false, answered + 1);
            }
            Step::Fail | Step::Info => panic!("{operation:?}"),
        }
    }
    (all.values().map(|(asked, _)| *asked as usize).sum(), answered)
}

#[test]
fn every_answer_is_to_a_request() {
    let settings = [("requests", Value::Count(30))];
    for n in [1, 4, 6] {
        let mut pump = pump(pbft(n, &settings));
        run(&mut pump);
        assert_eq!(operations(&pump), (30, 30));
    }
    // Requests are sent again, and more replies come than needed.
    for seed in 0..20 {
        let mut pump = pump(pbft(4, &settings)).seed(seed).loss(0.1).duplicate(0.2);
        run(&mut pump);
        let (asked, answered) = operations(&pump);
        assert!(answered > 10 && asked - answered <= 4, "seed {seed}: {answered} of {asked}");
    }
}
