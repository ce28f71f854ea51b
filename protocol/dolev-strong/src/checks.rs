//! Counts of finished runs beside their closed forms.

use anthill_protocol::complexity::{Cost, Law, Relation, Theory};
use anthill_protocol::{Check, RunFacts};

use crate::DolevStrong;
use crate::node::DolevStrongMetric;

/// Messages and signatures carried by one broadcast among n nodes. With a second round, all but the sender pass
/// on each of `values` values with two signatures and more, once it is not the last.
fn of_honest_sender(nodes: f64, passes_on: bool) -> (f64, f64) {
    let (first, second) = (nodes - 1.0, (nodes - 1.0) * (nodes - 2.0));
    if passes_on { (first + second, first + 2.0 * second) } else { (first, first) }
}

/// What a broadcast of an honest sender costs. Every node decides it, and says so.
pub(crate) fn theory(protocol: &DolevStrong, nodes: u32) -> Theory {
    let (n, rounds) = (f64::from(nodes), protocol.schedule().rounds);
    let (messages, carried) = of_honest_sender(n, rounds > 1);
    let exactly = |cost, expected, source| Law::new(cost, Relation::Exactly, expected, source);
    let laws = match rounds {
        1 => vec![
            exactly(Cost::Rounds, 1.0, "f + 1, f being 0 (Dolev and Strong 1983)"),
            exactly(Cost::Messages, messages, "n - 1: nothing is passed on in the last round"),
            exactly(Cost::Signatures, 1.0, "the sender's"),
        ],
        _ => vec![
            exactly(
                Cost::Rounds,
                rounds.into(),
                "f + 1; no deterministic protocol takes fewer (Dolev and Strong 1983, theorem 2)",
            ),
            exactly(
                Cost::Messages,
                messages,
                "(n - 1)^2; none that tolerates f takes fewer than floor(f/2)^2 (Dolev and Reischuk 1985)",
            ),
            exactly(Cost::Signatures, n, "n: the sender's, and one of each that passes it on"),
        ],
    };
    let bits = Law::new(Cost::Bits, Relation::Grows, carried, "(n - 1)(2n - 3) signatures carried");
    let laws = laws.into_iter().chain([bits]).collect();
    Theory::of_decisions("decided", nodes, laws)
}

pub(crate) fn checks(protocol: &DolevStrong, facts: &RunFacts) -> Vec<Check> {
    if !facts.quiescent || facts.nodes < 2 {
        return Vec::new();
    }
    let (nodes, instances) = (f64::from(facts.nodes), f64::from(protocol.instances));
    let passes_on = protocol.schedule().rounds > 1;
    let of = |metric: DolevStrongMetric| facts.totals.of(metric) as f64;
    let (messages, carried) = of_honest_sender(nodes, passes_on);
    // That an honest sender is believed is judged.
    let bound = "honest nodes, all instances over, no chain late";
    let signed = if passes_on { nodes } else { 1.0 };
    let exact = |name, measured, expected: f64| {
        Check::exact(name, bound, measured, instances * expected)
            .only_if(of(DolevStrongMetric::Late) + of(DolevStrongMetric::Refused) == 0.0)
            .if_undisturbed(facts)
    };
    let mut checks = vec![
        exact("messages: (n-1)^2 an instance", facts.totals.messages as f64, messages),
        exact("signatures carried: (n-1)(2n-3)", of(DolevStrongMetric::Carried), carried),
        exact("signatures made: n", of(DolevStrongMetric::Signed), signed),
        exact("decisions: n", of(DolevStrongMetric::Decided), nodes),
    ];
    if let Some(attack) = &protocol.attack
        && attack.is_lone_equivocator(protocol)
        && protocol.schedule().rounds > 2
        && facts.nodes > 2
    {
        let attacked = f64::from(protocol.instances.div_ceil(facts.nodes));
        let twice = (nodes - 1.0) + 2.0 * (nodes - 1.0) * (nodes - 2.0);
        let expected = attacked * twice + (instances - attacked) * messages;
        let measured = facts.totals.messages as f64;
        let check = Check::exact(
            "messages: 2(n-1)(n-2) honest ones where the sender equivocates",
            "only the sender lies",
            measured,
            expected,
        );
        checks.push(check.only_if(!facts.disturbed));
    }
    checks
}
