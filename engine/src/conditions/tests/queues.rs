//! Up- and downlinks: when a message leaves, when its first and last bits arrive, what waits, what
//! is dropped. 8 Mbit/s pass a byte in a microsecond, 1000 bytes in a millisecond.

use super::script::{Act, Case, DELAY, MS, Ran, note};
use crate::conditions::{BandwidthSpec, ClassSpec, ConditionsSpec, RatesSpec};

const US: u64 = 1_000;

pub(super) fn bandwidth(up: Option<u64>, down: Option<u64>) -> ConditionsSpec {
    queued(up, down, None)
}

fn queued(up: Option<u64>, down: Option<u64>, queue_bytes: Option<u64>) -> ConditionsSpec {
    let rates = RatesSpec::Fixed { up, down };
    let bandwidth = Some(BandwidthSpec { rates, cap: None, queue_bytes });
    ConditionsSpec { bandwidth, ..Default::default() }
}

pub(super) const MBIT: u64 = 1_000_000;

#[test]
fn an_uplink_lets_one_message_go_after_the_other() {
    let burst: Vec<Act> =
        [(1, 1000), (2, 2000), (3, 500)].map(|(to, bytes)| Act::Send(to, note(to, bytes))).to_vec();
    let ran = Case::under(4, bandwidth(Some(8 * MBIT), None))
        .does(0, 5 * MS, &burst)
        .sends(0, 6_500 * US, 1, note(4, 1000))
        .sends(0, 20 * MS, 1, note(5, 1000))
        // Another node's uplink is its own.
        .sends(2, 5 * MS, 0, note(6, 1000))
        .run();
    // They leave at 6, 8, 8.5, 9.5 and 21 ms.
    assert_eq!(ran.got(1), [(1, 16 * MS), (4, 19_500 * US), (5, 31 * MS)]);
    assert_eq!(ran.got(2), [(2, 18 * MS)]);
    assert_eq!(ran.got(3), [(3, 18_500 * US)]);
    assert_eq!(ran.got(0), [(6, 16 * MS)]);
    // Waits of 1, 3 and 2 ms.
    let found = ran.totals();
    assert_eq!(
        (found.uplinked, found.uplink_wait_ns, found.uplink_wait_max_ns),
        (6, u128::from(6 * MS), 3 * MS)
    );
    assert_eq!((found.downlinked, found.uplink_dropped), (0, 0));
}

/// A transfer is charged once: the slower of both links decides.
#[test]
fn a_single_transfer_takes_the_slower_of_both_links() {
    for (up, down, expected_ms) in [
        (None, None, 0),
        (Some(8), None, 1),
        (None, Some(2), 4),
        (Some(8), Some(8), 1),
        (Some(8), Some(2), 4),
        (Some(2), Some(8), 4),
    ] {
        let rate = |mbit: Option<u64>| mbit.map(|mbit| mbit * MBIT);
        let ran = Case::under(2, bandwidth(rate(up), rate(down)))
            .sends(0, 3 * MS, 1, note(0, 1000))
            .run();
        assert_eq!(ran.got(1), [(0, (3 + expected_ms) * MS + DELAY)], "{up:?} {down:?}");
        let found = ran.totals();
        assert_eq!(
            (found.uplinked, found.downlinked),
            (up.is_some().into(), down.is_some().into())
        );
        assert_eq!((found.uplink_wait_ns, found.downlink_wait_ns), (0, 0), "{up:?} {down:?}");
    }
}

/// Without a cap as well, the first bit arrives S / up before the last.
#[test]
fn a_downlink_takes_up_a_message_at_its_first_bit() {
    let ran = Case::under(4, bandwidth(Some(2 * MBIT), Some(4 * MBIT)))
        .sends(0, 0, 3, note(0, 1000))
        .sends(1, 500 * US, 3, note(1, 1000))
        .sends(2, 600 * US, 3, note(2, 1000))
        .sends(0, 40 * MS, 3, note(3, 1000))
        .run();
    // First bits at 10, 10.5 and 10.6 ms, last ones 4 ms later; 2 ms each on the downlink, which is
    // free at 12, 14 and 16 ms.
    assert_eq!(ran.got(3), [(0, 14 * MS), (1, 14_500 * US), (2, 16 * MS), (3, 54 * MS)]);
    // Only the third is handled later than a free downlink would have it: at 14.6 ms.
    let found = ran.totals();
    assert_eq!(
        (found.downlinked, found.downlink_wait_ns, found.downlink_wait_max_ns),
        (4, u128::from(1_400 * US), 1_400 * US)
    );
}

/// Two regions, 8 Mbit/s up, and between the regions no more than `cap`.
fn capped(cap: Option<u64>, up: Option<u64>, down: Option<u64>) -> (Ran, [u32; 3]) {
    let mut conditions = bandwidth(up, down);
    conditions.bandwidth.as_mut().expect("some").cap = cap;
    let case = Case::under(40, conditions)
        .network("preset = \"aws-p50\"\nshares = { us-east-1 = 0.5, eu-west-1 = 0.5 }");
    let (_, network, _) = case.built();
    let region = |node: u32| network.region_of(anthill_protocol::NodeId(node)).index();
    let there = (1..40).find(|node| region(*node) != region(0)).expect("both hold nodes");
    let here = (1..40).find(|node| region(*node) == region(0)).expect("both hold nodes");
    let burst = [
        Act::Send(there, note(0, 1000)),
        Act::Send(here, note(1, 1000)),
        Act::Send(there, note(2, 2000)),
    ];
    (case.does(0, MS, &burst).run(), [there, here, there])
}

#[test]
fn a_cap_slows_the_transfer_between_regions_and_not_the_queue() {
    // (up, cap, down) in Mbit/s; when the last bits leave, and how long before them the first ones
    // arrive, in ms.
    type Row = (Option<u64>, Option<u64>, [u64; 3], [u64; 3]);
    let rows: [Row; 4] = [
        (Some(8), None, [1, 2, 4], [1, 1, 2]),
        (Some(8), Some(4), [2, 2, 6], [2, 1, 4]),
        (Some(8), Some(16), [1, 2, 4], [1, 1, 2]),
        (None, Some(4), [2, 0, 4], [2, 0, 4]),
    ];
    for (up, cap, leaves, spread) in rows {
        for down in [None, Some(2)] {
            let rate = |mbit: Option<u64>| mbit.map(|mbit| mbit * MBIT);
            let (ran, receivers) = capped(rate(cap), rate(up), rate(down));
            for (i, to) in receivers.into_iter().enumerate() {
                let ids: Vec<u32> = ran.ids(to);
                let place = ids.iter().position(|id| *id == i as u32).expect("got it");
                let key = ran.arrivals(to)[place];
                let arrival = MS + leaves[i] * MS + ran.delay(&key);
                assert_eq!(key.time.0, arrival, "{up:?} {cap:?}: last bit of {i}");
                // Jitter is a few ms: where the other is not in the way, 4 ms for 1000 bytes.
                let first = arrival - spread[i] * MS;
                let through = first + down.map_or(0, |_| if i == 2 { 8 } else { 4 }) * MS;
                let handled = ran.instants(to)[place];
                if i == 1 || down.is_none() || place == 0 {
                    assert_eq!(handled, through.max(arrival), "{up:?} {cap:?} {down:?}: {i}");
                }
            }
        }
    }
}

/// `queue` bytes may wait: a message that would wait for one byte more is dropped and occupies
/// nothing.
#[test]
fn a_full_queue_drops_at_the_exact_byte() {
    let burst: Vec<Act> = (0..30).map(|id| Act::Send(1, note(id, 1000))).collect();
    for (queue, kept) in [(0, 1), (999, 1), (1_000, 2), (9_999, 10), (10_000, 11), (10_999, 11)] {
        let up = Case::under(3, queued(Some(8 * MBIT), None, Some(queue)))
            .does(0, 0, &burst)
            // The uplink is free when the last one kept has left it, and not before.
            .sends(0, u64::from(kept) * MS, 2, note(99, 1000))
            .run();
        let expected: Vec<(u32, u64)> =
            (0..kept).map(|id| (id, DELAY + (1 + u64::from(id)) * MS)).collect();
        assert_eq!(up.got(1), expected, "{queue}");
        assert_eq!(up.got(2), [(99, DELAY + (u64::from(kept) + 1) * MS)], "{queue}");
        assert_eq!(up.totals().uplink_dropped, u64::from(30 - kept), "{queue}");
        assert_eq!(up.totals().uplinked, u64::from(kept) + 1);

        let mut down = Case::under(31, queued(None, Some(8 * MBIT), Some(queue)));
        for from in 1..31 {
            down = down.sends(from, 0, 0, note(from, 1000));
        }
        let down = down.run();
        let expected: Vec<u64> = (0..kept).map(|k| DELAY + (1 + u64::from(k)) * MS).collect();
        assert_eq!(down.instants(0), expected, "{queue}");
        assert_eq!(down.totals().downlink_dropped, u64::from(30 - kept), "{queue}");
        assert_eq!(down.totals().downlinked, u64::from(kept));
    }
}

/// A queue empties at the link's rate: a nanosecond decides.
#[test]
fn a_queue_has_room_again_at_the_exact_nanosecond() {
    for (after, kept) in [(499_999, false), (500_000, true)] {
        // Two of 1000 bytes: 2000 − 500 bytes wait ahead 0.5 ms later.
        let ran = Case::under(2, queued(Some(8 * MBIT), None, Some(1_500)))
            .does(0, 0, &[Act::Send(1, note(0, 1000)), Act::Send(1, note(1, 1000))])
            .sends(0, after, 1, note(2, 1000))
            .run();
        assert_eq!(ran.ids(1).contains(&2), kept, "{after}");
    }
}

/// Waits before the end of the warm-up are not counted; those at that very instant are.
#[test]
fn waits_are_counted_from_the_end_of_the_warm_up_on() {
    for (warmup, uplinked, downlinked) in
        [("3ms", 3, 3), ("3000001ns", 2, 3), ("14ms", 0, 3), ("14000001ns", 0, 2)]
    {
        // Calls at 3, 4 and 5 ms; last bits at 14, 15 and 16 ms.
        let mut case = Case::under(2, bandwidth(Some(8 * MBIT), Some(4 * MBIT)));
        for (id, at) in [(0, 3 * MS), (1, 4 * MS), (2, 5 * MS)] {
            case = case.sends(0, at, 1, note(id, 1000));
        }
        case.network += &format!("[measure]\nwarmup = \"{warmup}\"\n");
        let ran = case.run();
        let found = ran.totals();
        assert_eq!((found.uplinked, found.downlinked), (uplinked, downlinked), "{warmup}");
        // Handled at 15, 17 and 19 ms, where a free downlink takes until 15, 16 and 17.
        assert_eq!(ran.instants(1), [15 * MS, 17 * MS, 19 * MS]);
        let waits = (found.downlink_wait_ns, found.downlink_wait_max_ns);
        assert_eq!(waits, (u128::from(3 * MS), 2 * MS));
    }
}

/// What is lost on its way has occupied the uplink.
#[test]
fn a_lost_message_has_occupied_its_uplink() {
    let mut conditions = bandwidth(Some(8 * MBIT), None);
    conditions.faults = vec![super::messages::loss_of(1)];
    let ran = Case::under(3, conditions)
        .does(0, 0, &[Act::Send(1, note(0, 1000)), Act::Send(2, note(1, 1000))])
        .run();
    assert_eq!((ran.got(1), ran.got(2)), (vec![], vec![(1, DELAY + 2 * MS)]));
    assert_eq!(ran.totals().lost, 1);
}

/// A doubled message passes its uplink once and its receiver's downlink twice.
#[test]
fn a_doubled_message_passes_the_uplink_once_and_the_downlink_twice() {
    let mut conditions = bandwidth(Some(8 * MBIT), Some(4 * MBIT));
    conditions.impairments.duplication = 1.0;
    let ran = Case::under(3, conditions)
        .does(0, 0, &[Act::Send(1, note(0, 1000)), Act::Send(2, note(1, 1000))])
        .run();
    // First bits at 10 ms and 11 ms; 2 ms each on the downlink.
    assert_eq!(ran.got(1), [(0, 12 * MS), (0, 14 * MS)]);
    assert_eq!(ran.got(2), [(1, 13 * MS), (1, 15 * MS)]);
    let found = ran.totals();
    assert_eq!((found.uplinked, found.downlinked, found.duplicated), (2, 4, 2));
}

/// A class replaces the rates that it states, at the end that has it, and no others.
#[test]
fn a_class_replaces_the_rates_that_it_states() {
    for (up, down, expected) in [
        (None, None, 16 * MS),
        (Some(8 * MBIT), None, 14 * MS),
        (None, Some(MBIT), 18 * MS),
        (Some(8 * MBIT), Some(8 * MBIT), 11 * MS),
    ] {
        // 1000 bytes take 6 ms up and 4 ms down where the class states nothing.
        let mut conditions = bandwidth(Some(4 * MBIT / 3), Some(2 * MBIT));
        conditions.classes = vec![ClassSpec {
            name: "all".into(),
            share: 1.0,
            up,
            down,
            latency: anthill_protocol::Span::ZERO,
            sigma: 0.0,
            jitter: None,
            impairments: Default::default(),
        }];
        let ran = Case::under(2, conditions).sends(0, 0, 1, note(0, 1000)).run();
        let at = ran.instants(1)[0];
        // To a nanosecond: 4/3 Mbit/s are a third of a bit off.
        assert!(at.abs_diff(expected) <= 10, "{up:?} {down:?}: {at}");
    }
}
