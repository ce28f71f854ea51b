//! What theory says of a run: exact counts of honest runs, and how long the worst schedules last.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, Message, RunFacts};

use crate::adversary::Attack;
use crate::coin::Coin;
use crate::messages::RandomizedMessage;
use crate::metrics::RandomizedMetric;
use crate::protocol::{Randomized, Rules};

/// Fewer agreements than this on either side of a share, and it is not judged.
const ENOUGH: f64 = 25.0;

const AFTER: [&str; 12] = [
    "undecided after 1 round",
    "undecided after 2 rounds",
    "undecided after 3 rounds",
    "undecided after 4 rounds",
    "undecided after 5 rounds",
    "undecided after 6 rounds",
    "undecided after 7 rounds",
    "undecided after 8 rounds",
    "undecided after 9 rounds",
    "undecided after 10 rounds",
    "undecided after 11 rounds",
    "undecided after 12 rounds",
];

/// The checks of a run.
pub(crate) fn checks(protocol: &Randomized, facts: &RunFacts) -> Vec<Check> {
    let mut checks = counts(protocol, facts);
    checks.extend(distribution(protocol, facts));
    checks
}

/// Messages by kind where all begin with one bit: each node sends one of each to all others in each round.
fn counts(protocol: &Randomized, facts: &RunFacts) -> Vec<Check> {
    let unanimous = matches!(protocol.inputs, "zeros" | "ones");
    if !unanimous || !facts.quiescent || protocol.adversary.attack != Attack::None {
        return Vec::new();
    }
    let members = protocol.members(facts.nodes);
    let shares = protocol.shares_needed(members) > 0;
    let kinds: &[(&str, &'static str, bool)] = match protocol.rules() {
        Rules::Mmr => &[
            ("bval", "bval: n - 1 a node and round", true),
            ("aux", "aux: n - 1 a node and round", true),
            ("conf", "conf: n - 1 a node and round, if it is on", protocol.conf),
            ("share", "share: n - 1 a node and round, if there are any", shares),
        ],
        Rules::Shi => &[
            ("pre-vote", "pre-vote: n - 1 a node and epoch", true),
            ("main-vote", "main-vote: n - 1 a node and epoch", true),
            ("share", "share: n - 1 a node and epoch, if there are any", shares),
        ],
        Rules::BenOr => &[
            ("report", "report: n - 1 a node and round", true),
            ("proposal", "proposal: n - 1 a node and round", true),
        ],
    };
    let rounds = facts.totals.of(RandomizedMetric::NodeRounds) as f64;
    let expected = rounds * f64::from(members - 1);
    let check = |(kind, name, sent): &(&str, &'static str, bool)| {
        let place = RandomizedMessage::KINDS.iter().position(|name| name == kind)?;
        let count = *facts.totals.messages_by_kind.get(place)? as f64;
        let bound = "all begin with one bit; nothing goes wrong";
        let expected = if *sent { expected } else { 0.0 };
        Some(Check::exact(name, bound, count, expected).if_undisturbed(facts))
    };
    kinds.iter().filter_map(check).collect()
}

/// P(undecided after E) as a function of E, and when it holds.
type Distribution = (Box<dyn Fn(u32) -> f64>, &'static str);

/// P[Bin(n, 1/2) > n/2 + f]: the tosses of n nodes have a majority for one bit that remains if f of it are hidden.
pub(crate) fn clear_majority(n: u32, f: u32) -> f64 {
    let mut term = 0.5_f64.powi(n.min(1_000) as i32);
    let mut sum = 0.0;
    for ones in 0..=n {
        if 2 * ones > n + 2 * f {
            sum += term;
        }
        term *= f64::from(n - ones) / f64::from(ones + 1);
    }
    sum
}

/// The distribution of a run, where it is known.
fn law(protocol: &Randomized, nodes: u32) -> Option<Distribution> {
    fn half_to(rounds: u32) -> f64 {
        (0..rounds).fold(1.0, |p, _| p / 2.0)
    }
    let n = protocol.members(nodes);
    let f = protocol.faults;
    let mixed = match protocol.inputs {
        "few" => f > 0,
        "halves" => n - f >= 2 && (protocol.rules() == Rules::Mmr || n == 3 * f + 1),
        _ => false,
    };
    let unanimous = matches!(protocol.inputs, "zeros" | "ones");
    let exact = n > 3 * f && f > 0 && [0, f].contains(&protocol.adversary.count);
    let common = protocol.coin_kind() == Coin::Common;
    let shares = protocol.shares_needed(n);
    let tosses = f > 0 && !protocol.lies() && protocol.inputs == "halves";
    Some(match (protocol.rules(), protocol.adversary.attack) {
        (Rules::Mmr, Attack::None) if unanimous && common => {
            (Box::new(half_to), "mmr, all begin with one bit: 2^-E")
        }
        (Rules::Shi, Attack::None) if unanimous => {
            (Box::new(|_| 0.0), "shi, all begin with one bit: 0")
        }
        (Rules::Mmr, Attack::Both)
            if common && protocol.conf && n > 3 * f && f > 0 && protocol.inputs == "halves" =>
        {
            (Box::new(|after| half_to(after - 1)), "mmr, all see both bits: 2^-(E-1)")
        }
        (Rules::Mmr, Attack::Worst) if common && protocol.conf && exact && mixed => (
            Box::new(|after| f64::from(after + 1) * half_to(after)),
            "mmr with CONF, worst schedule: (E+1)/2^E",
        ),
        (Rules::Mmr, Attack::Worst)
            if common && !protocol.conf && exact && mixed && n <= 4 * f && shares <= n - f =>
        {
            (Box::new(|_| 1.0), "mmr without CONF, worst schedule: 1")
        }
        (Rules::Shi, Attack::Worst) if common && exact && mixed && n <= 4 * f => {
            if shares == n - f {
                let halves = Box::new(|after| half_to(after / 2));
                (halves, "shi, coin of n - f, worst schedule: 2^-floor(E/2)")
            } else if shares <= 2 * f {
                let stays = |after| if after == 1 { 1.0 } else { 0.5 };
                (Box::new(stays), "shi, coin of at most 2f, worst schedule: 1/2")
            } else {
                return None;
            }
        }
        (Rules::BenOr, Attack::Worst) if tosses => {
            let decides = 2.0 * clear_majority(n, f);
            let bound = "ben-or, lock step: (1 - 2 P[Bin(n, 1/2) > n/2 + f])^(E-1)";
            (Box::new(move |after| (1.0 - decides).powi(after as i32 - 1)), bound)
        }
        (Rules::BenOr, Attack::OneByOne) if tosses && n % 2 == 1 => {
            let decides = clear_majority(n, f);
            let bound = "ben-or, odd n, one by one: (1 - P[Bin(n, 1/2) > n/2 + f])^(E-1)";
            (Box::new(move |after| (1.0 - decides).powi(after as i32 - 1)), bound)
        }
        _ => return None,
    })
}

/// What is undecided after so many rounds, within 4.9 deviations of what it should be.
fn distribution(protocol: &Randomized, facts: &RunFacts) -> Vec<Check> {
    let Some((law, bound)) = law(protocol, facts.nodes) else { return Vec::new() };
    if !facts.quiescent {
        return Vec::new();
    }
    let all = facts.totals.of(RandomizedMetric::Agreements) as f64;
    let rounds = (1..=protocol.horizon).zip(AFTER).zip(RandomizedMetric::UNDECIDED_AFTER);
    let check = |((after, name), metric)| {
        let (p, open) = (law(after), facts.totals.of(metric) as f64);
        if p == 0.0 || p == 1.0 {
            return Some(Check::exact(name, bound, open, all * p).only_if(!facts.disturbed));
        }
        let deviation = (all * p * (1.0 - p)).sqrt();
        let enough = all * p >= ENOUGH && all * (1.0 - p) >= ENOUGH;
        enough
            .then(|| Check::normal(name, bound, open, all * p, deviation).only_if(!facts.disturbed))
    };
    rounds.filter_map(check).collect()
}

/// What all agreements of a run cost together.
pub(crate) fn theory(protocol: &Randomized, nodes: u32) -> Theory {
    let n = protocol.members(nodes);
    let lanes = f64::from(nodes / n) * f64::from(protocol.instances);
    let (members, pairs) = (f64::from(n), f64::from(n) * f64::from(n - 1));
    let unanimous = matches!(protocol.inputs, "zeros" | "ones");
    let shares = if protocol.shares_needed(n) > 0 { pairs } else { 0.0 };
    let mut laws = Vec::new();
    match protocol.rules() {
        Rules::Mmr if unanimous && protocol.coin_kind() == Coin::Common => {
            let round = if protocol.conf { 3.0 } else { 2.0 } * pairs + shares;
            let source =
                "2 rounds of 3n(n - 1), one exchange less without CONF, one more with shares";
            let messages = 2.0 * round * lanes;
            laws.push(Law::new(Cost::Messages, Relation::OnAverage, messages, source));
            if lanes == 1.0 {
                let source = "a coin shows the bit: 2 (Mostefaoui, Moumen and Raynal 2014)";
                laws.push(Law::new(Cost::Rounds, Relation::OnAverage, 2.0, source));
            }
        }
        Rules::Shi if unanimous => {
            let messages = (2.0 * pairs + shares) * lanes;
            let source = "pre-votes, main-votes and shares: 3n(n - 1)";
            laws.push(Law::new(Cost::Messages, Relation::Exactly, messages, source));
            laws.push(Law::new(Cost::Rounds, Relation::Exactly, 1.0, "all main-vote the bit"));
            let source = "two votes a node: 2n";
            laws.push(Law::new(Cost::Signatures, Relation::Exactly, 2.0 * members * lanes, source));
        }
        Rules::BenOr if unanimous => {
            let source = "reports and proposals: 2n(n - 1)";
            let messages = 2.0 * pairs * lanes;
            laws.push(Law::new(Cost::Messages, Relation::Exactly, messages, source));
            laws.push(Law::new(Cost::Rounds, Relation::Exactly, 1.0, "all propose the bit"));
        }
        Rules::Mmr | Rules::Shi => {
            let source = "all tell all, in rounds whose number does not grow: n^2";
            laws.push(Law::new(Cost::Messages, Relation::Grows, members * members, source));
        }
        Rules::BenOr => {}
    }
    Theory::of_runs(laws)
}
