//! Schedulers, and the timing models that hold them. Without one all messages take 10 ms.

use anthill_protocol::{Span, Time};

use super::messages::nodes;
use super::queues::{MBIT, bandwidth};
use super::script::{Act, Case, DELAY, MS, at, ms, note, sealed};
use crate::conditions::{AdversarySpec, Behaviour, ConditionsSpec, ScheduleSpec};

/// Node 0 of four is held.
fn under(schedule: ScheduleSpec) -> ConditionsSpec {
    let adversary = AdversarySpec {
        who: nodes(0, 0),
        behaviour: Behaviour::Follow,
        kinds: Vec::new(),
        probability: 1.0,
    };
    ConditionsSpec { adversary: Some(adversary), schedule: Some(schedule), ..Default::default() }
}

/// The delays from and to the held node, and between two others.
fn delays(case: Case) -> ([u64; 3], u64) {
    let ran = case.sends_at(0, 1, &[0]).sends_at(2, 0, &[0]).sends_at(2, 3, &[0]).run();
    ([ran.instants(1)[0], ran.instants(0)[0], ran.instants(3)[0]], ran.totals().scheduled)
}

#[test]
fn honest_messages_are_delayed() {
    let found = delays(Case::under(4, under(ScheduleSpec::DelayHonest { by: ms(7) })));
    assert_eq!(found, ([DELAY, DELAY, DELAY + 7 * MS], 1));
}

/// Those of the adversary take the least delay that the network has.
#[test]
fn byzantine_messages_are_favoured() {
    let case = Case::under(4, under(ScheduleSpec::FavourByzantine { by: ms(7) }))
        .network("model = \"uniform\"\nmin = \"4ms\"\nmax = \"400ms\"");
    let ([from, to, others], scheduled) = delays(case);
    assert_eq!((from, to, scheduled), (4 * MS, 4 * MS, 3));
    assert!(others > 11 * MS && others <= 407 * MS, "{others}");
}

/// What is between the halves arrives after the split heals, by its own delay.
#[test]
fn a_split_holds_what_crosses_it_until_it_heals() {
    let sent = [0, 150 * MS, 300 * MS - 1, 300 * MS, 301 * MS];
    let mut case = Case::under(12, under(ScheduleSpec::Split { heal: at(300) }));
    for to in 1..12 {
        case = case.sends_at(0, to, &sent).sends_at(to, 0, &[0]);
    }
    let ran = case.run();
    let mut held = 0;
    for to in 1..12 {
        let apart = ran.instants(to)[0] != DELAY;
        held += u64::from(apart);
        let mut expected = sent.map(|at| if apart { at.max(300 * MS) } else { at } + DELAY);
        expected.sort_unstable();
        assert_eq!(ran.instants(to), expected, "{to}");
        // The other way likewise.
        let back = ran.arrivals(0).into_iter().find(|key| key.source.0 == to).expect("arrives");
        assert_eq!(back.time.0, if apart { 300 * MS } else { 0 } + DELAY);
    }
    assert!((1..11).contains(&held), "two halves: {held}");
    assert_eq!(ran.totals().scheduled, 4 * held);
}

/// It counts from the uplink: what has left it after the split healed is not held.
#[test]
fn a_split_looks_at_what_leaves_the_uplink() {
    let mut conditions = under(ScheduleSpec::Split { heal: at(300) });
    conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
    let mut case = Case::under(12, conditions);
    for to in 1..12 {
        case = case.sends(to, 299 * MS, 0, note(to, 1000)).sends(to, 200 * MS, 0, note(to, 1000));
    }
    let ran = case.run();
    for to in 1..12 {
        let keys = ran.arrivals(0).into_iter().filter(|key| key.source.0 == to);
        let times: Vec<u64> = keys.map(|key| key.time.0).collect();
        let held = times[0] != 201 * MS + DELAY;
        let first = if held { 300 * MS } else { 201 * MS };
        assert_eq!(times, [first + DELAY, 300 * MS + DELAY], "{to}");
    }
}

/// Just before the timeout, counted from sending; later only if the network takes longer.
#[test]
fn messages_of_a_kind_are_held_to_just_before_a_timeout() {
    let schedule =
        ScheduleSpec::Hold { kind: "sealed".into(), timeout: ms(50), margin: Span(MS + 1) };
    let mut conditions = under(schedule);
    conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
    let ran = Case::under(4, conditions)
        .does(0, 0, &[Act::Send(1, note(1, 1000)), Act::Send(1, sealed(3, 1000))])
        .sends(2, 0, 1, sealed(5, 45_000))
        .run();
    let expected = [(1, MS + DELAY), (3, 49 * MS - 1), (5, 45 * MS + DELAY)];
    assert_eq!((ran.got(1).as_slice(), ran.totals().scheduled), (&expected[..], 1));
}

#[test]
fn reordering_holds_by_up_to_a_bound() {
    let acts: Vec<Act> = (0..3_000).map(|id| Act::Send(1, note(id, 4))).collect();
    let ran = Case::under(4, under(ScheduleSpec::Reorder { by: Span(2) })).does(2, 0, &acts).run();
    let mut counts = [0; 3];
    ran.instants(1).iter().for_each(|at| counts[(at - DELAY) as usize] += 1);
    assert!(counts.iter().all(|count| (880..1_120).contains(count)), "{counts:?}");
    assert_eq!(ran.totals().scheduled, counts[1] + counts[2]);
}

/// The synchronous model: Δ from when the last bit leaves, and not a nanosecond more.
#[test]
fn no_scheduler_passes_the_bound_of_synchrony() {
    let case = |by| {
        let mut conditions = under(ScheduleSpec::DelayHonest { by });
        conditions.bandwidth = bandwidth(Some(8 * MBIT), None).bandwidth;
        Case::under(4, conditions)
            .network("model = \"synchronous\"\nmin = \"10ms\"\ndelta = \"30ms\"")
            .sends(2, 5 * MS, 3, note(0, 1000))
    };
    let ran = case(Span::MAX).run();
    assert_eq!(ran.got(3), [(0, 36 * MS)]);
    let free = case(Span::ZERO).run();
    let natural = free.delay(&free.arrivals(3)[0]);
    assert_eq!(free.got(3), [(0, 6 * MS + natural)]);
    assert_eq!((ran.totals().scheduled, free.totals().scheduled), (1, 0));
}

/// Partial synchrony: max(sent, GST) + Δ.
#[test]
fn no_scheduler_passes_the_bound_of_partial_synchrony() {
    let sent = [0, 99 * MS, 100 * MS, 101 * MS, 500 * MS];
    let ran = Case::under(4, under(ScheduleSpec::DelayHonest { by: Span::MAX }))
        .network(
            "model = \"partial\"\nfloor = \"10ms\"\nmean = \"1ms\"\ngst = \"100ms\"\ndelta = \"30ms\"",
        )
        .sends_at(2, 3, &sent)
        .run();
    let mut instants = ran.instants(3);
    instants.sort_unstable();
    assert_eq!(instants, [130, 130, 130, 131, 530].map(|at| at * MS));

    // Asynchrony promises nothing: it never arrives.
    let ran = Case::under(4, under(ScheduleSpec::DelayHonest { by: Span::MAX }))
        .network("model = \"asynchronous\"\nfloor = \"10ms\"\nmean = \"1ms\"")
        .sends_at(2, 3, &sent)
        .run();
    assert_eq!(ran.got(3), []);
}

/// The natural delay is bounded too, without any scheduler.
#[test]
fn the_model_bounds_every_delay() {
    let acts: Vec<Act> = (0..500).map(|id| Act::Send(1, note(id, 4))).collect();
    let ran = Case::under(4, ConditionsSpec::default())
        .network(
            "model = \"partial\"\nfloor = \"10ms\"\nmean = \"100ms\"\ngst = \"0s\"\ndelta = \"30ms\"",
        )
        .does(0, 0, &acts)
        .run();
    let instants = ran.instants(1);
    assert_eq!(instants.len(), 500);
    for (key, instant) in ran.arrivals(1).iter().zip(&instants) {
        assert_eq!(*instant, ran.delay(key).min(30 * MS));
    }
    assert!(instants.iter().any(|at| *at < 30 * MS) && instants.contains(&(30 * MS)));
    assert_eq!(ran.totals().scheduled, 0);
    assert_eq!(ran.network.timing().latest(Time(MS)), Some(at(31)));
}
