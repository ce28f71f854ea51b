//! No check cries "violated" on a right run, and each does on a wrong one.
//!
//! Scenarios are drawn inside and outside the bound of every check: any topology, in one direction or
//! both, in pieces; ends that come too early; networks slower than the protocol waits; terms of days or
//! of milliseconds; conditions of all kinds. Each follows from a seed, which a failure prints:
//! `ANTHILL_VERDICT_SEED=n` runs that one alone, `ANTHILL_VERDICT_SECONDS=s` goes on for that long.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anthill_engine::conditions::{ConditionsSpec, ImpairmentSpec};
use anthill_engine::judge;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedPhold;
use anthill_protocol::timers::Timers;
use anthill_protocol::traffic::Traffic;
use anthill_protocol::{Check, Configure, Message, Metric, RunFacts};
use anthill_witness::{Witness, WitnessMetric};

use crate::Ready;
use crate::swarm::weather::{Climate, Nature};
use crate::swarm::{
    Dice, gossip_text, head, network, nodes, now, number, phold_text, signed_phold_text, topology,
    witness_text,
};

/// Scenarios of an ordinary test run.
const SCENARIOS: u64 = 280;

/// How often each check was made: inside its bound and outside.
type Made = BTreeMap<&'static str, [u32; 2]>;

#[test]
fn no_check_is_violated_by_a_right_run() {
    let mut made = Made::new();
    if let Some(seed) = number("ANTHILL_VERDICT_SEED") {
        one(seed, &mut made);
        return;
    }
    (0..SCENARIOS).for_each(|seed| one(seed, &mut made));
    for name in [
        "coverage: 1 - e^(-F r)",
        "sends: sum of degrees - nodes + 1",
        "sends: edges of the reached - edges back",
        "nodes reached",
        "rounds to all: log2 n + ln n + O(1)",
        "events handled",
        "handled: nodes x population x hops",
        "timers fired",
        "requests: received = sent",
        "replies: answered = received",
        "credit: all pots = issued + counterfeit",
        "accepted double spends",
        "stakes of honest verifiers lost",
        "honest selections rejected",
    ] {
        let [inside, outside] = made.get(name).copied().unwrap_or_default();
        assert!(inside > 1, "{name}: {inside} times inside its bound, {outside} outside\n{made:?}");
    }
    if let Some(seconds) = number("ANTHILL_VERDICT_SECONDS") {
        let end = now() + std::time::Duration::from_secs(seconds);
        let mut seed = SCENARIOS;
        while now() < end {
            one(seed, &mut made);
            seed += 1;
        }
        eprintln!("{seed} scenarios: {made:#?}");
    }
}

/// Draws, runs and judges the scenario of one seed.
fn one(seed: u64, made: &mut Made) {
    let mut dice = Dice::new(seed ^ 0x7e5d);
    let dice = &mut dice;
    match dice.below(14) {
        0 => {
            let drawn = suited(phold_text(dice));
            right::<Phold>(seed, dice, drawn, made);
        }
        1 => {
            let drawn = in_step(dice);
            right::<Phold>(seed, dice, drawn, made);
        }
        2 => {
            let drawn = suited(gossip_text(dice));
            right::<Gossip>(seed, dice, drawn, made);
        }
        3 | 4 => {
            let drawn = spreading(dice);
            right::<Gossip>(seed, dice, drawn, made);
        }
        5 => {
            let drawn = spreading(dice);
            right::<SignedGossip>(seed, dice, drawn, made);
        }
        6 => {
            let drawn = suited(signed_phold_text(dice));
            right::<SignedPhold>(seed, dice, drawn, made);
        }
        7 => {
            let drawn = waiting(dice);
            right::<Timers>(seed, dice, drawn, made);
        }
        8 => {
            let drawn = load(dice);
            right::<Traffic>(seed, dice, drawn, made);
        }
        9 | 10 => {
            let drawn = suited(witness_text(dice));
            right::<Witness>(seed, dice, drawn, made);
        }
        _ => {
            let drawn = paying(dice);
            right::<Witness>(seed, dice, drawn, made);
        }
    }
}

fn suited((text, nature): (String, Nature)) -> (String, Option<Nature>) {
    (text, Some(nature))
}

/// Runs a scenario, every other time under conditions if they suit it; nothing of it is a violation.
fn right<P: Configure>(
    seed: u64,
    dice: &mut Dice,
    (text, nature): (String, Option<Nature>),
    made: &mut Made,
) {
    let mut ready = Ready::<P>::new(&text);
    if let Some(nature) = nature.filter(|_| dice.below(2) == 0) {
        let (scenario, network) = (&ready.scenario, &ready.network);
        let climate = Climate { scenario, network, kinds: P::Message::KINDS, nature };
        ready.scenario.conditions = climate.draw(dice);
    }
    let outcome = ready.sequential();
    let checks = ready.judge(&outcome);
    for check in outcome.result.checks.iter().chain(&checks) {
        let conditions = &ready.scenario.conditions;
        let is_right = check.ok || check.expected_violation;
        assert!(
            is_right,
            "ANTHILL_VERDICT_SEED={seed}\n{text}\n{conditions:?}\n{check:?}\n{:?}",
            outcome.result.totals
        );
        made.entry(check.name).or_default()[usize::from(check.expected_violation)] += 1;
    }
}

/// PHOLD whose delays hardly vary, or are a few nanoseconds, cut off anywhere.
fn in_step(dice: &mut Dice) -> (String, Option<Nature>) {
    let (floor, nodes) = (dice.spread(30), 1 + dice.below(500));
    let mean = match dice.below(4) {
        0 => 0,
        1 => floor / dice.pick(&[10, 30, 300]),
        2 => 1 + dice.below(20),
        _ => floor * dice.pick(&[1, 2, 20]),
    };
    let hops = 1 + dice.below(60_000 / nodes);
    let until = (floor + mean) * hops + dice.below(floor + 1);
    let protocol = format!(
        "name = \"phold\"\nlookahead = \"{floor}ns\"\nmean_delay = \"{mean}ns\"\nremote = {}\n",
        dice.pick(&["1.0", "0.5"])
    );
    let text = head(dice, nodes, until, &protocol) + "[network]\nmodel = \"exponential\"\n";
    (text, None)
}

/// Gossip that has time, on any graph, directed ones among them.
fn spreading(dice: &mut Dice) -> (String, Option<Nature>) {
    let count = if dice.below(2) == 0 { 1_000 + dice.below(2_000) } else { nodes(dice) };
    let (network, delay) = network(dice);
    let mode = dice.pick(&["push", "rounds", "flood", "flood", "inv"]);
    let round = delay * dice.pick(&[1, 4, 20]) + 1;
    let spreads = match mode {
        "rounds" => "mode = \"push\"\nrounds = true\n".to_owned(),
        mode => format!("mode = \"{mode}\"\n"),
    };
    let protocol = format!(
        "name = \"gossip\"\n{spreads}fanout = {}\nround = \"{round}ns\"\nretry = \"{}ns\"\n\
         origin = {}\n",
        1 + dice.pick(&[1, 2, 7, 63]),
        1 + delay * 8 / dice.pick(&[1, 100, 1_000]),
        dice.below(count),
    );
    let is_edged = matches!(mode, "flood" | "inv");
    let graph = match dice.below(4) {
        0 | 1 if is_edged && count > 1 => edges(dice, count),
        2 if is_edged => topology(dice, count),
        _ if is_edged && count > 500 => "{ kind = \"erdos-renyi\", degree = 3 }".to_owned(),
        _ => "{ kind = \"complete\" }".to_owned(),
    };
    let until = (round * 200).max(delay.saturating_mul(2_000)).min(1 << 58);
    let text = head(dice, count, until, &protocol)
        + "[network]\n"
        + &network
        + &format!("topology = {graph}\n");
    (text, None)
}

/// A file of random edges between most of some nodes, read in any direction.
fn edges(dice: &mut Dice, nodes: u64) -> String {
    let mut rows: Vec<(u64, u64)> = Vec::new();
    let most = (nodes * dice.pick(&[1, 2, 5])).min(nodes * (nodes - 1) / 2).max(1);
    for _ in 0..most {
        let (from, to) = (dice.below(nodes), dice.below(nodes));
        if from != to {
            rows.push((from, to));
            if dice.below(3) == 0 {
                rows.push((to, from));
            }
        }
    }
    rows.push((0, 1));
    rows.sort_unstable();
    rows.dedup();
    let text: String = rows.iter().map(|(from, to)| format!("{from},{to}\n")).collect();
    let name = format!("verdicts-{}-{:x}.csv", std::process::id(), dice.below(1 << 60));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    let direction = dice.pick(&["undirected", "source-to-target", "target-to-source"]);
    let path = path.display();
    format!("{{ kind = \"file\", path = \"{path}\", direction = \"{direction}\" }}")
}

fn waiting(dice: &mut Dice) -> (String, Option<Nature>) {
    let (short, repeats) = (1 + dice.spread(30), dice.below(30));
    let long = short * (1 + dice.below(100));
    let until = short * (1 + dice.below(150));
    let protocol = format!(
        "name = \"timers\"\nshort = \"{short}ns\"\nlong = \"{long}ns\"\nrepeats = {repeats}\n"
    );
    let nodes = 1 + dice.below(300);
    (head(dice, nodes, until, &protocol), Some(Nature { delay: short, may_multiply: false }))
}

fn load(dice: &mut Dice) -> (String, Option<Nature>) {
    let (count, (network, delay)) = (1 + dice.below(300), network(dice));
    let interval = (delay / dice.pick(&[1, 30])).max(1_000);
    let limit = 1 + dice.below(20);
    let protocol = format!(
        "name = \"traffic\"\ninterval = \"{interval}ns\"\nlimit = {limit}\nto = \"{}\"\n\
         servers = {}\nsenders = {}\necho = {}\narrivals = \"{}\"\n",
        dice.pick(&["random", "neighbour", "server", "all"]),
        1 + dice.below(5),
        dice.pick(&["1.0", "0.1", "0.0"]),
        dice.pick(&["true", "false"]),
        dice.pick(&["poisson", "uniform", "fixed"]),
    );
    let until =
        (interval * limit * dice.pick(&[1, 10])).saturating_add(delay * dice.pick(&[0, 20]));
    let text = head(dice, count, until, &protocol)
        + "[network]\n"
        + &network
        + &format!("topology = {}\n", topology(dice, count));
    (text, Some(Nature { delay, may_multiply: false }))
}

/// Payments on ordinary terms or hurried ones, by verifiers that answer or not, and attacks on them.
fn paying(dice: &mut Dice) -> (String, Option<Nature>) {
    let (floor, more) = dice.pick(&[(1, 9), (20, 100), (400, 900)]);
    let witnesses = dice.pick(&[5, 20]);
    let protocol = format!(
        "name = \"witness\"\nverifiers = 0.5\nwitnesses = {witnesses}\nredundancy = {}\n\
         timeout = \"{}\"\navailability = {}\nleniency = \"{}\"\ntime_to_consistency = \"{}\"\n\
         rules = \"{}\"\n",
        witnesses * 13 / 20 + 1,
        dice.pick(&["15s", "15s", "3s", "200ms", "20ms"]),
        dice.pick(&["1.0", "0.95", "0.9", "0.7"]),
        dice.pick(&["1h", "1h", "10s", "50ms"]),
        dice.pick(&["2d", "2d", "60s", "2s"]),
        dice.pick(&["corrected", "corrected", "seed"]),
    );
    let kinds = Witness::ADVERSARIES;
    let kind = kinds[dice.below(kinds.len() as u64) as usize].name;
    // Some attacks wait for days, in which a workload or pauses would take long.
    let (until, rate, pauses) = match (dice.below(3), kind) {
        (_, "coalition") => (400, dice.pick(&["0.8", "60.0"]), "0.0"),
        (0, _) => (3 * 86_400, "0.0", "0.0"),
        _ => (
            dice.pick(&[2, 20, 60, 400]),
            dice.pick(&["0.0", "15.0", "60.0"]),
            dice.pick(&["0.0", "0.0", "200.0"]),
        ),
    };
    let ideal = head(dice, 360, until * 1_000_000_000, &protocol)
        + "[crypto]\nmode = \"modelled\"\n"
        + &format!("[workload]\nrate = {rate}\n")
        + &format!("pause_rate = {pauses}\npause_length = \"30s\"\n")
        + &format!("[network]\nmodel = \"uniform\"\nmin = \"{floor}ms\"\nmax = \"{more}ms\"\n");
    let more_of_it = match kind {
        "sybil" => "identities = 40\n",
        "draw-buyer" => "hops = 4\n",
        "coalition" => "fraction = 0.02\n",
        "key-grinder" | "backdated-entropy" => "tries = 20\n",
        _ => "",
    };
    let attempts = if kind == "coalition" { "" } else { "attempts = 25\n" };
    let attacked = format!("{ideal}[adversary]\nkind = \"{kind}\"\n{attempts}{more_of_it}");
    // Some adversaries need more of the terms than others.
    let fits = parse_text("t", &attacked, &[ProtocolInfo::of::<Witness>()]).is_ok();
    let text = if fits && dice.below(3) > 0 { attacked } else { ideal };
    (text, None)
}

/// Runs a scenario that loses a share of its messages and judges it as if it lost none.
fn judged_blind<P: Configure>(text: &str, impairments: ImpairmentSpec) -> Vec<Check> {
    let mut ready = Ready::<P>::new(text);
    ready.scenario.conditions = ConditionsSpec { impairments, ..ConditionsSpec::default() };
    let mut facts = ready.sequential().result.facts;
    assert!(facts.disturbed);
    facts.disturbed = false;
    judge(&ready.protocol, &ready.network, &facts)
}

fn assert_violated<P: Configure>(text: &str, impairments: ImpairmentSpec, name: &str) {
    let checks = judged_blind::<P>(text, impairments);
    let is_violated = |c: &Check| c.name == name && !c.ok && !c.expected_violation;
    assert!(checks.iter().any(is_violated), "{name} of\n{text}\n{checks:?}");
}

/// An engine that loses or doubles messages without saying so is found out.
#[test]
fn every_check_is_violated_by_a_wrong_run_inside_its_bound() {
    let lossy = |loss| ImpairmentSpec { loss, ..ImpairmentSpec::default() };
    let doubling = ImpairmentSpec { duplication: 0.2, ..ImpairmentSpec::default() };
    let network = "[network]\nmodel = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"\n";
    let gossip = |more: &str, topology: &str| {
        format!(
            "nodes = 2000\nuntil = \"1h\"\n[protocol]\nname = \"gossip\"\n{more}\n{network}\
             topology = {topology}\n"
        )
    };
    let complete = "{ kind = \"complete\" }";
    let push = gossip("fanout = 4", complete);
    assert_violated::<Gossip>(&push, lossy(0.4), "coverage: 1 - e^(-F r)");
    let rounds = gossip("rounds = true\nround = \"100ms\"", complete);
    assert_violated::<Gossip>(&rounds, lossy(0.9), "rounds to all: log2 n + ln n + O(1)");
    let regular = "{ kind = \"random-regular\", degree = 4 }";
    assert_violated::<Gossip>(&gossip("mode = \"flood\"", regular), lossy(0.3), "nodes reached");
    assert_violated::<Gossip>(&gossip("mode = \"inv\"", regular), lossy(0.9), "nodes reached");
    // Whoever is told twice without noticing sends as often as ever: what is sent is not what is lost.
    let sends = "sends: edges of the reached - edges back";
    assert_violated::<Gossip>(&gossip("mode = \"flood\"", regular), lossy(0.3), sends);

    let phold = "nodes = 300\nuntil = \"1s\"\n[protocol]\nname = \"phold\"\n\
                 [network]\nmodel = \"exponential\"\n";
    assert_violated::<Phold>(phold, lossy(0.001), "events handled");
    let hops =
        format!("nodes = 100\nuntil = \"1h\"\n[protocol]\nname = \"signed-phold\"\n{network}");
    assert_violated::<SignedPhold>(&hops, lossy(0.01), "handled: nodes x population x hops");
    let traffic = format!(
        "nodes = 100\nuntil = \"1h\"\n[protocol]\nname = \"traffic\"\nlimit = 5\n{network}"
    );
    assert_violated::<Traffic>(&traffic, lossy(0.02), "requests: received = sent");
    assert_violated::<Traffic>(&traffic, doubling, "requests: received = sent");
    assert_violated::<Traffic>(&traffic, lossy(0.05), "replies: answered = received");
    let witness = |more: &str| {
        format!(
            "nodes = 300\nuntil = \"10min\"\n[protocol]\nname = \"witness\"\nverifiers = 0.5\n\
             witnesses = 20\nredundancy = 13\n{more}\n{network}"
        )
    };
    let paying = witness("[workload]\nrate = 60");
    assert_violated::<Witness>(&paying, lossy(0.4), "honest selections rejected");
}

/// What only a fault of the protocol could cause is written into the counters of a right run.
#[test]
fn what_no_lost_message_can_cause_is_violated_too() {
    let text = "nodes = 120\nuntil = \"1min\"\n[protocol]\nname = \"witness\"\nverifiers = 0.5\n\
                witnesses = 10\nredundancy = 7\n[workload]\nrate = 60\n[network]\n\
                model = \"uniform\"\nmin = \"10ms\"\nmax = \"20ms\"\n";
    let ready = Ready::<Witness>::new(text);
    let facts = ready.sequential().result.facts;
    for (metric, name) in [
        (WitnessMetric::Held, "credit: all pots = issued + counterfeit"),
        (WitnessMetric::DoubleSpends, "accepted double spends"),
        (WitnessMetric::Misheld, "receipts held by others than witnesses"),
        (WitnessMetric::HonestStakeLost, "stakes of honest verifiers lost"),
    ] {
        let violated = |facts: &RunFacts| {
            let checks = judge(&ready.protocol, &ready.network, facts);
            checks.iter().any(|c| c.name == name && !c.ok && !c.expected_violation)
        };
        let mut wrong = facts.clone();
        wrong.totals.values[metric.index()] += 1;
        assert!(!violated(&facts) && violated(&wrong), "{name}");
    }
    let text = "nodes = 50\nuntil = \"1h\"\n[protocol]\nname = \"timers\"\nlong = \"10s\"\n";
    let ready = Ready::<Timers>::new(text);
    let mut facts = ready.sequential().result.facts;
    facts.totals.values[0] -= 1;
    let [fired] = &judge(&ready.protocol, &ready.network, &facts)[..] else { panic!("one check") };
    assert!(!fired.ok && !fired.expected_violation, "{fired:?}");
}

/// Three nodes in a directed ring: each sends once, and all learn.
#[test]
fn a_flood_over_a_directed_ring_is_what_its_formula_says() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("verdicts-ring.csv");
    std::fs::write(&path, "source,target\n0,1\n1,2\n2,0\n").expect("a file");
    let text = format!(
        "nodes = 3\nuntil = \"10s\"\n[protocol]\nname = \"gossip\"\nmode = \"flood\"\n[network]\n\
         topology = {{ kind = \"file\", path = \"{}\", direction = \"source-to-target\" }}\n",
        path.display()
    );
    let ready = Ready::<Gossip>::new(&text);
    let [sends, reached] = &ready.judge(&ready.sequential())[..] else { panic!("two checks") };
    assert_eq!((sends.measured, sends.interval, sends.ok), (3.0, (3.0, 3.0), true), "{sends:?}");
    assert_eq!((reached.measured, reached.expected, reached.ok), (3.0, 3.0, true), "{reached:?}");
}
