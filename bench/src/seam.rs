//! SEAM: everything the command line asks of the engine, in one place.
//!
//! THIS MODULE IS A STAND-IN. The engine's parser, network and executors are written beside it; at
//! the merge its types become re-exports and its functions one-line calls. Until then it reads just
//! enough of a scenario and invents an outcome, so that the command line can be tested whole.
//! `run` then also builds the network, whose time belongs into `HostReport::setup_ns`.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anthill_engine::network::{ModelSpec, NetworkSpec};
use anthill_engine::outcome::{Ended, HostReport, Outcome, RunResult, Series, SeriesRow};
use anthill_engine::scenario::{EngineOptions, MeasureSpec, Scenario};
use anthill_engine::topology::TopologySpec;
use anthill_protocol::parameter::{Kind, Parameter, ParameterError, Value, Values};
use anthill_protocol::{
    Configure, Message, Metric, MetricInfo, MetricKind, RunFacts, Span, Time, Totals, draw,
};
use anyhow::{Context as _, anyhow, bail};
use hdrhistogram::Histogram;

use crate::Registry;
use crate::args::EngineChoice;

/// Where a scenario comes from (becomes `anthill_engine::scenario::Source`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file; paths in it are relative to its folder.
    File(PathBuf),
    /// A text, such as a preset.
    Text {
        /// Its name in errors, and the scenario's name unless the text gives one.
        name: String,
        /// The text.
        text: String,
    },
}

/// Replaces one value of a scenario (becomes `anthill_engine::scenario::Override`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Override {
    argument: String,
    path: String,
    value: String,
}

impl Override {
    /// Reads `path=value`.
    pub(crate) fn set(argument: &str) -> anyhow::Result<Self> {
        let malformed = || anyhow!("--set {argument}: has no `=`: write path=value");
        let (path, value) = argument.split_once('=').ok_or_else(malformed)?;
        Ok(Self {
            argument: format!("--set {argument}"),
            path: path.trim().to_owned(),
            value: value.trim().to_owned(),
        })
    }

    /// What a flag of the command line stands for.
    pub(crate) fn flag(flag: &str, path: &str, value: &str) -> Self {
        Self { argument: format!("{flag} {value}"), path: path.to_owned(), value: value.to_owned() }
    }

    /// The argument as typed.
    pub(crate) fn argument(&self) -> &str {
        &self.argument
    }
}

/// What the parser has to know of a protocol (becomes `anthill_engine::scenario::ProtocolInfo`).
#[derive(Clone, Copy, Debug)]
pub struct ProtocolInfo {
    /// Its name under `[protocol]`.
    pub name: &'static str,
    /// One sentence on what it does.
    pub about: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// What it measures.
    pub metrics: &'static [MetricInfo],
    /// Finds values that contradict each other.
    pub check: fn(&Values) -> Result<(), ParameterError>,
}

impl ProtocolInfo {
    /// The description of one protocol.
    pub fn of<P: Configure>() -> Self {
        Self {
            name: P::NAME,
            about: P::ABOUT,
            parameters: P::PARAMETERS,
            metrics: P::Metric::ALL,
            check: |values| P::configure(values).map(drop),
        }
    }
}

/// What the caller and a running engine tell each other (becomes `anthill_engine::Control`).
#[derive(Debug, Default)]
pub struct Control {
    /// Set by the caller: stop at the next window boundary.
    pub interrupt: AtomicBool,
    /// Written by the engine: start of the current window, in ns of virtual time.
    pub virtual_ns: AtomicU64,
    /// Written by the engine: events handled so far.
    pub events: AtomicU64,
}

/// What a scenario would take, found without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The window, in ns.
    pub w_ns: u64,
    /// The lookahead, in ns.
    pub l_ns: u64,
    /// The links with the least delay, least first, at most ten.
    pub limiting: Vec<LimitingLink>,
    /// Latency entries below `network.min_delay` that were raised to it.
    pub clamped: u64,
    /// Events expected per window, over all nodes.
    pub events_per_window: f64,
}

/// A link whose delay limits the lookahead (becomes the engine's type of that name).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitingLink {
    /// Where it starts: a region or `any node`.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// Its least delay.
    pub floor: Span,
}

/// Memory that a scenario needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Below this it cannot run.
    pub lower_bytes: u64,
    /// The peak to expect, pending events included.
    pub expected_bytes: u64,
}

/// Parses and checks a scenario.
pub(crate) fn load(
    source: &Source,
    changes: &[Override],
    registry: &Registry,
) -> anyhow::Result<Scenario> {
    let (name, text) = match source {
        Source::Text { name, text } => (name.clone(), text.clone()),
        Source::File(path) => {
            let shown = path.display();
            anyhow::ensure!(!path.exists() || path.is_file(), "{shown}: is not a regular file");
            let text = std::fs::read_to_string(path).with_context(|| format!("{shown}"))?;
            let stem = path.file_stem().context("no file name")?;
            (stem.to_string_lossy().into_owned(), text)
        }
    };
    let run_name = name.clone();
    let mut table: toml::Table = text.parse().with_context(|| format!("{name}.toml: not TOML"))?;
    for change in changes {
        set(&mut table, change).with_context(|| change.argument().to_owned())?;
    }
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = table
        .get("protocol")
        .and_then(|protocol| protocol.get("name"))
        .map(text)
        .context("protocol.name is missing")?;
    let entry = registry.named(&name)?.protocol;
    let mut values = Values::defaults(entry.parameters);
    for (key, value) in table["protocol"].as_table().into_iter().flatten() {
        let Some(parameter) = entry.parameters.iter().find(|p| p.name == key) else {
            if key == "name" {
                continue;
            }
            bail!("unknown key protocol.{key}");
        };
        values.set(key, checked(parameter.kind, &text(value)).context(parameter.name)?);
    }
    let nodes = count(&text(table.get("nodes").context("nodes is missing")?)).context("nodes")?;
    let until = span(&text(table.get("until").context("until is missing")?)).context("until")?;
    let seed = table.get("seed").map_or(Ok(1), |seed| count(&text(seed))).context("seed")?;
    let executor = |key: &str| {
        let value = table.get("engine").and_then(|engine| engine.get(key));
        value
            .map(|v| Ok(count(&text(v)).with_context(|| format!("engine.{key}"))? as u32))
            .transpose()
    };
    let (shards, threads): (_, anyhow::Result<_>) = (executor("shards")?, executor("threads"));
    Ok(Scenario {
        name: run_name,
        seed,
        nodes: u32::try_from(nodes).ok().filter(|n| *n > 0).context("nodes: 1 to 2^32-1")?,
        until: Time(until.0),
        engine: EngineOptions { shards, threads: threads?, ..EngineOptions::default() },
        protocol: name,
        values,
        network: NetworkSpec {
            model: ModelSpec::Exponential {
                floor: Span::from_millis(1),
                mean: Span::from_millis(1),
            },
            min_delay: Span::from_micros(250),
            loopback: Span::from_micros(10),
            topology: TopologySpec::Complete,
        },
        measure: MeasureSpec::default(),
    })
}

fn set(table: &mut toml::Table, change: &Override) -> anyhow::Result<()> {
    let parsed = format!("v = {}", change.value).parse::<toml::Table>();
    let value = parsed.ok().and_then(|mut t| t.remove("v"));
    let value = value.unwrap_or_else(|| toml::Value::String(change.value.clone()));
    let (parents, key) = change.path.rsplit_once('.').unwrap_or(("", &change.path));
    let mut place = table;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        let inner = place.entry(parent).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        place = inner.as_table_mut().with_context(|| format!("{parent} is not a table"))?;
    }
    place.insert(key.to_owned(), value);
    Ok(())
}

fn count(text: &str) -> anyhow::Result<u64> {
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k')) => (&text[..at], 1_000),
        Some((at, 'M')) => (&text[..at], 1_000_000),
        Some((at, 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|_| anyhow!("`{text}` is not a number like 10k"))?;
    number.checked_mul(factor).with_context(|| format!("`{text}` is too large"))
}

fn span(text: &str) -> anyhow::Result<Span> {
    let units = [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("min", 60e9), ("s", 1e9), ("h", 3600e9)];
    let found = units.iter().find_map(|(unit, nanos)| {
        Some(Span((text.strip_suffix(unit)?.parse::<f64>().ok()? * nanos) as u64))
    });
    found.with_context(|| format!("`{text}` is not a duration like 60s"))
}

fn checked(kind: Kind, text: &str) -> anyhow::Result<Value> {
    Ok(match kind {
        Kind::Flag => Value::Flag(text.parse()?),
        Kind::Count { .. } => Value::Count(count(text)?),
        Kind::Share => Value::Share(text.parse()?),
        Kind::Span { .. } => Value::Span(span(text)?),
        Kind::Choice(words) => {
            Value::Choice(words.iter().copied().find(|w| *w == text).context("unknown word")?)
        }
    })
}

/// The scenario as TOML in which every value is stated; parses to the same scenario.
pub(crate) fn resolved_toml(scenario: &Scenario) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "seed = {}\nnodes = {}\nuntil = \"{}\"\n\n[protocol]\nname = \"{}\"\n",
        scenario.seed, scenario.nodes, scenario.until, scenario.protocol
    );
    for (name, value) in scenario.values.iter() {
        let shown = match value {
            Value::Flag(v) => v.to_string(),
            Value::Count(v) => v.to_string(),
            Value::Share(v) => v.to_string(),
            Value::Span(v) => format!("\"{v}\""),
            Value::Choice(v) => format!("\"{v}\""),
        };
        let _ = writeln!(text, "{name} = {shown}");
    }
    text
}

/// The memory a scenario needs; must not build the network.
pub(crate) fn memory<P: Configure>(scenario: &Scenario) -> anyhow::Result<MemoryEstimate> {
    let protocol = P::configure(&scenario.values)?;
    let nodes = u64::from(scenario.nodes);
    let state = nodes * size_of::<P::Node>() as u64;
    let pending = nodes as f64 * protocol.pending_per_node(1.0) * 32.0;
    Ok(MemoryEstimate { lower_bytes: state, expected_bytes: state + pending as u64 })
}

/// What a scenario would take; may build the network.
pub(crate) fn inspect<P: Configure>(scenario: &Scenario) -> anyhow::Result<Inspection> {
    let rate = P::configure(&scenario.values)?.events_per_node_second();
    let l_ns = scenario.network.min_delay.0.max(1);
    let w_ns = 1 << l_ns.ilog2();
    Ok(Inspection {
        w_ns,
        l_ns,
        limiting: vec![LimitingLink {
            from: "any node".to_owned(),
            to: "any node".to_owned(),
            floor: Span(l_ns),
        }],
        clamped: 0,
        events_per_window: f64::from(scenario.nodes) * rate * w_ns as f64 / 1e9,
    })
}

/// Runs a scenario with the chosen engine.
pub(crate) fn run<P: Configure>(
    scenario: &Scenario,
    engine: EngineChoice,
    control: &Control,
) -> anyhow::Result<Outcome> {
    P::configure(&scenario.values)?;
    // Something for Ctrl-C to interrupt.
    for _ in 0..scenario.until.0 / 3_600_000_000_000 {
        if !control.interrupt.load(Ordering::Relaxed) {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    let events = u64::from(scenario.nodes) * 8;
    control.events.store(events, Ordering::Relaxed);
    control.virtual_ns.store(scenario.until.0, Ordering::Relaxed);
    let mut histogram = Histogram::new_with_bounds(1, 1 << 62, 3)?;
    for i in 1..=100u64 {
        histogram.record(i * 1_000_000)?;
    }
    let metrics = P::Metric::ALL;
    let latency = |m: &&MetricInfo| m.kind == MetricKind::Latency;
    let latencies = metrics.iter().filter(latency).map(|m| (m.name, histogram.clone())).collect();
    let totals = Totals {
        values: vec![events; metrics.len()],
        events,
        messages: events,
        bytes_on_wire: events * 100,
        messages_by_kind: vec![events; P::Message::KINDS.len()],
    };
    let row = SeriesRow {
        start_ns: 0,
        events,
        messages: events,
        bytes_on_wire: events * 100,
        values: totals.values.clone(),
    };
    let (shards, threads) = match engine {
        EngineChoice::Sharded => {
            (scenario.engine.shards.unwrap_or(2), scenario.engine.threads.unwrap_or(2))
        }
        EngineChoice::Sequential => (1, 1),
    };
    Ok(Outcome {
        result: RunResult {
            digest: draw::mix(scenario.seed, events),
            virtual_ns: scenario.until.0,
            w_ns: 131_072,
            l_ns: 250_000,
            totals: totals.clone(),
            metrics,
            kinds: P::Message::KINDS,
            latencies,
            checks: Vec::new(),
            facts: RunFacts {
                nodes: scenario.nodes,
                until: scenario.until,
                last_event: scenario.until,
                quiescent: false,
                topology: "complete",
                edges: 0,
                exponential_delay: None,
                totals,
            },
        },
        host: HostReport { shards, threads, loop_ns: 1, loop_cpu_ns: 1, ..HostReport::default() },
        series: Series { interval_ns: scenario.until.0.max(1), rows: vec![row] },
        ended: if control.interrupt.load(Ordering::Relaxed) {
            Ended::Interrupted
        } else {
            Ended::Finished
        },
    })
}
