//! Without faults: counts, delays, proposers.

use anthill_protocol::parameter::{Value, Values};
use anthill_protocol::recording::Pump;
use anthill_protocol::{Configure, NodeId, RunFacts, Span, Time, laws};

use crate::attacks::{Attack, Conduct};
use crate::checks::sent;
use crate::messages::{ChainMetric, ChainOutput};
use crate::protocol::PosBft;

pub(crate) const D: Span = Span::from_millis(100);

/// A chain with some parameters changed, not yet fitted.
pub(crate) fn raw(changes: &[(&str, Value)]) -> PosBft {
    let mut values = Values::of::<PosBft>();
    for (name, value) in changes {
        values.set(name, *value);
    }
    PosBft::configure(&values).expect("consistent")
}

pub(crate) fn fitted(mut protocol: PosBft, nodes: u32) -> PosBft {
    protocol.fit(nodes, 1).expect("fits");
    protocol
}

pub(crate) fn chain(nodes: u32, changes: &[(&str, Value)]) -> PosBft {
    fitted(raw(changes), nodes)
}

pub(crate) fn pump(protocol: PosBft) -> Pump<PosBft> {
    let nodes = protocol.servers + protocol.users;
    Pump::new(protocol, nodes).delay(D)
}

pub(crate) fn run(pump: &mut Pump<PosBft>) -> RunFacts {
    pump.run(Time::ZERO + Span::from_secs(36_000))
}

/// When a node decided each height, in ms, and in which round.
pub(crate) fn decisions(pump: &Pump<PosBft>, node: u32) -> Vec<(f64, u32)> {
    let of = |said: &&anthill_protocol::judge::Said<ChainOutput>| said.node == NodeId(node);
    let decided = pump.outputs().iter().filter(of).filter_map(|said| match said.output {
        ChainOutput::Committed { round, .. } => Some((said.at.time.0 as f64 / 1e6, round)),
        _ => None,
    });
    decided.collect()
}

/// The mean interval from decision `a` to decision `b`, in ms.
fn interval(pump: &Pump<PosBft>, node: u32, a: usize, b: usize) -> f64 {
    let all = decisions(pump, node);
    (all[b - 1].0 - all[a - 1].0) / (b - a) as f64
}

pub(crate) fn is_judged_fine(pump: &mut Pump<PosBft>) {
    let judged = pump.judged();
    let wrong: Vec<_> = judged.iter().filter(|it| !it.ok || it.not_judged.is_some()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn parameters_are_lawful() {
    laws::parameters::<PosBft>();
}

#[test]
fn counts_are_exact_for_every_n() {
    for n in (1..=14).chain([100]) {
        let heights = if n == 100 { 2 } else { 20 };
        let mut pump = pump(chain(n, &[("heights", Value::Count(heights))]));
        let facts = run(&mut pump);
        let n = u64::from(n);
        let of = |kind| sent(&facts, kind);
        assert_eq!(of("proposal"), heights * (n - 1), "{n}");
        assert_eq!(of("prevote"), heights * n * (n - 1), "{n}");
        assert_eq!(of("precommit"), heights * n * (n - 1), "{n}");
        assert_eq!(facts.totals.messages, heights * (n - 1) * (2 * n + 1), "nothing else");
        assert_eq!(facts.totals.of(ChainMetric::Decided), heights * n);
        assert_eq!(facts.totals.of(ChainMetric::ChargedExecutions), heights * n);
        assert_eq!(facts.totals.of(ChainMetric::Executed), heights);
        assert_eq!(pump.protocol().platform.executions.on_host(), heights);
        let checks = pump.protocol().checks(&facts);
        assert!(checks.iter().all(|it| it.ok && !it.expected_violation), "{checks:?}");
        is_judged_fine(&mut pump);
    }
}

#[test]
fn a_height_takes_three_delays_and_the_commit_timeout() {
    let mut pump = pump(chain(7, &[("heights", Value::Count(20))]));
    run(&mut pump);
    assert_eq!(decisions(&pump, 3)[0], (300.0, 0));
    assert_eq!(interval(&pump, 0, 5, 15), 1_300.0);
}

/// Silent validators cost 4.2 s in round 0, a second more in the next.
#[test]
fn silent_proposers_cost_their_rounds() {
    let silent = |n: u32, ids: &'static [u32], heights: u64| {
        let mut pump = pump(chain(n, &[("heights", Value::Count(heights))]));
        for id in ids {
            pump = pump.hold(NodeId(*id), anthill_protocol::behaviour::silent(Time::ZERO));
        }
        pump.run(Time::ZERO + Span::from_secs(heights * 4 + 20));
        pump
    };
    let one = silent(4, &[0], 40);
    let rounds: Vec<u32> = decisions(&one, 1).iter().map(|it| it.1).take(8).collect();
    assert_eq!(rounds, [1, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(interval(&one, 1, 3, 39), 2_350.0);
    let two = silent(7, &[0, 1], 28);
    assert!((interval(&two, 2, 7, 21) - 3_242.857).abs() < 0.001);
    let apart = silent(7, &[0, 3], 28);
    assert_eq!(interval(&apart, 2, 7, 21), 2_500.0);
}

/// A round that fails without its silent proposer: two votes of each of the others to all.
#[test]
fn a_silent_round_costs_two_votes_of_the_others() {
    let mut protocol = raw(&[("heights", Value::Count(1))]);
    protocol.attack = Some(Attack::of(Conduct::Silent, 1));
    let mut pump = pump(fitted(protocol, 100));
    let facts = run(&mut pump);
    assert_eq!(facts.totals.of(ChainMetric::Rounds), 1);
    let success = 99 + 2 * 99 * 99;
    assert_eq!(facts.totals.messages, 2 * 99 * 99 + success);
    is_judged_fine(&mut pump);
}

#[test]
fn the_stakes_of_three_nodes() {
    let mut protocol = raw(&[("heights", Value::Count(24))]);
    protocol.given = vec![100, 500, 200];
    let mut pump = pump(fitted(protocol, 3));
    run(&mut pump);
    let times = |node| decisions(&pump, node).iter().map(|it| it.0).take(9).collect::<Vec<_>>();
    let first = [300., 1500., 2900., 4100., 5500., 6700., 7900., 9300., 10500.];
    assert_eq!(times(0), first);
    assert_eq!(times(1), [200., 1600., 2800., 4200., 5400., 6600., 8000., 9200., 10400.]);
    assert_eq!(times(2), first);
    assert_eq!(interval(&pump, 0, 8, 16), 1_275.0);
    is_judged_fine(&mut pump);
}

/// Delays of an instant that depend on who sends and who receives.
struct Sites([[u64; 4]; 4]);

impl anthill_protocol::behaviour::Scheduler<PosBft> for Sites {
    fn on_send(
        &mut self,
        it: &anthill_protocol::behaviour::InTransit<crate::messages::ChainMessage>,
    ) -> anthill_protocol::behaviour::Fate {
        let delay = Span::from_millis(self.0[it.from.index()][it.to.index()]);
        anthill_protocol::behaviour::Fate::At(it.sent + delay)
    }
}

/// Two validators at one site, one each at two others; the next height begins at once.
#[test]
fn three_sites_take_130_and_a_half_milliseconds() {
    let changes = [("heights", Value::Count(40)), ("timeout_commit", Value::Span(Span::ZERO))];
    let sites = [[1, 1, 40, 100], [1, 1, 40, 100], [40, 40, 1, 70], [100, 100, 70, 1]];
    let mut pump = pump(chain(4, &changes)).scheduler(Sites(sites));
    run(&mut pump);
    let times: Vec<f64> = decisions(&pump, 0).iter().map(|it| it.0).take(9).collect();
    assert_eq!(times, [81., 162., 321., 522., 603., 684., 843., 1044., 1125.]);
    assert_eq!(interval(&pump, 0, 4, 36), 130.5);
    is_judged_fine(&mut pump);
}

/// Along the edges of a regular graph each message takes n (d - 1) + 1 copies.
#[test]
fn flooding_costs_every_edge_once() {
    let (n, degree) = (20u32, 4u32);
    let changes = [("heights", Value::Count(4)), ("relay", Value::Choice("flood"))];
    let lists = (0..n).map(|id| [1, 2, n - 1, n - 2].map(|step| NodeId((id + step) % n)).to_vec());
    let lists: Vec<_> = lists.collect();
    let flood = || pump(chain(n, &changes)).topology(lists.clone()).delay(Span::from_millis(10));
    let mut pump = flood();
    let facts = run(&mut pump);
    is_judged_fine(&mut pump);
    let copies = u64::from(n * (degree - 1) + 1);
    assert_eq!(facts.totals.messages, 4 * u64::from(2 * n + 1) * copies);
    let checks = pump.protocol().checks(&facts);
    assert!(checks.iter().all(|it| it.ok && !it.expected_violation), "{checks:?}");
}

/// Where proposers wait for no more votes than they need, a validator that is a little farther away misses
/// most commits and is jailed: then fewer vote, and the counts say that they do not apply.
#[test]
fn counts_of_validators_that_change_are_not_checked() {
    let changes = [("heights", Value::Count(120)), ("timeout_commit", Value::Span(Span::ZERO))];
    let sites = [[10, 10, 10, 12], [10, 10, 10, 12], [10, 10, 10, 12], [12, 12, 12, 10]];
    let mut pump = pump(chain(4, &changes)).scheduler(Sites(sites));
    let facts = run(&mut pump);
    let of = |metric| facts.totals.of(metric);
    assert!(of(ChainMetric::Slashed) > 0 && of(ChainMetric::Changes) > 0, "nobody was jailed");
    assert_eq!(of(ChainMetric::Decided), 480);
    assert_eq!([ChainMetric::Rounds, ChainMetric::Early, ChainMetric::Resent].map(of), [0, 0, 0]);
    let checks = pump.protocol().checks(&facts);
    assert!(checks.iter().any(|it| !it.ok), "it is what the condition is for");
    assert!(checks.iter().all(|it| it.ok || it.expected_violation), "{checks:?}");
}

/// A node that lost everything fetches H blocks, W at once, in 2 d H / (W - 2 d / T): 1.0044 s for 200
/// blocks, 20 at once, d = 50 ms.
#[test]
fn a_late_node_catches_up() {
    let changes = [("heights", Value::Count(230)), ("full_nodes", Value::Count(1))];
    let mut pump = pump(chain(5, &changes)).delay(Span::from_millis(50));
    pump.run(Time(1));
    let down = pump.crash(NodeId(4)).expect("up");
    let height = 200.0;
    pump.run(Time::ZERO + Span((height * 1.15e9) as u64));
    pump.restart(NodeId(4), down, false);
    let facts = run(&mut pump);
    let all = decisions(&pump, 4);
    assert_eq!(all.len(), 230);
    // Of blocks that it is told of, one comes in each interval.
    let caught_up = all.windows(2).position(|two| two[1].0 - two[0].0 > 900.0).expect("a pause");
    let took = all[caught_up].0 - all[0].0 + 100.0;
    assert!((195..=205).contains(&caught_up), "{caught_up}");
    assert!((took - 1_004.4).abs() < 150.0, "{took}");
    assert!(facts.totals.of(ChainMetric::SyncBlocks) >= 195);
    let wrong: Vec<_> = pump.judged().into_iter().filter(|it| !it.ok).collect();
    assert!(wrong.iter().all(|it| it.name == "progress"), "it was down: {wrong:?}");
}
