//! What valid scenarios mean, defaults first.

use anthill_protocol::Time;

use super::*;
use crate::network::{JitterSpec, LatencyKind, ModelSpec, RegionFormat, RegionsSpec, SpreadSpec};
use crate::topology::{EdgeDirection, TopologySpec};

fn model(network: &str) -> ModelSpec {
    read(&format!("[network]\n{network}")).network.model
}

fn topology(text: &str) -> TopologySpec {
    read(&format!("network.topology = {text}")).network.topology
}

#[test]
fn pairs_and_nodes_may_differ() {
    let spread = |text: &str| read(&format!("[network]\n{text}")).network.spread;
    assert_eq!(spread(""), SpreadSpec::default());
    assert_eq!(spread("pair_spread = 0.3"), SpreadSpec { pairs: 0.3, nodes: 0.0 });
    let exponential = spread("model = \"exponential\"\nnode_spread = 1\npair_spread = 0");
    assert_eq!(exponential, SpreadSpec { pairs: 0.0, nodes: 1.0 });
}

#[test]
fn three_keys_are_a_scenario_and_the_rest_has_defaults() {
    let scenario = read("");
    assert_eq!(scenario.name, "t.toml");
    assert_eq!(scenario.seed, 1);
    assert_eq!(scenario.nodes, 1_000);
    assert_eq!(scenario.until, Time(60_000_000_000));
    assert_eq!(scenario.engine, EngineOptions::default());
    assert_eq!(scenario.protocol, "gossip");
    assert_eq!(scenario.values, Values::defaults(GOSSIP));
    assert_eq!(scenario.measure, MeasureSpec::default());
    let aws = ModelSpec::Regional {
        regions: RegionsSpec::Preset("aws-p50".into()),
        shares: None,
        jitter: JitterSpec::Fitted,
    };
    assert_eq!(scenario.network.model, aws);
    assert_eq!(scenario.network.min_delay, Span::from_micros(250));
    assert_eq!(scenario.network.loopback, Span::from_micros(20));
    assert_eq!(scenario.network.topology, TopologySpec::Complete);
}

#[test]
fn the_shipped_presets_are_valid() {
    let phold = include_str!("../../../../bench/scenarios/phold.toml");
    let phold = parse_text("phold", phold, &protocols()).unwrap();
    assert_eq!((phold.name.as_str(), phold.nodes), ("phold", 1_000_000));
    let ms = Span::from_millis(1);
    assert_eq!(phold.network.model, ModelSpec::Exponential { floor: ms, mean: ms });
    let gossip = include_str!("../../../../bench/scenarios/gossip.toml");
    let gossip = parse_text("gossip", gossip, &protocols()).unwrap();
    assert_eq!(gossip.values.count("fanout"), 8);
    assert_eq!(gossip.until, Time(60_000_000_000));
}

#[test]
fn every_parameter_kind_is_read() {
    let text = "nodes = \"1k\"\nuntil = \"1h\"\nseed = 0xff\nname = \"a-b\"\n[protocol]\n\
                name = \"gossip\"\nfanout = \"1k\"\nmode = \"push-pull\"\nrounds = true\n\
                round = \"1.5s\"\nlazy = 0.25\n";
    let scenario = parse_text("t", text, &protocols()).unwrap();
    assert_eq!((scenario.seed, scenario.name.as_str()), (255, "a-b"));
    assert_eq!(scenario.values.count("fanout"), 1_000);
    assert_eq!(scenario.values.choice("mode"), "push-pull");
    assert!(scenario.values.flag("rounds"));
    assert_eq!(scenario.values.span("round"), Span(1_500_000_000));
    assert_eq!(scenario.values.share("lazy"), 0.25);
}

#[test]
fn seeds_may_use_all_64_bits() {
    assert_eq!(read("seed = \"18446744073709551615\"").seed, u64::MAX);
    assert_eq!(read("seed = 18446744073709551615").seed, u64::MAX);
}

#[test]
fn engine_and_measure_are_read() {
    let scenario = read(
        "[engine]\nshards = 7\nthreads = 2\nstealing = false\nhuge_pages = false\n\
         subshard_nodes = 1024\nalone_below = 20\nmemory_limit = 0.5\n[measure]\nwarmup = \"5s\"\ninterval = \"1s\"",
    );
    let engine = EngineOptions {
        shards: Some(7),
        threads: Some(2),
        stealing: false,
        huge_pages: false,
        subshard_nodes: Some(1_024),
        alone_below: Some(20),
        memory_limit: 0.5,
    };
    assert_eq!(scenario.engine, engine);
    let measure = MeasureSpec { warmup: Span::from_secs(5), interval: Some(Span::from_secs(1)) };
    assert_eq!(scenario.measure, measure);
}

#[test]
fn setting_a_model_replaces_the_preset_by_its_defaults() {
    let uniform = ModelSpec::Uniform { min: Span::from_millis(10), max: Span::from_millis(100) };
    assert_eq!(model("preset = \"aws-p50\"\nmodel = \"uniform\""), uniform);
    let short = ModelSpec::Uniform { min: Span(5), max: Span(7) };
    assert_eq!(model("model = \"uniform\"\nmin = \"5ns\"\nmax = \"7ns\""), short);
    // Gossip declares no lookahead, so the model's own defaults hold.
    let ms = Span::from_millis(1);
    let exponential = ModelSpec::Exponential { floor: ms, mean: ms };
    assert_eq!(model("model = \"exponential\""), exponential);
    let given = ModelSpec::Exponential { floor: Span::from_millis(2), mean: Span::ZERO };
    assert_eq!(model("model = \"exponential\"\nfloor = \"2ms\"\nmean = 0"), given);
}

#[test]
fn an_exponential_network_takes_its_delays_from_the_protocol() {
    let text = "nodes = 8\nuntil = \"1s\"\nnetwork.model = \"exponential\"\n\
                [protocol]\nname = \"phold\"\nlookahead = \"10us\"\nmean_delay = \"3ms\"";
    let network = parse_text("t", text, &protocols()).unwrap().network;
    let (floor, mean) = (Span::from_micros(10), Span::from_millis(3));
    assert_eq!(network.model, ModelSpec::Exponential { floor, mean });
    // Or the default floor of every delay would contradict the model.
    assert_eq!(network.min_delay, floor);
}

#[test]
fn later_keys_win_over_those_they_exclude() {
    let text = gossip("[network]\nmodel = \"exponential\"");
    let aws = with_overrides(&text, &["network.preset=bitcoin-2019"]).unwrap();
    let ModelSpec::Regional { regions, .. } = aws.network.model else { panic!("not regional") };
    assert_eq!(regions, RegionsSpec::Preset("bitcoin-2019".into()));

    let table = "[network]\nregions = {names = [\"a\"], p50_ms = [[1]], latency = \"rtt\"}";
    let aws = with_overrides(&gossip(table), &["network.preset=aws-p50"]).unwrap();
    let ModelSpec::Regional { regions, .. } = aws.network.model else { panic!("not regional") };
    assert_eq!(regions, RegionsSpec::Preset("aws-p50".into()));

    let text = gossip("network.topology = {kind = \"erdos-renyi\", degree = 8}");
    let sparse = with_overrides(&text, &["network.topology.p=0.5"]).unwrap();
    assert_eq!(sparse.network.topology, TopologySpec::ErdosRenyi { degree: 499.5 });
    let sparse =
        with_overrides(&text, &["network.topology.p=0.5", "network.topology.degree=3"]).unwrap();
    assert_eq!(sparse.network.topology, TopologySpec::ErdosRenyi { degree: 3.0 });
}

#[test]
fn regions_come_from_files_and_inline_tables() {
    let inline = model(
        "regions = {names = [\"a\", \"b\"], p50_ms = [[1, 2.5], [3, 1]], \
         p90_ms = [[2, 3], [4, 5]], latency = \"one-way\"}\nshares = {a = 0.25, b = 0.75}\n\
         jitter = {kind = \"lognormal\", sigma = 0.3}",
    );
    let expected = ModelSpec::Regional {
        regions: RegionsSpec::Inline {
            names: vec!["a".into(), "b".into()],
            p50_ms: vec![vec![1.0, 2.5], vec![3.0, 1.0]],
            p90_ms: Some(vec![vec![2.0, 3.0], vec![4.0, 5.0]]),
            latency: LatencyKind::OneWay,
        },
        shares: Some(vec![("a".into(), 0.25), ("b".into(), 0.75)]),
        jitter: JitterSpec::Lognormal { sigma: 0.3 },
    };
    assert_eq!(inline, expected);
    let file = model(
        "jitter = \"fitted\"\n[network.regions]\nfile = \"p50.json\"\nformat = \"aws-json\"\n\
         latency = \"rtt\"\np90_file = \"p90.json\"",
    );
    let expected = ModelSpec::Regional {
        regions: RegionsSpec::File {
            path: "p50.json".into(),
            p90_path: Some("p90.json".into()),
            format: RegionFormat::AwsJson,
            latency: LatencyKind::RoundTrip,
        },
        shares: None,
        jitter: JitterSpec::Fitted,
    };
    assert_eq!(file, expected);
}

#[test]
fn topologies_are_read_by_kind() {
    assert_eq!(topology("\"complete\""), TopologySpec::Complete);
    assert_eq!(
        topology("{kind = \"random-regular\", degree = 8}"),
        TopologySpec::RandomRegular { degree: 8, implicit: false }
    );
    assert_eq!(
        topology("{kind = \"random-regular\", degree = 8, implicit = true}"),
        TopologySpec::RandomRegular { degree: 8, implicit: true }
    );
    assert_eq!(
        topology("{kind = \"erdos-renyi\", p = 0.01}"),
        TopologySpec::ErdosRenyi { degree: 9.99 }
    );
    assert_eq!(
        topology("{kind = \"barabasi-albert\", m = 4}"),
        TopologySpec::BarabasiAlbert { m: 4 }
    );
    assert_eq!(
        topology("{kind = \"watts-strogatz\", k = 6, beta = 0}"),
        TopologySpec::WattsStrogatz { k: 6, beta: 0.0 }
    );
    let file = "{kind = \"file\", path = \"e.csv\", latency = \"rtt\", \
                direction = \"target-to-source\"}";
    let expected = TopologySpec::File {
        path: "e.csv".into(),
        latency: Some(LatencyKind::RoundTrip),
        direction: EdgeDirection::TargetToSource,
        format: None,
        ids: None,
    };
    assert_eq!(topology(file), expected);
}
