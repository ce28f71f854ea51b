//! Runs without faults: exact counts and instants.

use anthill_protocol::history::Step;
use anthill_protocol::judge;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{
    Configure as _, Message as _, NodeId, Protocol as _, Snapshot as _, Time, laws,
};

use super::{chain, hotstuff, millis};
use crate::hotstuff::{HotStuff, HotStuffMetric, HotStuffOutput};
use crate::messages::HotStuffMessage;

/// The pump's delay of every message, in milliseconds.
const DELAY: u64 = 10;

fn commits(pump: &Pump<HotStuff>, of_height: u64) -> Vec<(NodeId, Time)> {
    let height = judge::on!(HotStuffOutput::Committed { height, .. } => height);
    let of = pump.outputs().iter().filter(|said| height(&said.output) == Some(of_height));
    of.map(|said| (said.node, said.at.time)).collect()
}

#[test]
fn parameters_are_lawful() {
    laws::parameters::<HotStuff>();
    assert_eq!(HotStuff::NAME, "hotstuff");
}

#[test]
fn quorums_are_those_of_all_residues() {
    let sizes = |n| {
        let it = hotstuff(n, &[]);
        (it.faults(), it.quorum())
    };
    assert_eq!(
        [4, 5, 6, 7, 8, 9, 10].map(sizes),
        [(1, 3), (1, 4), (1, 4), (2, 5), (2, 6), (2, 6), (3, 7)]
    );
    assert_eq!([2, 3].map(sizes), [(0, 2), (0, 2)]);
}

/// The block of view v is proposed 2(v - 1) delays after the start, and certified two delays later at the
/// next leader. The leader of view v + c has the certificate that commits it after 2c delays, all others
/// one delay later, with its block.
#[test]
fn a_block_is_committed_after_six_delays_at_a_leader_and_seven_elsewhere() {
    for (length, n) in [(3, 4), (3, 5), (3, 6), (3, 7), (2, 4), (2, 5), (2, 6), (2, 9)] {
        let mut pump = Pump::new(hotstuff(n, &[chain(length)]), n);
        pump.run(millis(DELAY * 60));
        for view in 1..=20u64 {
            let proposed = 2 * DELAY * (view - 1);
            let quick = NodeId(((view + length) % u64::from(n)) as u32);
            let found = commits(&pump, view);
            assert_eq!(found.len(), n as usize, "chain {length}, {n} replicas, view {view}");
            for (node, at) in found {
                let delays = 2 * length + u64::from(node != quick);
                assert_eq!(at, millis(proposed + delays * DELAY), "{node}, view {view}");
            }
        }
        assert!(pump.judged().iter().all(|check| check.ok), "{:?}", pump.findings());
    }
}

#[test]
fn a_view_takes_two_messages_of_each_other_replica() {
    for n in [4u32, 5, 6, 7, 8, 9, 10, 31] {
        for tenure in [1u64, 3] {
            let it = hotstuff(n, &[("tenure", Value::Count(tenure))]);
            // Views 1 to 50 are over, the fifty-first is proposed.
            let facts = Pump::new(it, n).run(millis(DELAY * 100 + 5));
            let others = u64::from(n) - 1;
            let mut expected = vec![0; HotStuffMessage::KINDS.len()];
            (expected[0], expected[1]) = (51 * others, 50 * others);
            // The last proposer's own vote is under way, unless it goes to itself.
            expected[1] += u64::from(51 / tenure != 52 / tenure);
            assert_eq!(facts.totals.messages_by_kind, expected, "{n} replicas, tenure {tenure}");
            assert_eq!(facts.totals.of(HotStuffMetric::Rounds), 51);
            assert_eq!(facts.totals.of(HotStuffMetric::ViewChanges), 0);
        }
    }
}

#[test]
fn requests_are_answered_and_the_run_ends() {
    for certificates in ["list", "aggregate"] {
        let set = [("requests", Value::Count(203)), ("certificates", Value::Choice(certificates))];
        let mut pump = Pump::new(hotstuff(7, &set), 7).seed(3);
        let facts = pump.run(millis(100_000));
        let of = |metric| facts.totals.of(metric);
        assert_eq!((of(HotStuffMetric::Committed), of(HotStuffMetric::Requests)), (203, 203));
        assert_eq!(of(HotStuffMetric::Answer), 203);
        let steps = pump
            .outputs()
            .iter()
            .filter_map(|said| Some(pump.protocol().operation(said.node, &said.output)?.step));
        let (asked, answered): (Vec<_>, Vec<_>) = steps.partition(|step| *step == Step::Invoke);
        assert_eq!((asked.len(), answered.len()), (203, 203));
        assert!(facts.last_event < millis(20_000), "{facts:?}");
        assert_eq!(pump.findings(), []);
    }
}

/// An aggregate is 104 bytes whatever q is; a list has 68 for each of the q votes.
#[test]
fn certificates_have_the_lengths_of_their_forms() {
    for (certificates, extra) in [("list", 44 + 68 * 7), ("aggregate", 104)] {
        let set = [("certificates", Value::Choice(certificates))];
        let facts = Pump::new(hotstuff(10, &set), 10).run(millis(DELAY * 100 + 5));
        // Kind, block's head and certificate (the genesis' has 44 bytes), and that there are no timeouts.
        let (first, later) = (1 + 28 + 44 + 1, 1 + 28 + extra + 1);
        let expected = 9 * (first + 50 * later);
        assert_eq!(facts.totals.bytes_by_kind[0], expected, "{certificates}");
    }
}

#[test]
fn checks_count_messages_and_see_what_is_missing() {
    let it = hotstuff(5, &[]);
    let mut pump = Pump::new(it.clone(), 5);
    let mut facts = pump.run(millis(995));
    assert!(it.checks(&facts).iter().all(|check| check.ok && !check.expected_violation));
    facts.totals.messages_by_kind[1] -= 8;
    assert!(it.checks(&facts).iter().all(|check| check.ok), "two views' votes are under way");
    facts.totals.messages_by_kind[1] -= 8;
    assert!(!it.checks(&facts)[1].ok);
    facts.totals.messages_by_kind[0] += 1;
    assert!(!it.checks(&facts)[0].ok);
    facts.disturbed = true;
    assert!(it.checks(&facts).iter().all(|check| check.expected_violation));
}

/// A thousand replicas: each keeps a few blocks, and no more after many views than after some.
#[test]
fn states_are_small_and_do_not_grow() {
    let n = 1_000;
    let set = [("certificates", Value::Choice("aggregate"))];
    let mut pump = Pump::new(hotstuff(n, &set), n);
    let most = |pump: &Pump<HotStuff>| {
        let size = |node| {
            let mut bytes = Vec::new();
            pump.node(NodeId(node)).expect("up").save(&mut bytes);
            bytes.len()
        };
        (0..n).map(size).max().expect("there are some")
    };
    // Between the arrival of a block and that of its votes.
    pump.run(millis(DELAY * 20 - 5));
    let early = most(&pump);
    let facts = pump.run(millis(DELAY * 60 - 5));
    assert_eq!((facts.totals.of(HotStuffMetric::Rounds), most(&pump)), (30, early));
    assert!(early < 700, "{early} bytes");
}

#[test]
fn a_configuration_that_cannot_work_is_refused() {
    let fits = |n, set: &[(&str, Value)]| {
        let mut values = anthill_protocol::parameter::Values::of::<HotStuff>();
        set.iter().for_each(|(name, value)| values.set(name, *value));
        HotStuff::configure(&values).expect("consistent").fit(n, 1)
    };
    assert!(fits(1, &[]).is_err());
    let refused = fits(1_000_000, &[]).expect_err("too long");
    assert!(refused.to_string().starts_with("protocol.certificates: "), "{refused}");
    assert_eq!(fits(1_000_000, &[("certificates", Value::Choice("aggregate"))]), Ok(()));
}

#[test]
fn a_metric_counts_what_theory_divides_by() {
    use anthill_protocol::Metric as _;
    for (certificates, bits) in [("list", 6_700.0), ("aggregate", 100.0)] {
        let it = hotstuff(100, &[("certificates", Value::Choice(certificates))]);
        let theory = it.complexity(100);
        assert!(HotStuffMetric::ALL.iter().any(|metric| Some(metric.name) == theory.per));
        assert_eq!(theory.laws[0].expected, 198.0);
        assert_eq!(theory.laws[1].expected, bits);
    }
}
