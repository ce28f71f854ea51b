//! Timing models: the promise, the delays, what is refused.

use anthill_protocol::Time;

use super::*;

const FLOOR: Span = Span(2 * MS);
const MEAN: Span = Span(3 * MS);

#[test]
fn synchronous_delays_are_uniform_up_to_delta() {
    let (min, delta) = (Span(10), Span(19));
    let network = Network::build(&spec(ModelSpec::Synchronous { min, delta }), 10, 1).unwrap();
    let mut counts = [0u32; 20];
    for i in 0..100_000 {
        counts[network.delay(NodeId(0), NodeId(1), i).0 as usize] += 1;
    }
    assert_eq!(counts[..10], [0; 10]);
    assert!(counts[10..].iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    assert_eq!((network.timing(), network.lookahead()), (Timing::Synchronous { delta }, min));
    assert_eq!(network.timing().latest(Time(5)), Some(Time(24)));
    assert_eq!(network.self_delay(NodeId(0), 0), Span::from_micros(10));
}

#[test]
fn asynchronous_and_partial_delays_are_exponential_above_a_floor() {
    let (gst, delta) = (Time(500 * MS), Span(10 * MS));
    for (model, timing) in [
        (ModelSpec::Asynchronous { floor: FLOOR, mean: MEAN }, Timing::Asynchronous),
        (
            ModelSpec::Partial { floor: FLOOR, mean: MEAN, gst, delta },
            Timing::Partial { gst, delta },
        ),
    ] {
        let network = Network::build(&spec(model), 1000, 1).unwrap();
        assert_eq!((network.timing(), network.lookahead()), (timing, FLOOR));
        let n = 400_000u32;
        let delay = |i: u32| network.delay(NodeId(i % 999), NodeId(999), i / 999).0;
        let mut all: Vec<u64> = (0..n).map(delay).collect();
        all.sort_unstable();
        assert!(all[0] >= FLOOR.0);
        let mean = all.iter().map(|d| *d as f64).sum::<f64>() / f64::from(n) / MS as f64;
        assert!((mean - 5.0).abs() < 5.0 * 3.0 / libm::sqrt(f64::from(n)), "mean {mean}");
        for p in [0.5, 0.9, 0.99] {
            let exact = 2.0 - 3.0 * libm::log(1.0 - p);
            assert!((at(&all, p) / exact - 1.0).abs() < 2e-2);
        }
        // A message to itself stays on the machine, and no check may assume the whole tail.
        assert_eq!(network.self_delay(NodeId(0), 0), Span::from_micros(10));
        assert_eq!(network.exponential_delay(), None);
    }
    assert_eq!(Timing::Asynchronous.latest(Time(1)), None);
    let partial = Timing::Partial { gst, delta };
    assert_eq!(partial.latest(Time(1)), Some(gst + delta));
    assert_eq!(partial.latest(Time(600 * MS)), Some(Time(610 * MS)));
}

#[test]
fn models_without_a_promise_say_so() {
    let uniform = spec(ModelSpec::Uniform { min: Span(1), max: Span(9) });
    for spec in [uniform, preset("aws-p50")] {
        assert_eq!(Network::build(&spec, 10, 1).unwrap().timing(), Timing::Realistic);
    }
}

#[test]
fn statements_that_contradict_are_errors_that_name_the_field() {
    let synchronous = |min, delta| spec(ModelSpec::Synchronous { min: Span(min), delta });
    assert!(message(&synchronous(0, Span(5))).contains("network.min: 0ns"));
    assert!(message(&synchronous(6, Span(5))).contains("network.delta: 5ns; give 6ns"));
    assert!(message(&synchronous(6, Span::MAX)).contains("network.delta"));
    assert_eq!(message(&synchronous(6, Span(6))), "ok");
    let asynchronous = |floor, mean| spec(ModelSpec::Asynchronous { floor, mean });
    assert!(message(&asynchronous(Span(0), Span(1))).contains("network.floor: 0ns"));
    assert!(message(&asynchronous(Span(1), Span::MAX)).contains("network.mean"));
    let partial =
        |delta, gst| spec(ModelSpec::Partial { floor: FLOOR, mean: MEAN, gst: Time(gst), delta });
    assert!(message(&partial(Span(MS), 0)).contains("network.delta: 1ms; give 2ms"));
    assert!(message(&partial(Span(2 * MS), u64::MAX)).contains("network.gst"));
    assert_eq!(message(&partial(Span(2 * MS), 0)), "ok");

    let mut edges = synchronous(1, Span(MS));
    let list = |latency| TopologySpec::File {
        path: fixture("edges.csv"),
        latency,
        direction: EdgeDirection::Undirected,
        format: None,
        ids: None,
    };
    edges.topology = list(Some(LatencyKind::OneWay));
    assert!(Network::build(&edges, 5, 1).unwrap_err().to_string().contains("remove latency"));
    edges.topology = list(None);
    assert!(Network::build(&edges, 5, 1).is_ok());
}
