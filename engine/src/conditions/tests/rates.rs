//! `rate` faults: a transfer changes its pace when one comes or heals. 8 ms at the full rate.

use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, DELAY, MS, ms, note};
use crate::conditions::{ConditionsSpec, FaultKind, FaultSpec, Flap, SelectionSpec};
use anthill_protocol::Time;

/// From, to (in ms), shares of the up- and downlink.
type Slow = (u64, u64, f64, f64);

fn slow(node: u32, (from, to, up, down): Slow) -> FaultSpec {
    FaultSpec {
        at: Time(from * MS),
        heal: Some(Time(to * MS)),
        who: SelectionSpec { nodes: vec![(node, node)], ..Default::default() },
        kind: FaultKind::Rate { up, down },
        flap: None,
    }
}

fn under(up: Option<u64>, down: Option<u64>, faults: Vec<FaultSpec>) -> ConditionsSpec {
    ConditionsSpec { faults, ..bandwidth(up, down) }
}

/// Faults (from, to, share of the rate), and when a transfer is through that begins at 0 and takes
/// 8 ms at the full rate; in ms.
type Row = (&'static [(u64, u64, f64)], u64);

const TABLE: &[Row] = &[
    (&[], 8),
    (&[(0, 100, 0.25)], 32),
    // 4 ms are left when it begins, which just fit.
    (&[(4, 12, 0.5)], 12),
    // Half of its 4 ms pass, 2 ms are left when it heals.
    (&[(4, 8, 0.5)], 10),
    // Through when it begins.
    (&[(8, 20, 0.1)], 8),
    // Healed before.
    (&[(4, 5, 1.0), (20, 30, 0.5)], 8),
    // The smallest factor counts: 1 + 1 ms by 6 ms, then half of the rate.
    (&[(0, 100, 0.5), (2, 6, 0.25)], 18),
    (&[(2, 6, 0.25), (0, 100, 0.5)], 18),
    // Overlapping: 1 ms by 2 ms, 0.5 by 4 ms, 0.5 by 6 ms, then all of it.
    (&[(0, 4, 0.5), (2, 6, 0.25)], 12),
    // One after the other: 2 ms by 4 ms, 1 ms by 8 ms, then all of it.
    (&[(0, 4, 0.5), (4, 8, 0.25)], 13),
    // Apart: 1 ms by 2 ms, 2 ms by 4 ms, 1 ms by 6 ms.
    (&[(0, 2, 0.5), (4, 6, 0.5)], 10),
];

#[test]
fn an_uplink_follows_every_change_of_its_rate() {
    for (faults, expected) in TABLE {
        let faults = faults.iter().map(|(from, to, share)| slow(0, (*from, *to, *share, 1.0)));
        let ran = Case::under(2, under(Some(8 * MBIT), None, faults.clone().collect()))
            .does(0, 0, &[Act::Send(1, note(0, 8000)), Act::Send(1, note(1, 0))])
            .run();
        let end = expected * MS + DELAY;
        assert_eq!(ran.got(1), [(0, end), (1, end)], "{:?}", faults.collect::<Vec<_>>());
    }
}

#[test]
fn a_downlink_follows_every_change_of_its_rate() {
    for (faults, expected) in TABLE {
        // The first bit arrives at 10 ms.
        let later =
            |(from, to, share): &(u64, u64, f64)| slow(1, (from + 10, to + 10, 1.0, *share));
        let faults: Vec<FaultSpec> = faults.iter().map(later).collect();
        let ran = Case::under(2, under(None, Some(8 * MBIT), faults.clone()))
            .sends(0, 0, 1, note(0, 8000))
            .run();
        assert_eq!(ran.got(1), [(0, expected * MS + DELAY)], "{faults:?}");
    }
}

/// Each direction has its factor, and a fault strikes the links of its nodes alone.
#[test]
fn factors_strike_their_direction_and_their_nodes() {
    for (node, up, down, expected) in [
        (0, 0.5, 1.0, 16),
        (0, 1.0, 0.5, 8),
        (1, 0.5, 1.0, 8),
        (1, 1.0, 0.5, 16),
        (2, 0.5, 0.5, 8),
        (0, 0.5, 0.25, 16),
        (1, 0.5, 0.25, 32),
    ] {
        let faults = vec![slow(node, (0, 1_000, up, down))];
        let ran = Case::under(3, under(Some(8 * MBIT), Some(8 * MBIT), faults))
            .sends(0, 0, 1, note(0, 8000))
            .run();
        assert_eq!(ran.got(1), [(0, expected * MS + DELAY)], "{node} {up} {down}");
    }
}

/// What waits for a throttled downlink: the wait is that of a busy link, not of a slow one.
#[test]
fn a_slow_downlink_alone_is_no_wait() {
    let faults = vec![slow(2, (0, 1_000, 1.0, 0.5))];
    let ran = Case::under(3, under(None, Some(8 * MBIT), faults))
        .sends(0, 0, 2, note(0, 1000))
        .sends(1, MS, 2, note(1, 1000))
        .run();
    // 2 ms each: 10 to 12, 12 to 14 ms, where a free one would be through at 13.
    assert_eq!(ran.got(2), [(0, 12 * MS), (1, 14 * MS)]);
    let found = ran.totals();
    assert_eq!((found.downlink_wait_ns, found.downlink_wait_max_ns), (u128::from(MS), MS));
}

#[test]
fn a_flapping_factor_comes_and_goes() {
    let flap = Some(Flap { period: ms(2), on: ms(1), stagger: ms(0) });
    let faults = vec![FaultSpec { flap, ..slow(0, (0, 1_000, 0.5, 1.0)) }];
    let ran =
        Case::under(2, under(Some(8 * MBIT), None, faults)).sends(0, 0, 1, note(0, 8000)).run();
    // 1.5 ms pass in 2 ms: 7.5 in 10, and the rest at half the rate.
    assert_eq!(ran.got(1), [(0, 11 * MS + DELAY)]);
}

/// A link that flaps faster than it passes messages: after a thousand changes it goes on at its
/// full rate.
#[test]
fn a_thousand_changes_of_pace_are_followed() {
    let flap = |period, on| {
        let flap = Flap {
            period: anthill_protocol::Span(period),
            on: anthill_protocol::Span(on),
            stagger: ms(0),
        };
        Some(flap)
    };
    // Half of the time at half of the rate: 1000 changes in 10 ms, in which 7.5 ms pass.
    let faults = vec![FaultSpec { flap: flap(20_000, 10_000), ..slow(0, (0, 1_000, 0.5, 1.0)) }];
    let ran =
        Case::under(2, under(Some(8 * MBIT), None, faults)).sends(0, 0, 1, note(0, 20_000)).run();
    assert_eq!(ran.got(1), [(0, 10 * MS + 12_500_000 + DELAY)]);
}
