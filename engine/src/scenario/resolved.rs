//! A scenario as TOML with every default filled in: what `anthill validate` prints and a manifest
//! records.
//!
//! Invariant: [`super::parse_text`] reads it back as an equal scenario. What is decided only when
//! the run starts (shards, threads, rows of the series) stays out, as does what a model does not
//! use. Paths are as the scenario holds them: relative to the working directory.

use std::fmt::Write;
use std::path::Path;

use anthill_protocol::Span;
use anthill_protocol::parameter::{Part, Value, Values};

use super::Scenario;
use super::quantity::span_text;
use super::resolved_conditions::{write_links, write_nodes};
use super::resolved_fault::write_fault;
use crate::network::{
    JitterSpec, LatencyKind, ModelSpec, NetworkSpec, NodeFileSpec, RegionFormat, RegionsSpec,
};
use crate::topology::{EdgeDirection, TopologySpec};

impl Scenario {
    /// The scenario as TOML, with every default filled in.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        line(&mut out, "name", &quoted(&self.name));
        // TOML's integers have 63 bits.
        let seed = match i64::try_from(self.seed) {
            Ok(seed) => seed.to_string(),
            Err(_) => quoted(&self.seed.to_string()),
        };
        line(&mut out, "seed", &seed);
        line(&mut out, "nodes", &self.nodes.to_string());
        line(&mut out, "until", &span(Span(self.until.0)));
        out.push_str("\n[engine]\n");
        let engine = &self.engine;
        let counts = [
            ("shards", engine.shards),
            ("threads", engine.threads),
            ("subshard_nodes", engine.subshard_nodes),
            ("alone_below", engine.alone_below),
        ];
        for (key, count) in counts {
            if let Some(count) = count {
                line(&mut out, key, &count.to_string());
            }
        }
        line(&mut out, "stealing", &engine.stealing.to_string());
        line(&mut out, "huge_pages", &engine.huge_pages.to_string());
        line(&mut out, "memory_limit", &float(engine.memory_limit));
        out.push_str("\n[protocol]\n");
        line(&mut out, "name", &quoted(&self.protocol));
        write_values(&mut out, &self.values, Part::Protocol);
        if self.values.iter(Part::Workload).next().is_some() {
            out.push_str("\n[workload]\n");
            write_values(&mut out, &self.values, Part::Workload);
        }
        if let Some(kind) = self.values.adversary() {
            out.push_str("\n[adversary]\n");
            line(&mut out, "kind", &quoted(kind));
            write_values(&mut out, &self.values, Part::Adversary);
        }
        out.push_str("\n[network]\n");
        write_network(&mut out, &self.network);
        write_links(&mut out, &self.conditions);
        write_nodes(&mut out, &self.conditions, self.nodes);
        out.push_str("\n[crypto]\n");
        line(&mut out, "mode", &quoted(self.crypto.mode.name()));
        line(&mut out, "verdicts", &self.crypto.verdicts.to_string());
        line(&mut out, "budget", &span(self.crypto.budget));
        if let Some(keys) = &self.crypto.keys {
            line(&mut out, "keys", &text_of(keys.path()));
        }
        out.push_str("\n[measure]\n");
        line(&mut out, "warmup", &span(self.measure.warmup));
        if let Some(interval) = self.measure.interval {
            line(&mut out, "interval", &span(interval));
        }
        if let Some(bound) = self.conditions.assumed_bound {
            line(&mut out, "bound", &span(bound));
        }
        for fault in &self.conditions.faults {
            write_fault(&mut out, fault, self.nodes);
        }
        out
    }
}

fn write_values(out: &mut String, values: &Values, part: Part) {
    for (name, value) in values.iter(part) {
        line(out, name, &plain(value));
    }
}

fn write_network(out: &mut String, network: &NetworkSpec) {
    match &network.model {
        ModelSpec::Regional { regions, shares, jitter } => {
            line(out, "model", "\"regional\"");
            match regions {
                RegionsSpec::Preset(name) => line(out, "preset", &quoted(name)),
                other => line(out, "regions", &regions_table(other)),
            }
            if let Some(shares) = shares {
                let shares = shares.iter().map(|(name, share)| (quoted(name), float(*share)));
                line(out, "shares", &table(shares));
            }
            line(out, "jitter", &jitter_text(jitter));
        }
        ModelSpec::Uniform { min, max } => {
            line(out, "model", "\"uniform\"");
            line(out, "min", &span(*min));
            line(out, "max", &span(*max));
        }
        ModelSpec::Exponential { floor, mean } => {
            write_exponential(out, "exponential", *floor, *mean);
        }
        ModelSpec::Synchronous { min, delta } => {
            line(out, "model", "\"synchronous\"");
            line(out, "min", &span(*min));
            line(out, "delta", &span(*delta));
        }
        ModelSpec::Asynchronous { floor, mean } => {
            write_exponential(out, "asynchronous", *floor, *mean);
        }
        ModelSpec::Partial { floor, mean, gst, delta } => {
            write_exponential(out, "partial", *floor, *mean);
            line(out, "gst", &span(Span(gst.0)));
            line(out, "delta", &span(*delta));
        }
    }
    line(out, "min_delay", &span(network.min_delay));
    line(out, "loopback", &span(network.loopback));
    line(out, "pair_spread", &float(network.spread.pairs));
    line(out, "node_spread", &float(network.spread.nodes));
    line(out, "topology", &topology_table(&network.topology));
    if let Some(NodeFileSpec { path }) = &network.node_file {
        line(out, "node_file", &text_of(path));
    }
}

fn write_exponential(out: &mut String, model: &str, floor: Span, mean: Span) {
    line(out, "model", &quoted(model));
    line(out, "floor", &span(floor));
    line(out, "mean", &span(mean));
}

pub(super) fn jitter_text(jitter: &JitterSpec) -> String {
    match jitter {
        JitterSpec::Fitted => quoted("fitted"),
        JitterSpec::Lognormal { sigma } => {
            table([("kind", quoted("lognormal")), ("sigma", float(*sigma))])
        }
        JitterSpec::Gamma { shape } => table([("kind", quoted("gamma")), ("shape", float(*shape))]),
        JitterSpec::Pareto => quoted("pareto"),
        JitterSpec::None => quoted("none"),
        JitterSpec::Empirical { path } => {
            table([("kind", quoted("empirical")), ("path", text_of(path))])
        }
    }
}

fn regions_table(regions: &RegionsSpec) -> String {
    match regions {
        RegionsSpec::Preset(name) => quoted(name),
        RegionsSpec::Inline { names, p50_ms, p90_ms, latency } => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            let mut entries = vec![
                ("latency", latency_word(*latency)),
                ("names", format!("[{}]", names.join(", "))),
                ("p50_ms", matrix(p50_ms)),
            ];
            entries.extend(p90_ms.as_ref().map(|p90_ms| ("p90_ms", matrix(p90_ms))));
            table(entries)
        }
        RegionsSpec::File { path, p90_path, format, latency } => {
            let format = match format {
                RegionFormat::AwsJson => "aws-json",
                RegionFormat::Matrix => "matrix",
                RegionFormat::RipeCountry => "ripe-country",
                RegionFormat::CityPairs => "city-pairs",
            };
            let mut entries = vec![
                ("file", text_of(path)),
                ("format", quoted(format)),
                ("latency", latency_word(*latency)),
            ];
            entries.extend(p90_path.as_ref().map(|p| ("p90_file", text_of(p))));
            table(entries)
        }
    }
}

fn topology_table(topology: &TopologySpec) -> String {
    let kind = |name: &str| ("kind", quoted(name));
    match topology {
        TopologySpec::Complete => table([kind("complete")]),
        TopologySpec::RandomRegular { degree, implicit } => table([
            kind("random-regular"),
            ("degree", degree.to_string()),
            ("implicit", implicit.to_string()),
        ]),
        TopologySpec::ErdosRenyi { degree } => {
            table([kind("erdos-renyi"), ("degree", float(*degree))])
        }
        TopologySpec::BarabasiAlbert { m } => {
            table([kind("barabasi-albert"), ("m", m.to_string())])
        }
        TopologySpec::WattsStrogatz { k, beta } => {
            table([kind("watts-strogatz"), ("k", k.to_string()), ("beta", float(*beta))])
        }
        TopologySpec::File { path, latency, direction } => {
            let direction = match direction {
                EdgeDirection::Undirected => "undirected",
                EdgeDirection::SourceToTarget => "source-to-target",
                EdgeDirection::TargetToSource => "target-to-source",
            };
            let mut entries = vec![kind("file"), ("path", text_of(path))];
            entries.extend(latency.map(|latency| ("latency", latency_word(latency))));
            entries.push(("direction", quoted(direction)));
            table(entries)
        }
    }
}

pub(super) fn line(out: &mut String, key: &str, value: &str) {
    writeln!(out, "{key} = {value}").expect("writing to a string cannot fail");
}

pub(super) fn table<K: AsRef<str>>(entries: impl IntoIterator<Item = (K, String)>) -> String {
    let entries: Vec<String> =
        entries.into_iter().map(|(key, value)| format!("{} = {value}", key.as_ref())).collect();
    format!("{{ {} }}", entries.join(", "))
}

fn matrix(rows: &[Vec<f64>]) -> String {
    let row = |row: &Vec<f64>| {
        let cells: Vec<String> = row.iter().map(|cell| float(*cell)).collect();
        format!("[{}]", cells.join(", "))
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("[{}]", rows.join(", "))
}

fn latency_word(latency: LatencyKind) -> String {
    quoted(match latency {
        LatencyKind::RoundTrip => "rtt",
        LatencyKind::OneWay => "one-way",
    })
}

fn plain(value: Value) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Count(count) => match i64::try_from(count) {
            Ok(count) => count.to_string(),
            Err(_) => quoted(&count.to_string()),
        },
        Value::Share(number) | Value::Number(number) => float(number),
        Value::Span(length) => span(length),
        Value::Choice(word) => quoted(word),
    }
}

pub(super) fn span(span: Span) -> String {
    quoted(&span_text(span))
}

/// The shortest decimal that reads back as the same float.
pub(super) fn float(number: f64) -> String {
    format!("{number:?}")
}

pub(super) fn text_of(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// Text in quotes, escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\U{:08X}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
