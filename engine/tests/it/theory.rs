//! Conditions against theory and arithmetic: queues, rates, losses, churn, partitions, clocks.

use anthill_engine::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClockSpec, ConditionsSpec,
    CpuSpec, Direction, FaultKind, FaultSpec, ImpairmentSpec, RatesSpec, SelectionSpec,
};
use anthill_engine::outcome::Outcome;
use anthill_engine::{Control, Key, Watch};
use anthill_protocol::traffic::{Traffic, TrafficMetric};
use anthill_protocol::{NodeId, Span, Time};

use crate::Ready;

const MS: u64 = 1_000_000;

fn bandwidth(up: Option<u64>, down: Option<u64>) -> Option<BandwidthSpec> {
    let rates = RatesSpec::Fixed { up, down };
    Some(BandwidthSpec { rates, cap: None, queue_bytes: None })
}

fn traffic(nodes: u32, until: &str, protocol: &str, network: &str) -> String {
    format!(
        "nodes = {nodes}\nuntil = \"{until}\"\nseed = 5\n[protocol]\nname = \"traffic\"\n\
         echo = false\n{protocol}\n[network]\nmodel = \"uniform\"\n{network}\n"
    )
}

fn run(text: &str, conditions: ConditionsSpec) -> Outcome {
    let mut ready = Ready::<Traffic>::new(text);
    ready.scenario.conditions = conditions;
    ready.sharded(2, 2, true)
}

/// All events of a run, in key order.
fn events(text: &str, conditions: ConditionsSpec) -> Vec<Key> {
    let mut ready = Ready::<Traffic>::new(text);
    ready.scenario.conditions = conditions;
    let watch = Some(Watch { from_ns: 0, to_ns: u64::MAX, most: 10_000_000 });
    let control = Control { watch, ..Control::default() };
    let outcome = ready.try_sharded(2, 2, true, &control).expect("runs");
    outcome.watched.expect("asked for").events.into_iter().map(|(key, _)| key).collect()
}

fn deliveries(events: &[Key]) -> Vec<Key> {
    events.iter().copied().filter(|key| key.source != key.target).collect()
}

/// 1000 bytes at 8 Mbit/s take 1 ms; the broadcast's k-th copy leaves at k ms.
#[test]
fn the_kth_copy_of_a_broadcast_leaves_at_k_times_its_size_over_the_rate() {
    let text = traffic(
        21,
        "10s",
        "size = 1000\nto = \"all\"\nsenders = 0.05\nlimit = 1",
        "min = \"10ms\"\nmax = \"10ms\"",
    );
    let conditions =
        ConditionsSpec { bandwidth: bandwidth(Some(8_000_000), None), ..Default::default() };
    let events = events(&text, conditions);
    let sent = events.iter().find(|key| key.source == key.target).expect("a timer").time.0;
    let found: Vec<u64> = deliveries(&events).iter().map(|key| key.time.0 - sent).collect();
    let mut found_sorted = found.clone();
    found_sorted.sort_unstable();
    let expected: Vec<u64> = (1..=20).map(|k| 10 * MS + k * MS).collect();
    assert_eq!(found_sorted, expected);
}

/// A transfer over an uplink and a downlink of the same rate is charged once; over a slower
/// downlink it takes the downlink's time from the first bit on; a cap between regions slows the
/// transfer and not the queue.
#[test]
fn a_single_transfer_is_not_charged_twice() {
    let text = traffic(
        2,
        "10s",
        "size = 1000\nto = \"neighbour\"\nsenders = 0.5\nlimit = 1",
        "min = \"10ms\"\nmax = \"10ms\"",
    );
    for (up, down, expected_ms) in [
        (8_000_000, Some(8_000_000), 11.0),
        (8_000_000, Some(80_000_000), 11.0),
        (8_000_000, Some(2_000_000), 14.0),
        (2_000_000, None, 14.0),
    ] {
        let outcome = run(
            &text,
            ConditionsSpec { bandwidth: bandwidth(Some(up), down), ..Default::default() },
        );
        let (_, delivery) = &outcome.result.latencies[0];
        let expected = (expected_ms * MS as f64) as u64;
        assert_eq!(delivery.len(), 1);
        assert!(delivery.equivalent(delivery.max(), expected), "{up} {down:?}: {}", delivery.max());
    }
}

/// A link without a rate has no queue, so nothing waits in it or is dropped from it, however the
/// other end or the CPU delays messages.
#[test]
fn links_without_a_rate_hold_and_drop_nothing() {
    let text = traffic(50, "2s", "interval = \"10ms\"", "min = \"5ms\"\nmax = \"9ms\"");
    let cpu =
        Some(CpuSpec { cores: 2, receive: Span(3 * MS), send: Span(MS), ..CpuSpec::default() });
    for (up, down) in [(Some(1_000_000), None), (None, Some(1_000_000)), (None, None)] {
        for queue_bytes in [None, Some(1_000_000_000)] {
            let mut conditions =
                ConditionsSpec { bandwidth: bandwidth(up, down), ..Default::default() };
            conditions.cpu = cpu.clone();
            if let Some(bandwidth) = &mut conditions.bandwidth {
                bandwidth.queue_bytes = queue_bytes;
            }
            let found = run(&text, conditions).result.conditions.expect("some");
            assert_eq!((found.uplink_dropped, found.downlink_dropped), (0, 0), "{up:?} {down:?}");
            assert_eq!(found.uplink_wait_ns > 0, up.is_some(), "{found:?}");
            assert_eq!(found.downlink_wait_ns > 0, down.is_some(), "{found:?}");
        }
    }
}

/// A full queue drops what exceeds it and nothing else: of a burst of 40 messages of 1000 bytes,
/// with 10,000 bytes that may wait, one goes at once and ten wait.
#[test]
fn a_full_queue_drops_the_rest_of_a_burst() {
    let text = traffic(
        41,
        "10s",
        "size = 1000\nto = \"all\"\nsenders = 0.02\nlimit = 1",
        "min = \"10ms\"\nmax = \"10ms\"",
    );
    let mut conditions =
        ConditionsSpec { bandwidth: bandwidth(Some(8_000_000), None), ..Default::default() };
    if let Some(bandwidth) = &mut conditions.bandwidth {
        bandwidth.queue_bytes = Some(10_000);
    }
    let outcome = run(&text, conditions);
    assert_eq!(outcome.result.totals.of(TrafficMetric::Received), 11);
    assert_eq!(outcome.result.conditions.expect("some").uplink_dropped, 29);
}

/// Poisson arrivals at a server of fixed service time wait ρ / (2μ(1 − ρ)) in the mean
/// (Pollaczek–Khinchine), be the server an uplink or a CPU.
#[test]
fn queues_wait_as_long_as_m_d_1_says() {
    for rho in [0.3, 0.6, 0.9] {
        let text =
            traffic(400, "12s", "interval = \"1ms\"\nsize = 125", "min = \"10ms\"\nmax = \"30ms\"")
                + "[measure]\nwarmup = \"2s\"\n";
        let service_ns = rho * MS as f64;
        let rate = (125.0 * 8.0 * 1e9 / service_ns).round() as u64;
        let expected = rho * service_ns / (2.0 * (1.0 - rho));
        let found = run(
            &text,
            ConditionsSpec { bandwidth: bandwidth(Some(rate), None), ..Default::default() },
        )
        .result
        .conditions
        .expect("some");
        let measured = found.uplink_wait_ns as f64 / found.uplinked as f64;
        // Of 4 million messages; correlated over some 1/(1 − ρ)² of them.
        let tolerance = 0.01 + 0.002 / (1.0 - rho);
        assert!(
            (measured / expected - 1.0).abs() < tolerance,
            "ρ = {rho}: {measured} for {expected}"
        );
        assert!(found.uplinked > 3_900_000);
    }
}

/// Half of the nodes send at random to the other half, at whose CPUs arrivals are Poisson. (A node
/// that did both would send late when busy.)
#[test]
fn a_cpu_is_a_queue_too() {
    let rho = 0.6;
    let service = Span((rho * MS as f64) as u64);
    let text = traffic(
        400,
        "6s",
        "interval = \"1ms\"\nsize = 125\nto = \"server\"\nservers = 200",
        "min = \"10ms\"\nmax = \"30ms\"",
    ) + "[measure]\nwarmup = \"1s\"\n";
    let wait = |cores| {
        let cpu = Some(CpuSpec { cores, receive: service, ..CpuSpec::default() });
        let conditions = run(&text, ConditionsSpec { cpu, ..Default::default() }).result.conditions;
        let found = conditions.expect("some");
        // Half of what is served are the senders' timers, which never wait.
        found.cpu_wait_ns as f64 / (found.served as f64 / 2.0)
    };
    let expected = rho * service.0 as f64 / (2.0 * (1.0 - rho));
    let measured = wait(1);
    assert!((measured / expected - 1.0).abs() < 0.015, "{measured} for {expected}");
    // Two cores at 0.3 each wait far less than half as long: 1/2 of M/M/2's ρ²/(1 − ρ²), roughly.
    let two = wait(2) / service.0 as f64;
    assert!((0.04..0.06).contains(&two), "{two} services");
}

#[test]
fn a_busy_node_serves_late_and_the_delay_shows() {
    let text = traffic(2, "10s", "senders = 0.5\nlimit = 1", "min = \"10ms\"\nmax = \"10ms\"");
    let cpu = Some(CpuSpec {
        scale: 2.0,
        receive: Span(3 * MS),
        send: Span(MS),
        timer: Span(5 * MS),
        kinds: vec![("request".into(), Span(7 * MS))],
        ..CpuSpec::default()
    });
    let outcome = run(&text, ConditionsSpec { cpu, ..Default::default() });
    // Timer 10 ms and sending 2 ms at the sender (before which the message is stamped), 10 ms on the
    // way, 14 ms for a request at the receiver.
    let (_, delivery) = &outcome.result.latencies[0];
    assert!(delivery.equivalent(delivery.max(), 26 * MS), "{}", delivery.max());
    assert_eq!(outcome.result.conditions.expect("some").cpu_busy_ns, 26 * u128::from(MS));
}

#[test]
fn impairments_strike_the_share_they_should() {
    let text =
        traffic(1_000, "60s", "limit = 1000\ninterval = \"10ms\"", "min = \"5ms\"\nmax = \"9ms\"");
    let impairments = ImpairmentSpec {
        loss: 0.03,
        duplication: 0.02,
        reordering: 0.1,
        reordering_delay: Span(50 * MS),
        corruption: 0.004,
    };
    let outcome = run(&text, ConditionsSpec { impairments, ..Default::default() });
    let found = outcome.result.conditions.expect("some");
    let n = 1_000_000.0;
    assert_eq!(outcome.result.totals.of(TrafficMetric::Sent), 1_000_000);
    let binomial = |count: u64, n: f64, p: f64| (count as f64 - n * p) / (n * p * (1.0 - p)).sqrt();
    let survivors = n * 0.97;
    for (name, deviations) in [
        ("lost", binomial(found.lost, n, 0.03)),
        ("duplicated", binomial(found.duplicated, survivors, 0.02)),
        ("reordered", binomial(found.reordered, survivors, 0.1)),
        ("corrupted", binomial(found.corrupted, survivors, 0.004)),
    ] {
        assert!(deviations.abs() < 4.9, "{name}: {deviations} standard deviations");
    }
    // Every flipped bit is noticed by the protocol's checksum, in both copies of a doubled message.
    assert_eq!(found.undecodable, found.corrupted);
    let received = outcome.result.totals.of(TrafficMetric::Received);
    let doubled_and_flipped =
        received.abs_diff(1_000_000 - found.lost + found.duplicated - found.corrupted);
    assert!(doubled_and_flipped < 200, "{doubled_and_flipped} of the corrupted were doubled");
}

/// Loss draws do not depend on what else is on: the same messages are lost.
#[test]
fn switching_a_condition_on_leaves_the_protocols_draws_and_other_losses() {
    let text = traffic(200, "5s", "interval = \"10ms\"", "min = \"5ms\"\nmax = \"9ms\"");
    let lossy = ImpairmentSpec { loss: 0.05, ..ImpairmentSpec::default() };
    let plain = ConditionsSpec { impairments: lossy.clone(), ..Default::default() };
    let more = ConditionsSpec {
        impairments: ImpairmentSpec { duplication: 0.1, ..lossy },
        bandwidth: bandwidth(Some(100_000_000), None),
        ..Default::default()
    };
    let ideal = run(&text, ConditionsSpec::default()).result.totals;
    let (plain, more) = (run(&text, plain).result, run(&text, more).result);
    assert_eq!(ideal.of(TrafficMetric::Sent), plain.totals.of(TrafficMetric::Sent));
    assert_eq!(ideal.of(TrafficMetric::Sent), more.totals.of(TrafficMetric::Sent));
    assert_eq!(plain.conditions.expect("some").lost, more.conditions.expect("some").lost);
}

#[test]
fn nodes_are_up_for_the_share_that_renewal_theory_says() {
    let (session, downtime, n, until) = (2.0f64, 0.5f64, 20_000u32, 20.0);
    for stationary in [true, false] {
        for shape in [1.0, 0.5] {
            let spec = ChurnSpec {
                times: ChurnTimes::Weibull {
                    session: Span((session * 1e9) as u64),
                    session_shape: shape,
                    downtime: Span((downtime * 1e9) as u64),
                    downtime_shape: shape,
                },
                share: 1.0,
                keep_state: true,
                stationary,
            };
            let text = traffic(n, "20s", "senders = 0", "min = \"5ms\"\nmax = \"9ms\"");
            let outcome = run(&text, ConditionsSpec { churn: Some(spec), ..Default::default() });
            let found = outcome.result.conditions.expect("some");
            let up = 1.0 - found.down_ns as f64 / (f64::from(n) * until * 1e9);
            let expected = session / (session + downtime);
            if stationary {
                // Exponential: variance of the time average 2 S²D² / ((S + D)³ T); more for
                // heavier tails.
                let variance =
                    2.0 * (session * downtime).powi(2) / ((session + downtime).powi(3) * until);
                let deviation =
                    (variance / f64::from(n)).sqrt() * if shape < 1.0 { 3.0 } else { 1.0 };
                assert!(
                    (up - expected).abs() < 4.9 * deviation,
                    "shape {shape}: {up} for {expected}"
                );
            } else if shape == 1.0 {
                // All are up at the start, which wears off within SD/(S + D) = 0.4 s.
                let start = (1.0 - expected) * 0.4 / until;
                assert!(up > expected + 0.7 * start, "{up}");
            }
            let restarts = f64::from(n) * until / (session + downtime);
            let ratio = found.restarts as f64 / restarts;
            assert!((0.8..1.3).contains(&ratio), "{} restarts for {restarts}", found.restarts);
        }
    }
}

/// Exactly no message crosses: none arrives while the partition stands, and none that was under way
/// then arrives later.
#[test]
fn no_message_crosses_a_partition() {
    let text = traffic(60, "2s", "interval = \"2ms\"", "min = \"20ms\"\nmax = \"90ms\"");
    let (start, heal) = (Time(500 * MS), Time(900 * MS));
    let side = SelectionSpec { nodes: vec![(0, 19)], ..SelectionSpec::default() };
    let crosses = |key: &Key, direction: Direction| {
        let inside = |node: NodeId| node.0 < 20;
        match direction {
            Direction::Both => inside(key.source) != inside(key.target),
            Direction::Outgoing => inside(key.source) && !inside(key.target),
            Direction::Incoming => !inside(key.source) && inside(key.target),
        }
    };
    for direction in [Direction::Both, Direction::Outgoing, Direction::Incoming] {
        let faults = vec![FaultSpec {
            at: start,
            heal: Some(heal),
            who: side.clone(),
            kind: FaultKind::Partition { others: None, direction },
            flap: None,
        }];
        let all = deliveries(&events(&text, ConditionsSpec { faults, ..Default::default() }));
        // Whatever arrives before heal + 20 ms was sent before it healed.
        let cut = |key: &&Key| key.time >= start && key.time.0 < heal.0 + 20 * MS;
        let during: Vec<&Key> = all.iter().filter(cut).collect();
        assert_eq!(during.iter().filter(|key| crosses(key, direction)).count(), 0);
        assert!(during.len() > 5_000, "the others go on");
        let (before, after): (Vec<&Key>, Vec<&Key>) =
            all.iter().filter(|key| crosses(key, direction)).partition(|key| key.time < start);
        assert!(before.len() > 1_000 && after.len() > 1_000);
        // The other way is open.
        if direction != Direction::Both {
            assert!(during.iter().filter(|key| crosses(key, Direction::Both)).count() > 1_000);
        }
    }
}

#[test]
fn targeted_delays_and_throttles_strike_their_nodes_alone() {
    let text =
        traffic(40, "2s", "interval = \"5ms\"\nsize = 1000", "min = \"20ms\"\nmax = \"20ms\"");
    let who = SelectionSpec { nodes: vec![(3, 3)], ..SelectionSpec::default() };
    let fault = |kind| {
        vec![FaultSpec {
            at: Time(500 * MS),
            heal: Some(Time(1_000 * MS)),
            who: who.clone(),
            kind,
            flap: None,
        }]
    };
    let slower = FaultKind::Delay { by: Span(7 * MS), factor: 2.0, direction: Direction::Outgoing };
    let outcome = run(&text, ConditionsSpec { faults: fault(slower), ..Default::default() });
    let (_, delivery) = &outcome.result.latencies[0];
    assert!(delivery.equivalent(delivery.max(), 47 * MS), "2 · 20 + 7, not {}", delivery.max());
    let share = delivery.count_between(40 * MS, 50 * MS) as f64 / delivery.len() as f64;
    assert!((share - 0.25 / 40.0).abs() < 0.003, "a quarter of one sender's: {share}");
    // 8 Mbit/s is 1 ms a message; at a fifth, 5 ms.
    let throttled = ConditionsSpec {
        faults: fault(FaultKind::Rate { up: 0.2, down: 1.0 }),
        bandwidth: bandwidth(Some(8_000_000), None),
        ..Default::default()
    };
    let (_, delivery) = &run(&text, throttled).result.latencies[0];
    assert!(delivery.min() >= 20 * MS + MS / 2 && delivery.max() > 30 * MS);
    let fast = delivery.count_between(20 * MS, 22 * MS) as f64 / delivery.len() as f64;
    assert!(fast > 0.8, "the others keep their rate: {fast}");
}

#[test]
fn silent_nodes_send_nothing_of_the_kinds_named() {
    let text =
        traffic(100, "5s", "limit = 50\ninterval = \"20ms\"", "min = \"5ms\"\nmax = \"9ms\"");
    let adversary = |behaviour, kinds: &[&str]| {
        let who = SelectionSpec { nodes: vec![(10, 29)], ..SelectionSpec::default() };
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let adversary = Some(AdversarySpec { who, behaviour, kinds, probability: 1.0 });
        run(&text, ConditionsSpec { adversary, ..Default::default() }).result
    };
    let received =
        |result: &anthill_engine::outcome::RunResult| result.totals.of(TrafficMetric::Received);
    let silent = adversary(Behaviour::Silent, &["request"]);
    assert_eq!((received(&silent), silent.totals.messages), (4_000, 4_000));
    assert_eq!(silent.conditions.expect("some").misbehaved, 1_000);
    // They send no replies anyway.
    assert_eq!(received(&adversary(Behaviour::Silent, &["reply"])), 5_000);
    assert_eq!(received(&adversary(Behaviour::Duplicate, &[])), 6_000);
    assert_eq!(received(&adversary(Behaviour::Corrupt, &[])), 4_000);
    let late = adversary(Behaviour::Delay(Span(100 * MS)), &[]);
    let (_, delivery) = &late.latencies[0];
    assert_eq!(delivery.count_between(100 * MS, 120 * MS), 1_000);
}

#[test]
fn drifting_clocks_stretch_timers() {
    let text = traffic(
        2_000,
        "100s",
        "arrivals = \"fixed\"\ninterval = \"100ms\"\nlimit = 0",
        "min = \"5ms\"\nmax = \"9ms\"",
    );
    let sent = |drift_ppm| {
        let clock = ClockSpec { skew: Span(MS), drift_ppm };
        run(&text, ConditionsSpec { clock, ..Default::default() })
            .result
            .totals
            .of(TrafficMetric::Sent)
    };
    // Each node sends 1000 times in 100 s of its own; a drift of up to 10 % either way changes each
    // node's number and, in the mean, none.
    let (exact, drifting) = (sent(0.0), sent(100_000.0));
    assert!((exact as f64 / 2e6 - 1.0).abs() < 1e-3, "{exact}");
    let deviation = drifting as f64 / 2e6 - 1.0;
    assert!(deviation.abs() < 0.007 && deviation.abs() > 1e-5, "{drifting}");
}

fn partial(schedule: &str, rest: &str) -> String {
    format!(
        "nodes = 60\nuntil = \"20s\"\nseed = 3\n[protocol]\nname = \"traffic\"\nlimit = 400\n\
         interval = \"20ms\"\n{rest}\n[network]\nmodel = \"partial\"\nfloor = \"2ms\"\n\
         mean = \"40ms\"\ngst = \"4s\"\ndelta = \"100ms\"\n[adversary]\nkind = \"follow\"\n\
         fraction = 0.2\nschedule = {schedule}\n"
    )
}

/// Partial synchrony: whatever the scheduler wants, no message arrives later than max(sent, GST) + Δ,
/// and before GST it gets what it wants.
#[test]
fn no_scheduler_delays_beyond_the_global_stabilisation_time() {
    for (schedule, before_ms) in [
        ("{ kind = \"split\", heal = \"60s\" }", 3_000),
        ("{ kind = \"delay-honest\", by = \"1h\" }", 3_000),
        ("{ kind = \"favour-byzantine\", by = \"2s\" }", 1_900),
        ("{ kind = \"hold\", message = \"reply\", timeout = \"1s\", margin = \"1ms\" }", 990),
        ("{ kind = \"reorder\", by = \"3s\" }", 2_500),
    ] {
        let ready = Ready::<Traffic>::new(&partial(schedule, ""));
        let watch = Some(Watch { from_ns: 0, to_ns: u64::MAX, most: 10_000_000 });
        let control = Control { watch, ..Control::default() };
        let outcome = ready.try_sharded(2, 2, true, &control).expect("runs");
        let found = outcome.result.conditions.as_ref().expect("some");
        assert_eq!(found.late, 0, "{schedule}");
        let check = &outcome.result.checks[0];
        assert!(check.name.starts_with("synchrony") && check.ok, "{check:?}");
        // Requests and replies alike arrive, by the bound of their sending.
        let totals = &outcome.result.totals;
        assert_eq!(totals.of(TrafficMetric::Answered), 60 * 400, "{schedule}");
        let (_, rtt) = &outcome.result.latencies[1];
        assert!(rtt.max() > before_ms * MS, "{schedule}: before GST it delays: {}", rtt.max());
        let (_, delivery) = &outcome.result.latencies[0];
        assert!(delivery.max() <= 4_110 * MS, "{schedule}: {}", delivery.max());
        // A message sent after GST + Δ takes at most Δ: nothing is delivered after the last sends.
        let last = outcome.watched.expect("asked for").events;
        let end = last.last().expect("events").0.time.0;
        assert!(end < 12_000 * MS, "{schedule}: {end}");
    }
}

/// Δ is the model's promise, and a bound that is tighter is reported when it breaks.
#[test]
fn the_tracker_reports_messages_beyond_the_assumed_bound() {
    let text = "nodes = 50\nuntil = \"5s\"\n[protocol]\nname = \"traffic\"\necho = false\n\
                interval = \"20ms\"\n[network]\nmodel = \"synchronous\"\nmin = \"10ms\"\n\
                delta = \"50ms\"\n";
    let within = Ready::<Traffic>::new(text).sharded(2, 2, true);
    assert_eq!(within.result.conditions.expect("some").late, 0);
    assert!(within.result.latencies[0].1.max() <= 50_100_000);
    let tighter = format!("{text}[measure]\nbound = \"40ms\"\n");
    let broken = Ready::<Traffic>::new(&tighter).sharded(2, 2, true).result;
    let found = broken.conditions.expect("some");
    // Uniform in 10 to 50 ms: a quarter lies beyond 40.
    let share = found.late as f64 / broken.totals.messages as f64;
    assert!((share - 0.25).abs() < 0.02, "{share}");
    assert!((9 * MS..=10 * MS).contains(&found.late_max_ns));
    let first = found.first_late.messages();
    assert_eq!(first.len(), 100);
    assert!(first.iter().all(|m| m.due.0 == m.sent.0 + 40 * MS && m.arrival > m.due));
    assert!(first.is_sorted(), "first sent first");
    assert!(!broken.checks[0].ok && broken.checks[0].expected_violation);
    // A bound is watched, and disturbs nothing: the protocol's own checks keep their force.
    assert!(!broken.facts.disturbed);
}
