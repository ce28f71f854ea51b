//! A swarm of random scenarios, most of them under random conditions: whatever is drawn, the sharded
//! engine's whole invariant part is the oracle's.
//!
//! Each scenario follows from one seed, which a failure prints. `ANTHILL_SWARM_SEED=n` runs that
//! one alone; `ANTHILL_SWARM_SECONDS=s` goes on with fresh seeds for that long.

pub(crate) mod weather;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anthill_engine::conditions::{ConditionTotals, Transport};
use anthill_engine::outcome::{RunResult, SignatureTotals, Violation};
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_engine::{Control, Key, Watch, run, sequential};
use anthill_protocol::draw::{below, draw};
use anthill_protocol::gossip::{Gossip, SignedGossip};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedPhold;
use anthill_protocol::{Configure, Message, Protocol};
use anthill_witness::Witness;

use crate::mayhem::Mayhem;
use crate::{Ready, invariant_part};
use weather::{Climate, Nature};

/// Scenarios of an ordinary test run.
const SCENARIOS: u64 = 300;
/// Ways of executing each of them.
const EXECUTIONS: usize = 3;

/// Draws from one seed.
pub(crate) struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.count += 1;
        below(draw(self.seed, self.count), bound)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A number up to `2^log2`, small ones as likely as large ones.
    pub(crate) fn spread(&mut self, log2: u64) -> u64 {
        let bits = self.below(log2 + 1);
        (1u64 << bits) + self.below(1u64 << bits)
    }
}

#[test]
fn random_scenarios_give_one_result() {
    if let Some(seed) = number("ANTHILL_SWARM_SEED") {
        one(seed);
        return;
    }
    let mut counted = BTreeMap::from([("double spend", 0)]);
    for found in (0..SCENARIOS).map(one) {
        for (name, count, _) in found.conditions.iter().flat_map(ConditionTotals::rows) {
            *counted.entry(name).or_insert(0) += count;
        }
        *counted.entry("bodies reclaimed").or_insert(0) += u128::from(found.reclaimed);
        *counted.entry("messages in order").or_insert(0) += u128::from(found.ordered);
        *counted.entry("signatures that hold").or_insert(0) += u128::from(found.good);
        *counted.entry("signatures that do not").or_insert(0) += u128::from(found.bad);
        for violation in &found.violations {
            *counted.entry(violation.invariant).or_insert(0) += u128::from(violation.events);
        }
    }
    let missing: Vec<_> = counted.iter().filter(|(_, count)| **count == 0).collect();
    assert!(!counted.is_empty() && missing.is_empty(), "never happened: {missing:?}");
    if let Some(seconds) = number("ANTHILL_SWARM_SECONDS") {
        let end = now() + Duration::from_secs(seconds);
        let mut seed = SCENARIOS;
        while now() < end {
            one(seed);
            seed += 1;
        }
        eprintln!("{seed} scenarios");
    }
}

#[allow(clippy::disallowed_methods, reason = "how long to go on testing is the host's time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What a scenario met, so that the swarm can tell that it meets all there is.
struct Found {
    conditions: Option<ConditionTotals>,
    reclaimed: u64,
    good: u64,
    bad: u64,
    violations: Vec<Violation>,
    /// Messages over connections that came after another of their sender.
    ordered: u64,
}

/// Draws and runs the scenario of one seed.
fn one(seed: u64) -> Found {
    let mut dice = Dice::new(seed);
    match dice.below(10) {
        0 => phold(&mut dice),
        1 | 2 => gossip::<Gossip>(&mut dice),
        3 => gossip::<SignedGossip>(&mut dice),
        4 => signed_phold(&mut dice),
        5 | 6 => witness(&mut dice),
        _ => mayhem(&mut dice),
    }
}

/// Names the scenario of a failure.
struct Named<'a> {
    seed: u64,
    text: &'a str,
    about: String,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("ANTHILL_SWARM_SEED={}\n{}\n{}", self.seed, self.text, self.about);
        }
    }
}

/// Runs a scenario under the oracle and several shapes of the sharded engine, two times of three
/// under conditions.
fn same<P: Protocol>(
    dice: &mut Dice,
    protocol: &P,
    ready: &Ready<impl Sized>,
    text: &str,
    nature: Nature,
) -> Found {
    let Ready { scenario, network, .. } = ready;
    let mut named = Named { seed: dice.seed, text, about: String::new() };
    let mut scenario = scenario.clone();
    let kinds = P::Message::KINDS;
    if dice.below(3) > 0 {
        let climate = Climate { scenario: &scenario, network, kinds, nature };
        scenario.conditions = climate.draw(dice);
        named.about = format!("{:?}", scenario.conditions);
    }
    let connects = scenario.conditions.transport == Transport::Connection;
    let watch = connects.then_some(Watch { from_ns: 0, to_ns: u64::MAX, most: 10_000_000 });
    let control = Control { watch, ..Control::default() };
    let oracle = sequential::run(protocol, &scenario, network, &control).expect("runs");
    let expected = invariant_part(&oracle);
    let control = Control::default();
    // A sender that comes up again starts over.
    let restarts = oracle.result.conditions.as_ref().map_or(0, |conditions| conditions.restarts);
    let ordered = match &oracle.watched {
        Some(watched) if restarts == 0 => in_order(watched.events.iter().map(|(key, _)| key)),
        _ => 0,
    };
    let conditions = named.about.clone();
    for _ in 0..EXECUTIONS {
        let options = &mut scenario.engine;
        options.shards = Some(1 + dice.below(64) as u32);
        options.threads = Some(1 + dice.below(7) as u32);
        options.stealing = dice.below(2) == 0;
        options.huge_pages = dice.below(2) == 0;
        options.subshard_nodes =
            if dice.below(3) == 0 { None } else { Some(dice.spread(11) as u32) };
        named.about = format!("{:?}\n{conditions}", scenario.engine);
        let outcome = run(protocol, &scenario, network, &control).expect("runs");
        let found = invariant_part(&outcome);
        for (found, expected) in found.split('\n').zip(expected.split('\n')) {
            assert_eq!(found, expected);
        }
    }
    let SignatureTotals { checked, failed, .. } = oracle.result.signatures;
    let reclaimed = oracle.host.bodies.reclaimed;
    let RunResult { conditions, violations, .. } = oracle.result;
    let good = checked - failed;
    Found { conditions, reclaimed, good, bad: failed, violations, ordered }
}

/// Counts the messages that one node handles of another after an earlier one, all of which it has to
/// handle in the order sent.
fn in_order<'a>(events: impl Iterator<Item = &'a Key>) -> u64 {
    let mut last = BTreeMap::new();
    let mut count = 0;
    for key in events.filter(|key| key.source != key.target) {
        if let Some(before) = last.insert((key.source, key.target), key.sequence) {
            assert!(before <= key.sequence, "{key} after {before}");
            count += 1;
        }
    }
    count
}

pub(crate) fn head(dice: &mut Dice, nodes: u64, until_ns: u64, protocol: &str) -> String {
    let mut text = format!(
        "nodes = {nodes}\nuntil = \"{until_ns}ns\"\nseed = {}\n[measure]\n",
        dice.below(1 << 40)
    );
    if dice.below(2) == 0 {
        let least = until_ns.div_ceil(dice.pick(&[1, 3, 17, 400, 9_000]));
        text += &format!("interval = \"{least}ns\"\n");
    }
    if dice.below(2) == 0 && until_ns > 1 {
        text += &format!("warmup = \"{}ns\"\n", dice.below(until_ns - 1));
    }
    text + "[protocol]\n" + protocol
}

pub(crate) fn topology(dice: &mut Dice, nodes: u64) -> String {
    let even = 2 * (1 + dice.below(4));
    match dice.below(5) {
        _ if nodes < 12 => "{ kind = \"complete\" }".into(),
        0 => format!("{{ kind = \"random-regular\", degree = {even} }}"),
        1 => format!("{{ kind = \"random-regular\", degree = {even}, implicit = false }}"),
        2 => format!("{{ kind = \"erdos-renyi\", degree = {even} }}"),
        3 => format!("{{ kind = \"barabasi-albert\", m = {} }}", even / 2),
        _ => format!("{{ kind = \"watts-strogatz\", k = {even}, beta = 0.3 }}"),
    }
}

pub(crate) fn nodes(dice: &mut Dice) -> u64 {
    match dice.below(4) {
        0 => 1 + dice.below(8),
        1 => dice.spread(7),
        _ => 1 + dice.below(3_000),
    }
}

/// A floor of one nanosecond to an hour.
fn floor_ns(dice: &mut Dice) -> u64 {
    dice.spread(41)
}

fn phold(dice: &mut Dice) -> Found {
    let (text, nature) = phold_text(dice);
    let ready = Ready::<Phold>::new(&text);
    same(dice, &ready.protocol, &ready, &text, nature)
}

/// A scenario, and what conditions have to know of it.
pub(crate) fn phold_text(dice: &mut Dice) -> (String, Nature) {
    let nodes = nodes(dice);
    let floor = floor_ns(dice);
    let mean = match dice.below(4) {
        0 => 0,
        1 => floor / 50,
        2 => floor,
        _ => (floor * 40).min(1 << 45),
    };
    let population = 1 + dice.below(if nodes < 100 { 60 } else { 3 });
    let steps = 1 + 30_000 / (nodes * population);
    let until = (floor + mean) * steps + dice.below(floor + 1);
    let protocol = format!(
        "name = \"phold\"\nlookahead = \"{floor}ns\"\nmean_delay = \"{mean}ns\"\n\
         population = {population}\nremote = {}\n",
        dice.pick(&["1.0", "0.5", "0.03", "0.0"])
    );
    let text = head(dice, nodes, until.max(1), &protocol)
        + "[network]\nmodel = \"exponential\"\ntopology = "
        + &topology(dice, nodes);
    (text, Nature { delay: floor + mean, may_multiply: steps <= 20 })
}

/// Executed one time of four; with few verdicts remembered, so that they are forgotten all the time.
fn crypto(dice: &mut Dice) -> String {
    let mode = dice.pick(&["real", "modelled", "modelled", "modelled"]);
    format!("[crypto]\nmode = \"{mode}\"\nverdicts = {}\n", dice.pick(&[14, 100, 5_000]))
}

fn signed_phold(dice: &mut Dice) -> Found {
    let (text, nature) = signed_phold_text(dice);
    let ready = Ready::<SignedPhold>::new(&text);
    same(dice, &ready.protocol, &ready, &text, nature)
}

/// Few tokens: each hop is a signature made and checked in every execution.
pub(crate) fn signed_phold_text(dice: &mut Dice) -> (String, Nature) {
    let nodes = 1 + dice.below(300);
    let (network, delay) = network(dice);
    let protocol = format!(
        "name = \"signed-phold\"\npopulation = {}\nhops = {}\n",
        1 + dice.below(3),
        1 + dice.below(6)
    );
    let until = delay * (1 + dice.below(10)) + dice.below(delay);
    let text = head(dice, nodes, until, &protocol)
        + "[network]\n"
        + &network
        + &format!("topology = {}\n", topology(dice, nodes))
        + &crypto(dice);
    (text, Nature { delay, may_multiply: true })
}

pub(crate) fn network(dice: &mut Dice) -> (String, u64) {
    let (mut text, delay) = model(dice);
    for key in ["pair_spread", "node_spread"] {
        if dice.below(4) == 0 {
            text += &format!("{key} = {}\n", dice.pick(&["0.1", "0.4", "1.0"]));
        }
    }
    (text, delay)
}

fn model(dice: &mut Dice) -> (String, u64) {
    let model = dice.below(6);
    let (floor, more) = (floor_ns(dice), dice.spread(41));
    let both = floor + more;
    match model {
        0 | 1 => {
            let preset = dice.pick(&["aws-p50", "bitcoin-2019"]);
            let jitter = dice.pick(&["fitted", "fitted", "fitted", "none"]);
            let min_delay = dice.spread(23);
            let text = format!(
                "preset = \"{preset}\"\nmin_delay = \"{min_delay}ns\"\njitter = \"{jitter}\"\n"
            );
            (text, 100_000_000)
        }
        2 => {
            let max = floor + more * dice.below(2);
            (format!("model = \"uniform\"\nmin = \"{floor}ns\"\nmax = \"{max}ns\"\n"), both)
        }
        3 => {
            (format!("model = \"exponential\"\nfloor = \"{floor}ns\"\nmean = \"{more}ns\"\n"), both)
        }
        4 => {
            (format!("model = \"synchronous\"\nmin = \"{floor}ns\"\ndelta = \"{both}ns\"\n"), both)
        }
        _ => {
            let text = format!(
                "model = \"partial\"\nfloor = \"{floor}ns\"\nmean = \"{more}ns\"\n\
                 gst = \"{}ns\"\ndelta = \"{}ns\"\n",
                dice.below(20 * both),
                floor + dice.below(2 * more),
            );
            (text, both)
        }
    }
}

fn gossip<P: Configure>(dice: &mut Dice) -> Found {
    let (text, nature) = gossip_text(dice);
    let ready = Ready::<P>::new(&text);
    same(dice, &ready.protocol, &ready, &text, nature)
}

pub(crate) fn gossip_text(dice: &mut Dice) -> (String, Nature) {
    let nodes = nodes(dice);
    let (network, delay) = network(dice);
    let round = 1 + delay / dice.pick(&[1, 2, 5]);
    let (mode, rounds) = dice.pick(&[
        ("push", false),
        ("push", true),
        ("push-pull", false),
        ("push-pull", true),
        ("flood", false),
        ("inv", false),
    ]);
    let protocol = format!(
        "name = \"gossip\"\nmode = \"{mode}\"\nrounds = {rounds}\nfanout = {}\n\
         round = \"{round}ns\"\nretry = \"{}ns\"\norigin = {}\n",
        1 + dice.below(9),
        1 + delay,
        dice.below(nodes),
    );
    let until = round * (1 + dice.below(25)) + dice.below(delay);
    let mut text = head(dice, nodes, until, &protocol) + "[network]\n" + &network;
    if nodes < 60 && dice.below(2) == 0 {
        text += "topology = { kind = \"complete\" }\n";
    } else if nodes > 12 {
        text += &format!("topology = {}\n", topology(dice, nodes));
    } else {
        text += "topology = { kind = \"complete\" }\n";
    }
    text += &crypto(dice);
    (text, Nature { delay, may_multiply: true })
}

fn witness(dice: &mut Dice) -> Found {
    let (text, nature) = witness_text(dice);
    let ready = Ready::<Witness>::new(&text);
    let found = same(dice, &ready.protocol, &ready, &text, nature);
    let broken = |violation: &&Violation| violation.invariant != "double spend";
    let broken: Vec<_> = found.violations.iter().filter(broken).collect();
    assert!(broken.is_empty(), "{broken:?} of\n{text}");
    found
}

/// Any rules, adversary and workload, all faster than they would be, on times of the network's scale.
pub(crate) fn witness_text(dice: &mut Dice) -> (String, Nature) {
    let witnesses = 3 + dice.below(20);
    let redundancy = witnesses / 2 + 1 + dice.below(witnesses.div_ceil(2));
    let (network, delay) = match dice.below(3) {
        0 => ("preset = \"aws-p50\"\n".to_owned(), 100_000_000),
        _ => {
            let (floor, more) = (1_000_000 + dice.spread(30), dice.spread(30));
            let text = format!("floor = \"{floor}ns\"\nmean = \"{more}ns\"\n");
            (format!("model = \"exponential\"\n{text}"), floor + more)
        }
    };
    let attempts = 1 + dice.below(8);
    let nodes = 6 * witnesses + 7 * attempts + 30 + dice.below(100);
    let timeout = delay * (2 + dice.below(5));
    let settles = (timeout * (3 + dice.below(20))).max(1_000_000_000);
    let mut protocol = format!(
        "name = \"witness\"\nverifiers = 0.4\nwitnesses = {witnesses}\nredundancy = {redundancy}\n\
         timeout = \"{timeout}ns\"\ntime_to_consistency = \"{settles}ns\"\n\
         leniency = \"{}ns\"\nrollover_period = \"{}ns\"\nrules = \"{}\"\n\
         entropy_rate = {}\nevent_receivers = {}\n",
        settles / 2,
        settles * (2 + dice.below(6)),
        dice.pick(&["corrected", "seed"]),
        dice.pick(&["0.0", "0.01"]),
        dice.pick(&[2, 10, u32::MAX]),
    );
    for rule in 1..=9 {
        if dice.below(6) == 0 {
            protocol += &format!("r{rule} = \"{}\"\n", dice.pick(&["on", "off"]));
        }
    }
    let until = timeout * (20 + dice.below(60));
    let each = 3.6e12 / until as f64;
    let workload = format!(
        "[workload]\nrate = {}\njoin_rate = {}\nleave_rate = {}\npause_rate = {}\n\
         pause_length = \"{}ns\"\nrollovers = 0.8\n",
        (each * dice.pick(&[0.2, 1.0, 3.0])).min(1e6),
        (24.0 * each * dice.pick(&[0.0, 0.2])).min(1e6),
        (24.0 * each * dice.pick(&[0.0, 0.05])).min(1e6),
        (24.0 * each * dice.pick(&[0.0, 0.1])).min(1e6),
        timeout * 3,
    );
    let ideal = head(dice, nodes, until, &protocol)
        + "[network]\n"
        + &network
        + "topology = { kind = \"complete\" }\n"
        + &workload
        + &crypto(dice);
    let kinds = Witness::ADVERSARIES;
    let kind = kinds[dice.below(kinds.len() as u64) as usize].name;
    let more = match kind {
        "draw-buyer" => "hops = 4\n".to_owned(),
        "colluding-witnesses" => format!(
            "spends = {}\nsources = {}\nonline = {}\n",
            2 + dice.below(2),
            1 + dice.below(2),
            dice.pick(&["1.0", "0.9"])
        ),
        "wrong-timestamp" => {
            format!("offset = \"{}ns\"\nahead = true\n", settles / 4 * dice.below(4))
        }
        _ => String::new(),
    };
    let attacked = format!("{ideal}[adversary]\nkind = \"{kind}\"\nattempts = {attempts}\n{more}");
    // Some adversaries need more of the terms than others.
    let has_attack = dice.below(3) > 0
        && match parse_text("swarm", &attacked, &[ProtocolInfo::of::<Witness>()]) {
            Ok(_) => true,
            Err(error) => {
                let error = error.to_string();
                let fits = error.contains("adversary.") || error.contains("rollover_period");
                assert!(fits, "{error}\n{attacked}");
                false
            }
        };
    (if has_attack { attacked } else { ideal }, Nature { delay, may_multiply: true })
}

/// The scenario's protocol only names the network; what runs is [`Mayhem`].
fn mayhem(dice: &mut Dice) -> Found {
    let nodes = nodes(dice);
    let (network, delay) = network(dice);
    let until = delay * (1 + dice.below(40)) + dice.below(delay);
    let text = head(dice, nodes, until, "name = \"phold\"\n")
        + "[network]\n"
        + &network
        + &format!("topology = {}\n", topology(dice, nodes))
        + &crypto(dice);
    let ready = Ready::<Phold>::new(&text);
    let window = anthill_engine::window(ready.network.lookahead());
    let parcels = 1 + (2_000 / nodes) as u32;
    let stop_at = (dice.below(2) == 0).then(|| dice.spread(14));
    let (hot, most) = (dice.below(3) == 0, 40 * parcels);
    let (books, signed) = (dice.pick(&[1, 3, 20]), dice.pick(&[7, 20, 100]));
    let protocol = Mayhem { parcels, most, window, stop_at, hot, books, signed };
    let nature = Nature { delay, may_multiply: true };
    same(dice, &protocol, &ready, &text, nature)
}
