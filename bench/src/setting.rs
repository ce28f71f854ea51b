//! What is on in a scenario, in words: every result states the conditions it was had under.

use anthill_engine::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, Conditions, ConditionsSpec,
    CpuSpec, Direction, FaultKind, FaultSpec, ImpairmentSpec, RatesSpec, Role, ScheduleSpec,
    SelectionSpec, TimelineEntry, Transport,
};
use anthill_engine::network::ModelSpec;
use anthill_engine::scenario::Scenario;
use anthill_protocol::parameter::Part;

use crate::units;

/// What befalls messages and nodes in a run, beside plain delays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Each condition that is on, in a few words that begin with its name.
    pub on: Vec<String>,
    /// The fault timeline, in the order of the scenario.
    pub faults: Vec<Fault>,
    /// How many nodes the adversary holds.
    pub adversary_nodes: u32,
}

/// An entry of the fault timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// As the engine reports it.
    pub entry: TimelineEntry,
    /// When, what and whom, in words.
    pub text: String,
}

impl Setting {
    /// The setting of a scenario whose conditions were built.
    pub(crate) fn of(scenario: &Scenario, conditions: Option<&Conditions>) -> Self {
        let adversary_nodes = conditions.map_or(0, Conditions::adversary_nodes);
        let timeline = conditions.map_or(&[][..], Conditions::timeline);
        let faults = scenario.conditions.faults.iter().zip(timeline);
        Self {
            on: on(scenario, adversary_nodes),
            faults: faults
                .map(|(spec, entry)| Fault {
                    entry: entry.clone(),
                    text: fault(spec, entry, scenario.nodes),
                })
                .collect(),
            adversary_nodes,
        }
    }

    /// Lines of a block, two columns wide; of the timeline at most `most` entries.
    pub(crate) fn lines(&self, most: usize) -> Vec<(&'static str, String)> {
        let mut lines: Vec<(&str, String)> =
            self.on.iter().map(|what| ("on", what.clone())).collect();
        lines.extend(self.faults.iter().take(most).map(|fault| ("fault", fault.text.clone())));
        if let Some(more @ 1..) = self.faults.len().checked_sub(most) {
            lines.push(("fault", format!("and {more} more, in manifest.json")));
        }
        lines
    }
}

fn on(scenario: &Scenario, adversary_nodes: u32) -> Vec<String> {
    let spec = &scenario.conditions;
    let mut on = Vec::new();
    on.extend(timing(&scenario.network.model));
    let spread = scenario.network.spread;
    for (what, sigma) in [("pair", spread.pairs), ("node", spread.nodes)] {
        if sigma > 0.0 {
            on.push(format!("{what}s differ for good: {what}_spread {sigma}"));
        }
    }
    on.extend(spec.bandwidth.as_ref().map(bandwidth));
    on.extend(classes(spec));
    on.extend(impairments(&spec.impairments));
    if spec.transport == Transport::Connection {
        let text = "transport over connections: messages of a pair arrive in the order sent; a crash \
                    of the receiver loses those under way";
        on.push(text.to_owned());
    }
    on.extend(spec.cpu.as_ref().map(cpu));
    on.extend(spec.churn.as_ref().map(churn));
    if spec.clock.skew.0 > 0 {
        on.push(format!("clock skew up to {}", units::span(spec.clock.skew.0)));
    }
    if spec.clock.drift_ppm > 0.0 {
        on.push(format!("clock drift up to {} ppm", spec.clock.drift_ppm));
    }
    on.extend(spec.adversary.as_ref().map(|a| adversary(a, adversary_nodes, scenario.nodes)));
    on.extend(scenario.values.adversary().map(|kind| own_adversary(kind, scenario)));
    on.extend(spec.schedule.as_ref().map(schedule));
    if let Some(bound) = spec.assumed_bound {
        on.push(format!("bound of {} on delays, as the protocol assumes", units::span(bound.0)));
    }
    if let n @ 1.. = spec.faults.len() {
        on.push(format!("faults: {n}"));
    }
    on
}

fn timing(model: &ModelSpec) -> Option<String> {
    match model {
        ModelSpec::Synchronous { delta, .. } => {
            Some(format!("timing synchronous: delta {}", units::span(delta.0)))
        }
        ModelSpec::Asynchronous { .. } => Some("timing asynchronous".to_owned()),
        ModelSpec::Partial { gst, delta, .. } => Some(format!(
            "timing partial: delta {} from {} on",
            units::span(delta.0),
            units::span(gst.0)
        )),
        _ => None,
    }
}

fn bandwidth(spec: &BandwidthSpec) -> String {
    let rate = |rate: &Option<u64>| rate.map_or_else(|| "infinite".to_owned(), units::rate);
    let mut text = match &spec.rates {
        RatesSpec::Fixed { up, down } => {
            format!("bandwidth {} up, {} down", rate(up), rate(down))
        }
        RatesSpec::Preset => "bandwidth by region, of the network's preset".to_owned(),
        RatesSpec::Regions(_) => "bandwidth by region".to_owned(),
        RatesSpec::Percentiles { name, .. } => format!("bandwidth drawn per node ({name})"),
        RatesSpec::NodeFile => "bandwidth by node_file".to_owned(),
    };
    if let Some(cap) = spec.cap {
        text += &format!(", at most {} between regions", units::rate(cap));
    }
    match spec.queue_bytes {
        Some(bytes) => text + &format!(", queues of {}", units::bytes(bytes)),
        None => text + ", unbounded queues",
    }
}

fn classes(spec: &ConditionsSpec) -> Option<String> {
    let names: Vec<String> =
        spec.classes.iter().map(|class| format!("{} {}", class.name, class.share)).collect();
    (!names.is_empty()).then(|| format!("link classes {}", names.join(", ")))
}

fn impairments(spec: &ImpairmentSpec) -> Vec<String> {
    let shares =
        [("loss", spec.loss), ("duplication", spec.duplication), ("corruption", spec.corruption)];
    let mut on: Vec<String> = shares
        .iter()
        .filter(|(_, share)| *share > 0.0)
        .map(|(name, share)| format!("{name} {share}"))
        .collect();
    if spec.reordering > 0.0 {
        let delay = units::span(spec.reordering_delay.0);
        on.push(format!("reordering {} within {delay}", spec.reordering));
    }
    on
}

fn cpu(spec: &CpuSpec) -> String {
    let cores = if spec.cores == 1 { "1 core" } else { &format!("{} cores", spec.cores) };
    let scale = if spec.scale == 1.0 { "" } else { &format!(", costs times {}", spec.scale) };
    format!(
        "cpu with {cores}{scale}: receive {}, send {}, timer {}, {} per KiB",
        units::span(spec.receive.0),
        units::span(spec.send.0),
        units::span(spec.timer.0),
        units::span(spec.kib.0)
    )
}

fn churn(spec: &ChurnSpec) -> String {
    let share = if spec.share < 1.0 {
        format!(", {} of the nodes", units::percent(spec.share))
    } else {
        String::new()
    };
    let means = |session: u64, downtime: u64| {
        format!("sessions of {}, downtimes of {}", units::span(session), units::span(downtime))
    };
    let text = match &spec.times {
        ChurnTimes::Exponential { session, downtime } => {
            format!("churn exponential: {}", means(session.0, downtime.0))
        }
        ChurnTimes::Weibull { session, session_shape, downtime, downtime_shape } => format!(
            "churn weibull: {}, shapes {session_shape} and {downtime_shape}",
            means(session.0, downtime.0)
        ),
        ChurnTimes::Trace(path) => format!("churn trace {}", path.display()),
    };
    let state = if spec.keep_state { "" } else { ", state lost" };
    text + &share + state
}

fn adversary(spec: &AdversarySpec, held: u32, nodes: u32) -> String {
    let what = match spec.behaviour {
        Behaviour::Follow => "follow the protocol".to_owned(),
        Behaviour::Silent => "do not send".to_owned(),
        Behaviour::Delay(by) => format!("send {} later", units::span(by.0)),
        Behaviour::Duplicate => "send twice".to_owned(),
        Behaviour::Replay => "replay".to_owned(),
        Behaviour::Corrupt => "flip bits".to_owned(),
        Behaviour::Equivocate => "equivocate".to_owned(),
        Behaviour::Withhold { until } => format!("send all at {}", units::span(until.0)),
        Behaviour::Twins => "are twins".to_owned(),
    };
    let kinds = match &spec.kinds[..] {
        [] => String::new(),
        kinds => format!(", only {}", kinds.join(", ")),
    };
    let share = if spec.probability < 1.0 {
        format!(", {} of the time", units::percent(spec.probability))
    } else {
        String::new()
    };
    format!(
        "adversary: {} nodes ({}) {what}{kinds}{share}",
        units::count(held.into()),
        units::percent(f64::from(held) / f64::from(nodes.max(1)))
    )
}

/// An adversary of the protocol's own, whose nodes only the protocol knows.
fn own_adversary(kind: &str, scenario: &Scenario) -> String {
    let values: Vec<String> = scenario
        .values
        .iter(Part::Adversary)
        .map(|(name, value)| format!("{name} {}", units::value(value)))
        .collect();
    let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
    format!("adversary {kind} of the protocol {}{values}", scenario.protocol)
}

fn schedule(spec: &ScheduleSpec) -> String {
    match spec {
        ScheduleSpec::DelayHonest { by } => {
            format!("schedule delay-honest by {}", units::span(by.0))
        }
        ScheduleSpec::FavourByzantine { by } => {
            format!("schedule favour-byzantine by {}", units::span(by.0))
        }
        ScheduleSpec::Split { heal } => format!("schedule split until {}", units::span(heal.0)),
        ScheduleSpec::Hold { kind, timeout, margin } => format!(
            "schedule hold: {kind} arrives {} before its timeout of {}",
            units::span(margin.0),
            units::span(timeout.0)
        ),
        ScheduleSpec::Reorder { by } => format!("schedule reorder within {}", units::span(by.0)),
    }
}

fn fault(spec: &FaultSpec, entry: &TimelineEntry, nodes: u32) -> String {
    let at = units::span(spec.at.0);
    let when = match spec.heal {
        Some(heal) => format!("{at} to {}", units::span(heal.0)),
        None => format!("from {at} on"),
    };
    let flaps = spec.flap.map_or_else(String::new, |flap| {
        let stagger = match flap.stagger.0 {
            0 => String::new(),
            stagger => format!(" (each node up to {} later)", units::span(stagger)),
        };
        format!(", {} of every {}{stagger}", units::span(flap.on.0), units::span(flap.period.0))
    });
    let struck = units::count(entry.nodes.into());
    let whom = match who(&spec.who) {
        _ if entry.nodes == nodes => format!("all {struck} nodes"),
        who => format!("{struck} nodes ({who})"),
    };
    format!("{when}{flaps}: {}, {whom}", what(&spec.kind))
}

fn what(kind: &FaultKind) -> String {
    let way = |direction: &Direction| match direction {
        Direction::Both => "",
        Direction::Outgoing => ", what they send",
        Direction::Incoming => ", what they receive",
    };
    match kind {
        FaultKind::Partition { others, direction } => {
            let others = others.as_ref().map(|o| format!(" from {}", who(o)));
            format!("partition{}{}", others.unwrap_or_default(), way(direction))
        }
        FaultKind::Crash { keep_state: true } => "down, state kept".to_owned(),
        FaultKind::Crash { keep_state: false } => "down, state lost".to_owned(),
        FaultKind::Impair { impairments: shares, direction } => {
            format!("{}{}", impairments(shares).join(" and "), way(direction))
        }
        FaultKind::Delay { by, factor, direction } => {
            format!("delay times {factor} and {} more{}", units::span(by.0), way(direction))
        }
        FaultKind::Rate { up, down } => format!("rates times {up} up and {down} down"),
    }
}

/// The filters of a selection, in words.
fn who(spec: &SelectionSpec) -> String {
    let mut filters = Vec::new();
    if let Some(fraction) = spec.fraction {
        filters.push(format!("{} at random", units::percent(fraction)));
    }
    filters.extend(spec.role.map(|role| match role {
        Role::Adversary => "the adversary's".to_owned(),
        Role::Honest => "honest".to_owned(),
    }));
    filters.extend(spec.stake_top.map(|top| format!("the {top} with the most stake")));
    filters.extend(some(&spec.regions));
    filters.extend(some(&spec.classes));
    let ids: Vec<String> = spec
        .nodes
        .iter()
        .map(|(from, to)| if from == to { format!("{from}") } else { format!("{from}-{to}") })
        .collect();
    filters.extend(some(&ids).map(|ids| format!("ids {ids}")));
    filters.join("; ")
}

/// The first few of a list.
fn some(names: &[String]) -> Option<String> {
    const SHOWN: usize = 4;
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = &names[..names.len().min(SHOWN)];
    (!names.is_empty()).then(|| shown.join(", ") + &more)
}

#[cfg(test)]
mod tests {
    use anthill_engine::network::Network;
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_protocol::traffic::Traffic;
    use anthill_protocol::{Configure as _, Span, Time};

    use super::*;
    use crate::fabricated;

    fn setting(more: &str) -> Setting {
        let text = format!("nodes = 1000\nuntil = \"60s\"\nprotocol.name = \"traffic\"\n{more}");
        let scenario = parse_text("a", &text, &[ProtocolInfo::of::<Traffic>()]).expect(&text);
        assert_eq!(scenario.protocol, Traffic::NAME);
        let network =
            Network::build(&scenario.network, scenario.nodes, scenario.seed).expect("a network");
        let conditions = Conditions::build(&scenario, &network, &["request", "reply"]);
        Setting::of(&scenario, conditions.expect("they fit").as_ref())
    }

    #[test]
    fn nothing_is_on_in_a_plain_scenario() {
        assert_eq!(setting(""), Setting::default());
        let off = "[cpu]\nmodel = \"off\"\n[adversary]\nkind = \"none\"\nfraction = 0.1";
        assert_eq!(setting(off), Setting::default());
    }

    #[test]
    fn whatever_is_on_is_named_first() {
        for (more, expected) in [
            (
                "network.bandwidth = { up = \"20Mbit\", queue = \"64kB\" }",
                "bandwidth 20 Mbit/s up, infinite down, queues of 64 kB",
            ),
            (
                "network.bandwidth = { kind = \"gervais-2016\", cap = \"6Mbit\" }",
                "bandwidth drawn per node (gervais-2016), at most 6 Mbit/s between regions, \
                 unbounded queues",
            ),
            ("network.loss = 0.01", "loss 0.01"),
            ("network.pair_spread = 0.3", "pairs differ for good: pair_spread 0.3"),
            ("network.node_spread = 1", "nodes differ for good: node_spread 1"),
            (
                "network.transport = \"connection\"",
                "transport over connections: messages of a pair arrive in the order sent; a crash of \
                 the receiver loses those under way",
            ),
            ("network.classes = { home = 0.6, bad = 0.1 }", "link classes bad 0.1, home 0.6"),
            (
                "network.reordering = 0.1\nnetwork.reordering_delay = \"90ms\"",
                "reordering 0.1 within 90 ms",
            ),
            (
                "cpu = { scale = 2, cores = 4 }",
                "cpu with 4 cores, costs times 2: receive 550 ns, send 2.9 us, timer 90 ns, 46 ns per KiB",
            ),
            (
                "churn = { kind = \"exponential\", session = \"1h\", downtime = \"90s\", share = 0.5 }",
                "churn exponential: sessions of 1 h, downtimes of 1.5 min, 50 % of the nodes",
            ),
            ("clock.skew = \"1s\"", "clock skew up to 1 s"),
            ("clock.drift_ppm = 50", "clock drift up to 50 ppm"),
            ("measure.bound = \"500ms\"", "bound of 500 ms on delays, as the protocol assumes"),
            (
                "adversary.schedule = { kind = \"split\", heal = \"9s\" }",
                "schedule split until 9 s",
            ),
            (
                "adversary = { kind = \"silent\", fraction = 0.1, kinds = [\"reply\"] }",
                "adversary: 100 nodes (10 %) do not send, only reply",
            ),
        ] {
            assert_eq!(setting(more).on, [expected], "{more}");
        }
        let (ms, second) = (Span::from_millis(1), Span::from_secs(1));
        let (floor, mean, delta, gst) = (ms, ms, second, Time(10_000_000_000));
        let partial = timing(&ModelSpec::Partial { floor, mean, gst, delta });
        assert_eq!(partial.as_deref(), Some("timing partial: delta 1 s from 10 s on"));
        let synchronous = timing(&ModelSpec::Synchronous { min: ms, delta });
        assert_eq!(synchronous.as_deref(), Some("timing synchronous: delta 1 s"));
    }

    #[test]
    fn adversaries_of_the_protocol_are_on_too() {
        let mut scenario = fabricated::scenario();
        let kinds = fabricated::with_workload_and_adversary().protocol.adversaries;
        scenario.values.set_adversary(&kinds[0]);
        let setting = Setting::of(&scenario, None);
        assert_eq!(setting.on, ["adversary double-signer of the protocol phold: attempts 1000"]);
    }

    #[test]
    fn the_timeline_says_when_what_and_whom() {
        let more = "
            [[fault]]
            at = \"10s\"
            heal = \"20s\"
            kind = \"partition\"
            direction = \"incoming\"
            regions = [\"us-east-1\", \"eu-west-1\"]
            [[fault]]
            at = \"1500ms\"
            kind = \"crash\"
            fraction = 0.25
            nodes = [\"0-99\"]
            every = \"24s\"
            on = \"8s\"
            stagger = \"2s\"
            [[fault]]
            at = \"0s\"
            kind = \"loss\"
            share = 0.3
            all = true";
        let setting = setting(more);
        let [cut, crash, loss] = &setting.faults[..] else { panic!("{setting:?}") };
        let region_nodes = cut.entry.nodes;
        assert!(region_nodes > 100, "{region_nodes}");
        let nodes = "nodes (eu-west-1, us-east-1)";
        let expected =
            format!("10 s to 20 s: partition, what they receive, {region_nodes} {nodes}");
        assert_eq!(cut.text, expected);
        assert_eq!(
            crash.text,
            "from 1.5 s on, 8 s of every 24 s (each node up to 2 s later): down, state lost, \
             25 nodes (25 % at random; ids 0-99)"
        );
        assert_eq!(loss.text, "from 0 s on: loss 0.3, all 1,000 nodes");
        assert_eq!(setting.on, ["faults: 3"]);
        let lines = setting.lines(2);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3], ("fault", "and 1 more, in manifest.json".to_owned()));
        assert_eq!(setting.lines(3).len(), 4);
    }
}
