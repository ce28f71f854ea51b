//! Partitions, delays and impairments of a timeline: whom they strike, which way, and at which
//! instants. All messages take 10 ms.

use super::script::{Case, DELAY, MS, at, ms};
use crate::conditions::{
    ClassSpec, ConditionsSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, SelectionSpec,
};

/// Faults last from 100 to 200 ms.
const FROM: u64 = 100 * MS;
const HEAL: u64 = 200 * MS;

pub(super) fn nodes(from: u32, to: u32) -> SelectionSpec {
    SelectionSpec { nodes: vec![(from, to)], ..Default::default() }
}

fn fault(who: SelectionSpec, kind: FaultKind) -> FaultSpec {
    FaultSpec { at: at(100), heal: Some(at(200)), who, kind, flap: None }
}

/// From the start on, whatever is sent to a node is lost.
pub(super) fn loss_of(node: u32) -> FaultSpec {
    let impairments = ImpairmentSpec { loss: 1.0, ..Default::default() };
    let kind = FaultKind::Impair { impairments, direction: Direction::Incoming };
    FaultSpec { at: at(0), heal: None, ..fault(nodes(node, node), kind) }
}

fn faults(faults: Vec<FaultSpec>) -> ConditionsSpec {
    ConditionsSpec { faults, ..Default::default() }
}

const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::Outgoing, Direction::Incoming];

/// Which of all pairs of four nodes are struck, by what happens to a message at 150 ms.
fn struck(fault: FaultSpec, is_struck: impl Fn(Option<u64>) -> bool) -> Vec<(u32, u32)> {
    let pairs = (0..4).flat_map(|from| (0..4).map(move |to| (from, to))).filter(|(a, b)| a != b);
    let mut case = Case::under(4, faults(vec![fault]));
    for (from, to) in pairs.clone() {
        case = case.sends_at(from, to, &[150 * MS]);
    }
    let ran = case.run();
    let arrival = |(from, to): &(u32, u32)| {
        let keys = ran.arrivals(*to);
        keys.iter().find(|key| key.source.0 == *from).map(|key| key.time.0 - 150 * MS)
    };
    pairs.filter(|pair| is_struck(arrival(pair))).collect()
}

/// All pairs of four nodes with this property.
fn pairs(of: impl Fn(u32, u32) -> bool) -> Vec<(u32, u32)> {
    let all = (0..4).flat_map(|from| (0..4).map(move |to| (from, to)));
    all.filter(|(from, to)| from != to && of(*from, *to)).collect()
}

#[test]
fn a_partition_cuts_its_direction_between_its_sides() {
    let inside = |node| node < 2;
    for direction in DIRECTIONS {
        let cut =
            struck(fault(nodes(0, 1), FaultKind::Partition { others: None, direction }), |delay| {
                delay.is_none()
            });
        let expected = pairs(|from, to| match direction {
            Direction::Both => inside(from) != inside(to),
            Direction::Outgoing => inside(from) && !inside(to),
            Direction::Incoming => !inside(from) && inside(to),
        });
        assert_eq!(cut, expected, "{direction:?}");
    }
}

/// Third parties stay connected to both; who is named twice is on the struck side.
#[test]
fn a_partition_from_others_leaves_third_parties_alone() {
    for direction in DIRECTIONS {
        let kind = FaultKind::Partition { others: Some(nodes(1, 2)), direction };
        let cut = struck(fault(nodes(0, 1), kind), |delay| delay.is_none());
        let out = |from, to| from < 2 && to == 2;
        let expected = pairs(|from, to| match direction {
            Direction::Both => out(from, to) || out(to, from),
            Direction::Outgoing => out(from, to),
            Direction::Incoming => out(to, from),
        });
        assert_eq!(cut, expected, "{direction:?}");
    }
}

/// Cut if it stands at any moment from sending to arrival, both included.
#[test]
fn a_partition_cuts_what_is_under_way_at_any_moment_of_it() {
    let kind = FaultKind::Partition { others: None, direction: Direction::Both };
    let sent = [
        FROM - DELAY - 1, // arrives just before
        FROM - DELAY,     // arrives as it begins
        FROM - 1,
        FROM,
        HEAL - DELAY,
        HEAL - 1,
        HEAL,
        HEAL + 1,
    ];
    let ran =
        Case::under(3, faults(vec![fault(nodes(0, 0), kind.clone())])).sends_at(0, 1, &sent).run();
    assert_eq!(ran.ids(1), [0, 6, 7]);
    assert_eq!(ran.instants(1)[1], HEAL + DELAY);
    assert_eq!(ran.totals().cut, 5);

    // One that is over before the message arrives cuts it all the same.
    let short = FaultSpec { heal: Some(at(105)), ..fault(nodes(0, 0), kind.clone()) };
    let ran = Case::under(3, faults(vec![short])).sends_at(0, 1, &[98 * MS]).run();
    assert_eq!((ran.ids(1).len(), ran.totals().cut), (0, 1));

    // Without a heal it stays.
    let lasting = FaultSpec { heal: None, ..fault(nodes(0, 0), kind) };
    let ran = Case::under(3, faults(vec![lasting])).sends_at(0, 1, &[FROM, 9_000 * MS]).run();
    assert_eq!((ran.ids(1).len(), ran.totals().cut), (0, 2));
}

/// On from 100 to 105 and from 150 to 152 ms, where it heals.
#[test]
fn a_flapping_partition_lets_pass_what_fits_between() {
    let kind = FaultKind::Partition { others: None, direction: Direction::Both };
    let flap = Some(Flap { period: ms(50), on: ms(5), stagger: ms(0) });
    let flapping = FaultSpec { heal: Some(at(152)), flap, ..fault(nodes(0, 0), kind) };
    let sent = [
        105 * MS - 1,
        105 * MS,
        140 * MS - 1, // arrives just before it is on again
        140 * MS,
        152 * MS - 1,
        152 * MS,
        195 * MS, // on again, if it had not healed
    ];
    let ran = Case::under(3, faults(vec![flapping])).sends_at(0, 1, &sent).run();
    assert_eq!(ran.ids(1), [1, 2, 5, 6]);
}

#[test]
fn a_delay_strikes_its_direction() {
    for direction in DIRECTIONS {
        let kind = FaultKind::Delay { by: ms(7), factor: 1.5, direction };
        let slow = struck(fault(nodes(1, 1), kind), |delay| {
            let delay = delay.expect("arrives");
            assert!(delay == DELAY || delay == 22 * MS, "{delay}");
            delay == 22 * MS
        });
        let expected = pairs(|from, to| match direction {
            Direction::Both => from == 1 || to == 1,
            Direction::Outgoing => from == 1,
            Direction::Incoming => to == 1,
        });
        assert_eq!(slow, expected, "{direction:?}");
    }
}

/// [at, heal), by the instant of sending.
#[test]
fn a_delay_strikes_what_is_sent_while_it_is_on() {
    let kind = FaultKind::Delay { by: ms(300), factor: 1.0, direction: Direction::Both };
    let ran = Case::under(2, faults(vec![fault(nodes(0, 0), kind)]))
        .sends_at(0, 1, &[FROM - 1, FROM, HEAL - 1, HEAL])
        .run();
    let expected =
        [(0, FROM - 1 + DELAY), (3, HEAL + DELAY), (1, FROM + 310 * MS), (2, HEAL - 1 + 310 * MS)];
    assert_eq!(ran.got(1), expected);
}

/// In the order of the scenario: times `factor`, plus `by`. Access links' delays count, holding
/// back does not.
#[test]
fn delays_add_up_in_the_order_of_the_scenario() {
    let slow = |factor, by| {
        let kind = FaultKind::Delay { by: ms(by), factor, direction: Direction::Both };
        fault(nodes(0, 0), kind)
    };
    let took = |conditions| {
        let ran = Case::under(2, conditions).sends_at(0, 1, &[150 * MS]).run();
        ran.instants(1)[0] - 150 * MS
    };
    assert_eq!(took(faults(vec![slow(2.0, 0), slow(1.0, 3), slow(3.0, 1)])), 70 * MS);
    assert_eq!(took(faults(vec![slow(3.0, 1), slow(1.0, 3), slow(2.0, 0)])), 68 * MS);
    assert_eq!(took(faults(vec![slow(900.0, 0)])), 9_000 * MS);

    let access = ClassSpec {
        name: "access".into(),
        share: 1.0,
        up: None,
        down: None,
        latency: ms(5),
        sigma: 0.0,
        jitter: None,
        impairments: Default::default(),
    };
    let mut conditions = faults(vec![slow(2.0, 1)]);
    conditions.classes = vec![access.clone()];
    assert_eq!(took(conditions.clone()), 41 * MS, "2 (10 + 5 + 5) + 1");
    conditions.impairments = ImpairmentSpec {
        reordering: 1.0,
        reordering_delay: anthill_protocol::Span(1),
        ..Default::default()
    };
    assert_eq!(took(conditions), 41 * MS + 1);
    assert_eq!(took(ConditionsSpec { classes: vec![access], ..Default::default() }), 20 * MS);
}

#[test]
fn an_impairment_strikes_its_direction() {
    for direction in DIRECTIONS {
        let impairments = ImpairmentSpec { loss: 1.0, ..Default::default() };
        let kind = FaultKind::Impair { impairments, direction };
        let lost = struck(fault(nodes(1, 1), kind), |delay| delay.is_none());
        let expected = pairs(|from, to| match direction {
            Direction::Both => from == 1 || to == 1,
            Direction::Outgoing => from == 1,
            Direction::Incoming => to == 1,
        });
        assert_eq!(lost, expected, "{direction:?}");
    }
}

/// [at, heal), by the instant of sending: not by where the message is.
#[test]
fn an_impairment_strikes_what_is_sent_while_it_is_on() {
    let impairments = ImpairmentSpec { loss: 1.0, ..Default::default() };
    let kind = FaultKind::Impair { impairments, direction: Direction::Outgoing };
    let ran = Case::under(2, faults(vec![fault(nodes(0, 0), kind)]))
        .sends_at(0, 1, &[FROM - 1, FROM, HEAL - 1, HEAL])
        .run();
    assert_eq!(ran.got(1), [(0, FROM - 1 + DELAY), (3, HEAL + DELAY)]);
    assert_eq!((ran.totals().lost, ran.totals().cut), (2, 0));
}

/// What a node sends itself passes no link: nothing strikes it.
#[test]
fn a_message_to_oneself_is_struck_by_nothing() {
    let kind = FaultKind::Partition { others: None, direction: Direction::Both };
    let mut conditions = faults(vec![fault(nodes(0, 0), kind), loss_of(0)]);
    conditions.impairments = ImpairmentSpec { loss: 1.0, ..Default::default() };
    let ran = Case::under(2, conditions).sends_at(0, 0, &[150 * MS]).run();
    assert_eq!(
        ran.got(0),
        [(0, 150 * MS + ran.network.self_delay(anthill_protocol::NodeId(0), 0).0)]
    );
    assert_eq!(
        (ran.totals().lost, ran.totals().cut, ran.outcome.result.totals.messages),
        (0, 0, 0)
    );
}

/// The report of the timeline says what the scenario does.
#[test]
fn the_timeline_is_listed_in_the_order_of_the_scenario() {
    let flap = Some(Flap { period: ms(50), on: ms(5), stagger: ms(0) });
    let kinds = [
        FaultKind::Partition { others: None, direction: Direction::Both },
        FaultKind::Crash { keep_state: true },
        FaultKind::Impair { impairments: ImpairmentSpec::default(), direction: Direction::Both },
        FaultKind::Delay { by: ms(1), factor: 1.0, direction: Direction::Both },
        FaultKind::Rate { up: 0.5, down: 0.5 },
    ];
    let list: Vec<FaultSpec> = kinds
        .into_iter()
        .enumerate()
        .map(|(i, kind)| FaultSpec {
            heal: (i != 3).then_some(at(200)),
            flap: flap.filter(|_| i == 1),
            ..fault(nodes(0, i as u32), kind)
        })
        .collect();
    let (_, _, conditions) = Case::under(9, faults(list)).built();
    let conditions = conditions.expect("some");
    let found: Vec<_> = conditions
        .timeline()
        .iter()
        .map(|entry| (entry.kind, entry.at, entry.heal, entry.flaps, entry.nodes))
        .collect();
    let (from, heal) = (at(100), Some(at(200)));
    assert_eq!(
        found,
        [
            ("partition", from, heal, false, 1),
            ("crash", from, heal, true, 2),
            ("impair", from, heal, false, 3),
            ("delay", from, None, false, 4),
            ("rate", from, heal, false, 5),
        ]
    );
    assert!(conditions.disturbs());
}
