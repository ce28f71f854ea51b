//! Runs without faults: exact counts and instants.

use anthill_protocol::judge;
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{Message as _, NodeId, Time, laws};

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
    assert_eq!(<HotStuff as anthill_protocol::Configure>::NAME, "hotstuff");
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
