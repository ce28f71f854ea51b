//! What clients ask and hear, as operations.

use std::collections::BTreeMap;

use anthill_protocol::Protocol as _;
use anthill_protocol::history::{Step, Value as Told};

use super::*;
use crate::messages::RaftMetric;

/// Operations asked for and answered. Each is asked for once, and answered at most once, after that.
fn operations(pump: &Pump<Raft>) -> (usize, usize) {
    let mut open = BTreeMap::new();
    for said in pump.outputs() {
        let Some(operation) = pump.protocol().operation(said.node, &said.output) else { continue };
        assert_eq!((operation.process, operation.function), (said.node.0.into(), "append"));
        let Told::Number(value) = operation.value else { panic!("{operation:?}") };
        let request = (operation.process, value);
        match operation.step {
            Step::Invoke => assert_eq!(open.insert(request, false), None, "{request:?} twice"),
            Step::Ok => assert_eq!(open.insert(request, true), Some(false), "{request:?}"),
            Step::Fail | Step::Info => panic!("{operation:?}"),
        }
    }
    (open.len(), open.values().filter(|answered| **answered).count())
}

#[test]
fn every_answer_is_to_a_request() {
    for group in [1, 2, 3, 5, 7] {
        let set = [("requests", Value::Count(100))];
        let mut pump = Pump::new(raft_of(group, 2, &set), 2 * group as u32).seed(3);
        pump.run(seconds(10_000));
        assert_eq!(operations(&pump), (200, 200));
    }
}

/// Requests are made again, and the same answer may come from two leaders.
#[test]
fn storms_answer_nothing_twice() {
    let (mut asked, mut answered) = (0, 0);
    for seed in 0..100 {
        let mut pump = faults::storm(|_| (), seed);
        let totals = pump.run(seconds(10)).totals;
        let (requests, answers) = operations(&pump);
        assert_eq!(requests as u64, totals.of(RaftMetric::Requests), "seed {seed}");
        assert_eq!(answers as u64, totals.of(RaftMetric::Answer), "seed {seed}");
        (asked, answered) = (asked + requests, answered + answers);
    }
    assert!(asked > answered && answered > 500, "{answered} of {asked}");
}
