//! Counts of finished runs beside their closed forms.

use anthill_protocol::{Check, RunFacts};

use crate::DolevStrong;
use crate::node::DolevStrongMetric;

/// Messages and signatures carried by one broadcast among n nodes. With a second round, all but the sender pass
/// on each of `values` values with two signatures and more, once it is not the last.
fn of_honest_sender(nodes: f64, passes_on: bool) -> (f64, f64) {
    let (first, second) = (nodes - 1.0, (nodes - 1.0) * (nodes - 2.0));
    if passes_on { (first + second, first + 2.0 * second) } else { (first, first) }
}

pub(crate) fn checks(protocol: &DolevStrong, facts: &RunFacts) -> Vec<Check> {
    if !facts.quiescent || facts.nodes < 2 {
        return Vec::new();
    }
    let (nodes, instances) = (f64::from(facts.nodes), f64::from(protocol.instances));
    let passes_on = protocol.schedule().rounds > 1;
    let of = |metric: DolevStrongMetric| facts.totals.of(metric) as f64;
    let (messages, carried) = of_honest_sender(nodes, passes_on);
    let bound = "honest nodes, all instances over";
    let signed = if passes_on { nodes } else { 1.0 };
    let exact = |name, measured, expected: f64| {
        Check::exact(name, bound, measured, instances * expected).if_undisturbed(facts)
    };
    let mut checks = vec![
        exact("messages: (n-1)^2 an instance", facts.totals.messages as f64, messages),
        exact("signatures carried: (n-1)(2n-3)", of(DolevStrongMetric::Carried), carried),
        exact("signatures made: n", of(DolevStrongMetric::Signed), signed),
        exact("decisions: n", of(DolevStrongMetric::Decided), nodes),
        exact("defaults: none", of(DolevStrongMetric::Defaults), 0.0),
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
