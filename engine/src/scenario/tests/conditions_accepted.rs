//! What sections beyond delays mean, defaults first.

use anthill_protocol::Time;

use super::*;
use crate::conditions::{
    AdversarySpec, BandwidthSpec, Behaviour, ChurnSpec, ChurnTimes, ClassSpec, ClockSpec,
    ConditionsSpec, CpuSpec, Direction, FaultKind, FaultSpec, Flap, ImpairmentSpec, RatesSpec,
    Role, ScheduleSpec, SelectionSpec, Transport,
};
use crate::network::rates::{GERVAIS_2016_DOWN, GERVAIS_2016_UP};
use crate::network::{JitterSpec, ModelSpec, NodeFileSpec};

const MS: Span = Span::from_millis(1);
const S: Span = Span::from_secs(1);
const MBIT: u64 = 1_000_000;

fn conditions(text: &str) -> ConditionsSpec {
    read(text).conditions
}

fn bandwidth(text: &str) -> BandwidthSpec {
    conditions(&format!("[network]\n{text}")).bandwidth.expect("rates")
}

fn model(text: &str) -> ModelSpec {
    read(&format!("[network]\n{text}")).network.model
}

fn fault(text: &str) -> FaultSpec {
    let mut faults = conditions(&format!("[[fault]]\nat = \"10s\"\n{text}")).faults;
    assert_eq!(faults.len(), 1);
    faults.remove(0)
}

fn ids(from: u32, to: u32) -> SelectionSpec {
    SelectionSpec { nodes: vec![(from, to)], ..SelectionSpec::default() }
}

#[test]
fn without_sections_the_network_is_ideal() {
    assert!(conditions("").is_ideal());
    assert!(
        conditions("[clock]\n[network]\nsharing = \"fifo\"\ntransport = \"datagram\"").is_ideal()
    );
    assert!(conditions("[network]\nreordering = 0\nreordering_delay = \"1s\"").is_ideal());
}

#[test]
fn switches_turn_sections_off_and_keep_their_keys() {
    let off = "[network]\nbandwidth = {kind = \"off\", up = \"1Mbit\"}\n[cpu]\nmodel = \"off\"\n\
               cores = 2\n[churn]\nkind = \"off\"\nsession = \"1h\"\n[adversary]\n\
               kind = \"none\"\nfraction = 0.5\nschedule = \"none\"";
    assert!(conditions(off).is_ideal());
    assert!(conditions("network.bandwidth = \"off\"").is_ideal());
    let text = gossip("[adversary]\nkind = \"silent\"\nfraction = 0.5");
    let healthy = with_overrides(&text, &["adversary.kind=none"]).unwrap();
    assert!(healthy.conditions.is_ideal());
}

#[test]
fn timing_models_are_read_and_bound_delays() {
    let synchronous = ModelSpec::Synchronous { min: Span::from_micros(250), delta: S };
    assert_eq!(model("model = \"synchronous\"\ndelta = \"1s\""), synchronous);
    let short = ModelSpec::Synchronous { min: Span(7), delta: Span(7) };
    assert_eq!(model("model = \"synchronous\"\ndelta = \"7ns\""), short);
    let floored = ModelSpec::Synchronous { min: MS, delta: S };
    let text = "model = \"synchronous\"\ndelta = \"1s\"\nmin_delay = \"1ms\"";
    assert_eq!(model(text), floored);
    assert_eq!(model("model = \"asynchronous\""), ModelSpec::Asynchronous { floor: MS, mean: MS });
    let partial = "[network]\nmodel = \"partial\"\ndelta = \"1s\"\ngst = \"10s\"\nmean = \"2ms\"\n";
    let scenario = read(partial);
    let expected = ModelSpec::Partial {
        floor: MS,
        mean: Span::from_millis(2),
        gst: Time(10_000_000_000),
        delta: S,
    };
    assert_eq!(scenario.network.model, expected);
    assert_eq!(scenario.conditions.assumed_bound, Some(S));
    let given = conditions(&format!("{partial}[measure]\nbound = \"500ms\""));
    assert_eq!(given.assumed_bound, Some(Span::from_millis(500)));
    assert_eq!(conditions("measure.bound = \"1ms\"").assumed_bound, Some(MS));
}

#[test]
fn jitter_has_more_kinds() {
    let jitter = |text: &str| match model(&format!("jitter = {text}")) {
        ModelSpec::Regional { jitter, .. } => jitter,
        other => panic!("{other:?}"),
    };
    assert_eq!(jitter("\"pareto\""), JitterSpec::Pareto);
    assert_eq!(jitter("\"none\""), JitterSpec::None);
    assert_eq!(jitter("{kind = \"gamma\", shape = 2}"), JitterSpec::Gamma { shape: 2.0 });
    let empirical = JitterSpec::Empirical { path: "x.csv".into() };
    assert_eq!(jitter("{kind = \"empirical\", path = \"x.csv\"}"), empirical);
}

#[test]
fn node_files_are_read() {
    let network = read("[network]\nnode_file = \"nodes.csv\"\nbandwidth = \"node-file\"");
    assert_eq!(network.network.node_file, Some(NodeFileSpec { path: "nodes.csv".into() }));
    let rates = network.conditions.bandwidth.map(|bandwidth| bandwidth.rates);
    assert_eq!(rates, Some(RatesSpec::NodeFile));
}

#[test]
fn rates_come_from_many_places() {
    let fixed = |up, down| RatesSpec::Fixed { up, down };
    let both = bandwidth("bandwidth = {up = \"20Mbit\", down = \"50Mbit\", cap = \"6Mbit\"}");
    assert_eq!(both.rates, fixed(Some(20 * MBIT), Some(50 * MBIT)));
    assert_eq!((both.cap, both.queue_bytes), (Some(6 * MBIT), None));
    let up = bandwidth("bandwidth = {kind = \"fixed\", up = \"1kbit\", queue = \"256kB\"}");
    assert_eq!(up.rates, fixed(Some(1_000), None));
    assert_eq!(up.queue_bytes, Some(256_000));
    let cap = bandwidth("bandwidth = {kind = \"fixed\", cap = \"6Mbit\"}");
    assert_eq!(cap.rates, fixed(None, None));
    let queue = "bandwidth = {kind = \"fixed\", queue = 1000}\nclasses = {home = 1}";
    assert_eq!(bandwidth(queue).queue_bytes, Some(1_000));
    let preset = bandwidth("preset = \"bitcoin-2019\"\nbandwidth = \"preset\"");
    assert_eq!(preset.rates, RatesSpec::Preset);
    let gervais = RatesSpec::Percentiles {
        name: "gervais-2016".into(),
        up: GERVAIS_2016_UP.to_vec(),
        down: GERVAIS_2016_DOWN.to_vec(),
    };
    assert_eq!(bandwidth("bandwidth = \"gervais-2016\"").rates, gervais);
    let text = "bandwidth = {kind = \"percentiles\", up = [[0.0, \"1Mbit\"], [0.5, \"10Mbit\"], \
                [1, \"100Mbit\"]], down = [[0, \"1Mbit\"], [1, \"1Mbit\"]]}";
    let percentiles = RatesSpec::Percentiles {
        name: "custom".into(),
        up: vec![(0.0, MBIT), (0.5, 10 * MBIT), (1.0, 100 * MBIT)],
        down: vec![(0.0, MBIT), (1.0, MBIT)],
    };
    assert_eq!(bandwidth(text).rates, percentiles);
    let text = "bandwidth = {kind = \"regions\", rates = {us-east-1 = {up = \"2Mbit\", \
                down = \"5Mbit\"}}}";
    let regions = RatesSpec::Regions(vec![("us-east-1".into(), 2 * MBIT, 5 * MBIT)]);
    assert_eq!(bandwidth(text).rates, regions);
}

#[test]
fn links_lose_copy_corrupt_and_reorder() {
    let spec = conditions(
        "[network]\nloss = 0.01\nduplication = 0.02\ncorruption = 0.03\nreordering = 0.04\n\
         reordering_delay = \"50ms\"\ntransport = \"connection\"",
    );
    let impairments = ImpairmentSpec {
        loss: 0.01,
        duplication: 0.02,
        reordering: 0.04,
        reordering_delay: Span::from_millis(50),
        corruption: 0.03,
    };
    assert_eq!(spec.impairments, impairments);
    assert_eq!(spec.transport, Transport::Connection);
}

#[test]
fn classes_are_presets_their_variants_or_of_your_own() {
    let classes = conditions(
        "[network.classes]\nlaggy = 0.2\nbad = {share = 0.05, loss = 0, up = \"1Mbit\"}\n\
         mine = {share = 0.1, preset = \"home\", latency = \"30ms\"}\nplain = {share = 0.5}",
    )
    .classes;
    let names: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["bad", "laggy", "mine", "plain"]);
    let bad = ClassSpec {
        name: "bad".into(),
        share: 0.05,
        up: Some(MBIT),
        down: Some(2 * MBIT),
        latency: Span::from_millis(120),
        sigma: 0.8,
        jitter: None,
        impairments: ImpairmentSpec {
            loss: 0.0,
            duplication: 0.005,
            reordering: 0.02,
            reordering_delay: Span::from_millis(200),
            corruption: 0.001,
        },
    };
    assert_eq!(classes[0], bad);
    assert_eq!((classes[1].up, classes[1].latency), (Some(10 * MBIT), Span::from_millis(60)));
    let mine = &classes[2];
    assert_eq!((mine.up, mine.down), (Some(20 * MBIT), Some(100 * MBIT)));
    assert_eq!((mine.latency, mine.sigma), (Span::from_millis(30), 0.5));
    assert_eq!(mine.impairments.loss, 0.001);
    let plain = &classes[3];
    assert_eq!((plain.up, plain.latency, plain.sigma), (None, Span::ZERO, 0.0));
    assert_eq!(plain.impairments, ImpairmentSpec::default());
    // A preset with reordering may be given another delay, or another share.
    let bad = conditions("network.classes.bad = {share = 1, reordering_delay = \"1s\"}").classes;
    assert_eq!(bad[0].impairments.reordering_delay, S);
    let bad = conditions("network.classes.bad = {share = 1, reordering = 0.5}").classes;
    assert_eq!(bad[0].impairments.reordering_delay, Span::from_millis(200));
}

#[test]
fn handlers_cost_what_the_table_says() {
    let us = Span::from_micros;
    let standard = CostTable::standard();
    let table = CpuSpec {
        cores: 1,
        scale: 1.0,
        receive: standard.receive,
        send: standard.send,
        timer: standard.timer,
        kib: standard.kib,
        sign: standard.sign,
        verify: standard.verify,
        kinds: Vec::new(),
    };
    assert_eq!(conditions("[cpu]").cpu.as_ref(), Some(&table));
    assert_eq!(conditions("cpu.model = \"table\"").cpu, Some(table));
    let own = conditions(
        "[cpu]\nscale = 2.5\ncores = 4\nreceive = \"7us\"\nsend = 0\ntimer = \"2us\"\n\
         kib = \"3us\"\nkinds = {data = \"20us\", inv = 0}",
    );
    let expected = CpuSpec {
        cores: 4,
        scale: 2.5,
        receive: us(7),
        send: Span::ZERO,
        timer: us(2),
        kib: us(3),
        sign: standard.sign,
        verify: standard.verify,
        kinds: vec![("data".into(), us(20)), ("inv".into(), Span::ZERO)],
    };
    assert_eq!(own.cpu, Some(expected));
}

#[test]
fn churn_and_clocks_are_read() {
    let churn = |text: &str| conditions(&format!("[churn]\n{text}")).churn.expect("churn");
    let (session, downtime) = (Span::from_secs(1_800), Span::from_secs(600));
    let means = "session = \"30min\"\ndowntime = \"10min\"";
    let exponential = ChurnSpec {
        times: ChurnTimes::Exponential { session, downtime },
        share: 1.0,
        keep_state: true,
        stationary: false,
    };
    assert_eq!(churn(&format!("kind = \"exponential\"\n{means}")), exponential);
    let weibull = churn(&format!(
        "kind = \"weibull\"\n{means}\nsession_shape = 0.4\nshare = 0.9\nkeep_state = false\n\
         start = \"stationary\""
    ));
    let expected = ChurnSpec {
        times: ChurnTimes::Weibull { session, session_shape: 0.4, downtime, downtime_shape: 0.5 },
        share: 0.9,
        keep_state: false,
        stationary: true,
    };
    assert_eq!(weibull, expected);
    let trace = churn("kind = \"trace\"\npath = \"t.csv\"").times;
    assert_eq!(trace, ChurnTimes::Trace("t.csv".into()));
    let clock = conditions("[clock]\nskew = \"50ms\"\ndrift_ppm = 20").clock;
    assert_eq!(clock, ClockSpec { skew: Span::from_millis(50), drift_ppm: 20.0 });
}

#[test]
fn adversaries_hold_nodes_and_do_things() {
    let adversary = |text: &str| conditions(&format!("[adversary]\n{text}")).adversary.unwrap();
    let silent = AdversarySpec {
        who: SelectionSpec { fraction: Some(0.1), ..SelectionSpec::default() },
        behaviour: Behaviour::Silent,
        kinds: Vec::new(),
        probability: 1.0,
    };
    assert_eq!(adversary("kind = \"silent\"\nfraction = 0.1"), silent);
    let late = adversary(
        "kind = \"delay\"\nby = \"1s\"\nkinds = [\"inv\", \"data\"]\nprobability = 0.5\n\
         nodes = [\"7-9\", 0, 1, \"3\", \"8-12\", 3]\nregions = [\"b\", \"a\"]",
    );
    let who = SelectionSpec {
        nodes: vec![(0, 1), (3, 3), (7, 12)],
        regions: vec!["a".into(), "b".into()],
        ..SelectionSpec::default()
    };
    let expected = AdversarySpec {
        who,
        behaviour: Behaviour::Delay(S),
        kinds: vec!["inv".into(), "data".into()],
        probability: 0.5,
    };
    assert_eq!(late, expected);
    for (kind, behaviour) in [
        ("follow", Behaviour::Follow),
        ("duplicate", Behaviour::Duplicate),
        ("replay", Behaviour::Replay),
        ("corrupt", Behaviour::Corrupt),
        ("equivocate", Behaviour::Equivocate),
    ] {
        let spec = adversary(&format!("kind = \"{kind}\"\nnodes = [5]"));
        assert_eq!((spec.behaviour, spec.who), (behaviour, ids(5, 5)));
    }
    let rich =
        conditions("network.node_file = \"n.csv\"\n[adversary]\nkind = \"follow\"\nstake_top = 10");
    assert_eq!(rich.adversary.unwrap().who.stake_top, Some(10));
}

#[test]
fn schedules_stand_with_and_without_held_nodes() {
    let schedule = |text: &str| conditions(&format!("[adversary]\n{text}")).schedule.unwrap();
    let split = ScheduleSpec::Split { heal: Time(30_000_000_000) };
    assert_eq!(schedule("schedule = {kind = \"split\", heal = \"30s\"}"), split);
    let never = ScheduleSpec::Split { heal: Time(3_600_000_000_000) };
    assert_eq!(schedule("schedule = {kind = \"split\", heal = \"1h\"}"), never);
    let text = "kind = \"none\"\nschedule = {kind = \"reorder\", by = \"1s\"}";
    assert_eq!(schedule(text), ScheduleSpec::Reorder { by: S });
    let hold = "schedule = {kind = \"hold\", message = \"data\", timeout = \"2s\"}";
    let expected = ScheduleSpec::Hold { kind: "data".into(), timeout: Span(2 * S.0), margin: MS };
    assert_eq!(schedule(hold), expected);
    let held = "kind = \"follow\"\nfraction = 0.3\n";
    let late = schedule(&format!("{held}schedule = {{kind = \"delay-honest\", by = \"1s\"}}"));
    assert_eq!(late, ScheduleSpec::DelayHonest { by: S });
    let text = format!("{held}schedule = {{kind = \"favour-byzantine\", by = \"1s\"}}");
    assert_eq!(schedule(&text), ScheduleSpec::FavourByzantine { by: S });
}

#[test]
fn faults_are_entries_of_a_timeline() {
    let partition = fault("heal = \"20s\"\nkind = \"partition\"\nnodes = [\"0-9\"]");
    let expected = FaultSpec {
        at: Time(10_000_000_000),
        heal: Some(Time(20_000_000_000)),
        who: ids(0, 9),
        kind: FaultKind::Partition { others: None, direction: Direction::Both },
        flap: None,
    };
    assert_eq!(partition, expected);
    let two_sides = fault(
        "kind = \"partition\"\nregions = [\"a\"]\ndirection = \"incoming\"\n\
         others = {regions = [\"b\"], fraction = 0.5}",
    );
    let others = SelectionSpec {
        regions: vec!["b".into()],
        fraction: Some(0.5),
        ..SelectionSpec::default()
    };
    let expected = FaultKind::Partition { others: Some(others), direction: Direction::Incoming };
    assert_eq!(two_sides.kind, expected);
    let outage = fault("kind = \"outage\"\nregions = [\"a\"]");
    assert_eq!(outage.kind, FaultKind::Crash { keep_state: true });
    assert_eq!(outage.heal, None);
    let crash = fault("kind = \"crash\"\nall = true");
    assert_eq!((crash.kind, crash.who), (FaultKind::Crash { keep_state: false }, ids(0, 999)));
    let crash = fault("kind = \"crash\"\nfraction = 0.1\nkeep_state = true");
    assert_eq!(crash.kind, FaultKind::Crash { keep_state: true });
    let late = fault("kind = \"delay\"\nby = \"200ms\"\nfactor = 1.5\nrole = \"honest\"");
    let by = Span::from_millis(200);
    let expected = FaultKind::Delay { by, factor: 1.5, direction: Direction::Both };
    assert_eq!((late.kind, late.who.role), (expected, Some(Role::Honest)));
    let classes = "[network]\nclasses = {home = 1}\n";
    let slow = |rest: &str| {
        let text = format!("{classes}[[fault]]\nat = 0\nkind = \"rate\"\n{rest}");
        conditions(&text).faults[0].clone()
    };
    let down = slow("down = 0.1\nclasses = [\"home\"]");
    assert_eq!(down.kind, FaultKind::Rate { up: 1.0, down: 0.1 });
    assert_eq!((down.at, down.who.classes), (Time(0), vec!["home".to_owned()]));
    assert_eq!(slow("factor = 0.5\nall = true").kind, FaultKind::Rate { up: 0.5, down: 0.5 });
}

#[test]
fn faults_impair_messages_one_way_each() {
    let impaired = |text: &str| match fault(&format!("all = true\n{text}")).kind {
        FaultKind::Impair { impairments, direction } => (impairments, direction),
        other => panic!("{other:?}"),
    };
    let none = ImpairmentSpec::default;
    let (loss, way) = impaired("kind = \"loss\"\nshare = 0.3\ndirection = \"outgoing\"");
    assert_eq!((loss, way), (ImpairmentSpec { loss: 0.3, ..none() }, Direction::Outgoing));
    let (copies, _) = impaired("kind = \"duplication\"\nshare = 0.3");
    assert_eq!(copies, ImpairmentSpec { duplication: 0.3, ..none() });
    let (flipped, _) = impaired("kind = \"corruption\"\nshare = 0.3");
    assert_eq!(flipped, ImpairmentSpec { corruption: 0.3, ..none() });
    let (held, _) = impaired("kind = \"reordering\"\nshare = 0.3\nreordering_delay = \"1s\"");
    assert_eq!(held, ImpairmentSpec { reordering: 0.3, reordering_delay: S, ..none() });
}

#[test]
fn faults_come_and_go() {
    let flap = |text: &str| fault(&format!("all = true\n{text}")).flap;
    let text = "kind = \"crash\"\nevery = \"10s\"\non = \"2s\"\nstagger = \"8s\"";
    let expected = Flap { period: Span(10 * S.0), on: Span(2 * S.0), stagger: Span(8 * S.0) };
    assert_eq!(flap(text), Some(expected));
    let text = "kind = \"loss\"\nshare = 1\nevery = \"10s\"\non = \"2s\"";
    assert_eq!(flap(text), Some(Flap { stagger: Span::ZERO, ..expected }));
}

#[test]
fn faults_may_follow_each_other_or_draw_their_own_nodes() {
    let crash = |times: &str, who: &str| format!("[[fault]]\nkind = \"crash\"\n{times}\n{who}\n");
    let count = |text: String| conditions(&text).faults.len();
    let first = "at = \"1s\"\nheal = \"2s\"";
    assert_eq!(count(crash(first, "all = true") + &crash("at = \"2s\"", "all = true")), 2);
    assert_eq!(count(crash(first, "nodes = [1]") + &crash(first, "nodes = [2]")), 2);
    let fraction = "fraction = 0.1";
    assert_eq!(count(crash(first, fraction) + &crash(first, fraction)), 2);
}

#[test]
fn overrides_reach_into_faults() {
    let text = gossip("[[fault]]\nat = \"1s\"\nkind = \"loss\"\nshare = 0.5\nall = true");
    let scenario = with_overrides(&text, &["fault.0.at=5s", "fault.0.share=0.25"]).unwrap();
    assert_eq!(scenario.conditions.faults[0].at, Time(5_000_000_000));
    let scenario = with_overrides(&text, &["fault=[]"]).unwrap();
    assert!(scenario.conditions.is_ideal());
}

/// Everyone stays everyone when a printed scenario is run with another number of nodes.
#[test]
fn everyone_is_printed_as_all() {
    let scenario = read("[[fault]]\nat = 0\nkind = \"crash\"\nnodes = [\"0-999\"]");
    assert!(scenario.to_toml().contains("\nall = true\n"), "{}", scenario.to_toml());
    let larger = with_overrides(&scenario.to_toml(), &["nodes=2000"]).unwrap();
    assert_eq!(larger.conditions.faults[0].who, ids(0, 1_999));
}
