//! The load as a whole: how much, from whom, to whom, and what comes back.

use super::*;
use crate::Totals;
use crate::recording::{Effect, Pump, Recording};

const SECOND: u64 = 1_000_000_000;

fn traffic(changes: &[(&'static str, Value)]) -> Traffic {
    let mut values = Values::defaults(Traffic::PARAMETERS);
    for (name, value) in changes {
        values.set(name, *value);
    }
    Traffic::configure(&values).expect("consistent values")
}

fn to(whom: &'static str) -> (&'static str, Value) {
    ("to", Value::Choice(whom))
}

fn limit(sends: u64) -> (&'static str, Value) {
    ("limit", Value::Count(sends))
}

const SILENT: (&str, Value) = ("echo", Value::Flag(false));

fn records(cx: &Recording<Traffic>) -> Vec<(TrafficMetric, u64)> {
    let recorded = |effect: &Effect<Traffic>| match effect {
        Effect::Record { metric, value } => Some((*metric, *value)),
        _ => None,
    };
    cx.effects().iter().filter_map(recorded).collect()
}

fn sent(totals: &Totals) -> u64 {
    totals.of(TrafficMetric::Sent)
}

/// A thousand senders, once a second for a hundred seconds: 10^5 sends in the mean. The variance of
/// a sender's count is 100 if Poisson, 100/3 + 1/6 if uniform (Smith), at most a quarter if fixed.
#[test]
fn senders_send_as_often_as_asked_and_as_evenly() {
    for (shape, variance) in [("poisson", 100.0), ("uniform", 33.5), ("fixed", 0.0)] {
        let protocol = traffic(&[("arrivals", Value::Choice(shape)), SILENT]);
        let mut pump = Pump::new(protocol, 1_000).seed(1);
        let facts = pump.run(Time(100 * SECOND));
        let mean = sent(&facts.totals) as f64 / 1_000.0;
        let deviation = (variance / 1_000.0_f64).sqrt();
        assert!((mean - 100.0).abs() <= 4.0 * deviation + 0.01, "{shape}: {mean}");
        let squares = (0..1_000).map(|id| {
            let count = f64::from(*pump.node(NodeId(id)).expect("up"));
            (count - mean) * (count - mean)
        });
        let measured = squares.sum::<f64>() / 999.0;
        // The variance of a thousand has a relative deviation of √(2/999) = 4.5 %.
        assert!((measured - variance).abs() <= 0.18 * variance + 0.25, "{shape}: {measured}");
    }
}

#[test]
fn a_surge_multiplies_the_load_while_it_lasts() {
    let protocol = traffic(&[
        SILENT,
        ("surge_at", Value::Span(Span::from_secs(10))),
        ("surge_for", Value::Span(Span::from_secs(5))),
        ("surge_factor", Value::Count(20)),
    ]);
    let mut pump = Pump::new(protocol, 1_000).seed(2);
    let mut until = |seconds: u64| sent(&pump.run(Time(seconds * SECOND)).totals) as f64;
    let counts = [until(10), until(15), until(25)];
    let rates = [counts[0] / 10.0, (counts[1] - counts[0]) / 5.0, (counts[2] - counts[1]) / 10.0];
    // Poisson with means 10^4, 10^5 and 10^4: five standard deviations.
    for (rate, (expected, margin)) in
        rates.into_iter().zip([(1e3, 50.0), (2e4, 320.0), (1e3, 50.0)])
    {
        assert!((rate - expected).abs() < margin, "{rates:?}");
    }
}

#[test]
fn a_request_is_sent_answered_and_timed() {
    let protocol = traffic(&[("size", Value::Count(500)), ("reply_size", Value::Count(50))]);
    let (mut asker, mut answerer) = (4, 0);
    let mut cx = Recording::<Traffic>::new(NodeId(1), 2).at(Time(1_000));
    protocol.on_timer(&mut asker, Arrival, &mut cx);
    let request = TrafficMessage::request(4, Time(1_000), 500);
    assert_eq!((cx.receivers(), cx.messages()), (vec![NodeId(0)], vec![request]));
    assert_eq!((records(&cx), asker), (vec![(TrafficMetric::Sent, 1)], 5));
    assert!(cx.timers().len() == 1 && cx.timers()[0] > Time(1_000));

    let mut other = Recording::<Traffic>::new(NodeId(0), 2).at(Time(1_300));
    protocol.on_message(&mut answerer, NodeId(1), &request, &mut other);
    let delivery = [(TrafficMetric::Received, 1), (TrafficMetric::Delivery, 300)];
    assert_eq!((other.receivers(), records(&other)), (vec![NodeId(1)], delivery.to_vec()));
    let reply = other.messages()[0];
    assert_eq!(reply, request.reply(50));

    cx.clear();
    cx.set_now(Time(1_700));
    protocol.on_message(&mut asker, NodeId(0), &reply, &mut cx);
    assert_eq!(records(&cx), [(TrafficMetric::Answered, 1), (TrafficMetric::RoundTrip, 700)]);
    assert!(cx.receivers().is_empty(), "a reply is not answered");
}

#[test]
fn without_echo_nothing_comes_back() {
    let mut cx = Recording::<Traffic>::new(NodeId(0), 2);
    let request = TrafficMessage::request(0, Time(0), 100);
    traffic(&[SILENT]).on_message(&mut 0, NodeId(1), &request, &mut cx);
    assert!(cx.receivers().is_empty() && records(&cx).len() == 2);
}

#[test]
fn a_broadcast_reaches_every_slot_and_is_answered_over_the_edges() {
    let protocol = traffic(&[to("all"), limit(1)]);
    let peers = [NodeId(7), NodeId(3), NodeId(9)];
    let mut cx = Recording::<Traffic>::new(NodeId(5), 10).peers(&peers);
    protocol.on_timer(&mut 0, Arrival, &mut cx);
    assert_eq!((cx.receivers(), records(&cx)), (peers.to_vec(), vec![(TrafficMetric::Sent, 3)]));
    assert!(cx.timers().is_empty(), "the limit counts it once");
    cx.clear();
    for from in [9, 4] {
        let request = TrafficMessage::request(0, Time(0), 100);
        protocol.on_message(&mut 0, NodeId(from), &request, &mut cx);
    }
    let slots = cx.effects().iter().filter_map(|effect| match effect {
        Effect::Send { to, slot, .. } => Some((to.0, *slot)),
        _ => None,
    });
    assert_eq!(slots.collect::<Vec<_>>(), [(9, Some(2)), (4, None)]);

    let ring = (0..100).map(|id| vec![NodeId((id + 1) % 100), NodeId((id + 99) % 100)]).collect();
    let facts = Pump::new(protocol, 100).topology(ring).run(Time::MAX);
    assert!(facts.quiescent);
    assert_eq!((sent(&facts.totals), facts.totals.messages), (200, 400));
}

#[test]
fn random_receivers_are_all_others_and_neighbours_are_slots() {
    let received = |protocol: Traffic| {
        let peers = [NodeId(0), NodeId(4)];
        let mut cx = Recording::<Traffic>::new(NodeId(2), 5).peers(&peers).seed(3);
        (0..2_000).for_each(|_| protocol.on_timer(&mut 0, Arrival, &mut cx));
        let mut counts = [0u32; 5];
        cx.receivers().iter().for_each(|to| counts[to.index()] += 1);
        counts
    };
    // Standard deviations 19 and 22.
    for (protocol, shares) in
        [("random", [500, 500, 0, 500, 500]), ("neighbour", [1_000, 0, 0, 0, 1_000])]
    {
        let counts = received(traffic(&[to(protocol)]));
        for (count, expected) in counts.into_iter().zip(shares) {
            assert!(count.abs_diff(expected) < 100, "{protocol}: {counts:?}");
            assert!(expected > 0 || count == 0, "{protocol}: {counts:?}");
        }
    }
}

#[test]
fn servers_are_asked_by_the_share_of_clients_that_sends() {
    let protocol =
        traffic(&[to("server"), ("servers", Value::Count(2)), ("senders", Value::Share(0.25))]);
    let senders = |protocol: &Traffic, nodes: u32| -> Vec<u32> {
        let sends = |id: &u32| {
            let mut cx = Recording::<Traffic>::new(NodeId(*id), nodes);
            protocol.start(&mut cx);
            !cx.timers().is_empty()
        };
        (0..nodes).filter(sends).collect()
    };
    assert_eq!(senders(&protocol, 10), [2, 3]);
    assert_eq!(senders(&protocol, 2), [], "nobody is left to ask");
    assert_eq!(senders(&traffic(&[("senders", Value::Share(0.3))]), 10), [0, 1, 2]);
    assert_eq!(senders(&traffic(&[("senders", Value::Share(1e-9))]), 10), [0]);
    assert_eq!(senders(&traffic(&[("senders", Value::Share(0.0))]), 10), []);

    let mut cx = Recording::<Traffic>::new(NodeId(5), 10);
    (0..100).for_each(|_| protocol.on_timer(&mut 0, Arrival, &mut cx));
    assert!(cx.receivers().iter().all(|server| server.0 < 2));
    assert!(cx.receivers().contains(&NodeId(0)) && cx.receivers().contains(&NodeId(1)));
}

#[test]
fn a_node_without_anyone_to_send_to_sends_nothing() {
    for whom in ["random", "neighbour", "all"] {
        let mut cx = Recording::<Traffic>::new(NodeId(0), 1);
        traffic(&[to(whom)]).on_timer(&mut 0, Arrival, &mut cx);
        assert_eq!((cx.receivers(), records(&cx)), (vec![], vec![(TrafficMetric::Sent, 0)]));
    }
}

#[test]
fn a_limited_run_receives_what_it_sent_unless_the_network_loses_some() {
    let protocol = traffic(&[limit(5)]);
    let facts = Pump::new(protocol.clone(), 200).run(Time::MAX);
    assert!(facts.quiescent);
    let checks = protocol.checks(&facts);
    let figures: Vec<_> = checks.iter().map(|check| (check.measured, check.expected)).collect();
    assert_eq!(figures, [(1_000.0, 1_000.0); 2]);
    assert!(checks.iter().all(|check| check.ok && !check.expected_violation), "{checks:?}");

    let lossy = Pump::new(protocol.clone(), 200).loss(0.2).seed(1).run(Time::MAX);
    let checks = protocol.checks(&lossy);
    assert!(checks.iter().all(|check| !check.ok && check.expected_violation), "{checks:?}");
    // Of 1,000 and of 800, standard deviations 12.6 and 11.3.
    assert!((checks[0].measured - 800.0).abs() < 60.0, "{checks:?}");
    assert!((checks[1].measured - 0.8 * checks[0].measured).abs() < 60.0, "{checks:?}");
}

#[test]
fn nothing_is_claimed_of_a_run_cut_short_or_without_sends() {
    let endless = traffic(&[]);
    assert_eq!(endless.checks(&Pump::new(endless.clone(), 10).run(Time(SECOND))), []);
    let nobody = traffic(&[("senders", Value::Share(0.0))]);
    let facts = Pump::new(nobody.clone(), 10).run(Time::MAX);
    assert!(facts.quiescent && nobody.checks(&facts).is_empty());
}

#[test]
fn a_restarted_sender_goes_on_with_what_it_has_left() {
    for keep_state in [true, false] {
        let mut pump = Pump::new(traffic(&[limit(10)]), 2).seed(4);
        pump.run(Time(4 * SECOND));
        let sends = pump.crash(NodeId(0)).expect("up");
        assert!((1..10).contains(&sends), "{sends}");
        pump.run(Time(60 * SECOND));
        pump.restart(NodeId(0), sends, keep_state);
        let facts = pump.run(Time::MAX);
        assert_eq!((pump.node(NodeId(0)), sent(&facts.totals)), (Some(&10), 20));
        let mut cx = Recording::<Traffic>::new(NodeId(0), 2);
        pump.protocol().restart(&mut 10, keep_state, &mut cx);
        assert!(cx.effects().is_empty(), "it has none left");
    }
}

#[test]
fn estimates_follow_the_load() {
    let surge = ("surge_factor", Value::Count(50));
    let half = ("senders", Value::Share(0.5));
    assert_eq!(traffic(&[]).events_per_node_second(), 3.0);
    assert_eq!(traffic(&[surge, half, SILENT]).events_per_node_second(), 50.0);
    assert_eq!(traffic(&[]).pending_per_node(999.0), 2.0);
    assert_eq!(traffic(&[surge, half]).pending_per_node(999.0), 25.5);
    assert_eq!(traffic(&[surge, half, limit(2), to("all")]).pending_per_node(8.0), 8.5);
}
