//! The tracker of an assumed bound: which messages are late, by how much, and what is kept of them.

use anthill_protocol::{NodeId, Span, Time};

use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, DELAY, MS, at, ms, note};
use crate::conditions::{
    ConditionTotals, ConditionsSpec, Direction, FaultKind, FaultSpec, FirstLate, LateMessage,
};

fn assuming(bound: u64) -> ConditionsSpec {
    ConditionsSpec { assumed_bound: Some(Span(bound)), ..Default::default() }
}

/// Late is what arrives after sent + bound: the instant itself is in time.
#[test]
fn a_message_is_late_from_the_nanosecond_after_the_bound() {
    for (bound, late) in [(DELAY - 1, 1), (DELAY, 0), (DELAY + 1, 0)] {
        let ran = Case::under(2, assuming(bound)).sends_at(0, 1, &[5 * MS]).run();
        let found = ran.totals();
        assert_eq!((found.late, found.late_max_ns), (late, late), "{bound}");
        let [check] = &ran.outcome.result.checks[..] else { panic!("one check") };
        assert_eq!((check.ok, check.expected_violation), (late == 0, true));
        assert_eq!((check.measured, check.name), (late as f64, "synchrony: late messages"));
        // A bound is watched, and disturbs nothing.
        assert!(!ran.outcome.result.facts.disturbed);
        assert_eq!(ran.got(1), [(0, 5 * MS + DELAY)], "late messages are delivered");
    }
}

/// "Sent" is the call of `send`: waiting for the uplink counts. Downlink and CPU do not.
#[test]
fn the_bound_counts_from_the_call() {
    let conditions =
        ConditionsSpec { assumed_bound: Some(ms(12)), ..bandwidth(Some(8 * MBIT), Some(MBIT)) };
    let burst: Vec<Act> = (0..4).map(|id| Act::Send(1, note(id, 1000))).collect();
    let ran = Case::under(2, conditions).does(0, 3 * MS, &burst).run();
    let found = ran.totals();
    // Arrivals 11, 12, 13 and 14 ms after the call.
    assert_eq!((found.late, found.late_max_ns), (2, 2 * MS));
    let late: Vec<LateMessage> = (2..4u32)
        .map(|i| LateMessage {
            sent: at(3),
            due: at(15),
            arrival: at(14 + u64::from(i)),
            from: NodeId(0),
            to: NodeId(1),
            // Number 0 is the timer's.
            sequence: 1 + i,
        })
        .collect();
    assert_eq!(found.first_late.messages(), late);
    assert!(ran.outcome.result.facts.disturbed, "by the rates");
}

/// With partial synchrony max(sent, GST) + bound; other models have it from the start.
#[test]
fn the_bound_holds_from_gst_on() {
    let late = |network: &str, by_ms: u64, sent: u64| {
        let slow = FaultSpec {
            at: at(0),
            heal: None,
            who: super::messages::nodes(0, 0),
            kind: FaultKind::Delay { by: ms(by_ms), factor: 1.0, direction: Direction::Outgoing },
            flap: None,
        };
        let conditions = ConditionsSpec { faults: vec![slow], ..assuming(20 * MS) };
        let ran = Case::under(2, conditions).network(network).sends_at(0, 1, &[sent]).run();
        assert_eq!(ran.got(1).len(), 1);
        (ran.totals().late, ran.totals().late_max_ns / MS)
    };
    let partial =
        "model = \"partial\"\nfloor = \"10ms\"\nmean = \"0ms\"\ngst = \"100ms\"\ndelta = \"5s\"";
    assert_eq!(late(partial, 110, 0), (0, 0), "arrives at 120 ms");
    assert_eq!(late(partial, 115, 0), (1, 5));
    assert_eq!(late(partial, 10, 500 * MS), (0, 0));
    assert_eq!(late(partial, 17, 500 * MS), (1, 7));
    for model in ["asynchronous", "exponential"] {
        let model = format!("model = \"{model}\"\nfloor = \"10ms\"\nmean = \"0ms\"");
        assert_eq!(late(&model, 13, 0), (1, 3));
        assert_eq!(late(&model, 10, 0), (0, 0));
    }
}

/// What never arrives is not late; each copy of a doubled message may be.
#[test]
fn only_what_arrives_is_late() {
    let mut lost = assuming(MS);
    lost.impairments.loss = 1.0;
    assert_eq!(Case::under(2, lost).sends_at(0, 1, &[0]).run().totals().late, 0);
    let mut cut = assuming(MS);
    cut.faults = vec![FaultSpec {
        at: at(0),
        heal: None,
        who: super::messages::nodes(0, 0),
        kind: FaultKind::Partition { others: None, direction: Direction::Both },
        flap: None,
    }];
    assert_eq!(Case::under(2, cut).sends_at(0, 1, &[0]).run().totals().late, 0);
    let mut doubled = assuming(MS);
    doubled.impairments.duplication = 1.0;
    let ran = Case::under(2, doubled).sends_at(0, 1, &[0]).run();
    assert_eq!((ran.totals().late, ran.totals().duplicated), (2, 1));
}

/// A hundred are kept: the first in order of sending, whoever saw them.
#[test]
fn the_first_hundred_are_kept() {
    let message = |i: u64| LateMessage {
        sent: Time(i),
        due: Time(i + 1),
        arrival: Time(i + 2),
        from: NodeId(0),
        to: NodeId(1),
        sequence: i as u32,
    };
    // 0 to 299 in a scrambled order, over two threads.
    let mut parts = [FirstLate::default(), FirstLate::default()];
    for i in 0..300u64 {
        parts[(i % 2) as usize].note(message(i * 77 % 300));
    }
    let [mut all, other] =
        parts.map(|first_late| ConditionTotals { first_late, ..Default::default() });
    assert_eq!(all.first_late.messages().len(), 100);
    all.add(&other);
    let expected: Vec<LateMessage> = (0..100).map(message).collect();
    assert_eq!(all.first_late.messages(), expected);
    // One that comes later than all of them changes nothing, one that comes first takes a place.
    all.first_late.note(message(150));
    all.first_late.note(message(99));
    assert_eq!(all.first_late.messages(), expected);
}

/// Sums add up, maxima do not.
#[test]
fn what_threads_count_adds_up() {
    let part = |n: u64| ConditionTotals {
        lost: n,
        late_max_ns: n,
        uplink_wait_ns: n.into(),
        uplink_wait_max_ns: n,
        down_ns: u128::from(n) << 70,
        ..Default::default()
    };
    for (a, b) in [(3, 5), (5, 3)] {
        let mut sum = part(a);
        sum.add(&part(b));
        let expected = ConditionTotals {
            lost: 8,
            late_max_ns: 5,
            uplink_wait_ns: 8,
            uplink_wait_max_ns: 5,
            down_ns: 8 << 70,
            ..Default::default()
        };
        assert_eq!(sum, expected);
    }
    let rows = part(4).rows();
    let row = |name: &str| *rows.iter().find(|row| row.0 == name).expect("a row");
    assert_eq!(row("lost"), ("lost", 4, "Messages lost on a link."));
    assert_eq!((row("uplink_wait_max_ns").1, row("cut").1), (4, 0));
}
