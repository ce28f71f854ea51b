//! The network as a whole: statistics of its delays, its loaders on fixtures and on real tables.

mod jitter;
mod large;
mod node_file;
mod spread;
mod timing;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::input::InputFile;
use crate::topology::{EdgeDirection, IdKind, TopologySpec};

const MS: u64 = 1_000_000;

fn spec(model: ModelSpec) -> NetworkSpec {
    NetworkSpec {
        model,
        min_delay: Span::from_micros(250),
        loopback: Span::from_micros(10),
        topology: TopologySpec::Complete,
        node_file: None,
        spread: SpreadSpec::default(),
    }
}

fn regional(regions: RegionsSpec) -> NetworkSpec {
    spec(ModelSpec::Regional { regions, shares: None, jitter: JitterSpec::Fitted })
}

fn preset(name: &str) -> NetworkSpec {
    regional(RegionsSpec::Preset(name.into()))
}

fn file(path: InputFile, format: RegionFormat) -> NetworkSpec {
    regional(RegionsSpec::File { path, p90_path: None, format, latency: LatencyKind::RoundTrip })
}

fn with_shares(mut network: NetworkSpec, names: &[&str]) -> NetworkSpec {
    let share = 1.0 / names.len() as f64;
    if let ModelSpec::Regional { shares, .. } = &mut network.model {
        *shares = Some(names.iter().map(|name| ((*name).to_owned(), share)).collect());
    }
    network
}

fn fixture(name: &str) -> InputFile {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name).into()
}

/// A file of the measured data, which a fresh clone may lack.
fn measured(name: &str) -> Option<InputFile> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !path.exists() {
        eprintln!("skipped: no {}", path.display());
    }
    path.exists().then(|| path.into())
}

fn message(network: &NetworkSpec) -> String {
    match Network::build(network, 100, 1) {
        Ok(_) => "ok".into(),
        Err(error) => error.to_string(),
    }
}

/// Sorted delays between nodes of two regions (in ns).
fn delays(network: &Network, nodes: u32, from: &str, to: &str) -> Vec<u64> {
    let find = |name: &str| {
        let region = network.regions().iter().position(|r| r == name).expect("a region");
        (0..nodes).map(NodeId).filter(move |n| network.region_of(*n).index() == region)
    };
    let mut all: Vec<u64> = find(from)
        .zip(find(to).skip(1))
        .filter(|(a, b)| a != b)
        .flat_map(|(a, b)| (0..100).map(move |s| network.delay(a, b, s).0))
        .collect();
    all.sort_unstable();
    all
}

fn jittered(mut network: NetworkSpec, kind: JitterSpec) -> NetworkSpec {
    if let ModelSpec::Regional { jitter, .. } = &mut network.model {
        *jitter = kind;
    }
    network
}

/// A folder of its own, removed when dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file of this content, which lives as long as its folder.
fn written(content: &str) -> (Folder, InputFile) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("anthill-network-{}-{count}", std::process::id());
    let folder = Folder(std::env::temp_dir().join(name));
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("given.csv");
    std::fs::write(&path, content).unwrap();
    (folder, path.into())
}

fn at(sorted: &[u64], p: f64) -> f64 {
    sorted[(p * sorted.len() as f64) as usize] as f64 / MS as f64
}

#[test]
fn aws_delays_have_the_presets_percentiles_halved() {
    let network = Network::build(&preset("aws-p50"), 20_000, 7).unwrap();
    for (from, to, p50, p90) in [
        ("us-east-1", "eu-west-1", 70.0, 73.7),
        ("af-south-1", "ap-southeast-2", 409.0, 415.2),
        ("us-east-1", "us-east-1", 6.0, 9.3),
        ("af-south-1", "af-south-1", 4.0, 11.9),
    ] {
        let delays = delays(&network, 20_000, from, to);
        assert!((at(&delays, 0.5) / (p50 / 2.0) - 1.0).abs() < 5e-3, "{from} {to}");
        // A region to itself: fewer delays, more widely spread.
        let (tolerance, share) = if from == to { (4e-2, 0.4) } else { (1e-2, 0.9) };
        assert!((at(&delays, 0.9) / (p90 / 2.0) - 1.0).abs() < tolerance, "{from} {to}");
        assert!(delays[0] as f64 >= share * p50 / 2.0 * MS as f64);
    }
    // Within af-south-1, whose p90 is three times its median.
    let least = network.lookahead();
    assert!((Span(817_000)..Span(819_000)).contains(&least), "{least}");
    assert_eq!((network.clamped(), network.assumed()), (0, 0));
    let limiting = network.limiting_links();
    assert_eq!(limiting.len(), 10);
    assert_eq!((&*limiting[0].from, limiting[0].floor), ("af-south-1", least));
    assert!(limiting.windows(2).all(|w| w[0].floor <= w[1].floor));
    let horizon = network.horizon().0 / MS;
    assert!((150..260).contains(&horizon), "{horizon} ms");
}

#[test]
fn a_broadcast_within_a_region_reaches_no_two_nodes_at_one_instant() {
    let network = Network::build(&with_shares(preset("aws-p50"), &["eu-west-1"]), 1001, 7).unwrap();
    let mut all: Vec<u64> =
        (0..1000).map(|i| network.delay(NodeId(0), NodeId(i + 1), i).0).collect();
    all.sort_unstable();
    all.dedup();
    // 1,000 draws among some 500,000 likely values: about one pair coincides.
    assert!(all.len() > 990, "{} distinct delays of 1000", all.len());
}

#[test]
fn placement_follows_the_shares() {
    let nodes = 200_000;
    let network = Network::build(&preset("bitcoin-2019"), nodes, 3).unwrap();
    let mut counts = [0u32; 6];
    for node in 0..nodes {
        counts[network.region_of(NodeId(node)).index()] += 1;
    }
    for (count, share) in counts.iter().zip([0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195]) {
        let expected = share * f64::from(nodes);
        assert!((f64::from(*count) - expected).abs() < 5.0 * libm::sqrt(expected));
    }
    let only = with_shares(preset("bitcoin-2019"), &["JP", "AU"]);
    assert_eq!(Network::build(&only, 10, 1).unwrap().regions(), ["JP", "AU"]);
}

#[test]
fn exponential_and_uniform_delays_have_their_moments() {
    let (floor, mean) = (Span(MS), Span(2 * MS));
    let network = Network::build(&spec(ModelSpec::Exponential { floor, mean }), 1000, 1).unwrap();
    let n = 1_000_000u32;
    let mut all: Vec<u64> =
        (0..n).map(|i| network.delay(NodeId(i % 1000), NodeId(1), i / 1000).0).collect();
    all.sort_unstable();
    let average = all.iter().map(|d| *d as f64).sum::<f64>() / f64::from(n) / MS as f64;
    assert!((average - 3.0).abs() < 5.0 * 2.0 / 1000.0, "mean {average}");
    for p in [0.5, 0.9, 0.99] {
        let exact = -libm::log(1.0 - p);
        assert!((at(&all, p) / (1.0 + 2.0 * exact) - 1.0).abs() < 1e-2);
    }
    assert_eq!(network.lookahead(), floor);
    assert_eq!(network.exponential_delay(), Some((floor, mean)));
    assert_eq!(network.self_delay(NodeId(4), 9), network.delay(NodeId(4), NodeId(5), 9));
    assert!(network.horizon() > Span(9 * MS) && network.horizon() < Span(12 * MS));

    let (min, max) = (Span(3), Span(6));
    let network = Network::build(&spec(ModelSpec::Uniform { min, max }), 10, 1).unwrap();
    let mut counts = [0u32; 7];
    for i in 0..40_000 {
        counts[network.delay(NodeId(0), NodeId(1), i).0 as usize] += 1;
    }
    assert_eq!(counts[..3], [0; 3]);
    assert!(counts[3..].iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    assert_eq!(network.self_delay(NodeId(0), 0), Span::from_micros(10));
    assert_eq!((network.lookahead(), network.exponential_delay()), (min, None));
}

#[test]
fn delays_depend_on_seed_sender_and_sequence_only() {
    let build = |seed| Network::build(&preset("aws-p50"), 1000, seed).unwrap();
    let (a, same, other) = (build(1), build(1), build(2));
    let delay = |n: &Network, s| n.delay(NodeId(17), NodeId(400), s);
    assert_eq!(delay(&a, 0), delay(&same, 0));
    assert_ne!(delay(&a, 0), delay(&a, 1));
    assert_ne!(delay(&a, 0), delay(&other, 0));
    // More nodes do not move those that were there.
    let larger = Network::build(&preset("aws-p50"), 2000, 1).unwrap();
    assert_eq!(delay(&a, 5), delay(&larger, 5));
}

#[test]
fn statements_out_of_bounds_are_errors_that_name_the_field() {
    let exponential = |floor, mean| spec(ModelSpec::Exponential { floor, mean });
    assert!(message(&exponential(Span(0), Span(1))).contains("network.floor: 0ns"));
    assert!(message(&exponential(Span(1), Span::MAX)).contains("network.mean"));
    let uniform = |min, max| spec(ModelSpec::Uniform { min: Span(min), max: Span(max) });
    assert!(message(&uniform(0, 5)).contains("network.min: 0ns"));
    assert!(message(&uniform(6, 5)).contains("network.max: 5ns; give 6ns"));
    assert_eq!(message(&uniform(5, 5)), "ok");
    let mut zero = preset("aws-p50");
    zero.min_delay = Span::ZERO;
    assert!(message(&zero).contains("network.min_delay"));
    for sigma in [f64::NAN, -1.0, 0.0, 5.0] {
        let jitter = jittered(preset("aws-p50"), JitterSpec::Lognormal { sigma });
        assert!(message(&jitter).contains("network.jitter.sigma"));
    }
    assert!(message(&preset("aws")).contains("did you mean"));
    assert!(Network::build(&preset("aws-p50"), 0, 1).is_err());
    assert_eq!(Network::build(&preset("aws-p50"), 1, 1).unwrap().topology().edges(), 0);
}

#[test]
fn fixtures_load_with_their_gaps() {
    let mut aws = file(fixture("aws-p50.json"), RegionFormat::AwsJson);
    if let ModelSpec::Regional { regions: RegionsSpec::File { p90_path, .. }, .. } = &mut aws.model
    {
        *p90_path = Some(fixture("aws-p90.json"));
    }
    let network = Network::build(&aws, 5000, 1).unwrap();
    assert_eq!(network.regions(), ["east", "west"]);
    let (east, west) =
        (delays(&network, 5000, "east", "west"), delays(&network, 5000, "west", "east"));
    assert!((at(&east, 0.5) - 30.0).abs() < 0.1 && (at(&west, 0.5) - 32.0).abs() < 0.1);
    assert!((at(&east, 0.9) - 33.0).abs() < 0.2 && (at(&west, 0.9) - 35.0).abs() < 0.2);

    let countries = file(fixture("countries.csv"), RegionFormat::RipeCountry);
    assert!(message(&with_shares(countries.clone(), &["AA", "CC"])).contains("AA – CC"));
    let equal = Network::build(&countries, 10, 1).unwrap();
    assert_eq!(
        (equal.regions(), equal.left_out()),
        (&["AA".into(), "BB".into()][..], &["CC".into()][..])
    );
    let network = Network::build(&with_shares(countries, &["AA", "BB"]), 5000, 1).unwrap();
    // AA–AA holds 25 ns, BB–BB is missing.
    assert_eq!((network.clamped(), network.assumed()), (1, 1));
    assert_eq!(network.lookahead(), Span::from_micros(250));
    let pair = delays(&network, 5000, "BB", "AA");
    let mean = pair.iter().sum::<u64>() as f64 / pair.len() as f64 / MS as f64;
    assert!((mean - 20.0).abs() < 0.05 && pair[0] >= 15 * MS, "mean {mean}");

    let cities = file(fixture("cities.csv.gz"), RegionFormat::CityPairs);
    let network = Network::build(&cities, 5000, 1).unwrap();
    assert_eq!(network.regions(), ["New York", "London"]);
    assert_eq!((network.left_out(), network.assumed()), (&["Zagreb Croatia".into()][..], 2));
    let zagreb = with_shares(cities, &["London", "Zagreb Croatia"]);
    assert_eq!(Network::build(&zagreb, 10, 1).unwrap().regions().len(), 2);
}

#[test]
fn edges_with_latencies_delay_by_them_and_other_pairs_by_the_model() {
    let mut network = preset("aws-p50");
    network.topology = TopologySpec::File {
        path: fixture("edges.csv.gz"),
        latency: Some(LatencyKind::OneWay),
        direction: EdgeDirection::SourceToTarget,
        format: None,
        ids: None,
    };
    let network = Network::build(&network, 5, 1).unwrap();
    let median = |from: u32, to: u32| {
        let delay = |s| network.delay(NodeId(from), NodeId(to), s).0;
        let mut all: Vec<u64> = (0..4001).map(delay).collect();
        all.sort_unstable();
        at(&all, 0.5)
    };
    for (from, to, ms) in [(0, 1, 10.0), (1, 0, 20.0), (1, 2, 40.5), (2, 1, 40.5)] {
        assert!((median(from, to) / ms - 1.0).abs() < 2e-3, "{from} to {to}");
    }
    assert_eq!((network.clamped(), network.lookahead()), (1, Span::from_micros(250)));
    assert!((median(2, 3) - 0.254).abs() < 0.001, "20 ns is raised, against the direction too");
    let limiting = &network.limiting_links()[0];
    assert_eq!((&*limiting.from, &*limiting.to), ("n3", "n2"));
    assert_eq!(network.topology().peer(NodeId(1), 1), NodeId(2));
    let via = network.delay_via(NodeId(1), 1, NodeId(2), 77);
    assert_eq!(via, network.delay(NodeId(1), NodeId(2), 77));
    assert!(network.delay(NodeId(0), NodeId(4), 0) >= Span(817_000), "off the edges");
}

#[test]
fn files_that_are_not_what_they_should_be_are_errors() {
    let missing = file(fixture("none.csv"), RegionFormat::RipeCountry);
    assert!(message(&missing).contains("none.csv: cannot read it"));
    let folder = file(fixture(""), RegionFormat::AwsJson);
    assert!(message(&folder).contains("not a regular file"));
    let device = file("/dev/zero".into(), RegionFormat::CityPairs);
    assert!(message(&device).contains("not a regular file"));
    let csv = file(fixture("countries.csv"), RegionFormat::AwsJson);
    assert!(message(&csv).contains("countries.csv, line 1"), "{}", message(&csv));
    let json = file(fixture("aws-p50.json"), RegionFormat::RipeCountry);
    assert!(message(&json).contains("aws-p50.json, line 1: expected the header cty1"));
    let swapped = file(fixture("countries.csv"), RegionFormat::CityPairs);
    assert!(message(&swapped).contains("line 1: expected the header from,to"));
}

#[test]
fn measured_tables_load() {
    if let (Some(path), Some(p90)) =
        (measured("aws-region-rtt-p50.json"), measured("aws-region-rtt-p90.json"))
    {
        let latency = LatencyKind::RoundTrip;
        let format = RegionFormat::AwsJson;
        let table = RegionsSpec::File { path, p90_path: Some(p90), format, latency };
        let network = Network::build(&regional(table), 5000, 1).unwrap();
        assert_eq!((network.regions().len(), network.clamped()), (33, 0));
        let delays = delays(&network, 5000, "us-east-1", "ap-south-1");
        assert!((at(&delays, 0.5) / 96.253 - 1.0).abs() < 1e-2);
    }
    if let Some(path) = measured("ripe-country-rtt.csv") {
        let ripe = file(path, RegionFormat::RipeCountry);
        let network = Network::build(&ripe, 5000, 1).unwrap();
        eprintln!("{} countries without gaps", network.regions().len());
        assert!(network.regions().len() > 50 && network.regions().contains(&"DE".to_owned()));
        assert_eq!(network.regions().len() + network.left_out().len(), 173);
        let all: Vec<&str> =
            network.regions().iter().chain(network.left_out()).map(String::as_str).collect();
        let error = message(&with_shares(ripe.clone(), &all));
        // 173 countries have 14,878 pairs; 6,712 rows are of two different ones.
        assert!(error.contains("8166 pairs"), "{error}");
        let large = ["US", "DE", "FR", "GB", "NL", "JP", "SG", "AU", "BR", "CA"];
        let network = Network::build(&with_shares(ripe, &large), 5000, 1).unwrap();
        assert_eq!(network.regions().len(), 10);
        assert!(network.clamped() > 0, "RIPE's minima within a country are microseconds");
        assert!(network.lookahead() >= Span::from_micros(250));
    }
    if let Some(path) = measured("city-rtt-2018.csv.gz") {
        let network = Network::build(&file(path, RegionFormat::CityPairs), 5000, 1).unwrap();
        eprintln!("{} cities without gaps", network.regions().len());
        assert_eq!(network.regions().len() + network.left_out().len(), 248);
        assert!(network.left_out().contains(&"Missoula".to_owned()));
        assert!(network.regions().iter().any(|city| city == "New York"));
    }
    if let Some(path) = measured("cardano-10k-edges.csv.gz") {
        let mut cardano = preset("aws-p50");
        cardano.topology = TopologySpec::File {
            path,
            latency: Some(LatencyKind::OneWay),
            direction: EdgeDirection::TargetToSource,
            format: None,
            ids: None,
        };
        let network = Network::build(&cardano, 10_000, 1).unwrap();
        assert_eq!(network.topology().edges(), 298_756);
        assert!(network.clamped() > 0);
        assert_eq!(network.lookahead(), Span::from_micros(250));
        assert!(Network::build(&cardano, 9_999, 1).unwrap_err().to_string().contains("line"));
    }
}

#[test]
#[ignore = "prints ns per call; run alone in release"]
#[allow(clippy::disallowed_methods)] // Measures the host.
fn time_of_one_delay() {
    let nodes = 1u32 << 23;
    let exponential = spec(ModelSpec::Exponential { floor: Span(MS), mean: Span(MS) });
    let mut cycles = preset("aws-p50");
    cycles.topology = TopologySpec::RandomRegular { degree: 8, implicit: true };
    for (name, spec) in [
        ("exponential", exponential),
        ("regional", preset("aws-p50")),
        ("unequal shares", preset("bitcoin-2019")),
        ("pareto", jittered(preset("aws-p50"), JitterSpec::Pareto)),
        ("gamma", jittered(preset("aws-p50"), JitterSpec::Gamma { shape: 2.0 })),
        ("cycles", cycles),
    ] {
        let network = Network::build(&spec, nodes, 1).unwrap();
        let calls = 1_000_000u32;
        let (mut sum, mut best) = (0u64, f64::MAX);
        for _ in 0..60 {
            let start = std::time::Instant::now();
            for i in 0..calls {
                let to = NodeId(i.wrapping_mul(0x9e37_79b1) >> 9);
                let from = NodeId(i / 8);
                let to = if name == "cycles" { network.topology().peer(from, i % 8) } else { to };
                sum = sum.wrapping_add(network.delay(from, to, i).0);
            }
            best = best.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
        }
        println!("{name}: {best:.2} ns per call ({sum:x})");
        assert!(best > 0.0);
    }
}
