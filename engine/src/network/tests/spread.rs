//! Persistent differences of pairs and nodes.

use super::*;

fn spread(mut network: NetworkSpec, pairs: f64, nodes: f64) -> NetworkSpec {
    network.spread = SpreadSpec { pairs, nodes };
    network
}

/// 50.25 ms for everyone, of which 50 are above `min_delay`.
fn constant() -> NetworkSpec {
    let delay = Span(50_250_000);
    spec(ModelSpec::Uniform { min: delay, max: delay })
}

/// The logarithm of the factor between two nodes of a constant network.
fn log_factor(network: &Network, from: u32, to: u32, sequence: u32) -> f64 {
    let delay = network.delay(NodeId(from), NodeId(to), sequence);
    libm::log((delay.0 - 250_000) as f64 / 5e7)
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, libm::sqrt(values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n))
}

#[test]
fn pairs_differ_by_the_spread_in_both_directions_and_for_good() {
    let network = Network::build(&spread(constant(), 0.3, 0.0), 1000, 3).unwrap();
    let mut logs = Vec::new();
    for from in 0..1000u32 {
        for to in (from + 1)..1000.min(from + 21) {
            let log = log_factor(&network, from, to, 0);
            assert_eq!(log, log_factor(&network, from, to, 77));
            assert_eq!(log, log_factor(&network, to, from, 5));
            assert!(log.abs() <= 0.9 + 1e-6, "cut at three σ");
            logs.push(log);
        }
    }
    let (mean, deviation) = mean_and_deviation(&logs);
    assert!(mean.abs() < 0.01 && (deviation / 0.3 - 1.0).abs() < 0.03, "{mean} {deviation}");
    let other = Network::build(&spread(constant(), 0.3, 0.0), 1000, 4).unwrap();
    assert_ne!(log_factor(&network, 0, 1, 0), log_factor(&other, 0, 1, 0));
}

#[test]
fn nodes_differ_by_the_spread_on_all_their_links() {
    let network = Network::build(&spread(constant(), 0.0, 0.2), 3000, 3).unwrap();
    let log = |from, to| log_factor(&network, from, to, 0);
    // The factor of a node: what its links share.
    let own = |a: u32, b: u32, c: u32| 0.5 * (log(a, b) + log(a, c) - log(b, c));
    let mut all = Vec::new();
    for node in 2..3000 {
        let factor = own(node, 0, 1);
        assert!((factor - own(node, (node + 7) % 3000, (node + 11) % 3000)).abs() < 1e-5);
        all.push(factor);
    }
    let (mean, deviation) = mean_and_deviation(&all);
    assert!(mean.abs() < 0.015 && (deviation / 0.2 - 1.0).abs() < 0.04, "{mean} {deviation}");
}

/// Beside jitter: means of many messages per pair, as a user would measure them.
#[test]
fn means_of_pairs_differ_by_the_spread_beside_jitter() {
    let table = RegionsSpec::Inline {
        names: vec!["dc".into()],
        p50_ms: vec![vec![50.0]],
        p90_ms: Some(vec![vec![120.0]]),
        latency: LatencyKind::OneWay,
    };
    let deviation = |sigma: f64| {
        let network = Network::build(&spread(regional(table.clone()), sigma, 0.0), 400, 9).unwrap();
        let mean = |pair: u32| {
            let delay = |i| network.delay(NodeId(2 * pair), NodeId(2 * pair + 1), i).0 as f64;
            libm::log((0..2_000).map(delay).sum::<f64>() / 2_000.0)
        };
        mean_and_deviation(&(0..200).map(mean).collect::<Vec<_>>()).1
    };
    let (without, with) = (deviation(0.0), deviation(0.4));
    assert!(without < 0.05, "{without}");
    assert!((with / 0.4 - 1.0).abs() < 0.2, "{with}");
}

/// The least delay is known whatever the factors are, and no delay falls below `min_delay`.
#[test]
fn the_lookahead_stays_a_lower_bound() {
    let mut edges = preset("aws-p50");
    edges.topology = TopologySpec::File {
        path: fixture("edges.csv"),
        latency: Some(LatencyKind::OneWay),
        direction: EdgeDirection::SourceToTarget,
        format: None,
        ids: None,
    };
    let far = spec(ModelSpec::Exponential { floor: Span(100 * MS), mean: Span(MS) });
    for (network, nodes) in [
        (preset("aws-p50"), 500),
        (preset("bitcoin-2019"), 500),
        (constant(), 500),
        (far, 500),
        (edges, 5),
    ] {
        let plain = Network::build(&network, nodes, 1).unwrap();
        for (pairs, of_nodes) in [(0.3, 0.0), (0.0, 0.3), (0.2, 0.1), (1.0, 1.0)] {
            let built =
                Network::build(&spread(network.clone(), pairs, of_nodes), nodes, 1).unwrap();
            let least = built.lookahead();
            let floor = (plain.lookahead().0 - 250_000) as f64;
            let exact = 250_000.0 + floor * libm::exp(-3.0 * (pairs + 2.0 * of_nodes));
            assert!((least.0 as f64 - exact).abs() < 2.0 + 1e-5 * exact, "{least} {exact}");
            assert_eq!(built.limiting_links()[0].floor, least);
            if let Some(floors) = built.region_floors() {
                assert!(floors.iter().all(|floor| *floor >= least));
            }
            let mut found = u64::MAX;
            for i in 0..200_000u32 {
                let (from, to) = (i % nodes, (i % nodes + 1 + i / nodes % (nodes - 1)) % nodes);
                found = found.min(built.delay(NodeId(from), NodeId(to), i).0);
            }
            assert!(found >= least.0, "{found} below {least}");
        }
    }
}

#[test]
fn without_a_spread_nothing_differs_and_self_sends_never_do() {
    let (plain, same) = (preset("aws-p50"), spread(preset("aws-p50"), 0.0, 0.0));
    let plain = Network::build(&plain, 500, 1).unwrap();
    let same = Network::build(&same, 500, 1).unwrap();
    let exponential = spec(ModelSpec::Exponential { floor: Span(MS), mean: Span(MS) });
    let other = Network::build(&spread(exponential.clone(), 0.5, 0.5), 500, 1).unwrap();
    let exponential = Network::build(&exponential, 500, 1).unwrap();
    for i in 0..500 {
        let delay = |network: &Network| network.delay(NodeId(i), NodeId((i + 1) % 500), i);
        assert_eq!(delay(&plain), delay(&same));
        assert_ne!(delay(&exponential), delay(&other));
        assert_eq!(exponential.self_delay(NodeId(i), i), other.self_delay(NodeId(i), i));
    }
    assert_eq!((other.exponential_delay(), plain.access_delay(NodeId(3), 1000)), (None, 1000));
    assert!(other.memory_bytes() > exponential.memory_bytes());
}

#[test]
fn no_factor_breaks_the_promise_of_the_synchronous_model() {
    let (min, delta) = (Span(20 * MS), Span(100 * MS));
    let synchronous = spec(ModelSpec::Synchronous { min, delta });
    let network = Network::build(&spread(synchronous, 1.0, 1.0), 500, 1).unwrap();
    let delay = |i: u32| network.delay(NodeId(i % 500), NodeId((i + 1 + i / 500) % 500), i);
    let most = (0..10_000).filter(|i| (i + 1 + i / 500) % 500 != i % 500).map(delay).max();
    assert_eq!(most, Some(delta));
}

#[test]
fn access_links_differ_with_their_nodes() {
    let network = Network::build(&spread(constant(), 0.7, 0.2), 3000, 3).unwrap();
    let logs: Vec<f64> = (0..3000)
        .map(|node| libm::log(network.access_delay(NodeId(node), 1_000_000_000) as f64 / 1e9))
        .collect();
    let (mean, deviation) = mean_and_deviation(&logs);
    assert!(mean.abs() < 0.015 && (deviation / 0.2 - 1.0).abs() < 0.04, "{mean} {deviation}");
}

#[test]
fn spreads_out_of_bounds_are_errors() {
    for bad in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
        let error = message(&spread(constant(), bad, 0.0));
        assert!(error.contains("network.pair_spread") && error.contains("0 to 1"), "{error}");
        assert!(message(&spread(constant(), 0.0, bad)).contains("network.node_spread"));
    }
}
