//! Downtimes by crashes: their edges, what dies with them, what a node finds when it comes up again.

use anthill_protocol::{Span, Time};

use super::messages::nodes;
use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, DELAY, MS, Ran, What, ms, note};
use crate::conditions::{ConditionsSpec, CpuSpec, FaultKind, FaultSpec, Flap, Transport};

const DOWN: u64 = 100 * MS;
const UP: u64 = 200 * MS;

pub(super) fn crash_ns(node: u32, from: u64, heal: Option<u64>, keep_state: bool) -> FaultSpec {
    let kind = FaultKind::Crash { keep_state };
    FaultSpec { at: Time(from), heal: heal.map(Time), who: nodes(node, node), kind, flap: None }
}

pub(super) fn crash(node: u32, from: u64, heal: u64, keep_state: bool) -> FaultSpec {
    crash_ns(node, from * MS, Some(heal * MS), keep_state)
}

pub(super) fn crashes(faults: Vec<FaultSpec>) -> ConditionsSpec {
    ConditionsSpec { faults, ..Default::default() }
}

/// The restarts of a node, with whether it kept its state.
pub(super) fn restarts(ran: &Ran, node: u32) -> Vec<(u64, bool)> {
    let of = |(at, what)| match what {
        What::Restarted(keeps) => Some((at, keeps)),
        _ => None,
    };
    ran.seen(node).into_iter().filter_map(of).collect()
}

/// [down, up): what arrives as the node goes down is missed, what arrives as it comes up is not.
#[test]
fn a_downtime_has_exact_edges() {
    let early = |instants: &[u64]| instants.iter().map(|at| at - DELAY).collect::<Vec<_>>();
    let ran = Case::under(2, crashes(vec![crash(1, 100, 200, true)]))
        .sends_at(0, 1, &early(&[DOWN - 1, DOWN, UP - 1, UP, UP + 1]))
        .run();
    assert_eq!(ran.got(1), [(0, DOWN - 1), (3, UP), (4, UP + 1)]);
    assert_eq!(ran.seen(1)[1], (UP, What::Restarted(true)), "before what arrives then");
    let found = ran.totals();
    assert_eq!((found.missed, found.restarts, found.expired), (2, 1, 0));
    assert_eq!(found.down_ns, u128::from(UP - DOWN));
}

/// Timers of an earlier life die, those that a restart sets do not, and none fires while the node is
/// down.
#[test]
fn timers_die_with_their_life() {
    let instants = [DOWN - 1, DOWN, DOWN + 1, UP - 1, UP, UP + 1, 9_000 * MS];
    let mut case = Case::under(2, crashes(vec![crash(1, 100, 200, false)]));
    for (at, tag) in instants.iter().zip(0..) {
        case = case.does(1, *at, &[Act::Look(tag)]);
    }
    // A timer that an act sets before the crash, for after it.
    let ran = case.does(1, 90 * MS, &[Act::Wait(500 * MS, 77)]).run();
    let looks = [(UP, 4), (UP + 1, 5), (9_000 * MS, 6)].map(|(at, tag)| (at, What::Looked(tag)));
    let mut expected = vec![(DOWN - 1, What::Looked(0)), (UP, What::Restarted(false))];
    expected.extend(looks);
    assert_eq!(ran.seen(1), expected);
    // Those of 100 and 101 ms and so on, as first planned, and the act's.
    assert_eq!(ran.totals().dead_timers, 7);
}

/// Datagrams find the node that came up; over connections only what was sent from then on does.
#[test]
fn connections_break_with_their_receiver() {
    let sent = [UP - DELAY, UP - 1, UP, UP + 1];
    for transport in [Transport::Datagram, Transport::Connection] {
        let conditions = ConditionsSpec { transport, ..crashes(vec![crash(1, 100, 200, true)]) };
        let ran = Case::under(2, conditions).sends_at(0, 1, &sent).sends_at(1, 0, &sent).run();
        let connection = transport == Transport::Connection;
        let expected: &[u32] = if connection { &[2, 3] } else { &[0, 1, 2, 3] };
        assert_eq!(ran.ids(1), expected, "{transport:?}");
        // Two of node 1's were never sent. What it sends is received as ever.
        assert_eq!(ran.ids(0), [2, 3]);
        assert_eq!(ran.totals().disconnected, if connection { 2 } else { 0 });
    }
}

/// A message has left when its last bit has: not when the node goes down at that very instant.
#[test]
fn what_has_not_left_the_uplink_dies_with_it() {
    for (late, arrives) in [(0, false), (1, true)] {
        let conditions = ConditionsSpec {
            faults: vec![crash(0, 100, 200, true)],
            ..bandwidth(Some(8 * MBIT), None)
        };
        let ran = Case::under(2, conditions).sends(0, DOWN - MS - late, 1, note(0, 1000)).run();
        assert_eq!(ran.ids(1).len(), usize::from(arrives));
        assert_eq!(ran.totals().unsent, u64::from(!arrives));
    }
}

/// A handler that began in time is finished, but what it sends once its node is down is not sent.
#[test]
fn a_handler_that_began_before_the_downtime_is_finished() {
    let cpu = Some(CpuSpec { send: ms(3), ..CpuSpec::default() });
    let conditions = ConditionsSpec { cpu, ..crashes(vec![crash(0, 100, 200, true)]) };
    // Sent at 98 and 101 ms, in a handler from 95 to 101 ms.
    let acts = [Act::Send(1, note(0, 4)), Act::Send(1, note(1, 4)), Act::Look(5)];
    let ran = Case::under(2, conditions).does(0, 95 * MS, &acts).run();
    assert_eq!(ran.got(1), [(0, 98 * MS + DELAY)]);
    assert_eq!(ran.seen(0)[0], (101 * MS, What::Looked(5)));
    assert_eq!((ran.totals().unsent, ran.totals().cpu_busy_ns), (1, u128::from(6 * MS)));
}

/// Queues and handlers that would last beyond the downtime are gone when the node comes up again.
#[test]
fn links_and_cores_are_idle_after_a_restart() {
    let conditions = ConditionsSpec {
        faults: vec![crash(0, 100, 200, true)],
        cpu: Some(CpuSpec { cores: 2, receive: ms(5), ..CpuSpec::default() }),
        ..bandwidth(Some(8 * MBIT), Some(8 * MBIT))
    };
    let big: Vec<Act> = (0..10).map(|id| Act::Send(1, note(id, 200_000))).collect();
    let mut case = Case::under(40, conditions)
        .does(0, 50 * MS, &big)
        .does(0, 60 * MS, &[Act::Charge(500 * MS)])
        .does(0, 61 * MS, &[Act::Charge(500 * MS)])
        .sends(0, UP, 1, note(50, 1000));
    // 38 times 10 ms on the downlink, from 59 ms on.
    for from in 2..40 {
        case = case.sends(from, 49 * MS, 0, note(from, 10_000));
    }
    let ran = case.sends(1, UP + 40 * MS, 0, note(70, 1000)).run();
    assert_eq!(ran.got(1), [(50, UP + MS + DELAY + 5 * MS)]);
    assert_eq!(ran.got(0).last(), Some(&(70, UP + 40 * MS + MS + DELAY + 5 * MS)));
    assert_eq!(ran.got(0).len(), 1);
    assert_eq!((ran.totals().unsent, ran.totals().expired), (10, 38));
}

/// What a busy node would serve at the instant at which it goes down, or the run ends, expires.
#[test]
fn what_could_be_served_only_later_expires() {
    let cpu = || Some(CpuSpec { receive: ms(5), ..CpuSpec::default() });
    // Arrivals at 90, 91 and 92 ms: service from 90, 95 and 100 ms on.
    let run = |faults, until| {
        let conditions = ConditionsSpec { cpu: cpu(), ..crashes(faults) };
        Case::under(2, conditions).until(until).sends_at(0, 1, &[80 * MS, 81 * MS, 82 * MS]).run()
    };
    let all = [(0, 95 * MS), (1, 100 * MS), (2, 105 * MS)];
    for (down, expired) in [(DOWN, 1), (DOWN + 1, 0), (95 * MS, 2), (95 * MS + 1, 1)] {
        let kept = &all[..3 - expired];
        let ran = run(vec![crash_ns(1, down, None, true)], 10_000 * MS);
        assert_eq!((ran.got(1), ran.totals().expired), (kept.to_vec(), expired as u64), "{down}");
        let ran = run(vec![], down);
        assert_eq!((ran.got(1), ran.totals().expired), (kept.to_vec(), expired as u64), "{down}");
    }
}

/// The same for what the downlink is not through with.
#[test]
fn what_the_downlink_still_holds_expires() {
    for (down, kept) in [(13 * MS, 2), (13 * MS + 1, 3)] {
        let conditions = ConditionsSpec {
            faults: vec![crash_ns(3, down, None, true)],
            ..bandwidth(None, Some(8 * MBIT))
        };
        let mut case = Case::under(4, conditions);
        for from in 0..3 {
            case = case.sends(from, 0, 3, note(from, 1000));
        }
        let ran = case.run();
        assert_eq!(ran.instants(3), [11 * MS, 12 * MS, 13 * MS][..kept]);
        assert_eq!(ran.totals().expired, 3 - kept as u64);
    }
}

/// A node that is down at the start starts when it first comes up, and does nothing before.
#[test]
fn a_node_that_is_absent_starts_later() {
    let ran = Case::under(2, crashes(vec![crash(1, 0, 50, false)]))
        .sends_at(0, 1, &[0, 40 * MS])
        .sends_at(1, 0, &[20 * MS, 50 * MS, 60 * MS])
        .run();
    let starts: Vec<u64> =
        ran.diaries[1].iter().filter(|s| s.what == What::Started).map(|s| s.at).collect();
    assert_eq!((starts, restarts(&ran, 1)), (vec![50 * MS], vec![]));
    assert_eq!((ran.ids(0), ran.ids(1)), (vec![1, 2], vec![1]));
    let found = ran.totals();
    assert_eq!((found.restarts, found.missed, found.dead_timers), (1, 1, 0));
    assert_eq!(found.down_ns, u128::from(50 * MS));
    // It restarts like any other after a second crash.
    let twice = vec![crash(1, 0, 50, false), crash(1, 100, 200, true)];
    let ran = Case::under(2, crashes(twice)).run();
    assert_eq!(restarts(&ran, 1), [(UP, true)]);
}

/// A downtime counts as far as it lies within the run.
#[test]
fn downtimes_are_counted_up_to_the_end_of_the_run() {
    for (from, heal, down_ns) in [
        (9_950, None, 50),
        (9_950, Some(20_000), 50),
        (9_950, Some(9_970), 20),
        (10_000, None, 0),
        (20_000, Some(30_000), 0),
    ] {
        let fault = crash_ns(1, from * MS, heal.map(|heal| heal * MS), true);
        let ran = Case::under(2, crashes(vec![fault])).run();
        assert_eq!(ran.totals().down_ns, u128::from(down_ns * MS), "{from} {heal:?}");
        assert_eq!(ran.totals().restarts, u64::from(heal == Some(9_970)));
    }
}

/// While anything holds a node down it stays down; whatever takes its state within the whole takes
/// it.
#[test]
fn downtimes_that_touch_are_one() {
    for (faults, expected) in [
        (vec![(100, 200, true), (150, 300, true)], vec![(300, true)]),
        (vec![(100, 200, true), (150, 300, false)], vec![(300, false)]),
        (vec![(100, 200, false), (150, 300, true)], vec![(300, false)]),
        (vec![(100, 300, true), (150, 200, false)], vec![(300, false)]),
        // One begins as the other ends.
        (vec![(100, 200, true), (200, 300, false)], vec![(300, false)]),
        (vec![(200, 300, true), (100, 200, true)], vec![(300, true)]),
        (vec![(100, 200, true), (201, 300, false)], vec![(200, true), (300, false)]),
        (vec![(100, 200, false), (201, 300, true)], vec![(200, false), (300, true)]),
        (vec![(100, 150, true), (120, 200, true), (190, 250, true)], vec![(250, true)]),
    ] {
        let list = faults.iter().map(|(from, to, keeps)| crash(1, *from, *to, *keeps)).collect();
        let ran = Case::under(3, crashes(list)).run();
        let expected: Vec<_> = expected.into_iter().map(|(at, keeps)| (at * MS, keeps)).collect();
        assert_eq!(restarts(&ran, 1), expected, "{faults:?}");
        assert_eq!(restarts(&ran, 0), [], "the others stay up");
    }
}

/// Each time at the start of a period, until it heals; a node's own start is shifted by a fixed
/// draw.
#[test]
fn flapping_crashes_come_and_go() {
    let flap = |stagger| Some(Flap { period: ms(50), on: ms(10), stagger });
    let flapping =
        |stagger| crashes(vec![FaultSpec { flap: flap(stagger), ..crash(1, 100, 255, true) }]);
    let ran = Case::under(2, flapping(Span::ZERO)).run();
    // From 100, 150, 200 and 250 ms on; the last one is cut off.
    assert_eq!(restarts(&ran, 1), [110, 160, 210, 255].map(|at| (at * MS, true)));
    assert_eq!(ran.totals().down_ns, u128::from(35 * MS));

    let stagger = Span(30 * MS);
    let spec = FaultSpec { who: nodes(0, 39), ..flapping(stagger).faults[0].clone() };
    let ran = Case::under(40, crashes(vec![spec])).run();
    let shifts: Vec<u64> = (0..40)
        .map(|node| {
            let shift = restarts(&ran, node)[0].0 - 110 * MS;
            let back = restarts(&ran, node);
            assert_eq!(back[1].0, 160 * MS + shift);
            shift
        })
        .collect();
    assert!(shifts.iter().all(|shift| *shift <= 30 * MS), "{shifts:?}");
    assert!(shifts.iter().any(|shift| *shift < 5 * MS) && shifts.iter().any(|s| *s > 25 * MS));
}

/// Each time is an event at every node that it strikes: there is a limit, within the run.
#[test]
fn a_crash_may_come_and_go_a_hundred_thousand_times() {
    let build = |lasts: u64, heal: Option<u64>, until: u64| {
        let flap = Some(Flap { period: Span(2), on: Span(1), stagger: Span::ZERO });
        let spec = FaultSpec { flap, ..crash_ns(1, 100, heal, true) };
        let case = Case::under(3, crashes(vec![spec])).until(100 + until.max(lasts));
        let (scenario, network, kinds) = (case.scenario(), case.built_network(), ["plain"]);
        crate::conditions::Conditions::build(&scenario, &network, &kinds).map(|_| ())
    };
    assert!(build(200_001, None, 0).is_ok());
    let error = build(200_002, None, 0).expect_err("refused").to_string();
    assert!(error.starts_with("fault[0]: comes and goes 100001 times, above 100000"), "{error}");
    // What lies behind its end, or that of the run, does not count.
    assert!(build(0, Some(100 + 200_001), 1 << 40).is_ok());
    assert!(build(0, Some(100 + 200_002), 1 << 40).is_err());
}
