//! The virtual CPU: what each thing costs, which core serves, who waits.

use super::script::{Act, Case, DELAY, MS, ms, note, sealed};
use crate::conditions::processor::Processor;
use crate::conditions::{ConditionsSpec, CpuSpec};
use anthill_protocol::Span;

fn under(cpu: CpuSpec) -> ConditionsSpec {
    ConditionsSpec { cpu: Some(cpu), ..Default::default() }
}

/// Messages that arrive at 10, 11, 12, 13 and 50 ms take 10 ms each.
#[test]
fn the_core_that_is_free_first_serves() {
    for (cores, ends, waits, longest) in [
        // From 10, 20, 30, 40 and 50 ms on.
        (1, [20, 30, 40, 50, 60], 9 + 18 + 27, 27),
        // From 10 and 11, then when these are done.
        (2, [20, 21, 30, 31, 60], 8 + 8, 8),
        (3, [20, 21, 22, 30, 60], 7, 7),
        (4, [20, 21, 22, 23, 60], 0, 0),
    ] {
        let cpu = CpuSpec { cores, receive: ms(10), ..CpuSpec::default() };
        let ran =
            Case::under(2, under(cpu)).sends_at(0, 1, &[0, MS, 2 * MS, 3 * MS, 40 * MS]).run();
        assert_eq!(ran.instants(1), ends.map(|end| end * MS), "{cores} cores");
        let found = ran.totals();
        assert_eq!(
            (found.served, found.cpu_wait_ns, found.cpu_wait_max_ns, found.cpu_busy_ns),
            // Five timers and five messages.
            (10, waits * u128::from(MS), longest * MS, 50 * u128::from(MS)),
            "{cores} cores"
        );
    }
}

/// A timer, sends and charges move the handler's own instant on; what it sends leaves then.
#[test]
fn every_cost_is_charged_where_it_arises() {
    let cpu = CpuSpec {
        cores: 1,
        scale: 2.0,
        receive: ms(3),
        send: ms(1),
        timer: ms(5),
        kib: ms(4),
        sign: ms(11),
        verify: ms(13),
        kinds: vec![("sealed".into(), ms(7))],
    };
    let ran = Case::under(2, under(cpu))
        .does(
            0,
            100 * MS,
            &[
                Act::Look(0),
                Act::Send(1, note(0, 512)),
                Act::Look(1),
                Act::Charge(MS + 1),
                Act::Look(2),
                Act::Send(1, sealed(3, 2048)),
                Act::Send(0, note(2, 2048)),
                Act::Wait(0, 9),
                Act::Look(3),
            ],
        )
        .run();
    let loopback = ran.network.self_delay(anthill_protocol::NodeId(0), 0).0;
    let looks: Vec<u64> = ran.seen(0).iter().map(|(at, _)| *at).collect();
    // 10 for the timer; 2 + 4 to send 512 bytes; 2 (1 ms + 1 ns); 2 + 16 for 2048 bytes; a message to
    // itself and a timer of its own cost as timers when they fire, after this handler.
    let ends = [110 * MS, 116 * MS, 118 * MS + 2, 136 * MS + 2, 146 * MS + 2, 156 * MS + 2];
    assert_eq!(looks, ends);
    assert!(loopback < MS);
    // Received by kind: 6 + 4 ms, and 14 + 16 ms behind it.
    assert_eq!(ran.got(1), [(0, 116 * MS + DELAY + 10 * MS), (3, 136 * MS + 2 + DELAY + 30 * MS)]);
    assert_eq!(ran.totals().cpu_busy_ns, u128::from((46 + 10 + 10 + 10 + 30) * MS - 10 * MS + 2));
}

/// Costs are scaled and rounded to the nanosecond.
#[test]
fn the_table_of_costs_is_scaled() {
    let spec = CpuSpec {
        cores: 0,
        scale: 1.5,
        receive: Span(101),
        send: Span(201),
        timer: Span(301),
        kib: Span(2_048),
        sign: Span(501),
        verify: Span(601),
        kinds: vec![("b".into(), Span(1_001))],
    };
    let table = Processor::new(&spec, &["a", "b", "c"]).expect("kinds exist");
    assert_eq!(table.cores, 1, "one at least");
    // 1.5 · 101 = 151.5 rounds up; 3 ns a byte.
    assert_eq!(
        (table.receive_ns(0, 0), table.receive_ns(1, 0), table.receive_ns(2, 10)),
        (152, 1_502, 182)
    );
    assert_eq!((table.send_ns(0), table.send_ns(1), table.timer_ns()), (302, 305, 452));
    assert_eq!((table.sign_ns(), table.verify_ns()), (752, 902));
    assert_eq!((table.charged_ns(1_001), table.charged_ns(0)), (1_501, 0));
    assert_eq!(table.charged_ns(u64::MAX), u64::MAX, "more than there are nanoseconds");
    let unknown = Processor::new(&spec, &["a"]).expect_err("no such kind").to_string();
    assert!(unknown.contains("cpu.kinds") && unknown.contains("no \"b\""), "{unknown}");
}

/// Waits before the end of the warm-up are not counted; busy cores always are.
#[test]
fn waits_for_a_core_are_counted_from_the_end_of_the_warm_up_on() {
    for (warmup, served, waits) in [("11ms", 2, 9 + 18), ("11000001ns", 1, 18), ("12ms", 1, 18)] {
        let cpu = CpuSpec { receive: ms(10), ..CpuSpec::default() };
        let mut case = Case::under(2, under(cpu)).sends_at(0, 1, &[0, MS, 2 * MS]);
        case.network += &format!("[measure]\nwarmup = \"{warmup}\"\n");
        let ran = case.run();
        let found = ran.totals();
        assert_eq!(
            (found.served, found.cpu_wait_ns, found.cpu_busy_ns),
            (served, waits * u128::from(MS), 30 * u128::from(MS)),
            "{warmup}"
        );
    }
}

/// The CPU waits for the downlink, not the other way round.
#[test]
fn a_core_is_asked_for_when_the_downlink_is_through() {
    let mut conditions = super::queues::bandwidth(None, Some(super::queues::MBIT));
    conditions.cpu = Some(CpuSpec { receive: ms(2), ..CpuSpec::default() });
    let ran = Case::under(2, conditions)
        .sends(0, 0, 1, note(0, 1000))
        .sends(0, MS, 1, note(1, 125))
        .run();
    // Through at 18 and 19 ms: served from 18 and 20 ms on.
    assert_eq!(ran.got(1), [(0, 20 * MS), (1, 22 * MS)]);
    let found = ran.totals();
    assert_eq!((found.cpu_wait_ns, found.downlink_wait_ns), (u128::from(MS), u128::from(7 * MS)));
}
