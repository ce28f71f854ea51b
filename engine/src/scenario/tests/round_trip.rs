//! Printing a scenario and reading it again gives the same scenario.

use anthill_protocol::Time;
use proptest::option;
use proptest::prelude::*;

use super::conditions::conditions;
use super::*;
use crate::crypto::Mode;
use crate::input::InputFile;
use crate::network::{
    JitterSpec, LatencyKind, ModelSpec, NetworkSpec, NodeFileSpec, RegionFormat, RegionsSpec,
    SpreadSpec,
};
use crate::scenario::CryptoSpec;
use crate::topology::{EdgeDirection, TopologySpec};

pub(super) fn span() -> impl Strategy<Value = Span> {
    prop_oneof![(1..=u64::MAX).prop_map(Span), (1..=10_000_u64).prop_map(Span::from_millis)]
}

fn latency() -> impl Strategy<Value = LatencyKind> {
    prop_oneof![Just(LatencyKind::OneWay), Just(LatencyKind::RoundTrip)]
}

/// Paths with anything a file name may hold, and what TOML has to escape.
pub(super) fn path() -> impl Strategy<Value = InputFile> {
    "[a-zé\"\\\\ \n\t/.]{1,12}".prop_map(Into::into)
}

fn regions() -> impl Strategy<Value = RegionsSpec> {
    let format = prop_oneof![Just(RegionFormat::RipeCountry), Just(RegionFormat::CityPairs)];
    let inline = (1..4_usize)
        .prop_flat_map(|size| {
            let matrix = |range| prop::collection::vec(prop::collection::vec(range, size), size);
            (
                prop::collection::btree_set("[a-z\"\\\\ é.]{1,6}", size..=size),
                matrix(0.0..500.0),
                option::of(matrix(500.0..900.0)),
                latency(),
            )
        })
        .prop_map(|(names, p50_ms, p90_ms, latency)| RegionsSpec::Inline {
            names: names.into_iter().collect(),
            p50_ms,
            p90_ms,
            latency,
        });
    prop_oneof![
        prop_oneof!["aws-p50", "bitcoin-2019"].prop_map(RegionsSpec::Preset),
        inline,
        (path(), format, latency()).prop_map(|(path, format, latency)| RegionsSpec::File {
            path,
            p90_path: None,
            format,
            latency
        }),
        (path(), option::of(path()), latency()).prop_map(|(path, p90_path, latency)| {
            RegionsSpec::File { path, p90_path, format: RegionFormat::AwsJson, latency }
        }),
    ]
}

/// Equal shares of the regions that a table names.
fn shares_for(regions: &RegionsSpec) -> Vec<(String, f64)> {
    let names: Vec<String> = match regions {
        RegionsSpec::Inline { names, .. } => names.clone(),
        _ => vec!["a b".into(), "us-east-1".into()],
    };
    let share = 1.0 / names.len() as f64;
    names.into_iter().map(|name| (name, share)).collect()
}

fn model() -> impl Strategy<Value = ModelSpec> {
    let jitter = prop_oneof![
        Just(JitterSpec::Fitted),
        (0.01..4.0).prop_map(|sigma| JitterSpec::Lognormal { sigma }),
        (0.1..100.0).prop_map(|shape| JitterSpec::Gamma { shape }),
        Just(JitterSpec::Pareto),
        Just(JitterSpec::None),
        path().prop_map(|path| JitterSpec::Empirical { path }),
    ];
    prop_oneof![
        (regions().boxed(), any::<bool>(), jitter.boxed()).prop_map(|(regions, shared, jitter)| {
            let shares = shared.then(|| shares_for(&regions));
            ModelSpec::Regional { regions, shares, jitter }
        }),
        (span(), span()).prop_map(|(a, b)| ModelSpec::Uniform { min: a.min(b), max: a.max(b) }),
        (span(), span()).prop_map(|(floor, mean)| ModelSpec::Exponential { floor, mean }),
        (span(), span())
            .prop_map(|(a, b)| ModelSpec::Synchronous { min: a.min(b), delta: a.max(b) }),
        (span(), span()).prop_map(|(floor, mean)| ModelSpec::Asynchronous { floor, mean }),
        (span(), span(), span(), any::<u64>()).prop_map(|(a, b, mean, gst)| {
            ModelSpec::Partial { floor: a.min(b), delta: a.max(b), mean, gst: Time(gst) }
        }),
    ]
}

fn topology() -> impl Strategy<Value = TopologySpec> {
    let direction = prop_oneof![
        Just(EdgeDirection::Undirected),
        Just(EdgeDirection::SourceToTarget),
        Just(EdgeDirection::TargetToSource),
    ];
    prop_oneof![
        Just(TopologySpec::Complete),
        (1..=u32::MAX, any::<bool>()).prop_map(|(degree, implicit)| {
            TopologySpec::RandomRegular { degree, implicit: implicit && degree % 2 == 0 }
        }),
        prop_oneof![Just(0.0), 1e-6..1e6].prop_map(|degree| TopologySpec::ErdosRenyi { degree }),
        (1..=u32::MAX).prop_map(|m| TopologySpec::BarabasiAlbert { m }),
        (1..=u32::MAX / 2, 0.0..=1.0)
            .prop_map(|(half, beta)| TopologySpec::WattsStrogatz { k: 2 * half, beta }),
        (path(), option::of(latency()), direction).prop_map(|(path, latency, direction)| {
            TopologySpec::File { path, format: None, latency, direction, ids: None }
        }),
    ]
}

fn network() -> impl Strategy<Value = NetworkSpec> {
    let node_file = option::of(path().prop_map(|path| NodeFileSpec { path }));
    let spread = (prop_oneof![Just(0.0), 0.0..=1.0], prop_oneof![Just(0.0), 0.0..=1.0])
        .prop_map(|(pairs, nodes)| SpreadSpec { pairs, nodes });
    (model().boxed(), span(), span(), topology().boxed(), node_file, spread).prop_map(
        |(model, min_delay, loopback, topology, node_file, spread)| {
            let least = match model {
                ModelSpec::Regional { .. } => min_delay,
                ModelSpec::Uniform { min, .. } | ModelSpec::Synchronous { min, .. } => min,
                ModelSpec::Exponential { floor, .. }
                | ModelSpec::Asynchronous { floor, .. }
                | ModelSpec::Partial { floor, .. } => floor,
            };
            let min_delay = min_delay.min(least);
            NetworkSpec { model, min_delay, loopback, topology, node_file, spread }
        },
    )
}

fn engine() -> impl Strategy<Value = EngineOptions> {
    let few = || option::of(1..=64_u32);
    let counts = (option::of(1..=65_536_u32), option::of(0..=1_048_576_u32));
    (few(), few(), any::<[bool; 2]>(), counts, 0.01..=1.0).prop_map(
        |(shards, threads, [stealing, huge_pages], (subshard_nodes, alone_below), memory_limit)| {
            EngineOptions {
                shards,
                threads,
                stealing,
                huge_pages,
                subshard_nodes,
                alone_below,
                memory_limit,
            }
        },
    )
}

fn values() -> impl Strategy<Value = Values> {
    let mode = prop_oneof![Just("push"), Just("inv")];
    (1..=1_000_u64, mode, any::<bool>(), span(), 0.0..=1.0).prop_map(
        |(fanout, mode, rounds, round, lazy)| {
            let mut values = Values::defaults(GOSSIP);
            values.set("fanout", Value::Count(fanout));
            values.set("mode", Value::Choice(mode));
            values.set("rounds", Value::Flag(rounds));
            values.set("round", Value::Span(round));
            values.set("lazy", Value::Share(lazy));
            values
        },
    )
}

/// Boxed where it branches: whole, its type takes more than a test's stack in an unoptimised build.
fn scenario() -> impl Strategy<Value = Scenario> {
    let basics = ("[a-z0-9][a-z0-9._-]{0,20}", any::<u64>(), 2..=u32::MAX, 2..=u64::MAX);
    let whole =
        (basics, network().boxed()).prop_flat_map(|((name, seed, nodes, until), network)| {
            let conditions = conditions(nodes, Time(until), &network);
            (Just((name, seed, nodes, until)), Just(network), conditions.boxed())
        });
    (whole.boxed(), engine(), values(), any::<bool>()).prop_map(
        |(((name, seed, nodes, until), network, conditions), engine, values, measured)| Scenario {
            extra_nodes: 0,
            name,
            seed,
            nodes,
            until: Time(until),
            engine,
            protocol: "gossip".into(),
            values,
            network,
            conditions,
            crypto: CryptoSpec {
                mode: if measured { Mode::Modelled } else { Mode::Real },
                verdicts: 1 + seed % 1_000,
                budget: Span(seed % 1_000_000_000_000),
                keys: None,
            },
            measure: MeasureSpec {
                warmup: if measured { Span(until / 2) } else { Span(0) },
                interval: measured.then_some(Span(until / 2)),
            },
            inputs: Vec::new(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn printed_scenarios_read_back_equal(scenario in scenario()) {
        let text = scenario.to_toml();
        let again = parse_text("again", &text, &protocols());
        match again {
            // The files are in the parts that name them, too.
            Ok(again) => {
                prop_assert_eq!(Scenario { inputs: Vec::new(), ..again }, scenario, "{}", text);
            }
            Err(error) => prop_assert!(false, "{}\n{}", error, text),
        }
    }
}

#[test]
fn every_default_is_printed() {
    let text = read("").to_toml();
    for line in [
        "name = \"t.toml\"\nseed = 1\nnodes = 1000\nuntil = \"1min\"\n",
        "stealing = true\nhuge_pages = true\nmemory_limit = 0.9\n",
        "[protocol]\nname = \"gossip\"\nfanout = 8\nmode = \"push\"\nrounds = false\n",
        "model = \"regional\"\npreset = \"aws-p50\"\njitter = \"fitted\"\n",
        "min_delay = \"250us\"\nloopback = \"20us\"\npair_spread = 0.0\nnode_spread = 0.0\n",
        "topology = { kind = \"complete\" }\n",
        "[measure]\nwarmup = \"0s\"\n",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

/// A single node has degree 0 whatever the probability; printing that has to be read back.
#[test]
fn random_graphs_without_edges_read_back() {
    let scenario = read("network.topology = {kind = \"erdos-renyi\", p = 0}");
    assert_eq!(scenario.network.topology, TopologySpec::ErdosRenyi { degree: 0.0 });
    assert_eq!(parse_text("t", &scenario.to_toml(), &protocols()).unwrap(), scenario);
}
