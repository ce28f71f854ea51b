//! Kinds of jitter, as a whole network draws them.

use super::*;
use crate::network::link::Powers;

/// One region with latencies of 40 ms one way.
fn one_region() -> NetworkSpec {
    regional(RegionsSpec::Inline {
        names: vec!["here".into()],
        p50_ms: vec![vec![40.0]],
        p90_ms: None,
        latency: LatencyKind::OneWay,
    })
}

fn sorted(spec: &NetworkSpec) -> Vec<u64> {
    let network = Network::build(spec, 1000, 5).unwrap();
    let delay = |i: u32| network.delay(NodeId(i % 997), NodeId(999), i).0;
    let mut all: Vec<u64> = (0..1_000_000).map(delay).collect();
    all.sort_unstable();
    assert!(all[0] >= network.lookahead().0);
    all
}

#[test]
fn gamma_keeps_floor_and_median_and_has_its_own_tail() {
    // 36 ms of floor, 4 ms of median excess; shape 1 is exponential.
    let all = sorted(&jittered(one_region(), JitterSpec::Gamma { shape: 1.0 }));
    for p in [0.1, 0.5, 0.9, 0.99, 0.999] {
        let exact = 36.0 - 4.0 * libm::log2(1.0 - p);
        assert!((at(&all, p) / exact - 1.0).abs() < 5e-3, "{p}: {}", at(&all, p));
    }
    assert!((36 * MS..36 * MS + 1000).contains(&all[0]));
    for shape in [f64::NAN, 0.0, 0.09, 101.0] {
        let error = message(&jittered(one_region(), JitterSpec::Gamma { shape }));
        assert!(error.contains("network.jitter.shape") && error.contains("0.1 to 100"), "{error}");
    }
}

#[test]
fn bitcoins_network_varies_as_its_source_has_it() {
    let nodes = 20_000;
    let network = Network::build(&preset("bitcoin-2019"), nodes, 3).unwrap();
    // Within Europe: mean 11 ms, so scale 6 ms; the least of all.
    assert_eq!(network.lookahead(), Span(6 * MS));
    assert_eq!((network.clamped(), network.assumed()), (0, 0));
    for (from, to, mean, shape) in
        [("JP", "AU", 126.0, 25.2), ("NA", "EU", 124.0, 24.8), ("EU", "EU", 11.0, 2.2)]
    {
        let all = delays(&network, nodes, from, to);
        let scale = mean - 5.0;
        assert!(all[0] >= (scale * MS as f64) as u64, "{from} {to}");
        for (p, tolerance) in [(0.5, 5e-3), (0.9, 2e-2)] {
            let exact = scale * libm::pow(1.0 - p, -1.0 / shape);
            assert!((at(&all, p) / exact - 1.0).abs() < tolerance, "{from} {to} {p}");
        }
    }
    let explicit = jittered(preset("bitcoin-2019"), JitterSpec::Pareto);
    let explicit = Network::build(&explicit, nodes, 3).unwrap();
    let other = jittered(preset("bitcoin-2019"), JitterSpec::Lognormal { sigma: 0.25 });
    let other = Network::build(&other, nodes, 3).unwrap();
    let delay = |network: &Network| network.delay(NodeId(1), NodeId(2), 3);
    assert_eq!(delay(&network), delay(&explicit));
    assert_ne!(delay(&network), delay(&other));
    assert_eq!(other.lookahead(), Span(9_900_000));
}

#[test]
fn only_bitcoins_network_has_rates_and_they_follow_the_regions() {
    let only = with_shares(preset("bitcoin-2019"), &["AU", "EU"]);
    let network = Network::build(&only, 10, 1).unwrap();
    assert_eq!(network.regions(), ["EU", "AU"]);
    let rates: &[(u64, u64)] = &[(20_700_000, 40_000_000), (11_300_000, 29_900_000)];
    assert_eq!((network.preset_rates(), network.preset_cap()), (Some(rates), Some(6_000_000)));
    let all = Network::build(&preset("bitcoin-2019"), 10, 1).unwrap();
    assert_eq!(all.preset_rates().unwrap()[0], (19_200_000, 52_000_000));
    let aws = Network::build(&preset("aws-p50"), 10, 1).unwrap();
    assert_eq!((aws.preset_rates(), aws.preset_cap()), (None, None));
}

#[test]
fn histograms_give_their_shape_to_the_tables_median() {
    // Bins of width 1 around 10 to 13: counts 2, 4, 3, 1.
    let (_folder, path) = written("value,count\n10,2000\n11,4000\n12,3000\n13,1000\n");
    let all = sorted(&jittered(one_region(), JitterSpec::Empirical { path }));
    // Quantiles of the histogram: edges 10, 10.5, 11.5, 12.5, 13.
    let of_histogram =
        [(0.1, 10.25), (0.2, 10.5), (0.5, 11.25), (0.6, 11.5), (0.75, 12.0), (0.95, 12.75)];
    for (p, value) in of_histogram {
        let exact = 36.0 + 4.0 * (value - 10.0) / (11.25 - 10.0);
        assert!((at(&all, p) - exact).abs() < 0.03, "{p}: {} for {exact}", at(&all, p));
    }
    assert!(all[all.len() - 1] <= (36.0 * MS as f64 + 4.0 * MS as f64 * 2.4 * 1.0001) as u64);

    let (_folder, path) = written("value,count\n10,5\n9,4\n");
    let error = message(&jittered(one_region(), JitterSpec::Empirical { path }));
    assert!(error.contains("given.csv, line 3: value 9 after 10"), "{error}");
    let (_folder, path) = written("value,count\n10,5\n");
    let error = message(&jittered(one_region(), JitterSpec::Empirical { path }));
    assert!(error.contains("given.csv: fewer than two values"), "{error}");
    let (_folder, path) = written("how long,count\n10,5\n");
    let error = message(&jittered(one_region(), JitterSpec::Empirical { path }));
    assert!(error.contains("line 1: expected the header value,count"), "{error}");
}

/// Every message takes the table's median, or its mean, or its edge's latency.
#[test]
fn without_jitter_delays_are_exactly_the_tables() {
    let none = |network: NetworkSpec| jittered(network, JitterSpec::None);
    let network = Network::build(&none(preset("aws-p50")), 20_000, 7).unwrap();
    for (from, to, ns) in [
        ("us-east-1", "eu-west-1", 35_000_000),
        ("af-south-1", "ap-southeast-2", 204_500_000),
        ("eu-west-1", "eu-west-1", 1_500_000),
    ] {
        let all = delays(&network, 20_000, from, to);
        assert!(all.iter().all(|delay| *delay == ns), "{from} {to}");
    }
    assert_eq!((network.lookahead(), network.clamped()), (Span(1_500_000), 0));
    let network = Network::build(&none(preset("bitcoin-2019")), 5_000, 7).unwrap();
    assert!(delays(&network, 5_000, "JP", "AU").iter().all(|delay| *delay == 126 * MS));
    // Means: London to Zagreb, and a city to itself, of which nothing is known.
    let header = "from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms";
    let (_folder, path) = written(&format!("{header}\na,b,80,79,5000,400\n"));
    let cities = none(file(path, RegionFormat::CityPairs));
    let network = Network::build(&cities, 100, 7).unwrap();
    assert!(delays(&network, 100, "a", "b").iter().all(|delay| *delay == 40 * MS));
    assert!(delays(&network, 100, "a", "a").iter().all(|delay| *delay == 500_000));
    assert_eq!((network.assumed(), network.lookahead()), (2, Span(500_000)));
    let mut edges = none(preset("aws-p50"));
    edges.topology = TopologySpec::File {
        path: fixture("edges.csv"),
        latency: Some(LatencyKind::OneWay),
        direction: EdgeDirection::SourceToTarget,
        format: None,
        ids: None,
    };
    let network = Network::build(&edges, 5, 1).unwrap();
    for sequence in 0..100 {
        let delay = |from, to| network.delay(NodeId(from), NodeId(to), sequence);
        assert_eq!(delay(1, 2), Span(40_500_000));
        assert_eq!(delay(2, 3), Span::from_micros(250), "raised");
    }
    assert_eq!((network.clamped(), network.lookahead()), (1, Span::from_micros(250)));
}

/// The right values for tables whose figures leave little room: see `fit`.
#[test]
fn tails_of_a_table_are_those_of_its_figures() {
    let tail = |p90: f64| {
        let network = Network::build(
            &regional(RegionsSpec::Inline {
                names: vec!["dc".into()],
                p50_ms: vec![vec![50.0]],
                p90_ms: Some(vec![vec![p90]]),
                latency: LatencyKind::OneWay,
            }),
            1000,
            5,
        );
        let tails = network.unwrap().tails();
        assert_eq!(tails.len(), 1);
        tails[0].clone()
    };
    for p90 in [55.0, 75.0, 120.0, 250.0] {
        let found = tail(p90);
        let [p50, at90, _, p999] = found.percentiles.map(|span| span.0 as f64 / MS as f64);
        assert!((p50 / 50.0 - 1.0).abs() < 1e-3 && (at90 / p90 - 1.0).abs() < 5e-3, "{found:?}");
        let plain = 50.0 * libm::pow(p90 / 50.0, 3.090_232 / 1.281_552);
        assert!(p999 < 1.51 * plain, "{p999} for {plain}");
        assert!(found.greatest.0 as f64 > p999 * MS as f64);
    }
    let header = "from,to,rtt_avg_ms,rtt_min_ms,rtt_max_ms,rtt_mdev_ms";
    let (_folder, path) = written(&format!("{header}\na,b,80,79,5000,400\n"));
    let network = Network::build(&file(path, RegionFormat::CityPairs), 30, 5).unwrap();
    let tails = network.tails();
    let ab = tails.iter().find(|tail| tail.from != tail.to).unwrap();
    assert!(ab.greatest <= Span(2_500 * MS) && ab.greatest > Span(2_499 * MS), "{ab:?}");
    assert!(ab.percentiles[3] < Span(500 * MS), "{ab:?}");
    let all = delays(&network, 30, "a", "b");
    assert!(all[0] >= 39_500_000 && all[all.len() - 1] <= 2_500 * MS);
    // Ten regions have a hundred links: those with the longest tails, and one in the middle.
    let aws = Network::build(&preset("aws-p50"), 1000, 5).unwrap().tails();
    assert_eq!(aws.len(), 6);
    assert!(aws.windows(2).all(|w| w[0].percentiles[3] >= w[1].percentiles[3]), "{aws:?}");
    let uniform = spec(ModelSpec::Uniform { min: Span(MS), max: Span(3 * MS) });
    let uniform = Network::build(&uniform, 10, 1).unwrap().tails();
    assert_eq!((uniform[0].percentiles[0], uniform[0].greatest), (Span(2 * MS), Span(3 * MS)));
    let exponential = spec(ModelSpec::Exponential { floor: Span(MS), mean: Span(MS) });
    let exponential = Network::build(&exponential, 10, 1).unwrap().tails();
    let p99 = exponential[0].percentiles[2].0 as f64 / MS as f64;
    assert!((p99 / (1.0 + libm::log(100.0)) - 1.0).abs() < 1e-3, "{p99}");
    // A minimum above the mean, a maximum below it.
    for (row, problem) in
        [("a,b,80,81,90,1", "rtt_min_ms is above"), ("a,b,80,79,79.5,1", "rtt_max_ms is below")]
    {
        let (_folder, path) = written(&format!("{header}\n{row}\n"));
        let error = message(&file(path, RegionFormat::CityPairs));
        assert!(error.contains(problem) && error.contains("line 2"), "{error}");
    }
}

/// Every kind of jitter, over tables with every kind of figure.
#[test]
fn no_delay_is_below_the_lookahead() {
    let (_folder, path) = written("value,count\n1,1\n2,9\n50,1\n");
    let kinds = [
        JitterSpec::Fitted,
        JitterSpec::Lognormal { sigma: 4.0 },
        JitterSpec::Gamma { shape: 0.1 },
        JitterSpec::Gamma { shape: 100.0 },
        JitterSpec::Pareto,
        JitterSpec::None,
        JitterSpec::Empirical { path },
    ];
    let countries = file(fixture("countries.csv"), RegionFormat::RipeCountry);
    let cities = file(fixture("cities.csv.gz"), RegionFormat::CityPairs);
    let mut edges = preset("aws-p50");
    edges.topology = TopologySpec::File {
        path: fixture("edges.csv.gz"),
        latency: Some(LatencyKind::OneWay),
        direction: EdgeDirection::SourceToTarget,
        format: None,
        ids: None,
    };
    let tables = [preset("aws-p50"), preset("bitcoin-2019"), countries, cities, edges];
    for (table, kind) in tables.iter().flat_map(|t| kinds.iter().map(move |k| (t, k))) {
        let network = Network::build(&jittered(table.clone(), kind.clone()), 5, 9).unwrap();
        let l = network.lookahead();
        assert!(l >= Span::from_micros(250));
        let mut least = Span::MAX;
        for i in 0..100_000u32 {
            let (from, to) = (i % 5, (i % 5 + 1 + i / 5 % 4) % 5);
            least = least.min(network.delay(NodeId(from), NodeId(to), i));
        }
        assert!(least >= l, "{kind:?}: {least} below {l}");
        // Nothing that a draw can be undercuts a floor either.
        let regional = network.model.regional().unwrap();
        let powers = Powers::new();
        for (_, _, link) in regional.links() {
            for bits in [0, 1, u64::MAX >> 1, 1 << 63, (1 << 63) + 1, u64::MAX] {
                let delay = link.delay(bits, &network.quantiles, &powers);
                assert!(delay >= link.floor() && link.floor() >= 250_000, "{kind:?}");
            }
        }
    }
}

#[test]
fn edges_vary_like_the_model() {
    let median = |kind: JitterSpec| {
        let mut network = jittered(preset("aws-p50"), kind);
        network.topology = TopologySpec::File {
            path: fixture("edges.csv"),
            latency: Some(LatencyKind::OneWay),
            direction: EdgeDirection::SourceToTarget,
            format: None,
            ids: None,
        };
        let network = Network::build(&network, 5, 1).unwrap();
        let delay = |s| network.delay(NodeId(1), NodeId(2), s).0;
        let mut all: Vec<u64> = (0..20_001).map(delay).collect();
        all.sort_unstable();
        (at(&all, 0.5), at(&all, 0.999))
    };
    // 40.5 ms is the median, and 36.45 ms the floor; the tail is the kind's own.
    let (fitted, tail) = median(JitterSpec::Fitted);
    let exact = 36.45 + 4.05 * libm::exp(0.25 * 3.09);
    assert!((fitted / 40.5 - 1.0).abs() < 1e-3 && (tail / exact - 1.0).abs() < 2e-2, "{tail}");
    let (gamma, tail) = median(JitterSpec::Gamma { shape: 1.0 });
    let exact = 36.45 + 4.05 * libm::log2(1000.0);
    assert!((gamma / 40.5 - 1.0).abs() < 3e-3 && (tail / exact - 1.0).abs() < 6e-2, "{tail}");
    let (pareto, tail) = median(JitterSpec::Pareto);
    let exact = |p: f64| 35.5 * libm::pow(1.0 - p, -1.0 / 8.1);
    assert!((pareto / exact(0.5) - 1.0).abs() < 3e-3, "{pareto}");
    assert!((tail / exact(0.999) - 1.0).abs() < 0.15, "{tail}");
}
