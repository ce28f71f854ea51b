//! Conditions as TOML: see `resolved`, of which this is a part.

use super::quantity::rate_text;
use super::resolved::{Entries, float, line, quoted, section, span, table, text_of};
use super::resolved_fault::{names, selection};
use crate::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ConditionsSpec,
    CpuSpec, ImpairmentSpec, RatesSpec, ScheduleSpec, Transport,
};
use anthill_protocol::Span;

/// Writes what belongs into `[network]`.
pub(super) fn write_links(out: &mut String, conditions: &ConditionsSpec) {
    let transport = match conditions.transport {
        Transport::Datagram => "datagram",
        Transport::Connection => "connection",
    };
    line(out, "transport", &quoted(transport));
    for (key, value) in impairments(&conditions.impairments) {
        line(out, key, &value);
    }
    if let Some(spec) = &conditions.bandwidth {
        line(out, "bandwidth", &bandwidth(spec));
    }
    if !conditions.classes.is_empty() {
        let classes = conditions.classes.iter().map(|spec| (quoted(&spec.name), class(spec)));
        line(out, "classes", &table(classes));
    }
}

/// Writes `[cpu]`, `[churn]`, `[clock]` and `[adversary]`, as far as they are there.
pub(super) fn write_nodes(out: &mut String, conditions: &ConditionsSpec, nodes: u32) {
    if let Some(spec) = &conditions.cpu {
        section(out, "cpu", cpu(spec));
    }
    if let Some(spec) = &conditions.churn {
        section(out, "churn", churn(spec));
    }
    let clock = conditions.clock;
    if clock != Default::default() {
        section(out, "clock", clock.entries());
    }
    let mut entries = Vec::new();
    if let Some(spec) = &conditions.adversary {
        entries = adversary(spec, nodes);
    }
    entries.extend(conditions.schedule.as_ref().map(|spec| ("schedule", schedule(spec))));
    if !entries.is_empty() {
        section(out, "adversary", entries);
    }
}

fn impairments(spec: &ImpairmentSpec) -> Entries {
    let mut entries = vec![
        ("loss", float(spec.loss)),
        ("duplication", float(spec.duplication)),
        ("corruption", float(spec.corruption)),
        ("reordering", float(spec.reordering)),
    ];
    if spec.reordering > 0.0 {
        entries.push(("reordering_delay", span(spec.reordering_delay)));
    }
    entries
}

fn rates(up: Option<u64>, down: Option<u64>) -> Entries {
    let rate = |key, rate: Option<u64>| rate.map(|rate| (key, quoted(&rate_text(rate))));
    rate("up", up).into_iter().chain(rate("down", down)).collect()
}

fn bandwidth(spec: &BandwidthSpec) -> String {
    let kind = |name| vec![("kind", quoted(name))];
    let mut entries = match &spec.rates {
        RatesSpec::Fixed { up, down } => [kind("fixed"), rates(*up, *down)].concat(),
        RatesSpec::Preset => kind("preset"),
        RatesSpec::Percentiles { name, .. } if name == "gervais-2016" => kind("gervais-2016"),
        RatesSpec::Percentiles { up, down, .. } => {
            let quantiles = vec![("up", quantiles(up)), ("down", quantiles(down))];
            [kind("percentiles"), quantiles].concat()
        }
        RatesSpec::Regions(regions) => {
            let region = |(name, up, down): &(String, u64, u64)| {
                (quoted(name), table(rates(Some(*up), Some(*down))))
            };
            let regions = ("rates", table(regions.iter().map(region)));
            [kind("regions"), vec![regions]].concat()
        }
        RatesSpec::NodeFile => kind("node-file"),
    };
    entries.extend(spec.cap.map(|cap| ("cap", quoted(&rate_text(cap)))));
    entries.extend(spec.queue_bytes.map(|bytes| ("queue", quoted(&bytes.to_string()))));
    table(entries)
}

fn quantiles(quantiles: &[(f64, u64)]) -> String {
    let pairs: Vec<String> = quantiles
        .iter()
        .map(|(p, rate)| format!("[{}, {}]", float(*p), quoted(&rate_text(*rate))))
        .collect();
    format!("[{}]", pairs.join(", "))
}

/// All figures, none left to a preset.
fn class(spec: &ClassSpec) -> String {
    let mut entries = vec![("share", float(spec.share)), ("preset", quoted("none"))];
    entries.extend(rates(spec.up, spec.down));
    entries.push(("latency", span(spec.latency)));
    match &spec.jitter {
        Some(jitter) => entries.push(("jitter", jitter.text())),
        None => entries.push(("sigma", float(spec.sigma))),
    }
    entries.extend(impairments(&spec.impairments));
    table(entries)
}

fn cpu(spec: &CpuSpec) -> Entries {
    let mut entries = vec![
        ("model", quoted("scaled")),
        ("cores", spec.cores.to_string()),
        ("scale", float(spec.scale)),
        ("receive", span(spec.receive)),
        ("send", span(spec.send)),
        ("timer", span(spec.timer)),
        ("kib", span(spec.kib)),
        ("sign", span(spec.sign)),
        ("verify", span(spec.verify)),
    ];
    if !spec.kinds.is_empty() {
        let kinds = spec.kinds.iter().map(|(kind, cost)| (quoted(kind), span(*cost)));
        entries.push(("kinds", table(kinds)));
    }
    entries
}

fn churn(spec: &ChurnSpec) -> Entries {
    let means = |kind, session: Span, downtime: Span| {
        vec![("kind", quoted(kind)), ("session", span(session)), ("downtime", span(downtime))]
    };
    let start = if spec.stationary { "stationary" } else { "online" };
    let who = vec![("share", float(spec.share)), ("start", quoted(start))];
    let mut entries = match &spec.times {
        ChurnTimes::Exponential { session, downtime } => {
            [means("exponential", *session, *downtime), who].concat()
        }
        ChurnTimes::Weibull { session, session_shape, downtime, downtime_shape } => {
            let shapes = vec![
                ("session_shape", float(*session_shape)),
                ("downtime_shape", float(*downtime_shape)),
            ];
            [means("weibull", *session, *downtime), shapes, who].concat()
        }
        ChurnTimes::Trace(path) => vec![("kind", quoted("trace")), ("path", text_of(path))],
    };
    entries.push(("keep_state", spec.keep_state.to_string()));
    entries
}

fn adversary(spec: &AdversarySpec, nodes: u32) -> Entries {
    let kind = match spec.behaviour {
        Behaviour::Follow => "follow",
        Behaviour::Silent => "silent",
        Behaviour::Delay(_) => "delay",
        Behaviour::Duplicate => "duplicate",
        Behaviour::Replay => "replay",
        Behaviour::Corrupt => "corrupt",
        Behaviour::Equivocate => "equivocate",
        Behaviour::Withhold { .. } => "withhold",
        Behaviour::Twins => "twins",
    };
    let mut entries = vec![("kind", quoted(kind))];
    entries.extend(selection(&spec.who, nodes, false));
    if let Behaviour::Delay(by) = spec.behaviour {
        entries.push(("by", span(by)));
    }
    if let Behaviour::Withhold { until } = spec.behaviour {
        entries.push(("release", span(Span(until.0))));
    }
    if spec.behaviour.chooses_messages() {
        if !spec.kinds.is_empty() {
            entries.push(("kinds", names(&spec.kinds)));
        }
        entries.push(("probability", float(spec.probability)));
    }
    entries
}

fn schedule(spec: &ScheduleSpec) -> String {
    let by = |kind, by: Span| vec![("kind", quoted(kind)), ("by", span(by))];
    table(match spec {
        ScheduleSpec::DelayHonest { by: delay } => by("delay-honest", *delay),
        ScheduleSpec::FavourByzantine { by: delay } => by("favour-byzantine", *delay),
        ScheduleSpec::Reorder { by: delay } => by("reorder", *delay),
        ScheduleSpec::Split { heal } => {
            vec![("kind", quoted("split")), ("heal", span(Span(heal.0)))]
        }
        ScheduleSpec::Hold { kind, timeout, margin } => vec![
            ("kind", quoted("hold")),
            ("message", quoted(kind)),
            ("timeout", span(*timeout)),
            ("margin", span(*margin)),
        ],
    })
}
