//! Invented runs for unit tests: small, exact, and using every kind of metric.

use std::path::Path;

use anthill_engine::conditions::ConditionsSpec;
use anthill_engine::crypto::Counters;
use anthill_engine::network::{ModelSpec, NetworkSpec, SpreadSpec};
use anthill_engine::outcome::{
    Ended, HostReport, Outcome, RunResult, Series, SeriesRow, SignatureTotals, ThreadPhases,
};
use anthill_engine::scenario::{CryptoSpec, EngineOptions, MeasureSpec, Scenario};
use anthill_engine::topology::TopologySpec;
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, Value, Values};
use anthill_protocol::phold::Phold;
use anthill_protocol::{
    Better, Check, Configure, MetricInfo, MetricKind, RunFacts, Span, Time, Totals,
};
use anthill_raft::Raft;
use hdrhistogram::Histogram;

use crate::args::EngineChoice;
use crate::cost::Cost;
use crate::export::Record;
use crate::machine::Usage;
use crate::setting::Setting;
use crate::{Entry, Registry, entry};

const METRICS: &[MetricInfo] = &[
    MetricInfo::new("coverage", MetricKind::PerNode, "share of nodes reached")
        .better(Better::Higher),
    MetricInfo::new("sends", MetricKind::Sum, "messages sent").better(Better::Lower),
    MetricInfo::new("depth", MetricKind::Max, "longest chain"),
    MetricInfo::new("hop", MetricKind::Latency, "time of one hop"),
];

const CHECKED: Counters = Counters {
    made: 5,
    checked: 9,
    failed: 1,
    verified: 0,
    remembered: 0,
    singly: 0,
    evicted: 0,
    batches: 0,
};

/// A registry of PHOLD alone.
pub(crate) fn registry() -> Registry {
    Registry::new(vec![entry::<Phold>(include_str!("../scenarios/phold.toml"))])
}

/// A registry of Raft alone.
pub(crate) fn raft() -> Registry {
    Registry::new(vec![entry::<Raft>(include_str!("../scenarios/raft.toml"))])
}

/// PHOLD, as if it had a workload and an adversary of its own.
pub(crate) fn with_workload_and_adversary() -> Entry {
    const WORKLOAD: &[Parameter] = &[Parameter {
        name: "rate",
        kind: Kind::Number { min: 0.0, max: 1_000.0 },
        default: Value::Number(0.6),
        about: "payments per node and hour",
    }];
    const ADVERSARIES: &[AdversaryKind] = &[AdversaryKind {
        name: "double-signer",
        about: "signs two payments of the same coins",
        parameters: &[Parameter {
            name: "attempts",
            kind: Kind::Count { min: 1, max: u64::MAX },
            default: Value::Count(1_000),
            about: "attacks that it tries",
        }],
    }];
    let mut entry = *registry().main_job().expect("phold");
    entry.protocol.workload = WORKLOAD;
    entry.protocol.adversaries = ADVERSARIES;
    entry
}

/// A scenario of a thousand nodes.
pub(crate) fn scenario() -> Scenario {
    Scenario {
        extra_nodes: 0,
        name: "fabricated".to_owned(),
        seed: 7,
        nodes: 1_000,
        until: Time(5_000_000_000),
        engine: EngineOptions::default(),
        protocol: "phold".to_owned(),
        values: Values::defaults(Phold::PARAMETERS),
        network: NetworkSpec {
            model: ModelSpec::Uniform { min: Span::from_millis(1), max: Span::from_millis(2) },
            min_delay: Span::from_micros(250),
            loopback: Span::from_micros(10),
            topology: TopologySpec::Complete,
            node_file: None,
            spread: SpreadSpec::default(),
        },
        conditions: ConditionsSpec::default(),
        crypto: CryptoSpec::default(),
        measure: MeasureSpec::default(),
        inputs: Vec::new(),
    }
}

/// What it produced.
pub(crate) fn outcome() -> Outcome {
    let mut hop = Histogram::new_with_bounds(1, 1 << 40, 3).expect("bounds");
    for i in 1..=100u64 {
        hop.record(i * 1_000_000).expect("within bounds");
    }
    let totals = Totals {
        values: vec![999, 10_000, 7, 100],
        events: 20_000,
        messages: 10_000,
        bytes_on_wire: 1_000_000,
        messages_by_kind: vec![9_000, 1_000],
        bytes_by_kind: vec![990_000, 10_000],
        ..Totals::default()
    };
    let phases = ThreadPhases {
        idle_ns: 250_000,
        exchange_ns: 50_000,
        sort_ns: 200_000,
        handlers_ns: 500_000,
        crypto_ns: 0,
    };
    Outcome {
        result: RunResult {
            digest: 0xdead_beef,
            virtual_ns: 2_000_000_000,
            w_ns: 131_072,
            l_ns: 250_000,
            totals: totals.clone(),
            metrics: METRICS,
            kinds: &["push", "pull"],
            latencies: vec![("hop", hop)],
            conditions: None,
            signatures: SignatureTotals { made: 5, checked: 9, failed: 1 },
            violations: Vec::new(),
            checks: vec![Check::exact("sends", "always", 10_000.0, 10_000.0)],
            facts: RunFacts {
                answers: anthill_protocol::Answers::default(),
                directed: false,
                violations: Vec::new(),
                nodes: 1_000,
                until: Time(5_000_000_000),
                last_event: Time(2_000_000_000),
                quiescent: true,
                topology: "complete",
                edges: 999_000,
                exponential_delay: None,
                disturbed: false,
                adversary: false,
                totals,
            },
        },
        host: HostReport {
            external: None,
            shards: 2,
            threads: 2,
            subshards: 4,
            setup_ns: 500_000,
            loop_ns: 1_000_000,
            loop_cpu_ns: 2_000_000,
            windows: 64,
            sparse_windows: 3,
            state_bytes: 4_000,
            calendar_bytes: 65_536,
            phases: vec![phases; 2],
            bodies: Default::default(),
            processes: None,
            crypto: Counters { verified: 7, remembered: 2, singly: 2, evicted: 3, ..CHECKED },
            shard_events: vec![15_000, 5_000],
            window_events_log2: vec![1, 2, 61],
        },
        series: Series {
            interval_ns: 1_000_000_000,
            rows: vec![
                row(0, [15_000, 9_000, 900_000], [600, 9_000, 3, 100]),
                row(1_000_000_000, [5_000, 1_000, 100_000], [400, 1_000, 7, 0]),
            ],
        },
        ended: Ended::Finished,
        watched: None,
        trace: None,
    }
}

fn row(start_ns: u64, counts: [u64; 3], values: [u64; 4]) -> SeriesRow {
    let [events, messages, bytes_on_wire] = counts;
    let digest = start_ns;
    SeriesRow { start_ns, events, messages, bytes_on_wire, digest, values: values.to_vec() }
}

/// Both together, with a cost.
pub(crate) fn record<'a>(scenario: &'a Scenario, outcome: &'a Outcome) -> Record<'a> {
    let usage = Usage { cpu_s: 0.5, peak_rss_bytes: 4_000_000 };
    let cost = Cost::new(outcome, std::time::Duration::from_millis(300), usage);
    static PLAIN: Setting = Setting { on: Vec::new(), faults: Vec::new(), adversary_nodes: 0 };
    Record {
        scenario,
        setting: &PLAIN,
        engine: EngineChoice::Sharded,
        outcome,
        cost,
        directory: Path::new("runs/x"),
    }
}

/// Standard base64, padding included, for reading interval logs back.
pub(crate) fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0u32, Vec::new());
    for digit in text.bytes().filter_map(|c| DIGITS.iter().position(|d| *d == c)) {
        bits = bits << 6 | digit as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}
