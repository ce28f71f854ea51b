//! Silent leaders, crashes, losses and asynchrony.

use anthill_protocol::behaviour::{Fate, InTransit, Scheduler, silent};
use anthill_protocol::judge::{Said, Setting};
use anthill_protocol::parameter::Value;
use anthill_protocol::recording::Pump;
use anthill_protocol::{NodeId, RunFacts, Span, Time, draw};

use super::{attacked, chain, hotstuff, millis};
use crate::hotstuff::{HotStuff, HotStuffMetric, HotStuffOutput};
use crate::judges;
use crate::messages::HotStuffMessage;

/// Heights that a replica has committed, by when.
fn committed(pump: &Pump<HotStuff>, node: u32) -> Vec<(u64, Time)> {
    let heights = |said: &Said<HotStuffOutput>| match said.output {
        HotStuffOutput::Committed { height, .. } if said.node.0 == node => {
            Some((height, said.at.time))
        }
        _ => None,
    };
    pump.outputs().iter().filter_map(heights).collect()
}

fn fine(pump: &mut Pump<HotStuff>, what: &str) {
    for check in pump.judged() {
        assert!(check.ok, "{what}: {check:?}, {:?}", pump.findings());
    }
}

fn changes(facts: &RunFacts) -> u64 {
    facts.totals.of(HotStuffMetric::ViewChanges)
}

/// A faulty leader of a view costs one view change: its own. The votes for the block before it are lost with
/// it, and that block with them.
#[test]
fn each_silent_leader_costs_one_view_change() {
    for (length, n, held) in [(3, 7, 1u64), (3, 7, 2), (3, 8, 2), (2, 4, 1), (2, 5, 1), (2, 9, 2)] {
        let set = [chain(length), ("adversary.count", Value::Count(held))];
        let it = attacked(n, Some("silent-leader"), &set);
        let mut pump = Pump::new(it, n);
        // Until the last view of the first turn of all leaders.
        let mut until = 0;
        let facts = loop {
            until += 1;
            let facts = pump.run(millis(5 * until));
            if facts.totals.of(HotStuffMetric::Rounds) >= u64::from(n) {
                break facts;
            }
            assert!(until < 20_000, "no end");
        };
        assert_eq!(changes(&facts), held * u64::from(n), "{n} replicas, {held} silent");
        pump.run(millis(60_000));
        assert!(committed(&pump, 0).len() > 50, "{n} replicas, {held} silent");
        fine(&mut pump, "silent leaders");
    }
}

/// Three chains need four honest leaders in a row, the last to make the certificate: among four replicas
/// with one silent leader nobody ever commits. Two chains need three, and there are three; two views for
/// each leader are enough, too.
#[test]
fn three_chains_starve_among_four_replicas_with_a_silent_leader() {
    let run = |length, tenure| {
        let set = [chain(length), ("tenure", Value::Count(tenure))];
        let mut pump = Pump::new(attacked(4, Some("silent-leader"), &set), 4);
        let facts = pump.run(millis(2_000_000));
        let judged = pump.judged();
        let progress = judged.into_iter().find(|check| check.name == "a commit in time");
        (facts.totals.of(HotStuffMetric::Blocks), progress.expect("judged"))
    };
    let (blocks, progress) = run(3, 1);
    assert_eq!(blocks, 0);
    assert!(!progress.ok && progress.expected_violation && progress.not_judged.is_none());
    for (length, tenure) in [(2, 1), (3, 2)] {
        let (blocks, progress) = run(length, tenure);
        assert!(blocks > 100, "{blocks}");
        assert!(progress.ok, "{progress:?}");
    }
}

#[test]
fn dead_replicas_are_survived_and_one_that_comes_back_catches_up() {
    for (length, seed) in [(3, 1), (2, 2)] {
        let n = 7;
        let mut pump = Pump::new(hotstuff(n, &[chain(length)]), n).seed(seed);
        pump.run(millis(200));
        let state = pump.crash(NodeId(3)).expect("up");
        pump.run(millis(60_000));
        let (before, tall) = (committed(&pump, 3).len(), committed(&pump, 0).len());
        assert!(tall > before + 100, "{tall}, {before}");
        pump.restart(NodeId(3), state, true);
        pump.run(millis(70_000));
        let heights = [0, 3].map(|node| committed(&pump, node).len());
        assert!(heights[0].abs_diff(heights[1]) <= 4, "{heights:?}");
        assert!(heights[0] > tall + 100);
        fine(&mut pump, "a crash");
    }
}

#[test]
fn a_replica_that_forgets_begins_anew() {
    let mut pump = Pump::new(hotstuff(4, &[]), 4);
    pump.run(millis(2_000));
    let state = pump.crash(NodeId(2)).expect("up");
    pump.restart(NodeId(2), state, false);
    pump.run(millis(8_000));
    let node = pump.node(NodeId(2)).expect("up");
    assert!(node.tip.height > 250, "{}", node.tip.height);
    assert!(node.tree.len() < 8 && node.waiting.is_empty());
}

#[test]
fn losses_and_a_partition_that_heals() {
    for (length, seed) in [(3, 1), (3, 2), (2, 3), (2, 4)] {
        let n = 5 + seed as u32;
        let mut pump = Pump::new(hotstuff(n, &[chain(length)]), n)
            .seed(seed)
            .delays(Span::from_millis(1), Span::from_millis(60))
            .loss(0.02)
            .duplicate(0.1)
            .cut(&[NodeId(0), NodeId(1), NodeId(2)], false, millis(2_000), millis(30_000));
        pump.run(millis(30_000));
        let before = pump.node(NodeId(0)).expect("up").tip.height;
        pump.run(millis(200_000));
        for node in 0..n {
            let tip = pump.node(NodeId(node)).expect("up").tip.height;
            assert!(tip > before + 100, "chain {length}, seed {seed}, n{node}: {tip}, {before}");
        }
        assert_eq!(pump.findings(), []);
    }
}

/// Before an instant every message takes as long as it likes; what was sent before arrives by that instant
/// and a bound.
struct Asynchrony {
    until: Time,
    bound: Span,
    seed: u64,
    sent: u64,
}

impl Scheduler<HotStuff> for Asynchrony {
    fn on_send(&mut self, message: &InTransit<HotStuffMessage>) -> Fate {
        self.sent += 1;
        if message.sent >= self.until {
            return Fate::Due;
        }
        let drawn = draw::mix(self.seed, self.sent);
        let most = (self.until + self.bound).since(message.sent).0;
        // Half of them are quick.
        let delay = if drawn.is_multiple_of(2) {
            draw::below(drawn, most)
        } else {
            draw::below(drawn, most / 50)
        };
        Fate::At(message.sent + Span(delay))
    }
}

/// The deadline of the judge holds after any asynchrony, with f silent replicas.
#[test]
fn all_commit_by_the_deadline_after_the_network_is_stable() {
    for seed in 0..60 {
        let (length, n) = (2 + seed % 2, 4 + (seed / 2 % 7) as u32);
        let faults = (n - 1) / 3;
        let (until, bound) = (millis(1_000 + 700 * seed), Span::from_millis(200));
        let setting = Setting {
            held: faults,
            delta: Some(bound),
            stable_from: until,
            ..Setting::of(n, Time::MAX)
        };
        let of = |tenure| hotstuff(n, &[chain(length), ("tenure", Value::Count(tenure))]);
        let it = [1, 2].map(of).into_iter().find(|it| judges::is_live(it, &setting));
        let it = it.expect("two views for each leader are enough");
        let deadline = judges::deadline(&it, &setting);
        let mut pump = Pump::new(it, n)
            .seed(seed)
            .delays(Span::from_millis(20), bound)
            .scheduler(Asynchrony { until, bound, seed, sent: 0 });
        for held in 0..faults {
            let who = NodeId(((seed + 3 * u64::from(held)) % u64::from(n)) as u32);
            pump = pump.hold(who, silent(Time::ZERO));
        }
        let is_held = |node: u32| {
            (0..faults).any(|held| (seed + 3 * u64::from(held)) % u64::from(n) == u64::from(node))
        };
        let waits = |pump: &Pump<HotStuff>, node: u32| {
            !is_held(node) && !committed(pump, node).iter().any(|(_, at)| *at >= until)
        };
        let mut end = until;
        while (0..n).any(|node| waits(&pump, node)) {
            assert!(end < deadline, "seed {seed}: {n} replicas, chain {length}, {deadline}");
            end = (end + Span::from_secs(2)).min(deadline);
            pump.run(end);
        }
        assert_eq!(pump.findings(), [], "seed {seed}");
    }
}
