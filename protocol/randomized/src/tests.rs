//! The protocols as a whole, on the pump.

mod attacks;
mod bugs;
mod laws;
mod log;
mod rounds;
mod schedules;

use std::collections::BTreeMap;

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Cell, Configure, NodeId, Span, Time};

use crate::messages::Says;
use crate::protocol::Randomized;

/// A run to be: rules with their parameters and an adversary, or none.
#[derive(Clone)]
struct Run {
    values: Values,
    nodes: u32,
    bug: bool,
}

fn run(rules: &'static str, nodes: u32, faults: u64) -> Run {
    let mut values = Values::of::<Randomized>();
    values.set("rules", Value::Choice(rules));
    values.set("faults", Value::Count(faults));
    Run { values, nodes, bug: false }
}

impl Run {
    fn word(mut self, name: &str, word: &'static str) -> Self {
        self.values.set(name, Value::Choice(word));
        self
    }

    fn count(mut self, name: &str, count: u64) -> Self {
        self.values.set(name, Value::Count(count));
        self
    }

    fn without_conf(mut self) -> Self {
        self.values.set("conf", Value::Flag(false));
        self
    }

    fn instances(self, instances: u64) -> Self {
        self.count("instances", instances)
    }

    fn bug(self) -> Self {
        Self { bug: true, ..self }
    }

    fn adversary(mut self, name: &str) -> Self {
        let kind = Randomized::ADVERSARIES.iter().find(|kind| kind.name == name);
        self.values.set_adversary(kind.expect("a kind"));
        self
    }

    fn protocol(&self) -> Randomized {
        let mut protocol = Randomized::configure(&self.values).expect("consistent");
        protocol.bug = self.bug;
        protocol.fit(self.nodes, 1).expect("fits");
        protocol
    }

    fn pump(&self, seed: u64) -> Pump<Randomized> {
        Pump::new(self.protocol(), self.nodes).seed(seed)
    }
}

/// By agreement, after how many rounds its last honest node has decided; `None`: not all have.
fn ends(pump: &Pump<Randomized>) -> Vec<Option<u32>> {
    let mut lanes: BTreeMap<u32, (u32, u32, u32)> = BTreeMap::new();
    for said in pump.outputs() {
        match said.output {
            Says::Input { lane, .. } => lanes.entry(lane).or_default().0 += 1,
            Says::Decided { lane, round, .. } => {
                let lane = lanes.entry(lane).or_default();
                (lane.1, lane.2) = (lane.1 + 1, lane.2.max(round));
            }
            _ => {}
        }
    }
    lanes.values().map(|(all, decided, last)| (all == decided).then_some(*last)).collect()
}

/// The share of agreements that somebody has not decided after so many rounds.
fn undecided(ends: &[Option<u32>], after: u32) -> f64 {
    let open = ends.iter().filter(|end| end.is_none_or(|last| last > after));
    open.count() as f64 / ends.len() as f64
}

/// Shares of undecided agreements by round against their probabilities: within 4.9 deviations, and exact
/// where there is nothing to chance.
fn follows(what: &str, ends: &[Option<u32>], rounds: u32, expected: impl Fn(u32) -> f64) {
    for after in 1..=rounds {
        let (share, p) = (undecided(ends, after), expected(after));
        let deviation = (p * (1.0 - p) / ends.len() as f64).sqrt();
        assert!(
            (share - p).abs() <= 4.9 * deviation + 1e-12,
            "{what}, after {after}: {share} of {}, expected {p} +- {deviation}",
            ends.len()
        );
    }
}

/// So many agreements, a few to a run: a host looks at all that is held after every event.
fn ends_of(run: &Run, agreements: u64, fine: bool) -> Vec<Option<u32>> {
    let some = run.clone().instances(8);
    let mut all = Vec::new();
    for seed in 1..=agreements.div_ceil(8) {
        let mut pump = some.pump(seed);
        pump.run(Time::MAX);
        all.extend(ends(&pump));
        if fine {
            judged_fine(&mut pump);
        }
    }
    all
}

fn judged_fine(pump: &mut Pump<Randomized>) {
    let is_shi = pump.protocol().rules() == crate::protocol::Rules::Shi;
    for check in pump.judged() {
        // Liars take Shi's validity away, not its agreement.
        let is_promised = !(is_shi && check.name == "validity");
        assert!(check.ok && !(check.expected_violation && is_promised), "{check:?}");
    }
}

const D: Span = Span::from_millis(10);

fn half_to(rounds: u32) -> f64 {
    0.5f64.powi(rounds as i32)
}

#[test]
fn the_table_shows_rounds_and_decisions() {
    let mut pump = run("mmr", 4, 1).instances(8).pump(1);
    pump.run(Time::MAX);
    let rows: Vec<Vec<Cell>> = (0..4)
        .map(|id| pump.protocol().row(NodeId(id), pump.node(NodeId(id)).expect("up")))
        .collect();
    let [Cell::Count(round), Cell::Count(ones), Cell::Count(zeros)] = rows[0][..] else {
        panic!("three numbers: {rows:?}")
    };
    assert!(round >= 1 && ones + zeros == 8, "{rows:?}");
    assert!(rows.iter().all(|row| row[1..] == rows[0][1..]), "they agree: {rows:?}");
    assert_eq!(rows[0].len(), Randomized::COLUMNS.len());
}
